#include "consensus/crypto/muhash.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/detail/mul_row.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn {
namespace {

Bytes element(std::uint8_t number) {
    Bytes bytes(32);
    bytes[0] = number;
    return bytes;
}

Num3072 random_number(FastRandom& random) {
    Bytes bytes(Num3072::kBytes);
    random.fill(bytes);
    return Num3072(bytes);
}

TEST(MuHash3072, HashesWhatBitcoinCoreHashes) {
    MuHash3072 set;
    set.insert(element(0)).insert(element(1)).remove(element(2));
    EXPECT_EQ(set.finish().to_display_hex(), "10d312b100cbd32ada024a6646e40d3482fcff103668d2625f10002a607d5863");
}

TEST(MuHash3072, DoesNotDependOnOrder) {
    MuHash3072 forward, backward, removed;
    for (std::uint8_t i = 0; i < 20; ++i) forward.insert(element(i));
    for (std::uint8_t i = 20; i-- > 0;) backward.insert(element(i));
    for (std::uint8_t i = 0; i < 40; ++i) removed.insert(element(i));
    for (std::uint8_t i = 20; i < 40; ++i) removed.remove(element(i));
    EXPECT_EQ(forward.finish(), backward.finish());
    EXPECT_EQ(forward.finish(), removed.finish());
    forward.normalize();
    removed.normalize();
    EXPECT_EQ(forward.serialize(), removed.serialize());
    EXPECT_EQ(MuHash3072::deserialize(removed.serialize()).finish(), backward.finish());
}

TEST(MuHash3072, JoinsAndSplitsSets) {
    MuHash3072 left, right, whole;
    left.insert(element(1)).insert(element(2));
    right.insert(element(3));
    whole.insert(element(1)).insert(element(2)).insert(element(3));
    EXPECT_EQ((MuHash3072(left) *= right).finish(), whole.finish());
    EXPECT_EQ((MuHash3072(whole) /= right).finish(), left.finish());
}

TEST(Num3072, InverseTimesNumberIsOne) {
    FastRandom random(5);
    for (int i = 0; i < 50; ++i) {
        Num3072 number = random_number(random);
        number *= number.inverse();
        ASSERT_TRUE(number.is_one());
    }
    Bytes small(Num3072::kBytes);
    for (const std::uint8_t value : {1, 2, 3, 255}) {
        small[0] = value;
        Num3072 number{ByteSpan(small)};
        number *= number.inverse();
        EXPECT_TRUE(number.is_one()) << int(value);
    }
}

TEST(Num3072, NumbersBeyondTheModulusWrapAround) {
    // 2^3072 - 1 is 1103716 beyond the modulus; the modulus itself is zero and has no inverse.
    Bytes state(MuHash3072::kSerializedSize);
    std::fill_n(state.begin(), Num3072::kBytes, std::uint8_t{0xff});
    state[Num3072::kBytes] = 1;
    EXPECT_EQ(to_hex(MuHash3072::deserialize(state).finish().span()),
              "3a31e6903aff0de9f62f9a9f7f8b861de76ce2cda09822b90014319ae5dc2271");

    const Num3072 largest{ByteSpan(Bytes(Num3072::kBytes, 0xff))};
    Bytes expected(Num3072::kBytes);
    expected[0] = 0x64, expected[1] = 0xd7, expected[2] = 0x10;
    const auto reduced = largest.to_bytes();
    EXPECT_EQ(Bytes(reduced.begin(), reduced.end()), expected);
    Num3072 square = largest;
    square.square();
    Num3072 small{ByteSpan(expected)};
    small.square();
    EXPECT_EQ(square.to_bytes(), small.to_bytes());

    Bytes modulus(Num3072::kBytes, 0xff);
    modulus[0] = 0x9b, modulus[1] = 0x28, modulus[2] = 0xef;
    const auto zero = Num3072(ByteSpan(modulus)).inverse().to_bytes();
    EXPECT_EQ(Bytes(zero.begin(), zero.end()), Bytes(Num3072::kBytes));
}

TEST(MulAddRow48, FastOneAgreesWithThePortableOne) {
    FastRandom random(9);
    for (int round = 0; round < 2000; ++round) {
        std::uint64_t sum[48], other[48], factors[48];
        const bool extreme = round % 4 == 0;
        for (int i = 0; i < 48; ++i) {
            sum[i] = other[i] = extreme ? ~std::uint64_t{0} : random.next();
            factors[i] = extreme || random.below(4) == 0 ? ~std::uint64_t{0} : random.next();
        }
        const std::uint64_t factor = extreme ? ~std::uint64_t{0} : random.next();
        const auto expected = detail::mul_add_row48_portable(sum, factors, factor);
        ASSERT_EQ(detail::mul_add_row48()(other, factors, factor), expected);
        ASSERT_TRUE(std::equal(sum, sum + 48, other));
    }
}

}  // namespace
}  // namespace cairn
