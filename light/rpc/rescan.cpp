// Looking at old blocks again.
#include "light/rpc/support.hpp"

namespace cairn::light {

using namespace rpc;

namespace {

RpcMethod rescanblockchain(const RpcContext& context) {
    return {"rescanblockchain", "wallet", "Looks at blocks again, and answers when that is done; meanwhile getwalletinfo tells how far it is, and abortrescan ends it.",
            {arg_num("start_height", http::default_value("0"), "The first block"), arg_num("stop_height", http::optional(), "The last block; the tip without it"),
             arg_bool("wait", http::default_value("true"), "Answer only when it is done")},
            {obj("", "", {num("start_height", "The first block"), num("stop_height", "The last block that was looked at; null when that goes on in the background")})},
            examples("rescanblockchain", "100000 120000", "100000, 120000"), [&context](const RpcRequest& request, JsonWriter& out) {
                const std::string name = wallet_name(context, request);
                std::int64_t start = 0;
                std::optional<Height> stop;
                Height tip = -1;
                with_wallet(context, request, [&](Wallet& wallet) {
                    if (context.desk->is_rescanning(name)) throw RpcError{code::kWallet, "Wallet is currently rescanning. Abort existing rescan or wait."};
                    ensure_unlocked(wallet);
                    tip = wallet.tip().height;
                });
                start = request.has("start_height") ? http::as_int<int>(request.arg("start_height")) : 0;
                if (start < 0 || start > std::max<Height>(tip, 0)) throw RpcError{code::kInvalidParameter, "Invalid start_height"};
                if (request.has("stop_height")) {
                    stop = http::as_int<int>(request.arg("stop_height"));
                    if (*stop < 0 || *stop > tip) throw RpcError{code::kInvalidParameter, "Invalid stop_height"};
                    if (*stop < start) throw RpcError{code::kInvalidParameter, "stop_height must be greater than start_height"};
                }
                const Birthday since{static_cast<Height>(start), {}};
                out.begin_object().field("start_height", start);
                if (!request.bool_or("wait", true)) {
                    context.desk->rescan(since);
                    out.key("stop_height").null();
                } else {
                    const auto result = expect(context.desk->rescan_and_wait(name, since, stop));
                    using End = WalletDesk::Rescan::End;
                    if (result.end == End::aborted || result.end == End::stopping) throw RpcError{code::kMisc, "Rescan aborted."};
                    if (result.end == End::no_peers) throw RpcError{code::kClientNotConnected, "No peer serves compact filters now. The rescan goes on when one does"};
                    out.field("stop_height", result.last);
                }
                out.end_object();
            }};
}

RpcMethod abortrescan(const RpcContext& context) {
    return {"abortrescan", "wallet", "Ends a rescan that rescanblockchain or importdescriptors waits for.", {}, {flag("", "Was there one?")}, examples("abortrescan"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const std::string name = wallet_name(context, request);
                with_wallet(context, request, [](Wallet&) {});
                out.boolean(context.desk->abort_rescan(name));
            }};
}

}  // namespace

void add_rescan_methods(http::RpcTable& table, const RpcContext& context) {
    for (auto* make : {rescanblockchain, abortrescan}) table.add(make(context));
}

}  // namespace cairn::light
