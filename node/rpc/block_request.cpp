#include "node/relay/block_request_port.hpp"

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

void run_getblockfrompeer(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    if (!context.block_requests) throw RpcError{code::kClientP2pDisabled, "Error: Peer-to-peer functionality missing or disabled"};
    const BlockHash hash(http::as_hash(request.param(0), "blockhash"));
    const auto peer = http::as_int<net::PeerId>(request.param(1));
    const HeaderNode* node = context.chain->headers().find(hash);
    if (!node) throw RpcError{code::kMisc, "Block header missing"};
    // A block from above the tip would keep what lies around it from being pruned.
    if (context.pruning && node->height > context.chain->view()->tip->height)
        throw RpcError{code::kMisc, "In prune mode, only blocks that the node has already synced previously can be fetched from a peer"};
    if (context.chain->facts(node).have_data) throw RpcError{code::kMisc, "Block already downloaded"};
    const auto asked = context.block_requests->request_block(peer, node);
    if (!asked) throw RpcError{code::kMisc, asked.error()};
    out.begin_object().end_object();
}

RpcMethod getblockfrompeer(const NodeContext& context) {
    return {"getblockfrompeer",
            "blockchain",
            "Asks one peer for a block.\n\n"
            "The block's header must be here already (see submitheader). There will be no undo data for the block, so not everything can be "
            "told of it.\n"
            "Asking again for the same block, of another peer, may make the answer of the first one be ignored.\n"
            "Peers as a rule do not give out blocks that they never verified or that left the chain more than a month ago. A peer that does not "
            "answer is disconnected.\n"
            "A node that prunes may prune the block again as soon as it has come.\n\n"
            "Returns an empty object when the peer was asked.",
            {arg_hex("blockhash", http::required(), "The block's hash"),
             arg_num("peer_id", http::required(), "The peer's number (see getpeerinfo)")},
            {obj("", "", {})},
            examples("getblockfrompeer", "\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\" 0",
                     "\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\", 0"),
            [&context](const RpcRequest& request, JsonWriter& out) { run_getblockfrompeer(context, request, out); }};
}

}  // namespace

void add_block_request_methods(http::RpcTable& table, const NodeContext& context) { table.add(getblockfrompeer(context)); }

}  // namespace cairn::node
