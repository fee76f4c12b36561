// Addresses and their labels.
#include "consensus/base/hex.hpp"
#include "light/rpc/support.hpp"
#include "light/signing/signed_message.hpp"
#include "net/http/auth.hpp"

namespace cairn::light {

using namespace rpc;

namespace {

RpcMethod getnewaddress(const RpcContext& context) {
    return wallet_method(context, "getnewaddress", "Gives a new address to be paid at.",
                         {arg_str("label", http::default_value("\"\""), "Its label"),
                          arg_str("address_type", http::default_value("\"bech32\""), "legacy, p2sh-segwit, bech32 or bech32m")},
                         {str("address", "The address")}, [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             const AddressType type = request.has("address_type") ? address_type(request.arg("address_type")) : wallet.policy().address_type;
                             out.string(wallet.address(expect(wallet.new_address(type, label_of(request.arg("label"))))));
                         });
}

RpcMethod getrawchangeaddress(const RpcContext& context) {
    return wallet_method(context, "getrawchangeaddress", "Gives a new address for change.",
                         {arg_str("address_type", http::default_value("\"bech32\""), "legacy, p2sh-segwit, bech32 or bech32m")}, {str("address", "The address")},
                         [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             const AddressType type = request.has("address_type") ? address_type(request.arg("address_type"))
                                                                                  : wallet.policy().change_type.value_or(wallet.policy().address_type);
                             out.string(wallet.address(expect(wallet.new_change_address(type))));
                         });
}

RpcMethod getaddressinfo(const RpcContext& context) {
    return wallet_method(context, "getaddressinfo", "Tells what the wallet knows of an address.", {arg_str("address", http::required(), "The address")},
                         {obj("", "", {str("address", "The address"), hex("scriptPubKey", "Its script"), flag("ismine", "Is it the wallet's?"),
                                       elided("and others, as Bitcoin Core has them")})},
                         [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             const auto script = recipient_script(http::as_string(request.param(0)), wallet.params());
                             if (!script) throw RpcError{code::kInvalidAddressOrKey, script.error()};
                             write_address_info(wallet, *script, out);
                         });
}

RpcMethod setlabel(const RpcContext& context) {
    return wallet_method(context, "setlabel", "Labels an address.", {arg_str("address", http::required(), "The address"), arg_str("label", http::required(), "The label")},
                         {none()}, [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             const auto script = recipient_script(http::as_string(request.param(0)), wallet.params());
                             if (!script) throw RpcError{code::kInvalidAddressOrKey, "Invalid Bitcoin address"};
                             expect(wallet.set_label(*script, label_of(request.param(1))));
                             out.null();
                         });
}

RpcMethod listlabels(const RpcContext& context) {
    return wallet_method(context, "listlabels", "Lists all labels.", {arg_str("purpose", http::optional(), "send or receive: only of such addresses")},
                         {arr("", "", {str("label", "A label")})}, [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             std::optional<AddressPurpose> purpose;
                             if (const std::string wanted = request.string_or("purpose", ""); wanted == "send") purpose = AddressPurpose::send;
                             else if (wanted == "receive") purpose = AddressPurpose::receive;
                             else if (!wanted.empty()) {
                                 throw RpcError{code::kInvalidParameter, "Invalid 'purpose' argument, must be a known purpose string, typically 'send', or 'receive'."};
                             }
                             out.begin_array();
                             for (const std::string& label : wallet.addresses().labels(purpose)) out.string(label);
                             out.end_array();
                         });
}

RpcMethod getaddressesbylabel(const RpcContext& context) {
    return wallet_method(context, "getaddressesbylabel", "Lists the addresses with a label.", {arg_str("label", http::required(), "The label")},
                         {map("", "by address", {obj("address", "", {str("purpose", "send or receive")})})},
                         [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             const auto scripts = wallet.addresses().with_label(label_of(request.param(0)));
                             if (scripts.empty()) throw RpcError{code::kInvalidLabel, "No addresses with label " + request.param(0).get_str()};
                             out.begin_object();
                             for (const Bytes& script : scripts) {
                                 out.key(wallet.address(script)).begin_object();
                                 out.field("purpose", to_string(wallet.addresses().find(script)->purpose)).end_object();
                             }
                             out.end_object();
                         });
}

RpcMethod keypoolrefill(const RpcContext& context) {
    return wallet_method(context, "keypoolrefill", "Watches more addresses ahead.", {arg_num("newsize", http::default_value("1000"), "How many")}, {none()},
                         [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             if (!wallet.has_private_keys()) throw RpcError{code::kWallet, "Error: Private keys are disabled for this wallet"};
                             const auto size = request.int_or("newsize", 0);
                             if (size < 0 || size > DescriptorBook::kMaxRange) throw RpcError{code::kInvalidParameter, "Invalid parameter, expected valid size."};
                             ensure_unlocked(wallet);
                             expect(wallet.refill(static_cast<std::uint32_t>(size)));
                             out.null();
                         });
}

RpcMethod signmessage(const RpcContext& context) {
    return wallet_method(context, "signmessage", "Signs a message with the key of an address.",
                         {arg_str("address", http::required(), "A legacy address"), arg_str("message", http::required(), "The message")}, {str("signature", "In base 64")},
                         [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             ensure_unlocked(wallet);
                             const auto destination = decode_address(http::as_string(request.param(0)), wallet.params().addresses);
                             if (!destination) throw RpcError{code::kInvalidAddressOrKey, "Invalid address"};
                             const auto* hash = std::get_if<PayToPubkeyHash>(&*destination);
                             if (!hash) throw RpcError{code::kType, "Address does not refer to key"};
                             const ScriptKeys keys = wallet.book().solving_data(script_for(*destination), true);
                             const WalletKey* key = keys.find(hash->hash);
                             if (!key) throw RpcError{code::kWallet, "Private key not available"};
                             const auto signature = key->key.sign_recoverable(signed_message_hash(http::as_string(request.param(1))), key->compressed);
                             out.string(http::base64_encode({reinterpret_cast<const char*>(signature.data()), signature.size()}));
                         });
}

}  // namespace

void add_address_methods(http::RpcTable& table, const RpcContext& context) {
    for (auto* make : {getnewaddress, getrawchangeaddress, getaddressinfo, setlabel, listlabels, getaddressesbylabel, keypoolrefill, signmessage}) {
        table.add(make(context));
    }
}

}  // namespace cairn::light
