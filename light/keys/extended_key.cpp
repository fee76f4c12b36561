#include "light/keys/extended_key.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "consensus/base/codec.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/hmac.hpp"
#include "consensus/primitives/base58.hpp"
#include "consensus/rules/params.hpp"

namespace cairn::light {
namespace {

constexpr std::size_t kBodySize = 74;

std::array<std::uint8_t, 4> big_endian(std::uint32_t value) {
    return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 8),
            static_cast<std::uint8_t>(value)};
}

bool has_prefix(const Bytes& data, std::span<const std::uint8_t> prefix) {
    return data.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), data.begin());
}

void write_place(Writer& writer, const ExtendedKey& key) {
    writer.u8(key.depth);
    writer.bytes(key.parent);
    writer.bytes(big_endian(key.child));
    writer.bytes(key.chain_code.span());
}

}  // namespace

KeyFingerprint fingerprint_of(const PublicKey& key) {
    const auto id = hash160(key.compressed());
    KeyFingerprint result;
    std::copy_n(id.begin(), result.size(), result.begin());
    return result;
}

std::optional<ExtendedKey> ExtendedKey::from_seed(ByteSpan seed) {
    if (seed.size() < 16 || seed.size() > 64) return std::nullopt;
    static constexpr std::string_view kKey = "Bitcoin seed";
    const auto code = hmac_sha512(as_bytes(kKey), seed);
    ExtendedKey key;
    key.private_key = PrivateKey::parse(ByteSpan(code).first(32));
    if (!key.private_key) return std::nullopt;
    key.public_key = key.private_key->public_key();
    key.chain_code = Uint256(ByteSpan(code).subspan(32));
    return key;
}

std::optional<Uint256> ExtendedKey::child_tweak(std::uint32_t number) const {
    if (number & kHardened) return std::nullopt;
    Bytes data;
    Writer writer(data);
    writer.bytes(public_key->compressed());
    writer.bytes(big_endian(number));
    return Uint256(ByteSpan(hmac_sha512(chain_code.span(), data)).first(32));
}

ExtendedKey aggregate_extended_key(const PublicKey& aggregate) {
    // The hash of "MuSig2MuSig2MuSig2": the chain code is the same for all.
    static const Uint256 chain_code(*from_hex("868087ca02a6f974c4598924c36b57762d32cb45717167e300622c7167e38965"));
    ExtendedKey key;
    key.chain_code = chain_code;
    key.public_key = aggregate;
    return key;
}

std::optional<ExtendedKey> ExtendedKey::derive(std::uint32_t number) const {
    if (depth == 255 || (number & kHardened && !private_key)) return std::nullopt;
    Bytes data;
    Writer writer(data);
    if (number & kHardened) {
        writer.u8(0);
        writer.bytes(private_key->bytes());
    } else {
        writer.bytes(public_key->compressed());
    }
    writer.bytes(big_endian(number));
    const auto code = hmac_sha512(chain_code.span(), data);
    const Uint256 tweak(ByteSpan(code).first(32));
    ExtendedKey result;
    result.depth = static_cast<std::uint8_t>(depth + 1);
    result.parent = fingerprint();
    result.child = number;
    result.chain_code = Uint256(ByteSpan(code).subspan(32));
    if (private_key) {
        result.private_key = private_key->tweak_add(tweak);
        if (!result.private_key) return std::nullopt;
        result.public_key = result.private_key->public_key();
    } else {
        result.public_key = public_key->tweak_add(tweak);
        if (!result.public_key) return std::nullopt;
    }
    return result;
}

std::optional<ExtendedKey> ExtendedKey::derive(std::span<const std::uint32_t> path) const {
    std::optional<ExtendedKey> key = *this;
    for (const std::uint32_t step : path) {
        key = key->derive(step);
        if (!key) return std::nullopt;
    }
    return key;
}

ExtendedKey ExtendedKey::neutered() const {
    ExtendedKey key = *this;
    key.private_key.reset();
    return key;
}

