#include "node/policy/fault.hpp"

#include <array>

namespace cairn::node {
namespace {

struct Row {
    TxRefusal refusal;
    const char* token;
};

// In the order of the enumerations.
constexpr std::array<Row, kPolicyReasons> kPolicyRows{{
    {TxRefusal::not_standard, "version"},
    {TxRefusal::not_standard, "tx-size"},
    {TxRefusal::not_standard, "scriptsig-size"},
    {TxRefusal::not_standard, "scriptsig-not-pushonly"},
    {TxRefusal::not_standard, "scriptpubkey"},
    {TxRefusal::not_standard, "datacarrier"},
    {TxRefusal::not_standard, "bare-multisig"},
    {TxRefusal::not_standard, "dust"},
    {TxRefusal::not_standard, "tx-size-small"},
    {TxRefusal::inputs_not_standard, "bad-txns-nonstandard-inputs"},
    {TxRefusal::witness_mutated, "bad-witness-nonstandard"},
    {TxRefusal::not_standard, "bad-txns-too-many-sigops"},
    {TxRefusal::reconsiderable, "mempool min fee not met"},
    {TxRefusal::reconsiderable, "min relay fee not met"},
    {TxRefusal::not_standard, "dust"},
    {TxRefusal::mempool_policy, "missing-ephemeral-spends"},
    {TxRefusal::mempool_policy, "TRUC-violation"},
    {TxRefusal::mempool_policy, "too many potential replacements"},
    {TxRefusal::mempool_policy, "too many potential replacements (including sibling eviction)"},
    {TxRefusal::reconsiderable, "insufficient fee"},
    {TxRefusal::reconsiderable, "insufficient fee (including sibling eviction)"},
    {TxRefusal::consensus, "bad-txns-spends-conflicting-tx"},
    {TxRefusal::mempool_policy, "too-large-cluster"},
    {TxRefusal::reconsiderable, "replacement-failed"},
}};

constexpr std::array<const char*, kPackageReasons> kPackageTokens{
    "package-too-many-transactions",
    "package-too-large",
    "package-contains-duplicates",
    "package-not-sorted",
    "conflict-in-package",
    "TRUC-violation",
    "package RBF failed: package must be 1-parent-1-child",
    "package RBF failed: new transaction cannot have mempool ancestors",
    "package RBF failed: too many potential replacements",
    "package RBF failed: insufficient anti-DoS fees",
    "package RBF failed: package feerate is less than or equal to parent feerate",
    "package RBF failed: insufficient feerate: does not improve feerate diagram",
    "too-large-cluster",
};

}  // namespace

PolicyFault make_fault(PolicyReason reason, std::string debug) {
    const Row& row = kPolicyRows[static_cast<std::size_t>(reason)];
    return {row.refusal, row.token, std::move(debug)};
}

PackageFault make_fault(PackageReason reason, std::string debug) {
    return {kPackageTokens[static_cast<std::size_t>(reason)], std::move(debug)};
}

}  // namespace cairn::node
