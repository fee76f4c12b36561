#pragma once

#include <span>
#include <string>
#include <vector>

#include "node/mempool/mempool.hpp"
#include "node/policy/fault.hpp"

/// When a transaction may take the place of others that spend the same outputs: it pays more than all of them, pays for its own
/// way through the network, and the mempool as a whole is better to mine afterwards. Whether those signalled anything does not
/// matter.
namespace cairn::node {

inline constexpr unsigned kMaxReplacementClusters = 100;

/// `direct` and all their descendants, each once.
std::vector<const MempoolEntry*> with_descendants(const Mempool& pool, std::span<const MempoolEntry* const> direct);
/// What they pay together, prioritisation counted.
Amount total_modified_fee(std::span<const MempoolEntry* const> entries);

/// Rule 5, before anything is staged: conflicts in more than 100 clusters. "too many potential replacements".
PolicyResult check_conflict_clusters(const Mempool& pool, const Txid& txid, std::span<const MempoolEntry* const> direct_conflicts,
                                     bool sibling_eviction = false);

/// Rules 3 and 4: `replaced_fee` is what leaves with all descendants. "insufficient fee"; reconsiderable.
PolicyResult check_replacement_fee(const Txid& txid, Amount modified_fee, std::int64_t vsize, Amount replaced_fee,
                                   FeeRate incremental_relay, bool sibling_eviction = false);

/// A transaction must not spend from what it replaces: "bad-txns-spends-conflicting-tx", a consensus fault. `ancestors`: of
/// the transaction, in the mempool. Before staging, for the graph cannot hold such a change.
PolicyResult check_no_conflict_spent(const Txid& txid, std::span<const MempoolEntry* const> ancestors,
                                     std::span<const MempoolEntry* const> direct_conflicts);

/// A cluster would break its limits: "too-large-cluster".
PolicyResult check_cluster_limits(const TxGraph::Change& change);
/// Then, for a replacement: the fee rate diagram improves, or "replacement-failed"; reconsiderable.
PolicyResult check_replacement_diagram(const TxGraph::Change& change);

// ---------------------------------------------------------------------------------------------- packages

/// One transaction of a package, as far as these rules ask.
struct PackageMember {
    const Transaction* tx = nullptr;
    Amount modified_fee = 0;
    std::int64_t vsize = 0;  ///< adjusted for signature operations
    std::span<const MempoolEntry* const> parents;           ///< in the mempool
    std::span<const MempoolEntry* const> direct_conflicts;  ///< in the mempool
};

/// Everything that can be said before staging: one parent and one child without other unconfirmed parents, few clusters,
/// fees of both together, and the child's rate above the parent's. Tokens begin with "package RBF failed: ".
PackageResult check_package_replacement(const Mempool& pool, std::span<const PackageMember> members);
/// "too-large-cluster" for a package.
PackageResult check_package_cluster_limits(const TxGraph::Change& change);
PackageResult check_package_replacement_diagram(const TxGraph::Change& change);

// ---------------------------------------------------------------------------------------------- signalling

/// BIP125, still shown to users: an input's sequence is below 0xfffffffe.
bool signals_replaceable(const Transaction& tx);

}  // namespace cairn::node