Bytes ExtendedKey::public_bytes() const {
    Bytes data;
    Writer writer(data);
    write_place(writer, *this);
    writer.bytes(public_key->compressed());
    return data;
}

std::string ExtendedKey::public_text(const ChainParams& params) const {
    Bytes data;
    Writer writer(data);
    writer.bytes(params.addresses.extended_public);
    writer.bytes(public_bytes());
    return encode_base58_check(data);
}

std::string ExtendedKey::private_text(const ChainParams& params) const {
    CAIRN_CHECK(private_key.has_value());
    Bytes data;
    Writer writer(data);
    writer.bytes(params.addresses.extended_secret);
    write_place(writer, *this);
    writer.u8(0);
    writer.bytes(private_key->bytes());
    return encode_base58_check(data);
}

namespace {

/// The key behind the four bytes that tell its kind.
std::optional<ExtendedKey> parse_body(ByteSpan body, bool is_public) {
    ExtendedKey key;
    key.depth = body[0];
    std::copy_n(body.begin() + 1, 4, key.parent.begin());
    key.child = static_cast<std::uint32_t>(body[5]) << 24 | static_cast<std::uint32_t>(body[6]) << 16 |
                static_cast<std::uint32_t>(body[7]) << 8 | body[8];
    key.chain_code = Uint256(body.subspan(9, 32));
    if (key.depth == 0 && (key.child != 0 || key.parent != KeyFingerprint{})) return std::nullopt;
    if (is_public) {
        key.public_key = PublicKey::parse(body.subspan(41, 33));
    } else if (body[41] == 0) {
        key.private_key = PrivateKey::parse(body.subspan(42, 32));
        if (key.private_key) key.public_key = key.private_key->public_key();
    }
    if (!key.public_key) return std::nullopt;
    return key;
}

std::optional<Bytes> decode_key(std::string_view text) {
    auto data = decode_base58_check(text, kBodySize + 4);
    if (!data || data->size() != kBodySize + 4) return std::nullopt;
    return data;
}

struct ExportPrefix {
    std::array<std::uint8_t, 4> public_key, private_key;
    AddressKind kind;
    bool test;
};
// Source: SLIP-132.
constexpr ExportPrefix kExportPrefixes[] = {
    {{0x04, 0x9d, 0x7c, 0xb2}, {0x04, 0x9d, 0x78, 0x78}, AddressKind::p2sh_p2wpkh, false},  // ypub
    {{0x04, 0xb2, 0x47, 0x46}, {0x04, 0xb2, 0x43, 0x0c}, AddressKind::p2wpkh, false},       // zpub
    {{0x04, 0x4a, 0x52, 0x62}, {0x04, 0x4a, 0x4e, 0x28}, AddressKind::p2sh_p2wpkh, true},   // upub
    {{0x04, 0x5f, 0x1c, 0xf6}, {0x04, 0x5f, 0x18, 0xbc}, AddressKind::p2wpkh, true},        // vpub
};

}  // namespace

std::optional<ExtendedKey> parse_extended_key(std::string_view text, const ChainParams& params) {
    const auto data = decode_key(text);
    if (!data) return std::nullopt;
    const bool is_public = has_prefix(*data, params.addresses.extended_public);
    if (!is_public && !has_prefix(*data, params.addresses.extended_secret)) return std::nullopt;
    return parse_body(ByteSpan(*data).subspan(4), is_public);
}

std::optional<ExportedKey> parse_exported_key(std::string_view text, const ChainParams& params) {
    if (const auto key = parse_extended_key(text, params)) return ExportedKey{*key, AddressKind::p2pkh};
    const auto data = decode_key(text);
    if (!data) return std::nullopt;
    for (const ExportPrefix& prefix : kExportPrefixes) {
        const bool is_public = has_prefix(*data, prefix.public_key);
        if (prefix.test != params.is_test_chain() || !(is_public || has_prefix(*data, prefix.private_key))) continue;
        const auto key = parse_body(ByteSpan(*data).subspan(4), is_public);
        if (key) return ExportedKey{*key, prefix.kind};
    }
    return std::nullopt;
}

}  // namespace cairn::light
