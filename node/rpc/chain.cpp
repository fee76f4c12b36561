#include <algorithm>

#include "consensus/base/hex.hpp"
#include "consensus/rules/params.hpp"
#include "net/http/rpc_table.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/methods.hpp"
#include "node/rpc/transaction_json.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;

RpcMethod getblockcount(const NodeContext& context) {
    return {"getblockcount",
            "blockchain",
            "Gives the height of the chain with most work that is fully validated.\nThe genesis block has height 0.",
            {},
            {num("", "The height of the tip")},
            examples("getblockcount"),
            [&context](const RpcRequest&, JsonWriter& out) { out.number(context.chain->view()->tip->height); }};
}

RpcMethod getbestblockhash(const NodeContext& context) {
    return {"getbestblockhash",
            "blockchain",
            "Gives the hash of the tip of the chain with most work that is fully validated.",
            {},
            {hex("", "The block's hash")},
            examples("getbestblockhash"),
            [&context](const RpcRequest&, JsonWriter& out) { out.hash(context.chain->view()->tip->hash); }};
}

RpcMethod getdifficulty(const NodeContext& context) {
    return {"getdifficulty",
            "blockchain",
            "Gives the proof-of-work difficulty as a multiple of the lowest one.",
            {},
            {num("", "The difficulty")},
            examples("getdifficulty"),
            [&context](const RpcRequest&, JsonWriter& out) {
                out.number(difficulty(context.chain->view()->tip->header.bits));
            }};
}

RpcMethod getblockhash(const NodeContext& context) {
    return {"getblockhash",
            "blockchain",
            "Gives the hash of the block at a height of the active chain.",
            {arg_num("height", http::required(), "The height")},
            {hex("", "The block's hash")},
            examples("getblockhash", "1000"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const auto view = context.chain->view();
                const int height = http::as_int<int>(request.param(0));
                const HeaderNode* node = height < 0 ? nullptr : view->at(height);
                if (!node) throw http::RpcError{http::rpc_code::kInvalidParameter, "Block height out of range"};
                out.hash(node->hash);
            }};
}

RpcMethod getblockheader(const NodeContext& context) {
    return {"getblockheader",
            "blockchain",
            "Gives a block's header: as an object, or as hex-encoded bytes when verbose is false.",
            {arg_hex("blockhash", http::required(), "The block's hash"),
             arg_bool("verbose", http::default_value("true"), "true for an object, false for hex-encoded bytes")},
            {http::when("for verbose = true", obj("", "", header_fields())),
             http::when("for verbose=false", hex("", "The 80 bytes of the header"))},
            examples("getblockheader", "\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const HeaderNode& node = find_block(context, request.param(0), "hash");
                if (!request.bool_or("verbose", true)) {
                    Bytes raw;
                    Writer writer(raw);
                    node.header.write(writer);
                    out.hex(raw);
                    return;
                }
                out.begin_object();
                write_header_fields(out, context, *context.chain->view(), node);
                out.end_object();
            }};
}

Results block_doc(RpcResult tx) {
    Results fields = header_fields();
    fields.insert(fields.begin() + 2,
                  {num("size", "Bytes of the block"), num("strippedsize", "Bytes without any witness"),
                   num("weight", "The block's weight (BIP 141)"),
                   obj("coinbase_tx", "What the coinbase says about itself",
                       {num("version", "Its version"), num("locktime", "Its lock time"),
                        num("sequence", "The sequence number of its input"), hex("coinbase", "The script of its input"),
                        http::maybe(hex("witness", "The witness item of its input, when there is one"))})});
    const auto after_root =
        std::find_if(fields.begin(), fields.end(), [](const RpcResult& r) { return r.key == "merkleroot"; });
    fields.insert(after_root + 1, std::move(tx));
    return fields;
}

void write_coinbase(JsonWriter& out, const Transaction& tx) {
    const TxInput& input = tx.inputs[0];
    out.key("coinbase_tx").begin_object();
    out.field("version", tx.version).field("locktime", tx.lock_time).field("sequence", input.sequence);
    out.hex_field("coinbase", input.script_sig);
    if (!input.witness.empty()) out.hex_field("witness", input.witness[0]);
    out.end_object();
}

