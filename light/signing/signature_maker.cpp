#include "light/signing/signature_maker.hpp"

namespace cairn::light {
namespace {

class YesChecker final : public SignatureChecker {
public:
    bool check_ecdsa(ByteSpan signature, ByteSpan, ByteSpan, SigVersion) const override { return !signature.empty(); }
    ScriptError check_schnorr(ByteSpan signature, ByteSpan, SigVersion, const TaprootContext&) const override {
        return signature.empty() ? ScriptError::schnorr_sig : ScriptError::ok;
    }
    bool check_lock_time(std::int64_t) const override { return true; }
    bool check_sequence(std::int64_t) const override { return true; }
};

}  // namespace

std::optional<Bytes> TransactionSignatureMaker::ecdsa(const ScriptKeys& keys, const Hash160& pubkey_hash, ByteSpan script,
                                                      SigVersion version) const {
    const WalletKey* key = keys.find(pubkey_hash);
    if (!key) return std::nullopt;
    if (version == SigVersion::witness_v0 && (!key->compressed || !money_range(amount_))) return std::nullopt;
    const int hash_type = hash_type_ == kSighashDefault ? kSighashAll : hash_type_;
    // SINGLE without an output of the same number signs a constant, with which anybody could spend whatever else the key guards.
    const bool single = (hash_type & ~kSighashAnyoneCanPay) == kSighashSingle;
    if (single && index_ >= tx_.outputs.size()) return std::nullopt;
    const Uint256 message = ecdsa_sighash(tx_, index_, script, hash_type, amount_, version, &precomputed_);
    Bytes signature = key->key.sign_ecdsa(message);
    signature.push_back(static_cast<std::uint8_t>(hash_type));
    return signature;
}

std::optional<Bytes> TransactionSignatureMaker::schnorr(const PrivateKey& key, SigVersion version, const TaprootContext& context) const {
    if (!precomputed_.bip341_ready()) return std::nullopt;
    const auto hash_type = static_cast<std::uint8_t>(hash_type_);
    const auto message = taproot_sighash(tx_, index_, hash_type, version, context, precomputed_);
    if (!message) return std::nullopt;
    Bytes signature = to_bytes(key.sign_schnorr(message->span(), Uint256()));
    if (hash_type != kSighashDefault) signature.push_back(hash_type);
    return signature;
}

std::optional<Bytes> TransactionSignatureMaker::schnorr_key_path(const ScriptKeys& keys, const Uint256& key,
                                                                 const std::optional<Uint256>& tweak) const {
    const PrivateKey* found = keys.find_xonly(key);
    if (!found) return std::nullopt;
    const auto signer = tweak ? found->xonly_tweak_add(*tweak) : std::optional(*found);
    return signer ? schnorr(*signer, SigVersion::taproot, TaprootContext{}) : std::nullopt;
}

std::optional<Bytes> TransactionSignatureMaker::schnorr_leaf(const ScriptKeys& keys, const Uint256& key, const Uint256& leaf_hash) const {
    const PrivateKey* found = keys.find_xonly(key);
    if (!found) return std::nullopt;
    TaprootContext context;
    context.tapleaf_hash = leaf_hash;
    return schnorr(*found, SigVersion::tapscript, context);
}

const SignatureChecker& DummySignatureMaker::checker() const {
    static const YesChecker yes;
    return yes;
}

/// A well-formed signature of the wanted size: DER of R and S, and the hash type.
std::optional<Bytes> DummySignatureMaker::ecdsa(const ScriptKeys&, const Hash160&, ByteSpan, SigVersion) const {
    const std::uint8_t r = size_ == Size::largest ? 33 : 32, s = 32;
    Bytes signature{0x30, static_cast<std::uint8_t>(r + s + 4), 0x02, r, 0x01};
    signature.resize(4u + r);
    signature.insert(signature.end(), {0x02, s, 0x01});
    signature.resize(6u + r + s);
    signature.push_back(kSighashAll);
    return signature;
}

std::optional<Bytes> DummySignatureMaker::schnorr_key_path(const ScriptKeys&, const Uint256&, const std::optional<Uint256>&) const {
    return Bytes(64, 0);
}
std::optional<Bytes> DummySignatureMaker::schnorr_leaf(const ScriptKeys&, const Uint256&, const Uint256&) const { return Bytes(64, 0); }

}  // namespace cairn::light
