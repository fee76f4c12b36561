#include "node/relay/orphanage.hpp"

#include <algorithm>
#include <limits>

namespace cairn::node {

namespace {

constexpr net::PeerId kFirstPeer = std::numeric_limits<net::PeerId>::min();

}  // namespace

// --- look-ups

bool Orphanage::contains(const Wtxid& wtxid) const { return unique_.contains(wtxid); }

bool Orphanage::contains(const Wtxid& wtxid, PeerId peer) const { return by_wtxid_.contains({wtxid, peer}); }

TransactionPtr Orphanage::find(const Wtxid& wtxid) const {
    const auto found = unique_.find(wtxid);
    return found == unique_.end() ? nullptr : found->second;
}

std::size_t Orphanage::announcements(PeerId peer) const {
    const auto found = usage_.find(peer);
    return found == usage_.end() ? 0 : found->second.announcements;
}

std::int64_t Orphanage::weight(PeerId peer) const {
    const auto found = usage_.find(peer);
    return found == usage_.end() ? 0 : found->second.weight;
}

std::int64_t Orphanage::latency_score(PeerId peer) const {
    const auto found = usage_.find(peer);
    return found == usage_.end() ? 0 : found->second.score;
}

std::int64_t Orphanage::max_weight() const {
    return options_.weight_per_peer * std::max<std::int64_t>(1, static_cast<std::int64_t>(usage_.size()));
}

std::int64_t Orphanage::max_latency_score_per_peer() const {
    return options_.max_latency_score / std::max<std::int64_t>(1, static_cast<std::int64_t>(usage_.size()));
}

bool Orphanage::unique(ByWtxid::const_iterator place) const {
    const Wtxid& wtxid = place->first.first;
    if (place != by_wtxid_.begin() && std::prev(place)->first.first == wtxid) return false;
    const auto next = std::next(place);
    return next == by_wtxid_.end() || next->first.first != wtxid;
}

// --- in and out

bool Orphanage::insert(const TransactionPtr& tx, PeerId peer) {
    const auto [place, inserted] = by_wtxid_.try_emplace({tx->tx().wtxid, peer}, Entry{tx, peer, next_sequence_, false});
    if (!inserted) return false;
    by_peer_.emplace(PeerKey{peer, false, next_sequence_++}, place);
    Usage& usage = usage_[peer];
    usage.weight += place->second.weight();
    usage.score += 1 + place->second.input_score();
    ++usage.announcements;
    return true;
}

bool Orphanage::add(const TransactionPtr& tx, PeerId peer) {
    const Transaction& t = tx->tx();
    if (t.weight() > options_.max_tx_weight) {
        log_.debug("ignoring large orphan tx (size: {}, txid: {}, wtxid: {})", t.weight(), t.txid.to_display_hex(), t.wtxid.to_display_hex());
        return false;
    }
    const bool fresh = !contains(t.wtxid);
    if (!insert(tx, peer)) return false;
    if (fresh) {
        for (const TxInput& input : t.inputs) by_outpoint_[input.prevout].insert(t.wtxid);
        unique_.emplace(t.wtxid, tx);
        weight_ += t.weight();
        input_score_ += static_cast<std::int64_t>(t.inputs.size() / 10);
        log_.debug("stored orphan tx {} (wtxid={}), weight: {} (mapsz {} outsz {})", t.txid.to_display_hex(), t.wtxid.to_display_hex(),
                   t.weight(), by_wtxid_.size(), by_outpoint_.size());
    } else {
        log_.debug("added peer={} as announcer of orphan tx {} (wtxid={})", peer, t.txid.to_display_hex(), t.wtxid.to_display_hex());
    }
    trim();
    return fresh;
}

bool Orphanage::add_announcer(const Wtxid& wtxid, PeerId peer) {
    const TransactionPtr tx = find(wtxid);
    if (!tx || !insert(tx, peer)) return false;
    log_.debug("added peer={} as announcer of orphan tx {} (wtxid={})", peer, tx->tx().txid.to_display_hex(), wtxid.to_display_hex());
    trim();
    return true;
}

void Orphanage::erase(ByWtxid::iterator place) {
    const Entry& entry = place->second;
    const Wtxid wtxid = place->first.first;
    const auto usage = usage_.find(entry.peer);
    usage->second.weight -= entry.weight();
    usage->second.score -= 1 + entry.input_score();
    if (--usage->second.announcements == 0) usage_.erase(usage);
    if (unique(place)) {
        unique_.erase(wtxid);
        weight_ -= entry.weight();
        input_score_ -= entry.input_score();
        for (const TxInput& input : entry.tx->tx().inputs) {
            const auto spenders = by_outpoint_.find(input.prevout);
            if (spenders == by_outpoint_.end()) continue;
            spenders->second.erase(wtxid);
            if (spenders->second.empty()) by_outpoint_.erase(spenders);
        }
    }
    if (entry.reconsider) reconsiderable_.erase(wtxid);
    by_peer_.erase(PeerKey{entry.peer, entry.reconsider, entry.sequence});
    by_wtxid_.erase(place);
}

std::size_t Orphanage::erase_all(const Wtxid& wtxid) {
    std::size_t count = 0;
    Txid txid;
    for (auto place = by_wtxid_.lower_bound({wtxid, kFirstPeer}); place != by_wtxid_.end() && place->first.first == wtxid; ++count) {
        txid = place->second.tx->tx().txid;
        erase(place++);
    }
    if (count > 0)
        log_.debug("removed orphan tx {} (wtxid={}) ({} announcements)", txid.to_display_hex(), wtxid.to_display_hex(), count);
    return count;
}

bool Orphanage::remove(const Wtxid& wtxid) {
    const bool removed = erase_all(wtxid) > 0;
    trim();  // with fewer peers less is allowed
    return removed;
}

void Orphanage::remove_peer(PeerId peer) {
    std::size_t count = 0;
    for (auto place = by_peer_.lower_bound({peer, false, 0}); place != by_peer_.end() && std::get<0>(place->first) == peer; ++count)
        erase((place++)->second);
    if (count == 0) return;
    log_.debug("Erased {} orphan transaction(s) from peer={}", count, peer);
    trim();
}

void Orphanage::remove_for_block(const Block& block) {
    if (by_wtxid_.empty()) return;
    std::set<Wtxid> gone;
    for (const Transaction& tx : block.txs())
        for (const TxInput& input : tx.inputs)
            if (const auto spenders = by_outpoint_.find(input.prevout); spenders != by_outpoint_.end())
                gone.insert(spenders->second.begin(), spenders->second.end());
    for (const Wtxid& wtxid : gone) erase_all(wtxid);
    if (!gone.empty()) log_.debug("Erased {} orphan transaction(s) included or conflicted by block", gone.size());
    trim();
}

// --- limits

bool Orphanage::over_limit() const { return latency_score() > options_.max_latency_score || weight_ > max_weight(); }

bool Orphanage::exceeds_more(const Excess& a, const Excess& b) {
    const __int128 left = static_cast<__int128>(a.used) * b.share, right = static_cast<__int128>(b.used) * a.share;
    return left != right ? left > right : a.share < b.share;
}

void Orphanage::trim() {
    if (!over_limit()) return;
    const std::size_t unique_before = unique_.size();
    std::size_t erased = 0;
    // The shares are those of the start: a peer that loses everything meanwhile makes the others' no larger.
    std::vector<std::pair<PeerId, Excess>> heap;
    const std::int64_t score_share = std::max<std::int64_t>(1, max_latency_score_per_peer());
    const auto excess_of = [&](const Usage& usage) {
        const Excess score{usage.score, score_share}, weight{usage.weight, options_.weight_per_peer};
        return exceeds_more(weight, score) ? weight : score;
    };
    const auto less = [](const auto& a, const auto& b) {
        return exceeds_more(b.second, a.second) || (!exceeds_more(a.second, b.second) && a.first < b.first);
    };
    for (const auto& [peer, usage] : usage_) {
        const Excess over = excess_of(usage);
        if (over.used > over.share) heap.emplace_back(peer, over);
    }
    std::make_heap(heap.begin(), heap.end(), less);
    while (over_limit() && !heap.empty()) {
        std::pop_heap(heap.begin(), heap.end(), less);
        const PeerId worst = heap.back().first;
        heap.pop_back();
        const Excess threshold = heap.empty() ? Excess{1, 1} : heap.front().second;
        const std::size_t before = announcements(worst);
        std::size_t round = 0;
        while (over_limit()) {
            const auto oldest = by_peer_.lower_bound({worst, false, 0});
            if (oldest == by_peer_.end() || std::get<0>(oldest->first) != worst) break;
            erase(oldest->second);
            ++round;
            const auto usage = usage_.find(worst);
            if (usage == usage_.end() || !exceeds_more(excess_of(usage->second), threshold)) break;
        }
        erased += round;
        log_.debug("peer={} orphanage overflow, removed {} of {} announcements", worst, round, before);
        const auto usage = usage_.find(worst);
        if (usage == usage_.end()) continue;
        heap.emplace_back(worst, excess_of(usage->second));
        std::push_heap(heap.begin(), heap.end(), less);
    }
    log_.debug("orphanage overflow, removed {} tx ({} announcements)", unique_before - unique_.size(), erased);
}

// --- work

void Orphanage::set_reconsider(ByWtxid::iterator place, bool on) {
    Entry& entry = place->second;
    by_peer_.erase(PeerKey{entry.peer, entry.reconsider, entry.sequence});
    entry.reconsider = on;
    by_peer_.emplace(PeerKey{entry.peer, on, entry.sequence}, place);
    if (on)
        reconsiderable_.insert(place->first.first);
    else
        reconsiderable_.erase(place->first.first);
}

void Orphanage::add_children_to_work(const Transaction& parent, net::Random& random) {
    if (by_wtxid_.empty()) return;
    for (std::uint32_t i = 0; i < parent.outputs.size(); ++i) {
        const auto spenders = by_outpoint_.find({parent.txid, i});
        if (spenders == by_outpoint_.end()) continue;
        for (const Wtxid& wtxid : spenders->second) {
            if (reconsiderable_.contains(wtxid)) continue;
            const auto first = by_wtxid_.lower_bound({wtxid, kFirstPeer});
            std::uint64_t announcers = 0;
            for (auto place = first; place != by_wtxid_.end() && place->first.first == wtxid; ++place) ++announcers;
            // A random one: nobody can hold an orphan up by announcing it early and going away.
            const auto chosen = std::next(first, static_cast<std::ptrdiff_t>(random.below(announcers)));
            set_reconsider(chosen, true);
            log_.debug("added {} (wtxid={}) to peer {} workset", chosen->second.tx->tx().txid.to_display_hex(), wtxid.to_display_hex(),
                       chosen->second.peer);
        }
    }
}

bool Orphanage::has_work(PeerId peer) const {
    const auto place = by_peer_.lower_bound({peer, true, 0});
    return place != by_peer_.end() && std::get<0>(place->first) == peer;
}

TransactionPtr Orphanage::take_work(PeerId peer) {
    if (!has_work(peer)) return nullptr;
    const auto place = by_peer_.lower_bound({peer, true, 0})->second;
    set_reconsider(place, false);
    return place->second.tx;
}

std::vector<net::PeerId> Orphanage::peers_with_work() const {
    std::set<PeerId> peers;
    if (!reconsiderable_.empty())
        for (const auto& [peer, usage] : usage_)
            if (has_work(peer)) peers.insert(peer);
    return {peers.begin(), peers.end()};
}

std::vector<TransactionPtr> Orphanage::children_from(const Transaction& parent, PeerId peer) const {
    std::vector<TransactionPtr> children;
    auto place = by_peer_.upper_bound({peer, true, std::numeric_limits<std::uint64_t>::max()});
    while (place != by_peer_.begin()) {
        --place;
        if (std::get<0>(place->first) != peer) break;
        const TransactionPtr& tx = place->second->second.tx;
        const auto& inputs = tx->tx().inputs;
        if (std::any_of(inputs.begin(), inputs.end(), [&](const TxInput& input) { return input.prevout.txid == parent.txid; }))
            children.push_back(tx);
    }
    return children;
}

std::vector<OrphanSnapshot> Orphanage::all() const {
    std::vector<OrphanSnapshot> orphans;
    for (const auto& [key, entry] : by_wtxid_) {
        if (orphans.empty() || orphans.back().tx != entry.tx) orphans.push_back({entry.tx, {}});
        orphans.back().from.push_back(entry.peer);
    }
    return orphans;
}

}  // namespace cairn::node
