#include "consensus/script/bloom_filter.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/primitives/block.hpp"

namespace cairn {
namespace {

using Update = BloomFilter::Update;

/// b4749f01…7fff6b of the main chain: spends 90c122d7…e9260b:0, pays two key hashes.
const char* const kPayment =
    "01000000010b26e9b7735eb6aabdf358bab62f9816a21ba9ebdb719d5299e88607d722c190000000008b4830450220070aca44506c5cef"
    "3a16ed519d7c3c39f8aab192c4e1c90d065f37b8a4af6141022100a8e160b856c2d43d27d8fba71e5aef6405b8643ac4cb7cb3c462aced"
    "7f14711a0141046d11fee51b0e60666d5049a9101a72741df480b96ee26488a4d3466b95c9a40ac5eeef87e10a5cd336c19a84565f80fa"
    "6c547957b7700ff4dfbdefe76036c339ffffffff021bff3d11000000001976a91404943fdd508053c75000106d3bc6e2754dbcff1988ac"
    "2f15de00000000001976a914a266436d2965547608b9e15d9032a7b9d64fa43188ac00000000";
/// e2769b09…110436, which spends its first output.
const char* const kSpend =
    "01000000016bff7fcd4f8565ef406dd5d63d4ff94f318fe82027fd4dc451b04474019f74b4000000008c493046022100da0dc6aecefe1e"
    "06efdf05773757deb168820930e3b0d03f46f5fcf150bf990c022100d25b5c87040076e4f253f8262e763e2dd51e7ff0be157727c4bc42"
    "807f17bd39014104e6c26ef67dc610d2cd192484789a6cf9aea9930b944b7e2db5342b9d9e5b9ff79aff9a2ee1978dd7fd01dfc522ee02"
    "283d3b06a9d03acf8096968d7dbb0f9178ffffffff028ba7940e000000001976a914badeecfdef0507247fc8f74241d73bc039972d7b88"
    "ac4094a802000000001976a914c10932483fec93ed51f5fe95e72559f2cc7043f988ac00000000";
/// Block 00000000…c34ae6 of the main chain: four transactions, of which the third spends the second.
const char* const kBlock =
    "0100000075616236cc2126035fadb38deb65b9102cc2c41c09cdf29fc051906800000000fe7d5e12ef0ff901f6050211249919b1c06537"
    "71832b3a80c66cea42847f0ae1d4d26e49ffff001d00f0a441040100000001000000000000000000000000000000000000000000000000"
    "0000000000000000ffffffff0804ffff001d029105ffffffff0100f2052a010000004341046d8709a041d34357697dfcb30a9d05900a62"
    "94078012bf3bb09c6f9b525f1d16d5503d7905db1ada9501446ea00728668fc5719aa80be2fdfc8a858a4dbdd4fbac0000000001000000"
    "0255605dc6f5c3dc148b6da58442b0b2cd422be385eab2ebea4119ee9c268d28350000000049483045022100aa46504baa86df8a33b119"
    "2b1b9367b4d729dc41e389f2c04f3e5c7f0559aae702205e82253a54bf5c4f65b7428551554b2045167d6d206dfe6a2e198127d3f7df15"
    "01ffffffff55605dc6f5c3dc148b6da58442b0b2cd422be385eab2ebea4119ee9c268d2835010000004847304402202329484c35fa9d6b"
    "b32a55a70c0982f606ce0e3634b69006138683bcd12cbb6602200c28feb1e2555c3210f1dddb299738b4ff8bbe9667b68cb8764b5ac17b"
    "7adf0001ffffffff0200e1f505000000004341046a0765b5865641ce08dd39690aade26dfbf5511430ca428a3089261361cef170e3929a"
    "68aee3d8d4848b0c5111b0a37b82b86ad559fd2a745b44d8e8d9dfdc0cac00180d8f000000004341044a656f065871a353f216ca26cef8"
    "dde2f03e8c16202d2e8ad769f02032cb86a5eb5e56842e92e19141d60a01928f8dd2c875a390f67c1f6c94cfc617c0ea45afac00000000"
    "01000000025f9a06d3acdceb56be1bfeaa3e8a25e62d182fa24fefe899d1c17f1dad4c2028000000004847304402205d6058484157235b"
    "06028c30736c15613a28bdb768ee628094ca8b0030d4d6eb0220328789c9a2ec27ddaec0ad5ef58efded42e6ea17c2e1ce838f3d6913f5"
    "e95db601ffffffff5f9a06d3acdceb56be1bfeaa3e8a25e62d182fa24fefe899d1c17f1dad4c2028010000004a493046022100c45af050"
    "d3cea806cedd0ab22520c53ebe63b987b8954146cdca42487b84bdd6022100b9b027716a6b59e640da50a864d6dd8a0ef24c76ce62391f"
    "a3eabaf4d2886d2d01ffffffff0200e1f505000000004341046a0765b5865641ce08dd39690aade26dfbf5511430ca428a3089261361ce"
    "f170e3929a68aee3d8d4848b0c5111b0a37b82b86ad559fd2a745b44d8e8d9dfdc0cac00180d8f000000004341046a0765b5865641ce08"
    "dd39690aade26dfbf5511430ca428a3089261361cef170e3929a68aee3d8d4848b0c5111b0a37b82b86ad559fd2a745b44d8e8d9dfdc0c"
    "ac000000000100000002e2274e5fea1bf29d963914bd301aa63b64daaf8a3e88f119b5046ca5738a0f6b0000000048473044022016e7a7"
    "27a061ea2254a6c358376aaa617ac537eb836c77d646ebda4c748aac8b0220192ce28bf9f2c06a6467e6531e27648d2b3e2e2bae85159c"
    "9242939840295ba501ffffffffe2274e5fea1bf29d963914bd301aa63b64daaf8a3e88f119b5046ca5738a0f6b010000004a4930460221"
    "00b7a1a755588d4190118936e15cd217d133b0e4a53c3c15924010d5648d8925c9022100aaef031874db2114f2d869ac2de4ae53908fbf"
    "ea5b2b1862e181626bb9005c9f01ffffffff0200e1f505000000004341044a656f065871a353f216ca26cef8dde2f03e8c16202d2e8ad7"
    "69f02032cb86a5eb5e56842e92e19141d60a01928f8dd2c875a390f67c1f6c94cfc617c0ea45afac00180d8f000000004341046a0765b5"
    "865641ce08dd39690aade26dfbf5511430ca428a3089261361cef170e3929a68aee3d8d4848b0c5111b0a37b82b86ad559fd2a745b44d8"
    "e8d9dfdc0cac00000000";

Bytes hex(std::string_view text) { return *from_hex(text); }

TransactionPtr transaction(std::string_view text) { return *TransactionHolder::parse(hex(text)); }

BloomFilter fresh(Update update = Update::all) { return BloomFilter::sized(10, 0.000001, 0, static_cast<std::uint8_t>(update)); }

OutPoint outpoint(std::string_view txid, std::uint32_t index) { return {*Txid::from_display_hex(txid), index}; }

std::vector<std::size_t> matches(const Block& block, BloomFilter& filter) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < block.txs().size(); ++i)
        if (filter.match(block.txs()[i])) found.push_back(i);
    return found;
}

