#include "consensus/rules/difficulty.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace cairn {
namespace {

constexpr std::uint32_t kLimitBits = 0x1d00ffff;
constexpr std::uint32_t kHardBits = 0x1c05a3f4;

/// Bare nodes with bits and times.
class BareChain {
public:
    const HeaderNode& add(std::uint32_t bits, std::uint32_t time) {
        HeaderNode& node = nodes_.emplace_back();
        node.header.bits = bits;
        node.header.time = time;
        node.height = static_cast<Height>(nodes_.size()) - 1;
        if (node.height > 0) node.parent = node.skip = &nodes_[nodes_.size() - 2];
        return node;
    }
    HeaderNode& operator[](std::size_t i) { return nodes_[i]; }
    const HeaderNode& tip() const { return nodes_.back(); }

private:
    std::deque<HeaderNode> nodes_;
};

TEST(Difficulty, StaysWithinAPeriod) {
    const ChainParamsPtr params = make_params(Network::mainnet);
    BareChain chain;
    for (std::uint32_t i = 0; i < 100; ++i) chain.add(kHardBits, i);
    EXPECT_EQ(rules::next_work_required(chain.tip(), 1'000'000, *params), kHardBits);
}

TEST(Difficulty, FollowsTheTimeOfThePeriodWithinAFactorOfFour) {
    const ChainParamsPtr params = make_params(Network::mainnet);
    const std::int64_t two_weeks = 14 * 86'400;
    const auto after = [&](std::int64_t seconds) {
        BareChain chain;
        for (std::uint32_t i = 0; i < 2016; ++i) chain.add(kHardBits, 1'000'000'000);
        chain[2015].header.time = static_cast<std::uint32_t>(1'000'000'000 + seconds);
        return decode_compact(rules::next_work_required(chain.tip(), 0, *params)).target;
    };
    const Arith256 old = decode_compact(kHardBits).target;
    EXPECT_EQ(after(two_weeks), old);
    EXPECT_EQ(after(two_weeks * 4), decode_compact(encode_compact(old * 4)).target);
    EXPECT_EQ(after(two_weeks * 40), after(two_weeks * 4));
    EXPECT_EQ(after(two_weeks / 4), decode_compact(encode_compact(old / Arith256(4))).target);
    EXPECT_EQ(after(0), after(two_weeks / 4));
    EXPECT_EQ(after(-5), after(0));
}

TEST(Difficulty, NeverFallsBelowTheLimit) {
    const ChainParamsPtr params = make_params(Network::mainnet);
    EXPECT_EQ(rules::retarget(kLimitBits, 0, 100 * 86'400, *params), kLimitBits);
}

TEST(Difficulty, Testnet3AllowsALateBlockAtTheLimit) {
    const ChainParamsPtr params = make_params(Network::testnet3);
    BareChain chain;
    chain.add(kHardBits, 1000);
    chain.add(kHardBits, 2000);
    EXPECT_EQ(rules::next_work_required(chain.tip(), 2000 + 1200, *params), kHardBits);
    EXPECT_EQ(rules::next_work_required(chain.tip(), 2000 + 1201, *params), kLimitBits);
    chain.add(kLimitBits, 4000);
    chain.add(kLimitBits, 6000);
    // Back to the last block that was not let off.
    EXPECT_EQ(rules::next_work_required(chain.tip(), 6001, *params), kHardBits);
    EXPECT_EQ(rules::next_work_required(chain.tip(), 9000, *params), kLimitBits);
}

TEST(Difficulty, Testnet3LooksBackNoFurtherThanThePeriodsFirstBlock) {
    const ChainParamsPtr params = make_params(Network::testnet3);
    BareChain chain;
    for (std::uint32_t i = 0; i < 2016; ++i) chain.add(kHardBits, 1000 + i);
    for (std::uint32_t i = 0; i < 5; ++i) chain.add(kLimitBits, 4000 + i);
    EXPECT_EQ(rules::next_work_required(chain.tip(), 4005, *params), kLimitBits);
}

TEST(Difficulty, Testnet3RetargetsFromTheLastBlockButBip94FromTheFirst) {
    BareChain chain;
    for (std::uint32_t i = 0; i < 2016; ++i) chain.add(kHardBits, 1'000'000 + i * 600);
    chain[2015].header.bits = kLimitBits;
    chain[2015].header.time = 1'000'000 + 14 * 86'400;
    EXPECT_EQ(rules::next_work_required(chain.tip(), 0, *make_params(Network::testnet3)), kLimitBits);
    EXPECT_EQ(rules::next_work_required(chain.tip(), 0, *make_params(Network::testnet4)), kHardBits);
}

TEST(Difficulty, RegtestNeverRetargets) {
    BareChain chain;
    for (std::uint32_t i = 0; i < 144; ++i) chain.add(0x207fffff, 1000);
    EXPECT_EQ(rules::next_work_required(chain.tip(), 0, *make_params(Network::regtest)), 0x207fffffu);
}

TEST(Difficulty, RefusesTargetsOutOfRange) {
    const ChainParamsPtr params = make_params(Network::mainnet);
    const BlockHash easiest;
    EXPECT_TRUE(rules::check_proof_of_work(easiest, kLimitBits, *params));
    for (const std::uint32_t bits : {0u, 0x1d010000u, 0x1d80ffffu, 0xff123456u, 0x01003456u}) {
        EXPECT_FALSE(rules::check_proof_of_work(easiest, bits, *params)) << bits;
    }
    const BlockHash at_target(decode_compact(kLimitBits).target.to_uint256());
    EXPECT_TRUE(rules::check_proof_of_work(at_target, kLimitBits, *params));
    const BlockHash above((decode_compact(kLimitBits).target + Arith256(1)).to_uint256());
    EXPECT_FALSE(rules::check_proof_of_work(above, kLimitBits, *params));
}

TEST(Difficulty, PermitsOnlyWhatARetargetCanGive) {
    const ChainParamsPtr params = make_params(Network::mainnet);
    EXPECT_TRUE(rules::permitted_difficulty_transition(*params, 2017, kHardBits, kHardBits));
    EXPECT_FALSE(rules::permitted_difficulty_transition(*params, 2017, kHardBits, kHardBits + 1));
    const Arith256 old = decode_compact(kHardBits).target;
    const std::uint32_t hardest = encode_compact(old / Arith256(4));
    const std::uint32_t easiest = encode_compact(old * 4);
    EXPECT_TRUE(rules::permitted_difficulty_transition(*params, 4032, kHardBits, hardest));
    EXPECT_TRUE(rules::permitted_difficulty_transition(*params, 4032, kHardBits, easiest));
    EXPECT_FALSE(rules::permitted_difficulty_transition(*params, 4032, kHardBits, hardest - 1));
    EXPECT_FALSE(rules::permitted_difficulty_transition(*params, 4032, kHardBits, easiest + 1));
    EXPECT_TRUE(rules::permitted_difficulty_transition(*make_params(Network::testnet3), 5, kHardBits, kLimitBits));
}

TEST(Difficulty, EquivalentTimeIsSignedAndBounded) {
    const ChainParamsPtr params = make_params(Network::mainnet);
    HeaderNode low, high;
    low.chain_work = Arith256(0);
    high.header.bits = kLimitBits;
    high.chain_work = block_work(kLimitBits) * 3;
    EXPECT_EQ(rules::equivalent_time(high, low, high, *params), 1800);
    EXPECT_EQ(rules::equivalent_time(low, high, high, *params), -1800);
    high.chain_work = Arith256(1) << 200;
    EXPECT_EQ(rules::equivalent_time(high, low, high, *params), std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace cairn
