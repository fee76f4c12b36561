#include "light/client/broadcast.hpp"

#include <algorithm>

namespace cairn::light {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

constexpr std::int64_t kSecond_us = 1'000'000;
constexpr std::size_t kEchoesKept = 8;
constexpr std::size_t kOpenPeers = 3;
constexpr std::size_t kRecipientsKept = 100;

PrivateBroadcast::Options limits_of_one() {
    PrivateBroadcast::Options options;
    options.max_transactions = Broadcast::kMost;
    options.max_attempts = Broadcast::kTries;
    return options;
}

}  // namespace

Broadcast::Broadcast(Random random, Options options)
    : random_(std::move(random)), options_(options), own_(Random(random_.uint256()), limits_of_one()) {}

// --- what is to be sent

void Broadcast::submit(const OwnPayment& payment, Outbox& out, std::int64_t now_us) {
    const Transaction& tx = payment.tx->tx();
    const auto [place, fresh] = entries_.try_emplace(tx.wtxid);
    Entry& entry = place->second;
    if (fresh && entries_.size() > kMost) {
        entries_.erase(place);
        return;
    }
    if (fresh) {
        entry.added_us = now_us;
        names_[Uint256(tx.txid)] = names_[Uint256(tx.wtxid)] = tx.wtxid;
    }
    entry.payment = payment;
    if (fresh || entry.next_round_us != 0) start_round(entry, out, now_us);
}

void Broadcast::set_waiting(const std::vector<OwnPayment>& payments, Outbox& out, std::int64_t now_us) {
    std::set<Wtxid> waiting;
    for (const OwnPayment& payment : payments) {
        const Wtxid& wtxid = payment.tx->tx().wtxid;
        waiting.insert(wtxid);
        if (!entries_.contains(wtxid)) submit(payment, out, now_us);
        const auto entry = entries_.find(wtxid);
        if (entry == entries_.end()) continue;
        entry->second.kept = true;
        entry->second.payment.parents = payment.parents;  // some may be in a block by now
    }
    for (auto place = entries_.begin(); place != entries_.end();) {
        const auto next = std::next(place);
        if (place->second.kept && !waiting.contains(place->first)) erase(place);
        place = next;
    }
}

void Broadcast::erase(Entries::iterator place) {
    const Transaction& tx = place->second.payment.tx->tx();
    (void)own_.abort(Uint256(tx.wtxid));
    names_.erase(Uint256(tx.txid));
    names_.erase(Uint256(tx.wtxid));
    entries_.erase(place);
}

bool Broadcast::forget(const Uint256& id, Outbox& out) {
    const auto name = names_.find(id);
    if (name == names_.end()) return false;
    out.log().private_broadcast("Giving up the broadcast of {}", id.to_display_hex());
    erase(entries_.find(name->second));
    return true;
}

void Broadcast::on_confirmed(const Txid& txid, Outbox& out) {
    if (!entries_.empty()) (void)forget(Uint256(txid), out);
}

// --- rounds

void Broadcast::start_round(Entry& entry, Outbox& out, std::int64_t now_us) {
    ++entry.rounds;
    entry.next_round_us = 0;
    if (!options_.privately) {
        send_openly(entry, out, now_us);
        return end_round(entry, kPause_us, now_us);
    }
    if (own_.add({entry.payment.tx, entry.payment.parents, kTries}, out.log(), now_us) == PrivateBroadcast::AddResult::full) end_round(entry, kPause_us, now_us);
}

void Broadcast::send_openly(Entry& entry, Outbox& out, std::int64_t now_us) {
    std::vector<const PeerInfo*> fit;
    for (const auto& [id, peer] : peers_)
        if (peer->ready && !peer->closing && peer->relay_wanted) fit.push_back(peer);
    for (std::size_t i = 0; i < fit.size() && i < kOpenPeers; ++i) {
        std::swap(fit[i], fit[i + random_.below(fit.size() - i)]);
        // The child last: parents that are not taken alone are asked for again once it is there.
        for (const TransactionPtr& parent : entry.payment.parents) out.send(fit[i]->id, TxMessage{to_bytes(parent->tx().raw)});
        out.send(fit[i]->id, TxMessage{to_bytes(entry.payment.tx->tx().raw)});
        entry.past.push_back({fit[i]->address, now_us, std::nullopt, true});
    }
}

