#include <array>
#include <iostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "consensus/rules/params.hpp"
#include "consensus/script/verify.hpp"
#include "light/descriptors/descriptor.hpp"
#include "light/psbt/analysis.hpp"
#include "light/signing/input_weight.hpp"
#include "light/signing/sign_transaction.hpp"

/// Random descriptors are funded and spent, by one signer and by several who pass a PSBT around.
namespace cairn::light {
namespace {

const ChainParams& params() {
    static const ChainParamsPtr regtest = make_params(Network::regtest);
    return *regtest;
}
constexpr const char* kNobody = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";

class Maker {
public:
    explicit Maker(std::uint64_t seed) : random_(seed) {}

    FastRandom& random() { return random_; }
    std::string key() {
        for (;;) {
            if (auto secret = PrivateKey::parse(random_.uint256().span())) return encode_wif({*secret, true}, params().addresses);
        }
    }
    std::string keys(std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) text += "," + key();
        return text;
    }
    std::string multi(const char* suffix = "") {
        const std::size_t n = 1 + random_.below(3), k = 1 + random_.below(n);
        return fmt::format("{}multi{}({}{})", random_.flip() ? "sorted" : "", suffix, k, keys(n));
    }
    std::string miniscript() {
        switch (random_.below(6)) {
            case 0: return fmt::format("and_v(v:pk({}),pk({}))", key(), key());
            case 1: return fmt::format("or_d(pk({}),and_v(v:pkh({}),older({})))", key(), key(), 1 + random_.below(100));
            case 2: return fmt::format("thresh(2,pk({}),s:pk({}),s:pk({}))", key(), key(), key());
            case 3: return fmt::format("andor(pk({}),after({}),pk({}))", key(), 1 + random_.below(1000), key());
            case 4: return fmt::format("or_i(pkh({}),and_v(v:older(10),pk({})))", key(), key());
            default: return fmt::format("and_v(v:pk({}),or_d(pk({}),older({})))", key(), key(), 1 + random_.below(100));
        }
    }
    std::string leaf() {
        switch (random_.below(3)) {
            case 0: return "pk(" + key() + ")";
            case 1: return multi("_a");
            default: return miniscript();
        }
    }
    std::string tree(int depth = 0) {
        return depth < 3 && random_.flip() ? "{" + tree(depth + 1) + "," + tree(depth + 1) + "}" : leaf();
    }
    std::string descriptor() {
        switch (random_.below(14)) {
            case 0: return "pk(" + key() + ")";
            case 1: return "pkh(" + key() + ")";
            case 2: return "wpkh(" + key() + ")";
            case 3: return "sh(wpkh(" + key() + "))";
            case 4: return multi();
            case 5: return "sh(" + multi() + ")";
            case 6: return "wsh(" + multi() + ")";
            case 7: return "sh(wsh(" + multi() + "))";
            case 8: return "wsh(" + miniscript() + ")";
            case 9: return "sh(wsh(" + miniscript() + "))";
            case 10: return "tr(" + key() + ")";
            case 11: return "tr(" + key() + "," + tree() + ")";
            case 12: return fmt::format("tr({},{})", kNobody, tree());
            default: return "rawtr(" + key() + ")";
        }
    }

private:
    FastRandom random_;
};

/// A transaction that spends outputs of random descriptors.
struct Spend {
    std::vector<std::string> texts;
    std::vector<TransactionPtr> funding;
    ScriptKeys keys;
    std::vector<ScriptKeys> own;  ///< of each output
    MutableTransaction tx;