TEST(BloomFilter, SetsTheBitsThatOthersSet) {
    BloomFilter filter = BloomFilter::sized(3, 0.01, 0, 1);
    EXPECT_FALSE(filter.contains(hex("99108ad8ed9bb6274d3980bab5a85c048f0950c8")));
    filter.insert(hex("99108ad8ed9bb6274d3980bab5a85c048f0950c8"));
    EXPECT_TRUE(filter.contains(hex("99108ad8ed9bb6274d3980bab5a85c048f0950c8")));
    EXPECT_FALSE(filter.contains(hex("19108ad8ed9bb6274d3980bab5a85c048f0950c8")));
    filter.insert(hex("b5a2c786d9ef4658287ced5914b37a1b4aa32eee"));
    filter.insert(hex("b9300670b4c5366e95b2699e8b18bc75e5f729c5"));
    EXPECT_EQ(to_hex(filter.bits()), "614e9b");
    EXPECT_EQ(filter.functions(), 5u);
}

TEST(BloomFilter, SetsOtherBitsWithAnotherTweak) {
    BloomFilter filter = BloomFilter::sized(3, 0.01, 2147483649u, 1);
    for (const char* element : {"99108ad8ed9bb6274d3980bab5a85c048f0950c8", "b5a2c786d9ef4658287ced5914b37a1b4aa32eee",
                                "b9300670b4c5366e95b2699e8b18bc75e5f729c5"})
        filter.insert(hex(element));
    EXPECT_EQ(to_hex(filter.bits()), "ce4299");
}

