#include "light/psbt/psbt.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn::light {
namespace {

MutableTransaction sample() {
    MutableTransaction tx;
    tx.lock_time = 7;
    tx.inputs.resize(2);
    tx.inputs[0].prevout = {Txid(Uint256(Bytes(32, 1))), 0};
    tx.inputs[1].prevout = {Txid(Uint256(Bytes(32, 2))), 3};
    tx.inputs[1].sequence = 5;
    tx.outputs = {{1000, Bytes{0x51}}, {2000, Bytes{0x52}}};
    return tx;
}

TEST(Psbt, CarriesATransactionInBothVersions) {
    for (const std::uint32_t version : {0u, 2u}) {
        const Psbt psbt = Psbt::create(sample(), version);
        const auto read = Psbt::parse(psbt.serialize());
        ASSERT_TRUE(read.has_value()) << read.error();
        EXPECT_EQ(read->version(), version);
        EXPECT_EQ(to_hex(read->unsigned_tx()->serialize()), to_hex(sample().serialize()));
        EXPECT_EQ(read->serialize(), psbt.serialize());
    }
    EXPECT_NE(Psbt::create(sample(), 2).unique_id(), Psbt::create(sample(), 0).unique_id());  // without sequences
}

TEST(Psbt, KeepsEveryField) {
    Psbt psbt = Psbt::create(sample(), 2);
    PsbtInput& input = psbt.inputs[0];
    const Bytes key = from_hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").value();
    const Bytes xonly(key.begin() + 1, key.end());
    const KeyOrigin origin{{1, 2, 3, 4}, {kHardened, 7}};
    input.witness_utxo = MutableTransaction::Output{5000, Bytes{0x51}};
    input.sighash_type = 1;
    input.redeem_script = {0x51};
    input.witness_script = {0x52};
    input.key_origins[key] = origin;
    input.sha256_preimages[Bytes(32, 7)] = {1, 2};
    input.ripemd160_preimages[Bytes(20, 7)] = {3};
    input.tap_key_sig = Bytes(64, 9);
    input.tap_script_sigs[{xonly, Uint256(Bytes(32, 4))}] = Bytes(65, 8);
    input.tap_scripts[{Bytes{0x51}, 0xc0}] = {Bytes(33, 0xc0), Bytes(65, 0xc1)};
    input.tap_key_origins[xonly] = {{Uint256(Bytes(32, 4))}, origin};
    input.tap_internal_key = Uint256(xonly);
    input.tap_merkle_root = Uint256(Bytes(32, 6));
    input.musig_participants[key] = {key, key};
    input.musig_nonces[{key, Uint256()}][key] = Bytes(66, 1);
    input.musig_partial_sigs[{key, Uint256(Bytes(32, 3))}][key] = Uint256(Bytes(32, 2));
    input.locks = {500'000'001, 100};
    input.unknown[Bytes{0xf0, 1}] = {2};
    psbt.outputs[1].tap_tree = {{1, 0xc0, Bytes{0x51}}, {2, 0xc0, Bytes{0x52}}, {2, 0xc0, Bytes{0x53}}};
    psbt.modifiable = Psbt::kInputsModifiable;
    const auto read = Psbt::parse(psbt.serialize());
    ASSERT_TRUE(read.has_value()) << read.error();
    EXPECT_EQ(read->serialize(), psbt.serialize());
    EXPECT_EQ(read->inputs[0].tap_scripts, input.tap_scripts);
    EXPECT_EQ(read->inputs[0].musig_nonces, input.musig_nonces);
    EXPECT_EQ(read->inputs[0].musig_partial_sigs, input.musig_partial_sigs);
    EXPECT_EQ(read->inputs[0].key_origins, input.key_origins);
    EXPECT_EQ(read->outputs[1].tap_tree.size(), 3u);
}

TEST(Psbt, MergesWhatTwoKnow) {
    Psbt a = Psbt::create(sample(), 0), b = a;
    a.inputs[0].redeem_script = {0x51};
    b.inputs[0].redeem_script = {0x52};
    b.inputs[1].witness_script = {0x53};
    ASSERT_TRUE(a.merge(b));
    EXPECT_EQ(a.inputs[0].redeem_script, Bytes{0x51});
    EXPECT_EQ(a.inputs[1].witness_script, Bytes{0x53});
    MutableTransaction other = sample();
    other.outputs[0].value = 1;
    EXPECT_FALSE(a.merge(Psbt::create(other, 0)));
    EXPECT_FALSE(a.merge(Psbt::create(sample(), 2)));
}

// BIP370, "determining lock time".
TEST(Psbt, ChoosesTheLockTimeThatAllInputsAllow) {
    Psbt psbt = Psbt::create(sample(), 2);
    EXPECT_EQ(psbt.lock_time(), 7u);
    psbt.inputs[0].locks = {500'000'009, 50};
    EXPECT_EQ(psbt.lock_time(), 50u);
    psbt.inputs[1].locks = {500'000'010, std::nullopt};
    EXPECT_EQ(psbt.lock_time(), 500'000'010u);
    psbt.inputs[0].locks = {std::nullopt, 50};
    EXPECT_EQ(psbt.lock_time(), std::nullopt);
    EXPECT_FALSE(psbt.unsigned_tx().has_value());
}

TEST(Psbt, AddsOnlyWhatItsFlagsAllow) {
    Psbt psbt = Psbt::create(sample(), 2);
    PsbtInput input;
    input.prevout = {Txid(Uint256(Bytes(32, 9))), 0};
    EXPECT_FALSE(psbt.add_input(input));
    EXPECT_FALSE(psbt.add_output({}));
    psbt.modifiable = Psbt::kInputsModifiable;
    EXPECT_TRUE(psbt.add_input(input));
    EXPECT_FALSE(psbt.add_input(input));  // again
    EXPECT_FALSE(psbt.add_output({}));
    // Signed for another lock time.
    psbt.inputs[0].tap_key_sig = Bytes(64, 1);
    input.prevout.index = 1;
    input.locks.height = 50;
    EXPECT_FALSE(psbt.add_input(input));
}

TEST(Psbt, SurvivesWhateverBytes) {
    Psbt whole = Psbt::create(sample(), 2);
    whole.inputs[0].tap_scripts[{Bytes{0x51}, 0xc0}] = {Bytes(33, 0xc0)};
    whole.outputs[0].tap_tree = {{1, 0xc0, Bytes{0x51}}, {1, 0xc0, Bytes{0x52}}};
    const Bytes good = whole.serialize();
    FastRandom random(5);
    std::size_t valid = 0;
    for (int i = 0; i < 100'000; ++i) {
        Bytes bytes = good;
        for (std::uint64_t n = random.below(4) + 1; n > 0; --n) bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random.next());
        if (random.below(4) == 0) bytes.resize(random.below(bytes.size()));
        const auto psbt = Psbt::parse(bytes);
        if (!psbt) continue;
        ++valid;
        if (!psbt->unsigned_tx()) continue;
        ASSERT_TRUE(Psbt::parse(psbt->serialize()).has_value()) << to_hex(bytes);
    }
    EXPECT_GT(valid, 100u);
    // More inputs than any file has: magic, version 2, 2^25 inputs, 1 output, and the end.
    const auto huge = Psbt::parse(from_hex("70736274ff"
                                            "010204020000000104" "05fe00000002"
                                            "01050101" "01fb0402000000" "00").value());
    EXPECT_FALSE(huge.has_value());
}

}  // namespace
}  // namespace cairn::light
