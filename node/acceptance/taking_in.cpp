#include "net/io/clock.hpp"
#include "net/io/log.hpp"
#include "node/acceptance/mempool_service.hpp"

namespace cairn::node {

namespace log = net::log;

TxVerdict MempoolService::verdict_of(const Candidate& candidate) {
    const Transaction& tx = candidate.get();
    TxVerdict verdict;
    verdict.txid = tx.txid;
    verdict.wtxid = tx.wtxid;
    if (candidate.fault) {
        verdict.kind = TxVerdict::Kind::refused;
        verdict.refusal = candidate.fault->refusal;
        verdict.reject_reason = candidate.fault->reject_reason;
        verdict.debug_message = candidate.fault->debug;
        if (verdict.refusal != TxRefusal::reconsiderable) return verdict;
    } else {
        verdict.kind = TxVerdict::Kind::accepted;
    }
    verdict.vsize = candidate.vsize();
    verdict.base_fee = candidate.entry.fee;
    verdict.effective = {candidate.modified_fee, candidate.vsize()};
    verdict.effective_includes = {tx.wtxid};
    return verdict;
}

void MempoolService::judge_batch(std::vector<Ticket>& batch) {
    Round round = judge_.open_round();
    const bool several = batch.size() > 1;
    std::vector<Candidate> candidates(batch.size());
    std::vector<Candidate*> all;
    all.reserve(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        Candidate& candidate = candidates[i];
        candidate.tx = batch[i].tx;
        candidate.time = batch[i].options.time.value_or(round.now);
        candidate.rules.max_fee_rate = batch[i].options.max_fee_rate;
        candidate.alone_fault = candidate.fault = std::move(batch[i].alone_fault);
        if (several && !candidate.fault) round.provisional.emplace(candidate.get().txid, &candidate.get());
        all.push_back(&candidate);
    }
    bool working = judge_.resolve(round, all);
    // What is refused here may still be refused only for what stands before it in the batch, and the other way round: the last
    // word is spoken when its turn comes. This first look keeps scripts of hopeless transactions from running.
    for (Candidate* candidate : all) {
        working = working && judge_.check_single(round, *candidate);
        const bool alone = candidate->conflicts.empty() && candidate->parents.empty();
        if (working && !candidate->fault && (!several || !alone)) judge_.stage_single(round, *candidate);
    }
    if (working) judge_.run_scripts(all);
    round.provisional.clear();

    std::vector<TxVerdict> verdicts;
    verdicts.reserve(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (working && !thread_.broken()) {
            verdicts.push_back(conclude(round, candidates[i], batch[i].options, several));
        } else {
            TxVerdict& verdict = verdicts.emplace_back();
            verdict.txid = candidates[i].get().txid;
            verdict.wtxid = candidates[i].get().wtxid;
        }
    }
    expire(round.now);
    pending_.fetch_sub(batch.size(), std::memory_order_relaxed);
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (batch[i].done) batch[i].done(verdicts[i]);
    }
}

// The last word on one transaction, and its entry when it may come in. `recheck`: others came before it since it was looked at.
TxVerdict MempoolService::conclude(Round& round, Candidate& candidate, const TxSubmission& options, bool recheck) {
    const auto inconclusive = [&] {
        TxVerdict verdict;
        verdict.txid = candidate.get().txid;
        verdict.wtxid = candidate.get().wtxid;
        return verdict;
    };
    if (recheck && !judge_.check_single(round, candidate)) return inconclusive();
    if (!candidate.fault && !candidate.staged) judge_.stage_single(round, candidate);
    if (!candidate.fault && !candidate.scripts_run) {
        Candidate* const one[] = {&candidate};
        judge_.run_scripts(one);
    }
    if (!candidate.fault && candidate.script_fault) candidate.fault = candidate.script_fault;
    if (!candidate.fault && options.max_base_fee && candidate.entry.fee > *options.max_base_fee)
        candidate.fault = PolicyFault{TxRefusal::mempool_policy, "max-fee-exceeded", ""};
    TxVerdict verdict = verdict_of(candidate);
    if (!candidate.fault) {
        if (options.test_only) {
            for (const MempoolEntry* entry : candidate.staged->removed) verdict.replaced.push_back(entry->tx);
        } else {
            insert(round, candidate, options, verdict);
        }
    } else if (options.local) {
        const Transaction& tx = candidate.get();
        bool failed = false;
        for (std::uint32_t i = 0; i < tx.outputs.size() && !failed && !verdict.in_chain; ++i)
            verdict.in_chain = thread_.coin({tx.txid, i}, failed).has_value();
    }
    return verdict;
}

