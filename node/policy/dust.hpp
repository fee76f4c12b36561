#pragma once

#include <optional>
#include <span>
#include <vector>

#include "consensus/primitives/transaction.hpp"
#include "node/mempool/mempool.hpp"
#include "node/policy/fault.hpp"

/// Outputs that cost more to spend than they are worth, and the one way to make them: without a fee, in a transaction whose
/// child takes them away again ("ephemeral dust").
namespace cairn::node {

/// What an output must at least be worth; 0 when nothing can spend it.
Amount dust_threshold(const TxOutput& output, FeeRate dust_relay);
bool is_dust(const TxOutput& output, FeeRate dust_relay);
/// Indexes of all dust outputs.
std::vector<std::uint32_t> dust_outputs(const Transaction& tx, FeeRate dust_relay);

/// A transaction with dust must pay nothing, so that nobody mines it alone: "dust". Only where options.require_standard.
PolicyResult check_ephemeral_fee(const Transaction& tx, FeeRate dust_relay, Amount base_fee, Amount modified_fee);

/// A transaction that leaves dust of its parents behind.
struct UnspentDust {
    PolicyFault fault;  ///< "missing-ephemeral-spends"
    Txid txid;          ///< of the child
    Wtxid wtxid;
};
/// Whoever spends from a parent with dust, in the package or in the mempool, must spend all of it. Only where
/// options.require_standard. Cost: linear in inputs and in the outputs of their parents.
Result<void, UnspentDust> check_ephemeral_spends(std::span<const TransactionPtr> package, FeeRate dust_relay, const Mempool& pool);

}  // namespace cairn::node
