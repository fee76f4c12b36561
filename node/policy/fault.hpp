#pragma once

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

}  // namespace cairn::node