void MempoolService::insert(const Round& round, Candidate& candidate, const TxSubmission& options, TxVerdict& verdict) {
    const Transaction& tx = candidate.get();
    for (const MempoolEntry* entry : candidate.staged->removed) {
        verdict.replaced.push_back(entry->tx);
        log::debug(log::Category::mempool, "replacing mempool tx {} (wtxid={}, fees={}, vsize={}). New tx {} (wtxid={}, fees={}, vsize={})",
                   entry->txid().to_display_hex(), entry->wtxid().to_display_hex(), entry->fee, entry->vsize(), tx.txid.to_display_hex(),
                   tx.wtxid.to_display_hex(), candidate.modified_fee, candidate.vsize());
    }
    std::vector<RemovedEntry> removed;
    {
        const std::unique_lock lock(mutex_);
        removed = pool_.commit(std::move(*candidate.staged));
        if (options.local) pool_.add_unbroadcast(tx.txid);
    }
    candidate.staged.reset();
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        if (candidate.sources[i] == Candidate::disk)
            thread_.keep_coin(tx.inputs[i].prevout, {candidate.outputs[i], candidate.origins[i], true, true});
    }
    tell_removed(removed);
    if (!candidate.in_package) limit_size(round.now);
    const MempoolEntry* entry = pool_.find(tx.txid);
    if (!entry) {
        candidate.fault = PolicyFault{TxRefusal::reconsiderable, "mempool full", ""};
        verdict = verdict_of(candidate);
        return;
    }
    tell_added(round, *entry, options, false, candidate.in_package);
    if (!verdict.replaced.empty())
        log::debug(log::Category::mempool, "replaced {} mempool transactions with 1 new transaction for {} additional fees, {} delta bytes",
                   verdict.replaced.size(), candidate.modified_fee - candidate.replaced_fee, candidate.vsize() - candidate.replaced_vsize);
}

void MempoolService::expire(std::int64_t now) {
    if (now == last_expiry_ || pool_.size() == 0) return;
    last_expiry_ = now;
    std::vector<RemovedEntry> removed;
    {
        const std::unique_lock lock(mutex_);
        removed = pool_.expire(now - pool_.options().expiry_seconds);
    }
    if (removed.empty()) return;
    log::debug(log::Category::mempool, "Expired {} transactions from the memory pool", removed.size());
    tell_removed(removed);
}

void MempoolService::limit_size(std::int64_t now) {
    const auto most = static_cast<std::size_t>(pool_.options().max_bytes);
    if (pool_.memory_usage() > most) {
        std::vector<RemovedEntry> removed;
        {
            const std::unique_lock lock(mutex_);
            removed = pool_.trim_to(most, now);
        }
        const Amount floor = pool_.rolling_minimum(now).per_kvb;
        log::debug(log::Category::mempool, "Removed {} txn, rolling minimum fee bumped to {}.{:08} BTC/kvB", removed.size(), floor / kCoin,
                   floor % kCoin);
        tell_removed(removed);
    }
    const int ratio = pool_.options().check_ratio;
    if (ratio > 0 && ++checks_due_ >= static_cast<std::uint64_t>(ratio)) {
        checks_due_ = 0;
        pool_.check();
    }
}

void MempoolService::tell_added(const Round& round, const MempoolEntry& entry, const TxSubmission& options, bool bypassed, bool in_package,
                                std::optional<std::uint64_t> sequence) {
    if (observers_.empty()) return;
    AddedTransaction added;
    added.tx = entry.tx;
    added.fee = entry.fee;
    added.vsize = entry.vsize();
    added.chunk = pool_.graph().chunk_of(entry.graph);
    added.sequence = sequence.value_or(entry.sequence);
    added.height = entry.height;
    added.time = entry.time;
    added.peer = options.peer;
    added.announce = options.announce;
    added.limits_bypassed = bypassed;
    added.in_package = in_package;
    added.chain_current = judge_.chain_current(round);
    added.no_parents_here = pool_.graph().parents(entry.graph).empty();
    for (MempoolObserver* observer : observers_) observer->on_added(added);
}

void MempoolService::log_unsent(const std::vector<RemovedEntry>& removed) {
    for (const RemovedEntry& gone : removed) {
        if (!gone.unbroadcast) continue;
        log::debug(log::Category::mempool, "Removed {} from set of unbroadcast txns before confirmation that txn was sent out",
                   gone.entry.txid().to_display_hex());
    }
}

void MempoolService::tell_removed(const std::vector<RemovedEntry>& removed) {
    log_unsent(removed);
    for (const RemovedEntry& entry : removed) {
        for (MempoolObserver* observer : observers_) observer->on_removed(entry);
    }
}

}  // namespace cairn::node
