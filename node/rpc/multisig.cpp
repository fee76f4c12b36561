#include <algorithm>

#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/script/script.hpp"
#include "net/http/rpc_table.hpp"
#include "light/descriptors/descriptor.hpp"
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

constexpr std::size_t kCompressedSize = 33, kUncompressedSize = 65;

/// How the script stands behind its address.
enum class Wrapping { legacy, p2sh_segwit, bech32 };

Wrapping read_wrapping(const UniValue& value) {
    const std::string text = value.isNull() ? "legacy" : http::as_string(value);
    if (text == "legacy") return Wrapping::legacy;
    if (text == "p2sh-segwit") return Wrapping::p2sh_segwit;
    if (text == "bech32") return Wrapping::bech32;
    if (text == "bech32m") throw RpcError{code::kInvalidAddressOrKey, "createmultisig cannot create bech32m multisig addresses"};
    throw RpcError{code::kInvalidAddressOrKey, "Unknown address type '" + text + "'"};
}

Bytes read_public_key(const UniValue& value) {
    const std::string& text = http::as_string(value);
    const auto refuse = [&](const char* words) { throw RpcError{code::kInvalidAddressOrKey, "Pubkey \"" + text + "\" must " + words}; };
    const auto bytes = text.empty() || !is_hex(text) ? std::nullopt : from_hex(text);
    if (!bytes) refuse("be a hex string");
    if (bytes->size() != kCompressedSize && bytes->size() != kUncompressedSize) refuse("have a length of either 33 or 65 bytes");
    if (!PublicKey::parse(*bytes)) refuse("be cryptographically valid.");
    return *bytes;
}

Bytes make_script(int required, const std::vector<Bytes>& keys) {
    const auto refuse = [](std::string words) { throw RpcError{code::kInvalidParameter, std::move(words)}; };
    if (required < 1) refuse("a multisignature address must require at least one key to redeem");
    if (keys.size() < static_cast<std::size_t>(required)) {
        refuse(fmt::format("not enough keys supplied (got {} keys, but need at least {} to redeem)", keys.size(), required));
    }
    if (keys.size() > static_cast<std::size_t>(kMaxPubkeysPerMultisig)) {
        refuse(fmt::format("Number of keys involved in the multisignature address creation > {}\nReduce the number", kMaxPubkeysPerMultisig));
    }
    const std::vector<ByteSpan> spans(keys.begin(), keys.end());
    return make_multisig(required, spans);
}

std::string describe(int required, const std::vector<Bytes>& keys, Wrapping wrapping) {
    std::string text = "multi(" + std::to_string(required);
    for (const Bytes& key : keys) text += "," + to_hex(key);
    text += ")";
    if (wrapping != Wrapping::legacy) text = "wsh(" + text + ")";
    if (wrapping != Wrapping::bech32) text = "sh(" + text + ")";
    return text + "#" + light::descriptor_checksum(text);
}

void run_createmultisig(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const int required = http::as_int<int>(request.param(0));
    std::vector<Bytes> keys;
    for (const UniValue& key : http::as_array(request.param(1)).getValues()) keys.push_back(read_public_key(key));
    const Wrapping wanted = read_wrapping(request.param(2));
    const Bytes script = make_script(required, keys);
    // Witness scripts take compressed keys only.
    const bool compressed = std::all_of(keys.begin(), keys.end(), [](const Bytes& key) { return key.size() == kCompressedSize; });
    const Wrapping wrapping = compressed ? wanted : Wrapping::legacy;
    if (wrapping == Wrapping::legacy && script.size() > kMaxScriptElementSize) {
        throw RpcError{code::kInvalidParameter, fmt::format("redeemScript exceeds size limit: {} > {}", script.size(), kMaxScriptElementSize)};
    }
    Bytes output = wrapping == Wrapping::legacy ? script : make_witness_program(0, sha256(script).span());
    if (wrapping != Wrapping::bech32) output = make_p2sh(hash160(output));
    // Descriptors know no hybrid keys.
    const bool hybrid = std::any_of(keys.begin(), keys.end(), [](const Bytes& key) { return key[0] == 6 || key[0] == 7; });
    out.begin_object().field("address", *address_of(output, context.params->addresses)).hex_field("redeemScript", script);
    out.field("descriptor", hybrid ? light::infer_descriptor(output, *context.params) : describe(required, keys, wrapping));
    if (wrapping != wanted) {
        out.key("warnings").begin_array();
        out.string("Unable to make chosen address type, please ensure no uncompressed public keys are present.").end_array();
    }
    out.end_object();
}

}  // namespace

void add_multisig_methods(http::RpcTable& table, const NodeContext& context) {
    constexpr const char* kKeys =
        "[\\\"03789ed0bb717d88f7d321a368d905e7430207ebbd82bd342cf11ae157a7ace5fd\\\","
        "\\\"03dbc6764b8884a92e871274b87583e6d5c2a58819473e17e107ef3f6aa5a61626\\\"]";
    table.add({"createmultisig",
               "util",
               "Makes the address of a multisig script from its public keys.",
               {arg_num("nrequired", http::required(), "How many of the keys must sign"),
                arg_arr("keys", http::required(), "The public keys", {arg_hex("key", http::optional(), "A public key in hex")}),
                arg_str("address_type", http::default_value("\"legacy\""), "\"legacy\", \"p2sh-segwit\" or \"bech32\"")},
               {obj("", "",
                    {str("address", "The address"), hex("redeemScript", "The multisig script"), str("descriptor", "Its descriptor"),
                     http::maybe(arr("warnings", "What is not as it was asked for", {str("", "")}))})},
               http::example_cli("createmultisig", "2 \"" + std::string(kKeys) + "\"") +
                   http::example_rpc("createmultisig", "2, \"" + std::string(kKeys) + "\""),
               [&context](const RpcRequest& request, JsonWriter& out) { run_createmultisig(context, request, out); }});
}

}  // namespace cairn::node
