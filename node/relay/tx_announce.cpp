#include "node/relay/tx_announce.hpp"

#include <algorithm>
#include <unordered_set>

#include "net/core/intervals.hpp"
#include "net/wire/limits.hpp"

namespace cairn::node {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

constexpr double kSizeStart = 12e6, kSizeCap = 50e6;  // bytes
constexpr double kSizeRefill = 20e3;                  // bytes a second: six times what blocks can confirm
constexpr double kSizeFloor = -50e3;
constexpr double kCountSeconds = 30;                  // of the send rate: what the bucket holds
constexpr std::int64_t kCheckDelay_us = 100'000;
constexpr std::int64_t kHeartbeat_us = 2'000'000;
constexpr std::size_t kHeartbeatMinimum = 100;
constexpr std::size_t kBacklogSlack = 10'000;  // names of transactions that are gone, before they are looked for

}  // namespace

void TxAnnounce::Tokens::refill(std::int64_t now_us) {
    if (updated_us >= 0 && now_us > updated_us && value < cap) value = std::min(cap, value + rate * static_cast<double>(now_us - updated_us) / 1e6);
    updated_us = now_us;
}

TxAnnounce::Bucket TxAnnounce::make_bucket(double multiplier) const {
    const double rate = options_.send_rate;
    Bucket bucket;
    bucket.size = {kSizeRefill * multiplier, kSizeStart, kSizeCap};
    bucket.count = {rate * multiplier, rate * kCountSeconds, rate * kCountSeconds};
    // Below zero by one announcement's worth: the backlog is sorted only as often as that refills.
    bucket.count_floor = -rate * static_cast<double>(kInboundInterval_us) / 1e6;
    return bucket;
}

TxAnnounce::TxAnnounce(const RelayPool& pool, Random& random, LogLines& log, Options options)
    : pool_(pool),
      random_(random),
      log_(log),
      options_(options),
      inbound_(make_bucket(1.0)),
      outbound_(make_bucket(static_cast<double>(kInboundInterval_us) / static_cast<double>(kOutboundInterval_us))) {}

// --- peers

void TxAnnounce::add_peer(const PeerInfo& peer) { peers_.try_emplace(peer.id, peer, SipKey{random_.u64(), random_.u64()}); }

void TxAnnounce::remove_peer(PeerId peer) { peers_.erase(peer); }

void TxAnnounce::note_known(PeerId peer, const Uint256& hash) {
    if (const auto found = peers_.find(peer); found != peers_.end()) found->second.known.insert(hash);
}

void TxAnnounce::set_fee_filter(PeerId peer, FeeRate rate) {
    if (const auto found = peers_.find(peer); found != peers_.end()) found->second.fee_filter = rate;
}

void TxAnnounce::want_mempool(PeerId peer) {
    if (const auto found = peers_.find(peer); found != peers_.end()) found->second.want_mempool = true;
}

TxAnnounce::PeerFacts TxAnnounce::facts(PeerId peer) const {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return {};
    return {found->second.last_sequence, found->second.to_send.size(), found->second.fee_filter};
}

// --- order

/// The first `count` of the list, which is in order of value, each after those of its parents that are in the list.
std::vector<const RelayEntry*> TxAnnounce::parents_first(std::vector<const RelayEntry*> list, std::size_t count) const {
    std::unordered_set<const RelayEntry*> left(list.begin(), list.end());
    std::vector<const RelayEntry*> ordered;
    std::vector<const RelayEntry*> stack;
    for (const RelayEntry* wanted : list) {
        if (ordered.size() >= count) break;
        if (left.contains(wanted)) stack.push_back(wanted);
        while (!stack.empty()) {
            const RelayEntry* entry = stack.back();
            const std::size_t depth = stack.size();
            for (const TxInput& input : entry->tx->tx().inputs) {
                const RelayEntry* parent = pool_.find(input.prevout.txid);
                if (parent && left.contains(parent)) stack.push_back(parent);
            }
            if (stack.size() > depth) continue;
            stack.pop_back();
            if (left.erase(entry) > 0) ordered.push_back(entry);
        }
    }
    return ordered;
}

/// Takes the best out of the list, about `count` of them, best chunk first and parents before children. What the pool no
/// longer has, and what is named twice, is dropped.
std::vector<const RelayEntry*> TxAnnounce::take_best(std::vector<Wtxid>& list, std::size_t count) const {
    std::vector<const RelayEntry*> entries;
    std::unordered_set<const RelayEntry*> seen;
    for (const Wtxid& wtxid : list)
        if (const RelayEntry* entry = pool_.find(wtxid); entry && seen.insert(entry).second) entries.push_back(entry);
    const auto better = [](const RelayEntry* a, const RelayEntry* b) {
        if (!a->chunk.empty() && !b->chunk.empty())
            if (const auto order = compare_rate(a->chunk, b->chunk); order != 0) return order > 0;
        return a->sequence < b->sequence;
    };
    if (count < entries.size())
        std::partial_sort(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count), entries.end(), better);
    else
        std::sort(entries.begin(), entries.end(), better);
    std::vector<const RelayEntry*> best = parents_first(entries, count);
    list.clear();
    if (best.size() < entries.size()) {
        const std::unordered_set<const RelayEntry*> taken(best.begin(), best.end());
        for (const RelayEntry* entry : entries)
            if (!taken.contains(entry)) list.push_back(entry->wtxid());
    }
    return best;
}

// --- buckets

void TxAnnounce::announce(const Wtxid& wtxid, std::int64_t now_us) {
    for (Bucket* bucket : {&inbound_, &outbound_}) {
        bucket->backlog.push_back(wtxid);
        if (bucket->backlog.size() > 2 * pool_.size() + kBacklogSlack)
            std::erase_if(bucket->backlog, [this](const Wtxid& id) { return !pool_.contains(id); });
    }
    release(now_us, true);
}

