#include <algorithm>

#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/header_rules.hpp"
#include "consensus/rules/params.hpp"
#include "net/http/rpc_table.hpp"
#include "node/mining/block_builder.hpp"
#include "node/mining/template_board.hpp"
#include "node/rpc/block_submission.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/mempool_picture.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

constexpr int kDefaultHashWindow = 120;

double hashes_per_second(const ChainParams& params, const ChainView& view, int blocks, int height) {
    if (blocks < -1 || blocks == 0)
        throw RpcError{code::kInvalidParameter, "Invalid nblocks. Must be a positive number or -1."};
    if (height < -1 || height > view.tip->height)
        throw RpcError{code::kInvalidParameter, "Block does not exist at specified height"};
    const HeaderNode* last = height >= 0 ? view.at(height) : view.tip;
    if (!last->parent) return 0;
    if (blocks == -1) blocks = last->height % params.difficulty_interval() + 1;
    blocks = std::min(blocks, last->height);
    std::uint32_t earliest = last->header.time, latest = last->header.time;
    const HeaderNode* first = last;
    for (int i = 0; i < blocks; ++i) {
        first = first->parent;
        earliest = std::min(earliest, first->header.time);
        latest = std::max(latest, first->header.time);
    }
    if (earliest == latest) return 0;
    return (last->chain_work - first->chain_work).to_double() / static_cast<double>(latest - earliest);
}

RpcMethod getnetworkhashps(const NodeContext& context) {
    return {"getnetworkhashps",
            "mining",
            "Estimates how many hashes a second the network computes, from the newest blocks.",
            {arg_num("nblocks", http::default_value("120"),
                     "How many blocks to look at, or -1 for those since the last change of difficulty."),
             arg_num("height", http::default_value("-1"), "Estimate as of this height; -1 for the tip.")},
            {num("", "Hashes a second")},
            examples("getnetworkhashps"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const int blocks = request.param(0).isNull() ? kDefaultHashWindow : http::as_int<int>(request.param(0));
                const int height = request.param(1).isNull() ? -1 : http::as_int<int>(request.param(1));
                out.number(hashes_per_second(*context.params, *context.chain->view(), blocks, height));
            }};
}

/// The bits of a block on the tip made now.
std::uint32_t next_bits(const NodeContext& context, const HeaderNode& tip) {
    const auto time = static_cast<std::uint32_t>(std::max(BlockBuilder::minimum_time(tip, *context.params), context.clock->now()));
    return rules::next_work_required(tip, time, *context.params);
}

Results mining_info_doc(const NodeContext& context) {
    return {num("blocks", "Height of the tip"),
            http::maybe(num("currentblockweight",
                            "Weight of the last block that was assembled, reserve included (only when there was one)")),
            http::maybe(num("currentblocktx", "Transactions in it beside the coinbase (only when there was one)")),
            hex("bits", "The tip's target in compact form"),
            num("difficulty", "The tip's difficulty"),
            hex("target", "The tip's target in full"),
            num("networkhashps", "The network's hashes a second"),
            num("pooledtx", "Transactions in the mempool"),
            amount("blockmintxfee", "Lowest fee rate that a block takes, in BTC/kvB"),
            str("chain", "The network (main, test, testnet4, signet, regtest)"),
            http::maybe(hex("signet_challenge", "The script that signs blocks (only on a signet)")),
            obj("next", "The block to come",
                {num("height", "Its height"), hex("bits", "Its target in compact form"),
                 num("difficulty", "Its difficulty"), hex("target", "Its target in full")}),
            doc::warnings(context.deprecated_enabled("warnings"))};
}

