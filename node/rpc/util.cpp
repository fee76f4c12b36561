#include <variant>

#include "consensus/rules/params.hpp"
#include "net/http/rpc_table.hpp"
#include "light/descriptors/descriptor.hpp"
#include "node/rpc/descriptor_range.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

constexpr const char* kExampleAddress = "bc1q09vm5lfy0j5reeulh4x5752q25uqqvz34hufdl";
constexpr const char* kExampleDescriptor =
    "wpkh([d34db33f/84h/0h/0h]0279be667ef9dcbbac55a06295Ce870b07029Bfcdb2dce28d959f2815b16f81798)";

/// The members of validateaddress that depend on the kind of address.
struct AddressDetails {
    JsonWriter& out;

    void legacy(bool is_script) const { out.field("isscript", is_script).field("iswitness", false); }
    void witness(std::optional<bool> is_script, int version, ByteSpan program) const {
        if (is_script) out.field("isscript", *is_script);
        out.field("iswitness", true).field("witness_version", version).hex_field("witness_program", program);
    }
    void operator()(const PayToPubkeyHash&) const { legacy(false); }
    void operator()(const PayToScriptHash&) const { legacy(true); }
    void operator()(const PayToWitnessPubkeyHash& d) const { witness(false, 0, d.hash); }
    void operator()(const PayToWitnessScriptHash& d) const { witness(true, 0, d.hash.span()); }
    void operator()(const PayToTaproot& d) const { witness(true, 1, d.output_key.span()); }
    void operator()(const PayToAnchor&) const { out.field("isscript", true).field("iswitness", true); }
    void operator()(const PayToWitnessUnknown& d) const { witness(std::nullopt, d.version, d.program); }
};

RpcMethod validateaddress(const NodeContext& context) {
    return {"validateaddress",
            "util",
            "Return information about the given bitcoin address.",
            {arg_str("address", http::required(), "The address")},
            {obj("", "",
                 {flag("isvalid", "Is it an address of this network?"), http::maybe(str("address", "The address")),
                  http::maybe(hex("scriptPubKey", "The output script that pays to it")),
                  http::maybe(flag("isscript", "Does it stand for a script?")),
                  http::maybe(flag("iswitness", "Is it a witness address?")),
                  http::maybe(num("witness_version", "The version of its witness program")),
                  http::maybe(hex("witness_program", "Its witness program")),
                  http::maybe(str("error", "Why it is no address")),
                  http::maybe(arr("error_locations", "Characters that are likely wrong, when that can be told (Bech32)",
                                  {num("index", "Position of a character")}))})},
            examples("validateaddress", std::string("\"") + kExampleAddress + "\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const AddressFormat& format = context.params->addresses;
                const auto destination = decode_address(http::as_string(request.param(0)), format);
                out.begin_object().field("isvalid", destination.has_value());
                if (destination) {
                    out.field("address", encode_address(*destination, format))
                        .hex_field("scriptPubKey", script_for(*destination));
                    std::visit(AddressDetails{out}, *destination);
                } else {
                    out.key("error_locations").begin_array();
                    for (const int position : destination.error().positions) out.number(position);
                    out.end_array().field("error", destination.error().message);
                }
                out.end_object();
            }};
}

std::vector<light::Descriptor> parse_or_throw(const NodeContext& context, const std::string& text, bool require_checksum) {
    auto descriptors = light::parse_descriptors(text, *context.params, require_checksum);
    if (!descriptors) throw RpcError{code::kInvalidAddressOrKey, descriptors.error()};
    return std::move(*descriptors);
}

RpcMethod getdescriptorinfo(const NodeContext& context) {
    return {"getdescriptorinfo",
            "util",
            "Examines a descriptor.",
            {arg_str("descriptor", http::required(), "The descriptor.")},
            {obj("", "",
                 {str("descriptor", "The descriptor in its usual form, without private keys; of several paths, that of the first"),
                  http::maybe(arr("multipath_expansion", "Where keys have several paths: the descriptor of each", {str("", "a descriptor")})),
                  str("checksum", "The checksum of the descriptor as given"),
                  flag("isrange", "Does it stand for many outputs?"),
                  flag("issolvable", "Is it known how to spend its outputs, but for the signatures?"),
                  flag("hasprivatekeys", "Does it have a private key?")})},
            examples("getdescriptorinfo", std::string("\"") + kExampleDescriptor + "\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const std::string& text = http::as_string(request.param(0));
                const std::vector<light::Descriptor> descriptors = parse_or_throw(context, text, false);
                const light::Descriptor& descriptor = descriptors.front();
                out.begin_object().field("descriptor", descriptor.to_string());
                if (descriptors.size() > 1) {
                    out.key("multipath_expansion").begin_array();
                    for (const light::Descriptor& one : descriptors) out.string(one.to_string());
                    out.end_array();
                }
                out.field("checksum", light::descriptor_checksum(std::string_view(text).substr(0, text.find('#'))));
                out.field("isrange", descriptor.is_range()).field("issolvable", descriptor.is_solvable());
                out.field("hasprivatekeys", descriptor.has_private_keys()).end_object();
            }};
}

void write_addresses(JsonWriter& out, const NodeContext& context, const light::Descriptor& descriptor, DescriptorRange range) {
    const AddressFormat& format = context.params->addresses;
    out.begin_array();
    for (std::int64_t i = range.first; i <= range.last; ++i) {
        const auto scripts = descriptor.scripts(static_cast<std::uint32_t>(i));
        if (!scripts) throw RpcError{code::kInvalidAddressOrKey, "Cannot derive script without private keys"};
        for (std::size_t n = 0; n < scripts->size(); ++n) {
            const auto address = address_of((*scripts)[n], format);
            if (!address && scripts->size() > 1 && n == 0)
                continue;  // a bare key has no address, but combo() has others
            if (!address)
                throw RpcError{code::kInvalidAddressOrKey, "Descriptor does not have a corresponding address"};
            out.string(*address);
        }
    }
    out.end_array();
}

RpcMethod deriveaddresses(const NodeContext& context) {
    return {
        "deriveaddresses",
        "util",
        "Gives the addresses that a descriptor stands for.",
        {arg_str("descriptor", http::required(), "The descriptor."),
         {"range", http::ArgType::range, http::optional(),
          "For a descriptor with a range: the end, or [begin,end], of what to derive."}},
        {arr("", "", {str("address", "the addresses")})},
        examples("deriveaddresses", std::string("\"") + kExampleDescriptor + "#n9g43y4k\""),
        [&context](const RpcRequest& request, JsonWriter& out) {
            const bool has_range = !request.param(1).isNull();
            const DescriptorRange range = has_range ? parse_descriptor_range(request.param(1)) : DescriptorRange{};
            const std::vector<light::Descriptor> descriptors = parse_or_throw(context, http::as_string(request.param(0)), true);
            const light::Descriptor& descriptor = descriptors.front();
            if (!descriptor.is_range() && has_range) {
                throw RpcError{code::kInvalidParameter, "Range should not be specified for an un-ranged descriptor"};
            }
            if (descriptor.is_range() && !has_range)
                throw RpcError{code::kInvalidParameter, "Range must be specified for a ranged descriptor"};
            if (descriptors.size() == 1) return write_addresses(out, context, descriptor, range);
            out.begin_array();
            for (const light::Descriptor& one : descriptors) write_addresses(out, context, one, range);
            out.end_array();
        }};
}

}  // namespace

void register_util_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(validateaddress(context));
    table.add(getdescriptorinfo(context));
    table.add(deriveaddresses(context));
}

}  // namespace cairn::node
