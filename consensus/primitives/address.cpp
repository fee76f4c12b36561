#include "consensus/primitives/address.hpp"

#include <algorithm>

#include "consensus/primitives/base58.hpp"
#include "consensus/primitives/bech32.hpp"

namespace cairn {
namespace {

// The few opcodes that addresses are made of; the script room stands above this one.
constexpr std::uint8_t kOp0 = 0x00, kOp1 = 0x51, kOp16 = 0x60, kOpDup = 0x76, kOpEqual = 0x87, kOpEqualVerify = 0x88,
                       kOpHash160 = 0xa9, kOpCheckSig = 0xac;
constexpr std::uint8_t kAnchorProgram[2] = {0x4e, 0x73};
constexpr std::size_t kMinProgramSize = 2, kMaxProgramSize = 40;

Hash160 to_hash160(ByteSpan bytes) {
    Hash160 hash;
    std::copy_n(bytes.begin(), hash.size(), hash.begin());
    return hash;
}

Bytes concat(std::initializer_list<std::uint8_t> head, ByteSpan middle, std::initializer_list<std::uint8_t> tail = {}) {
    Bytes bytes(head);
    bytes.insert(bytes.end(), middle.begin(), middle.end());
    bytes.insert(bytes.end(), tail);
    return bytes;
}

struct Program {
    std::uint8_t version;
    ByteSpan bytes;
};

/// Version and bytes of a destination that is a witness program; nullopt for the two that are not.
struct ToProgram {
    std::optional<Program> operator()(const PayToPubkeyHash&) const { return std::nullopt; }
    std::optional<Program> operator()(const PayToScriptHash&) const { return std::nullopt; }
    std::optional<Program> operator()(const PayToWitnessPubkeyHash& to) const { return Program{0, to.hash}; }
    std::optional<Program> operator()(const PayToWitnessScriptHash& to) const { return Program{0, to.hash.span()}; }
    std::optional<Program> operator()(const PayToTaproot& to) const { return Program{1, to.output_key.span()}; }
    std::optional<Program> operator()(const PayToAnchor&) const { return Program{1, kAnchorProgram}; }
    std::optional<Program> operator()(const PayToWitnessUnknown& to) const { return Program{to.version, to.program}; }
};

/// The destination that a version from 1 on, or a version 0 of a known size, stands for.
std::optional<Destination> from_program(Program program) {
    const auto [version, bytes] = program;
    if (version == 0) {
        if (bytes.size() == 20) return PayToWitnessPubkeyHash{to_hash160(bytes)};
        if (bytes.size() == 32) return PayToWitnessScriptHash{Uint256(bytes)};
        return std::nullopt;
    }
    if (version > 16 || bytes.size() < kMinProgramSize || bytes.size() > kMaxProgramSize) return std::nullopt;
    if (version == 1 && bytes.size() == 32) return PayToTaproot{Uint256(bytes)};
    if (version == 1 && std::ranges::equal(bytes, kAnchorProgram)) return PayToAnchor{};
    return PayToWitnessUnknown{version, to_bytes(bytes)};
}

AddressError error(std::string message) {
    return {std::move(message), {}};
}

Result<Destination, AddressError> decode_base58_address(std::string_view text, const AddressFormat& format) {
    const auto data = decode_base58_check(text, 21);
    if (!data) {
        return fail(error(decode_base58(text, 100) ? "Invalid checksum or length of Base58 address (P2PKH or P2SH)"
                                                   : "Invalid or unsupported Segwit (Bech32) or Base58 encoding."));
    }
    const bool known = !data->empty() && (data->front() == format.pubkey_hash || data->front() == format.script_hash);
    if (!known) return fail(error("Invalid or unsupported Base58-encoded address."));
    if (data->size() != 21) return fail(error("Invalid length for Base58 address (P2PKH or P2SH)"));
    const Hash160 hash = to_hash160(ByteSpan(*data).subspan(1));
    if (data->front() == format.pubkey_hash) return PayToPubkeyHash{hash};
    return PayToScriptHash{hash};
}

std::string describe_size(std::size_t size) {
    return std::to_string(size) + (size == 1 ? " byte" : " bytes");
}

Result<Destination, AddressError> decode_segwit_address(std::string_view text, const AddressFormat& format) {
    const auto decoded = decode_bech32(text);
    if (!decoded) {
        auto fault = locate_bech32_fault(text);
        return fail(AddressError{std::move(fault.message), std::move(fault.positions)});
    }
    if (decoded->data.empty()) return fail(error("Empty Bech32 data section"));
    if (decoded->prefix != format.bech32_prefix) {
        return fail(error("Invalid or unsupported prefix for Segwit (Bech32) address (expected " +
                          std::string(format.bech32_prefix) + ", got " + decoded->prefix + ")."));
    }
    const std::uint8_t version = decoded->data[0];
    if (version == 0 && decoded->encoding != Bech32Encoding::bech32) {
        return fail(error("Version 0 witness address must use Bech32 checksum"));
    }
    if (version != 0 && decoded->encoding != Bech32Encoding::bech32m) {
        return fail(error("Version 1+ witness address must use Bech32m checksum"));
    }
    const auto program = from_base32_groups(ByteSpan(decoded->data).subspan(1));
    if (!program) return fail(error("Invalid padding in Bech32 data section"));
    if (const auto destination = from_program({version, *program})) return *destination;
    if (version == 0) {
        return fail(
            error("Invalid Bech32 v0 address program size (" + describe_size(program->size()) + "), per BIP141"));
    }
    if (version > 16) return fail(error("Invalid Bech32 address witness version"));
    return fail(error("Invalid Bech32 address program size (" + describe_size(program->size()) + ")"));
}

bool starts_with_prefix(std::string_view text, std::string_view prefix) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return text.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), text.begin(), [&](char a, char b) { return a == lower(b); });
}

}  // namespace