RpcMethod getmininginfo(const NodeContext& context) {
    return {
        "getmininginfo",
        "mining",
        "Tells what miners need to know.",
        {},
        {obj("", "", mining_info_doc(context))},
        examples("getmininginfo"),
        [&context](const RpcRequest&, JsonWriter& out) {
            const MempoolPort& pool = mempool(context);
            const TemplateBoard& board = templates(context);
            const auto view = context.chain->view();
            const HeaderNode& tip = *view->tip;
            out.begin_object().field("blocks", tip.height);
            if (const auto last = board.last_assembled())
                out.field("currentblockweight", last->weight).field("currentblocktx", last->transactions);
            out.field("bits", hex8(tip.header.bits))
                .field("difficulty", difficulty(tip.header.bits))
                .field("target", target_hex(tip.header.bits));
            out.field("networkhashps", hashes_per_second(*context.params, *view, kDefaultHashWindow, -1))
                .field("pooledtx", pool.read()->size());
            out.amount_field("blockmintxfee", board.options().block_min_fee_rate.per_kvb).field("chain", context.params->name());
            const std::uint32_t bits = next_bits(context, tip);
            out.key("next").begin_object().field("height", tip.height + 1).field("bits", hex8(bits));
            out.field("difficulty", difficulty(bits)).field("target", target_hex(bits)).end_object();
            if (context.params->signet_blocks) out.hex_field("signet_challenge", context.params->signet_challenge);
            write_warnings(out, context);
            out.end_object();
        }};
}

/// The BIP22 answer to a verdict; nothing when the block is on the active chain now.
std::optional<std::string> bip22_answer(const BlockVerdict& verdict) {
    switch (verdict.kind) {
        case BlockVerdict::Kind::connected: return std::nullopt;
        case BlockVerdict::Kind::duplicate: return "duplicate";
        case BlockVerdict::Kind::duplicate_invalid:
            return verdict.reject_reason.empty() ? "duplicate-invalid" : verdict.reject_reason;
        case BlockVerdict::Kind::invalid: return verdict.reject_reason.empty() ? "rejected" : verdict.reject_reason;
        case BlockVerdict::Kind::stored:
        case BlockVerdict::Kind::not_requested:
        case BlockVerdict::Kind::inconclusive: break;
    }
    return "inconclusive";
}

RpcMethod submitblock(const NodeContext& context) {
    return {
        "submitblock",
        "mining",
        "Hands a new block to the node, and so to the network.\nBIP22 is the specification.",
        {arg_hex("hexdata", http::required(), "the block's bytes in hex"),
         arg_str("dummy", http::default_hint("ignored"), "for compatibility with BIP22; not looked at")},
        {http::when("If the block was accepted", none()), http::when("Otherwise", str("", "The reason, as in BIP22"))},
        examples("submitblock", "\"mydata\""),
        [&context](const RpcRequest& request, JsonWriter& out) {
            auto raw = from_hex(http::as_string(request.param(0)));
            const BlockPtr block = raw ? decode_block(std::move(*raw)) : nullptr;
            if (!block) throw RpcError{code::kDeserialization, "Block decode failed"};
            const auto answer = bip22_answer(submit_and_wait(context, complete_witness(context, *block)));
            if (answer) {
                out.string(*answer);
            } else {
                out.null();
            }
        }};
}

RpcMethod submitheader(const NodeContext& context) {
    return {"submitheader",
            "mining",
            "Hands a block's header to the node; its chain becomes a candidate when the header is valid.\nAn invalid "
            "header is an error.",
            {arg_hex("hexdata", http::required(), "the header's bytes in hex")},
            {none()},
            examples("submitheader", "\"aabbcc\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const auto raw = from_hex(http::as_string(request.param(0)));
                if (!raw || raw->size() < BlockHeader::kSize)
                    throw RpcError{code::kDeserialization, "Block header decode failed"};
                Reader reader(*raw);
                const BlockHeader header = BlockHeader::read(reader);
                if (!context.chain->headers().find(header.previous)) {
                    throw RpcError{code::kVerify,
                                   "Must submit previous header (" + header.previous.to_display_hex() + ") first"};
                }
                const auto accepted = context.chain->accept_headers(std::span(&header, 1), true);
                if (!accepted) {
                    std::string reason = to_string(accepted.error());
                    if (accepted.error() == HeaderError::bad_version)
                        reason = fmt::format("bad-version(0x{:08x})", static_cast<std::uint32_t>(header.version));
                    throw RpcError{code::kVerify, reason};
                }
                out.null();
            }};
}

}  // namespace

void register_mining_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(getnetworkhashps(context));
    table.add(getmininginfo(context));
    table.add(submitblock(context));
    table.add(submitheader(context));
    add_template_methods(table, context);
    add_generate_methods(table, context);
}

}  // namespace cairn::node
