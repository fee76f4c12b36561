#include "light/wallet/address_type.hpp"

#include <fmt/format.h>

#include "consensus/rules/params.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/solver.hpp"
#include "light/signing/silent_payment.hpp"

namespace cairn::light {
namespace {

struct Shape {
    const char* name;
    int purpose;  // BIP43
    const char* before;
    const char* after;
};
constexpr std::array<Shape, 4> kShapes{{
    {"legacy", 44, "pkh(", ")"},
    {"p2sh-segwit", 49, "sh(wpkh(", "))"},
    {"bech32", 84, "wpkh(", ")"},
    {"bech32m", 86, "tr(", ")"},
}};

std::string account_text(const ExtendedKey& master, AddressType type, const ChainParams& params, std::uint32_t account,
                         std::string_view branch) {
    const Shape& shape = kShapes[static_cast<std::size_t>(type)];
    std::string text = fmt::format("{}{}/{}h/{}h/{}h/{}/*{}", shape.before, master.private_text(params), shape.purpose,
                                   params.is_test_chain() ? 1 : 0, account, branch, shape.after);
    return text + '#' + descriptor_checksum(text);
}

}  // namespace

std::string_view to_string(AddressType type) {
    return type == AddressType::unknown ? "unknown" : kShapes[static_cast<std::size_t>(type)].name;
}

std::optional<AddressType> address_type_by_name(std::string_view name) {
    for (const AddressType type : kAddressTypes) {
        if (to_string(type) == name) return type;
    }
    return std::nullopt;
}

AddressType address_type_of(ByteSpan script, ByteSpan redeem) {
    switch (classify(script)) {
        case OutputType::witness_v1_taproot: return AddressType::bech32m;
        case OutputType::witness_v0_keyhash:
        case OutputType::witness_v0_scripthash: return AddressType::bech32;
        case OutputType::pubkeyhash: return AddressType::legacy;
        case OutputType::scripthash: return witness_program(redeem) ? AddressType::p2sh_segwit : AddressType::legacy;
        default: return AddressType::unknown;
    }
}

std::optional<AddressType> address_type_of(const Descriptor& descriptor) {
    if (!descriptor.is_single()) return std::nullopt;
    ScriptKeys keys;
    const auto scripts = descriptor.scripts(0, &keys);
    if (!scripts || scripts->size() != 1) {
        // A hardened range without its private key: the kind alone tells.
        switch (descriptor.kind()) {
            case Descriptor::Kind::pkh: return AddressType::legacy;
            case Descriptor::Kind::wpkh:
            case Descriptor::Kind::wsh: return AddressType::bech32;
            case Descriptor::Kind::tr:
            case Descriptor::Kind::rawtr: return AddressType::bech32m;
            default: return std::nullopt;
        }
    }
    const ByteSpan script = scripts->front();
    ByteSpan redeem;
    if (is_p2sh(script)) {
        Hash160 hash;
        std::copy_n(script.begin() + 2, hash.size(), hash.begin());
        if (const Bytes* found = keys.find_script(hash)) redeem = *found;
    }
    const AddressType type = address_type_of(script, redeem);
    if (type == AddressType::unknown) return std::nullopt;
    return type;
}

std::string account_descriptor(const ExtendedKey& master, AddressType type, const ChainParams& params, std::uint32_t account) {
    return account_text(master, type, params, account, "<0;1>");
}

std::string account_descriptor(const ExtendedKey& master, AddressType type, const ChainParams& params, std::uint32_t account,
                               bool internal) {
    return account_text(master, type, params, account, internal ? "1" : "0");
}

Result<Bytes, std::string> recipient_script(std::string_view address, const ChainParams& params) {
    const auto destination = decode_address(address, params.addresses);
    if (destination) return script_for(*destination);
    if (looks_like_silent_address(address)) {
        const auto silent = SilentAddress::parse(address, params);
        return fail(silent ? std::string("A silent payment address has no script of its own: it can only be paid to") : silent.error());
    }

    struct Other {
        const AddressFormat* format;
        const char* name;
    };
    const std::string_view own = params.addresses.bech32_prefix;
    for (const Other& other : {Other{&kMainAddresses, "the main network"}, Other{&kTestAddresses, "a test network"},
                               Other{&kRegtestAddresses, "regtest"}}) {
        if (other.format->bech32_prefix != own && decode_address(address, *other.format)) {
            return fail(fmt::format("The address belongs to {}; this wallet is on {}", other.name, params.name()));
        }
    }
    const auto& error = destination.error();
    return fail(error.message.empty() ? std::string("Invalid address") : error.message);
}

}  // namespace cairn::light
