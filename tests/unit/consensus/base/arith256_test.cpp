#include "consensus/base/arith256.hpp"

#include <gtest/gtest.h>

#include <random>

namespace cairn {
namespace {

Arith256 number(const char* display_hex) { return Arith256(*Uint256::from_display_hex(display_hex)); }

const Arith256 kMax = ~Arith256(0);

TEST(Arith256, AddsAndSubtractsWithCarry) {
    EXPECT_EQ(kMax + Arith256(1), Arith256(0));
    EXPECT_EQ(Arith256(0) - Arith256(1), kMax);
    const Arith256 a = Arith256(UINT64_MAX) << 64;
    EXPECT_EQ((a + (Arith256(1) << 64)) >> 128, Arith256(1));
    EXPECT_EQ((Arith256(1) << 192) - Arith256(1), kMax >> 64);
}

TEST(Arith256, ShiftsAcrossLimbs) {
    for (unsigned bits = 0; bits < 256; ++bits) {
        const Arith256 bit = Arith256(1) << bits;
        EXPECT_EQ(bit.bit_length(), bits + 1);
        EXPECT_EQ(bit >> bits, Arith256(1));
    }
    EXPECT_TRUE((Arith256(1) << 256).is_zero());
}

TEST(Arith256, DividesSoThatQuotientTimesDivisorPlusRestIsTheNumber) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 2000; ++i) {
        Arith256 a;
        for (int limb = 0; limb < 4; ++limb) a = (a << 64) + Arith256(random());
        a >>= random() % 256;
        const std::uint64_t divisor = (random() >> (random() % 63)) | 1;
        const Arith256 quotient = a / Arith256(divisor);
        const Arith256 rest = a - quotient * divisor;
        EXPECT_LT(rest, Arith256(divisor));
        EXPECT_EQ(quotient * divisor + rest, a);
    }
    EXPECT_EQ(kMax / kMax, Arith256(1));
    EXPECT_EQ(Arith256(5) / kMax, Arith256(0));
    EXPECT_EQ(kMax / (Arith256(1) << 224), Arith256(0xffffffff));
}

TEST(Arith256, ComparesAsNumbers) {
    EXPECT_LT(Arith256(UINT64_MAX), Arith256(1) << 64);
    EXPECT_GT(kMax, kMax >> 1);
    EXPECT_EQ(number("00000000000000000000000000000000000000000000000000000000000000ff"), Arith256(255));
    EXPECT_DOUBLE_EQ((Arith256(3) << 200).to_double(), 3 * 0x1p200);
}

// Encodings by the rules of the "bits" field: size byte, sign bit, 23-bit mantissa.
TEST(CompactTarget, DecodesSizeSignAndOverflow) {
    EXPECT_EQ(decode_compact(0x1d00ffff).target, Arith256(0xffff) << 208);
    EXPECT_EQ(decode_compact(0x01123456).target, Arith256(0x12));
    EXPECT_EQ(decode_compact(0x02123456).target, Arith256(0x1234));
    EXPECT_TRUE(decode_compact(0x00123456).target.is_zero());
    EXPECT_TRUE(decode_compact(0x04923456).negative);
    EXPECT_TRUE(decode_compact(0x01803456).target.is_zero());
    EXPECT_FALSE(decode_compact(0x01803456).negative) << "a mantissa shifted out has no sign";
    EXPECT_TRUE(decode_compact(0xff123456).overflow);
    EXPECT_TRUE(decode_compact(0x23000001).overflow);
    EXPECT_FALSE(decode_compact(0x22000001).overflow);
    EXPECT_FALSE(decode_compact(0x1d00ffff).overflow || decode_compact(0x1d00ffff).negative);
}

TEST(CompactTarget, EncodesTheShortestFormWithoutASign) {
    for (std::uint32_t bits : {0x1d00ffffu, 0x207fffffu, 0x170ed0ebu, 0x04123456u, 0x05009234u, 0x20123456u}) {
        EXPECT_EQ(encode_compact(decode_compact(bits).target), bits);
    }
    EXPECT_EQ(encode_compact(Arith256(0)), 0u);
    EXPECT_EQ(encode_compact(Arith256(0x80)), 0x02008000u);
    EXPECT_EQ(encode_compact(Arith256(0x1234560000)), 0x05123456u);
}

}  // namespace
}  // namespace cairn
