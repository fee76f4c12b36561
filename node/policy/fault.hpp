#pragma once

#include <span>
#include <string>
#include <utility>

#include "consensus/base/result.hpp"
#include "node/mempool/verdict.hpp"

namespace cairn::node {

/// A rule of policy that a transaction breaks, in the words that RPC and the log show.
struct PolicyFault {
    TxRefusal refusal = TxRefusal::not_standard;
    std::string reject_reason;  ///< the token, such as "scriptsig-size"
    std::string debug;          ///< may be empty

    bool operator==(const PolicyFault&) const = default;
};
using PolicyResult = Result<void, PolicyFault>;

/// The same for a package as a whole.
struct PackageFault {
    std::string reject_reason;  ///< such as "package-not-sorted"; refusal is always PackageRefusal::policy
    std::string debug;

    bool operator==(const PackageFault&) const = default;
};
using PackageResult = Result<void, PackageFault>;

/// Every reason for which this room refuses a transaction. The table in fault.cpp has the token and the kind of each.
enum class PolicyReason : std::uint8_t {
    version,
    tx_size,
    scriptsig_size,
    scriptsig_not_pushonly,
    scriptpubkey,
    datacarrier,
    bare_multisig,
    too_much_dust,
    tx_size_small,
    nonstandard_inputs,
    nonstandard_witness,
    too_many_sigops,
    mempool_min_fee,
    min_relay_fee,
    dust_with_fee,
    missing_ephemeral_spends,
    truc_violation,
    too_many_replacements,
    too_many_replacements_sibling,
    insufficient_fee,
    insufficient_fee_sibling,
    spends_conflicting,
    too_large_cluster,
    replacement_failed,
};
inline constexpr int kPolicyReasons = static_cast<int>(PolicyReason::replacement_failed) + 1;
PolicyFault make_fault(PolicyReason reason, std::string debug = {});

/// Every reason for which this room refuses a package as a whole.
enum class PackageReason : std::uint8_t {
    too_many_transactions,
    too_large,
    duplicates,
    not_sorted,
    conflict,
    truc_violation,
    rbf_not_one_parent_one_child,
    rbf_mempool_ancestors,
    rbf_too_many_replacements,
    rbf_insufficient_fees,
    rbf_parent_rate,
    rbf_no_improvement,
    too_large_cluster,
};
inline constexpr int kPackageReasons = static_cast<int>(PackageReason::too_large_cluster) + 1;
PackageFault make_fault(PackageReason reason, std::string debug = {});

}  // namespace cairn::node
