#pragma once

#include "consensus/script/signature_checker.hpp"
#include "light/keys/script_keys.hpp"

namespace cairn::light {

/// Answers for one input; says no to taproot when not all spent outputs are known.
class InputChecker : public TransactionSignatureChecker {
public:
    InputChecker(const Transaction& tx, std::size_t index, Amount amount, const PrecomputedTxData& precomputed)
        : TransactionSignatureChecker(tx, index, amount, precomputed), taproot_(precomputed.bip341_ready()) {}

    ScriptError check_schnorr(ByteSpan signature, ByteSpan pubkey, SigVersion version, const TaprootContext& context) const override {
        if (!taproot_) return ScriptError::schnorr_sig_hashtype;
        return TransactionSignatureChecker::check_schnorr(signature, pubkey, version, context);
    }

private:
    bool taproot_;
};

/// Makes the signatures of one input, or what stands for them.
class SignatureMaker {
public:
    virtual ~SignatureMaker() = default;
    /// Who decides about the signatures that this makes, and about lock times.
    virtual const SignatureChecker& checker() const = 0;
    /// With its hash type; nullopt when the key is not known or may not sign here.
    virtual std::optional<Bytes> ecdsa(const ScriptKeys& keys, const Hash160& pubkey_hash, ByteSpan script, SigVersion version) const = 0;
    /// For the key path: by `internal_key` tweaked with what stands in `tweak`, or by `output_key` as it is.
    virtual std::optional<Bytes> schnorr_key_path(const ScriptKeys& keys, const Uint256& key, const std::optional<Uint256>& tweak) const = 0;
    virtual std::optional<Bytes> schnorr_leaf(const ScriptKeys& keys, const Uint256& key, const Uint256& leaf_hash) const = 0;
    /// Only the largest size counts, not what is at hand.
    virtual bool measures() const { return false; }
};

/// Signs for real.
class TransactionSignatureMaker final : public SignatureMaker {
public:
    /// `tx` without regard to its input scripts and witnesses; everything outlives this. `hash_type`: kSighashDefault means ALL
    /// outside taproot.
    TransactionSignatureMaker(const Transaction& tx, std::size_t index, Amount amount, const PrecomputedTxData& precomputed, int hash_type)
        : tx_(tx), index_(index), amount_(amount), precomputed_(precomputed), hash_type_(hash_type), checker_(tx, index, amount, precomputed) {}

    const SignatureChecker& checker() const override { return checker_; }
    std::optional<Bytes> ecdsa(const ScriptKeys& keys, const Hash160& pubkey_hash, ByteSpan script, SigVersion version) const override;
    std::optional<Bytes> schnorr_key_path(const ScriptKeys& keys, const Uint256& key, const std::optional<Uint256>& tweak) const override;
    std::optional<Bytes> schnorr_leaf(const ScriptKeys& keys, const Uint256& key, const Uint256& leaf_hash) const override;

private:
    std::optional<Bytes> schnorr(const PrivateKey& key, SigVersion version, const TaprootContext& context) const;

    const Transaction& tx_;
    std::size_t index_;
    Amount amount_;
    const PrecomputedTxData& precomputed_;
    int hash_type_;
    InputChecker checker_;
};

/// Gives bytes as long as signatures, whoever's, and takes every one as valid: to know a size before anybody has signed.
class DummySignatureMaker final : public SignatureMaker {
public:
    enum class Size {
        usual,    ///< 71 bytes: what signers that grind for a low R make
        largest,  ///< 72 bytes: what any signer may make
    };
    /// `largest_witness`: of all ways to spend the largest counts.
    explicit DummySignatureMaker(Size size = Size::usual, bool largest_witness = false) : size_(size), largest_witness_(largest_witness) {}

    const SignatureChecker& checker() const override;
    std::optional<Bytes> ecdsa(const ScriptKeys&, const Hash160&, ByteSpan, SigVersion) const override;
    std::optional<Bytes> schnorr_key_path(const ScriptKeys&, const Uint256&, const std::optional<Uint256>&) const override;
    std::optional<Bytes> schnorr_leaf(const ScriptKeys&, const Uint256&, const Uint256&) const override;
    bool measures() const override { return largest_witness_; }

private:
    Size size_;
    bool largest_witness_;
};

}  // namespace cairn::light
