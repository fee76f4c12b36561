#include "consensus/script/signature_checker.hpp"

#include "consensus/base/check.hpp"
#include "consensus/crypto/ecc.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/signature_encoding.hpp"

namespace cairn {
namespace {

// BIP68, BIP112
constexpr std::uint32_t kSequenceDisableFlag = 1u << 31;
constexpr std::uint32_t kSequenceTypeFlag = 1u << 22;
constexpr std::uint32_t kSequenceMask = 0x0000ffff;

constexpr std::size_t kSchnorrSize = 64;

/// Two lock times of one kind (both below `threshold` or both not), of which the demanded one is reached.
bool is_reached(std::int64_t demanded, std::int64_t given, std::int64_t threshold) {
    return (demanded < threshold) == (given < threshold) && demanded <= given;
}

}  // namespace

bool SignatureOracle::verify_ecdsa(ByteSpan signature, ByteSpan pubkey, const Uint256& sighash) const {
    return cairn::verify_ecdsa(pubkey, sighash, signature);
}

bool SignatureOracle::verify_schnorr(ByteSpan signature, ByteSpan pubkey, const Uint256& sighash) const {
    return cairn::verify_schnorr(Uint256(pubkey), sighash.span(), signature);
}

const SignatureOracle& SignatureOracle::plain() {
    static const SignatureOracle oracle;
    return oracle;
}

bool SignatureChecker::check_ecdsa(ByteSpan, ByteSpan, ByteSpan, SigVersion) const {
    return false;
}

ScriptError SignatureChecker::check_schnorr(ByteSpan, ByteSpan, SigVersion, const TaprootContext&) const {
    return ScriptError::unknown_error;
}

bool SignatureChecker::check_lock_time(std::int64_t) const {
    return false;
}

bool SignatureChecker::check_sequence(std::int64_t) const {
    return false;
}

bool TransactionSignatureChecker::check_ecdsa(ByteSpan signature, ByteSpan pubkey, ByteSpan script_code,
                                              SigVersion version) const {
    if (!is_plausible_pubkey(pubkey) || signature.empty()) return false;
    const Uint256 sighash =
        ecdsa_sighash(tx_, index_, script_code, signature.back(), amount_, version, &precomputed_, &sighash_cache_);
    return oracle_.verify_ecdsa(signature.first(signature.size() - 1), pubkey, sighash);
}

ScriptError TransactionSignatureChecker::check_schnorr(ByteSpan signature, ByteSpan pubkey, SigVersion version,
                                                       const TaprootContext& context) const {
    CAIRN_CHECK(pubkey.size() == Uint256::kSize);
    std::uint8_t hash_type = kSighashDefault;
    if (signature.size() == kSchnorrSize + 1) {
        hash_type = signature.back();
        signature = signature.first(kSchnorrSize);
        if (hash_type == kSighashDefault) return ScriptError::schnorr_sig_hashtype;
    } else if (signature.size() != kSchnorrSize) {
        return ScriptError::schnorr_sig_size;
    }
    const auto sighash = taproot_sighash(tx_, index_, hash_type, version, context, precomputed_);
    if (!sighash) return ScriptError::schnorr_sig_hashtype;
    return oracle_.verify_schnorr(signature, pubkey, *sighash) ? ScriptError::ok : ScriptError::schnorr_sig;
}

bool TransactionSignatureChecker::check_lock_time(std::int64_t lock_time) const {
    // An input that is final switches the transaction's lock time off, so it cannot satisfy one (BIP65).
    return is_reached(lock_time, tx_.lock_time, kLockTimeThreshold) &&
           tx_.inputs[index_].sequence != TxInput::kFinalSequence;
}

bool TransactionSignatureChecker::check_sequence(std::int64_t sequence) const {
    const std::uint32_t own = tx_.inputs[index_].sequence;
    if (tx_.version < 2 || (own & kSequenceDisableFlag) != 0) return false;  // BIP68 does not apply
    constexpr std::int64_t mask = kSequenceTypeFlag | kSequenceMask;
    return is_reached(sequence & mask, own & mask, kSequenceTypeFlag);
}

}  // namespace cairn
