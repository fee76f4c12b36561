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

/// What a filter says by the book: each hash reduced and looked up.
bool naive_match(const std::vector<Bytes>& scripts, SipKey key, ByteSpan filter) {
    const auto values = gcs::decode(filter).value();
    return std::ranges::any_of(scripts, [&](const Bytes& script) {
        const auto range = static_cast<unsigned __int128>(values.size() * gcs::kFalsePositive);
        const auto value = static_cast<std::uint64_t>((siphash(key, script) * range) >> 64);
        return std::ranges::binary_search(values, value);
    });
}

TEST(BlockFilter, EveryBackendMatchesAsTheNaiveWayDoes) {
    constexpr SipRows::Backend kBackends[] = {SipRows::Backend::portable, SipRows::Backend::avx2, SipRows::Backend::avx512};
    FastRandom random(6);
    int matches = 0, misses = 0;
    for (int round = 0; round < 400; ++round) {
        const SipKey key{random.next(), random.next()};
        const std::size_t elements = 1 + random.below(1 + random.below(3000));
        const auto scripts = random_scripts(random, elements);
        const Bytes filter = gcs::encode(key, {scripts.begin(), scripts.end()});
        auto watched = random_scripts(random, 1 + random.below(1 + random.below(4000)));
        if (random.below(2) == 0) watched[random.below(watched.size())] = scripts[random.below(scripts.size())];
        FilterWatch watch;
        for (const Bytes& script : watched) watch.add(script);
        const bool expected = naive_match(watched, key, filter);
        ++(expected ? matches : misses);
        for (const SipRows::Backend backend : kBackends) {
            if (!SipRows::supports(backend)) continue;
            ASSERT_EQ(watch.match(key, filter, backend).value(), expected) << round;
        }
    }
    EXPECT_GT(matches, 100);
    EXPECT_GT(misses, 100);
}

TEST(BlockFilter, MatchesWhatLiesAtTheBordersOfItsTable) {
    // Many scripts against themselves, all in one watch but one at a time wanted: every slot and every straddling value is hit.
    FastRandom random(7);
    for (const std::size_t count : {1u, 2u, 3u, 63u, 64u, 65u, 1023u, 4097u}) {
        const SipKey key{random.next(), random.next()};
        const auto scripts = random_scripts(random, count);
        const Bytes filter = gcs::encode(key, {scripts.begin(), scripts.end()});
        const auto others = random_scripts(random, count / 4);
        for (std::size_t i = 0; i < count; i += 1 + count / 300) {
            FilterWatch watch;
            for (const Bytes& other : others) watch.add(other);
            watch.add(scripts[i]);
            ASSERT_TRUE(watch.match(key, filter).value());
        }
    }
}

TEST(BlockFilter, ReadsStepsThatAreLongerThanAWord) {
    // One value that is 200 ranges away, and another behind it.
    Bytes filter{2};
    const std::uint64_t ones = 400;
    Bytes bits(((ones + 1 + gcs::kBits) + (1 + gcs::kBits) + 7) / 8);
    for (std::size_t i = 0; i < ones; ++i) bits[i / 8] |= static_cast<std::uint8_t>(0x80 >> (i % 8));
    const std::size_t last = ones + 1 + gcs::kBits + gcs::kBits;  // the lowest bit of the second remainder
    bits[last / 8] |= static_cast<std::uint8_t>(0x80 >> (last % 8));
    filter.insert(filter.end(), bits.begin(), bits.end());
    const auto values = gcs::decode(filter);
    ASSERT_TRUE(values);
    EXPECT_EQ(*values, (std::vector<std::uint64_t>{ones << gcs::kBits, (ones << gcs::kBits) + 1}));
    FilterWatch watch;
    for (int i = 0; i < 100; ++i) watch.add(Bytes(20, static_cast<std::uint8_t>(i)));
    EXPECT_FALSE(watch.match(kKey, filter).value());
}

TEST(BlockFilter, HeadersCommitToAllBefore) {
    // Filter of mainnet's genesis block, as every BIP157 server gives it.
    const Bytes filter = from_hex("017fa880").value();
    EXPECT_EQ(filter_header(filter_hash(filter), {}).to_display_hex(), "02c2392180d0ce2b5b6f8b08d39a11ffe831c673311a3ecf77b97fc3f0303c9f");
}

}  // namespace
}  // namespace cairn
