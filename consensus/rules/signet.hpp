#pragma once

#include "consensus/primitives/block.hpp"
#include "consensus/rules/params.hpp"

namespace cairn::rules {

/// The two virtual transactions of BIP325: `to_sign` spends the one output of `to_spend`, which pays to the challenge.
struct SignetTxs {
    TransactionPtr to_spend;
    TransactionPtr to_sign;
};

/// Builds them from a block; nullopt when it has no witness commitment or the solution in it is malformed.
std::optional<SignetTxs> make_signet_txs(const Block& block, ByteSpan challenge);

/// True when the block carries a solution to the network's challenge; always for the genesis block.
bool check_signet_solution(const Block& block, const ChainParams& params);

}  // namespace cairn::rules
