#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/ecc.hpp"
#include "consensus/rules/params.hpp"
#include "node/rpc/methods.hpp"
#include "tests/support/rpc_desk.hpp"

namespace cairn::node {
namespace {

std::string key(std::uint8_t number, bool compressed = true) {
    const PublicKey point = PrivateKey::parse(Bytes(32, number))->public_key();
    return "\"" + (compressed ? to_hex(point.compressed()) : to_hex(point.uncompressed())) + "\"";
}
std::string keys(std::uint8_t count) {
    std::string list;
    for (std::uint8_t i = 1; i <= count; ++i) list += (i > 1 ? "," : "") + key(i);
    return "[" + list + "]";
}

class CreateMultisig : public ::testing::Test, protected test::RpcDesk {
protected:
    CreateMultisig() : params_(make_params(Network::regtest)) {
        context_.params = params_.get();
        add_multisig_methods(table_, context_);
        open();
    }
    std::string ask(const std::string& params) { return RpcDesk::ask("createmultisig", params); }
    UniValue made(const std::string& params) { return parsed("createmultisig", params); }

    ChainParamsPtr params_;
};

TEST_F(CreateMultisig, MakesTheAddressThatIsAskedFor) {
    EXPECT_EQ(made("[2," + keys(3) + "]")["address"].get_str()[0], '2');
    EXPECT_EQ(made("[2," + keys(3) + ",\"p2sh-segwit\"]")["descriptor"].get_str().substr(0, 15), "sh(wsh(multi(2,");
    const UniValue bech32 = made("[2," + keys(3) + ",\"bech32\"]");
    EXPECT_EQ(bech32["address"].get_str().substr(0, 6), "bcrt1q");
    EXPECT_EQ(bech32["descriptor"].get_str().substr(0, 12), "wsh(multi(2,");
    EXPECT_EQ(bech32["redeemScript"].get_str().substr(0, 4), "5221");
    EXPECT_FALSE(bech32.exists("warnings"));
    EXPECT_EQ(made("[17," + keys(20) + ",\"bech32\"]")["redeemScript"].get_str().substr(0, 4), "0111") << "beyond 16 counts are pushed";
}

TEST_F(CreateMultisig, FallsBackToLegacyForUncompressedKeys) {
    const UniValue answer = made("[1,[" + key(1) + "," + key(2, false) + "],\"bech32\"]");
    EXPECT_EQ(answer["address"].get_str()[0], '2');
    EXPECT_EQ(answer["warnings"][0].get_str(), "Unable to make chosen address type, please ensure no uncompressed public keys are present.");
    EXPECT_FALSE(made("[1,[" + key(2, false) + "]]").exists("warnings"));
}

TEST_F(CreateMultisig, SaysWhatIsWrong) {
    EXPECT_EQ(ask("[0," + keys(1) + "]"), "-8: a multisignature address must require at least one key to redeem");
    EXPECT_EQ(ask("[2," + keys(1) + "]"), "-8: not enough keys supplied (got 1 keys, but need at least 2 to redeem)");
    EXPECT_EQ(ask("[16," + keys(21) + "]"),
              "-8: Number of keys involved in the multisignature address creation > 20\nReduce the number");
    EXPECT_EQ(ask("[16," + keys(20) + "]"), "-8: redeemScript exceeds size limit: 684 > 520");
    EXPECT_EQ(ask("[1," + keys(1) + ",\"bech32m\"]"), "-5: createmultisig cannot create bech32m multisig addresses");
    EXPECT_EQ(ask("[1," + keys(1) + ",\"x\"]"), "-5: Unknown address type 'x'");
    EXPECT_EQ(ask("[1,[\"zz\"]]"), "-5: Pubkey \"zz\" must be a hex string");
    EXPECT_EQ(ask("[1,[\"aa\"]]"), "-5: Pubkey \"aa\" must have a length of either 33 or 65 bytes");
    const std::string off_curve = "02" + std::string(64, 'f');
    EXPECT_EQ(ask("[1,[\"" + off_curve + "\"]]"), "-5: Pubkey \"" + off_curve + "\" must be cryptographically valid.");
}

}  // namespace
}  // namespace cairn::node
