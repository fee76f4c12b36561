#pragma once

#include <map>

#include "consensus/script/signature_checker.hpp"
#include "consensus/script/solver.hpp"
#include "light/keys/script_keys.hpp"

namespace cairn::light {

/// What is known of one input's signatures while they are collected.
struct InputSignatures {
    struct Signature {
        Bytes pubkey;
        Bytes signature;  ///< with its hash type
    };
    bool complete = false;  ///< script and witness below are valid as they are
    Bytes script_sig;
    std::vector<Bytes> witness;
    Bytes redeem_script, witness_script;         ///< empty: not known
    std::map<Hash160, Signature> signatures;     ///< ECDSA, by the hash of the public key

    /// Adds what `other` knows.
    void merge(InputSignatures other);
};

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

/// Signs one input.
class InputSigner {
public:
    /// `tx` without regard to its input scripts and witnesses; everything outlives this.
    InputSigner(const Transaction& tx, std::size_t index, const TxOutput& spent, const PrecomputedTxData& precomputed)
        : tx_(tx), index_(index), spent_(spent), precomputed_(precomputed), checker_(tx, index, spent.value, precomputed) {}

    /// Takes apart what an input carries: valid, or partly signed.
    InputSignatures extract(ByteSpan script_sig, const std::vector<Bytes>& witness) const;
    /// Fills in script and witness from known signatures and from keys.
    void produce(InputSignatures& data, const ScriptKeys& keys, int hash_type) const;
    ScriptError verify(ByteSpan script_sig, const std::vector<Bytes>& witness) const;

private:
    using Stack = std::vector<Bytes>;
    struct Step {
        OutputType type = OutputType::nonstandard;
        bool solved = false;
        Stack stack;
    };
    struct Context {
        InputSignatures& data;
        const ScriptKeys& keys;
        int hash_type;
    };

    Step solve_script(ByteSpan script, SigVersion version, Context& context) const;
    void sign_multisig(const Solution& solution, ByteSpan script, SigVersion version, Context& context, Step& step) const;
    void sign_witness_script(Step& step, Context& context, Stack& witness) const;
    std::optional<Bytes> ecdsa(ByteSpan pubkey, ByteSpan script, SigVersion version, Context& context) const;
    std::optional<Bytes> schnorr(const Uint256& output_key, const Context& context) const;
    void extract_multisig(const Stack& stack, ByteSpan script, SigVersion version, InputSignatures& data) const;

    const Transaction& tx_;
    std::size_t index_;
    const TxOutput& spent_;
    const PrecomputedTxData& precomputed_;
    InputChecker checker_;
};

}  // namespace cairn::light
