#include "node/relay/relay_pool.hpp"

#include <algorithm>

namespace cairn::node {

void RelayPool::add(const AddedTransaction& added) {
    note_sequence(added.sequence + 1);
    const Transaction& tx = added.tx->tx();
    if (!by_wtxid_.try_emplace(tx.wtxid, entries_.size()).second) return;
    by_txid_[tx.txid] = entries_.size();
    wtxids_.push_back(tx.wtxid);
    // What a block held was public: it is given to whoever asks, as if it had always been here.
    const std::uint64_t sequence = added.limits_bypassed ? 0 : added.sequence;
    entries_.push_back({added.tx, added.fee, added.vsize, added.chunk, sequence, added.time, added.peer == kNoPeer});
}

std::optional<RelayEntry> RelayPool::remove(const Wtxid& wtxid) {
    const auto found = by_wtxid_.find(wtxid);
    if (found == by_wtxid_.end()) return std::nullopt;
    const std::size_t place = found->second;
    RelayEntry removed = std::move(entries_[place]);
    by_wtxid_.erase(found);
    if (const auto named = by_txid_.find(removed.txid()); named != by_txid_.end() && named->second == place) by_txid_.erase(named);
    if (place + 1 != entries_.size()) {
        entries_[place] = std::move(entries_.back());
        wtxids_[place] = wtxids_.back();
        by_wtxid_[entries_[place].wtxid()] = place;
        by_txid_[entries_[place].txid()] = place;
    }
    entries_.pop_back();
    wtxids_.pop_back();
    return removed;
}

void RelayPool::note_sequence(std::uint64_t sequence) { next_sequence_ = std::max(next_sequence_, sequence); }

bool RelayPool::clear_own(const Wtxid& wtxid) {
    const auto found = by_wtxid_.find(wtxid);
    return found != by_wtxid_.end() && std::exchange(entries_[found->second].own, false);
}

void RelayPool::set_recent_block(BlockPtr block) {
    recent_by_txid_.clear();
    recent_by_wtxid_.clear();
    recent_ = std::move(block);
    if (!recent_) return;
    for (const Transaction& tx : recent_->txs()) {
        recent_by_txid_.emplace(tx.txid, &tx);
        recent_by_wtxid_.emplace(tx.wtxid, &tx);
    }
}

const RelayEntry* RelayPool::find(const Txid& txid) const {
    const auto found = by_txid_.find(txid);
    return found == by_txid_.end() ? nullptr : &entries_[found->second];
}

const RelayEntry* RelayPool::find(const Wtxid& wtxid) const {
    const auto found = by_wtxid_.find(wtxid);
    return found == by_wtxid_.end() ? nullptr : &entries_[found->second];
}

const Transaction* RelayPool::find_recent(const Txid& txid) const {
    const auto found = recent_by_txid_.find(txid);
    return found == recent_by_txid_.end() ? nullptr : found->second;
}

const Transaction* RelayPool::find_recent(const Wtxid& wtxid) const {
    const auto found = recent_by_wtxid_.find(wtxid);
    return found == recent_by_wtxid_.end() ? nullptr : found->second;
}

}  // namespace cairn::node
