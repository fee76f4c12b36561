#include "light/signing/sign_transaction.hpp"

#include <gtest/gtest.h>

#include "consensus/crypto/hash.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/solver.hpp"
#include "consensus/script/taproot.hpp"
#include "consensus/script/verify.hpp"

namespace cairn::light {
namespace {

WalletKey make_key(std::uint8_t number, bool compressed = true) { return {PrivateKey::parse(Bytes(32, number)).value(), compressed}; }
Bytes pubkey(const WalletKey& key) { return written_public_key(key); }

Bytes multisig(int required, const std::vector<WalletKey>& keys) {
    std::vector<Bytes> written;
    for (const WalletKey& key : keys) written.push_back(pubkey(key));
    const std::vector<ByteSpan> spans(written.begin(), written.end());
    return make_multisig(required, spans);
}
Bytes p2wsh(ByteSpan script) { return make_witness_program(0, sha256(script).span()); }
Bytes p2wpkh(const WalletKey& key) { return make_witness_program(0, hash160(pubkey(key))); }
Bytes p2sh(ByteSpan script) { return make_p2sh(hash160(script)); }

/// A transaction of one input that spends `script` and two outputs.
struct Spend {
    Bytes script;
    Amount value = 50'000;
    MutableTransaction tx;
    ScriptKeys keys;

