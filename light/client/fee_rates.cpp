#include "light/client/fee_rates.hpp"

#include <algorithm>
#include <array>

#include "consensus/rules/subsidy.hpp"
#include "consensus/rules/tx_rules.hpp"

namespace cairn::light {

namespace {

constexpr int kSoon = 2, kMiddle = 6, kLate = 24;  ///< targets, in blocks

}  // namespace

void FeeRates::on_fee_filter(net::PeerId peer, std::int64_t rate) {
    if (rate >= 0 && rate < kAbsurd) floors_[peer] = rate;
    else floors_.erase(peer);
}

void FeeRates::remove(net::PeerId peer) { floors_.erase(peer); }

void FeeRates::cut(Height height) { blocks_.erase(blocks_.upper_bound(height), blocks_.end()); }

void FeeRates::on_block(const Block& block, Height height) {
    if (block.txs().empty()) return;
    FeeView::Block seen;
    Amount paid = 0;
    for (const TxOutput& output : block.txs()[0].outputs) paid += output.value;
    const Amount fees = std::max<Amount>(0, paid - rules::block_subsidy(height, params_));
    std::int64_t weight = 0;
    for (std::size_t i = 1; i < block.txs().size(); ++i) weight += block.txs()[i].weight();
    seen.empty = weight < kTelling;
    seen.full = static_cast<double>(block.weight()) >= kFull * static_cast<double>(rules::kMaxBlockWeight);
    if (weight > 0) seen.mean = static_cast<std::int64_t>(static_cast<__int128>(fees) * 4000 / weight);
    blocks_[height] = seen;
    while (blocks_.size() > kMost) blocks_.erase(blocks_.begin());
}

std::shared_ptr<const FeeView> FeeRates::view(Height tip) const {
    auto view = std::make_shared<FeeView>();
    std::vector<std::int64_t> floors;
    for (const auto& [peer, floor] : floors_) floors.push_back(floor);
    view->peers = floors.size();
    if (!floors.empty()) {
        std::ranges::nth_element(floors, floors.begin() + static_cast<std::ptrdiff_t>(floors.size() / 2));
        view->floor = floors[floors.size() / 2];
    }
    for (const auto& [height, block] : blocks_)
        if (height <= tip && tip - height < kRecent) view->blocks.emplace(height, block);
    return view;
}

std::optional<FeeView::Estimate> FeeView::estimate(int target, bool conservative) const {
    std::vector<std::int64_t> rates;
    for (const auto& [height, block] : blocks) {
        if (block.empty) continue;
        // Whoever paid the floor got into a block with room left.
        rates.push_back(block.full || !floor ? block.mean : std::min(block.mean, *floor));
    }
    if (rates.size() < FeeRates::kFewest) return std::nullopt;
    std::ranges::sort(rates);
    int step = target <= kSoon ? 0 : target <= kMiddle ? 1 : target <= kLate ? 2 : 3;
    if (conservative && step > 0) --step;
    const std::size_t last = rates.size() - 1;
    const std::array<std::size_t, 4> places{last, rates.size() / 2, rates.size() / 4, 0};
    return Estimate{std::max(rates[places[static_cast<std::size_t>(step)]], firm_floor().value_or(0)), rates.size()};
}

// --- sampling

void FeeSampler::schedule(std::int64_t now_us) {
    const std::int64_t mean = done_ < kAtOnce ? kSoon_us : 3'600'000'000 / static_cast<std::int64_t>(per_hour_);
    // Evenly spread from a half to one and a half of the mean: no rhythm to recognise.
    next_us_ = now_us + mean / 2 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(mean)));
}

void FeeSampler::tick(std::int64_t now_us) {
    if (per_hour_ == 0) return;
    if (next_us_ == 0) return schedule(now_us);
    if (now_us < next_us_) return;
    schedule(now_us);
    const HeaderNode* tip = chain_.tip();
    std::vector<const HeaderNode*> unknown;
    for (const HeaderNode* node = tip; node->parent && tip->height - node->height < kDepth; node = node->parent)
        if (!rates_.knows(node->height)) unknown.push_back(node);
    if (unknown.empty()) return;
    ++done_;
    // What it says goes to the rates by way of BlockRequests::on_fetched, as that of every other block.
    blocks_.want(unknown[random_.below(unknown.size())], [](const BlockPtr&, net::Outbox&, std::int64_t) {});
}

}  // namespace cairn::light
