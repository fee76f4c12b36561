#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "net/http/rpc_table.hpp"
#include "node/fees/fee_estimator.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/mempool_picture.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

constexpr double kDefaultThreshold = 0.95;

FeeEstimator& estimator(const NodeContext& context) {
    if (context.fees == nullptr) throw RpcError{code::kInternalError, "Fee estimation disabled"};
    return *context.fees;
}

int confirmation_target(const FeeEstimator& fees, const UniValue& value) {
    const int target = http::as_int<int>(value);
    const int highest = fees.highest_target(FeeHorizon::long_term);
    if (target < 1 || target > highest) {
        throw RpcError{code::kInvalidParameter, fmt::format("Invalid conf_target, must be between 1 and {}", highest)};
    }
    return target;
}

/// -8 when it is no mode; case does not matter.
bool is_conservative(std::string mode) {
    std::transform(mode.begin(), mode.end(), mode.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (mode == "conservative") return true;
    if (mode == "economical" || mode == "unset") return false;
    throw RpcError{code::kInvalidParameter,
                   "Invalid estimate_mode parameter, must be one of: \"unset\", \"economical\", \"conservative\""};
}

RpcMethod estimatesmartfee(const NodeContext& context) {
    return {"estimatesmartfee",
            "util",
            "Estimates the fee rate with which a transaction begins to confirm within conf_target blocks,\n"
            "and says for how many blocks the estimate holds. Sizes are virtual (BIP 141).",
            {arg_num("conf_target", http::required(), "Confirmation target in blocks (1 - 1008)"),
             arg_str("estimate_mode", http::default_value("\"economical\""),
                     "\"economical\" follows a falling market sooner and may ask for less; \"conservative\" looks further back\n"
                     "and may ask for more; \"unset\" is the default.")},
            {obj("", "",
                 {http::maybe(num("feerate", "fee rate in BTC/kvB (only when there is an estimate)")),
                  http::maybe(arr("errors", "What went wrong (if something did)", {str("", "error")})),
                  num("blocks", "how many blocks the estimate is for: the target, between 2 and\n"
                                "the highest for which the node has watched long enough")})},
            examples("estimatesmartfee", "6"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const FeeEstimator& fees = estimator(context);
                const MempoolPort& pool = mempool(context);
                context.chain->drain_events();
                const int target = confirmation_target(fees, request.param(0));
                const bool conservative = is_conservative(request.string_or("estimate_mode", "economical"));
                const SmartFee fee = fees.smart_fee(target, conservative);
                out.begin_object();
                if (fee.rate.per_kvb != 0) {
                    out.amount_field("feerate", std::max(fee.rate, pool.minimum_fee()).per_kvb);
                } else {
                    out.key("errors").begin_array().string("Insufficient data or no feerate found").end_array();
                }
                out.field("blocks", fee.target).end_object();
            }};
}

Results range_doc() {
    return {num("startrange", "lowest fee rate of the range"),
            num("endrange", "highest fee rate of the range"),
            num("withintarget", "transactions of the range that confirmed within the target, averaged"),
            num("totalconfirmed", "transactions of the range that confirmed at all"),
            num("inmempool", "transactions of the range that have waited for the target or longer"),
            num("leftmempool", "transactions of the range that left unconfirmed after the target")};
}

Results horizon_doc() {
    return {http::maybe(num("feerate", "fee rate in BTC/kvB")),
            num("decay", "what a count keeps of itself with each block"),
            num("scale", "blocks in a step of the targets of this horizon"),
            http::maybe(obj("pass", "the lowest range of fee rates that meets the threshold", range_doc())),
            http::maybe(obj("fail", "the highest range of fee rates that does not", range_doc())),
            http::maybe(arr("errors", "What went wrong (if something did)", {str("error", "")}))};
}

void write_range(JsonWriter& out, std::string_view key, const FeeRange& range) {
    const auto hundredths = [](double value) { return std::round(value * 100.0) / 100.0; };
    out.key(key).begin_object();
    out.field("startrange", std::round(range.start)).field("endrange", std::round(range.end));
    out.field("withintarget", hundredths(range.within_target)).field("totalconfirmed", hundredths(range.total_confirmed));
    out.field("inmempool", hundredths(range.in_mempool)).field("leftmempool", hundredths(range.left_mempool));
    out.end_object();
}

void write_horizon(JsonWriter& out, FeeRate rate, const FeeEvidence& evidence) {
    out.begin_object();
    if (rate.per_kvb != 0) out.amount_field("feerate", rate.per_kvb);
    out.field("decay", evidence.decay).field("scale", evidence.scale);
    if (rate.per_kvb != 0) {
        write_range(out, "pass", evidence.pass);
        if (evidence.fail.start != -1) write_range(out, "fail", evidence.fail);
    } else {
        write_range(out, "fail", evidence.fail);
        out.key("errors").begin_array().string("Insufficient data or no feerate found which meets threshold").end_array();
    }
    out.end_object();
}

RpcMethod estimaterawfee(const NodeContext& context) {
    return {"estimaterawfee",
            "hidden",
            "WARNING: This interface is unstable and may disappear or change!\n"
            "\nWARNING: It shows the inner workings of fee estimation; arguments and results change with them.\n"
            "\nEstimates the fee rate with which a transaction begins to confirm within conf_target blocks,\n"
            "for each horizon. Sizes are virtual (BIP 141).",
            {arg_num("conf_target", http::required(), "Confirmation target in blocks (1 - 1008)"),
             arg_num("threshold", http::default_value("0.95"),
                     "The share of transactions in a range of fee rates that must have confirmed within the target\n"
                     "before lower ranges are looked at.")},
            {obj("", "For each horizon that reaches the target",
                 {http::maybe(obj("short", "the short horizon", horizon_doc())),
                  http::maybe(obj("medium", "the medium horizon", horizon_doc())),
                  http::maybe(obj("long", "the long horizon", horizon_doc()))})},
            http::example_cli("estimaterawfee", "6 0.9"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const FeeEstimator& fees = estimator(context);
                context.chain->drain_events();
                const int target = confirmation_target(fees, request.param(0));
                const double threshold = request.param(1).isNull() ? kDefaultThreshold : http::as_real(request.param(1));
                if (threshold < 0 || threshold > 1) throw RpcError{code::kInvalidParameter, "Invalid threshold"};
                out.begin_object();
                for (const FeeHorizon horizon : kFeeHorizons) {
                    if (target > fees.highest_target(horizon)) continue;
                    FeeEvidence evidence;
                    const FeeRate rate = fees.raw_fee(target, threshold, horizon, &evidence);
                    write_horizon(out.key(to_string(horizon)), rate, evidence);
                }
                out.end_object();
            }};
}

}  // namespace

void add_fee_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(estimatesmartfee(context));
    table.add(estimaterawfee(context));
}

}  // namespace cairn::node
