// Transactions that a proof shows to be in a block, without looking at the block.
#include <algorithm>

#include "consensus/base/hex.hpp"
#include "consensus/primitives/merkle_proof.hpp"
#include "light/rpc/support.hpp"
#include "node/rpc/decode_transaction.hpp"

namespace cairn::light {

using namespace rpc;

namespace {

RpcMethod importprunedfunds(const RpcContext& context) {
    return wallet_method(
        context, "importprunedfunds", "Takes in a transaction that pays the wallet, without looking at blocks: a proof shows where it is.",
        {arg_hex("rawtransaction", http::required(), "The transaction"), arg_hex("txoutproof", http::required(), "What gettxoutproof gave for it")}, {none()},
        [&context](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
            const TransactionPtr tx = node::decode_transaction(http::as_string(request.param(0)), true, true);
            if (!tx) throw RpcError{code::kDeserialization, "TX decode failed. Make sure the tx has at least one input."};
            const Bytes raw = http::as_hex_bytes(request.param(1), "proof");
            Reader reader(raw);
            const MerkleBlock proof = MerkleBlock::read(reader);
            const auto shown = reader.ok() ? proof.proof.show() : std::nullopt;
            if (!shown || shown->root != proof.header.merkle_root) throw RpcError{code::kInvalidAddressOrKey, "Something wrong with merkleblock"};
            const HeaderNode* tip = context.desk->find_header(wallet.tip().hash);
            const HeaderNode* node = context.desk->find_header(proof.header.hash());
            if (!tip || !node || node->height > tip->height || tip->ancestor(node->height) != node) {
                throw RpcError{code::kInvalidAddressOrKey, "Block not found in chain"};
            }
            const auto leaf = std::find_if(shown->leaves.begin(), shown->leaves.end(), [&](const MerkleProof::Leaf& one) { return one.hash == tx->tx().txid; });
            if (leaf == shown->leaves.end()) throw RpcError{code::kInvalidAddressOrKey, "Transaction given doesn't exist in proof"};
            const BlockPlace place{node->height, node->hash, node->header.time};
            if (!expect(wallet.import_transaction(tx->tx(), place, static_cast<int>(leaf->position)))) {
                throw RpcError{code::kInvalidAddressOrKey, "No addresses in wallet correspond to included transaction"};
            }
            out.null();
        });
}

RpcMethod removeprunedfunds(const RpcContext& context) {
    return wallet_method(context, "removeprunedfunds", "Not available: a wallet forgets no transaction.", {arg_hex("txid", http::required(), "The transaction")}, {none()},
                         [](Wallet&, const RpcRequest&, JsonWriter&) {
                             throw RpcError{code::kMethodDeprecated, "removeprunedfunds is not available: this wallet forgets no transaction"};
                         });
}

}  // namespace

void add_pruned_funds_methods(http::RpcTable& table, const RpcContext& context) {
    for (auto* make : {importprunedfunds, removeprunedfunds}) table.add(make(context));
}

}  // namespace cairn::light
