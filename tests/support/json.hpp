#pragma once

#include <univalue.h>

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "tests/support/vectors.hpp"

namespace cairn::test {

/// A JSON file; a test failure and null when it cannot be read.
inline UniValue load_json(const std::filesystem::path& path) {
    UniValue value;
    EXPECT_TRUE(value.read(read_text(path))) << path << " is not JSON";
    return value;
}

/// The bytes of a hex string in a vector; a test failure and nothing when it is not one.
inline Bytes hex_of(const UniValue& value) {
    const auto bytes = from_hex(value.get_str());
    EXPECT_TRUE(bytes.has_value()) << value.write() << " is not hex";
    return bytes.value_or(Bytes{});
}

}  // namespace cairn::test
