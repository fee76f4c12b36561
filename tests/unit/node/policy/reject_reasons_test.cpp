#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "node/policy/dust.hpp"
#include "node/policy/package.hpp"
#include "node/policy/replacement.hpp"
#include "node/policy/truc.hpp"
#include "tests/support/mempool_builder.hpp"
#include "tests/unit/node/policy/policy_cases.hpp"

/// Every reason that policy can give, with a case that provokes it. A new reason without a case fails here.
namespace cairn::node {
namespace {

using test::MempoolBuilder;
using test::PolicyCase;

/// A mempool and what is put into it.
struct Pool {
    MempoolBuilder builder{1};
    Mempool pool{MempoolOptions{}};

    TransactionPtr tx(const std::vector<OutPoint>& inputs, std::uint32_t version = 2) {
        MutableTransaction made(builder.tx(inputs, 2)->tx());
        made.version = version;
        return made.finish();
    }
    const MempoolEntry* put(const TransactionPtr& made, Amount fee = 1'000) { return builder.add(pool, made, fee); }
    std::vector<const MempoolEntry*> clusters(unsigned count) {
        std::vector<const MempoolEntry*> entries;
        for (unsigned i = 0; i < count; ++i) entries.push_back(put(tx({builder.coin()})));
        return entries;
    }
    TxGraph::Change change(const TransactionPtr& made, Amount fee, std::vector<const MempoolEntry*> conflicts = {}) {
        return pool.stage(MempoolBuilder::one(MempoolBuilder::entry(made, fee)), conflicts).change;
    }
    /// A change that puts a 65th into a cluster.
    TxGraph::Change too_large() {
        auto last = tx({builder.coin()});
        for (int i = 0; i < 64; ++i) {
            put(last);
            last = tx({builder.out(last)});
        }
        return change(last, 1'000);
    }
    TxGraph::Change no_better() {
        const auto coin = builder.coin();
        const auto* old = put(tx({coin}), 5'000);
        return change(tx({coin}), 5'000, {old});
    }
    TransactionPtr dusty() {
        MutableTransaction made(tx({builder.coin()})->tx());
        made.outputs[0].value = 0;
        return made.finish();
    }
};

const Txid kTxid(Uint256(test::filled(32)));
const FeeRate kRate{1'000};

using PolicyCases = std::map<PolicyReason, std::function<PolicyResult()>>;

void add_standard_cases(PolicyCases& cases) {
    const auto add = [&](PolicyReason reason, std::function<void(PolicyCase&)> change) {
        cases[reason] = [change] {
            PolicyCase c;
            change(c);
            return c.standard();
        };
    };
    add(PolicyReason::version, [](auto& c) { c.tx.version = 4; });
    add(PolicyReason::tx_size, [](auto& c) { c.tx.inputs[0].witness = {test::filled(400'000)}; });
    add(PolicyReason::scriptsig_size, [](auto& c) { c.tx.inputs[0].script_sig = Bytes(1'651, 0x51); });
    add(PolicyReason::scriptsig_not_pushonly, [](auto& c) { c.tx.inputs[0].script_sig = {0xac}; });
    add(PolicyReason::scriptpubkey, [](auto& c) { c.tx.outputs[0].script_pubkey = {0xac}; });
    add(PolicyReason::datacarrier, [](auto& c) {
        c.options.datacarrier_bytes = 83;
        c.tx.outputs.push_back({0, test::op_return_script(84)});
    });
    add(PolicyReason::bare_multisig, [](auto& c) {
        c.options.permit_bare_multisig = false;
        c.tx.outputs[0].script_pubkey = test::multisig_script(1, 2);
    });
    add(PolicyReason::too_much_dust, [](auto& c) { c.tx.outputs = {{1, test::p2wpkh_script()}, {1, test::p2wpkh_script()}}; });
}

void add_coin_cases(PolicyCases& cases) {
    cases[PolicyReason::tx_size_small] = [] {
        PolicyCase c;
        c.tx.outputs[0].script_pubkey = {0x6a};
        return check_nonwitness_size(c.tx.finish()->tx());
    };
    cases[PolicyReason::nonstandard_inputs] = [] {
        PolicyCase c;
        c.spend({0x51});
        return c.inputs();
    };
    cases[PolicyReason::nonstandard_witness] = [] {
        PolicyCase c;
        c.spend(make_witness_program(0, test::filled(32))).witness = {test::filled(3'601)};
        return c.witness();
    };
    cases[PolicyReason::too_many_sigops] = [] { return check_sigop_cost(16'001); };
    cases[PolicyReason::mempool_min_fee] = [] { return check_fee_rate(199, 100, FeeRate{2'000}, MempoolOptions{}); };
    cases[PolicyReason::min_relay_fee] = [] { return check_fee_rate(9, 100, FeeRate{}, MempoolOptions{}); };
    cases[PolicyReason::dust_with_fee] = [] { return check_ephemeral_fee(Pool{}.dusty()->tx(), FeeRate{3'000}, 1, 1); };
}

void add_mempool_cases(PolicyCases& cases) {
    cases[PolicyReason::missing_ephemeral_spends] = [] {
        Pool p;
        const auto parent = p.dusty();
        const std::vector package{parent, p.tx({MempoolBuilder::out(parent, 1)})};
        const auto verdict = check_ephemeral_spends(package, FeeRate{3'000}, p.pool);
        return verdict ? PolicyResult{} : PolicyResult(fail(verdict.error().fault));
    };
    cases[PolicyReason::truc_violation] = [] {
        Pool p;
        const auto verdict = check_truc(p.pool, p.tx({p.builder.coin()}, 3)->tx(), 10'001, {}, {});
        return verdict ? PolicyResult{} : PolicyResult(fail(verdict.error().fault));
    };
    for (const bool sibling : {false, true}) {
        cases[sibling ? PolicyReason::too_many_replacements_sibling : PolicyReason::too_many_replacements] = [sibling] {
            Pool p;
            return check_conflict_clusters(p.pool, kTxid, p.clusters(101), sibling);
        };
        cases[sibling ? PolicyReason::insufficient_fee_sibling : PolicyReason::insufficient_fee] = [sibling] {
            return check_replacement_fee(kTxid, 99, 100, 100, kRate, sibling);
        };
    }
    cases[PolicyReason::spends_conflicting] = [] {
        Pool p;
        const auto entries = p.clusters(1);
        return check_no_conflict_spent(kTxid, entries, entries);
    };
    cases[PolicyReason::too_large_cluster] = [] { return check_cluster_limits(Pool{}.too_large()); };
    cases[PolicyReason::replacement_failed] = [] { return check_replacement_diagram(Pool{}.no_better()); };
}

TEST(RejectReasons, EachTransactionReasonIsProvoked) {
    PolicyCases cases;
    add_standard_cases(cases);
    add_coin_cases(cases);
    add_mempool_cases(cases);
    for (int i = 0; i < kPolicyReasons; ++i) {
        const auto reason = static_cast<PolicyReason>(i);
        const PolicyFault expected = make_fault(reason);
        ASSERT_TRUE(cases.contains(reason)) << "no case provokes reason " << i << ", " << expected.reject_reason;
        const PolicyResult verdict = cases[reason]();
        ASSERT_FALSE(verdict) << expected.reject_reason;
        EXPECT_EQ(verdict.error().reject_reason, expected.reject_reason);
        EXPECT_EQ(verdict.error().refusal, expected.refusal) << expected.reject_reason;
    }
    EXPECT_EQ(cases.size(), static_cast<std::size_t>(kPolicyReasons));
}

using PackageCases = std::map<PackageReason, std::function<PackageResult()>>;

PackageResult replace(Pool& p, const std::vector<TransactionPtr>& txs, std::vector<Amount> fees, std::vector<const MempoolEntry*> conflicts,
                      std::vector<const MempoolEntry*> parents = {}) {
    std::vector<PackageMember> members;
    for (std::size_t i = 0; i < txs.size(); ++i) members.push_back({&txs[i]->tx(), fees[i], txs[i]->tx().vsize(), {}, {}});
    members[0].direct_conflicts = conflicts;
    members[0].parents = parents;
    return check_package_replacement(p.pool, members);
}

void add_form_cases(PackageCases& cases) {
    const auto add = [&](PackageReason reason, std::function<std::vector<TransactionPtr>(MempoolBuilder&)> make) {
        cases[reason] = [make] {
            MempoolBuilder b;
            return check_package(make(b));
        };
    };
    add(PackageReason::too_many_transactions, [](auto& b) {
        std::vector<TransactionPtr> package;
        for (int i = 0; i < 26; ++i) package.push_back(b.tx({b.coin()}));
        return package;
    });
    add(PackageReason::too_large, [](auto& b) { return std::vector{b.tx({b.coin()}, 1, 60'000), b.tx({b.coin()}, 1, 60'000)}; });
    add(PackageReason::duplicates, [](auto& b) { return std::vector(2, b.tx({b.coin()})); });
    add(PackageReason::not_sorted, [](auto& b) {
        const auto parent = b.tx({b.coin()});
        return std::vector{b.tx({b.out(parent)}), parent};
    });
    add(PackageReason::conflict, [](auto& b) {
        const auto coin = b.coin();
        return std::vector{b.tx({coin}), b.tx({coin})};
    });
}

void add_package_mempool_cases(PackageCases& cases) {
    const auto add = [&](PackageReason reason, std::function<PackageResult(Pool&, const TransactionPtr&, const TransactionPtr&)> check) {
        cases[reason] = [check] {
            Pool p;
            const auto parent = p.tx({p.builder.coin()}, 3);
            return check(p, parent, p.tx({MempoolBuilder::out(parent)}, 3));
        };
    };
    add(PackageReason::truc_violation, [](Pool& p, const auto& parent, const auto& child) {
        return check_truc_in_package(p.pool, std::vector{parent, child}, 1, 1'001, {});
    });
    add(PackageReason::rbf_not_one_parent_one_child,
        [](Pool& p, const auto& parent, const auto&) { return replace(p, {parent}, {5'000}, p.clusters(1)); });
    add(PackageReason::rbf_mempool_ancestors, [](Pool& p, const auto& parent, const auto& child) {
        return replace(p, {parent, child}, {0, 5'000}, p.clusters(1), p.clusters(1));
    });
    add(PackageReason::rbf_too_many_replacements, [](Pool& p, const auto& parent, const auto& child) {
        return replace(p, {parent, child}, {0, 500'000}, p.clusters(101));
    });
    add(PackageReason::rbf_insufficient_fees,
        [](Pool& p, const auto& parent, const auto& child) { return replace(p, {parent, child}, {0, 999}, p.clusters(1)); });
    add(PackageReason::rbf_parent_rate,
        [](Pool& p, const auto& parent, const auto& child) { return replace(p, {parent, child}, {9'000, 1'000}, p.clusters(1)); });
    add(PackageReason::rbf_no_improvement,
        [](Pool& p, const auto&, const auto&) { return check_package_replacement_diagram(p.no_better()); });
    add(PackageReason::too_large_cluster, [](Pool& p, const auto&, const auto&) { return check_package_cluster_limits(p.too_large()); });
}

TEST(RejectReasons, EachPackageReasonIsProvoked) {
    PackageCases cases;
    add_form_cases(cases);
    add_package_mempool_cases(cases);
    for (int i = 0; i < kPackageReasons; ++i) {
        const auto reason = static_cast<PackageReason>(i);
        const PackageFault expected = make_fault(reason);
        ASSERT_TRUE(cases.contains(reason)) << "no case provokes reason " << i << ", " << expected.reject_reason;
        const PackageResult verdict = cases[reason]();
        ASSERT_FALSE(verdict) << expected.reject_reason;
        EXPECT_EQ(verdict.error().reject_reason, expected.reject_reason);
    }
    EXPECT_EQ(cases.size(), static_cast<std::size_t>(kPackageReasons));
}

}  // namespace
}  // namespace cairn::node
