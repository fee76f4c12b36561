#pragma once

#include "consensus/base/bytes.hpp"
#include "consensus/script/error.hpp"
#include "consensus/script/sighash.hpp"

namespace cairn {

/// Decides about one signature over one hash. The node puts its signature cache here.
/// Thread: any (no state; a subclass synchronises its own).
class SignatureOracle {
public:
    virtual ~SignatureOracle() = default;

    /// `signature`: DER without hash type, read as laxly as before BIP66; `pubkey`: 33 or 65 bytes.
    virtual bool verify_ecdsa(ByteSpan signature, ByteSpan pubkey, const Uint256& sighash) const;
    /// `signature`: 64 bytes; `pubkey`: 32 bytes (BIP340).
    virtual bool verify_schnorr(ByteSpan signature, ByteSpan pubkey, const Uint256& sighash) const;

    /// The one that always computes.
    static const SignatureOracle& plain();
};

/// What a running script may ask about the transaction that spends it. This one says no to everything.
class SignatureChecker {
public:
    virtual ~SignatureChecker() = default;

    /// `signature` with its hash type; `script_code` from the last op_codeseparator on, the signature taken out (base).
    virtual bool check_ecdsa(ByteSpan signature, ByteSpan pubkey, ByteSpan script_code, SigVersion version) const;
    /// `signature`: any size; `pubkey`: 32 bytes; `version`: taproot or tapscript.
    virtual ScriptError check_schnorr(ByteSpan signature, ByteSpan pubkey, SigVersion version,
                                      const TaprootContext& context) const;
    /// BIP65 for a number that is not negative.
    virtual bool check_lock_time(std::int64_t lock_time) const;
    /// BIP112 for a number that is not negative and whose disable bit is clear.
    virtual bool check_sequence(std::int64_t sequence) const;
};

/// Answers for one input of one transaction.
/// Thread: one at a time (it remembers midstates). Keeps pointing at what it was given.
class TransactionSignatureChecker : public SignatureChecker {
public:
    TransactionSignatureChecker(const Transaction& tx, std::size_t index, Amount amount,
                                const PrecomputedTxData& precomputed,
                                const SignatureOracle& oracle = SignatureOracle::plain())
        : tx_(tx), index_(index), amount_(amount), precomputed_(precomputed), oracle_(oracle) {}

    bool check_ecdsa(ByteSpan signature, ByteSpan pubkey, ByteSpan script_code, SigVersion version) const override;
    ScriptError check_schnorr(ByteSpan signature, ByteSpan pubkey, SigVersion version,
                              const TaprootContext& context) const override;
    bool check_lock_time(std::int64_t lock_time) const override;
    bool check_sequence(std::int64_t sequence) const override;

private:
    const Transaction& tx_;
    std::size_t index_;
    Amount amount_;
    const PrecomputedTxData& precomputed_;
    const SignatureOracle& oracle_;
    mutable SighashCache sighash_cache_;
};

}  // namespace cairn
