#include "consensus/base/codec.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"

namespace cairn {
namespace {

TEST(Codec, WritesAndReadsEveryField) {
    Bytes bytes;
    Writer writer(bytes);
    writer.u8(0x12);
    writer.u16(0x3456);
    writer.u16_be(8333);
    writer.u32(0x789abcde);
    writer.u64(0x0123456789abcdef);
    writer.i32(-2);
    writer.i64(-3);
    const Uint256 hash = *Uint256::from_display_hex("00000000000000000000000000000000000000000000000000000000000000ff");
    writer.uint256(hash);
    writer.var_bytes(as_bytes("cairn"));
    EXPECT_EQ(to_hex(ByteSpan(bytes).first(5)), "125634208d");

    Reader reader(bytes);
    EXPECT_EQ(reader.u8(), 0x12);
    EXPECT_EQ(reader.u16(), 0x3456);
    EXPECT_EQ(reader.u16_be(), 8333);
    EXPECT_EQ(reader.u32(), 0x789abcdeu);
    EXPECT_EQ(reader.u64(), 0x0123456789abcdefu);
    EXPECT_EQ(reader.i32(), -2);
    EXPECT_EQ(reader.i64(), -3);
    EXPECT_EQ(reader.uint256(), hash);
    EXPECT_EQ(as_text(reader.var_bytes()), "cairn");
    reader.expect_end();
    EXPECT_TRUE(reader.ok());
}

TEST(Codec, CompactSizeTakesTheShortestFormAndOnlyThat) {
    for (std::uint64_t value : {0ull, 252ull, 253ull, 0xffffull, 0x10000ull, 0x02000000ull}) {
        Bytes bytes;
        Writer(bytes).compact_size(value);
        EXPECT_EQ(bytes.size(), compact_size_length(value));
        Reader reader(bytes);
        EXPECT_EQ(reader.compact_size(), value);
        EXPECT_TRUE(reader.ok());
    }
    for (const char* padded : {"fdfc00", "feffff0000", "ffffffffff00000000"}) {
        const Bytes bytes = *from_hex(padded);
        Reader reader(bytes);
        reader.compact_size(UINT64_MAX);
        EXPECT_EQ(reader.error(), DecodeError::non_canonical_size) << padded;
    }
    const Bytes large = *from_hex("fe01000002");
    Reader reader(large);
    reader.compact_size();
    EXPECT_EQ(reader.error(), DecodeError::size_too_large);
}

TEST(Codec, KeepsTheFirstErrorAndReadsNothingAfterIt) {
    const Bytes bytes = *from_hex("0102");
    Reader reader(bytes);
    EXPECT_EQ(reader.u32(), 0u);
    EXPECT_EQ(reader.error(), DecodeError::truncated);
    EXPECT_EQ(reader.u8(), 0);
    EXPECT_TRUE(reader.bytes(1).empty());
    reader.expect_end();
    EXPECT_EQ(reader.error(), DecodeError::truncated);
}

TEST(Codec, ReportsTrailingBytes) {
    const Bytes bytes = *from_hex("0102");
    Reader reader(bytes);
    reader.u8();
    reader.expect_end();
    EXPECT_EQ(reader.error(), DecodeError::trailing_bytes);
}

TEST(Hex, RefusesWhatIsNotPairsOfDigits) {
    EXPECT_EQ(to_hex(*from_hex("00Ff7a")), "00ff7a");
    EXPECT_TRUE(from_hex("")->empty());
    for (const char* bad : {"0", "0g", "0x00", " 00", "00 "}) EXPECT_FALSE(from_hex(bad)) << bad;
    EXPECT_TRUE(is_hex("00"));
    EXPECT_FALSE(is_hex(""));
}

TEST(Uint256, ShowsTheBytesReversed) {
    const std::string text = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
    const auto hash = Uint256::from_display_hex(text);
    ASSERT_TRUE(hash);
    EXPECT_EQ(hash->data()[0], 0x6f);
    EXPECT_EQ(hash->to_display_hex(), text);
    EXPECT_FALSE(Uint256::from_display_hex(text.substr(1)));
    EXPECT_FALSE(hash->is_null());
    EXPECT_TRUE(Uint256().is_null());
}

}  // namespace
}  // namespace cairn