Bytes script_for(const Destination& destination) {
    if (const auto* to = std::get_if<PayToPubkeyHash>(&destination)) {
        return concat({kOpDup, kOpHash160, 20}, to->hash, {kOpEqualVerify, kOpCheckSig});
    }
    if (const auto* to = std::get_if<PayToScriptHash>(&destination))
        return concat({kOpHash160, 20}, to->hash, {kOpEqual});
    const auto program = std::visit(ToProgram{}, destination);
    const auto version = static_cast<std::uint8_t>(program->version == 0 ? kOp0 : kOp1 - 1 + program->version);
    return concat({version, static_cast<std::uint8_t>(program->bytes.size())}, program->bytes);
}

std::optional<Destination> destination_of(ByteSpan script) {
    const std::size_t size = script.size();
    if (size == 25 && script[0] == kOpDup && script[1] == kOpHash160 && script[2] == 20 &&
        script[23] == kOpEqualVerify && script[24] == kOpCheckSig) {
        return PayToPubkeyHash{to_hash160(script.subspan(3))};
    }
    if (size == 23 && script[0] == kOpHash160 && script[1] == 20 && script[22] == kOpEqual) {
        return PayToScriptHash{to_hash160(script.subspan(2))};
    }
    if (size < 2 + kMinProgramSize || size > 2 + kMaxProgramSize || script[1] + 2u != size) return std::nullopt;
    if (script[0] == kOp0) return from_program({0, script.subspan(2)});
    if (script[0] < kOp1 || script[0] > kOp16) return std::nullopt;
    return from_program({static_cast<std::uint8_t>(script[0] - kOp1 + 1), script.subspan(2)});
}

std::string encode_address(const Destination& destination, const AddressFormat& format) {
    if (const auto* to = std::get_if<PayToPubkeyHash>(&destination)) {
        return encode_base58_check(concat({format.pubkey_hash}, to->hash));
    }
    if (const auto* to = std::get_if<PayToScriptHash>(&destination)) {
        return encode_base58_check(concat({format.script_hash}, to->hash));
    }
    const auto program = std::visit(ToProgram{}, destination);
    const auto encoding = program->version == 0 ? Bech32Encoding::bech32 : Bech32Encoding::bech32m;
    return encode_bech32(encoding, format.bech32_prefix, concat({program->version}, to_base32_groups(program->bytes)));
}

Result<Destination, AddressError> decode_address(std::string_view text, const AddressFormat& format) {
    return starts_with_prefix(text, format.bech32_prefix) ? decode_segwit_address(text, format)
                                                          : decode_base58_address(text, format);
}

std::optional<std::string> address_of(ByteSpan script, const AddressFormat& format) {
    const auto destination = destination_of(script);
    if (!destination) return std::nullopt;
    return encode_address(*destination, format);
}

std::string encode_wif(const WalletKey& key, const AddressFormat& format) {
    Bytes data = concat({format.secret_key}, key.key.bytes());
    if (key.compressed) data.push_back(1);
    return encode_base58_check(data);
}

std::optional<WalletKey> decode_wif(std::string_view text, const AddressFormat& format) {
    const auto data = decode_base58_check(text, 34);
    if (!data || data->empty() || data->front() != format.secret_key) return std::nullopt;
    const bool compressed = data->size() == 34;
    if (data->size() != 33 && !(compressed && data->back() == 1)) return std::nullopt;
    const auto key = PrivateKey::parse(ByteSpan(*data).subspan(1, 32));
    if (!key) return std::nullopt;
    return WalletKey{*key, compressed};
}

}  // namespace cairn
