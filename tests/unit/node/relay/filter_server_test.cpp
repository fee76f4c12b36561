#include <gtest/gtest.h>

#include "node/relay/filter_server.hpp"
#include "tests/support/chain_builder.hpp"
#include "tests/support/fake_chain_port.hpp"

namespace cairn::node {
namespace {

using namespace net;  // NOLINT: the network's language
using test::ChainBuilder;
using test::FakeChainPort;

/// Filters that say whose they are; work runs when the test wants.
class FakeFilters final : public FilterSource {
public:
    static Bytes bytes_of(const HeaderNode* node) { return Bytes(100, static_cast<std::uint8_t>(node->height)); }
    static Row row_of(const HeaderNode* node) {
        Row row;
        row.hash.data()[0] = static_cast<std::uint8_t>(node->height);
        row.header.data()[1] = static_cast<std::uint8_t>(node->height + 1);
        row.header.data()[2] = static_cast<std::uint8_t>(node->height >> 8);
        return row;
    }
    std::optional<Bytes> filter(const HeaderNode* node) const override {
        if (node->height > indexed) return std::nullopt;
        return bytes_of(node);
    }
    std::optional<Row> row(const HeaderNode* node) const override {
        if (node->height > indexed) return std::nullopt;
        return row_of(node);
    }
    std::optional<std::vector<Row>> rows(Height start, const HeaderNode* stop) const override {
        if (stop->height > indexed) return std::nullopt;
        std::vector<Row> rows;
        for (Height height = start; height <= stop->height; ++height) rows.push_back(row_of(stop->ancestor(height)));
        return rows;
    }
    bool post(std::function<void()> work) const override {
        waiting.push_back(std::move(work));
        return true;
    }

