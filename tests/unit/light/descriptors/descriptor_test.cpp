#include "light/descriptors/descriptor.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/rules/params.hpp"

namespace cairn::light {
namespace {

const std::string kKey = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

const ChainParams& mainnet() {
    static const ChainParamsPtr params = make_params(Network::mainnet);
    return *params;
}

std::vector<std::string> scripts(const std::string& text, std::uint32_t index = 0) {
    const auto descriptor = parse_descriptor(text, mainnet(), false);
    EXPECT_TRUE(descriptor) << text << ": " << descriptor.error();
    std::vector<std::string> result;
    if (!descriptor) return result;
    const auto made = descriptor->scripts(index);
    if (!made) return result;
    for (const Bytes& script : *made) result.push_back(to_hex(script));
    return result;
}

std::string error(const std::string& text, bool require_checksum = false) {
    const auto descriptor = parse_descriptor(text, mainnet(), require_checksum);
    return descriptor ? "none" : descriptor.error();
}

// Checksums of BIP380.
TEST(DescriptorChecksum, MatchesTheSpecification) {
    EXPECT_EQ(descriptor_checksum("raw(deadbeef)"), "89f8spxm");
    EXPECT_EQ(error("raw(deadbeef)#89f8spxm", true), "none");
    EXPECT_EQ(error("raw(deadbeef)", true), "Missing checksum");
    EXPECT_EQ(error("raw(deadbeef)#"), "Expected 8 character checksum, not 0 characters");
    EXPECT_EQ(error("raw(deadbeef)#89f8spxmx"), "Expected 8 character checksum, not 9 characters");
    EXPECT_EQ(error("raw(deedbeef)#89f8spxm").substr(0, 28), "Provided checksum '89f8spxm'");
    EXPECT_EQ(error("raw(deadbeef)##9f8spxm"), "Multiple '#' symbols");
    EXPECT_EQ(error("raw(Ü)#00000000"), "Invalid characters in payload");
}

// Scripts of BIP381 and BIP382.
TEST(Descriptor, MakesTheScriptsOfTheSpecifications) {
    EXPECT_EQ(scripts("pk(L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1)")[0],
              "2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac");
    EXPECT_EQ(scripts("pkh(03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)")[0],
              "76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac");
    EXPECT_EQ(scripts("wpkh(03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)")[0],
              "00149a1c78a507689f6f54b847ad1cef1e614ee23f1e");
    EXPECT_EQ(scripts("sh(wpkh(03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd))")[0],
              "a91484ab21b1b2fd065d4504ff693d832434b6108d7b87");
    EXPECT_EQ(scripts("combo(" + kKey + ")").size(), 4u);
    EXPECT_EQ(scripts("raw(deadbeef)")[0], "deadbeef");
}

// BIP386: tr() with a key alone.
TEST(Descriptor, TweaksTaprootKeys) {
    EXPECT_EQ(scripts("tr(a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)")[0],
              "512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11");
    EXPECT_EQ(scripts("tr(a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd,pk("
                      "669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a929adbec52421adbd0))")[0],
              "512017cf18db381d836d8923b1bdb246cfcd818da1a9f0e6e7907f187f0b2f937754");
}

TEST(Descriptor, DerivesFromExtendedKeys) {
    const std::string xpub =
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet"
        "8";
    const auto ranged = parse_descriptor("wpkh(" + xpub + "/0/*)", mainnet(), false);
    ASSERT_TRUE(ranged);
    EXPECT_TRUE(ranged->is_range());
    EXPECT_NE(scripts("wpkh(" + xpub + "/0/*)", 0), scripts("wpkh(" + xpub + "/0/*)", 1));
    EXPECT_EQ(scripts("wpkh(" + xpub + "/0/*)", 1), scripts("wpkh(" + xpub + "/0/1)"));
    EXPECT_TRUE(scripts("wpkh(" + xpub + "/0h)").empty());
}

TEST(Descriptor, ShowsItsUsualForm) {
    const auto shown = [](const std::string& text) { return parse_descriptor(text, mainnet(), false)->to_string(); };
    EXPECT_EQ(shown("pk(" + kKey + ")"), "pk(" + kKey + ")#gn28ywm7");
    const std::string tree =
        "tr(" + kKey.substr(2) + ",{pk(" + kKey.substr(2) + "),multi_a(1," + kKey.substr(2) + ")})";
    EXPECT_EQ(shown(tree).substr(0, tree.size()), tree);
}

TEST(Descriptor, RefusesWhatStandsInTheWrongPlace) {
    EXPECT_EQ(error("sh(sh(pk(" + kKey + ")))"), "Can only have sh() at top level");
    EXPECT_EQ(error("wsh(wpkh(" + kKey + "))"), "Can only have wpkh() at top level or inside sh()");
    EXPECT_EQ(error("sh(" + kKey + ")"), "A function is needed within P2SH");
    EXPECT_EQ(error("foo(1)"), "'foo(1)' is not a valid descriptor function");
    EXPECT_EQ(error("multi(2," + kKey + ")"),
              "Multisig threshold cannot be larger than the number of keys; threshold is 2 but only 1 keys specified");
    EXPECT_EQ(error("multi(0," + kKey + ")"), "Multisig threshold cannot be 0, must be at least 1");
    EXPECT_EQ(error("pkh()"), "pkh(): No key provided");
    EXPECT_EQ(error("raw(zz)"), "Raw script is not hex");
    EXPECT_EQ(error("addr(x)"), "Address is not valid");
    EXPECT_EQ(error("tr(" + kKey.substr(2) + "," + std::string(200, '{') + ")"),
              "tr() supports at most 128 nesting levels");
}

TEST(DescriptorInference, FindsTheMostTellingForm) {
    const auto infer = [](const char* hex) { return infer_descriptor(*from_hex(hex), mainnet()); };
    EXPECT_TRUE(infer("210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798ac").starts_with("pk("));
    EXPECT_TRUE(
        infer("51210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f8179851ae").starts_with("multi(1,"));
    EXPECT_TRUE(infer("512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").starts_with("rawtr("));
    EXPECT_TRUE(infer("00140000000000000000000000000000000000000000").starts_with("addr(bc1q"));
    EXPECT_TRUE(infer("6a00").starts_with("raw(6a00)#"));
}

}  // namespace
}  // namespace cairn::light
