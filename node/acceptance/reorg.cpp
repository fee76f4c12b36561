#include "consensus/rules/locktime.hpp"
#include "consensus/rules/spend_rules.hpp"
#include "net/io/clock.hpp"
#include "node/acceptance/mempool_service.hpp"

namespace cairn::node {

namespace {

constexpr std::size_t kPutBackBatch = 256;

}  // namespace

void MempoolService::on_block_connected(const BlockPtr& block, const HeaderNode* node) {
    disconnected_.remove_for_block(*block);
    std::vector<RemovedEntry> removed;
    {
        const std::unique_lock lock(mutex_);
        if (pool_.size() > 0 || !pool_.fee_deltas().empty()) removed = pool_.remove_for_block(block->txs());
        pool_.note_block(clock_.now());
        if (!returning_) tip_ = node;
    }
    std::vector<RemovedEntry> conflicts;
    const auto rest = std::stable_partition(removed.begin(), removed.end(),
                                            [](const RemovedEntry& entry) { return entry.reason == RemovalReason::block; });
    conflicts.assign(std::make_move_iterator(rest), std::make_move_iterator(removed.end()));
    removed.erase(rest, removed.end());
    tell_removed(conflicts);
    log_unsent(removed);
    for (MempoolObserver* observer : observers_) observer->on_block_removed(removed, node);
}

void MempoolService::on_block_disconnected(const BlockPtr& block, const HeaderNode*) {
    returning_ = true;
    std::vector<RemovedEntry> removed;
    {
        const std::unique_lock lock(mutex_);
        for (const TransactionPtr& tx : disconnected_.add_block(*block)) remove_spenders(tx->tx(), removed);
    }
    tell_removed(removed);
}

void MempoolService::on_settled() {
    if (returning_) finish_reorg();
}

// A transaction will not come back: whatever spends from it cannot stay. The lock is held.
void MempoolService::remove_spenders(const Transaction& tx, std::vector<RemovedEntry>& removed) {
    std::vector<Txid> spenders;
    for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) {
        const MempoolEntry* spender = pool_.spender({tx.txid, i});
        if (spender && std::ranges::find(spenders, spender->txid()) == spenders.end()) spenders.push_back(spender->txid());
    }
    if (spenders.empty()) return;
    std::vector<RemovedEntry> gone = pool_.remove(spenders, RemovalReason::reorg);
    std::move(gone.begin(), gone.end(), std::back_inserter(removed));
}

// The chain is on its new branch: what the old one alone had confirmed waits again, if it still may, and what was here is looked
// at with the new tip's eyes. One change for whoever reads.
void MempoolService::finish_reorg() {
    returning_ = false;
    const std::vector<TransactionPtr> txs = disconnected_.take();
    Round round = judge_.open_round();
    std::vector<RemovedEntry> removed;
    std::vector<PutBack> back;
    {
        const std::unique_lock lock(mutex_);
        for (std::size_t at = 0; at < txs.size() && !thread_.broken(); at += kPutBackBatch)
            put_back(round, std::span(txs).subspan(at, std::min(kPutBackBatch, txs.size() - at)), back, removed);
        std::vector<RemovedEntry> gone = pool_.end_reorg([&](MempoolEntry& entry) { return still_valid(round, entry); });
        std::move(gone.begin(), gone.end(), std::back_inserter(removed));
        tip_ = round.tip;
    }
    TxSubmission quiet;
    quiet.announce = false;
    for (const PutBack& returned : back) {
        if (const MempoolEntry* entry = pool_.find(returned.txid)) tell_added(round, *entry, quiet, true, false, returned.sequence);
    }
    tell_removed(removed);
    last_expiry_ = 0;
    expire(round.now);
    limit_size(round.now);
}

// The lock is held.
void MempoolService::put_back(Round& round, std::span<const TransactionPtr> txs, std::vector<PutBack>& back, std::vector<RemovedEntry>& removed) {
    std::vector<Candidate> candidates(txs.size());
    std::vector<Candidate*> all;
    round.provisional.clear();
    for (std::size_t i = 0; i < txs.size(); ++i) {
        Candidate& candidate = candidates[i];
        candidate.tx = txs[i];
        candidate.time = round.now;
        candidate.rules.limits = candidate.rules.replacement = candidate.rules.sibling_eviction = false;
        candidate.alone_fault = candidate.fault = Judge::check_alone(txs[i]->tx(), pool_.options());
        if (!candidate.fault) round.provisional.emplace(candidate.get().txid, &candidate.get());
        all.push_back(&candidate);
    }
    if (!judge_.resolve(round, all)) return;
    for (Candidate* candidate : all) {
        if (!judge_.check_single(round, *candidate)) return;
    }
    judge_.run_scripts(all);
    round.provisional.clear();
    for (Candidate& candidate : candidates) {
        if (!judge_.check_single(round, candidate)) return;
        if (!candidate.fault && !candidate.scripts_run) {
            Candidate* const one[] = {&candidate};
            judge_.run_scripts(one);
        }
        candidate.entry.sequence = 0;  // older than all that may spend from it
        const std::uint64_t sequence = pool_.sequence();
        if (!candidate.fault && !candidate.script_fault && pool_.add_back(candidate.entry)) back.push_back({candidate.get().txid, sequence});
        else remove_spenders(candidate.get(), removed);
    }
}

// Could the transaction be in the next block, as far as time and maturity go? Renews its locks.
bool MempoolService::still_valid(Round& round, MempoolEntry& entry) const {
    const Transaction& tx = entry.tx->tx();
    if (!rules::is_final(tx, round.next_height(), round.median_time)) return false;
    const HeaderNode* newest = entry.locks.newest_input_block;
    const bool locks_hold = newest && round.tip->ancestor(newest->height) == newest;
    if (locks_hold && !judge_.locks_open(round, entry.locks)) return false;
    if (locks_hold && !entry.spends_coinbase) return true;

    std::vector<CoinOrigin> origins(tx.inputs.size(), CoinOrigin{round.next_height(), false});
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        const OutPoint* const outpoint = &tx.inputs[i].prevout;
        if (pool_.find(outpoint->txid)) continue;
        FoundCoin coin;
        if (!thread_.find_coins({&outpoint, 1}, {&coin, 1}, round.arena) || !coin.found) return false;
        origins[i] = coin.origin;
        if (coin.origin.coinbase && round.next_height() - coin.origin.height < rules::kCoinbaseMaturity) return false;
    }
    if (!locks_hold) {
        entry.locks = judge_.lock_points(round, tx, origins);
        if (!judge_.locks_open(round, entry.locks)) return false;
    }
    return true;
}

}  // namespace cairn::node
