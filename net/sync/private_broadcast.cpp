#include "net/sync/private_broadcast.hpp"

#include <algorithm>
#include <tuple>

#include "net/wire/codec.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kRetryMin_us = 2LL * 60 * 1'000'000;
constexpr std::int64_t kRetrySpread_us = 60LL * 1'000'000;
constexpr std::int64_t kLongestTick_us = 1'000'000;  // more is a clock that was set

std::string name_of(const Transaction& tx) {
    return fmt::format("txid={}, wtxid={}", tx.txid.to_display_hex(), tx.wtxid.to_display_hex());
}

}  // namespace

PrivateBroadcast::PrivateBroadcast(Random random, Options options) : random_(std::move(random)), options_(options) {}

bool PrivateBroadcast::may_send(std::string_view command) {
    return command == "version" || command == "verack" || command == "inv" || command == "tx" || command == "ping";
}

// --- transactions

PrivateBroadcast::AddResult PrivateBroadcast::add(Request request, LogLines& log, std::int64_t now_us) {
    const TransactionPtr tx = request.tx;
    const auto found = entries_.find(tx->tx().wtxid);
    if (found != entries_.end() && pending(found->second)) {
        log.private_broadcast("Ignoring unnecessary request to schedule an already scheduled transaction: {}", name_of(tx->tx()));
        return AddResult::known;
    }
    if (found == entries_.end() && entries_.size() >= options_.max_transactions) {
        log.private_broadcast("Rejecting private broadcast, queue full (cap={}): {}", options_.max_transactions, name_of(tx->tx()));
        return AddResult::full;
    }
    Entry fresh;
    fresh.tx = tx;
    fresh.parents = std::move(request.parents);
    fresh.attempts = std::min(request.attempts.value_or(options_.max_attempts), options_.max_attempts);
    fresh.added_us = now_us;
    entries_[tx->tx().wtxid] = std::move(fresh);
    log.private_broadcast("Requesting {} new connections due to {}", kRecipients, name_of(tx->tx()));
    wanted_ += kRecipients;
    return AddResult::added;
}

std::optional<std::size_t> PrivateBroadcast::remove(const Wtxid& wtxid) {
    const auto found = entries_.find(wtxid);
    if (found == entries_.end()) return std::nullopt;
    const std::size_t confirmed = found->second.confirmed;
    entries_.erase(found);
    return confirmed;
}

/// A transaction is gone that so many peers confirmed: the connections that were still to come for it are not needed.
void PrivateBroadcast::cancel(std::size_t confirmed) {
    if (confirmed < kRecipients) wanted_ -= std::min(wanted_, kRecipients - confirmed);
}

std::vector<TransactionPtr> PrivateBroadcast::abort(const Uint256& id) {
    std::vector<TransactionPtr> removed;
    for (const auto& [wtxid, entry] : entries_)
        if (Uint256(wtxid) == id || Uint256(entry.tx->tx().txid) == id) removed.push_back(entry.tx);
    for (const TransactionPtr& tx : removed) cancel(*remove(tx->tx().wtxid));
    return removed;
}

void PrivateBroadcast::on_heard(const TransactionPtr& tx, PeerId from, LogLines& log) {
    if (entries_.empty()) return;
    const auto confirmed = remove(tx->tx().wtxid);
    if (!confirmed) return;
    log.private_broadcast("Received our privately broadcast transaction (txid={}) from the network from peer={}; stopping private broadcast attempts",
                          tx->tx().txid.to_display_hex(), from);
    cancel(*confirmed);
}

std::vector<PrivateBroadcast::Picture> PrivateBroadcast::pictures() const {
    std::vector<Picture> all;
    for (const auto& [wtxid, entry] : entries_) all.push_back(picture(entry));
    return all;
}

std::optional<PrivateBroadcast::Picture> PrivateBroadcast::picture(const Wtxid& wtxid) const {
    const auto found = entries_.find(wtxid);
    return found == entries_.end() ? std::nullopt : std::optional(picture(found->second));
}

// --- trying again

bool PrivateBroadcast::tick(std::int64_t now_us) {
    retry_in_us_ -= std::clamp<std::int64_t>(now_us - last_tick_us_, 0, kLongestTick_us);
    last_tick_us_ = now_us;
    if (retry_in_us_ > 0) return false;
    retry_in_us_ = kRetryMin_us + static_cast<std::int64_t>(random_.below(kRetrySpread_us));
    return !entries_.empty();
}

