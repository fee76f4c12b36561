#pragma once

#include <univalue.h>

#include <iostream>

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/base/uint256.hpp"
#include "tests/support/vectors.hpp"

namespace cairn::test {

inline UniValue read_json(const std::filesystem::path& path) {
    UniValue json;
    EXPECT_TRUE(json.read(read_text(path))) << path;
    return json;
}

/// Bytes of hex digits; a test fails when they are not.
inline Bytes hex(const std::string& text) {
    auto bytes = from_hex(text);
    EXPECT_TRUE(bytes) << text;
    return bytes.value_or(Bytes());
}
inline Bytes hex(const UniValue& value) {
    return hex(value.get_str());
}

/// 64 hex digits in memory order.
inline Uint256 word(const std::string& text) {
    const Bytes bytes = hex(text);
    EXPECT_EQ(bytes.size(), 32u) << text;
    return bytes.size() == 32 ? Uint256(bytes) : Uint256();
}
inline Uint256 word(const UniValue& value) {
    return word(value.get_str());
}

template <std::size_t N>
std::array<std::uint8_t, N> array(const std::string& text) {
    const Bytes bytes = hex(text);
    EXPECT_EQ(bytes.size(), N) << text;
    std::array<std::uint8_t, N> result{};
    std::copy_n(bytes.begin(), std::min(N, bytes.size()), result.begin());
    return result;
}

/// Compared with what to_hex writes.
inline std::string lower(std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

/// At the end of a test. A folder of vectors need not hold every kind of file.
inline void report(const char* what, std::size_t count) {
    std::cout << what << ": " << count << " cases\n";
    if (count == 0) GTEST_SKIP() << "no vectors of this kind";
}

}  // namespace cairn::test
