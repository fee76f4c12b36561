#include "light/client/tx_watch.hpp"

#include <algorithm>

#include "consensus/rules/tx_rules.hpp"

namespace cairn::light {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

constexpr std::int64_t kSecond_us = 1'000'000;
constexpr std::size_t kMostBytes = 400'000;  // nodes relay nothing larger

}  // namespace

void TxWatch::on_inv(const PeerInfo& peer, const InvMessage& message, Outbox& out, std::int64_t now_us) {
    Window& window = in_flight_[peer.id];
    if (now_us - window.since_us >= kSecond_us) window = {now_us, 0};
    GetDataMessage wanted;
    for (const InvItem& item : message.items) {
        if (!item.is_tx() || seen_.contains(item.hash)) continue;
        if (++window.asked > kInFlight) break;
        seen_.insert(item.hash);
        wanted.items.push_back({item.type == kInvWtx ? std::uint32_t{kInvWtx} : std::uint32_t{kInvWitnessTx}, item.hash});
    }
    if (!wanted.items.empty()) out.send(peer.id, std::move(wanted));
}

TxWatch::Heard TxWatch::on_tx(const TxMessage& message, const std::shared_ptr<const WatchSet>& watch) {
    if (!watch || watch->scripts.empty()) return {};
    if (watch != watch_) {
        watch_ = watch;
        scripts_ = std::set<Bytes>(watch->scripts.begin(), watch->scripts.end());
    }
    if (message.raw.size() > kMostBytes) return {};
    auto tx = TransactionHolder::parse(message.raw);
    // No block ever takes one with amounts that are impossible; nobody is to add them up.
    if (!tx || !rules::check_transaction((*tx)->tx())) return {};
    const bool pays = std::ranges::any_of((*tx)->tx().outputs, [this](const TxOutput& output) { return scripts_.contains(to_bytes(output.script_pubkey)); });
    return {*tx, pays};
}

}  // namespace cairn::light