std::vector<TransactionPtr> PrivateBroadcast::stale(std::int64_t now_us) const {
    std::vector<TransactionPtr> found;
    for (const auto& [wtxid, entry] : entries_) {
        if (!pending(entry)) continue;
        const bool old = entry.confirmed == 0 ? entry.added_us < now_us - kFirstStale_us : entry.last_confirmed_us < now_us - kStale_us;
        if (old) found.push_back(entry.tx);
    }
    return found;
}

void PrivateBroadcast::on_stale_judged(const TransactionPtr& tx, const std::string& problem, LogLines& log) {
    const Wtxid& wtxid = tx->tx().wtxid;
    if (!entries_.contains(wtxid)) return;  // it came back meanwhile
    const std::string txid = tx->tx().txid.to_display_hex();
    if (problem.empty()) {
        log.private_broadcast("Reattempting broadcast of stale txid={} wtxid={}", txid, wtxid.to_display_hex());
        ++wanted_;
        return;
    }
    log.private_broadcast("Giving up broadcast attempts for txid={} wtxid={}: {}", txid, wtxid.to_display_hex(), problem);
    entries_.erase(wtxid);
}

// --- connections

/// Least often sent, then least often confirmed, then longest ago.
PrivateBroadcast::Entry* PrivateBroadcast::most_urgent() {
    const auto rank = [](const Entry& entry) {
        return std::tuple(entry.recipients.size(), entry.confirmed, entry.last_sent_us, entry.last_confirmed_us);
    };
    Entry* best = nullptr;
    for (auto& [wtxid, entry] : entries_)
        if (pending(entry) && (!best || rank(entry) < rank(*best))) best = &entry;
    return best;
}

void PrivateBroadcast::on_ready(const PeerInfo& peer, Outbox& out, std::int64_t now_us) {
    Entry* entry = errands_.contains(peer.id) ? nullptr : most_urgent();
    if (!entry) {
        out.log().private_broadcast("Disconnecting: no more transactions for private broadcast (connected in vain), peer={}", peer.id);
        out.disconnect(peer.id, {});
        return;
    }
    Errand errand;
    errand.tx = entry->tx;
    errand.place = entry->recipients.size();
    errand.sent_us = now_us;
    errand.parents = entry->parents;
    errands_[peer.id] = std::move(errand);
    entry->recipients.push_back({peer.address, now_us, std::nullopt, false});
    entry->last_sent_us = std::max(entry->last_sent_us, now_us);
    const Transaction& tx = entry->tx->tx();
    out.log().private_broadcast("P2P handshake completed, sending INV for txid={}{}, peer={}", tx.txid.to_display_hex(),
                                tx.has_witness() ? ", wtxid=" + tx.wtxid.to_display_hex() : std::string(), peer.id);
    out.send(peer.id, InvMessage{{{kInvTx, tx.txid}}});
}

void PrivateBroadcast::on_message(const PeerInfo& peer, const Message& message, Outbox& out, std::int64_t now_us) {
    if (!peer.ready) return;
    if (const auto* request = std::get_if<GetDataMessage>(&message))
        on_get_data(peer, *request, out);
    else if (const auto* pong = std::get_if<PongMessage>(&message))
        on_pong(peer, *pong, out, now_us);
    else
        out.log().private_broadcast("Ignoring incoming message '{}', peer={}", accounting_name(command_of(message)), peer.id);
}

void PrivateBroadcast::on_get_data(const PeerInfo& peer, const GetDataMessage& message, Outbox& out) {
    const auto found = errands_.find(peer.id);
    if (found == errands_.end()) {
        out.log().private_broadcast("Disconnecting: got GETDATA without sending an INV, peer={}", peer.id);
        out.disconnect(peer.id, {});
        return;
    }
    Errand& errand = found->second;
    const Transaction& tx = errand.tx->tx();
    if (give_parents(errand, peer, message, out)) return;
    const bool expected = message.items.size() == 1 && (message.items[0].type & ~kInvWitnessFlag) == kInvTx && message.items[0].hash == Uint256(tx.txid);
    if (!expected || !entries_.contains(tx.wtxid)) {
        out.log().private_broadcast("Disconnecting: got an unexpected GETDATA message, peer={}", peer.id);
        out.disconnect(peer.id, {});
        return;
    }
    out.send(peer.id, TxMessage{Bytes(tx.raw.begin(), tx.raw.end())});
    if (Recipient* recipient = recipient_of(errand)) recipient->given = true;
    if (errand.ping_nonce == 0) ping(errand, peer.id, out);  // asked twice: one answer is enough
}

