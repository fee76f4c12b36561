// Descriptors of a wallet.
#include <algorithm>

#include "light/rpc/support.hpp"

namespace cairn::light {

using namespace rpc;
using http::member;

namespace {

std::int64_t import_time(const UniValue& data, std::int64_t now) {
    const UniValue& timestamp = member(data, "timestamp");
    if (timestamp.isNum()) return std::max<std::int64_t>(http::as_int<std::int64_t>(timestamp), 1);
    if (timestamp.isStr() && timestamp.get_str() == "now") return std::max<std::int64_t>(now, 1);
    if (timestamp.isNull()) throw RpcError{code::kType, "Missing required timestamp field for key"};
    throw RpcError{code::kType, std::string("Expected number or \"now\" timestamp value for key. got type ") + http::type_name(timestamp.type())};
}

std::pair<std::int64_t, std::int64_t> read_range(const UniValue& range) {
    std::int64_t first = 0, last = 0;
    if (range.isNum()) {
        last = http::as_int<std::int64_t>(range);
    } else {
        if (!range.isArray() || range.size() != 2) throw RpcError{code::kInvalidParameter, "Range must have exactly two elements"};
        first = http::as_int<std::int64_t>(range[std::size_t{0}]);
        last = http::as_int<std::int64_t>(range[std::size_t{1}]);
        if (last < first) throw RpcError{code::kInvalidParameter, "Range specified as [begin,end] must not have begin after end"};
    }
    if (first < 0) throw RpcError{code::kInvalidParameter, "Range should be greater or equal than 0"};
    if (last >= (std::int64_t{1} << 31)) throw RpcError{code::kInvalidParameter, "End of range is too high"};
    if (last - first >= DescriptorBook::kMaxRange) throw RpcError{code::kInvalidParameter, "Range is too large"};
    return {first, last + 1};
}

struct Import {
    ImportRequest request;
    std::vector<std::string> warnings;
};

/// What may be asked of a descriptor depends on what it is.
void read_for(const std::vector<Descriptor>& parsed, const UniValue& data, const Wallet& wallet, Import& import) {
    const Descriptor& first = parsed.front();
    const auto refuse = [](const char* why) { throw RpcError{code::kInvalidParameter, why}; };
    const UniValue& internal = member(data, "internal");
    if (!internal.isNull()) {
        if (parsed.size() > 1) throw RpcError{code::kInvalidAddressOrKey, "Cannot have multipath descriptor while also specifying 'internal'"};
        import.request.internal = http::as_bool(internal);
    }
    const UniValue& range = member(data, "range");
    if (!first.is_range()) {
        if (!range.isNull()) refuse("Range should not be specified for an un-ranged descriptor");
        if (import.request.active) refuse("Active descriptors must be ranged");
    } else {
        std::pair<std::int64_t, std::int64_t> bounds{0, wallet.book().lookahead()};
        if (range.isNull()) import.warnings.emplace_back("Range not given, using default keypool range");
        else bounds = read_range(range);
        import.request.range = {static_cast<std::uint32_t>(bounds.first), static_cast<std::uint32_t>(bounds.second)};
        if (const UniValue& next = member(data, "next_index"); !next.isNull()) {
            const auto index = http::as_int<std::int64_t>(next);
            if (index < bounds.first || index >= bounds.second) refuse("next_index is out of range");
            import.request.next_index = static_cast<std::uint32_t>(index);
        }
    }
    if (const UniValue& label = member(data, "label"); !label.isNull()) {
        if (parsed.size() > 1) refuse("Multipath descriptors should not have a label");
        if (first.is_range()) refuse("Ranged descriptors should not have a label");
        if (import.request.internal.value_or(false)) refuse("Internal addresses should not have a label");
        import.request.label = label_of(label);
    }
    if (import.request.active && !first.is_single()) throw RpcError{code::kWallet, "Combo descriptors cannot be set to active"};
    if (first.has_private_keys() && !first.has_all_private_keys()) {
        import.warnings.emplace_back("Not all private keys provided. Some wallet functionality may return unexpected errors");
    }
    if (import.request.active && !address_type_of(first)) import.warnings.emplace_back("Unknown output type, cannot set descriptor to active.");
}

Import read_import(const UniValue& data, std::int64_t time, const Wallet& wallet) {
    Import import;
    if (member(data, "desc").isNull()) throw RpcError{code::kInvalidParameter, "Descriptor not found."};
    import.request.descriptor = http::as_string(member(data, "desc"));
    import.request.birth = time;
    import.request.active = !member(data, "active").isNull() && http::as_bool(member(data, "active"));
    if (const UniValue& label = member(data, "label"); !label.isNull()) (void)label_of(label);
    const auto parsed = parse_descriptors(import.request.descriptor, wallet.params(), true);
    if (!parsed) throw RpcError{code::kInvalidAddressOrKey, parsed.error()};
    read_for(*parsed, data, wallet, import);
    return import;
}

struct Imported {
    std::optional<RpcError> error;
    std::vector<std::string> warnings;
};

Imported import_one(Wallet& wallet, const UniValue& data, std::int64_t time) {
    Imported result;
    try {
        Import import = read_import(data, time, wallet);
        result.warnings = std::move(import.warnings);
        expect(wallet.import(import.request));
    } catch (const RpcError& error) {
        result.error = error;
    }
    return result;
}

void write_imported(const std::vector<Imported>& results, JsonWriter& out) {
    out.begin_array();
    for (const Imported& one : results) {
        out.begin_object().field("success", !one.error.has_value());
        if (one.error) out.key("error").begin_object().field("code", one.error->code).field("message", one.error->message).end_object();
        if (!one.warnings.empty()) {
            out.key("warnings").begin_array();
            for (const std::string& warning : one.warnings) out.string(warning);
            out.end_array();
        }
        out.end_object();
    }
    out.end_array();
}

/// Looks at the blocks since then. When that cannot be finished now, the results say so.
void look_since(const RpcContext& context, const std::string& name, std::int64_t time, bool wait, std::vector<Imported>& results) {
    if (!wait) {
        context.desk->rescan(Birthday{{}, time});
        return;
    }
    using End = WalletDesk::Rescan::End;
    const auto waited = context.desk->rescan_and_wait(name, Birthday{{}, time}, std::nullopt);
    // Another one began meanwhile: what was imported is looked for all the same.
    if (!waited) context.desk->rescan(Birthday{{}, time});
    const End end = expect(waited).end;
    if (end == End::aborted) throw RpcError{code::kMisc, "Rescan aborted by user."};
    if (end == End::done) return;
    for (Imported& one : results) {
        if (!one.error) one.warnings.emplace_back("No peer serves compact filters now. Blocks are looked at when one does; getwalletinfo tells how far that is");
    }
}

RpcMethod importdescriptors(const RpcContext& context) {
    return {"importdescriptors", "wallet",
            "Adds descriptors, and looks at the blocks since their timestamps again; meanwhile getwalletinfo tells how far that is, and abortrescan ends it.",
            {arg_arr("requests", http::required(), "What to add", {{"", http::ArgType::object, http::optional(), "", {
                arg_str("desc", http::required(), "The descriptor"), arg_bool("active", http::default_value("false"), "Gives new addresses of its type"),
                {"range", http::ArgType::range, http::optional(), "Indices to watch"}, arg_num("next_index", http::optional(), "The first index that was never given out"),
                http::no_type_check(arg_num("timestamp", http::required(), "Nothing was paid before, seconds since 1970; or \"now\"")),
                arg_bool("internal", http::default_value("false"), "Is for change"), arg_str("label", http::default_value("\"\""), "The label of its addresses")}}}),
             arg_bool("wait", http::default_value("true"), "Answer only when the blocks were looked at")},
            {arr("", "", {obj("", "", {flag("success", "Was it added?"), http::maybe(arr("warnings", "What should be known", {str("", "")})),
                                       http::maybe(obj("error", "Why not", {num("code", "Its number"), str("message", "In words")}))})})},
            examples("importdescriptors", "'[...]'"), [&context](const RpcRequest& request, JsonWriter& out) {
                const std::string name = wallet_name(context, request);
                std::vector<Imported> results;
                std::int64_t oldest = 0;
                with_wallet(context, request, [&](Wallet& wallet) {
                    if (context.desk->is_rescanning(name)) throw RpcError{code::kWallet, "Wallet is currently rescanning. Abort existing rescan or wait."};
                    ensure_unlocked(wallet);
                    const HeaderNode* tip = context.desk->find_header(wallet.tip().hash);
                    const std::int64_t now = tip ? tip->median_time_past() : context.now();
                    oldest = tip ? tip->header.time : now;
                    for (const UniValue& data : http::as_array(request.param(0)).getValues()) {
                        const std::int64_t time = import_time(http::as_object(data), now);
                        results.push_back(import_one(wallet, data, time));
                        oldest = std::min(oldest, time);
                    }
                });
                const bool any = std::any_of(results.begin(), results.end(), [](const Imported& one) { return !one.error; });
                if (any) look_since(context, name, oldest, request.bool_or("wait", true), results);
                write_imported(results, out);
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

}  // namespace

void add_descriptor_methods(http::RpcTable& table, const RpcContext& context) {
    for (auto* make : {importdescriptors, listdescriptors}) table.add(make(context));
}

}  // namespace cairn::light
