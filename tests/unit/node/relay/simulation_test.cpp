#include <gtest/gtest.h>

#include "tests/support/chain_builder.hpp"
#include "tests/support/mutator.hpp"
#include "tests/support/net_simulation.hpp"
#include "tests/support/sample_messages.hpp"

namespace cairn {
namespace {

using test::NetSimulation;

class Simulation : public testing::Test {
protected:
    static void SetUpTestSuite() {
        builder_ = std::make_unique<test::ChainBuilder>();
        builder_->mine_many(120);
    }
    static void TearDownTestSuite() { builder_.reset(); }

    void SetUp() override {
        sim_ = std::make_unique<NetSimulation>(7, builder_->params_ptr());
        // Just after the newest block, so that the chain is near its tip.
        sim_->now_us = (std::int64_t{builder_->tip()->header.time} + 600) * 1'000'000;
    }
    NetSimulation::Node& full_node() {
        auto& node = sim_->add(false);
        for (Height h = 1; h <= 100; ++h) node.chain.mine(builder_->block_at(h));
        return node;
    }

    static std::unique_ptr<test::ChainBuilder> builder_;
    std::unique_ptr<NetSimulation> sim_;
};

std::unique_ptr<test::ChainBuilder> Simulation::builder_;

TEST_F(Simulation, ANewNodeFollowsTheChainOfAnother) {
    auto& source = full_node();
    auto& fresh = sim_->add();
    sim_->connect(fresh, source);
    sim_->run(20);
    EXPECT_EQ(fresh.chain.view()->tip->hash, source.chain.view()->tip->hash);
}

TEST_F(Simulation, ANewNodeSyncsFromSeveralAndFetchesEachBlockOnce) {
    auto& fresh = sim_->add();
    for (int i = 0; i < 3; ++i) sim_->connect(fresh, full_node());
    sim_->run(20);
    EXPECT_EQ(fresh.chain.view()->tip->height, 100);
    EXPECT_EQ(fresh.chain.submissions, 100u);
}

TEST_F(Simulation, BlocksTravelAlongALineOfNodes) {
    std::vector<NetSimulation::Node*> line;
    for (int i = 0; i < 5; ++i) line.push_back(&full_node());
    for (int i = 1; i < 5; ++i) sim_->connect(*line[i], *line[i - 1]);
    sim_->run(5);
    for (Height h = 101; h <= 105; ++h) line[0]->chain.mine(builder_->block_at(h));
    sim_->run(5);
    line[4]->chain.mine(builder_->block_at(106));  // and against the direction of dialling
    sim_->run(5);
    for (const auto* node : line) EXPECT_EQ(node->chain.view()->tip->height, 106);
}

TEST_F(Simulation, TheHeavierBranchWinsEverywhere) {
    auto& a = full_node();
    auto& b = full_node();
    const HeaderNode* main_tip = builder_->tip();
    std::vector<BlockPtr> branch;
    builder_->set_tip(main_tip->ancestor(100));
    for (int i = 0; i < 12; ++i) branch.push_back(builder_->block(builder_->mine()));
    builder_->set_tip(main_tip);
    for (Height h = 101; h <= 110; ++h) a.chain.mine(builder_->block_at(h));
    for (const BlockPtr& block : branch) b.chain.mine(block);
    sim_->connect(a, b);
    sim_->run(10);
    EXPECT_EQ(a.chain.view()->tip->hash, branch.back()->hash());
    EXPECT_EQ(b.chain.view()->tip->hash, branch.back()->hash());
}

TEST_F(Simulation, NodesWithFullSendQueuesBothWaysGoOn) {
    sim_->pipe_bytes = 64 * 1024;
    auto& a = full_node();
    auto& b = full_node();
    sim_->connect(a, b);
    sim_->run(2);
    for (auto* node : {&a, &b})
        ASSERT_TRUE(node->engine.send_message(0, "unknown", Bytes(net::limits::kMaxMessageBytes), sim_->now_us));
    a.chain.mine(builder_->block_at(101));
    sim_->run(10);
    EXPECT_EQ(b.chain.view()->tip->height, 101);
}

TEST_F(Simulation, NodesThatServeEachOtherBlocksDoNotWaitForEachOther) {
    sim_->max_send_buffer = 2'000;
    sim_->pipe_bytes = 1'000;
    auto& a = full_node();
    auto& b = full_node();
    sim_->connect(a, b);
    sim_->run(2);
    net::GetDataMessage wanted;
    for (int round = 0; round < 5; ++round)
        for (Height h = 1; h <= 100; ++h) wanted.items.push_back({net::kInvWitnessBlock, builder_->block_at(h)->hash()});
    const auto before_a = a.chain.submissions, before_b = b.chain.submissions;
    for (int message = 0; message < 3; ++message)
        for (auto* node : {&a, &b})
            ASSERT_TRUE(node->engine.send_message(0, "getdata", net::encode_message(wanted), sim_->now_us));
    sim_->run(60);
    EXPECT_EQ(a.chain.submissions - before_a, 1'500u);
    EXPECT_EQ(b.chain.submissions - before_b, 1'500u);
}

TEST_F(Simulation, APeerThatAsksAndDoesNotReadIsHeldUpThenDropped) {
    auto& node = full_node();
    const auto id = sim_->add_raw_peer(node);
    net::TransportV1 wire(builder_->params().magic);
    const auto speak = [&](const net::Message& message) {
        net::OutgoingBytes out = wire.frame(net::command_of(message), net::encode_message(message));
        out.head.insert(out.head.end(), out.body.begin(), out.body.end());
        return node.engine.on_bytes(id, out.head, sim_->now_us) == out.head.size();
    };
    net::VersionMessage hello;
    hello.nonce = 1;
    ASSERT_TRUE(speak(hello));
    ASSERT_TRUE(speak(net::VerackMessage{}));
    sim_->run(1);
    sim_->pipe_bytes = 0;  // from here on the peer reads nothing
    net::GetDataMessage wanted;
    for (Height h = 1; h <= 100; ++h) wanted.items.push_back({net::kInvWitnessBlock, builder_->block_at(h)->hash()});
    int taken = 0;
    while (taken < 10'000 && speak(wanted)) ++taken;
    EXPECT_LT(taken, 10'000) << "what waits is bounded";
    sim_->run(60);
    while (speak(wanted)) {}  // now the send buffer is full as well
    EXPECT_TRUE(sim_->connected(node, id));
    sim_->run(70);
    EXPECT_FALSE(sim_->connected(node, id));
    EXPECT_TRUE(node.logged("peer does not read what it makes us send"));
}

TEST_F(Simulation, AConnectionToOneselfEnds) {
    auto& node = full_node();
    sim_->connect(node, node);
    sim_->run(2);
    EXPECT_EQ(node.engine.peer_count(), 0u);
    EXPECT_TRUE(node.logged("connected to self"));
}

TEST_F(Simulation, SilentPeersAreDroppedAfterAMinute) {
    auto& node = full_node();
    const auto id = sim_->add_raw_peer(node);
    sim_->run(59);
    EXPECT_TRUE(sim_->connected(node, id));
    sim_->run(3);
    EXPECT_FALSE(sim_->connected(node, id));
}

TEST_F(Simulation, RubbishEndsItsSenderWithAReasonWhileOthersStay) {
    auto& node = full_node();
    auto& honest = full_node();
    sim_->connect(honest, node);
    sim_->run(2);
    ASSERT_EQ(node.engine.peer_count(), 1u);

    test::Mutator mutator(11);
    const auto samples = test::sample_messages();
    const std::uint64_t rounds = test::garbage_rounds(3'000);
    net::TransportV1 wire(builder_->params().magic);
    const auto speak = [&](net::PeerId id, const net::Message& message, bool spoil) {
        Bytes payload = net::encode_message(message);
        if (spoil) payload = mutator.mutate(std::move(payload));
        net::OutgoingBytes out = wire.frame(net::command_of(message), std::move(payload));
        out.head.insert(out.head.end(), out.body.begin(), out.body.end());
        node.engine.on_bytes(id, out.head, sim_->now_us);
    };
    std::uint64_t dropped = 0;
    net::PeerId id = -1;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        if (id < 0 || !sim_->connected(node, id)) {
            dropped += id >= 0;
            id = sim_->add_raw_peer(node);
            net::VersionMessage hello;
            hello.services = 9;
            hello.nonce = i;
            speak(id, hello, false);
            speak(id, net::VerackMessage{}, false);
        }
        speak(id, samples[mutator.below(samples.size())], true);
        if (i % 100 == 0) sim_->run(1);
    }
    id = sim_->add_raw_peer(node);
    const Bytes noise(5000, 0xee);  // read as a key and garbage without an end
    node.engine.on_bytes(id, noise, sim_->now_us);
    sim_->run(2);
    EXPECT_GT(dropped, 0u);
    EXPECT_FALSE(sim_->connected(node, id));
    EXPECT_TRUE(node.logged("V2 transport error: missing garbage terminator"));
    EXPECT_TRUE(node.logged("Misbehaving: peer="));
    EXPECT_TRUE(sim_->connected(node, 0)) << "the honest peer";
    node.chain.mine(builder_->block_at(101));
    sim_->run(5);
    EXPECT_EQ(honest.chain.view()->tip->height, 101);
}

}  // namespace
}  // namespace cairn
