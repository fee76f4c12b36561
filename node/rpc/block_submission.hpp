#pragma once

#include <atomic>
#include <memory>

#include "node/rpc/context.hpp"

namespace cairn::node {

/// The last block that was assembled for mining, for getmininginfo. Weight 0: none yet. Thread: any.
struct LastAssembled {
    std::atomic<std::int64_t> weight{0};        ///< of the transactions, plus what is reserved for header and coinbase
    std::atomic<std::int64_t> transactions{0};  ///< beside the coinbase
};

/// The block at the start of `raw`, what follows it is left away; null when there is none.
BlockPtr decode_block(Bytes raw);

/// The block's bytes, and the reserved value of BIP141 in its coinbase's witness where the block has a commitment but
/// the coinbase no witness: miners may leave it out.
Bytes complete_witness(const NodeContext& context, const Block& block);

/// Hands the block to the chain and waits for the verdict.
BlockVerdict submit_and_wait(const NodeContext& context, Bytes raw);

/// Keeps what getmininginfo tells of a block that was just assembled of these transactions and a coinbase.
void remember(LastAssembled& last, std::span<const Transaction> transactions);

/// getblocktemplate.
void add_template_methods(http::RpcTable& table, const NodeContext& context, std::shared_ptr<LastAssembled> last);

/// generatetoaddress, generatetodescriptor, generateblock, generate.
void add_generate_methods(http::RpcTable& table, const NodeContext& context, std::shared_ptr<LastAssembled> last);

}  // namespace cairn::node
