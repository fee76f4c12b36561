// Extended keys of a wallet, and descriptors made from them.
#include <map>

#include "light/rpc/support.hpp"

namespace cairn::light {

using namespace rpc;
using http::member;

namespace {

/// The private key of an extended key that some descriptor has.
std::optional<ExtendedKey> private_key_of(const Wallet& wallet, const std::string& xpub) {
    const auto& all = wallet.book().all();
    for (std::uint32_t i = 0; i < all.size(); ++i) {
        const auto secret = wallet.private_descriptor(i);
        if (!secret) continue;
        const auto parsed = parse_descriptor(std::string_view(secret->data(), secret->size()), wallet.params(), false);
        if (!parsed) continue;
        for (const ExtendedKey& key : extended_keys(*parsed)) {
            if (key.private_key && key.public_text(wallet.params()) == xpub) return key;
        }
    }
    return std::nullopt;
}

struct Use {
    std::vector<std::uint32_t> descriptors;
    bool has_private = false;
};

std::map<std::string, Use> hd_keys(const Wallet& wallet, bool active_only) {
    std::map<std::string, Use> keys;
    const auto& all = wallet.book().all();
    for (std::uint32_t i = 0; i < all.size(); ++i) {
        if (active_only && !all[i].active) continue;
        for (const auto& [xpub, has_private] : wallet.hd_keys(i)) {
            Use& use = keys[xpub];
            use.descriptors.push_back(i);
            use.has_private |= has_private;
        }
    }
    return keys;
}

RpcMethod gethdkeys(const RpcContext& context) {
    return wallet_method(
        context, "gethdkeys", "Lists the extended keys of the wallet, and which descriptors use them.",
        {{"options", http::ArgType::named_options, http::optional(), "", {arg_bool("active_only", http::default_value("false"), "Only of descriptors that give addresses"),
                                                                         arg_bool("private", http::default_value("false"), "With private keys")}, false, false, false, "options"}},
        {arr("", "", {obj("", "", {str("xpub", "The key"), flag("has_private", "Is its private key known?"), http::maybe(str("xprv", "The private key")),
                                   arr("descriptors", "Who uses it", {obj("", "", {str("desc", "The descriptor"), flag("active", "Does it give addresses?")})})})})},
        [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
            const UniValue& options = request.param(0);
            const auto set = [&](const char* name) { return options.isObject() && !member(options, name).isNull() && http::as_bool(member(options, name)); };
            const bool with_private = set("private");
            if (with_private) ensure_unlocked(wallet);
            out.begin_array();
            for (const auto& [xpub, use] : hd_keys(wallet, set("active_only"))) {
                out.begin_object().field("xpub", xpub).field("has_private", use.has_private);
                if (with_private && use.has_private) {
                    if (const auto key = private_key_of(wallet, xpub)) out.field("xprv", key->private_text(wallet.params()));
                }
                std::map<std::string, bool> descriptors;
                for (const std::uint32_t number : use.descriptors) descriptors[wallet.book().all()[number].text] = wallet.book().all()[number].active;
                out.key("descriptors").begin_array();
                for (const auto& [text, active] : descriptors) out.begin_object().field("desc", text).field("active", active).end_object();
                out.end_array().end_object();
            }
            out.end_array();
        });
}

ExtendedKey wanted_key(const Wallet& wallet, const UniValue& hdkey) {
    std::string xpub;
    if (hdkey.isNull()) {
        const auto active = hd_keys(wallet, true);
        if (active.size() != 1) {
            throw RpcError{code::kInvalidAddressOrKey, "Unable to determine which HD key to use from active descriptors. Please specify with 'hdkey'"};
        }
        xpub = active.begin()->first;
    } else {
        const auto parsed = parse_extended_key(http::as_string(hdkey), wallet.params());
        if (!parsed || parsed->private_key) throw RpcError{code::kInvalidAddressOrKey, "Unable to parse HD key. Please provide a valid xpub"};
        xpub = hdkey.get_str();
    }
    const auto key = private_key_of(wallet, xpub);
    if (!key) throw RpcError{code::kInvalidAddressOrKey, "Private key for " + xpub + " is not known"};
    return *key;
}

RpcMethod createwalletdescriptor(const RpcContext& context) {
    return wallet_method(
        context, "createwalletdescriptor", "Adds the descriptor of an address type that the wallet has none for.",
        {arg_str("type", http::required(), "legacy, p2sh-segwit, bech32 or bech32m"),
         {"options", http::ArgType::named_options, http::optional(), "", {
             arg_bool("internal", http::default_hint("both"), "Only for change (true), or only for receiving (false)"),
             arg_str("hdkey", http::default_hint("that of the descriptors that give addresses"), "The extended key to make it from")}, false, false, false, "options"}},
        {obj("", "", {arr("descs", "What was added", {str("", "")})})}, [&context](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
            const AddressType type = address_type(request.param(0));
            const UniValue empty(UniValue::VOBJ);
            const UniValue& options = request.param(1).isNull() ? empty : request.param(1);
            std::vector<bool> sides{false, true};
            if (const UniValue& internal = member(options, "internal"); !internal.isNull()) sides = {http::as_bool(internal)};
            ensure_unlocked(wallet);
            const ExtendedKey master = wanted_key(wallet, member(options, "hdkey"));
            std::vector<std::string> added;
            for (const bool internal : sides) {
                ImportRequest import;
                import.descriptor = account_descriptor(master, type, wallet.params(), 0, internal);
                import.birth = context.now();
                import.active = true;
                import.internal = internal;
                const auto parsed = parse_descriptor(import.descriptor, wallet.params(), true);
                const auto text = parsed ? parsed->to_string(DescriptorForm::normalized) : std::nullopt;
                if (text && wallet.book().find_descriptor(DescriptorBook::id_of(*text))) continue;
                for (const std::uint32_t number : expect(wallet.import(import))) added.push_back(wallet.book().all()[number].text);
            }
            if (added.empty()) throw RpcError{code::kWallet, "Descriptor already exists"};
            out.begin_object().key("descs").begin_array();
            for (const std::string& text : added) out.string(text);
            out.end_array().end_object();
        });
}

}  // namespace

void add_hd_key_methods(http::RpcTable& table, const RpcContext& context) {
    for (auto* make : {gethdkeys, createwalletdescriptor}) table.add(make(context));
}

}  // namespace cairn::light
