#include "consensus/primitives/block_filter.hpp"

#include <gtest/gtest.h>

#include "consensus/base/codec.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn {
namespace {

constexpr SipKey kKey{1, 2};

std::vector<Bytes> random_scripts(FastRandom& random, std::size_t count) {
    std::vector<Bytes> scripts(count);
    for (Bytes& script : scripts) {
        script.resize(1 + random.below(60));
        random.fill(script);
    }
    return scripts;
}

TEST(BlockFilter, FindsEverythingThatIsInIt) {
    FastRandom random(1);
    for (const std::size_t count : {1u, 2u, 7u, 300u, 5000u}) {
        const auto scripts = random_scripts(random, count);
        const Bytes filter = gcs::encode(kKey, {scripts.begin(), scripts.end()});
        for (const Bytes& script : scripts) {
            FilterWatch watch;
            watch.add(script);
            ASSERT_TRUE(watch.match(kKey, filter).value());
        }
    }
}

TEST(BlockFilter, IsWrongAboutOthersAboutOnceIn784931) {
    FastRandom random(2);
    const auto scripts = random_scripts(random, 2000);
    const Bytes filter = gcs::encode(kKey, {scripts.begin(), scripts.end()});
    int wrong = 0;
    for (int round = 0; round < 300; ++round) {
        FilterWatch watch;
        for (int i = 0; i < 1000; ++i) {
            std::array<std::uint8_t, 64> other;
            random.fill(other);
            watch.add(other);
        }
        wrong += watch.match(kKey, filter).value();
    }
    EXPECT_LE(wrong, 5) << "0.4 are expected of 300,000 elements";
}

TEST(BlockFilter, CountsDoublesOnceAndHoldsNothingWhenEmpty) {
    const Bytes a{1, 2, 3};
    EXPECT_EQ(gcs::encode(kKey, {a, a, a}), gcs::encode(kKey, {a}));
    EXPECT_EQ(gcs::encode(kKey, {}), Bytes{0});
    FilterWatch watch;
    watch.add(a);
    EXPECT_FALSE(watch.match(kKey, Bytes{0}).value());
    EXPECT_FALSE(FilterWatch().match(kKey, gcs::encode(kKey, {a})).value());
}

TEST(BlockFilter, DecodesWhatItEncodedInAscendingOrder) {
    FastRandom random(3);
    const auto scripts = random_scripts(random, 1000);
    const auto values = gcs::decode(gcs::encode(kKey, {scripts.begin(), scripts.end()})).value();
    EXPECT_EQ(values.size(), 1000u);
    EXPECT_TRUE(std::ranges::is_sorted(values));
    EXPECT_LT(values.back(), 1000 * gcs::kFalsePositive);
}

TEST(BlockFilter, RefusesFiltersThatEndTooEarlyOrAnnounceTooMuch) {
    FastRandom random(4);
    const auto scripts = random_scripts(random, 50);
    const Bytes filter = gcs::encode(kKey, {scripts.begin(), scripts.end()});
    for (std::size_t size = 0; size + 3 < filter.size(); ++size) EXPECT_FALSE(gcs::decode(ByteSpan(filter).first(size)));
    Bytes huge;
    Writer(huge).compact_size(0xffffffff);
    huge.resize(100, 0xff);
    EXPECT_EQ(gcs::decode(huge).error(), DecodeError::truncated);
    EXPECT_FALSE(gcs::decode(Bytes(100'000, 0xff))) << "all ones never end";
}

TEST(BlockFilter, NeverCrashesOnRubbish) {
    FastRandom random(5);
    FilterWatch watch;
    watch.add(Bytes{1});
    for (int i = 0; i < 20'000; ++i) {
        Bytes rubbish(random.below(80));
        random.fill(rubbish);
        (void)watch.match(kKey, rubbish);
    }
}

TEST(BlockFilter, HeadersCommitToAllBefore) {
    // Filter of mainnet's genesis block, as every BIP157 server gives it.
    const Bytes filter = from_hex("017fa880").value();
    EXPECT_EQ(filter_header(filter_hash(filter), {}).to_display_hex(), "02c2392180d0ce2b5b6f8b08d39a11ffe831c673311a3ecf77b97fc3f0303c9f");
}

}  // namespace
}  // namespace cairn
