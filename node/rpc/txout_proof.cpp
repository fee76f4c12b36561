#include <algorithm>
#include <set>

#include "consensus/primitives/merkle_proof.hpp"
#include "net/http/rpc_table.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

/// Outputs that a transaction can have: a block's weight limit over that of the smallest output.
constexpr std::uint32_t kMaxOutputs = 4'000'000 / (4 * 9);

std::set<Txid> parse_txids(const UniValue& value) {
    const UniValue& list = http::as_array(value);
    if (list.empty()) throw RpcError{code::kInvalidParameter, "Parameter 'txids' cannot be empty"};
    std::set<Txid> txids;
    for (const UniValue& text : list.getValues()) {
        if (txids.insert(Txid(http::as_hash(text, "txid"))).second) continue;
        throw RpcError{code::kInvalidParameter, "Invalid parameter, duplicated txid: " + text.getValStr()};
    }
    return txids;
}

/// The block of the first transaction that still has an unspent output; with -txindex that of the first.
const HeaderNode& find_block_of(const NodeContext& context, const std::set<Txid>& txids) {
    for (const Txid& txid : txids) {
        for (std::uint32_t index = 0; index < kMaxOutputs; ++index) {
            const auto coin = context.chain->coin({txid, index});
            if (!coin) continue;
            if (const HeaderNode* node = context.chain->view()->at(coin->height)) return *node;
        }
    }
    const IndexedTx indexed = find_indexed(context, *txids.begin());
    if (indexed.tx) return *indexed.block;
    throw RpcError{code::kInvalidAddressOrKey, "Transaction not yet in block"};
}

MerkleProof prove(const Block& block, const std::set<Txid>& txids) {
    std::vector<Uint256> leaves;
    std::vector<bool> wanted;
    for (const Transaction& tx : block.txs()) {
        leaves.push_back(tx.txid);
        wanted.push_back(txids.contains(tx.txid));
    }
    if (static_cast<std::size_t>(std::count(wanted.begin(), wanted.end(), true)) != txids.size()) {
        throw RpcError{code::kInvalidAddressOrKey, "Not all transactions found in specified or retrieved block"};
    }
    return MerkleProof::make(leaves, wanted);
}

RpcMethod gettxoutproof(const NodeContext& context) {
    return {"gettxoutproof",
            "blockchain",
            "Proves that transactions are in a block.\n\nWithout the block's hash one of the transactions must have an unspent "
            "output, or there must be an index of transactions (-txindex).",
            {arg_arr("txids", http::required(), "The transactions", {arg_hex("txid", http::optional(), "A transaction id")}),
             arg_hex("blockhash", http::optional(), "The block in which to look")},
            {str("data", "The proof, serialised, in hex.")},
            "",
            [&context](const RpcRequest& request, JsonWriter& out) {
                const auto txids = parse_txids(request.param(0));
                const HeaderNode& node = request.param(1).isNull() ? find_block_of(context, txids)
                                                                   : find_block(context, request.param(1), "blockhash");
                const BlockPtr block = parse_block_or_throw(read_block_or_throw(context, node));
                Bytes bytes;
                Writer writer(bytes);
                MerkleBlock{block->header(), prove(*block, txids)}.write(writer);
                out.hex(bytes);
            }};
}

RpcMethod verifytxoutproof(const NodeContext& context) {
    return {"verifytxoutproof",
            "blockchain",
            "Checks that a proof leads to a block of the active chain, and gives the transactions that it proves.",
            {arg_hex("proof", http::required(), "The proof in hex, as gettxoutproof gives it")},
            {arr("", "", {hex("txid", "A transaction that is proved; none when the proof is wrong.")})},
            "",
            [&context](const RpcRequest& request, JsonWriter& out) {
                const Bytes bytes = http::as_hex_bytes(request.param(0), "proof");
                Reader reader(bytes);
                const MerkleBlock given = MerkleBlock::read(reader);
                if (!reader.ok()) throw RpcError{code::kMisc, "SpanReader::read(): end of data: unspecified iostream_category error"};
                const auto shown = given.proof.show();
                out.begin_array();
                if (shown && shown->root == given.header.merkle_root) {
                    const HeaderNode* node = context.chain->headers().find(given.header.hash());
                    const std::uint32_t tx_count = node ? context.chain->facts(node).tx_count : 0;
                    if (!context.chain->view()->contains(node) || tx_count == 0) {
                        throw RpcError{code::kInvalidAddressOrKey, "Block not found in chain"};
                    }
                    // An inner node that passes for a transaction belongs to a smaller tree than the block's.
                    if (tx_count == given.proof.leaf_count()) {
                        for (const auto& leaf : shown->leaves) out.hash(leaf.hash);
                    }
                }
                out.end_array();
            }};
}

}  // namespace

void add_proof_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(gettxoutproof(context));
    table.add(verifytxoutproof(context));
}

}  // namespace cairn::node
