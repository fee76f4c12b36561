#include <algorithm>
#include <chrono>

#include "consensus/rules/params.hpp"
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

constexpr Height kBlocksToKeep = 288;           ///< pruning never deletes the newest ones
constexpr int kFirstTimestamp = 1'000'000'000;  ///< above: a time, not a height
constexpr std::int64_t kTimestampWindow = 2 * 60 * 60;
constexpr int kDefaultCheckLevel = 3, kDefaultCheckBlocks = 6;

RpcMethod verifychain(const NodeContext& context) {
    return {"verifychain",
            "blockchain",
            "Examines the stored chain.",
            {arg_num("checklevel", http::default_hint("3, range=0-4"),
                     "How thoroughly:\n"
                     "- level 0 reads the blocks from disk\n"
                     "- level 1 checks each block by itself\n"
                     "- level 2 checks the undo data\n"
                     "- level 3 disconnects the blocks from the tip\n"
                     "- level 4 connects them again\n"
                     "Each level includes those below it."),
             arg_num("nblocks", http::default_hint("6, 0=all"), "How many blocks from the tip to examine.")},
            {flag("", "Was everything found good? If false, debug.log tells what was not.")},
            examples("verifychain"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const int level = request.param(0).isNull() ? kDefaultCheckLevel : http::as_int<int>(request.param(0));
                const int blocks =
                    request.param(1).isNull() ? kDefaultCheckBlocks : http::as_int<int>(request.param(1));
                const auto good = context.chain->verify_chain(level, blocks);
                if (!good) throw_database_error(good.error());
                out.boolean(*good);
            }};
}

/// A method that takes a block's hash, does something to the chain, and answers null.
RpcMethod block_command(const NodeContext& context, std::string name, std::string category, std::string description,
                        std::string argument_words,
                        Result<void, CommandError> (ChainPort::*command)(const HeaderNode*)) {
    return {name,
            std::move(category),
            std::move(description),
            {arg_hex("blockhash", http::required(), std::move(argument_words))},
            {none()},
            examples(name, "\"blockhash\""),
            [&context, command](const RpcRequest& request, JsonWriter& out) {
                const HeaderNode& node = find_block(context, request.param(0), "blockhash");
                if (const auto done = (context.chain->*command)(&node); !done) throw_database_error(done.error());
                out.null();
            }};
}

