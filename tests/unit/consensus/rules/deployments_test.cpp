#include "consensus/rules/deployments.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace cairn {
namespace {

using rules::DeploymentStates;
using rules::ThresholdState;
constexpr SignalledDeployment kDummy = SignalledDeployment::testdummy;
constexpr std::int32_t kSignal = rules::kVersionBitsTopBits | 1 << 28;
constexpr std::int32_t kSilent = rules::kVersionBitsTopBits;

/// A chain of bare nodes: heights, times and versions are all that deployments look at.
class BareChain {
public:
    /// Appends blocks of this version whose times are all `time`.
    void add(int count, std::int32_t version, std::uint32_t time) {
        for (int i = 0; i < count; ++i) {
            HeaderNode& node = nodes_.emplace_back();
            node.header.version = version;
            node.header.time = time;
            node.height = static_cast<Height>(nodes_.size()) - 1;
            if (node.height > 0) node.parent = node.skip = &nodes_[nodes_.size() - 2];
        }
    }
    const HeaderNode* tip() const { return &nodes_.back(); }
    const HeaderNode* at(Height height) const { return &nodes_[static_cast<std::size_t>(height)]; }

private:
    std::deque<HeaderNode> nodes_;
};

ChainParamsPtr regtest_with(std::int64_t start, std::int64_t timeout, Height min_height = 0) {
    ChainOptions options;
    options.version_bits.push_back({kDummy, start, timeout, min_height});
    return make_params(Network::regtest, options);
}

TEST(Deployments, GoThroughAllStates) {
    DeploymentStates states(regtest_with(1000, 5000));
    BareChain chain;
    EXPECT_EQ(states.state_after(nullptr, kDummy), ThresholdState::defined);
    chain.add(144, kSignal, 500);  // too early: signals do not count
    EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::defined);
    chain.add(143, kSilent, 1500);
    EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::defined);
    chain.add(1, kSilent, 1500);
    EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::started);
    EXPECT_EQ(states.block_version(chain.tip()), kSignal);
    EXPECT_EQ(states.block_version(chain.at(200)), kSilent);
    chain.add(107, kSignal, 1600);
    chain.add(37, kSilent, 1600);  // one too few
    EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::started);
    chain.add(108, kSignal, 1700);
    chain.add(36, kSilent, 1700);
    EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::locked_in);
    EXPECT_EQ(states.block_version(chain.tip()), kSignal);
    chain.add(144, kSilent, 1700);
    EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::active);
    EXPECT_TRUE(states.active_after(chain.tip(), kDummy));
    EXPECT_EQ(states.block_version(chain.tip()), kSilent);
    chain.add(300, kSilent, 9000);
    EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::active);
    // Without a memory the answers are the same.
    EXPECT_EQ(DeploymentStates(regtest_with(1000, 5000)).state_after(chain.at(575), kDummy), ThresholdState::locked_in);
}

TEST(Deployments, FailAtTheTimeout) {
    DeploymentStates states(regtest_with(0, 2000));
    BareChain chain;
    chain.add(144, kSilent, 100);
    chain.add(144, kSilent, 1999);
    EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::started);
    chain.add(144, kSilent, 2000);
    EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::failed);
    chain.add(144, kSignal, 2000);
    EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::failed);
}

TEST(Deployments, LockInWinsOverTheTimeout) {
    DeploymentStates states(regtest_with(0, 2000));
    BareChain chain;
    chain.add(144, kSilent, 100);
    chain.add(144, kSignal, 3000);
    EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::locked_in);
}

TEST(Deployments, WaitForTheirHeight) {
    DeploymentStates states(regtest_with(0, Bip9Deployment::kNoTimeout, 144 * 5));
    BareChain chain;
    chain.add(144, kSilent, 100);
    chain.add(144, kSignal, 200);
    for (int i = 0; i < 2; ++i) {
        chain.add(144, kSilent, 300);
        EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::locked_in) << i;
    }
    chain.add(144, kSilent, 300);
    EXPECT_EQ(states.state_after(chain.tip(), kDummy), ThresholdState::active);
}

