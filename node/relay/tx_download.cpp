#include "node/relay/tx_download.hpp"

#include <algorithm>

#include "consensus/crypto/hash.hpp"

namespace cairn::node {

namespace {

constexpr std::size_t kRefusedCapacity = 120'000;   // two minutes of the smallest transactions from fast peers
constexpr std::size_t kConfirmedCapacity = 48'000;  // six full blocks, two hashes each

SipKey fresh_key(net::Random& random) { return {random.u64(), random.u64()}; }

/// Names a set of two transactions, whatever their order.
Uint256 pair_hash(const Wtxid& a, const Wtxid& b) {
    Bytes bytes;
    Writer writer(bytes);
    writer.uint256(std::min(a, b));
    writer.uint256(std::max(a, b));
    return sha256(bytes);
}

}  // namespace

TxDownload::TxDownload(const RelayPool& pool, net::Random& random, net::LogLines& log)
    : pool_(pool),
      random_(random),
      log_(log),
      requests_(fresh_key(random)),
      orphanage_(fresh_key(random), log),
      refused_(kRefusedCapacity, fresh_key(random)),
      reconsiderable_(kRefusedCapacity, fresh_key(random)),
      confirmed_(kConfirmedCapacity, fresh_key(random)) {}

// --- peers and blocks

void TxDownload::add_peer(PeerId peer, const Peer& facts) {
    if (!peers_.emplace(peer, facts).second) return;
    if (facts.wtxid_relay) ++wtxid_peers_;
}

void TxDownload::remove_peer(PeerId peer) {
    orphanage_.remove_peer(peer);
    requests_.remove_peer(peer);
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    if (found->second.wtxid_relay) --wtxid_peers_;
    peers_.erase(found);
}

void TxDownload::on_block_connected(const Block& block) {
    orphanage_.remove_for_block(block);
    for (const Transaction& tx : block.txs()) {
        orphanage_.add_children_to_work(tx, random_);
        confirmed_.insert(tx.txid);
        if (tx.has_witness()) confirmed_.insert(tx.wtxid);
        forget(tx);
    }
}

void TxDownload::on_block_disconnected() { confirmed_.reset(); }

void TxDownload::on_tip_changed() {
    refused_.reset();
    reconsiderable_.reset();
}

// --- what is known

bool TxDownload::in_pool(const TxName& name) const {
    return name.by_wtxid ? pool_.contains(Wtxid(name.hash)) : pool_.contains(Txid(name.hash));
}

/// Without a witness both hashes are the same, so a txid is looked for among the wtxids, too. Never the other way: an orphan
/// or a refused transaction with this txid may differ in its witness.
bool TxDownload::known(const TxName& name, bool with_reconsiderable) const {
    if (orphanage_.contains(Wtxid(name.hash))) return true;
    if (with_reconsiderable && reconsiderable_.contains(name.hash)) return true;
    return confirmed_.contains(name.hash) || refused_.contains(name.hash) || in_pool(name);
}

std::vector<Txid> TxDownload::parents_of(const Transaction& tx) const {
    std::vector<Txid> parents;
    for (const TxInput& input : tx.inputs) parents.push_back(input.prevout.txid);
    std::sort(parents.begin(), parents.end());
    parents.erase(std::unique(parents.begin(), parents.end()), parents.end());
    return parents;
}

void TxDownload::forget(const Transaction& tx) {
    requests_.forget(tx.txid);
    if (tx.has_witness()) requests_.forget(tx.wtxid);
}

// --- announcements and requests

std::int64_t TxDownload::delay(PeerId peer, const Peer& facts, bool by_wtxid) const {
    std::int64_t delay_us = 0;
    if (!facts.preferred) delay_us += kNotPreferredDelay_us;
    if (!by_wtxid && wtxid_peers_ > 0) delay_us += kTxidDelay_us;
    if (!facts.relay_permission && requests_.in_flight(peer) >= kMaxInFlight) delay_us += kOverloadedDelay_us;
    return delay_us;
}

bool TxDownload::full(PeerId peer) const {
    const auto facts = peers_.find(peer);
    return facts == peers_.end() || (!facts->second.relay_permission && requests_.count(peer) >= kMaxAnnouncements);
}

bool TxDownload::on_announced(PeerId peer, const TxName& name, std::int64_t now_us) {
    if (full(peer)) return false;
    if (name.by_wtxid) {
        if (const TransactionPtr orphan = orphanage_.find(Wtxid(name.hash))) {
            std::vector<Txid> parents = parents_of(orphan->tx());
            std::erase_if(parents, [&](const Txid& txid) { return known(TxName::of(txid), false); });
            if (!parents.empty() && resolve_orphan(parents, orphan->tx().wtxid, peer, now_us)) orphanage_.add_announcer(orphan->tx().wtxid, peer);
            return true;
        }
    }
    Judging* judging = nullptr;
    if (name.by_wtxid) {
        if (const auto found = judging_.find(Wtxid(name.hash)); found != judging_.end()) judging = &found->second;
    } else if (const auto txid = judging_txids_.find(Txid(name.hash)); txid != judging_txids_.end()) {
        if (const auto found = judging_.find(txid->second); found != judging_.end()) judging = &found->second;
    }
    if (judging) {
        const std::pair<PeerId, TxName> entry{peer, name};
        if (std::find(judging->announced.begin(), judging->announced.end(), entry) == judging->announced.end()) judging->announced.push_back(entry);
        return true;
    }
    if (known(name, true)) return true;
    const Peer& facts = peers_.at(peer);
    requests_.on_announced(peer, name, facts.preferred, now_us + delay(peer, facts, name.by_wtxid));
    return false;
}

std::vector<TxName> TxDownload::take_requests(PeerId peer, std::int64_t now_us) {
    std::vector<TxRequest::Expired> expired;
    std::vector<TxName> due = requests_.requestable(peer, now_us, &expired);
    if (log_.debug_wanted())
        for (const auto& late : expired)
            log_.debug("timeout of inflight {} {} from peer={}", late.name.by_wtxid ? "wtx" : "tx", late.name.hash.to_display_hex(), late.peer);
    std::erase_if(due, [&](const TxName& name) {
        const bool out = name.by_wtxid ? judging_.contains(Wtxid(name.hash)) : judging_txids_.contains(Txid(name.hash));
        if (out) return true;
        if (known(name, false)) {
            requests_.forget(name.hash);
            return true;
        }
        if (log_.debug_wanted()) log_.debug("Requesting {} {} peer={}", name.by_wtxid ? "wtx" : "tx", name.hash.to_display_hex(), peer);
        requests_.on_requested(peer, name.hash, now_us + kRequestTimeout_us);
        return false;
    });
    return due;
}

/// To ask a peer for the parents of an orphan is to treat them as announced by it.
bool TxDownload::resolve_orphan(const std::vector<Txid>& parents, const Wtxid& wtxid, PeerId peer, std::int64_t now_us) {
    const auto facts = peers_.find(peer);
    if (facts == peers_.end() || orphanage_.contains(wtxid, peer)) return false;
    if (!facts->second.relay_permission && requests_.count(peer) + parents.size() > kMaxAnnouncements) return false;
    const std::int64_t due = now_us + delay(peer, facts->second, false);
    for (const Txid& parent : parents) requests_.on_announced(peer, TxName::of(parent), facts->second.preferred, due);
    if (log_.debug_wanted()) log_.debug("added peer={} as a candidate for resolving orphan {}", peer, wtxid.to_display_hex());
    return true;
}

// --- judging

void TxDownload::begin_judging(const TransactionPtr& tx) {
    ++judging_[tx->tx().wtxid].count;
    judging_txids_[tx->tx().txid] = tx->tx().wtxid;
}

void TxDownload::end_judging(const TransactionPtr& tx, std::int64_t now_us) {
    const auto found = judging_.find(tx->tx().wtxid);
    if (found == judging_.end() || --found->second.count > 0) return;
    const auto announced = std::move(found->second.announced);
    judging_.erase(found);
    if (const auto named = judging_txids_.find(tx->tx().txid); named != judging_txids_.end() && named->second == tx->tx().wtxid)
        judging_txids_.erase(named);
    for (const auto& [peer, name] : announced) on_announced(peer, name, now_us);
}

TxDownload::Received TxDownload::on_received(PeerId peer, const TransactionPtr& holder) {
    const Transaction& tx = holder->tx();
    requests_.on_answered(peer, tx.txid);
    if (tx.has_witness()) requests_.on_answered(peer, tx.wtxid);
    if (const auto found = judging_.find(tx.wtxid); found != judging_.end()) {
        const std::pair<PeerId, TxName> entry{peer, TxName::of(tx.wtxid)};
        auto& announced = found->second.announced;
        if (std::find(announced.begin(), announced.end(), entry) == announced.end()) announced.push_back(entry);
        return {};
    }
    if (known(TxName::of(tx.wtxid), false)) return {};
    if (reconsiderable_.contains(tx.wtxid)) {
        if (log_.debug_wanted())
            log_.debug("found tx {} (wtxid={}) in reconsiderable rejects, looking for child in orphanage", tx.txid.to_display_hex(),
                       tx.wtxid.to_display_hex());
        return {false, find_package(holder, peer)};
    }
    return {true, std::nullopt};
}

/// Only children from the same peer: others could crowd out the right one with false ones.
std::optional<PackageCandidate> TxDownload::find_package(const TransactionPtr& parent, PeerId peer) const {
    for (const TransactionPtr& child : orphanage_.children_from(parent->tx(), peer)) {
        if (reconsiderable_.contains(pair_hash(parent->tx().wtxid, child->tx().wtxid))) continue;
        if (refused_.contains(child->tx().txid)) continue;
        return PackageCandidate{parent, child, peer, peer};
    }
    return std::nullopt;
}

void TxDownload::on_accepted(const TransactionPtr& tx) {
    forget(tx->tx());
    orphanage_.add_children_to_work(tx->tx(), random_);
    orphanage_.remove(tx->tx().wtxid);
}

void TxDownload::on_package_refused(const PackageCandidate& package) {
    reconsiderable_.insert(pair_hash(package.parent->tx().wtxid, package.child->tx().wtxid));
}

void TxDownload::on_missing_inputs(const TransactionPtr& holder, PeerId peer, RefusalOutcome& outcome, std::int64_t now_us) {
    const Transaction& tx = holder->tx();
    std::vector<Txid> parents = parents_of(tx);
    // One parent that pays too little by itself may come in together with this child; two cannot.
    bool hopeless = false, one_reconsiderable = false;
    for (const Txid& parent : parents) {
        if (refused_.contains(parent)) {
            hopeless = true;
        } else if (reconsiderable_.contains(parent) && !pool_.contains(parent)) {
            hopeless |= one_reconsiderable;
            one_reconsiderable = true;
        }
        if (hopeless) break;
    }
    if (hopeless) {
        log_.debug("not keeping orphan with rejected parents {} (wtxid={})", tx.txid.to_display_hex(), tx.wtxid.to_display_hex());
        refused_.insert(tx.txid);  // whatever its witness is
        refused_.insert(tx.wtxid);
        forget(tx);
        return;
    }
    std::erase_if(parents, [&](const Txid& txid) { return known(TxName::of(txid), false); });
    if (orphanage_.contains(tx.wtxid)) outcome.keep_for_compact_blocks = false;
    std::vector<PeerId> candidates{peer};
    const auto add = [&](const Uint256& hash) {
        for (const PeerId other : requests_.candidate_peers(hash)) candidates.push_back(other);
    };
    add(tx.txid);
    if (tx.has_witness()) add(tx.wtxid);
    for (const PeerId candidate : candidates)
        if (resolve_orphan(parents, tx.wtxid, candidate, now_us)) orphanage_.add(holder, candidate);
    forget(tx);
    outcome.known_parents = std::move(parents);
}

RefusalOutcome TxDownload::on_refused(const TransactionPtr& holder, TxRefusal refusal, PeerId peer, bool first_time, std::int64_t now_us) {
    const Transaction& tx = holder->tx();
    RefusalOutcome outcome;
    outcome.keep_for_compact_blocks = first_time;
    if (refusal == TxRefusal::missing_inputs) {
        if (first_time && !refused_.contains(tx.wtxid)) on_missing_inputs(holder, peer, outcome, now_us);
        return outcome;
    }
    if (refusal == TxRefusal::witness_stripped) {
        outcome.keep_for_compact_blocks = false;
    } else {
        // By wtxid: a bad witness says nothing about the same transaction with another one.
        if (refusal == TxRefusal::reconsiderable) {
            reconsiderable_.insert(tx.wtxid);
            if (first_time) {
                log_.debug("tx {} (wtxid={}) failed but reconsiderable, looking for child in orphanage", tx.txid.to_display_hex(),
                           tx.wtxid.to_display_hex());
                outcome.package = find_package(holder, peer);
            }
        } else {
            refused_.insert(tx.wtxid);
        }
        requests_.forget(tx.wtxid);
        // This verdict depends on the coins alone, which the txid fixes.
        if (refusal == TxRefusal::inputs_not_standard && tx.has_witness()) {
            refused_.insert(tx.txid);
            requests_.forget(tx.txid);
        }
    }
    if (orphanage_.remove(tx.wtxid))
        log_.debug("   removed orphan tx {} (wtxid={})", tx.txid.to_display_hex(), tx.wtxid.to_display_hex());
    return outcome;
}

}  // namespace cairn::node
