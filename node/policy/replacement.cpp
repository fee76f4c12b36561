#include "node/policy/replacement.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "consensus/rules/spend_rules.hpp"

namespace cairn::node {
namespace {

constexpr std::uint32_t kMaxReplaceableSequence = 0xfffffffd;

/// Rule 5. Empty: it holds.
std::string too_many_clusters(const Mempool& pool, const Txid& txid, std::span<const MempoolEntry* const> conflicts) {
    std::set<std::uint64_t> clusters;
    for (const MempoolEntry* conflict : conflicts) clusters.insert(pool.graph().cluster_number(conflict->graph));
    if (clusters.size() <= kMaxReplacementClusters) return {};
    return fmt::format("rejecting replacement {}; too many conflicting clusters ({} > {})", txid.to_display_hex(), clusters.size(),
                       kMaxReplacementClusters);
}

/// Rules 3 and 4. Empty: they hold.
std::string too_little_fee(const Txid& txid, Amount fee, std::int64_t vsize, Amount replaced_fee, FeeRate incremental_relay) {
    using rules::format_money;
    if (fee < replaced_fee) {
        return fmt::format("rejecting replacement {}, less fees than conflicting txs; {} < {}", txid.to_display_hex(), format_money(fee),
                           format_money(replaced_fee));
    }
    const Amount additional = fee - replaced_fee, needed = incremental_relay.fee(vsize);
    if (additional >= needed) return {};
    return fmt::format("rejecting replacement {}, not enough additional fees to relay; {} < {}", txid.to_display_hex(),
                       format_money(additional), format_money(needed));
}

std::string rate_text(const FeeSize& rate) {
    const Amount per_kvb = rate.rate(1000);
    return fmt::format("{}.{:08} BTC/kvB", per_kvb / kCoin, per_kvb % kCoin);
}

}  // namespace

std::vector<const MempoolEntry*> with_descendants(const Mempool& pool, std::span<const MempoolEntry* const> direct) {
    std::set<TxGraph::Id> seen;
    std::vector<const MempoolEntry*> all;
    const auto add = [&](const MempoolEntry* entry) {
        if (seen.insert(entry->graph).second) all.push_back(entry);
    };
    for (const MempoolEntry* entry : direct) {
        add(entry);
        for (const TxGraph::Id id : pool.graph().descendants(entry->graph)) add(pool.at(id));
    }
    return all;
}

Amount total_modified_fee(std::span<const MempoolEntry* const> entries) {
    Amount sum = 0;
    for (const MempoolEntry* entry : entries) sum += entry->modified_fee();
    return sum;
}

PolicyResult check_conflict_clusters(const Mempool& pool, const Txid& txid, std::span<const MempoolEntry* const> direct_conflicts,
                                     bool sibling_eviction) {
    auto wrong = too_many_clusters(pool, txid, direct_conflicts);
    if (wrong.empty()) return {};
    return fail(make_fault(sibling_eviction ? PolicyReason::too_many_replacements_sibling : PolicyReason::too_many_replacements, std::move(wrong)));
}

PolicyResult check_replacement_fee(const Txid& txid, Amount modified_fee, std::int64_t vsize, Amount replaced_fee,
                                   FeeRate incremental_relay, bool sibling_eviction) {
    auto wrong = too_little_fee(txid, modified_fee, vsize, replaced_fee, incremental_relay);
    if (wrong.empty()) return {};
    return fail(make_fault(sibling_eviction ? PolicyReason::insufficient_fee_sibling : PolicyReason::insufficient_fee, std::move(wrong)));
}

PolicyResult check_no_conflict_spent(const Txid& txid, std::span<const MempoolEntry* const> ancestors,
                                     std::span<const MempoolEntry* const> direct_conflicts) {
    for (const MempoolEntry* ancestor : ancestors) {
        if (std::find(direct_conflicts.begin(), direct_conflicts.end(), ancestor) == direct_conflicts.end()) continue;
        return fail(make_fault(PolicyReason::spends_conflicting, fmt::format("{} spends conflicting transaction {}", txid.to_display_hex(),
                                                                             ancestor->txid().to_display_hex())));
    }
    return {};
}

PolicyResult check_cluster_limits(const TxGraph::Change& change) {
    if (!change.too_large()) return {};
    return fail(make_fault(PolicyReason::too_large_cluster));
}

PolicyResult check_replacement_diagram(const TxGraph::Change& change) {
    if (improves(change.before(), change.after())) return {};
    return fail(make_fault(PolicyReason::replacement_failed, "insufficient feerate: does not improve feerate diagram"));
}

PackageResult check_package_replacement(const Mempool& pool, std::span<const PackageMember> members) {
    const auto refuse = [](PackageReason reason, std::string debug = {}) { return fail(make_fault(reason, std::move(debug))); };
    const auto spends = [](const Transaction& child, const Txid& txid) {
        return std::any_of(child.inputs.begin(), child.inputs.end(), [&](const TxInput& input) { return input.prevout.txid == txid; });
    };
    if (members.size() != 2 || !spends(*members[1].tx, members[0].tx->txid)) return refuse(PackageReason::rbf_not_one_parent_one_child);
    const PackageMember &parent = members[0], &child = members[1];
    if (!parent.parents.empty() || !child.parents.empty()) return refuse(PackageReason::rbf_mempool_ancestors);

    std::vector<const MempoolEntry*> direct(parent.direct_conflicts.begin(), parent.direct_conflicts.end());
    direct.insert(direct.end(), child.direct_conflicts.begin(), child.direct_conflicts.end());
    const Txid& txid = child.tx->txid;
    if (auto wrong = too_many_clusters(pool, txid, direct); !wrong.empty()) return refuse(PackageReason::rbf_too_many_replacements, std::move(wrong));

    const Amount replaced_fee = total_modified_fee(with_descendants(pool, direct));
    const FeeSize alone{parent.modified_fee, parent.vsize};
    const FeeSize both = alone + FeeSize{child.modified_fee, child.vsize};
    if (auto wrong = too_little_fee(txid, both.fee, both.size, replaced_fee, pool.options().incremental_relay); !wrong.empty()) {
        return refuse(PackageReason::rbf_insufficient_fees, std::move(wrong));
    }
    // The two must be one chunk: a child that pays for nothing but the way would leave a poor parent behind.
    if (!higher_rate(both, alone)) {
        return refuse(PackageReason::rbf_parent_rate,
                      fmt::format("package feerate {} <= parent feerate is {}", rate_text(both), rate_text(alone)));
    }
    return {};
}

PackageResult check_package_cluster_limits(const TxGraph::Change& change) {
    if (!change.too_large()) return {};
    return fail(make_fault(PackageReason::too_large_cluster));
}

PackageResult check_package_replacement_diagram(const TxGraph::Change& change) {
    if (improves(change.before(), change.after())) return {};
    return fail(make_fault(PackageReason::rbf_no_improvement));
}

bool signals_replaceable(const Transaction& tx) {
    return std::any_of(tx.inputs.begin(), tx.inputs.end(), [](const TxInput& input) { return input.sequence <= kMaxReplaceableSequence; });
}

}  // namespace cairn::node