/// The lowest block of the active chain by which this time was reached; null when none has.
const HeaderNode* first_block_at(const ChainView& view, std::int64_t time) {
    Height low = 0, high = view.tip->height + 1;
    while (low < high) {
        const Height middle = low + (high - low) / 2;
        if (view.at(middle)->time_max < time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return view.at(low);
}

Height prune_height(const NodeContext& context, const UniValue& value) {
    const auto view = context.chain->view();
    int height = http::as_int<int>(value);
    if (height < 0) throw RpcError{code::kInvalidParameter, "Negative block height."};
    if (height > kFirstTimestamp) {
        const HeaderNode* node = first_block_at(*view, height - kTimestampWindow);
        if (!node)
            throw RpcError{code::kInvalidParameter, "Could not find block with at least the specified timestamp."};
        height = node->height;
    }
    const Height tip = view->tip->height;
    if (tip < context.params->prune_after_height) throw RpcError{code::kMisc, "Blockchain is too short for pruning."};
    if (height > tip) throw RpcError{code::kInvalidParameter, "Blockchain is shorter than the attempted prune height."};
    return std::min(height, std::max(tip - kBlocksToKeep, 0));
}

RpcMethod pruneblockchain(const NodeContext& context) {
    return {"pruneblockchain",
            "blockchain",
            "Deletes blocks and undo data up to a height or a time, where that is allowed.\n"
            "Needs `-prune`. What was deleted is gone; single blocks can be fetched again from peers (see "
            "getblockfrompeer).",
            {arg_num("height", http::required(),
                     "The height up to which to delete, or a UNIX epoch time\nto delete blocks that are at least two "
                     "hours older.")},
            {num("", "Height of the last block deleted")},
            examples("pruneblockchain", "1000"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                if (!context.pruning)
                    throw RpcError{code::kMisc, "Cannot prune blocks because node is not in prune mode."};
                const auto done = context.chain->prune_to(prune_height(context, request.param(0)));
                if (!done) throw RpcError{code::kMisc, done.error().message};
                out.number(context.chain->view()->prune_height - 1);
            }};
}

void write_tip(JsonWriter& out, const ChainView& view) {
    out.begin_object().field("hash", view.tip->hash).field("height", view.tip->height).end_object();
}

int timeout_argument(const UniValue& value) {
    const int timeout = value.isNull() ? 0 : http::as_int<int>(value);
    if (timeout < 0) throw RpcError{code::kMisc, "Negative timeout"};
    return timeout;
}

void wait_and_write(const NodeContext& context, int timeout_ms, const std::function<bool(const ChainView&)>& wanted,
                    JsonWriter& out) {
    auto view = context.chain->view();
    if (!wanted(*view)) {
        view = context.chain->wait_for(wanted, timeout_ms ? std::optional<std::int64_t>(timeout_ms) : std::nullopt);
    }
    write_tip(out, *view);
}

const char* const kWaitNote =
    "\n\nOn timeout or shutdown it answers with the tip of that moment.\n\nSwitch off the client's own timeout "
    "(bitcoin-cli -rpcclienttimeout=0)";

Results tip_doc() {
    return {obj("", "", {hex("hash", "Hash of the tip"), num("height", "Height of the tip")})};
}
RpcArg timeout_doc() {
    return arg_num("timeout", http::default_value("0"), "Milliseconds to wait; 0 for no limit.");
}

RpcMethod waitfornewblock(const NodeContext& context) {
    return {"waitfornewblock",
            "blockchain",
            std::string("Waits until the tip changes.") + kWaitNote,
            {timeout_doc(), arg_hex("current_tip", http::optional(), "Wait until the tip is another than this one.")},
            tip_doc(),
            examples("waitfornewblock", "1000"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const int timeout = timeout_argument(request.param(0));
                const BlockHash start = context.chain->view()->tip->hash;
                const BlockHash from =
                    request.param(1).isNull() ? start : BlockHash(http::as_hash(request.param(1), "current_tip"));
                wait_and_write(
                    context, timeout, [from](const ChainView& view) { return view.tip->hash != from; }, out);
            }};
}

RpcMethod waitforblock(const NodeContext& context) {
    return {"waitforblock",
            "blockchain",
            std::string("Waits until a certain block is the tip.") + kWaitNote,
            {arg_hex("blockhash", http::required(), "The block's hash."), timeout_doc()},
            tip_doc(),
            examples("waitforblock", "\"0000000000079f8ef3d2c688c244eb7a4570b24c9ed7b4a8c619eb02596f8862\" 1000",
                     "\"0000000000079f8ef3d2c688c244eb7a4570b24c9ed7b4a8c619eb02596f8862\", 1000"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const BlockHash hash(http::as_hash(request.param(0), "blockhash"));
                const int timeout = timeout_argument(request.param(1));
                wait_and_write(
                    context, timeout, [hash](const ChainView& view) { return view.tip->hash == hash; }, out);
            }};
}

RpcMethod waitforblockheight(const NodeContext& context) {
    return {"waitforblockheight",
            "blockchain",
            std::string("Waits until the chain has at least a certain height.") + kWaitNote,
            {arg_num("height", http::required(), "The height."), timeout_doc()},
            tip_doc(),
            examples("waitforblockheight", "100 1000", "100, 1000"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const int height = http::as_int<int>(request.param(0));
                const int timeout = timeout_argument(request.param(1));
                wait_and_write(
                    context, timeout, [height](const ChainView& view) { return view.tip->height >= height; }, out);
            }};
}

RpcMethod syncwithvalidationinterfacequeue(const NodeContext& context) {
    return {"syncwithvalidationinterfacequeue",
            "hidden",
            "Waits until everything that happened to the chain so far was told to all that listen.",
            {},
            {none()},
            examples("syncwithvalidationinterfacequeue"),
            [&context](const RpcRequest&, JsonWriter& out) {
                context.chain->drain_events();
                out.null();
            }};
}

}  // namespace

void add_chain_control_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(verifychain(context));
    table.add(block_command(context, "preciousblock", "blockchain",
                            "Treats a block as if it had come before others with the same work.\n"
                            "\nA later call overrides an earlier one.\n\nThe effect does not last beyond a restart.",
                            "The hash of the block to prefer", &ChainPort::precious_block));
    table.add(block_command(context, "invalidateblock", "hidden",
                            "Marks a block as invalid for good, as if it broke a consensus rule.",
                            "The hash of the block to mark", &ChainPort::invalidate_block));
    table.add(block_command(
        context, "reconsiderblock", "hidden",
        "Takes the mark of invalidity from a block, its ancestors and its descendants, and looks at them again.\n"
        "It undoes invalidateblock.",
        "The hash of the block to reconsider", &ChainPort::reconsider_block));
    table.add(pruneblockchain(context));
    table.add(waitfornewblock(context));
    table.add(waitforblock(context));
    table.add(waitforblockheight(context));
    table.add(syncwithvalidationinterfacequeue(context));
}

}  // namespace cairn::node
