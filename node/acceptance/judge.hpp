#pragma once

#include <span>

#include "consensus/script/sighash.hpp"
#include "node/acceptance/candidate.hpp"

namespace cairn::net {
class Clock;
}

namespace cairn::node {

/// Decides whether a transaction may come into the mempool, in Bitcoin Core's order of checks, so that the first rule broken is
/// the one that is named.
///
/// The checks fall into groups by what they depend on, so that each is done on the best thread and only again when its ground
/// has moved: the transaction alone (check_alone: any thread), its coins (facts: fixed while the chain is at rest), the
/// mempool (the rest), scripts (workers).
/// Owner: chain thread, at rest; but for what is static.
class Judge {
public:
    Judge(const Mempool& pool, ChainThread& chain, const net::Clock& clock) : pool_(pool), chain_(chain), clock_(clock) {}

    /// What the transaction by itself breaks. Thread: any.
    static std::optional<PolicyFault> check_alone(const Transaction& tx, const MempoolOptions& options);

    Round open_round() const;
    /// Finds the coins of those that have no fault yet and looks into them: one question to the chain for all. False: the disk
    /// failed.
    bool resolve(Round& round, std::span<Candidate* const> candidates) const;
    /// Lock time, duplicates, conflicts.
    void check_known(const Round& round, Candidate& candidate) const;
    /// Everything about one transaction but limits of clusters, replacement and scripts. Resolves when that was not done.
    /// False: the disk failed.
    bool check_single(Round& round, Candidate& candidate) const;
    /// Then replacement, cluster limits and what it does with dust; leaves the change in `staged`.
    void stage_single(const Round& round, Candidate& candidate) const;

    /// The scripts of all that have no fault and were not run yet, on the workers and here. Thread: not a worker.
    void run_scripts(std::span<Candidate* const> candidates) const;

    /// Is the tip so young that a fee says something?
    bool chain_current(const Round& round) const;
    LockPoints lock_points(const Round& round, const Transaction& tx, std::span<const CoinOrigin> origins) const;
    bool locks_open(const Round& round, const LockPoints& locks) const;

private:
    void learn_facts(const Round& round, Candidate& candidate) const;
    void check_missing(Candidate& candidate) const;
    bool coins_still_there(const Round& round, const Candidate& candidate) const;

    const Mempool& pool_;
    ChainThread& chain_;
    const net::Clock& clock_;
};

/// Runs the scripts of inputs [begin, end) of a transaction. nullopt: they hold. Otherwise "mempool-script-verify-flag-failed (…)".
/// Thread: any (pure).
std::optional<PolicyFault> check_scripts(const Transaction& tx, const PrecomputedTxData& precomputed, std::size_t begin, std::size_t end);

}  // namespace cairn::node
