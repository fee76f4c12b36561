#include "node/acceptance/judge.hpp"

#include "consensus/rules/locktime.hpp"
#include "consensus/rules/sigops.hpp"
#include "consensus/rules/spend_rules.hpp"
#include "net/io/clock.hpp"
#include "node/policy/dust.hpp"
#include "node/policy/policy.hpp"
#include "node/policy/replacement.hpp"
#include "node/policy/truc.hpp"

namespace cairn::node {

namespace {

constexpr std::int64_t kMaxTipAgeForFees = 3 * 60 * 60;

std::optional<PolicyFault> fault_of(const PolicyResult& result) {
    if (result) return std::nullopt;
    return result.error();
}

}  // namespace

std::optional<PolicyFault> Judge::check_alone(const Transaction& tx, const MempoolOptions& options) {
    if (const auto good = rules::check_transaction(tx); !good)
        return PolicyFault{TxRefusal::consensus, std::string(to_string(good.error())), ""};
    if (tx.is_coinbase()) return PolicyFault{TxRefusal::consensus, "coinbase", ""};
    if (options.require_standard) {
        if (auto fault = fault_of(check_standard(tx, options))) return fault;
    }
    return fault_of(check_nonwitness_size(tx));
}

Round Judge::open_round() const {
    Round round;
    round.tip = chain_.tip();
    round.median_time = round.tip->median_time_past();
    round.now = clock_.now();
    return round;
}

// ---------------------------------------------------------------------------------------------- what others there are

void Judge::check_known(const Round& round, Candidate& candidate) const {
    candidate.judged_at = pool_.changes();
    candidate.conflicts.clear();
    candidate.parents.clear();
    candidate.sibling_eviction = false;
    candidate.staged.reset();
    candidate.fault = candidate.alone_fault;
    if (candidate.fault) return;
    const Transaction& tx = candidate.get();
    if (!rules::is_final(tx, round.next_height(), round.median_time)) {
        candidate.fault = PolicyFault{TxRefusal::premature_spend, "non-final", ""};
        return;
    }
    if (const MempoolEntry* same = pool_.find(tx.txid)) {
        const bool equal = same->wtxid() == tx.wtxid;
        candidate.fault = PolicyFault{TxRefusal::conflict, equal ? "txn-already-in-mempool" : "txn-same-nonwitness-data-in-mempool", ""};
        return;
    }
    for (const TxInput& input : tx.inputs) {
        const MempoolEntry* other = pool_.spender(input.prevout);
        if (!other) continue;
        if (!candidate.rules.replacement) {
            candidate.fault = PolicyFault{TxRefusal::mempool_policy, "bip125-replacement-disallowed", ""};
            return;
        }
        if (std::ranges::find(candidate.conflicts, other) == candidate.conflicts.end()) candidate.conflicts.push_back(other);
    }
}

// ---------------------------------------------------------------------------------------------- coins

bool Judge::resolve(Round& round, std::span<Candidate* const> candidates) const {
    struct Question {
        Candidate* candidate;
        std::size_t input;
    };
    std::vector<const OutPoint*> outpoints;
    std::vector<Question> questions;
    for (Candidate* candidate : candidates) {
        if (candidate->fault) continue;
        const Transaction& tx = candidate->get();
        const std::size_t count = tx.inputs.size();
        candidate->resolved = true;
        candidate->missing = false;
        candidate->outputs = round.arena.make_row<TxOutput>(count);
        candidate->origins = round.arena.make_row<CoinOrigin>(count);
        candidate->sources = round.arena.make_row<Candidate::Source>(count);
        for (std::size_t i = 0; i < count; ++i) {
            const OutPoint& prevout = tx.inputs[i].prevout;
            const Transaction* parent = nullptr;
            if (const MempoolEntry* entry = pool_.find(prevout.txid)) {
                parent = &entry->tx->tx();
            } else if (const auto it = round.provisional.find(prevout.txid); it != round.provisional.end()) {
                parent = it->second;
            }
            if (!parent) {
                outpoints.push_back(&prevout);
                questions.push_back({candidate, i});
            } else if (prevout.index < parent->outputs.size()) {
                candidate->outputs[i] = parent->outputs[prevout.index];
                candidate->origins[i] = {round.next_height(), false};
                candidate->sources[i] = Candidate::unconfirmed;
            } else {
                candidate->missing = true;
            }
        }
    }
    if (outpoints.empty()) return true;
    std::vector<FoundCoin> coins(outpoints.size());
    if (!chain_.find_coins(outpoints, coins, round.arena)) return false;
    for (std::size_t q = 0; q < coins.size(); ++q) {
        const auto [candidate, input] = questions[q];
        if (!coins[q].found) {
            candidate->missing = true;
            continue;
        }
        candidate->outputs[input] = coins[q].output;
        candidate->origins[input] = coins[q].origin;
        candidate->sources[input] = coins[q].from_disk ? Candidate::disk : Candidate::memory;
    }
    return true;
}

void Judge::check_missing(Candidate& candidate) const {
    // Are they missing because the transaction itself is confirmed? Only memory is asked, for this must cost nothing.
    const Transaction& tx = candidate.get();
    for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) {
        if (!chain_.coin_in_memory({tx.txid, i})) continue;
        candidate.fault = PolicyFault{TxRefusal::conflict, "txn-already-known", ""};
        return;
    }
    candidate.fault = PolicyFault{TxRefusal::missing_inputs, "bad-txns-inputs-missingorspent", ""};
}

