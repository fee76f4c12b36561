// Messages signed with the key of an address.
#include "consensus/primitives/address.hpp"
#include "consensus/rules/params.hpp"
#include "light/signing/signed_message.hpp"
#include "net/http/auth.hpp"
#include "net/http/rpc_table.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

constexpr const char* kExampleAddress = "\"1D1ZrZNe3JUo7ZycKEYQQiQAWd9y54F4XX\"";

bool verify(const NodeContext& context, const std::string& address, const std::string& signature, const std::string& message) {
    const auto destination = decode_address(address, context.params->addresses);
    if (!destination) throw RpcError{code::kInvalidAddressOrKey, "Invalid address"};
    const auto* key_hash = std::get_if<PayToPubkeyHash>(&*destination);
    if (!key_hash) throw RpcError{code::kType, "Address does not refer to key"};
    const auto bytes = http::base64_decode(signature);
    if (!bytes) throw RpcError{code::kType, "Malformed base64 encoding"};
    const ByteSpan span(reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size());
    return light::is_signed_by(message, span, key_hash->hash);
}

RpcMethod verifymessage(const NodeContext& context) {
    const std::string address = kExampleAddress;
    return {"verifymessage",
            "util",
            "Tells whether a message was signed with the key of an address.",
            {arg_str("address", http::required(), "The address"),
             arg_str("signature", http::required(), "The signature in base 64 (see signmessagewithprivkey)"),
             arg_str("message", http::required(), "The message")},
            {flag("", "Was it?")},
            http::example_cli("verifymessage", address + " \"signature\" \"my message\"") +
                http::example_rpc("verifymessage", address + ", \"signature\", \"my message\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                out.boolean(verify(context, http::as_string(request.param(0)), http::as_string(request.param(1)), http::as_string(request.param(2))));
            }};
}

RpcMethod signmessagewithprivkey(const NodeContext& context) {
    return {"signmessagewithprivkey",
            "util",
            "Signs a message with a private key.",
            {arg_str("privkey", http::required(), "The private key in base 58 (WIF)"), arg_str("message", http::required(), "The message")},
            {str("signature", "The signature in base 64")},
            examples("signmessagewithprivkey", "\"privkey\" \"my message\"", "\"privkey\", \"my message\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const auto wallet_key = decode_wif(http::as_string(request.param(0)), context.params->addresses);
                if (!wallet_key) throw RpcError{code::kInvalidAddressOrKey, "Invalid private key"};
                const auto signature = light::sign_with_key(http::as_string(request.param(1)), *wallet_key);
                out.string(http::base64_encode({reinterpret_cast<const char*>(signature.data()), signature.size()}));
            }};
}

}  // namespace

void add_signed_message_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(verifymessage(context));
    table.add(signmessagewithprivkey(context));
}

}  // namespace cairn::node
