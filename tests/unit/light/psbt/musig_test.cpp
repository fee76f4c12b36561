#include "light/psbt/musig.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/script/script.hpp"
#include "light/descriptors/descriptor.hpp"
#include "light/psbt/base64.hpp"

/// Several signers with descriptors of their own, each knowing one private key, and one PSBT that goes round.
namespace cairn::light {
namespace {

const ChainParams& params() {
    static const ChainParamsPtr regtest = make_params(Network::regtest);
    return *regtest;
}

ExtendedKey master(std::uint8_t number) { return *ExtendedKey::from_seed(Bytes(32, number)); }

struct Signer {
    ScriptKeys keys;
    MusigSessions sessions;
};

/// `pattern`: "@1", "@2" and so on stand for keys of the signers, whose private form only they have.
struct Party {
    Party(const std::string& pattern, int count, std::uint32_t index = 0) {
        for (int own = 1; own <= count; ++own) {
            std::string text = pattern;
            for (int i = 1; i <= count; ++i) {
                const std::string mark = "@" + std::to_string(i);
                const ExtendedKey key = master(static_cast<std::uint8_t>(i));
                for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark)) {
                    text.replace(at, mark.size(), i == own ? key.private_text(params()) : key.public_text(params()));
                }
            }
            auto descriptor = parse_descriptor(text, params(), false);
            if (!descriptor) throw std::runtime_error(descriptor.error());
            Signer signer;
            const auto scripts = descriptor->scripts(index, &signer.keys);
            if (!scripts) throw std::runtime_error("no script");
            script = scripts->front();
            signers.push_back(std::move(signer));
        }
        MutableTransaction tx;
        tx.inputs.push_back({OutPoint{Txid(Uint256(Bytes(32, 9))), 0}, {}, 0xfffffffd, {}});
        tx.outputs.push_back({40'000, make_witness_program(0, Bytes(20, 1))});
        psbt = Psbt::create(tx, 2);
        psbt.inputs[0].witness_utxo = MutableTransaction::Output{50'000, script};
    }
    PsbtStatus pass(std::size_t who) { return pass_on(psbt, who); }
    PsbtStatus pass_on(Psbt& one, std::size_t who, std::optional<int> hash_type = {}) {
        PsbtSignOptions options;
        options.hash_type = hash_type;
        options.musig = &signers[who].sessions;
        const PsbtStatus status = sign_psbt_input(one, 0, signers[who].keys, *PsbtTransaction::make(one), options);
        // As it travels.
        const auto again = Psbt::parse(one.serialize());
        EXPECT_TRUE(again);
        one = *again;
        return status;
    }
    bool spends() {
        Psbt copy = psbt;
        if (!extract_transaction(copy)) return false;
        return is_signed_and_valid(copy.inputs[0], 0, *PsbtTransaction::make(copy));
    }

    std::vector<Signer> signers;
    Bytes script;
    Psbt psbt = Psbt::create(MutableTransaction(), 2);
};

TEST(MusigPsbt, GoesRoundTwice) {
    for (const auto& [pattern, count] : std::vector<std::pair<std::string, int>>{{"tr(musig(@1/0/*,@2/0/*))", 2},
                                                                                 {"tr(musig(@1/0/*,@2/0/*,@3/0/*))", 3},
                                                                                 {"tr(musig(@1,@2)/7/*)", 2},
                                                                                 {"tr(musig(@1,@2,@3)/1/*,pk(@1/9/*))", 3},
                                                                                 {"rawtr(musig(@1/0/*,@2/0/*))", 2}}) {
        for (const std::uint32_t index : {0u, 5u}) {
            Party party(pattern, count, index);
            const auto last = static_cast<std::size_t>(count) - 1;
            if (pattern.find("pk(") == std::string::npos) {
                for (std::size_t i = 0; i < last; ++i) EXPECT_EQ(party.pass(i), PsbtStatus::incomplete);
                EXPECT_EQ(party.psbt.inputs[0].musig_nonces.begin()->second.size(), last);
                EXPECT_TRUE(party.psbt.inputs[0].musig_partial_sigs.empty());
                EXPECT_EQ(party.pass(last), PsbtStatus::incomplete);
                EXPECT_EQ(party.psbt.inputs[0].musig_partial_sigs.begin()->second.size(), 1u);
                for (std::size_t i = 0; i + 1 < last; ++i) EXPECT_EQ(party.pass(i), PsbtStatus::incomplete);
                EXPECT_FALSE(party.spends());
                if (last > 1) party.pass(last - 1);
                else EXPECT_EQ(party.pass(0), PsbtStatus::complete);
                EXPECT_TRUE(party.spends()) << pattern;
                for (const Signer& signer : party.signers) EXPECT_EQ(signer.sessions.size(), 0u);
                EXPECT_EQ(party.psbt.inputs[0].final_witness.size(), 1u);
                EXPECT_EQ(party.psbt.inputs[0].final_witness[0].size(), 64u);
            } else {
                EXPECT_EQ(party.pass(1), PsbtStatus::incomplete);
                EXPECT_EQ(party.psbt.inputs[0].musig_participants.size(), 1u);
            }
        }
    }
}

TEST(MusigPsbt, SignsInALeaf) {
    const std::string nobody = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";
    for (const std::string leaf : {"pk(musig(@1/0/*,@2/0/*))", "pk(musig(@1,@2)/3/*)", "and_v(v:pk(musig(@1/0/*,@2/0/*)),older(1))"}) {
        Party party("tr(" + nobody + "," + leaf + ")", 2, 4);
        if (leaf.starts_with("and_v")) party.psbt.inputs[0].sequence = 1;
        EXPECT_EQ(party.pass(0), PsbtStatus::incomplete);
        EXPECT_EQ(party.pass(1), PsbtStatus::incomplete);
        EXPECT_EQ(party.pass(0), PsbtStatus::complete) << leaf;
        EXPECT_TRUE(party.spends()) << leaf;
    }
}

TEST(MusigPsbt, WorksInParallelAndIsCombined) {
    Party party("tr(musig(@1/0/*,@2/0/*,@3/0/*))", 3);
    const auto each = [&] {
        std::vector<Psbt> copies(3, party.psbt);
        for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(party.pass_on(copies[i], i), PsbtStatus::incomplete);
        party.psbt = *combine_psbts(copies);
    };
    each();
    EXPECT_EQ(party.psbt.inputs[0].musig_nonces.begin()->second.size(), 3u);
    each();
    EXPECT_EQ(party.psbt.inputs[0].musig_partial_sigs.begin()->second.size(), 3u);
    // Whoever has everything can finish it, without any key.
    EXPECT_TRUE(finalize_psbt(party.psbt));
    EXPECT_TRUE(party.spends());
}

TEST(MusigPsbt, UsesANonceOnce) {
    Party party("tr(musig(@1/0/*,@2/0/*))", 2);
    Psbt bare = party.psbt;
    party.pass(0);
    Psbt with_nonce = party.psbt;
    Psbt one = with_nonce, other = with_nonce;
    party.pass_on(one, 1);
    // The second signer's nonce is another one each time.
    party.pass_on(other, 1);
    const auto nonces_of = [](const Psbt& psbt) { return psbt.inputs[0].musig_nonces.begin()->second; };
    EXPECT_NE(nonces_of(one), nonces_of(other));
    // The first has one nonce in both: it signs the first that comes back and no other.
    EXPECT_EQ(party.pass_on(one, 0), PsbtStatus::complete);
    EXPECT_EQ(party.pass_on(other, 0), PsbtStatus::incomplete);
    EXPECT_EQ(other.inputs[0].musig_partial_sigs.begin()->second.size(), 1u);

    // Another transaction with the same nonces is not signed either.
    Party again("tr(musig(@1/0/*,@2/0/*))", 2);
    again.pass(0);
    again.pass(1);
    Psbt changed = again.psbt;
    changed.outputs[0].amount -= 1;
    changed.inputs[0].musig_partial_sigs.clear();
    EXPECT_EQ(again.pass_on(changed, 0), PsbtStatus::incomplete);
    EXPECT_TRUE(changed.inputs[0].musig_partial_sigs.empty());
    EXPECT_EQ(again.signers[0].sessions.size(), 1u);
    // A restart forgets it.
    again.signers[0].sessions = MusigSessions();
    EXPECT_EQ(again.pass(0), PsbtStatus::incomplete);
    EXPECT_FALSE(again.spends());
}

TEST(MusigPsbt, IsNotFooledByWrongPartialSignaturesAndNonces) {
    Party party("tr(musig(@1/0/*,@2/0/*))", 2);
    party.pass(0);
    party.pass(1);
    Psbt wrong = party.psbt;
    auto& partial = wrong.inputs[0].musig_partial_sigs.begin()->second.begin()->second;
    Bytes bytes = to_bytes(partial.span());
    bytes[31] ^= 1;
    partial = Uint256(bytes);
    EXPECT_EQ(party.pass_on(wrong, 0), PsbtStatus::incomplete);
    EXPECT_TRUE(wrong.inputs[0].tap_key_sig.empty());
    EXPECT_FALSE(wrong.inputs[0].is_final());

    Party strange("tr(musig(@1/0/*,@2/0/*))", 2);
    strange.pass(0);
    strange.psbt.inputs[0].musig_nonces.begin()->second.begin()->second = Bytes(66, 0xff);
    EXPECT_EQ(strange.pass(1), PsbtStatus::incomplete);
    // An aggregate that is not that of its participants is left alone.
    strange.psbt.inputs[0].musig_participants.begin()->second.pop_back();
    EXPECT_EQ(strange.pass(1), PsbtStatus::incomplete);
}

TEST(MusigPsbt, CoversTheHashTypeThatIsWanted) {
    Party party("tr(musig(@1/0/*,@2/0/*))", 2);
    EXPECT_EQ(party.pass_on(party.psbt, 0, kSighashAll | kSighashAnyoneCanPay), PsbtStatus::incomplete);
    EXPECT_EQ(party.pass_on(party.psbt, 1, kSighashAll | kSighashAnyoneCanPay), PsbtStatus::incomplete);
    EXPECT_EQ(party.pass_on(party.psbt, 0, kSighashAll | kSighashAnyoneCanPay), PsbtStatus::complete);
    EXPECT_EQ(party.psbt.inputs[0].final_witness[0].size(), 65u);
    EXPECT_TRUE(party.spends());
}

TEST(MusigPsbt, IsSignedAtOnceByWhoHasAllKeys) {
    Party party("tr(musig(@1/0/*,@2/0/*))", 2);
    Signer both;
    for (const Signer& signer : party.signers) both.keys.merge(signer.keys);
    party.signers[0].keys = both.keys;
    EXPECT_EQ(party.pass(0), PsbtStatus::complete);
    EXPECT_TRUE(party.spends());
}

TEST(MusigSessions, ForgetTheOldest) {
    MusigSessions sessions;
    const auto id = [](std::size_t i) {
        Bytes bytes(32);
        bytes[0] = static_cast<std::uint8_t>(i);
        bytes[1] = static_cast<std::uint8_t>(i >> 8);
        return Uint256(bytes);
    };
    for (std::size_t i = 0; i < MusigSessions::kMost + 2; ++i) sessions.keep(id(i), {});
    EXPECT_EQ(sessions.size(), MusigSessions::kMost);
    EXPECT_FALSE(sessions.take(id(0)));
    EXPECT_TRUE(sessions.take(id(2)));
    EXPECT_FALSE(sessions.take(id(2)));
}

}  // namespace
}  // namespace cairn::light