PrivateBroadcast::Recipient* PrivateBroadcast::recipient_of(const Errand& errand) {
    const auto entry = entries_.find(errand.tx->tx().wtxid);
    if (entry == entries_.end() || errand.place >= entry->second.recipients.size()) return nullptr;
    Recipient& recipient = entry->second.recipients[errand.place];
    return recipient.sent_us == errand.sent_us ? &recipient : nullptr;
}

void PrivateBroadcast::ping(Errand& errand, PeerId peer, Outbox& out) {
    do {
        errand.ping_nonce = random_.u64();
    } while (errand.ping_nonce == 0);
    out.send(peer, PingMessage{errand.ping_nonce});
}

/// True when it asked for parents and nothing else.
bool PrivateBroadcast::give_parents(Errand& errand, const PeerInfo& peer, const GetDataMessage& message, Outbox& out) {
    const auto find = [&](const InvItem& item) {
        return std::find_if(errand.parents.begin(), errand.parents.end(), [&](const TransactionPtr& parent) {
            return item.is_tx() && (item.hash == Uint256(parent->tx().txid) || item.hash == Uint256(parent->tx().wtxid));
        });
    };
    if (message.items.empty() || std::any_of(message.items.begin(), message.items.end(), [&](const InvItem& item) { return find(item) == errand.parents.end(); }))
        return false;
    for (const InvItem& item : message.items) {
        const auto parent = find(item);
        if (parent == errand.parents.end()) continue;  // named twice
        out.log().private_broadcast("Sending the parent {} of txid={}, peer={}", (*parent)->tx().txid.to_display_hex(),
                                    errand.tx->tx().txid.to_display_hex(), peer.id);
        out.send(peer.id, TxMessage{Bytes((*parent)->tx().raw.begin(), (*parent)->tx().raw.end())});
        errand.parents.erase(parent);
    }
    ping(errand, peer.id, out);
    return true;
}

void PrivateBroadcast::on_pong(const PeerInfo& peer, const PongMessage& message, Outbox& out, std::int64_t now_us) {
    const auto found = errands_.find(peer.id);
    if (found == errands_.end() || found->second.ping_nonce == 0 || message.nonce != found->second.ping_nonce) return;
    Errand& errand = found->second;
    const auto leave = [&] {
        if (!errand.parents.empty()) {
            errand.parents_until_us = now_us + kParentPatience_us;  // it may still ask for what the transaction builds on
            return;
        }
        out.log().private_broadcast("Got a PONG (the transaction will probably reach the network), marking for disconnect, peer={}", peer.id);
        out.disconnect(peer.id, {});
    };
    if (errand.confirmed) return leave();
    errand.confirmed = true;
    if (Recipient* recipient = recipient_of(errand)) {
        Entry& entry = entries_.at(errand.tx->tx().wtxid);
        recipient->received_us = now_us;
        ++entry.confirmed;
        entry.last_confirmed_us = std::max(entry.last_confirmed_us, now_us);
    }
    leave();
}

void PrivateBroadcast::pump(const PeerInfo& peer, Outbox& out, std::int64_t now_us) {
    const auto found = errands_.find(peer.id);
    if (found != errands_.end() && found->second.parents_until_us != 0 && now_us >= found->second.parents_until_us) {
        found->second.parents_until_us = 0;
        out.log().private_broadcast("The transaction was taken and nothing that it builds on was asked for, marking for disconnect, peer={}", peer.id);
        out.disconnect(peer.id, {});
        return;
    }
    if (now_us - peer.connected_us <= kMaxLifetime_us) return;
    out.log().private_broadcast("Disconnecting: did not complete the transaction send within {} seconds, peer={}", kMaxLifetime_us / 1'000'000, peer.id);
    out.disconnect(peer.id, {});
}

void PrivateBroadcast::on_gone(PeerId peer) {
    const auto found = errands_.find(peer);
    const bool confirmed = found != errands_.end() && found->second.confirmed;
    if (found != errands_.end()) errands_.erase(found);
    if (confirmed) return;
    if (std::any_of(entries_.begin(), entries_.end(), [this](const auto& entry) { return pending(entry.second); })) ++wanted_;
}

}  // namespace cairn::net
