#include "consensus/crypto/scrypt.hpp"

#include <string_view>

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"

namespace cairn {
namespace {

ByteSpan bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

// RFC 7914, section 12.
TEST(Scrypt, GivesTheKeysOfTheRfc) {
    struct Case {
        std::string_view password, salt;
        ScryptCost cost;
        std::string_view key;
    };
    for (const Case& c : {Case{"", "", {4, 1, 1},
                               "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"},
                          Case{"password", "NaCl", {10, 8, 16},
                               "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
                          Case{"pleaseletmein", "SodiumChloride", {14, 8, 1},
                               "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"}})
        EXPECT_EQ(to_hex(scrypt(bytes_of(c.password), bytes_of(c.salt), c.cost, 64)), c.key) << c.password;
}

TEST(Scrypt, RefusesCostsThatTakeTooMuchOrAreNone) {
    EXPECT_TRUE(kDefaultScryptCost.is_sane());
    EXPECT_TRUE((ScryptCost{18, 8, 1}.is_sane()));
    for (const ScryptCost cost : {ScryptCost{}, ScryptCost{0, 8, 1}, ScryptCost{16, 0, 1}, ScryptCost{16, 8, 0}, ScryptCost{20, 8, 1},
                                  ScryptCost{16, 1, 1}, ScryptCost{25, 1, 1}, ScryptCost{63, 8, 1}, ScryptCost{64, 8, 1},
                                  ScryptCost{0xffffffff, 0xffffffff, 0xffffffff}, ScryptCost{16, 8, 65}, ScryptCost{1, 65, 1},
                                  ScryptCost{18, 8, 64}})
        EXPECT_FALSE(cost.is_sane()) << cost.log_n << " " << cost.r << " " << cost.p;
}

}  // namespace
}  // namespace cairn