    explicit Spend(Maker& maker) {
        const std::size_t inputs = 1 + maker.random().below(4), outputs = 1 + maker.random().below(3);
        tx.lock_time = 100'000;
        for (std::size_t i = 0; i < inputs; ++i) {
            texts.push_back(maker.descriptor());
            const auto descriptor = parse_descriptor(texts.back(), params(), false);
            if (!descriptor) throw std::runtime_error(texts.back() + ": " + descriptor.error());
            const auto scripts = descriptor->scripts(0, &own.emplace_back());
            keys.merge(own.back());
            MutableTransaction before;
            before.inputs.push_back({OutPoint{Txid(maker.random().uint256()), 0}, {}, 0, {}});
            before.outputs.push_back({1, Bytes{0x51}});
            before.outputs.push_back({static_cast<Amount>(10'000 + maker.random().below(100'000)), scripts->front()});
            funding.push_back(before.finish());
            tx.inputs.push_back({OutPoint{funding.back()->tx().txid, 1}, {}, 1000, {}});
        }
        for (std::size_t i = 0; i < outputs; ++i) tx.outputs.push_back({1'000, Bytes{0x51}});
    }
    std::vector<TxOutput> spent() const {
        std::vector<TxOutput> outputs;
        for (const TransactionPtr& before : funding) outputs.push_back(before->tx().outputs[1]);
        return outputs;
    }
    std::string all_texts() const {
        std::string text;
        for (const std::string& one : texts) text += one + "\n";
        return text;
    }
    void expect_valid(const MutableTransaction& made) const {
        const auto outputs = spent();
        const TransactionPtr signed_tx = made.finish();
        const PrecomputedTxData precomputed(signed_tx->tx(), outputs);
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            const ScriptError error = verify_input(signed_tx->tx(), i, kStandardScriptFlags, precomputed);
            EXPECT_EQ(error, ScriptError::ok) << texts[i] << ": " << to_string(error);
        }
    }
};

std::int64_t actual_weight(const MutableTransaction::Input& input) {
    std::size_t witness = compact_size_length(input.witness.size());
    for (const Bytes& item : input.witness) witness += compact_size_length(item.size()) + item.size();
    return InputWeight{input.script_sig.size(), witness}.weight();
}

TEST(SpendProperty, OneSignerSignsWhatDescriptorsMake) {
    static constexpr int kTypes[] = {kSighashDefault, kSighashAll, kSighashNone, kSighashSingle, kSighashAll | kSighashAnyoneCanPay,
                                     kSighashNone | kSighashAnyoneCanPay, kSighashSingle | kSighashAnyoneCanPay};
    constexpr std::uint64_t kRounds = 150;
    std::size_t inputs = 0;
    for (std::uint64_t seed = 0; seed < kRounds; ++seed) {
        SCOPED_TRACE(seed);
        Maker maker(seed);
        Spend spend(maker);
        int type = kTypes[maker.random().below(std::size(kTypes))];
        if ((type & 3) == kSighashSingle && spend.tx.outputs.size() < spend.tx.inputs.size()) type = kSighashAll;
        MutableTransaction tx = spend.tx;
        const auto errors = sign_transaction(tx, spend.spent(), spend.keys, type);
        for (const InputError& error : errors) ADD_FAILURE() << spend.texts[error.input] << ": " << error.message;
        spend.expect_valid(tx);
        for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
            const auto most = largest_input_weight(spend.spent()[i].script_pubkey, spend.own[i]);
            ASSERT_TRUE(most.has_value()) << spend.texts[i];
            const std::int64_t hash_type_bytes = type == kSighashDefault ? 0 : 8;  // one for each Schnorr signature
            EXPECT_LE(actual_weight(tx.inputs[i]), most->weight() + hash_type_bytes) << spend.texts[i];
            ++inputs;
        }
    }
    std::cout << inputs << " inputs\n";
}

TEST(SpendProperty, ALeafWithAsManyKeysAsThereMayBeIsSigned) {
    Maker maker(5);
    const std::string text = fmt::format("tr({},multi_a(500{}))", kNobody, maker.keys(999));
    ScriptKeys keys;
    const auto scripts = parse_descriptor(text, params(), false)->scripts(0, &keys);
    MutableTransaction tx;
    tx.inputs.resize(1);
    tx.outputs.push_back({1'000, Bytes{0x51}});
    const std::vector<TxOutput> spent{{2'000, scripts->front()}};
    EXPECT_TRUE(sign_transaction(tx, spent, keys).empty());
}

TEST(SpendProperty, SignersWhoHaveHalfOfTheKeysPassAPsbtAround) {
    constexpr std::uint64_t kRounds = 150;
    for (std::uint64_t seed = 1000; seed < 1000 + kRounds; ++seed) {
        SCOPED_TRACE(seed);
        Maker maker(seed);
        Spend spend(maker);
        const ScriptKeys known = spend.keys.without_private_keys();
        ScriptKeys hands[2] = {known, known};
        for (const auto& [id, key] : spend.keys.private_keys()) hands[maker.random().below(2)].add(key);

        Psbt psbt = Psbt::create(spend.tx, maker.random().flip() ? 0 : 2);
        for (std::size_t i = 0; i < psbt.inputs.size(); ++i) psbt.inputs[i].non_witness_utxo = spend.funding[i];
        const auto transaction = PsbtTransaction::make(psbt);
        for (std::size_t i = 0; i < psbt.inputs.size(); ++i) sign_psbt_input(psbt, i, known, *transaction, {std::nullopt, false});
        drop_needless_transactions(psbt);
        EXPECT_EQ(analyze_psbt(psbt).next, analyze_psbt(Psbt::parse(psbt.serialize()).value()).next);

        std::vector<Psbt> copies;
        for (const ScriptKeys& keys : hands) {
            Psbt copy = Psbt::parse(psbt.serialize()).value();
            const auto seen = PsbtTransaction::make(copy);
            for (std::size_t i = 0; i < copy.inputs.size(); ++i) {
                EXPECT_NE(sign_psbt_input(copy, i, keys, *seen, {std::nullopt, false}), PsbtStatus::sighash_mismatch);
            }
            copies.push_back(Psbt::parse(copy.serialize()).value());
        }
        auto combined = combine_psbts(copies);
        ASSERT_TRUE(combined.has_value());
        EXPECT_EQ(analyze_psbt(*combined).next, PsbtRole::finalizer) << spend.all_texts();
        const auto tx = extract_transaction(*combined);
        ASSERT_TRUE(tx.has_value()) << spend.all_texts();
        spend.expect_valid(*tx);
        EXPECT_EQ(analyze_psbt(*combined).next, PsbtRole::extractor);
        EXPECT_EQ(analyze_psbt(*combined).vsize.has_value(), true);
    }
}

}  // namespace
}  // namespace cairn::light