// Confirmed coins stay while the chain is at rest; those of other transactions may have gone with them.
bool Judge::coins_still_there(const Round& round, const Candidate& candidate) const {
    if (candidate.missing) return false;
    const Transaction& tx = candidate.get();
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        if (candidate.sources[i] != Candidate::unconfirmed) continue;
        const Txid& parent = tx.inputs[i].prevout.txid;
        if (!pool_.find(parent) && !round.provisional.contains(parent)) return false;
    }
    return true;
}

LockPoints Judge::lock_points(const Round& round, const Transaction& tx, std::span<const CoinOrigin> origins) const {
    const rules::SequenceLock lock =
        rules::sequence_lock(tx, origins, [&](Height height) { return round.tip->ancestor(std::min(height, round.tip->height))->median_time_past(); });
    Height newest = 0;
    for (const CoinOrigin& origin : origins) {
        if (origin.height <= round.tip->height) newest = std::max(newest, origin.height);
    }
    return {lock.height, lock.time, round.tip->ancestor(newest)};
}

bool Judge::locks_open(const Round& round, const LockPoints& locks) const {
    return rules::SequenceLock{locks.height, locks.time}.open_at(round.next_height(), round.median_time);
}

void Judge::learn_facts(const Round& round, Candidate& candidate) const {
    candidate.facts_known = true;
    candidate.facts_fault.reset();
    const Transaction& tx = candidate.get();
    const SpentCoins spent = candidate.spent();
    const MempoolOptions& options = pool_.options();
    MempoolEntry& entry = candidate.entry;
    entry.tx = candidate.tx;
    entry.time = candidate.time;
    entry.height = round.tip->height;
    entry.locks = lock_points(round, tx, candidate.origins);
    if (!locks_open(round, entry.locks)) {
        candidate.facts_fault = PolicyFault{TxRefusal::premature_spend, "non-BIP68-final", ""};
        return;
    }
    const auto fee = rules::check_tx_inputs(tx, spent, round.next_height());
    if (!fee) {
        const bool early = fee.error().error == TxError::premature_coinbase_spend;
        candidate.facts_fault = PolicyFault{early ? TxRefusal::premature_spend : TxRefusal::consensus,
                                            std::string(fee.error().reject_reason()), fee.error().debug};
        return;
    }
    entry.fee = *fee;
    if (options.require_standard) {
        candidate.facts_fault = fault_of(check_inputs_standard(tx, spent));
        if (!candidate.facts_fault && tx.has_witness()) candidate.facts_fault = fault_of(check_witness_standard(tx, spent));
        if (candidate.facts_fault) return;
    }
    entry.sigop_cost = rules::sigop_cost(tx, spent, kStandardScriptFlags);
    entry.weight = adjusted_weight(tx.weight(), entry.sigop_cost, options.bytes_per_sigop);
    entry.spends_coinbase = std::ranges::any_of(candidate.origins, [](const CoinOrigin& origin) { return origin.coinbase; });
}

// ---------------------------------------------------------------------------------------------- the mempool's rules

