#pragma once

#include "node/rpc/context.hpp"

namespace cairn::node {

/// The block at the start of `raw`, what follows it is left away; null when there is none.
BlockPtr decode_block(Bytes raw);

/// The block's bytes, and the reserved value of BIP141 in its coinbase's witness where the block has a commitment but
/// the coinbase no witness: miners may leave it out.
Bytes complete_witness(const NodeContext& context, const Block& block);

/// Hands the block to the chain and waits for the verdict.
BlockVerdict submit_and_wait(const NodeContext& context, Bytes raw);

/// The board of templates, or -32603 "Node miner not found".
TemplateBoard& templates(const NodeContext& context);

/// getblocktemplate.
void add_template_methods(http::RpcTable& table, const NodeContext& context);

/// generatetoaddress, generatetodescriptor, generateblock, generate.
void add_generate_methods(http::RpcTable& table, const NodeContext& context);

}  // namespace cairn::node