    Height indexed = 1 << 20;
    mutable std::deque<std::function<void()>> waiting;
};

class ServingFilters : public testing::Test {
protected:
    static void SetUpTestSuite() {
        builder = std::make_unique<ChainBuilder>();
        builder->mine_many(2'100);
    }
    static void TearDownTestSuite() { builder.reset(); }

    ServingFilters() : port(builder->params_ptr()) {
        port.now_s = builder->tip()->header.time + 600;
        for (Height height = 1; height <= builder->tip()->height; ++height) port.mine(builder->block_at(height));
        adapter.refresh();
        peer.id = 5;
    }

    /// Everything that is sent, with workers as fast as one likes; `most` at a time may wait in the send queue.
    std::vector<Message> run() {
        std::vector<Message> sent;
        for (int round = 0; round < 10'000; ++round) {
            for (RoleAction& action : out.take()) {
                if (auto* send = std::get_if<SendAction>(&action)) sent.push_back(std::move(send->message));
                if (auto* gone = std::get_if<DisconnectAction>(&action)) dropped = gone->reason;
            }
            most_waiting = std::max(most_waiting, source.waiting.size());
            if (source.waiting.empty() && !server.busy(peer.id)) break;
            while (!source.waiting.empty()) {
                source.waiting.front()();
                source.waiting.pop_front();
            }
            for (FilterServer::ReadDone& done : std::exchange(delivered, {})) server.on_read(std::move(done), out);
            server.pump(peer, out);
        }
        return sent;
    }
    const BlockHash& hash(Height height) const { return builder->tip()->ancestor(height)->hash; }

    static inline std::unique_ptr<ChainBuilder> builder;
    FakeChainPort port;
    ChainAdapter adapter{port, Arith256()};
    FakeFilters source;
    std::vector<FilterServer::ReadDone> delivered;
    bool allowed = true;
    FilterServer server{adapter, &source, 1'000'000, [this](const HeaderNode*) { return allowed; },
                        [this](FilterServer::ReadDone done) { delivered.push_back(std::move(done)); }};
    PeerInfo peer;
    LogLines log;
    Outbox out{log};
    std::string dropped;
    std::size_t most_waiting = 0;
};

TEST_F(ServingFilters, SendsFiltersInOrderOneReadAtATime) {
    server.on_get_filters(peer, {0, 20, hash(1'019)}, out);
    const auto sent = run();
    ASSERT_EQ(sent.size(), 1'000u);
    for (std::size_t i = 0; i < sent.size(); ++i) {
        const auto& filter = std::get<CFilterMessage>(sent[i]);
        const HeaderNode* node = builder->tip()->ancestor(20 + static_cast<Height>(i));
        EXPECT_EQ(filter.block, node->hash);
        EXPECT_EQ(filter.filter, FakeFilters::bytes_of(node));
    }
    EXPECT_EQ(most_waiting, 1u);
    EXPECT_FALSE(server.busy(peer.id));
}

TEST_F(ServingFilters, ReadsNothingWhileTheSendQueueIsFull) {
    peer.send_queue_bytes = 1'000'000;
    server.on_get_filters(peer, {0, 0, hash(50)}, out);
    EXPECT_TRUE(source.waiting.empty());
    EXPECT_TRUE(server.busy(peer.id));
    peer.send_queue_bytes = 0;
    server.pump(peer, out);
    EXPECT_EQ(run().size(), 51u);
}

TEST_F(ServingFilters, SendsHeadersWithTheOneBefore) {
    server.on_get_headers(peer, {0, 10, hash(12)}, out);
    const auto sent = run();
    ASSERT_EQ(sent.size(), 1u);
    const auto& headers = std::get<CFHeadersMessage>(sent[0]);
    EXPECT_EQ(headers.stop, hash(12));
    EXPECT_EQ(headers.previous_header, FakeFilters::row_of(builder->tip()->ancestor(9)).header);
    ASSERT_EQ(headers.filter_hashes.size(), 3u);
    EXPECT_EQ(headers.filter_hashes[0], FakeFilters::row_of(builder->tip()->ancestor(10)).hash);
    server.on_get_headers(peer, {0, 0, hash(1)}, out);
    EXPECT_TRUE(std::get<CFHeadersMessage>(run().at(0)).previous_header.is_null());
}

TEST_F(ServingFilters, SendsACheckpointEveryThousandBlocks) {
    server.on_get_checkpoints(peer, {0, hash(2'050)}, out);
    const auto sent = run();
    ASSERT_EQ(sent.size(), 1u);
    const auto& points = std::get<CFCheckptMessage>(sent[0]);
    ASSERT_EQ(points.headers.size(), 2u);
    EXPECT_EQ(points.headers[1], FakeFilters::row_of(builder->tip()->ancestor(2'000)).header);
    server.on_get_checkpoints(peer, {0, hash(999)}, out);
    EXPECT_TRUE(std::get<CFCheckptMessage>(run().at(0)).headers.empty());
}

TEST_F(ServingFilters, DropsPeersThatAskForWhatNobodyHas) {
    const auto reason = [this] {
        run();
        return std::exchange(dropped, {});
    };
    server.on_get_filters(peer, {1, 0, hash(1)}, out);
    EXPECT_EQ(reason(), "peer requested unsupported block filter type: 1");
    server.on_get_filters(peer, {0, 0, BlockHash()}, out);
    EXPECT_EQ(reason(), "peer requested invalid block hash: " + BlockHash().to_display_hex());
    server.on_get_headers(peer, {0, 6, hash(5)}, out);
    EXPECT_EQ(reason(), "peer sent invalid getcfilters/getcfheaders with start height 6 and stop height 5");
    server.on_get_filters(peer, {0, 0, hash(1'000)}, out);
    EXPECT_EQ(reason(), "peer requested too many cfilters/cfheaders: 1001 / 1000");
    server.on_get_headers(peer, {0, 0, hash(2'000)}, out);
    EXPECT_EQ(reason(), "peer requested too many cfilters/cfheaders: 2001 / 2000");
    allowed = false;
    server.on_get_checkpoints(peer, {0, hash(5)}, out);
    EXPECT_EQ(reason(), "peer requested invalid block hash: " + hash(5).to_display_hex());
    FilterServer without{adapter, nullptr, 1'000'000, [](const HeaderNode*) { return true; }, [](FilterServer::ReadDone) {}};
    without.on_get_checkpoints(peer, {0, hash(5)}, out);
    EXPECT_EQ(reason(), "peer requested unsupported block filter type: 0");
}

TEST_F(ServingFilters, AnswersNothingForBlocksThatAreNotIndexedYet) {
    source.indexed = 30;
    server.on_get_filters(peer, {0, 10, hash(200)}, out);
    EXPECT_EQ(run().size(), 16u) << "those of the reads that found everything";
    server.on_get_headers(peer, {0, 10, hash(200)}, out);
    EXPECT_TRUE(run().empty());
    EXPECT_EQ(dropped, "");
    EXPECT_FALSE(server.busy(peer.id));
}

TEST_F(ServingFilters, ForgetsAPeerThatIsGone) {
    server.on_get_filters(peer, {0, 0, hash(100)}, out);
    server.remove(peer.id);
    EXPECT_TRUE(run().empty());
    EXPECT_FALSE(server.busy(peer.id));
}

}  // namespace
}  // namespace cairn::node
