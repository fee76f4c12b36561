#include "light/descriptors/miniscript.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"

namespace cairn::light {
namespace {

const std::string kKeyA = "0250929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";
const std::string kKeyB = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

std::string infer(const std::string& hex) {
    return infer_miniscript(*from_hex(hex)).value_or("none");
}

TEST(Miniscript, IsFoundInScriptsOfHashLocksAndTimeLocks) {
    EXPECT_EQ(infer("82012088a914ffffffffffffffffffffffffffffffffffffffff8821" + kKeyA + "ad51b2"),
              "and_v(and_v(v:hash160(ffffffffffffffffffffffffffffffffffffffff),v:pk(" + kKeyA + ")),older(1))");
    EXPECT_EQ(infer("21" + kKeyA + "ad51b2"), "and_v(v:pk(" + kKeyA + "),older(1))");
}

TEST(Miniscript, IsFoundInBranches) {
    // pk(A) or, after ten blocks, pk(B)
    EXPECT_EQ(infer("21" + kKeyA + "ac736421" + kKeyB + "ad5ab268"),
              "or_d(pk(" + kKeyA + "),and_v(v:pk(" + kKeyB + "),older(10)))");
    EXPECT_EQ(infer("6321" + kKeyA + "ac6721" + kKeyB + "ac68"), "or_i(pk(" + kKeyA + "),pk(" + kKeyB + "))");
    EXPECT_EQ(infer("21" + kKeyA + "ac7c21" + kKeyB + "ac9b"), "or_b(pk(" + kKeyA + "),s:pk(" + kKeyB + "))");
    EXPECT_EQ(infer("21" + kKeyA + "ac7c21" + kKeyB + "ac935287"), "thresh(2,pk(" + kKeyA + "),s:pk(" + kKeyB + "))");
}

TEST(Miniscript, IsNotFoundWhereItWouldNotBeSane) {
    EXPECT_EQ(infer("51"), "none");                                          // anyone may spend
    EXPECT_EQ(infer("21" + kKeyA + "ac7c21" + kKeyA + "ac935287"), "none");  // the same key twice
    EXPECT_EQ(infer("82012088a914ffffffffffffffffffffffffffffffffffffffff882102" + std::string(64, 'f') + "acb2"),
              "none");
    EXPECT_EQ(infer("0121" + kKeyA), "none");
    EXPECT_EQ(infer("21" + kKeyA + "ac69"), "none");  // verify on its own where one opcode would do
    EXPECT_EQ(infer("00"), "0");                      // nobody can spend: as sane as it gets
}

TEST(Miniscript, IsNotLookedForInHugeOrDeepScripts) {
    EXPECT_EQ(infer(std::string(7202, '0')), "none");
    std::string nested;
    for (int i = 0; i < 1500; ++i) nested += "63";
    for (int i = 0; i < 1500; ++i) nested += "68";
    EXPECT_EQ(infer(nested), "none");
}

}  // namespace
}  // namespace cairn::light
