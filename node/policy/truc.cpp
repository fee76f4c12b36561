#include "node/policy/truc.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace cairn::node {
namespace {

static_assert(kTrucAncestorLimit == 2 && kTrucDescendantLimit == 2, "the checks below know one parent and one child");

std::string name(const Transaction& tx) {
    return fmt::format("tx {} (wtxid={})", tx.txid.to_display_hex(), tx.wtxid.to_display_hex());
}

std::string too_many_ancestors(const Transaction& tx) { return name(tx) + " would have too many ancestors"; }
std::string too_many_descendants(const Transaction& parent) { return name(parent) + " would exceed descendant count limit"; }

std::string too_big(const Transaction& tx, const char* kind, std::int64_t vsize, std::int64_t limit) {
    return fmt::format("version=3 {}{} is too big: {} > {} virtual bytes", kind, name(tx), vsize, limit);
}

/// Child and parent are either both of version 3 or both not. Empty: they go together.
std::string wrong_inheritance(const Transaction& child, const Transaction& parent) {
    const bool child_truc = child.version == kTrucVersion, parent_truc = parent.version == kTrucVersion;
    if (child_truc == parent_truc) return {};
    return fmt::format("{}version=3 {} cannot spend from {}version=3 {}", child_truc ? "" : "non-", name(child), parent_truc ? "" : "non-",
                       name(parent));
}

unsigned ancestor_count(const Mempool& pool, const MempoolEntry& entry) { return pool.graph().ancestor_sum(entry.graph).count; }
unsigned descendant_count(const Mempool& pool, const MempoolEntry& entry) { return pool.graph().descendant_sum(entry.graph).count; }

TrucFault violation(std::string debug, const MempoolEntry* sibling = nullptr) {
    return {make_fault(PolicyReason::truc_violation, std::move(debug)), sibling};
}

bool spends_from(const Transaction& tx, const Txid& txid) {
    return std::any_of(tx.inputs.begin(), tx.inputs.end(), [&](const TxInput& input) { return input.prevout.txid == txid; });
}

/// Members before `index` from which it spends. A package is small.
std::vector<const Transaction*> parents_in_package(std::span<const TransactionPtr> package, std::size_t index) {
    std::vector<const Transaction*> parents;
    for (const TransactionPtr& member : package.first(index)) {
        if (spends_from(package[index]->tx(), member->tx().txid)) parents.push_back(&member->tx());
    }
    return parents;
}

/// What is wrong with a transaction of version 3 in a package. Empty: nothing.
std::string check_package_member(const Mempool& pool, std::span<const TransactionPtr> package, std::size_t index, std::int64_t vsize,
                                 std::span<const MempoolEntry* const> parents) {
    const Transaction& tx = package[index]->tx();
    if (vsize > kTrucMaxVsize) return too_big(tx, "", vsize, kTrucMaxVsize);
    const auto in_package = parents_in_package(package, index);
    if (parents.size() + in_package.size() + 1 > kTrucAncestorLimit) return too_many_ancestors(tx);
    if (parents.empty() && in_package.empty()) return {};
    if (!parents.empty() && ancestor_count(pool, *parents[0]) + in_package.size() + 1 > kTrucAncestorLimit) return too_many_ancestors(tx);
    if (vsize > kTrucChildMaxVsize) return too_big(tx, "child ", vsize, kTrucChildMaxVsize);

    const Transaction& parent = parents.empty() ? *in_package[0] : parents[0]->tx->tx();
    if (auto wrong = wrong_inheritance(tx, parent); !wrong.empty()) return wrong;
    for (std::size_t i = 0; i < package.size(); ++i) {
        if (i == index) continue;
        const Transaction& other = package[i]->tx();
        for (const TxInput& input : other.inputs) {
            if (input.prevout.txid == parent.txid) return too_many_descendants(parent);
            if (input.prevout.txid == tx.txid) return too_many_ancestors(other);
        }
    }
    if (!parents.empty() && descendant_count(pool, *parents[0]) > 1) return too_many_descendants(parent);
    return {};
}

}  // namespace

Result<void, TrucFault> check_truc(const Mempool& pool, const Transaction& tx, std::int64_t vsize,
                                   std::span<const MempoolEntry* const> parents,
                                   std::span<const MempoolEntry* const> direct_conflicts) {
    for (const MempoolEntry* parent : parents) {
        if (auto wrong = wrong_inheritance(tx, parent->tx->tx()); !wrong.empty()) return fail(violation(std::move(wrong)));
    }
    if (tx.version != kTrucVersion) return {};
    if (vsize > kTrucMaxVsize) return fail(violation(too_big(tx, "", vsize, kTrucMaxVsize)));
    if (parents.size() + 1 > kTrucAncestorLimit) return fail(violation(too_many_ancestors(tx)));
    if (parents.empty()) return {};

    const MempoolEntry& parent = *parents[0];
    if (ancestor_count(pool, parent) + 1 > kTrucAncestorLimit) return fail(violation(too_many_ancestors(tx)));
    if (vsize > kTrucChildMaxVsize) return fail(violation(too_big(tx, "child ", vsize, kTrucChildMaxVsize)));

    const auto descendants = pool.graph().descendants(parent.graph);
    if (descendants.size() + 2 <= kTrucDescendantLimit) return {};
    const bool child_leaves = std::any_of(direct_conflicts.begin(), direct_conflicts.end(), [&](const MempoolEntry* conflict) {
        return std::find(descendants.begin(), descendants.end(), conflict->graph) != descendants.end();
    });
    if (child_leaves) return {};
    // A reorg may have left more than one child, or a grandchild: then there is no one sibling to take out.
    const MempoolEntry* sibling = descendants.size() == 1 ? pool.at(descendants[0]) : nullptr;
    if (sibling && ancestor_count(pool, *sibling) != 2) sibling = nullptr;
    return fail(violation(too_many_descendants(parent.tx->tx()), sibling));
}

PackageResult check_truc_in_package(const Mempool& pool, std::span<const TransactionPtr> package, std::size_t index, std::int64_t vsize,
                                    std::span<const MempoolEntry* const> parents) {
    const Transaction& tx = package[index]->tx();
    std::string wrong;
    if (tx.version == kTrucVersion) {
        wrong = check_package_member(pool, package, index, vsize, parents);
    } else {
        for (const MempoolEntry* parent : parents) {
            if (wrong.empty()) wrong = wrong_inheritance(tx, parent->tx->tx());
        }
        for (const Transaction* parent : parents_in_package(package, index)) {
            if (wrong.empty()) wrong = wrong_inheritance(tx, *parent);
        }
    }
    if (wrong.empty()) return {};
    return fail(make_fault(PackageReason::truc_violation, std::move(wrong)));
}

}  // namespace cairn::node