void write_block(JsonWriter& out, const NodeContext& context, const HeaderNode& node, const Block& block,
                 int verbosity) {
    BlockUndo undo;
    bool have_undo = false;
    if (verbosity >= 2 && node.parent && context.chain->facts(&node).have_undo) {
        auto read = context.chain->read_undo(&node);
        if (!read) {
            throw http::RpcError{http::rpc_code::kInternalError,
                                 "Undo data expected but can't be read. This could be due to disk corruption or a "
                                 "conflict with a pruning event."};
        }
        undo = std::move(*read);
        have_undo = undo.size() + 1 == block.txs().size();
    }
    out.begin_object();
    write_header_fields(out, context, *context.chain->view(), node);
    out.field("strippedsize", block.stripped_size()).field("size", block.raw().size()).field("weight", block.weight());
    write_coinbase(out, block.txs()[0]);
    out.key("tx").begin_array();
    for (std::size_t i = 0; i < block.txs().size(); ++i) {
        const Transaction& tx = block.txs()[i];
        if (verbosity == 1) {
            out.hash(tx.txid);
            continue;
        }
        out.begin_object();
        write_transaction_fields(
            out, *context.params, tx,
            {.undo = have_undo && i > 0 ? &undo[i - 1] : nullptr, .prevouts = verbosity >= 3, .hex = true});
        out.end_object();
    }
    out.end_array().end_object();
}

RpcMethod getblock(const NodeContext& context) {
    return {
        "getblock",
        "blockchain",
        "Gives a block. Verbosity says how:\n"
        "0: the serialised block in hex,\n"
        "1: an object with the block's fields and the ids of its transactions,\n"
        "2: an object with every transaction decoded,\n"
        "3: the same, and every input shows the output that it spends (only for unpruned blocks of the active chain).",
        {arg_hex("blockhash", http::required(), "The block's hash"),
         http::no_type_check(
             arg_num("verbosity|verbose", http::default_value("1"),
                     "0 for hex, 1 for an object, 2 with decoded transactions, 3 with spent outputs, too"))},
        {http::when("for verbosity = 0", hex("", "The serialised block")),
         http::when("for verbosity = 1",
                    obj("", "", block_doc(arr("tx", "The ids of its transactions", {hex("", "The transaction id")})))),
         http::when("for verbosity = 2", obj("", "",
                                             {http::elided("Same output as verbosity = 1"),
                                              arr("tx", "", {obj("", "", transaction({.fee = true, .hex = true}))})})),
         http::when("for verbosity = 3",
                    obj("", "",
                        {http::elided("Same output as verbosity = 2"),
                         arr("tx", "", {obj("", "", transaction({.fee = true, .prevout = true, .hex = true}))})}))},
        examples("getblock", "\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\""),
        [&context](const RpcRequest& request, JsonWriter& out) {
            const Uint256 hash = http::as_hash(request.param(0), "blockhash");
            const int verbosity = http::as_verbosity(request.param(1), 1, true);
            const HeaderNode* node = context.chain->headers().find(BlockHash(hash));
            if (!node) throw http::RpcError{http::rpc_code::kInvalidAddressOrKey, "Block not found"};
            Bytes raw = read_block_or_throw(context, *node);
            if (verbosity <= 0) {
                out.hex(raw);
                return;
            }
            write_block(out, context, *node, *parse_block_or_throw(std::move(raw)), verbosity);
        }};
}

RpcMethod getblockchaininfo(const NodeContext& context) {
    return {
        "getblockchaininfo",
        "blockchain",
        "Tells how far the node's chain is.",
        {},
        {obj("", "",
             {str("chain", "The network (main, test, testnet4, signet, regtest)"),
              num("blocks", "Height of the validated chain with most work"),
              num("headers", "Height of the best header"), str("bestblockhash", "Hash of the tip"),
              hex("bits", "The tip's target in compact form"), hex("target", "The tip's target in full"),
              num("difficulty", "The tip's difficulty"), time("time", "The tip's time in UNIX epoch time"),
              time("mediantime", "The tip's median time past in UNIX epoch time"),
              num("verificationprogress", "Share of the chain that is verified, estimated, 0 to 1"),
              flag("initialblockdownload", "Is the node still catching up for the first time?"),
              hex("chainwork", "Work in the active chain"), num("size_on_disk", "Bytes that blocks and undo data take"),
              flag("pruned", "Are old blocks deleted?"),
              http::maybe(num("pruneheight", "Blocks below this height are gone (only with pruning)")),
              http::maybe(flag("automatic_pruning", "Does the node prune by itself? (only with pruning)")),
              http::maybe(num("prune_target_size", "Bytes that it prunes to (only with automatic pruning)")),
              http::maybe(hex("signet_challenge", "The script that signs blocks (only on a signet)")),
              doc::warnings(context.deprecated_enabled("warnings"))})},
        examples("getblockchaininfo"),
        [&context](const RpcRequest&, JsonWriter& out) {
            const auto view = context.chain->view();
            const HeaderNode& tip = *view->tip;
            out.begin_object();
            out.field("chain", context.params->name()).field("blocks", tip.height);
            out.field("headers", view->best_header ? view->best_header->height : -1).field("bestblockhash", tip.hash);
            out.field("bits", hex8(tip.header.bits)).field("target", target_hex(tip.header.bits));
            out.field("difficulty", difficulty(tip.header.bits));
            out.field("time", tip.header.time).field("mediantime", tip.median_time_past());
            out.field("verificationprogress", verification_progress(context, *view, tip));
            out.field("initialblockdownload", view->initial_block_download)
                .field("chainwork", work_hex(tip.chain_work));
            out.field("size_on_disk", context.chain->size_on_disk()).field("pruned", context.pruning);
            if (context.pruning) {
                out.field("pruneheight", view->prune_height).field("automatic_pruning", !context.prune_manually);
                if (!context.prune_manually) out.field("prune_target_size", context.prune_target_bytes);
            }
            if (context.params->signet_blocks) out.hex_field("signet_challenge", context.params->signet_challenge);
            write_warnings(out, context);
            out.end_object();
        }};
}

