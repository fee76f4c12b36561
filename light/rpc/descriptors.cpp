// Descriptors of a wallet, and looking at old blocks again.
#include <algorithm>

#include "light/rpc/support.hpp"

namespace cairn::light {

using namespace rpc;
using http::member;

namespace {

ImportRequest read_request(const UniValue& data, std::int64_t now) {
    ImportRequest request;
    if (member(data, "desc").isNull()) throw RpcError{code::kInvalidParameter, "Descriptor not found."};
    request.descriptor = http::as_string(member(data, "desc"));
    const UniValue& timestamp = member(data, "timestamp");
    if (timestamp.isNum()) request.birth = std::max<std::int64_t>(http::as_int<std::int64_t>(timestamp), 1);
    else if (timestamp.isStr() && timestamp.get_str() == "now") request.birth = now;
    else if (timestamp.isNull()) throw RpcError{code::kType, "Missing required timestamp field for key"};
    else throw RpcError{code::kType, std::string("Expected number or \"now\" timestamp value for key. got type ") + http::type_name(timestamp.type())};
    request.active = !member(data, "active").isNull() && http::as_bool(member(data, "active"));
    if (const UniValue& internal = member(data, "internal"); !internal.isNull()) request.internal = http::as_bool(internal);
    if (const UniValue& label = member(data, "label"); !label.isNull()) {
        request.label = label_of(label);
        if (request.internal.value_or(false)) throw RpcError{code::kInvalidParameter, "Internal addresses should not have a label"};
    }
    if (const UniValue& range = member(data, "range"); !range.isNull()) {
        std::int64_t first = 0, last = 0;
        if (range.isNum()) {
            last = http::as_int<std::int64_t>(range);
        } else {
            if (!range.isArray() || range.size() != 2) throw RpcError{code::kInvalidParameter, "Range must have exactly two elements"};
            first = http::as_int<std::int64_t>(range[std::size_t{0}]);
            last = http::as_int<std::int64_t>(range[std::size_t{1}]);
        }
        if (first < 0) throw RpcError{code::kInvalidParameter, "Range should be greater or equal than 0"};
        if (last < first) throw RpcError{code::kInvalidParameter, "Range specified as [begin,end] must not have begin after end"};
        if (last >= (std::int64_t{1} << 31)) throw RpcError{code::kInvalidParameter, "End of range is too high"};
        if (last - first >= DescriptorBook::kMaxRange) throw RpcError{code::kInvalidParameter, "Range is too large"};
        request.range = {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last + 1)};
    }
    if (const UniValue& next = member(data, "next_index"); !next.isNull()) {
        request.next_index = static_cast<std::uint32_t>(http::as_integer(next, 0, 0x7fffffff));
    }
    return request;
}

RpcMethod importdescriptors(const RpcContext& context) {
    return {"importdescriptors", "wallet", "Adds descriptors. Blocks since their timestamps are looked at again in the background; getwalletinfo tells how far that is.",
            {arg_arr("requests", http::required(), "What to add", {{"", http::ArgType::object, http::optional(), "", {
                arg_str("desc", http::required(), "The descriptor"), arg_bool("active", http::default_value("false"), "Gives new addresses of its type"),
                {"range", http::ArgType::range, http::optional(), "Indices to watch"}, arg_num("next_index", http::optional(), "The first index that was never given out"),
                http::no_type_check(arg_num("timestamp", http::required(), "Nothing was paid before, seconds since 1970; or \"now\"")),
                arg_bool("internal", http::default_value("false"), "Is for change"), arg_str("label", http::default_value("\"\""), "The label of its addresses")}}})},
            {arr("", "", {obj("", "", {flag("success", "Was it added?"), http::maybe(elided("error"))})})}, examples("importdescriptors", "'[...]'"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                std::optional<std::int64_t> oldest;
                const std::int64_t now = context.now();
                with_wallet(context, request, [&](Wallet& wallet) {
                    ensure_unlocked(wallet);
                    out.begin_array();
                    for (const UniValue& data : http::as_array(request.param(0)).getValues()) {
                        out.begin_object();
                        try {
                            const ImportRequest one = read_request(http::as_object(data), now);
                            expect(wallet.import(one));
                            oldest = std::min(oldest.value_or(one.birth), one.birth);
                            out.field("success", true);
                        } catch (const RpcError& error) {
                            out.field("success", false).key("error").begin_object().field("code", error.code).field("message", error.message).end_object();
                        }
                        out.end_object();
                    }
                    out.end_array();
                });
                if (oldest && *oldest < now) context.desk->rescan(Birthday{{}, *oldest});
            }};
}

RpcMethod listdescriptors(const RpcContext& context) {
    return wallet_method(context, "listdescriptors", "Lists the descriptors.", {arg_bool("private", http::default_value("false"), "With private keys")},
                         {obj("", "", {str("wallet_name", "The wallet"), arr("descriptors", "", {obj("", "", {str("desc", "The descriptor"), num("timestamp", "Since when"),
                                       flag("active", "Gives addresses"), http::maybe(flag("internal", "For change")), elided("range, next, next_index")})})})},
                         [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             const bool with_keys = request.bool_or("private", false);
                             if (with_keys && !wallet.has_private_keys()) throw RpcError{code::kWallet, "Can't get private descriptor string for watch-only wallets"};
                             if (with_keys) ensure_unlocked(wallet);
                             struct Row {
                                 std::string text;
                                 const WalletDescriptor* descriptor;
                             };
                             std::vector<Row> rows;
                             const auto& all = wallet.book().all();
                             for (std::uint32_t i = 0; i < all.size(); ++i) {
                                 std::string text = all[i].text;
                                 if (with_keys) {
                                     const auto secret = expect(wallet.private_descriptor(i));
                                     text.assign(secret.begin(), secret.end());
                                 }
                                 rows.push_back({std::move(text), &all[i]});
                             }
                             std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.text < b.text; });
                             out.begin_object().field("wallet_name", wallet.name()).key("descriptors").begin_array();
                             for (const Row& row : rows) {
                                 const WalletDescriptor& one = *row.descriptor;
                                 out.begin_object().field("desc", row.text).field("timestamp", one.created).field("active", one.active);
                                 if (one.active && one.internal) out.field("internal", *one.internal);
                                 if (one.ranged) {
                                     out.key("range").begin_array().number(one.range_start).number(one.range_end - 1).end_array();
                                     out.field("next", one.next).field("next_index", one.next);
                                 }
                                 out.end_object();
                             }
                             out.end_array().end_object();
                         });
}

RpcMethod rescanblockchain(const RpcContext& context) {
    return {"rescanblockchain", "wallet", "Looks at blocks again; answers at once, and getwalletinfo tells how far it is.",
            {arg_num("start_height", http::default_value("0"), "The first block"), arg_num("stop_height", http::optional(), "Without effect: all after it are looked at")},
            {obj("", "", {num("start_height", "The first block"), any("stop_height", "Always null: it goes on in the background")})}, examples("rescanblockchain", "100000"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                (void)wallet_name(context, request);
                const auto view = context.desk->chain();
                const auto start = request.int_or("start_height", 0);
                if (start < 0 || !view || !view->tip || start > view->tip->height) throw RpcError{code::kInvalidParameter, "Invalid start_height"};
                context.desk->rescan(Birthday{static_cast<Height>(start), {}});
                out.begin_object().field("start_height", start).key("stop_height").null();
                out.end_object();
            }};
}

}  // namespace

void add_descriptor_methods(http::RpcTable& table, const RpcContext& context) {
    for (auto* make : {importdescriptors, listdescriptors, rescanblockchain}) table.add(make(context));
}

}  // namespace cairn::light
