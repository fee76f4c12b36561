#include "net/io/log.hpp"
#include "node/acceptance/mempool_service.hpp"
#include "node/policy/dust.hpp"
#include "node/policy/package.hpp"
#include "node/policy/policy.hpp"
#include "node/policy/replacement.hpp"
#include "node/policy/truc.hpp"

namespace cairn::node {

namespace log = net::log;

namespace {

using Kind = TxVerdict::Kind;

/// Verdicts of nobody looked at yet, in the package's order.
std::vector<TxVerdict> unknown_verdicts(std::span<const TransactionPtr> txs) {
    std::vector<TxVerdict> verdicts(txs.size());
    for (std::size_t i = 0; i < txs.size(); ++i) {
        verdicts[i].refusal = TxRefusal::unknown;
        verdicts[i].txid = txs[i]->tx().txid;
        verdicts[i].wtxid = txs[i]->tx().wtxid;
    }
    return verdicts;
}

PackageVerdict refuse_package(const PackageFault& fault, std::vector<TxVerdict> transactions = {}) {
    return {PackageRefusal::policy, fault.reject_reason, fault.debug, std::move(transactions)};
}

/// At least one transaction is refused.
void refuse_transaction(PackageVerdict& verdict, std::string reason = "transaction failed") {
    verdict.refusal = PackageRefusal::transaction;
    verdict.reject_reason = std::move(reason);
    verdict.debug_message.clear();
}

std::vector<const MempoolEntry*> all_conflicts(std::span<const Candidate> candidates) {
    std::vector<const MempoolEntry*> conflicts;
    for (const Candidate& candidate : candidates) {
        for (const MempoolEntry* entry : candidate.conflicts) {
            if (std::ranges::find(conflicts, entry) == conflicts.end()) conflicts.push_back(entry);
        }
    }
    return conflicts;
}

}  // namespace

PackageVerdict MempoolService::judge_package(const PackageTicket& ticket, const TxSubmission& options) {
    if (!options.test_only) return submit_child_with_parents(ticket.txs, options);
    if (auto good = check_package(ticket.txs); !good) return refuse_package(good.error());
    Round round = judge_.open_round();
    return judge_together(round, ticket.txs, options);
}

// One child and some of its parents: each gets its chance alone, then those whose fees were too low, together.
PackageVerdict MempoolService::submit_child_with_parents(std::span<const TransactionPtr> txs, const TxSubmission& options) {
    if (auto good = check_package(txs); !good) return refuse_package(good.error());
    if (txs.size() > 1 && !is_child_with_parents(txs)) return refuse_package({"package-not-child-with-parents", ""});

    const auto judge_alone = [&](const TransactionPtr& tx) {
        Round round = judge_.open_round();
        Candidate candidate;
        candidate.tx = tx;
        candidate.time = options.time.value_or(round.now);
        candidate.rules.max_fee_rate = options.max_fee_rate;
        candidate.in_package = true;
        candidate.alone_fault = Judge::check_alone(tx->tx(), pool_.options());
        return conclude(round, candidate, options, true);
    };

    PackageVerdict verdict;
    verdict.transactions = unknown_verdicts(txs);
    std::vector<TransactionPtr> together;
    std::vector<std::size_t> together_at;
    bool quit = false;
    for (std::size_t i = 0; i < txs.size(); ++i) {
        TxVerdict& result = verdict.transactions[i];
        if (const MempoolEntry* entry = pool_.find(result.txid)) {
            const bool same = entry->wtxid() == result.wtxid;
            result.kind = same ? Kind::known : Kind::different_witness;
            result.refusal = TxRefusal::none;
            result.vsize = entry->vsize();
            result.base_fee = entry->fee;
            if (!same) result.other_wtxid = entry->wtxid();
            continue;
        }
        result = judge_alone(txs[i]);
        if (result.kind == Kind::accepted) continue;
        if (txs.size() == 1 || (result.refusal != TxRefusal::reconsiderable && result.refusal != TxRefusal::missing_inputs)) {
            quit = true;
        } else {
            together.push_back(txs[i]);
            together_at.push_back(i);
        }
    }
    if (quit) {
        refuse_transaction(verdict);
    } else if (together.size() == 1) {
        TxVerdict& result = verdict.transactions[together_at[0]];
        result = judge_alone(together[0]);
        if (result.kind != Kind::accepted) refuse_transaction(verdict);
    } else if (together.size() > 1) {
        Round round = judge_.open_round();
        PackageVerdict second = judge_together(round, together, options);
        for (std::size_t t = 0; t < second.transactions.size(); ++t) {
            if (second.transactions[t].refusal != TxRefusal::unknown) verdict.transactions[together_at[t]] = std::move(second.transactions[t]);
        }
        verdict.refusal = second.refusal;
        verdict.reject_reason = std::move(second.reject_reason);
        verdict.debug_message = std::move(second.debug_message);
    }
    const std::int64_t now = judge_.open_round().now;
    expire(now);
    limit_size(now);
    for (TxVerdict& result : verdict.transactions) {
        const bool counted = result.kind == Kind::accepted || result.kind == Kind::known || result.kind == Kind::different_witness;
        if (!counted || pool_.find(result.txid)) continue;
        TxVerdict gone;
        gone.kind = Kind::refused;
        gone.refusal = TxRefusal::mempool_policy;
        gone.reject_reason = "mempool full";
        gone.txid = result.txid;
        gone.wtxid = result.wtxid;
        result = std::move(gone);
        refuse_transaction(verdict);
    }
    return verdict;
}

// Several transactions as one change of the mempool: for a package by its common fee rate, for a test each by its own.
PackageVerdict MempoolService::judge_together(Round& round, std::span<const TransactionPtr> txs, const TxSubmission& options) {
    const bool test = options.test_only;
    const MempoolOptions& policy = pool_.options();
    PackageVerdict verdict;
    verdict.transactions = unknown_verdicts(txs);
    if (auto good = check_package(txs); !good) return refuse_package(good.error());

    std::vector<Candidate> candidates(txs.size());
    FeeSize total;
    for (std::size_t i = 0; i < txs.size(); ++i) {
        Candidate& candidate = candidates[i];
        candidate.tx = txs[i];
        candidate.time = options.time.value_or(round.now);
        candidate.in_package = true;
        candidate.rules.replacement = !test;
        candidate.rules.sibling_eviction = false;
        candidate.rules.own_fee = test;
        candidate.alone_fault = Judge::check_alone(txs[i]->tx(), policy);
        if (!judge_.check_single(round, candidate)) return {PackageRefusal::internal, "disk error", "", std::move(verdict.transactions)};
        if (!candidate.fault && options.max_fee_rate &&
            higher_rate({candidate.modified_fee, candidate.vsize()}, {options.max_fee_rate->per_kvb, 1000}))
            candidate.fault = PolicyFault{TxRefusal::mempool_policy, "max feerate exceeded", ""};
        if (candidate.fault) {
            verdict.transactions[i] = verdict_of(candidate);
            refuse_transaction(verdict);
            return verdict;
        }
        round.provisional.emplace(candidate.get().txid, &candidate.get());
        total += {candidate.modified_fee, candidate.vsize()};
    }
    for (std::size_t i = 0; i < txs.size(); ++i) {
        if (auto good = check_truc_in_package(pool_, txs, i, candidates[i].vsize(), candidates[i].parents); !good)
            return refuse_package(good.error(), std::move(verdict.transactions));
    }
    std::vector<Wtxid> wtxids;
    for (const TransactionPtr& tx : txs) wtxids.push_back(tx->tx().wtxid);
    if (!test) {
        if (auto good = check_fee_rate(total.fee, total.size, pool_.rolling_minimum(round.now), policy); !good) {
            Candidate& last = candidates.back();
            last.fault = good.error();
            TxVerdict& result = verdict.transactions.back() = verdict_of(last);
            result.effective = total;
            result.effective_includes = wtxids;
            refuse_transaction(verdict);
            return verdict;
        }
    }
    const std::vector<const MempoolEntry*> conflicts = all_conflicts(candidates);
    if (!conflicts.empty()) {
        std::vector<PackageMember> members;
        for (const Candidate& candidate : candidates)
            members.push_back({&candidate.get(), candidate.modified_fee, candidate.vsize(), candidate.parents, candidate.conflicts});
        if (auto good = check_package_replacement(pool_, members); !good) return refuse_package(good.error(), std::move(verdict.transactions));
    }
    std::vector<MempoolEntry> added;
    for (const Candidate& candidate : candidates) added.push_back(candidate.entry);
    Mempool::Staged staged = pool_.stage(std::move(added), conflicts);
    if (auto good = check_package_cluster_limits(staged.change); !good) return refuse_package(good.error(), std::move(verdict.transactions));
    if (!conflicts.empty()) {
        if (auto good = check_package_replacement_diagram(staged.change); !good)
            return refuse_package(good.error(), std::move(verdict.transactions));
        log::debug(log::Category::txpackages, "package RBF checks passed: parent {} (wtxid={}), child {} (wtxid={}), package hash ({})",
                   txs.front()->tx().txid.to_display_hex(), txs.front()->tx().wtxid.to_display_hex(), txs.back()->tx().txid.to_display_hex(),
                   txs.back()->tx().wtxid.to_display_hex(), package_hash(txs).to_display_hex());
    }
    if (policy.require_standard) {
        if (auto spends = check_ephemeral_spends(txs, policy.dust_relay, pool_); !spends) {
            for (Candidate& candidate : candidates) {
                if (candidate.get().wtxid != spends.error().wtxid) continue;
                candidate.fault = spends.error().fault;
                verdict.transactions[&candidate - candidates.data()] = verdict_of(candidate);
            }
            refuse_transaction(verdict, "unspent-dust");
            return verdict;
        }
    }
    std::vector<Candidate*> all;
    for (Candidate& candidate : candidates) all.push_back(&candidate);
    judge_.run_scripts(all);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        Candidate& candidate = candidates[i];
        if (candidate.script_fault) {
            candidate.fault = candidate.script_fault;
            if (!test) verdict.transactions = unknown_verdicts(txs);
            verdict.transactions[i] = verdict_of(candidate);
            refuse_transaction(verdict);
            return verdict;
        }
        verdict.transactions[i] = verdict_of(candidate);
        if (test) continue;
        verdict.transactions[i].effective = total;
        verdict.transactions[i].effective_includes = wtxids;
    }
    if (!test) insert_together(round, candidates, std::move(staged), total, options, verdict);
    return verdict;
}

