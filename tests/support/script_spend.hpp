#pragma once

#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "consensus/script/rows.hpp"
#include "consensus/script/verify.hpp"

namespace cairn::test {

/// Remembers every verdict: vectors verify the same signatures under many sets of flags.
class MemoOracle final : public SignatureOracle {
public:
    bool verify_ecdsa(ByteSpan signature, ByteSpan pubkey, const Uint256& sighash) const override {
        return remember(signature, pubkey, sighash,
                        [&] { return SignatureOracle::verify_ecdsa(signature, pubkey, sighash); });
    }
    bool verify_schnorr(ByteSpan signature, ByteSpan pubkey, const Uint256& sighash) const override {
        return remember(signature, pubkey, sighash,
                        [&] { return SignatureOracle::verify_schnorr(signature, pubkey, sighash); });
    }

private:
    template <class F>
    bool remember(ByteSpan signature, ByteSpan pubkey, const Uint256& sighash, F compute) const {
        const auto key = std::make_tuple(to_bytes(signature), to_bytes(pubkey), sighash);
        const auto found = verdicts_.find(key);
        if (found != verdicts_.end()) return found->second;
        return verdicts_.emplace(key, compute()).first->second;
    }
    mutable std::map<std::tuple<Bytes, Bytes, Uint256>, bool> verdicts_;
};

/// A transaction that spends `spent` with what is put into its input: the shape that script vectors use.
struct ScriptSpend {
    TransactionPtr tx;
    TxOutput spent;
    PrecomputedTxData precomputed;

    /// `script_pubkey` must outlive this.
    ScriptSpend(ByteSpan script_sig, ByteSpan script_pubkey, std::vector<Bytes> witness, Amount amount)
        : spent{amount, script_pubkey} {
        MutableTransaction credit;
        credit.version = 1;
        credit.inputs.push_back({OutPoint{}, {0x00, 0x00}, TxInput::kFinalSequence, {}});
        credit.outputs.push_back({amount, to_bytes(script_pubkey)});
        MutableTransaction spend;
        spend.version = 1;
        spend.inputs.push_back({OutPoint{credit.finish()->tx().txid, 0}, to_bytes(script_sig), TxInput::kFinalSequence,
                                std::move(witness)});
        spend.outputs.push_back({amount, {}});
        tx = spend.finish();
        precomputed = PrecomputedTxData(tx->tx(), {&spent, 1});
    }
    ScriptSpend(const ScriptSpend&) = delete;
    ScriptSpend& operator=(const ScriptSpend&) = delete;

    ScriptError verify(ScriptFlags flags, const SignatureOracle& oracle = SignatureOracle::plain()) const {
        return verify_input(tx->tx(), 0, flags, precomputed, oracle);
    }
};

/// What the short way says about an input.
enum class RowsVerdict { unknown, valid };

inline RowsVerdict verify_by_rows(const Transaction& tx, std::size_t index, ScriptFlags flags,
                                  const PrecomputedTxData& precomputed) {
    std::vector<SignatureRow> rows;
    if (!collect_rows(tx, index, flags, precomputed, rows)) {
        EXPECT_TRUE(rows.empty());
        return RowsVerdict::unknown;
    }
    std::vector<std::uint8_t> verdicts(rows.size());
    default_signature_verifier().verify(rows, verdicts);
    for (const std::uint8_t verdict : verdicts) {
        if (verdict == 0) return RowsVerdict::unknown;
    }
    return RowsVerdict::valid;
}

/// Fails the test when the short way accepts what the interpreter does not.
inline void expect_rows_agree(const Transaction& tx, std::size_t index, ScriptFlags flags,
                              const PrecomputedTxData& precomputed, ScriptError interpreted) {
    if (verify_by_rows(tx, index, flags, precomputed) == RowsVerdict::valid) {
        EXPECT_EQ(interpreted, ScriptError::ok) << to_string(interpreted);
    }
}

}  // namespace cairn::test