bool Judge::check_single(Round& round, Candidate& candidate) const {
    check_known(round, candidate);
    if (candidate.fault) return true;
    if (!candidate.resolved || !coins_still_there(round, candidate)) {
        Candidate* const one[] = {&candidate};
        candidate.facts_known = false;
        if (!resolve(round, one)) return false;
    }
    if (candidate.missing) {
        check_missing(candidate);
        return true;
    }
    if (!candidate.facts_known) learn_facts(round, candidate);
    candidate.fault = candidate.facts_fault;
    if (candidate.fault) return true;

    const Transaction& tx = candidate.get();
    const MempoolOptions& options = pool_.options();
    candidate.modified_fee = candidate.entry.fee + pool_.fee_delta(tx.txid);
    const auto refuse = [&](const PolicyResult& result) {
        candidate.fault = fault_of(result);
        return candidate.fault.has_value();
    };
    if (options.require_standard && refuse(check_ephemeral_fee(tx, options.dust_relay, candidate.entry.fee, candidate.modified_fee)))
        return true;
    if (refuse(check_sigop_cost(candidate.entry.sigop_cost))) return true;
    if (candidate.rules.limits && candidate.rules.own_fee &&
        refuse(check_fee_rate(candidate.modified_fee, candidate.vsize(), pool_.rolling_minimum(round.now), options)))
        return true;
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        if (candidate.sources[i] != Candidate::unconfirmed) continue;
        const MempoolEntry* parent = pool_.find(tx.inputs[i].prevout.txid);
        if (parent && std::ranges::find(candidate.parents, parent) == candidate.parents.end()) candidate.parents.push_back(parent);
    }
    if (!candidate.rules.limits) return true;
    const auto truc = check_truc(pool_, tx, candidate.vsize(), candidate.parents, candidate.conflicts);
    if (truc) return true;
    if (candidate.rules.sibling_eviction && truc.error().sibling) {
        candidate.sibling_eviction = true;
        candidate.conflicts.push_back(truc.error().sibling);
    } else {
        candidate.fault = truc.error().fault;
    }
    return true;
}

void Judge::stage_single(const Round&, Candidate& candidate) const {
    const Transaction& tx = candidate.get();
    const MempoolOptions& options = pool_.options();
    const auto refuse = [&](const PolicyResult& result) {
        candidate.fault = fault_of(result);
        return candidate.fault.has_value();
    };
    candidate.replaced_fee = 0;
    candidate.replaced_vsize = 0;
    if (!candidate.conflicts.empty()) {
        if (refuse(check_conflict_clusters(pool_, tx.txid, candidate.conflicts, candidate.sibling_eviction))) return;
        for (const MempoolEntry* entry : with_descendants(pool_, candidate.conflicts)) {
            candidate.replaced_fee += entry->modified_fee();
            candidate.replaced_vsize += entry->vsize();
        }
        if (refuse(check_replacement_fee(tx.txid, candidate.modified_fee, candidate.vsize(), candidate.replaced_fee, options.incremental_relay,
                                         candidate.sibling_eviction)))
            return;
        std::vector<const MempoolEntry*> ancestors = candidate.parents;
        for (const MempoolEntry* parent : candidate.parents) {
            for (const TxGraph::Id id : pool_.graph().ancestors(parent->graph)) ancestors.push_back(pool_.at(id));
        }
        if (refuse(check_no_conflict_spent(tx.txid, ancestors, candidate.conflicts))) return;
    }
    std::vector<MempoolEntry> added{candidate.entry};
    candidate.staged.emplace(pool_.stage(std::move(added), candidate.conflicts));
    if (refuse(check_cluster_limits(candidate.staged->change))) return;
    if (!candidate.conflicts.empty() && refuse(check_replacement_diagram(candidate.staged->change))) return;
    if (const auto& most = candidate.rules.max_fee_rate;
        most && higher_rate({candidate.modified_fee, candidate.vsize()}, {most->per_kvb, 1000})) {
        candidate.fault = PolicyFault{TxRefusal::mempool_policy, "max feerate exceeded", ""};
        return;
    }
    if (candidate.rules.limits && options.require_standard && !candidate.parents.empty()) {
        const TransactionPtr one[] = {candidate.tx};
        if (const auto spends = check_ephemeral_spends(one, options.dust_relay, pool_); !spends) candidate.fault = spends.error().fault;
    }
}

bool Judge::chain_current(const Round& round) const {
    return !chain_.initial_block_download() && round.tip->header.time >= round.now - kMaxTipAgeForFees &&
           round.tip->height >= chain_.best_header()->height - 1;
}

}  // namespace cairn::node