std::vector<Wtxid> TxAnnounce::take_from(Bucket& bucket) {
    const auto count = static_cast<std::size_t>(std::max(bucket.count.value - bucket.count_floor, 0.0));
    std::vector<Wtxid> taken;
    bool open = true;
    for (const RelayEntry* entry : take_best(bucket.backlog, count)) {
        if (!open) {
            bucket.backlog.push_back(entry->wtxid());
            continue;
        }
        taken.push_back(entry->wtxid());
        bucket.size.value -= static_cast<double>(entry->tx->tx().total_size());
        bucket.count.value -= 1;
        open = bucket.size.value > kSizeFloor && bucket.count.value > bucket.count_floor;
    }
    if (bucket.backlog.empty() && bucket.backlog.capacity() > kBacklogSlack) bucket.backlog.shrink_to_fit();
    return taken;
}

void TxAnnounce::log_backlog(std::int64_t now_us) {
    if (heartbeat_us_ < 0 && std::max(inbound_.backlog.size(), outbound_.backlog.size()) >= kHeartbeatMinimum) heartbeat_us_ = now_us;
    if (heartbeat_us_ < 0 || now_us < heartbeat_us_) return;
    log_.debug("Transaction rate-limiting backlog inbound={} itok={:.1f} isz={:.1f} outbound={} otok={:.1f} osz={:.1f}", inbound_.backlog.size(),
               inbound_.count.value, inbound_.size.value, outbound_.backlog.size(), outbound_.count.value, outbound_.size.value);
    heartbeat_us_ = inbound_.backlog.empty() && outbound_.backlog.empty() ? -1 : now_us + kHeartbeat_us;
}

void TxAnnounce::release(std::int64_t now_us, bool fresh) {
    if (!fresh && now_us <= next_check_us_) return;
    next_check_us_ = now_us + kCheckDelay_us;
    for (Bucket* bucket : {&inbound_, &outbound_}) {
        bucket->size.refill(now_us);
        bucket->count.refill(now_us);
    }
    log_backlog(now_us);
    for (const bool inbound : {true, false}) {
        Bucket& bucket = inbound ? inbound_ : outbound_;
        if (!bucket.open()) continue;
        const std::vector<Wtxid> taken = take_from(bucket);
        if (taken.empty()) continue;
        bool anyone = false;
        for (auto& [id, peer] : peers_) {
            // Before its first turn a peer is told nothing: it could time what comes.
            if (peer.inbound != inbound || peer.next_us == 0) continue;
            anyone = true;
            peer.to_send.insert(peer.to_send.end(), taken.begin(), taken.end());
        }
        if (!anyone) bucket.backlog.clear();
    }
}

// --- turns

bool TxAnnounce::turn(const PeerInfo& info, Peer& peer, std::int64_t now_us) {
    if (peer.next_us >= now_us) return info.has(kPermitNoBan);
    if (peer.inbound) {
        if (next_inbound_us_ < now_us) next_inbound_us_ = now_us + exponential_interval(random_, kInboundInterval_us);
        peer.next_us = next_inbound_us_;
    } else {
        peer.next_us = now_us + exponential_interval(random_, kOutboundInterval_us);
    }
    return true;
}

void TxAnnounce::pump(const PeerInfo& info, Outbox& out, std::int64_t now_us) {
    const auto found = peers_.find(info.id);
    if (found == peers_.end()) return;
    Peer& peer = found->second;
    if (!turn(info, peer, now_us)) return;
    if (!info.relay_wanted) peer.to_send.clear();
    InvMessage message;
    const auto tell = [&](const RelayEntry& entry, bool again) {
        if (entry.fee < peer.fee_filter.fee(entry.vsize)) return;  // the peer would not take it
        const InvItem item = info.wtxid_relay ? InvItem{kInvWtx, entry.wtxid()} : InvItem{kInvTx, entry.txid()};
        if (!again && peer.known.contains(item.hash)) return;
        if (wanted_ && !wanted_(info.id, entry.tx->tx())) return;
        peer.known.insert(item.hash);
        message.items.push_back(item);
        if (message.items.size() == limits::kMaxInv) out.send(info.id, std::exchange(message, {}));
    };
    if (peer.want_mempool) {
        peer.want_mempool = false;
        peer.to_send.clear();
        std::vector<Wtxid> all;
        for (const RelayEntry& entry : pool_.entries()) all.push_back(entry.wtxid());
        for (const RelayEntry* entry : take_best(all, all.size())) tell(*entry, true);
        peer.last_sequence = pool_.next_sequence();
    }
    if (!peer.to_send.empty()) {
        for (const RelayEntry* entry : take_best(peer.to_send, peer.to_send.size())) tell(*entry, false);
        peer.to_send.clear();
        if (peer.to_send.capacity() > kBacklogSlack) peer.to_send.shrink_to_fit();
        peer.last_sequence = pool_.next_sequence();
    }
    if (!message.items.empty()) out.send(info.id, std::move(message));
}

const Transaction* TxAnnounce::find_for(PeerId peer, const InvItem& item) const {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return nullptr;
    const bool by_wtxid = item.type == kInvWtx;
    const RelayEntry* entry = by_wtxid ? pool_.find(Wtxid(item.hash)) : pool_.find(Txid(item.hash));
    if (entry && entry->sequence < found->second.last_sequence) return &entry->tx->tx();
    return by_wtxid ? pool_.find_recent(Wtxid(item.hash)) : pool_.find_recent(Txid(item.hash));
}

}  // namespace cairn::node
