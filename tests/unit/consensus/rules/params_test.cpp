#include "consensus/rules/params.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/subsidy.hpp"

namespace cairn {
namespace {

constexpr Network kAll[] = {Network::mainnet, Network::testnet3, Network::testnet4, Network::signet, Network::regtest};

TEST(Params, GenesisBlocksHaveTheirKnownHashesAndWork) {
    const std::pair<Network, const char*> known[] = {
        {Network::mainnet, "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"},
        {Network::testnet3, "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943"},
        {Network::testnet4, "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043"},
        {Network::signet, "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6"},
        {Network::regtest, "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"},
    };
    for (const auto& [network, hash] : known) {
        const ChainParamsPtr params = make_params(network);
        EXPECT_EQ(params->genesis_hash().to_display_hex(), hash);
        EXPECT_EQ(params->network, network);
        EXPECT_TRUE(rules::check_proof_of_work(params->genesis_hash(), params->genesis->header().bits, *params));
        EXPECT_EQ(network_by_name(params->name()), network);
        EXPECT_EQ(network_by_magic(params->magic), network);
    }
    EXPECT_EQ(network_by_name("testnet3"), std::nullopt);
    const std::array<std::uint8_t, 4> unknown{1, 2, 3, 4};
    EXPECT_EQ(network_by_magic(unknown), std::nullopt);
}

TEST(Params, RetargetFitsWithoutOverflow) {
    for (const Network network : kAll) {
        const ChainParamsPtr params = make_params(network);
        // The limit is not smaller than its own compact form, and four times the target fits into 256 bits.
        EXPECT_LE(decode_compact(params->genesis->header().bits).target, params->pow_limit);
        EXPECT_EQ(params->pow_target_timespan % params->pow_target_spacing, 0);
        if (params->no_retargeting) continue;
        Arith256 room = ~Arith256(0);
        room /= Arith256(static_cast<std::uint64_t>(params->pow_target_timespan) * 4);
        EXPECT_LT(params->pow_limit, room);
    }
}

TEST(Params, SignetsMagicComesFromItsChallenge) {
    EXPECT_EQ(to_hex(make_params(Network::signet)->magic), "0a03cf40");
    const ChainParamsPtr custom = make_params(Network::signet, {.signet_challenge = Bytes{0x51}});
    EXPECT_EQ(to_hex(custom->magic), "54d26fbd");
    EXPECT_TRUE(custom->dns_seeds.empty());
    EXPECT_TRUE(custom->minimum_chain_work.is_zero());
    EXPECT_TRUE(custom->default_assume_valid.is_null());
    const ChainParamsPtr seeded = make_params(Network::signet, {.signet_seeds = std::vector<std::string>{"a.invalid"}});
    EXPECT_EQ(seeded->dns_seeds, std::vector<std::string>{"a.invalid"});
}

TEST(Params, RegtestTakesItsOptions) {
    ChainOptions options;
    ASSERT_TRUE(add_activation_height(options, "segwit@120"));
    ASSERT_TRUE(add_activation_height(options, "cltv@7"));
    ASSERT_TRUE(add_activation_height(options, "dersig@8"));
    ASSERT_TRUE(add_activation_height(options, "bip34@9"));
    ASSERT_TRUE(add_activation_height(options, "csv@0"));
    ASSERT_TRUE(add_version_bits(options, "testdummy:100:200:432"));
    options.fast_prune = options.enforce_bip94 = true;
    const ChainParamsPtr params = make_params(Network::regtest, options);
    EXPECT_EQ(params->segwit_height, 120);
    EXPECT_EQ(params->bip65_height, 7);
    EXPECT_EQ(params->bip66_height, 8);
    EXPECT_EQ(params->bip34_height, 9);
    EXPECT_TRUE(params->active_at(BuriedDeployment::csv, 0));
    EXPECT_FALSE(params->active_at(BuriedDeployment::segwit, 119));
    EXPECT_TRUE(params->active_at(BuriedDeployment::segwit, 120));
    const Bip9Deployment& dummy = params->deployment(SignalledDeployment::testdummy);
    EXPECT_EQ(dummy.start_time, 100);
    EXPECT_EQ(dummy.timeout, 200);
    EXPECT_EQ(dummy.min_activation_height, 432);
    EXPECT_EQ(params->prune_after_height, 100);
    EXPECT_TRUE(params->enforce_bip94);
}

TEST(Params, ComplainAboutOptionsAsCoreDoes) {
    ChainOptions options;
    const auto height = [&](const char* text) { return add_activation_height(options, text).error(); };
    EXPECT_EQ(height("segwit"), "Invalid format (segwit) for -testactivationheight=name@height.");
    EXPECT_EQ(height("bip65@1"), "Invalid name (bip65@1) for -testactivationheight=name@height.");
    EXPECT_EQ(height("csv@-1"), "Invalid height value (csv@-1) for -testactivationheight=name@height.");
    EXPECT_EQ(height("csv@2147483647"), "Invalid height value (csv@2147483647) for -testactivationheight=name@height.");
    EXPECT_EQ(height("csv@1x"), "Invalid height value (csv@1x) for -testactivationheight=name@height.");
    const auto bits = [&](const char* text) { return add_version_bits(options, text).error(); };
    EXPECT_EQ(bits("testdummy:1"), "Version bits parameters malformed, expecting deployment:start:end[:min_activation_height]");
    EXPECT_EQ(bits("testdummy:a:1"), "Invalid nStartTime (a)");
    EXPECT_EQ(bits("testdummy:1:b"), "Invalid nTimeout (b)");
    EXPECT_EQ(bits("testdummy:1:2:c"), "Invalid min_activation_height (c)");
    EXPECT_EQ(bits("taproot:1:2"), "Invalid deployment (taproot)");
    EXPECT_TRUE(options.activation_heights.empty() && options.version_bits.empty());
}

TEST(Subsidy, HalvesUntilNothingIsLeft) {
    const ChainParamsPtr params = make_params(Network::mainnet);
    EXPECT_EQ(rules::block_subsidy(0, *params), 50 * kCoin);
    EXPECT_EQ(rules::block_subsidy(209'999, *params), 50 * kCoin);
    EXPECT_EQ(rules::block_subsidy(210'000, *params), 25 * kCoin);
    EXPECT_EQ(rules::block_subsidy(32 * 210'000, *params), 1);
    EXPECT_EQ(rules::block_subsidy(33 * 210'000, *params), 0);
    EXPECT_EQ(rules::block_subsidy(64 * 210'000, *params), 0);
    Amount sum = 0;
    for (Height period = 0; period < 64; ++period) sum += rules::block_subsidy(period * 210'000, *params) * 210'000;
    EXPECT_EQ(sum, 2'099'999'997'690'000);
    EXPECT_EQ(rules::block_subsidy(150, *make_params(Network::regtest)), 25 * kCoin);
}

}  // namespace
}  // namespace cairn
