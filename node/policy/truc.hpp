#pragma once

#include <span>

#include "node/mempool/mempool.hpp"
#include "node/policy/fault.hpp"

/// BIP431: transactions of version 3 restrict their topology until they are confirmed, so that they can always be replaced.
/// At most one unconfirmed parent and one child, both of version 3, and a small child.
namespace cairn::node {

inline constexpr std::uint32_t kTrucVersion = 3;
inline constexpr unsigned kTrucAncestorLimit = 2;    ///< with itself
inline constexpr unsigned kTrucDescendantLimit = 2;  ///< with itself
inline constexpr std::int64_t kTrucMaxVsize = 10'000;
inline constexpr std::int64_t kTrucChildMaxVsize = 1'000;

struct TrucFault {
    PolicyFault fault;  ///< "TRUC-violation"
    /// Set when the fault is a second child: the first one, which may be treated as a conflict instead.
    const MempoolEntry* sibling = nullptr;
};

/// For every transaction, of version 3 or not, but not after a reorg. `parents`: direct ones in the mempool;
/// `direct_conflicts`: what leaves for it. `vsize`: adjusted for signature operations.
Result<void, TrucFault> check_truc(const Mempool& pool, const Transaction& tx, std::int64_t vsize,
                                   std::span<const MempoolEntry* const> parents,
                                   std::span<const MempoolEntry* const> direct_conflicts);

/// For each transaction of a package, after check_truc passed for it with the parents that were in the mempool by then.
/// `package` is sorted; `index` says which one.
PackageResult check_truc_in_package(const Mempool& pool, std::span<const TransactionPtr> package, std::size_t index,
                                    std::int64_t vsize, std::span<const MempoolEntry* const> parents);

}  // namespace cairn::node
