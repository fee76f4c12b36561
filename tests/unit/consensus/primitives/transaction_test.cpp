#include "consensus/primitives/transaction.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn {
namespace {

constexpr const char* kNoWitness =
    "01000000" "01" "1111111111111111111111111111111111111111111111111111111111111111" "02000000" "0151" "ffffffff"
    "02" "0100000000000000" "0151" "0200000000000000" "00" "07000000";
constexpr const char* kWithWitness =
    "02000000" "0001" "01" "1111111111111111111111111111111111111111111111111111111111111111" "02000000" "00" "fdffffff"
    "01" "0100000000000000" "0151" "02" "03aabbcc" "00" "07000000";

DecodeError error_of(const std::string& hex, bool allow_witness = true) {
    const auto parsed = TransactionHolder::parse(*from_hex(hex), allow_witness);
    return parsed ? DecodeError::none : parsed.error();
}

TEST(Transaction, ReadsFieldsWithoutWitness) {
    const auto tx = *TransactionHolder::parse(*from_hex(kNoWitness));
    EXPECT_EQ(tx->tx().version, 1u);
    EXPECT_EQ(tx->tx().lock_time, 7u);
    ASSERT_EQ(tx->tx().inputs.size(), 1u);
    EXPECT_EQ(tx->tx().inputs[0].prevout.index, 2u);
    EXPECT_EQ(to_hex(tx->tx().inputs[0].script_sig), "51");
    ASSERT_EQ(tx->tx().outputs.size(), 2u);
    EXPECT_EQ(tx->tx().outputs[1].value, 2);
    EXPECT_FALSE(tx->tx().has_witness());
    EXPECT_EQ(static_cast<const Uint256&>(tx->tx().txid), static_cast<const Uint256&>(tx->tx().wtxid));
    EXPECT_EQ(tx->tx().weight(), 4 * static_cast<std::int64_t>(tx->tx().raw.size()));
}

TEST(Transaction, HashesWitnessOnlyIntoWtxid) {
    const auto tx = *TransactionHolder::parse(*from_hex(kWithWitness));
    ASSERT_EQ(tx->tx().inputs[0].witness.size(), 2u);
    EXPECT_EQ(to_hex(tx->tx().inputs[0].witness[0]), "aabbcc");
    EXPECT_TRUE(tx->tx().inputs[0].witness[1].empty());
    Bytes stripped;
    Writer writer(stripped);
    tx->tx().write_stripped(writer);
    EXPECT_EQ(stripped.size(), tx->tx().stripped_size);
    EXPECT_EQ(static_cast<const Uint256&>(tx->tx().txid), hash256(stripped));
    EXPECT_EQ(static_cast<const Uint256&>(tx->tx().wtxid), hash256(tx->tx().raw));
    EXPECT_EQ(tx->tx().weight(), 3 * 61 + 69);
    EXPECT_EQ(tx->tx().vsize(), 63);
    // The stripped bytes are a transaction of their own, with the same id.
    EXPECT_EQ((*TransactionHolder::parse(stripped))->tx().txid, tx->tx().txid);
}

TEST(Transaction, ReadsMarkerAsEmptyInputsWhenWitnessIsNotAllowed) {
    // Version, no input, one output whose value and script come from what BIP144 would call flag, inputs and so on.
    const std::string hex = "02000000" "00" "01" "0100000000000000" "0151" "00000000";
    const auto old = TransactionHolder::parse(*from_hex(hex), false);
    ASSERT_TRUE(old);
    EXPECT_TRUE((*old)->tx().inputs.empty());
    EXPECT_EQ((*old)->tx().outputs.size(), 1u);
    EXPECT_NE(error_of(hex), DecodeError::none);
}

TEST(Transaction, ReadsNoInputsAndNoOutputs) {
    const auto tx = TransactionHolder::parse(*from_hex("020000000000" "05000000"));
    ASSERT_TRUE(tx);
    EXPECT_TRUE((*tx)->tx().inputs.empty());
    EXPECT_TRUE((*tx)->tx().outputs.empty());
    EXPECT_EQ((*tx)->tx().lock_time, 5u);
    EXPECT_FALSE((*tx)->tx().has_witness());
}

TEST(Transaction, RefusesSuperfluousWitness) {
    EXPECT_EQ(error_of("02000000" "0001" "01" "1111111111111111111111111111111111111111111111111111111111111111" "02000000" "00"
                       "fdffffff" "01" "0100000000000000" "0151" "00" "07000000"),
              DecodeError::superfluous_witness);
    EXPECT_EQ(error_of("02000000" "0001" "00" "00" "07000000"), DecodeError::superfluous_witness);
}

TEST(Transaction, RefusesUnknownFlags) {
    for (const char* flag : {"02", "03", "80"}) {
        std::string hex = kWithWitness;
        hex.replace(10, 2, flag);
        EXPECT_NE(error_of(hex), DecodeError::none) << flag;
    }
    std::string both = kWithWitness;
    both.replace(10, 2, "03");
    EXPECT_EQ(error_of(both), DecodeError::unknown_flags);
}

TEST(Transaction, RefusesEveryTruncation) {
    for (const char* hex : {kNoWitness, kWithWitness}) {
        const Bytes whole = *from_hex(hex);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            EXPECT_FALSE(TransactionHolder::parse(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
        }
        Bytes longer = whole;
        longer.push_back(0);
        const auto parsed = TransactionHolder::parse(longer);
        ASSERT_FALSE(parsed);
        EXPECT_EQ(parsed.error(), DecodeError::trailing_bytes);
    }
}

TEST(Transaction, BoundsCountsByTheBytesThatRemain) {
    EXPECT_EQ(error_of("01000000" "feffffff01" "00"), DecodeError::truncated);
    EXPECT_EQ(error_of("01000000" "ffffffffffffffffff" "00"), DecodeError::size_too_large);
    EXPECT_EQ(error_of("01000000" "fd0100" "00"), DecodeError::non_canonical_size);
}

TEST(MutableTransaction, WritesBackWhatWasRead) {
    for (const char* hex : {kNoWitness, kWithWitness}) {
        const auto tx = *TransactionHolder::parse(*from_hex(hex));
        const MutableTransaction copy(tx->tx());
        EXPECT_EQ(to_hex(copy.serialize()), hex);
        EXPECT_EQ(copy.finish()->tx().wtxid, tx->tx().wtxid);
    }
    const MutableTransaction witness((*TransactionHolder::parse(*from_hex(kWithWitness)))->tx());
    EXPECT_EQ(witness.serialize(false).size(), 61u);
}

TEST(MutableTransaction, FinishesWithoutInputs) {
    MutableTransaction tx;
    tx.outputs.push_back({1, {0x51}});
    const TransactionPtr finished = tx.finish();
    EXPECT_TRUE(finished->tx().inputs.empty());
    EXPECT_EQ(finished->tx().outputs.size(), 1u);
}

}  // namespace
}  // namespace cairn
