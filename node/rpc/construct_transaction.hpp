#pragma once

#include <optional>

#include <univalue.h>

#include "consensus/primitives/transaction.hpp"
#include "net/http/rpc_method.hpp"

namespace cairn {
struct ChainParams;
}

namespace cairn::node {

/// An unsigned transaction from the arguments of createrawtransaction and its kin. `locktime` may be null; `replaceable` decides
/// about sequence numbers that are not given. Throws RpcError in Bitcoin Core's words.
MutableTransaction construct_transaction(const ChainParams& params, const UniValue& inputs, const UniValue& outputs, const UniValue& locktime,
                                         std::optional<bool> replaceable, std::uint32_t version);

/// The description of those arguments: inputs, outputs, locktime, replaceable, version.
std::vector<http::RpcArg> construct_transaction_args();

inline constexpr std::uint32_t kDefaultRawVersion = 2;

}  // namespace cairn::node