/// The next one begins after the pause.
void Broadcast::end_round(Entry& entry, std::int64_t pause_us, std::int64_t now_us) {
    const Wtxid& wtxid = entry.payment.tx->tx().wtxid;
    if (const auto picture = own_.picture(wtxid)) {
        entry.past.insert(entry.past.end(), picture->recipients.begin(), picture->recipients.end());
        (void)own_.abort(Uint256(wtxid));
    }
    if (entry.past.size() > kRecipientsKept) entry.past.erase(entry.past.begin(), entry.past.end() - kRecipientsKept);
    entry.next_round_us = now_us + pause_us;
}

std::vector<PrivateBroadcast::Recipient> Broadcast::recipients(const Entry& entry) const {
    std::vector<PrivateBroadcast::Recipient> all = entry.past;
    if (const auto picture = own_.picture(entry.payment.tx->tx().wtxid)) all.insert(all.end(), picture->recipients.begin(), picture->recipients.end());
    return all;
}

void Broadcast::tick(Outbox& out, std::int64_t now_us) {
    if (own_.tick(now_us))
        for (const TransactionPtr& tx : own_.stale(now_us)) own_.on_stale_judged(tx, {}, out.log());
    for (auto place = entries_.begin(); place != entries_.end();) {
        const auto here = place++;
        Entry& entry = here->second;
        const Wtxid& wtxid = here->first;
        if (entry.next_round_us != 0) {
            if (now_us < entry.next_round_us) continue;
            // Nobody says of a transaction that is no wallet's when it is in a block: that the network has it is enough.
            if (!entry.kept && !entry.echoes.empty()) erase(here);
            else start_round(entry, out, now_us);
            continue;
        }
        const auto picture = own_.picture(wtxid);
        const auto took = picture ? std::ranges::count_if(picture->recipients, [](const auto& peer) { return peer.received_us.has_value(); }) : 0;
        const bool enough = !options_.hears_echoes && static_cast<std::size_t>(took) >= kEnoughWithoutEchoes;
        const bool spent = !picture || (picture->attempts_left == 0 && (picture->recipients.empty() || now_us - picture->recipients.back().sent_us > PrivateBroadcast::kMaxLifetime_us));
        if (enough || spent) end_round(entry, enough ? kAgainMin_us : kPause_us, now_us);
    }
}

// --- echoes

void Broadcast::on_echo(Entry& entry, const PeerInfo& peer, Outbox& out, std::int64_t now_us) {
    const auto given = recipients(entry);
    if (std::ranges::any_of(given, [&](const auto& one) { return one.given && one.address == peer.address; })) return;  // it had it from us
    const std::string name = peer.address.to_string();
    if (std::ranges::any_of(entry.echoes, [&](const auto& echo) { return echo.address == name; })) return;
    if (entry.echoes.size() < kEchoesKept) entry.echoes.push_back({name, now_us / kSecond_us});
    if (entry.echoes.size() > 1 && entry.next_round_us != 0) return;
    out.log().info("The network has our transaction {}: peer={} tells of it", entry.payment.tx->tx().txid.to_display_hex(), peer.id);
    end_round(entry, kAgainMin_us + static_cast<std::int64_t>(random_.below(kAgainSpread_us)), now_us);
}

void Broadcast::on_inv(const PeerInfo& peer, const InvMessage& message, Outbox& out, std::int64_t now_us) {
    if (names_.empty()) return;
    for (const InvItem& item : message.items) {
        if (!item.is_tx()) continue;
        if (const auto name = names_.find(item.hash); name != names_.end()) on_echo(entries_.at(name->second), peer, out, now_us);
    }
}

void Broadcast::on_tx(const PeerInfo& peer, const Transaction& tx, Outbox& out, std::int64_t now_us) {
    if (const auto entry = entries_.find(tx.wtxid); entry != entries_.end()) on_echo(entry->second, peer, out, now_us);
}

// --- looking

std::vector<PaymentView> Broadcast::pictures() const {
    std::vector<PaymentView> all;
    for (const auto& [wtxid, entry] : entries_) {
        PaymentView& view = all.emplace_back();
        view.tx = entry.payment.tx;
        for (const TransactionPtr& parent : entry.payment.parents) view.parents.push_back(parent->tx().txid);
        view.added_s = entry.added_us / kSecond_us;
        view.rounds = entry.rounds;
        if (entry.next_round_us != 0) view.next_s = entry.next_round_us / kSecond_us;
        for (const auto& one : recipients(entry)) {
            PaymentView::Recipient& recipient = view.recipients.emplace_back();
            recipient.address = one.address.to_string();
            recipient.sent_s = one.sent_us / kSecond_us;
            if (one.received_us) recipient.received_s = *one.received_us / kSecond_us;
        }
        view.echoes = entry.echoes;
    }
    return all;
}

}  // namespace cairn::light