TEST(BloomFilter, StaysWithinTheLimitsHoweverMuchIsAskedOfIt) {
    const BloomFilter large = BloomFilter::sized(100'000'000, 0.000001, 0, 0);
    EXPECT_EQ(large.bits().size(), BloomFilter::kMaxBytes);
    EXPECT_TRUE(large.within_limits());
    EXPECT_TRUE(BloomFilter::sized(1, 1e-300, 0, 0).within_limits());
    EXPECT_FALSE(BloomFilter(Bytes(36'001), 1, 0, 0).within_limits());
    EXPECT_FALSE(BloomFilter(Bytes(1), 51, 0, 0).within_limits());
    EXPECT_TRUE(BloomFilter(Bytes(36'000), 50, 0, 0).within_limits());
}

TEST(BloomFilter, MatchesEverythingAndTakesNothingWhenEmpty) {
    BloomFilter filter({}, 1, 0, 1);
    filter.insert(hex("0011"));  // no division by zero (CVE-2013-5700)
    EXPECT_TRUE(filter.contains(hex("22")));
    EXPECT_TRUE(filter.match(transaction(kPayment)->tx()));
}

TEST(BloomFilter, MatchesTransactionsByIdPushesAndOutpoints) {
    const TransactionPtr tx = transaction(kPayment);
    for (const char* element : {
             "6bff7fcd4f8565ef406dd5d63d4ff94f318fe82027fd4dc451b04474019f74b4",  // the id, as it is serialised
             "30450220070aca44506c5cef3a16ed519d7c3c39f8aab192c4e1c90d065f37b8a4af6141022100a8e160b856c2d43d27d8fba71e5aef6405b8643ac4cb7cb3"
             "c462aced7f14711a01",                                                // the signature
             "046d11fee51b0e60666d5049a9101a72741df480b96ee26488a4d3466b95c9a40ac5eeef87e10a5cd336c19a84565f80fa6c547957b7700ff4dfbdefe76036c339",
             "04943fdd508053c75000106d3bc6e2754dbcff19",                          // either recipient
             "a266436d2965547608b9e15d9032a7b9d64fa431",
             "0b26e9b7735eb6aabdf358bab62f9816a21ba9ebdb719d5299e88607d722c19000000000"}) {  // the outpoint
        BloomFilter filter = fresh();
        filter.insert(hex(element));
        EXPECT_TRUE(filter.match(tx->tx())) << element;
    }
    BloomFilter by_outpoint = fresh();
    by_outpoint.insert(outpoint("90c122d70786e899529d71dbeba91ba216982fb6ba58f3bdaab65e73b7e9260b", 0));
    EXPECT_TRUE(by_outpoint.match(tx->tx()));
}

TEST(BloomFilter, DoesNotMatchWhatIsOnlyAlike) {
    const TransactionPtr tx = transaction(kPayment);
    BloomFilter filter = fresh();
    filter.insert(Txid::from_display_hex("00000009e784f32f62ef849763d4f45b98e07ba658647343b915ff832b110436")->span());
    filter.insert(hex("0000006d2965547608b9e15d9032a7b9d64fa431"));
    filter.insert(outpoint("90c122d70786e899529d71dbeba91ba216982fb6ba58f3bdaab65e73b7e9260b", 1));
    filter.insert(outpoint("000000d70786e899529d71dbeba91ba216982fb6ba58f3bdaab65e73b7e9260b", 0));
    EXPECT_FALSE(filter.match(tx->tx()));
}

TEST(BloomFilter, FollowsAMatchedOutputToItsSpender) {
    const TransactionPtr payment = transaction(kPayment), spend = transaction(kSpend);
    for (const Update update : {Update::none, Update::all, Update::pubkey_only}) {
        BloomFilter filter = fresh(update);
        filter.insert(hex("04943fdd508053c75000106d3bc6e2754dbcff19"));
        EXPECT_FALSE(filter.match(spend->tx()));
        EXPECT_TRUE(filter.match(payment->tx()));
        EXPECT_EQ(filter.match(spend->tx()), update == Update::all) << "a key hash is no bare key";
    }
}

TEST(BloomFilter, FollowsOutputsThroughABlock) {
    const BlockPtr block = *Block::parse(hex(kBlock));
    const Bytes first = to_bytes(block->txs()[0].txid.span());
    const Bytes key = hex(
        "044a656f065871a353f216ca26cef8dde2f03e8c16202d2e8ad769f02032cb86a5eb5e56842e92e19141d60a01928f8dd2c875a390f67c1f6c94cfc617c0ea45af");
    for (const Update update : {Update::none, Update::all, Update::pubkey_only}) {
        BloomFilter filter = fresh(update);
        filter.insert(first);
        EXPECT_EQ(matches(*block, filter), (std::vector<std::size_t>{0}));
        filter.insert(key);
        const auto expected = update == Update::none ? std::vector<std::size_t>{0, 1, 3} : std::vector<std::size_t>{0, 1, 2, 3};
        EXPECT_EQ(matches(*block, filter), expected);
    }
}

TEST(BloomFilter, TakesInWhatACopyOfItTookIn) {
    BloomFilter filter = fresh();
    filter.insert(hex("04943fdd508053c75000106d3bc6e2754dbcff19"));
    BloomFilter copy = filter;
    EXPECT_TRUE(copy.match(transaction(kPayment)->tx()));
    filter.insert(hex("aabb"));  // meanwhile
    EXPECT_FALSE(filter.match(transaction(kSpend)->tx()));
    filter.merge(copy);
    EXPECT_TRUE(filter.match(transaction(kSpend)->tx()));
    EXPECT_TRUE(filter.contains(hex("aabb")));
}

}  // namespace
}  // namespace cairn
