#include "node/policy/package.hpp"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "consensus/crypto/sha256.hpp"

namespace cairn::node {
namespace {

using TxidSet = std::unordered_set<Txid>;

TxidSet txids_of(std::span<const TransactionPtr> package) {
    TxidSet ids;
    for (const TransactionPtr& member : package) ids.insert(member->tx().txid);
    return ids;
}

/// `later`: the ids of all of them.
bool is_sorted_package(std::span<const TransactionPtr> package, TxidSet later) {
    for (const TransactionPtr& member : package) {
        for (const TxInput& input : member->tx().inputs) {
            if (later.contains(input.prevout.txid)) return false;
        }
        later.erase(member->tx().txid);
    }
    return true;
}

PackageResult refuse(PackageReason reason) { return fail(make_fault(reason)); }

}  // namespace

bool is_sorted_package(std::span<const TransactionPtr> package) { return is_sorted_package(package, txids_of(package)); }

bool is_consistent_package(std::span<const TransactionPtr> package) {
    std::set<OutPoint> seen;
    for (const TransactionPtr& member : package) {
        const auto inputs = member->tx().inputs;
        if (inputs.empty()) return false;
        for (const TxInput& input : inputs) {
            if (seen.contains(input.prevout)) return false;
        }
        // All at once: the same output twice in one transaction breaks a rule of blocks, and that shall be what is said.
        for (const TxInput& input : inputs) seen.insert(input.prevout);
    }
    return true;
}

PackageResult check_package(std::span<const TransactionPtr> package) {
    if (package.size() > kMaxPackageCount) return refuse(PackageReason::too_many_transactions);
    std::int64_t weight = 0;
    for (const TransactionPtr& member : package) weight += member->tx().weight();
    // Alone, it is the transaction that is too large.
    if (package.size() > 1 && weight > kMaxPackageWeight) return refuse(PackageReason::too_large);
    TxidSet ids = txids_of(package);
    if (ids.size() != package.size()) return refuse(PackageReason::duplicates);
    if (!is_sorted_package(package, std::move(ids))) return refuse(PackageReason::not_sorted);
    if (!is_consistent_package(package)) return refuse(PackageReason::conflict);
    return {};
}

bool is_child_with_parents(std::span<const TransactionPtr> package) {
    if (package.size() < 2) return false;
    TxidSet spent;
    for (const TxInput& input : package.back()->tx().inputs) spent.insert(input.prevout.txid);
    const auto parents = package.first(package.size() - 1);
    return std::all_of(parents.begin(), parents.end(), [&](const TransactionPtr& parent) { return spent.contains(parent->tx().txid); });
}

bool is_child_with_parents_tree(std::span<const TransactionPtr> package) {
    if (!is_child_with_parents(package)) return false;
    const auto parents = package.first(package.size() - 1);
    const TxidSet ids = txids_of(parents);
    return std::all_of(parents.begin(), parents.end(), [&](const TransactionPtr& parent) {
        const auto inputs = parent->tx().inputs;
        return std::none_of(inputs.begin(), inputs.end(), [&](const TxInput& input) { return ids.contains(input.prevout.txid); });
    });
}

Uint256 package_hash(std::span<const TransactionPtr> package) {
    std::vector<Wtxid> ids;
    for (const TransactionPtr& member : package) ids.push_back(member->tx().wtxid);
    const auto bytes = [](const Wtxid& id) { return id.span(); };
    std::sort(ids.begin(), ids.end(), [&](const Wtxid& a, const Wtxid& b) {
        return std::lexicographical_compare(bytes(a).rbegin(), bytes(a).rend(), bytes(b).rbegin(), bytes(b).rend());
    });
    Sha256 hasher;
    for (const Wtxid& id : ids) hasher.write(id);
    return hasher.finish();
}

}  // namespace cairn::node
