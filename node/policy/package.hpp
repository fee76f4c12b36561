#pragma once

#include <span>

#include "consensus/primitives/transaction.hpp"
#include "node/policy/fault.hpp"

/// The form of packages: transactions that are judged together.
namespace cairn::node {

inline constexpr std::size_t kMaxPackageCount = 25;
inline constexpr std::int64_t kMaxPackageWeight = 404'000;

/// Not too many, not too large, no duplicates, parents before children, no conflicts.
/// Tokens: package-too-many-transactions, package-too-large, package-contains-duplicates, package-not-sorted,
/// conflict-in-package.
PackageResult check_package(std::span<const TransactionPtr> package);

/// No transaction spends from a later one.
bool is_sorted_package(std::span<const TransactionPtr> package);
/// No output is spent twice by different transactions; false also when one has no inputs.
bool is_consistent_package(std::span<const TransactionPtr> package);

/// The last one spends from each of the others; at least two.
bool is_child_with_parents(std::span<const TransactionPtr> package);
/// Besides, no parent spends from another.
bool is_child_with_parents_tree(std::span<const TransactionPtr> package);

/// SHA-256 of all wtxids in rising order (as numbers, least significant byte first): names a package.
Uint256 package_hash(std::span<const TransactionPtr> package);

}  // namespace cairn::node