TEST(Deployments, SpecialTimesDecideAlone) {
    BareChain chain;
    chain.add(10, kSilent, 100);
    DeploymentStates always(regtest_with(Bip9Deployment::kAlwaysActive, Bip9Deployment::kNoTimeout));
    EXPECT_EQ(always.state_after(nullptr, kDummy), ThresholdState::active);
    EXPECT_EQ(always.info(*chain.tip(), kDummy).since, 0);
    EXPECT_EQ(always.info(*chain.tip(), kDummy).active_since, 0);
    DeploymentStates never(make_params(Network::mainnet));
    EXPECT_EQ(never.state_after(chain.tip(), kDummy), ThresholdState::failed);
    EXPECT_EQ(never.info(*chain.tip(), kDummy).active_since, std::nullopt);
}

TEST(Deployments, TellHowSignallingGoes) {
    DeploymentStates states(regtest_with(0, Bip9Deployment::kNoTimeout));
    BareChain chain;
    chain.add(144, kSilent, 100);
    chain.add(3, kSignal, 100);
    chain.add(7, kSilent, 100);
    auto info = states.info(*chain.tip(), kDummy);
    EXPECT_EQ(info.current, ThresholdState::started);
    EXPECT_EQ(info.next, ThresholdState::started);
    EXPECT_EQ(info.since, 144);
    ASSERT_TRUE(info.statistics);
    EXPECT_EQ(info.statistics->period, 144);
    EXPECT_EQ(info.statistics->threshold, 108);
    EXPECT_EQ(info.statistics->elapsed, 10);
    EXPECT_EQ(info.statistics->count, 3);
    EXPECT_TRUE(info.statistics->possible);
    ASSERT_EQ(info.signalling.size(), 10u);
    EXPECT_TRUE(info.signalling[0] && info.signalling[2] && !info.signalling[3]);
    chain.add(30, kSilent, 100);
    EXPECT_FALSE(states.info(*chain.tip(), kDummy).statistics->possible);  // 37 silent blocks of 144
    chain.add(104, kSignal, 100);
    EXPECT_EQ(states.info(*chain.tip(), kDummy).next, ThresholdState::started);
    chain.add(144, kSignal, 100);
    info = states.info(*chain.tip(), kDummy);
    EXPECT_EQ(info.current, ThresholdState::started);
    EXPECT_EQ(info.next, ThresholdState::locked_in);
    chain.add(144, kSilent, 100);
    info = states.info(*chain.tip(), kDummy);
    EXPECT_EQ(info.current, ThresholdState::locked_in);
    EXPECT_EQ(info.since, 432);
    EXPECT_EQ(info.statistics->threshold, 0);
    EXPECT_FALSE(info.statistics->possible);
    EXPECT_EQ(info.active_since, 576);
    chain.add(200, kSilent, 100);
    info = states.info(*chain.tip(), kDummy);
    EXPECT_EQ(info.current, ThresholdState::active);
    EXPECT_EQ(info.since, 576);
    EXPECT_FALSE(info.statistics);
    EXPECT_EQ(info.active_since, 576);
}

TEST(Deployments, SignalOnlyUnderTheTopBits) {
    const Bip9Deployment deployment{.bit = 2};
    EXPECT_TRUE(rules::signals(0x20000004, deployment));
    EXPECT_TRUE(rules::signals(0x3fffffff, deployment));
    EXPECT_FALSE(rules::signals(0x20000002, deployment));
    EXPECT_FALSE(rules::signals(0x00000004, deployment));
    EXPECT_FALSE(rules::signals(0x60000004, deployment));
    EXPECT_FALSE(rules::signals(-1, deployment));
}

TEST(Deployments, WarnOfUnknownRules) {
    const ChainParamsPtr params = make_params(Network::regtest);
    DeploymentStates states(params);
    BareChain chain;
    chain.add(144, kSilent, 100);
    EXPECT_TRUE(states.unknown_activations(chain.tip()).empty());
    chain.add(108, kSilent | 1 << 3, 100);
    chain.add(36, kSilent | 1 << 5, 100);  // bit 5 is none that may signal
    auto found = states.unknown_activations(chain.tip());
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].bit, 3);
    EXPECT_FALSE(found[0].active);
    chain.add(144, kSilent, 100);
    found = states.unknown_activations(chain.tip());
    ASSERT_EQ(found.size(), 1u);
    EXPECT_TRUE(found[0].active);
}

}  // namespace
}  // namespace cairn
