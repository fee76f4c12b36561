#pragma once

#include <univalue.h>

#include <memory>
#include <string>
#include <string_view>

#include "net/http/json_writer.hpp"
#include "node/rpc/context.hpp"

/// What many methods do first: find the block that was meant, read it, and the common parts of replies.
/// Every function throws http::RpcError with Bitcoin Core's code and words.
namespace cairn::node {

/// The block whose hash `value` is; `name` appears in the error for malformed hashes. -5 "Block not found".
const HeaderNode& find_block(const NodeContext& context, const UniValue& value, std::string_view name);
/// A height of the active chain (number) or a hash of any block (string).
const HeaderNode& find_block_or_height(const NodeContext& context, const UniValue& value, const ChainView& view);

/// The block's bytes. -1 when they were pruned, never arrived, or cannot be read.
Bytes read_block_or_throw(const NodeContext& context, const HeaderNode& node);
/// The parsed form of what read_block_or_throw gives.
BlockPtr parse_block_or_throw(Bytes raw);
/// The coins that the block spent; empty for the genesis block. -1 when they are not there.
BlockUndo read_undo_or_throw(const NodeContext& context, const HeaderNode& node);

/// The height of a coin that no block has made yet.
inline constexpr Height kMempoolHeight = 0x7fffffff;
/// An unspent output as of the tip; `with_mempool`: or of the mempool (at kMempoolHeight), and not spent there.
std::optional<Coin> find_coin(const NodeContext& context, const OutPoint& outpoint, bool with_mempool);

/// A transaction of a block by its id alone, with -txindex; waits until the index covers the tip, when it has caught up once.
struct IndexedTx {
    TransactionPtr tx;                  ///< null: not found
    const HeaderNode* block = nullptr;  ///< that holds it
    bool enabled = false;               ///< there is such an index,
    bool ready = false;                 ///< and it covers the tip
};
IndexedTx find_indexed(const NodeContext& context, const Txid& txid);

/// How many times harder than the easiest mainnet target the target in `bits` is.
double difficulty(std::uint32_t bits);
/// The target in `bits` as 64 hex digits.
std::string target_hex(std::uint32_t bits);
/// Eight hex digits.
std::string hex8(std::uint32_t value);
/// Sixteen hex digits.
std::string hex16(std::uint64_t value);
/// 64 hex digits.
std::string work_hex(const Arith256& work);
/// Share of all transactions, expected by the network's rate, that the chain up to `node` has: 0 to 1.
double verification_progress(const NodeContext& context, const ChainView& view, const HeaderNode& node);

/// The members of a header object, from "hash" to "nextblockhash"; the object stays open.
void write_header_fields(http::JsonWriter& out, const NodeContext& context, const ChainView& view,
                         const HeaderNode& node);
/// `"warnings": [...]`, or one string with -deprecatedrpc=warnings.
void write_warnings(http::JsonWriter& out, const NodeContext& context);

/// The failure of a command that the chain carries out: -20 with its message.
[[noreturn]] void throw_database_error(const CommandError& error);

/// The parameters for those who want to share them; the node keeps them alive.
std::shared_ptr<const ChainParams> shared_params(const NodeContext& context);

/// The P2P network, or -31 when the node runs without.
net::NetPort& network(const NodeContext& context);

}  // namespace cairn::node