    explicit Spend(Bytes spent) : script(std::move(spent)) {
        tx.inputs.push_back({OutPoint{Txid(Uint256(Bytes(32, 9))), 3}, {}, 0xfffffffd, {}});
        tx.outputs.push_back({20'000, make_p2pkh(Bytes(20, 1))});
        tx.outputs.push_back({20'000, make_p2pkh(Bytes(20, 2))});
    }
    std::vector<TxOutput> spent() const { return {{value, script}}; }
    /// "": complete.
    std::string sign(int hash_type = kSighashDefault) {
        const auto outputs = spent();
        const auto errors = sign_transaction(tx, outputs, keys, hash_type);
        return errors.empty() ? "" : errors[0].message;
    }
    ScriptError verify() const {
        const auto outputs = spent();
        const TransactionPtr made = tx.finish();
        const PrecomputedTxData precomputed(made->tx(), outputs);
        return verify_input(made->tx(), 0, kStandardScriptFlags, precomputed);
    }
};

void expect_signed(Spend& spend, int hash_type = kSighashDefault) {
    EXPECT_EQ(spend.sign(hash_type), "");
    EXPECT_EQ(spend.verify(), ScriptError::ok) << to_string(spend.verify());
}

TEST(SignTransaction, SignsEveryKindOfKeyOutput) {
    const WalletKey key = make_key(1), plain = make_key(2, false);
    const std::vector<std::pair<Bytes, WalletKey>> cases{
        {make_p2pk(pubkey(key)), key},          {make_p2pk(pubkey(plain)), plain}, {make_p2pkh(hash160(pubkey(key))), key},
        {make_p2pkh(hash160(pubkey(plain))), plain}, {p2wpkh(key), key},           {make_witness_program(1, key.key.public_key().xonly().span()), key},
        {multisig(1, {key}), key},
    };
    for (const auto& [script, signer] : cases) {
        Spend spend(script);
        spend.keys.add(make_key(77));
        EXPECT_NE(spend.sign(), "") << to_string(classify(script));
        spend.keys.add(signer);
        expect_signed(spend);
    }
}

TEST(SignTransaction, SignsWhatStandsBehindAHash) {
    const WalletKey key = make_key(1);
    const Bytes inner[] = {make_p2pk(pubkey(key)), make_p2pkh(hash160(pubkey(key))), multisig(2, {key, make_key(2), make_key(3)})};
    for (const Bytes& script : inner) {
        const Bytes program = p2wsh(script);
        for (const Bytes& output : {p2sh(script), program, p2sh(program)}) {
            Spend spend(output);
            spend.keys.add(key);
            spend.keys.add(make_key(3));
            EXPECT_NE(spend.sign(), "") << "no script";
            spend.keys.add_script(script);
            spend.keys.add_script(program);
            expect_signed(spend);
        }
    }
    Spend nested(p2sh(p2wpkh(key)));
    nested.keys.add(key);
    nested.keys.add_script(p2wpkh(key));
    expect_signed(nested);
}

TEST(SignTransaction, UsesEveryHashType) {
    const WalletKey key = make_key(1);
    for (const Bytes& script : {make_p2pkh(hash160(pubkey(key))), p2wpkh(key), make_witness_program(1, key.key.public_key().xonly().span())}) {
        for (const int base : {kSighashAll, kSighashNone, kSighashSingle}) {
            for (const int type : {base, base | kSighashAnyoneCanPay}) {
                Spend spend(script);
                spend.keys.add(key);
                expect_signed(spend, type);
                const Bytes item = spend.tx.inputs[0].witness.empty() ? spend.tx.inputs[0].script_sig : spend.tx.inputs[0].witness[0];
                EXPECT_NE(std::find(item.begin(), item.end(), static_cast<std::uint8_t>(type)), item.end());
            }
        }
    }
}

TEST(SignTransaction, SignsTaprootThroughItsInternalKey) {
    const WalletKey key = make_key(1);
    const Uint256 internal = key.key.public_key().xonly();
    for (const std::optional<Uint256>& root : {std::optional<Uint256>{}, std::optional(Uint256(Bytes(32, 5)))}) {
        const auto output = xonly_tweak_add(internal, taptweak_hash(internal.span(), root));
        Spend spend(make_witness_program(1, output->x.span()));
        spend.keys.add(key);
        EXPECT_NE(spend.sign(), "");
        spend.keys.add_taproot({internal, root, {}});
        expect_signed(spend);
        EXPECT_EQ(spend.tx.inputs[0].witness[0].size(), 64u);
    }
}

TEST(SignTransaction, LeavesSingleWithoutItsOutputAlone) {
    const WalletKey key = make_key(1);
    Spend spend(make_p2pkh(hash160(pubkey(key))));
    spend.keys.add(key);
    spend.tx.outputs.clear();
    EXPECT_EQ(spend.sign(kSighashSingle), "Unable to sign input, invalid stack size (possibly missing key)");
    EXPECT_TRUE(spend.tx.inputs[0].script_sig.empty());
}

TEST(SignTransaction, SaysWhatIsMissing) {
    const WalletKey key = make_key(1), other = make_key(2);
    Spend none(make_p2pkh(hash160(pubkey(key))));
    EXPECT_EQ(none.sign(), "Unable to sign input, invalid stack size (possibly missing key)");
    Spend program(p2wpkh(key));
    EXPECT_EQ(program.sign(), "Witness program hash mismatch");
    Spend half(multisig(2, {key, other}));
    half.keys.add(key);
    EXPECT_EQ(half.sign(), "CHECK(MULTI)SIG failing with non-zero signature (possibly need more signatures)");
    Spend unknown(p2wpkh(key));
    unknown.value = kUnknownAmount;
    unknown.keys.add(key);
    EXPECT_EQ(unknown.sign(), kMissingAmount);
    Spend missing(p2wpkh(key));
    missing.value = kMissingCoinValue;
    EXPECT_EQ(missing.sign(), "Input not found or already spent");
    Spend plain(p2wpkh(make_key(1, false)));
    plain.keys.add(make_key(1, false));
    EXPECT_NE(plain.sign(), "") << "uncompressed keys are not for witnesses";
}

TEST(SignTransaction, SignsAnchorsWithNothing) {
    Spend anchor(Bytes{0x51, 0x02, 0x4e, 0x73});
    const Bytes before = anchor.tx.serialize();
    expect_signed(anchor);
    EXPECT_EQ(anchor.tx.serialize(), before);
}

TEST(SignTransaction, KeepsValidSignaturesItCannotMake) {
    const WalletKey key = make_key(1);
    for (const Bytes& script : {make_p2pkh(hash160(pubkey(key))), p2wpkh(key), make_witness_program(1, key.key.public_key().xonly().span())}) {
        Spend spend(script);
        spend.keys.add(key);
        expect_signed(spend);
        const Bytes before = spend.tx.serialize();
        spend.keys = ScriptKeys{};
        expect_signed(spend);
        EXPECT_EQ(spend.tx.serialize(), before);
    }
}

TEST(SignTransaction, SignsTaprootOnlyWhenAllOutputsAreKnown) {
    const WalletKey key = make_key(1);
    Spend spend(make_witness_program(1, key.key.public_key().xonly().span()));
    spend.keys.add(key);
    spend.tx.inputs.push_back({OutPoint{Txid(Uint256(Bytes(32, 8))), 0}, {}, 0xffffffff, {}});
    std::vector<TxOutput> outputs = spend.spent();
    outputs.push_back({kMissingCoinValue, {}});
    const auto errors = sign_transaction(spend.tx, outputs, spend.keys);
    ASSERT_EQ(errors.size(), 2u);
    EXPECT_EQ(errors[0].message, "Witness program was passed an empty witness");
    EXPECT_EQ(errors[1].message, "Input not found or already spent");
    spend.tx.inputs[0].witness = {Bytes(64, 1)};
    EXPECT_EQ(sign_transaction(spend.tx, outputs, spend.keys)[0].message, "Invalid Schnorr signature hash type");
}

TEST(SignTransaction, CompletesPartialMultisigs) {
    const WalletKey first = make_key(1), second = make_key(2), third = make_key(3);
    const Bytes script = multisig(2, {first, second, third});
    for (const Bytes& output : {script, p2sh(script), p2wsh(script), p2sh(p2wsh(script))}) {
        Spend spend(output);
        for (const Bytes& known : {script, p2wsh(script)}) spend.keys.add_script(known);
        ScriptKeys scripts = spend.keys;
        spend.keys.add(third);
        EXPECT_NE(spend.sign(), "");
        spend.keys = ScriptKeys{};  // the scripts are in the transaction now
        spend.keys.add(first);
        expect_signed(spend);
    }
}

TEST(CombineTransactions, JoinsSignaturesOfAll) {
    const WalletKey first = make_key(1), second = make_key(2), third = make_key(3);
    const Bytes script = multisig(2, {first, second, third});
    for (const Bytes& output : {script, p2sh(script), p2wsh(script), p2sh(p2wsh(script))}) {
        std::vector<MutableTransaction> variants;
        for (const WalletKey& key : {third, first}) {
            Spend spend(output);
            for (const Bytes& known : {script, p2wsh(script)}) spend.keys.add_script(known);
            spend.keys.add(key);
            EXPECT_NE(spend.sign(), "");
            variants.push_back(spend.tx);
        }
        Spend joined(output);
        const auto spent = joined.spent();
        joined.tx = combine_transactions(variants, spent);
        EXPECT_EQ(joined.verify(), ScriptError::ok);
    }
}

TEST(CombineTransactions, TakesCompleteInputsFromWhoHasThem) {
    const WalletKey key = make_key(1);
    for (const Bytes& script : {make_p2pkh(hash160(pubkey(key))), p2wpkh(key), make_witness_program(1, key.key.public_key().xonly().span())}) {
        Spend bare(script), done(script);
        done.keys.add(key);
        expect_signed(done);
        const std::vector variants{bare.tx, done.tx};
        const auto spent = done.spent();
        EXPECT_EQ(combine_transactions(variants, spent).serialize(), done.tx.serialize());
    }
}

}  // namespace
}  // namespace cairn::light