void MempoolService::insert_together(const Round& round, std::span<Candidate> candidates, Mempool::Staged staged, const FeeSize& total,
                                     const TxSubmission& options, PackageVerdict& verdict) {
    FeeSize replaced;
    std::vector<TransactionPtr> txs;
    for (const Candidate& candidate : candidates) txs.push_back(candidate.tx);
    for (const MempoolEntry* entry : staged.removed) {
        verdict.transactions.front().replaced.push_back(entry->tx);
        replaced += {entry->modified_fee(), entry->vsize()};
        if (!log::enabled(log::Category::mempool, log::Level::debug)) continue;
        log::debug(log::Category::mempool,
                   "replacing mempool tx {} (wtxid={}, fees={}, vsize={}). New package {} with {} txs, fees={}, vsize={}",
                   entry->txid().to_display_hex(), entry->wtxid().to_display_hex(), entry->fee, entry->vsize(),
                   package_hash(txs).to_display_hex(), txs.size(), total.fee, total.size);
    }
    std::vector<RemovedEntry> removed;
    {
        const std::unique_lock lock(mutex_);
        removed = pool_.commit(std::move(staged));
        for (const TransactionPtr& tx : txs) {
            if (options.local) pool_.add_unbroadcast(tx->tx().txid);
        }
    }
    tell_removed(removed);
    for (const Candidate& candidate : candidates) {
        const Transaction& tx = candidate.get();
        for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
            if (candidate.sources[i] == Candidate::disk)
                thread_.keep_coin(tx.inputs[i].prevout, {candidate.outputs[i], candidate.origins[i], true, true});
        }
        if (const MempoolEntry* entry = pool_.find(tx.txid)) tell_added(round, *entry, options, false, true);
    }
    if (!removed.empty())
        log::debug(log::Category::mempool, "replaced {} mempool transactions with {} new one(s) for {} additional fees, {} delta bytes",
                   removed.size(), txs.size(), total.fee - replaced.fee, total.size - replaced.size);
}

}  // namespace cairn::node