RpcMethod getchainstates(const NodeContext& context) {
    return {"getchainstates",
            "blockchain",
            "Tells about the ledgers that the node keeps.",
            {},
            {obj("", "",
                 {num("headers", "Height of the best header"),
                  arr("chainstates", "The ledgers in order of work, the active one last",
                      {obj("", "",
                           {num("blocks", "Height of its chain"), hex("bestblockhash", "Its tip"),
                            hex("bits", "The tip's target in compact form"), hex("target", "The tip's target in full"),
                            num("difficulty", "The tip's difficulty"),
                            num("verificationprogress", "Share of the chain that is verified, 0 to 1"),
                            num("coins_db_cache_bytes", "Bytes for the cache of the coins database"),
                            num("coins_tip_cache_bytes", "Bytes for coins in memory"),
                            flag("validated", "Was everything in it validated?")})})})},
            examples("getchainstates"),
            [&context](const RpcRequest&, JsonWriter& out) {
                const auto view = context.chain->view();
                const HeaderNode& tip = *view->tip;
                out.begin_object().field("headers", view->best_header ? view->best_header->height : -1);
                out.key("chainstates").begin_array().begin_object();
                out.field("blocks", tip.height).field("bestblockhash", tip.hash).field("bits", hex8(tip.header.bits));
                out.field("target", target_hex(tip.header.bits)).field("difficulty", difficulty(tip.header.bits));
                out.field("verificationprogress", verification_progress(context, *view, tip));
                out.field("coins_db_cache_bytes", context.coins_db_cache_bytes)
                    .field("coins_tip_cache_bytes", context.coins_cache_bytes);
                out.field("validated", true).end_object().end_array().end_object();
            }};
}

const char* branch_status(const ChainView& view, const HeaderNode* node, const BlockFacts& facts) {
    if (view.contains(node)) return "active";
    if (facts.invalid()) return "invalid";
    if (facts.chain_tx_count == 0) return "headers-only";
    if (facts.scripts_valid) return "valid-fork";
    return "valid-headers";
}

RpcMethod getchaintips(const NodeContext& context) {
    return {"getchaintips",
            "blockchain",
            "Lists the tips of all branches that the node knows, the active chain among them.",
            {},
            {arr("", "",
                 {obj("", "",
                      {num("height", "Height of the tip"), hex("hash", "Hash of the tip"),
                       num("branchlen", "Blocks that the branch has of its own; 0 for the active chain"),
                       str("status",
                           "What is known of the branch:\n"
                           "\"invalid\"        it has a block that breaks a rule\n"
                           "\"headers-only\"   its headers are valid, blocks are missing\n"
                           "\"valid-headers\"  all its blocks are there, but were never fully validated\n"
                           "\"valid-fork\"     fully validated, but not the active chain\n"
                           "\"active\"         the tip of the active chain")})})},
            examples("getchaintips"),
            [&context](const RpcRequest&, JsonWriter& out) {
                const auto view = context.chain->view();
                auto tips = context.chain->branch_tips();
                tips.push_back(view->tip);
                std::sort(tips.begin(), tips.end(), [](const HeaderNode* a, const HeaderNode* b) {
                    return a->height != b->height ? a->height > b->height : a->id < b->id;
                });
                tips.erase(std::unique(tips.begin(), tips.end()), tips.end());
                out.begin_array();
                for (const HeaderNode* tip : tips) {
                    if (view->contains(tip) && tip != view->tip) continue;
                    out.begin_object().field("height", tip->height).field("hash", tip->hash);
                    out.field("branchlen", tip->height - last_common_ancestor(tip, view->tip)->height);
                    out.field("status", branch_status(*view, tip, context.chain->facts(tip))).end_object();
                }
                out.end_array();
            }};
}

}  // namespace

void add_chain_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(getblockchaininfo(context));
    table.add(getbestblockhash(context));
    table.add(getblockcount(context));
    table.add(getblock(context));
    table.add(getblockhash(context));
    table.add(getblockheader(context));
    table.add(getchainstates(context));
    table.add(getchaintips(context));
    table.add(getdifficulty(context));
}

}  // namespace cairn::node
