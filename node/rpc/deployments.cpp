#include "consensus/rules/deployments.hpp"

#include "consensus/rules/connect.hpp"
#include "net/http/rpc_table.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;

constexpr BuriedDeployment kBuriedInOrder[] = {BuriedDeployment::bip34, BuriedDeployment::bip66,
                                               BuriedDeployment::bip65, BuriedDeployment::csv,
                                               BuriedDeployment::segwit};

void write_buried(JsonWriter& out, const ChainParams& params, const HeaderNode& node, BuriedDeployment deployment) {
    const Height height = params.deployment_height(deployment);
    if (height == std::numeric_limits<Height>::max()) return;
    out.key(to_string(deployment)).begin_object().field("type", "buried");
    out.field("active", params.active_at(deployment, node.height + 1)).field("height", height).end_object();
}

void write_bip9_details(JsonWriter& out, const Bip9Deployment& deployment, const rules::Bip9Info& info) {
    out.key("bip9").begin_object();
    if (info.statistics) out.field("bit", deployment.bit);
    out.field("start_time", deployment.start_time).field("timeout", deployment.timeout);
    out.field("min_activation_height", deployment.min_activation_height);
    out.field("status", rules::to_string(info.current))
        .field("since", info.since)
        .field("status_next", rules::to_string(info.next));
    if (info.statistics) {
        const rules::Bip9Statistics& statistics = *info.statistics;
        out.key("statistics").begin_object();
        out.field("period", statistics.period).field("elapsed", statistics.elapsed).field("count", statistics.count);
        if (statistics.threshold > 0 || statistics.possible) {
            out.field("threshold", statistics.threshold).field("possible", statistics.possible);
        }
        out.end_object();
        std::string signalling;
        for (const bool signal : info.signalling) signalling.push_back(signal ? '#' : '-');
        out.field("signalling", signalling);
    }
    out.end_object();
}

void write_signalled(JsonWriter& out, const ChainParams& params, rules::DeploymentStates& states,
                     const HeaderNode& node, SignalledDeployment id) {
    const Bip9Deployment& deployment = params.deployment(id);
    if (deployment.start_time == Bip9Deployment::kNeverActive) return;
    const rules::Bip9Info info = states.info(node, id);
    out.key(to_string(id)).begin_object().field("type", "bip9");
    if (info.active_since) out.field("height", *info.active_since);
    out.field("active", info.active_since && *info.active_since <= node.height + 1);
    write_bip9_details(out, deployment, info);
    out.end_object();
}

Results deployment_doc() {
    return {
        str("type", "\"buried\" or \"bip9\""),
        http::maybe(
            num("height",
                "Height of the first block under the rules (for \"buried\", and for \"bip9\" once that is known)")),
        flag("active", "Do the rules hold for the mempool and the next block?"),
        http::maybe(
            obj("bip9", "State of the signalling (only for \"bip9\")",
                {http::maybe(
                     num("bit", "The bit of the block version that signals (only while \"started\" or \"locked_in\")")),
                 time("start_time", "Median time past from which the bit counts"),
                 time("timeout", "Median time past at which the attempt fails"),
                 num("min_activation_height", "Lowest height of activation"),
                 str("status",
                     "State at the block (one of \"defined\", \"started\", \"locked_in\", \"active\", \"failed\")"),
                 num("since", "Height at which that state began"), str("status_next", "State at the block after"),
                 http::maybe(obj(
                     "statistics", "Signals in the running period (only while \"started\" or \"locked_in\")",
                     {num("period", "Blocks in a period"),
                      http::maybe(num("threshold", "Signals that are needed (only while \"started\")")),
                      num("elapsed", "Blocks of the period so far"), num("count", "Signals so far"),
                      http::maybe(flag("possible", "Can the threshold still be reached? (only while \"started\")"))})),
                 http::maybe(str("signalling", "One character a block: # signalled, - did not"))})),
    };
}

RpcMethod getdeploymentinfo(const NodeContext& context) {
    return {
        "getdeploymentinfo",
        "blockchain",
        "Tells which changes of the consensus rules are in force.\nChanges that hold from the genesis block on are not "
        "listed in \"deployments\".",
        {arg_hex("blockhash", http::default_value("\"hash of current chain tip\""),
                 "The hash of the block at which to look")},
        {obj("", "",
             {str("hash", "Hash of the block"), num("height", "Height of the block"),
              arr("script_flags", "Rules that scripts of the block are verified with", {str("flag", "A rule's name")}),
              map("deployments", "", {obj("xxxx", "Name of the change", deployment_doc())})})},
        examples("getdeploymentinfo"),
        [&context](const RpcRequest& request, JsonWriter& out) {
            const auto view = context.chain->view();
            const HeaderNode& node =
                request.param(0).isNull() ? *view->tip : find_block(context, request.param(0), "blockhash");
            const ChainParams& params = *context.params;
            out.begin_object().field("hash", node.hash).field("height", node.height);
            out.key("script_flags").begin_array();
            for (const std::string_view name : script_flag_names(rules::script_flags_for_block(node, params)))
                out.string(name);
            out.end_array().key("deployments").begin_object();
            for (const BuriedDeployment deployment : kBuriedInOrder) write_buried(out, params, node, deployment);
            rules::DeploymentStates states(shared_params(context));
            write_signalled(out, params, states, node, SignalledDeployment::testdummy);
            out.end_object().end_object();
        }};
}

}  // namespace

void add_deployment_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(getdeploymentinfo(context));
}

}  // namespace cairn::node
