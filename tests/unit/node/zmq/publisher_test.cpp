#include "node/zmq/publisher.hpp"

#include <gtest/gtest.h>

#include <thread>

#include <zmq.hpp>

#include "consensus/base/hex.hpp"
#include "consensus/rules/params.hpp"
#include "node/zmq/detail/event.hpp"
#include "tests/support/temp_dir.hpp"

namespace cairn::node {
namespace {

/// A publisher of all topics at one address, and a subscriber that hears everything.
class Publishing : public ::testing::Test {
protected:
    Publishing() : address_("ipc://" + (folder_.path() / "socket").string()) {
        std::vector<ZmqNotifier> notifiers;
        for (const char* type : {"pubsequence", "pubrawtx", "pubhashtx", "pubrawblock", "pubhashblock"}) notifiers.push_back({type, address_});
        publisher_ = ZmqPublisher::create(notifiers);
        subscriber_.set(zmq::sockopt::subscribe, "");
        subscriber_.set(zmq::sockopt::rcvtimeo, 20);
        subscriber_.connect(address_);
        // Subscriptions travel on their own: publish until the first message is here, then drain what was published meanwhile.
        while (receive().empty()) publisher_->on_block_disconnected(genesis_, nullptr);
        subscriber_.set(zmq::sockopt::rcvtimeo, 200);
        while (!receive().empty()) {}
        subscriber_.set(zmq::sockopt::rcvtimeo, 2000);
        counts_.clear();
    }

    /// "topic body" in hex, or nothing when none comes; checks the count.
    std::string receive() {
        zmq::message_t topic, body, count;
        if (!subscriber_.recv(topic)) return "";
        EXPECT_TRUE(subscriber_.recv(body));
        EXPECT_TRUE(subscriber_.recv(count));
        std::uint32_t number = 0;
        EXPECT_EQ(count.size(), 4u);
        std::memcpy(&number, count.data(), 4);
        const std::string name = topic.to_string();
        if (const auto known = counts_.find(name); known != counts_.end()) EXPECT_EQ(number, known->second + 1);
        counts_[name] = number;
        return name + " " + to_hex({static_cast<const std::uint8_t*>(body.data()), body.size()});
    }
    std::shared_ptr<const ChainView> view(const HeaderNode* tip, bool initial_download = false) {
        auto shown = std::make_shared<ChainView>();
        shown->tip = tip;
        shown->initial_block_download = initial_download;
        return shown;
    }

    test::TempDir folder_;
    ChainParamsPtr params_ = make_params(Network::regtest);
    BlockPtr genesis_ = params_->genesis;
    HeaderTree tree_{genesis_->header()};
    std::string address_;
    std::unique_ptr<ZmqPublisher> publisher_;
    zmq::context_t context_;
    zmq::socket_t subscriber_{context_, zmq::socket_type::sub};
    std::map<std::string, std::uint32_t> counts_;
};

TEST_F(Publishing, TellsABlockWhenItsTipIsShown) {
    const std::string hash = genesis_->hash().to_display_hex(), txid = genesis_->txs()[0].txid.to_display_hex();
    publisher_->on_block_connected(genesis_, tree_.genesis());
    publisher_->on_tip(view(tree_.genesis()), nullptr, nullptr);
    EXPECT_EQ(receive(), "hashtx " + txid);
    EXPECT_EQ(receive(), "rawtx " + to_hex(genesis_->txs()[0].raw));
    EXPECT_EQ(receive(), "sequence " + hash + "43");
    EXPECT_EQ(receive(), "hashblock " + hash);
    EXPECT_EQ(receive(), "rawblock " + to_hex(genesis_->raw()));
}

TEST_F(Publishing, NamesNoTipDuringTheInitialDownload) {
    publisher_->on_block_connected(genesis_, tree_.genesis());
    publisher_->on_tip(view(tree_.genesis(), true), nullptr, nullptr);
    publisher_->on_block_disconnected(genesis_, tree_.genesis());
    for (const char* topic : {"hashtx", "rawtx", "sequence", "hashtx", "rawtx", "sequence"}) {
        EXPECT_EQ(receive().substr(0, std::string(topic).size()), topic);
    }
}

TEST_F(Publishing, PutsTheMempoolBeforeTheBlockThatChangedIt) {
    auto tx = *TransactionHolder::parse(to_bytes(genesis_->txs()[0].raw));
    const std::string txid = tx->tx().txid.to_display_hex();
    publisher_->on_block_connected(genesis_, tree_.genesis());
    RemovedEntry removed;
    removed.entry.tx = tx;
    removed.sequence = 0x0102;
    publisher_->on_removed(removed);
    AddedTransaction added;
    added.tx = tx;
    added.sequence = 7;
    publisher_->on_added(added);
    EXPECT_EQ(receive(), "sequence " + txid + "52" "0201000000000000");
    EXPECT_EQ(receive(), "hashtx " + txid);
    EXPECT_EQ(receive().substr(0, 5), "rawtx");
    EXPECT_EQ(receive(), "sequence " + txid + "41" "0700000000000000");
}

TEST_F(Publishing, ListsItsTopicsByName) {
    const auto active = publisher_->active();
    ASSERT_EQ(active.size(), 5u);
    EXPECT_EQ(active[0].type, "pubhashblock");
    EXPECT_EQ(active[4].type, "pubsequence");
    EXPECT_EQ(active[4].address, address_);
    EXPECT_EQ(active[4].high_water_mark, 1000);
}

TEST(ZmqPublisher, GoesWithoutWhenAnAddressIsNone) {
    EXPECT_EQ(ZmqPublisher::create({}), nullptr);
    EXPECT_EQ(ZmqPublisher::create({{"pubrawtx", "foo"}}), nullptr);
    EXPECT_EQ(ZmqPublisher::create({{"pubrawtx", "tcp://300.0.0.1:1"}}), nullptr);
}

TEST(ZmqEventQueue, CountsWhatDidNotFit) {
    zmq_detail::EventQueue queue(2);
    for (std::uint64_t i = 0; i < 5; ++i) queue.push({.kind = zmq_detail::Event::Kind::added, .sequence = i});
    EXPECT_EQ(queue.take()->sequence, 0u);
    EXPECT_EQ(queue.take()->sequence, 1u);
    queue.push({.kind = zmq_detail::Event::Kind::added, .sequence = 9});
    const auto next = queue.take();
    EXPECT_EQ(next->sequence, 9u);
    EXPECT_EQ(next->lost, 3u);
    queue.close();
    EXPECT_FALSE(queue.take());
}

}  // namespace
}  // namespace cairn::node
