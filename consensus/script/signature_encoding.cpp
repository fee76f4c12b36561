#include "consensus/script/signature_encoding.hpp"

#include "consensus/crypto/ecc.hpp"

namespace cairn {
namespace {

constexpr std::size_t kCompressedSize = 33;
constexpr std::size_t kUncompressedSize = 65;

/// A DER integer at the start of `data`, positive and without needless zeros; its content, empty when it is not that.
ByteSpan strict_integer(ByteSpan data) {
    if (data.size() < 3 || data[0] != 0x02 || data[1] == 0 || data.size() - 2 < data[1]) return {};
    const ByteSpan number = data.subspan(2, data[1]);
    if ((number[0] & 0x80) != 0) return {};                                         // negative
    if (number.size() > 1 && number[0] == 0 && (number[1] & 0x80) == 0) return {};  // padded
    return number;
}

}  // namespace

bool is_strict_der(ByteSpan signature) {
    // 30 <size> 02 <size of R> <R> 02 <size of S> <S> <hash type>
    constexpr std::size_t min_size = 9;
    constexpr std::size_t max_size = 73;
    if (signature.size() < min_size || signature.size() > max_size) return false;
    if (signature[0] != 0x30 || signature[1] != signature.size() - 3) return false;
    const ByteSpan body = signature.subspan(2, signature.size() - 3);
    const ByteSpan r = strict_integer(body);
    if (r.empty()) return false;
    const ByteSpan rest = body.subspan(2 + r.size());
    const ByteSpan s = strict_integer(rest);
    return !s.empty() && rest.size() == 2 + s.size();
}

bool has_defined_hash_type(ByteSpan signature) {
    if (signature.empty()) return false;
    const int hash_type = signature.back() & ~kSighashAnyoneCanPay;
    return hash_type >= kSighashAll && hash_type <= kSighashSingle;
}

ScriptError check_signature_encoding(ByteSpan signature, ScriptFlags flags) {
    // Empty is the compact way to hand in a signature that is meant to fail.
    if (signature.empty()) return ScriptError::ok;
    constexpr ScriptFlags strict_flags{ScriptFlag::dersig, ScriptFlag::low_s, ScriptFlag::strictenc};
    if (flags.has_any(strict_flags) && !is_strict_der(signature)) return ScriptError::sig_der;
    if (flags.has(ScriptFlag::low_s) && !has_low_s(signature.first(signature.size() - 1)))
        return ScriptError::sig_high_s;
    if (flags.has(ScriptFlag::strictenc) && !has_defined_hash_type(signature)) return ScriptError::sig_hashtype;
    return ScriptError::ok;
}

bool is_plausible_pubkey(ByteSpan pubkey) {
    if (pubkey.empty()) return false;
    switch (pubkey[0]) {
        case 2:
        case 3: return pubkey.size() == kCompressedSize;
        case 4:
        case 6:
        case 7: return pubkey.size() == kUncompressedSize;
        default: return false;
    }
}

bool is_compressed_pubkey(ByteSpan pubkey) {
    return pubkey.size() == kCompressedSize && (pubkey[0] == 2 || pubkey[0] == 3);
}

ScriptError check_pubkey_encoding(ByteSpan pubkey, ScriptFlags flags, SigVersion version) {
    if (flags.has(ScriptFlag::strictenc)) {
        const bool uncompressed = pubkey.size() == kUncompressedSize && pubkey[0] == 4;
        if (!uncompressed && !is_compressed_pubkey(pubkey)) return ScriptError::pubkeytype;
    }
    if (flags.has(ScriptFlag::witness_pubkeytype) && version == SigVersion::witness_v0 &&
        !is_compressed_pubkey(pubkey)) {
        return ScriptError::witness_pubkeytype;
    }
    return ScriptError::ok;
}

}  // namespace cairn
