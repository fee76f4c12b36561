#include "consensus/rules/params.hpp"
#include "net/http/rpc_table.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/methods.hpp"
#include "node/rpc/scan_objects.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

constexpr std::uint64_t kAskEvery = 8192;
constexpr const char* kExample = "raw(76a91411b366edfc0a8b66feebae5c2e25a7b6a5d1cf3188ac)#fm24fxxy";

struct Scan {
    bool complete = true;
    std::uint64_t count = 0;
    std::vector<std::pair<OutPoint, Coin>> found;
    const HeaderNode* tip = nullptr;
};

Scan scan(const NodeContext& context, ScanState& state, const Needles& needles) {
    const auto shutting_down = [&] { return context.shutdown_requested && context.shutdown_requested(); };
    Scan result;
    const auto tip = context.chain->scan_coins([&](const OutPoint& outpoint, const Coin& coin) {
        if (++result.count % kAskEvery == 0) {
            if (state.abort || shutting_down()) return result.complete = false;
            // Coins come in the order of their txids, which are as good as random.
            const std::uint8_t* prefix = outpoint.txid.data();
            state.percent = static_cast<int>((prefix[0] * 256 + prefix[1]) * 100.0 / 65536.0 + 0.5);
        }
        if (needles.contains(coin.script_pubkey)) result.found.emplace_back(outpoint, coin);
        return true;
    });
    if (shutting_down()) throw RpcError{code::kClientNotConnected, "Shutting down"};
    if (!tip) throw RpcError{code::kInternalError, tip.error().message};
    result.tip = *tip;
    return result;
}

void write_scan(JsonWriter& out, const Scan& scan, const Needles& needles) {
    const HeaderNode& tip = *scan.tip;
    out.begin_object().field("success", scan.complete).field("txouts", scan.count).field("height", tip.height);
    out.field("bestblock", tip.hash).key("unspents").begin_array();
    Amount total = 0;
    for (const auto& [outpoint, coin] : scan.found) {
        total += coin.value;
        out.begin_object().field("txid", outpoint.txid).field("vout", outpoint.index);
        out.hex_field("scriptPubKey", coin.script_pubkey).field("desc", needles.at(coin.script_pubkey));
        out.amount_field("amount", coin.value).field("coinbase", coin.coinbase).field("height", coin.height);
        out.field("blockhash", tip.ancestor(coin.height)->hash).field("confirmations", tip.height - coin.height + 1);
        out.end_object();
    }
    out.end_array().amount_field("total_amount", total).end_object();
}

void run_scantxoutset(const NodeContext& context, ScanState& state, const RpcRequest& request, JsonWriter& out) {
    const std::string& action = http::as_string(request.param(0));
    if (answer_about_scan(state, action, false, out)) return;
    if (action == "start") {
        const ScanTurn turn(state);
        if (request.param(1).isNull()) {
            throw RpcError{code::kMisc, "scanobjects argument is required for the start action"};
        }
        const Needles needles = find_needles(context, request.param(1));
        write_scan(out, scan(context, state, needles), needles);
    } else {
        throw RpcError{code::kInvalidParameter, "Invalid action '" + action + "'"};
    }
}

RpcResult found_doc() {
    return obj("", "",
               {flag("success", "Was the whole set scanned?"), num("txouts", "Unspent outputs looked at"),
                num("height", "Height of the block at which was scanned"), hex("bestblock", "Hash of that block"),
                arr("unspents", "",
                    {obj("", "",
                         {hex("txid", "The transaction id"), num("vout", "The output's index"),
                          hex("scriptPubKey", "The output script"), str("desc", "A descriptor of the output script"),
                          amount("amount", "Its value in BTC"), flag("coinbase", "Was it made by a coinbase?"),
                          num("height", "Height of the block that made it"), hex("blockhash", "Hash of that block"),
                          num("confirmations", "Blocks from its own to the one at which was scanned")})}),
                amount("total_amount", "Value of all outputs found in BTC")});
}

RpcMethod scantxoutset(const NodeContext& context) {
    return {"scantxoutset",
            "blockchain",
            "Looks through the set of unspent outputs for those that descriptors stand for, such as\n"
            "    addr(<address>)   outputs that pay to the address\n"
            "    raw(<hex>)        outputs with exactly this script\n"
            "    combo(<pubkey>)   P2PK, P2PKH, P2WPKH and P2SH-P2WPKH outputs for the key\n"
            "    tr(<pubkey>)      P2TR outputs\n"
            "A key may be an xpub with a path; one that ends in /* needs a range unless 0 to 1000 is meant.",
            {arg_str("action", http::required(),
                     "\"start\" scans, \"abort\" ends the scan that is running, \"status\" tells how far it is"),
             scan_objects_arg(http::optional(), "What to look for (only for \"start\")")},
            {http::when("when action=='start'; only returns after scan completes", found_doc()),
             http::when("when action=='abort'", flag("success", "Was there a scan to end?")),
             http::when("when action=='status' and a scan is currently in progress",
                        obj("", "", {num("progress", "About how much is done, in percent")})),
             http::when("when action=='status' and no scan is in progress - possibly already completed", none())},
            http::example_cli("scantxoutset", std::string("start '[\"") + kExample + "\"]'") +
                http::example_cli("scantxoutset", "status") + http::example_cli("scantxoutset", "abort") +
                http::example_rpc("scantxoutset", std::string("\"start\", [\"") + kExample + "\"]") +
                http::example_rpc("scantxoutset", "\"status\"") + http::example_rpc("scantxoutset", "\"abort\""),
            [&context, state = std::make_shared<ScanState>()](const RpcRequest& request, JsonWriter& out) {
                run_scantxoutset(context, *state, request, out);
            }};
}

}  // namespace

void add_scan_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(scantxoutset(context));
}

}  // namespace cairn::node
