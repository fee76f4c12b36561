#pragma once

#include <map>

#include <univalue.h>

#include "consensus/chain/coin.hpp"
#include "light/keys/script_keys.hpp"
#include "node/rpc/context.hpp"

namespace cairn::node {

/// Outputs that a transaction spends; kMissingCoinValue where none is known.
using PreviousOutputs = std::map<OutPoint, Coin>;

/// Looks them up, in the mempool first and then in the chain.
PreviousOutputs find_previous_outputs(const NodeContext& context, const MutableTransaction& tx);

/// Adds what a caller says about them ("prevtxs"); redeem and witness scripts go to `keys`, when there are any. An amount that is
/// not given becomes light::kUnknownAmount. Throws RpcError in Bitcoin Core's words when it contradicts itself or what is known.
void read_previous_outputs(const UniValue& list, light::ScriptKeys* keys, PreviousOutputs& outputs);

/// One for each input, pointing into `outputs`.
std::vector<TxOutput> spent_outputs(const MutableTransaction& tx, const PreviousOutputs& outputs);

}  // namespace cairn::node
