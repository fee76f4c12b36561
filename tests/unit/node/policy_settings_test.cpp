#include "node/policy_settings.hpp"

#include <gtest/gtest.h>

#include "node/config/options.hpp"
#include "node/settings.hpp"

namespace cairn::node {
namespace {

Args read(std::vector<const char*> words) {
    Args args;
    args.add_all(daemon_options());
    words.insert(words.begin(), "cairnd");
    EXPECT_TRUE(args.parse_command_line(static_cast<int>(words.size()), words.data()));
    return args;
}

MempoolOptions mempool(std::vector<const char*> words, Network network = Network::regtest) {
    const auto options = make_mempool_options(read(std::move(words)), *make_params(network));
    EXPECT_TRUE(options) << options.error();
    return options.value_or(MempoolOptions{});
}
std::string mempool_error(std::vector<const char*> words, Network network = Network::regtest) {
    const auto options = make_mempool_options(read(std::move(words)), *make_params(network));
    return options ? "" : options.error();
}
std::string mining_error(std::vector<const char*> words) {
    const auto options = make_mining_options(read(std::move(words)));
    return options ? "" : options.error();
}

TEST(MempoolSettings, HaveBitcoinCoresDefaults) {
    const MempoolOptions options = mempool({}, Network::mainnet);
    EXPECT_EQ(options.max_bytes, 300'000'000);
    EXPECT_EQ(options.expiry_seconds, 336 * 3600);
    EXPECT_EQ(options.cluster_count, 64u);
    EXPECT_EQ(options.cluster_vbytes, 101'000);
    EXPECT_EQ(options.min_relay.per_kvb, 100);
    EXPECT_EQ(options.incremental_relay.per_kvb, 100);
    EXPECT_EQ(options.dust_relay.per_kvb, 3000);
    EXPECT_EQ(options.datacarrier_bytes, 100'000u);
    EXPECT_TRUE(options.permit_bare_multisig);
    EXPECT_EQ(options.bytes_per_sigop, 20u);
    EXPECT_TRUE(options.require_standard);
    EXPECT_TRUE(options.persist);
    EXPECT_FALSE(options.persist_v1);
    EXPECT_EQ(options.check_ratio, 0);
}

TEST(MempoolSettings, AreRead) {
    const MempoolOptions options =
        mempool({"-maxmempool=50", "-mempoolexpiry=2", "-limitclustercount=10", "-limitclustersize=20", "-limitancestorcount=7",
                 "-limitdescendantcount=8", "-minrelaytxfee=0.00002", "-incrementalrelayfee=0.00003", "-dustrelayfee=0", "-datacarriersize=83",
                 "-permitbaremultisig=0", "-bytespersigop=40", "-acceptnonstdtxn", "-persistmempool=0", "-persistmempoolv1", "-checkmempool=3"});
    EXPECT_EQ(options.max_bytes, 50'000'000);
    EXPECT_EQ(options.expiry_seconds, 7200);
    EXPECT_EQ(options.cluster_count, 10u);
    EXPECT_EQ(options.cluster_vbytes, 20'000);
    EXPECT_EQ(options.ancestor_count, 7u);
    EXPECT_EQ(options.descendant_count, 8u);
    EXPECT_EQ(options.min_relay.per_kvb, 2000);
    EXPECT_EQ(options.incremental_relay.per_kvb, 3000);
    EXPECT_EQ(options.dust_relay.per_kvb, 0);
    EXPECT_EQ(options.datacarrier_bytes, 83u);
    EXPECT_FALSE(options.permit_bare_multisig);
    EXPECT_EQ(options.bytes_per_sigop, 40u);
    EXPECT_FALSE(options.require_standard);
    EXPECT_FALSE(options.persist);
    EXPECT_TRUE(options.persist_v1);
    EXPECT_EQ(options.check_ratio, 3);
}

TEST(MempoolSettings, CarryNoDataWithoutDatacarrier) {
    EXPECT_FALSE(mempool({"-datacarrier=0", "-datacarriersize=83"}).datacarrier_bytes);
    EXPECT_EQ(mempool({"-datacarriersize=0"}).datacarrier_bytes, 0u);
}

TEST(MempoolSettings, RaiseTheRelayFeeToTheIncrement) {
    EXPECT_EQ(mempool({"-incrementalrelayfee=0.00001"}).min_relay.per_kvb, 1000);
    EXPECT_EQ(mempool({"-incrementalrelayfee=0.0000001"}).min_relay.per_kvb, 100);
    EXPECT_EQ(mempool({"-incrementalrelayfee=0.00001", "-minrelaytxfee=0.000001"}).min_relay.per_kvb, 100) << "given, it stays";
}

TEST(MempoolSettings, HoldAFewOfTheLargestClusters) {
    EXPECT_EQ(mempool_error({"-maxmempool=4"}), "-maxmempool must be at least 5 MB");
    EXPECT_EQ(mempool_error({"-maxmempool=5"}), "");
    EXPECT_EQ(mempool_error({"-maxmempool=0"}), "") << "none at all";
    EXPECT_EQ(mempool_error({"-maxmempool=-1"}), "-maxmempool must be at least 5 MB");
    EXPECT_EQ(mempool_error({"-maxmempool=4", "-limitclustersize=100"}), "");
    EXPECT_EQ(mempool_error({"-limitclustersize=10000"}), "-maxmempool must be at least 400 MB");
    EXPECT_EQ(mempool_error({"-limitclustercount=65"}), "limitclustercount must be less than or equal to 64");
    EXPECT_EQ(mempool_error({"-limitclustercount=-1"}), "limitclustercount must be less than or equal to 64");
}

TEST(MempoolSettings, RefuseWhatIsNoAmount) {
    EXPECT_EQ(mempool_error({"-minrelaytxfee=foo"}), "Invalid amount for -minrelaytxfee=<amount>: 'foo'");
    EXPECT_EQ(mempool_error({"-incrementalrelayfee=-1"}), "Invalid amount for -incrementalrelayfee=<amount>: '-1'");
    EXPECT_EQ(mempool_error({"-dustrelayfee=1e2"}), "Invalid amount for -dustrelayfee=<amount>: '1e2'");
}

TEST(MempoolSettings, TakeNonstandardTransactionsOnTestNetworksOnly) {
    EXPECT_EQ(mempool_error({"-acceptnonstdtxn"}, Network::mainnet), "acceptnonstdtxn is not currently supported for main chain");
    for (const Network network : {Network::testnet3, Network::testnet4, Network::signet, Network::regtest}) {
        EXPECT_EQ(mempool_error({"-acceptnonstdtxn"}, network), "");
    }
}

TEST(MempoolSettings, AreSmallWithBlocksonly) {
    Args args = read({"-blocksonly"});
    apply_interactions(args);
    EXPECT_EQ(make_mempool_options(args, *make_params(Network::regtest))->max_bytes, 5'000'000);
    args = read({"-blocksonly", "-maxmempool=20"});
    apply_interactions(args);
    EXPECT_EQ(make_mempool_options(args, *make_params(Network::regtest))->max_bytes, 20'000'000);
}

TEST(MiningSettings, AreRead) {
    const auto defaults = make_mining_options(read({}));
    ASSERT_TRUE(defaults);
    EXPECT_EQ(defaults->block_max_weight, 4'000'000);
    EXPECT_EQ(defaults->block_reserved_weight, 8'000);
    EXPECT_EQ(defaults->block_min_fee_rate.per_kvb, 1);
    EXPECT_FALSE(defaults->block_version);
    const auto given = make_mining_options(
        read({"-blockmaxweight=1000000", "-blockreservedweight=2000", "-blockmintxfee=0.00001", "-blockversion=4", "-printpriority"}));
    ASSERT_TRUE(given);
    EXPECT_EQ(given->block_max_weight, 1'000'000);
    EXPECT_EQ(given->block_reserved_weight, 2'000);
    EXPECT_EQ(given->block_min_fee_rate.per_kvb, 1000);
    EXPECT_EQ(given->block_version, 4);
    EXPECT_TRUE(given->print_fee_rates);
}

TEST(MiningSettings, FitIntoABlock) {
    EXPECT_EQ(mining_error({"-blockreservedweight=4000001"}), "-blockreservedweight (4000001) exceeds consensus maximum block weight (4000000)");
    EXPECT_EQ(mining_error({"-blockreservedweight=1999"}), "-blockreservedweight (1999) is lower than minimum safety value of (2000)");
    EXPECT_EQ(mining_error({"-blockmaxweight=4000001"}), "-blockmaxweight (4000001) exceeds consensus maximum block weight (4000000)");
    EXPECT_EQ(mining_error({"-blockmaxweight=7999"}), "-blockreservedweight (8000) exceeds -blockmaxweight (7999)");
    EXPECT_EQ(mining_error({"-blockmintxfee=x"}), "Invalid amount for -blockmintxfee=<amount>: 'x'");
}

TEST(Money, IsReadAsOptionsWriteIt) {
    EXPECT_EQ(parse_money("0"), 0);
    EXPECT_EQ(parse_money("1"), kCoin);
    EXPECT_EQ(parse_money(" 0.00000001 "), 1);
    EXPECT_EQ(parse_money(".5"), kCoin / 2);
    EXPECT_EQ(parse_money("5."), 5 * kCoin);
    EXPECT_EQ(parse_money("21000000"), kMaxMoney);
    for (const char* wrong : {"", " ", "-1", "+1", "1 2", "1e3", "0.000000001", "21000000.00000001", "12345678901", "a", "0x1", "1.2.3"}) {
        EXPECT_FALSE(parse_money(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace cairn::node
