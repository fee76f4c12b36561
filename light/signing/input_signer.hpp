#pragma once

#include "light/signing/input_signatures.hpp"
#include "light/signing/signature_maker.hpp"

namespace cairn::light {

/// Signs one input of a transaction as it goes from hand to hand without a PSBT.
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
    void extract_multisig(const std::vector<Bytes>& stack, ByteSpan script, SigVersion version, InputSignatures& data) const;

    const Transaction& tx_;
    std::size_t index_;
    const TxOutput& spent_;
    const PrecomputedTxData& precomputed_;
    InputChecker checker_;
};

}  // namespace cairn::light
