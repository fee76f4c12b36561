#include "node/relay/fee_filter.hpp"

#include <algorithm>

#include "net/core/intervals.hpp"

namespace cairn::node {

namespace {

constexpr double kHighestRate = 1e7;  // satoshis per kvB
constexpr double kSpacing = 1.1;
constexpr std::int64_t kInterval_us = 10LL * 60 * 1'000'000;
constexpr std::int64_t kMaxChangeDelay_us = 5LL * 60 * 1'000'000;
constexpr std::int32_t kFeeFilterVersion = 70013;

}  // namespace

FeeFilterRounder::FeeFilterRounder(FeeRate incremental) {
    steps_.push_back({0});
    const auto lowest = static_cast<double>(std::max<Amount>(1, incremental.per_kvb / 2));
    for (double step = lowest; step <= kHighestRate; step *= kSpacing)
        if (const auto rate = static_cast<Amount>(step); rate > steps_.back().per_kvb) steps_.push_back({rate});
}

FeeRate FeeFilterRounder::round(FeeRate rate, net::Random& random) const {
    const auto above = std::lower_bound(steps_.begin(), steps_.end(), rate);
    if (above == steps_.end()) return steps_.back();
    if (above != steps_.begin() && random.below(3) != 0) return *std::prev(above);
    return *above;
}

void FeeFilter::pump(const net::PeerInfo& peer, FeeRate minimum, bool initial_block_download, net::Outbox& out, std::int64_t now_us) {
    if (peer.common_version < kFeeFilterVersion || peer.has(net::kPermitForceRelay) || peer.block_only()) return;
    Peer& state = peers_[peer.id];
    // At its least the mempool asks for nothing beyond the relay fee, which is added below and not rounded.
    if (minimum <= options_.min_relay) minimum = {0};
    if (initial_block_download)
        minimum = {kMaxMoney};
    else if (state.sent == rounder_.highest())
        state.next_us = 0;  // out of initial download: say so at once
    if (now_us > state.next_us) {
        const FeeRate filter = std::max(rounder_.round(minimum, random_), options_.min_relay);
        if (filter != state.sent) {
            out.send(peer.id, net::FeeFilterMessage{filter.per_kvb});
            state.sent = filter;
        }
        state.next_us = now_us + exponential_interval(random_, kInterval_us);
    } else if (now_us + kMaxChangeDelay_us < state.next_us &&
               (minimum.per_kvb < 3 * state.sent.per_kvb / 4 || minimum.per_kvb > 4 * state.sent.per_kvb / 3)) {
        state.next_us = now_us + static_cast<std::int64_t>(random_.below(kMaxChangeDelay_us));
    }
}

}  // namespace cairn::node
