#include "tests/sim/sim_role.hpp"

#include <algorithm>

namespace cairn::sim {
namespace {

constexpr std::int64_t kLateness_us = 30'000'000;
constexpr std::size_t kMaxAnnounced = 1'000;

}  // namespace

void SimRole::on_ready(net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) {
    if (peers_.try_emplace(peer.id, peer).second) ++ready_[static_cast<std::size_t>(peer.type)];
    role_.on_ready(peer, out, now_us);
}

void SimRole::on_gone(const net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) {
    if (peers_.erase(peer.id) != 0) --ready_[static_cast<std::size_t>(peer.type)];
    role_.on_gone(peer, out, now_us);
}

/// True when the message was answered with a lie.
bool SimRole::bend(net::PeerInfo& peer, net::Message& message, net::Outbox& out, std::int64_t) {
    const auto announce = [&](const BlockHeader& header) {
        if (lie_ == BlockLie::silent || lie_ == BlockLie::late || announced_.size() > kMaxAnnounced || !announced_.insert(header.hash()).second) return;
        for (const auto& [id, other] : peers_) out.send(id, net::HeadersMessage{{header}, 1});
    };
    if (const auto* compact = std::get_if<net::CompactBlockMessage>(&message)) announce(compact->header);
    if (const auto* headers = std::get_if<net::HeadersMessage>(&message); headers && headers->headers.size() == 1) announce(headers->headers[0]);
    if (lie_ != BlockLie::withhold && lie_ != BlockLie::not_found) return false;
    if (std::holds_alternative<net::GetBlockTxnMessage>(message)) return true;
    const auto* asked = std::get_if<net::GetDataMessage>(&message);
    if (!asked) return false;
    net::NotFoundMessage missing;
    for (const net::InvItem& item : asked->items)
        if (item.is_block()) missing.items.push_back(item);
    if (missing.items.empty()) return false;
    if (lie_ == BlockLie::not_found) out.send(peer.id, std::move(missing));
    return true;
}

/// Changes what the honest role is about to say.
void SimRole::bend_answers(net::Outbox& out, std::int64_t now_us) {
    if (lie_ != BlockLie::mutate && lie_ != BlockLie::silent && lie_ != BlockLie::late) return;
    for (net::RoleAction& action : out.take()) {
        auto* sending = std::get_if<net::SendAction>(&action);
        if (!sending) {
            if (const auto* end = std::get_if<net::DisconnectAction>(&action)) out.disconnect(end->peer, end->reason, end->kind);
            if (const auto* blame = std::get_if<net::MisbehavingAction>(&action)) out.misbehaving(blame->peer, blame->reason);
            continue;
        }
        auto* block = std::get_if<net::BlockMessage>(&sending->message);
        const bool announces = std::holds_alternative<net::CompactBlockMessage>(sending->message) || std::holds_alternative<net::HeadersMessage>(sending->message) ||
                               std::holds_alternative<net::InvMessage>(sending->message);
        if (lie_ == BlockLie::silent && announces) continue;
        if (block && lie_ == BlockLie::mutate) block->raw.back() ^= 1;
        if (block && lie_ == BlockLie::late)
            late_.push_back({now_us + kLateness_us, sending->peer, std::move(sending->message)});
        else
            out.send(sending->peer, std::move(sending->message));
    }
}

void SimRole::on_message(net::PeerInfo& peer, net::Message&& message, net::Outbox& out, std::int64_t now_us) {
    if (lie_ != BlockLie::none && bend(peer, message, out, now_us)) return;
    role_.on_message(peer, std::move(message), out, now_us);
    bend_answers(out, now_us);
}

void SimRole::on_pump(net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) {
    role_.on_pump(peer, out, now_us);
    bend_answers(out, now_us);
}

void SimRole::on_tick(net::Outbox& out, std::int64_t now_us) {
    role_.on_tick(out, now_us);
    bend_answers(out, now_us);
    for (auto& late : late_)
        if (late.at_us <= now_us) out.send(late.peer, std::move(late.message));
    std::erase_if(late_, [now_us](const Late& late) { return late.at_us <= now_us; });
}

}  // namespace cairn::sim
