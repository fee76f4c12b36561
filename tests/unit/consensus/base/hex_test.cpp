#include "consensus/base/hex.hpp"

#include <gtest/gtest.h>

namespace cairn {
namespace {

TEST(Hex, WritesEveryByteAtEveryPlace) {
    constexpr char kDigits[] = "0123456789abcdef";
    Bytes bytes;
    std::string expected;
    for (int i = 0; i < 600; ++i) {
        EXPECT_EQ(to_hex(bytes), expected);
        const auto byte = static_cast<std::uint8_t>(i * 7 + i / 256);
        bytes.push_back(byte);
        expected += kDigits[byte >> 4];
        expected += kDigits[byte & 15];
    }
    EXPECT_EQ(from_hex(expected), bytes);
}

TEST(Hex, AppendsBehindWhatIsThere) {
    std::string out = "x";
    append_hex(out, Bytes(17, 0xfa));
    EXPECT_EQ(out, "xfafafafafafafafafafafafafafafafafa");
}

}  // namespace
}  // namespace cairn
