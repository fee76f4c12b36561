#include "net/discovery/dht_node.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
const Endpoint kOther{*NetAddress::parse("20.1.1.1"), 6881};

DhtNode::Options options(std::uint16_t port = 8333) { return {DhtNode::network_id(sha256(Bytes{1})), port, true, true}; }
std::string text(const Bytes& bytes) { return std::string(as_text(bytes)); }
std::string id_text(char c) { return std::string(20, c); }

/// One query as it stands in a packet; nothing is bencoded here but by hand.
struct Query {
    std::string kind, transaction, packet;
};
std::optional<Query> query_in(const Bytes& bytes) {
    const std::string packet = text(bytes);
    for (const char* kind : {"4:ping", "9:find_node", "9:get_peers", "13:announce_peer"}) {
        if (packet.find(std::string("1:q") + kind) == std::string::npos) continue;
        const auto at = packet.find("1:t4:");
        if (at == std::string::npos) return std::nullopt;
        return Query{std::string(kind).substr(std::string(kind).find(':') + 1), packet.substr(at + 5, 4), packet};
    }
    return std::nullopt;
}
std::string reply(const Query& query, const std::string& more = "") {
    return "d1:rd2:id20:" + id_text('b') + more + "e1:t4:" + query.transaction + "1:y1:re";
}
void hear(DhtNode& node, const std::string& packet, std::int64_t now, const Endpoint& from = kOther) { node.on_packet(from, as_bytes(packet), now); }

class DhtNodeTest : public testing::Test {
protected:
    void SetUp() override {
        if (!DhtNode::available()) GTEST_SKIP() << "built without the dht library";
        node.emplace(options(), Random::from_number(1), now);
    }
    /// One other node that answers everything; it knows of `values` nodes of our chain.
    void converse(std::int64_t until, const std::string& values = "") {
        for (; now < until; now += kSecond / 2) {
            node->on_tick(now);
            for (const DhtPacket& packet : node->take_packets()) {
                const auto query = query_in(packet.bytes);
                if (!query || packet.to != kOther) continue;
                ++heard[query->kind];
                last[query->kind] = query->packet;
                if (query->kind == "get_peers") hear(*node, reply(*query, "5:token4:abcd" + (values.empty() ? "" : "6:valuesl" + values + "e")), now);
                else hear(*node, reply(*query), now);
            }
            for (const Endpoint& endpoint : node->take_found()) found.insert(endpoint.to_string());
        }
    }

    std::optional<DhtNode> node;
    std::int64_t now = 100 * kSecond;
    std::map<std::string, int> heard;
    std::map<std::string, std::string> last;
    std::set<std::string> found;
};

TEST_F(DhtNodeTest, FindsOthersAndAnnouncesItsPort) {
    EXPECT_TRUE(node->lonely());
    node->ping(kOther);
    converse(now + 60 * kSecond, std::string("6:\x05\x06\x07\x08\x20\x8d", 8));
    EXPECT_FALSE(node->lonely());
    EXPECT_EQ(found, std::set<std::string>{"5.6.7.8:8333"});
    ASSERT_GE(heard["announce_peer"], 1);
    EXPECT_NE(last["announce_peer"].find("4:porti8333e"), std::string::npos);
    EXPECT_NE(last["announce_peer"].find("9:info_hash20:" + std::string(as_text(options().network))), std::string::npos);
    EXPECT_GE(node->counts().announced, 1u);
    ASSERT_EQ(node->good_nodes().size(), 1u);
    EXPECT_EQ(node->good_nodes()[0], kOther);
}

TEST_F(DhtNodeTest, AnnouncesWithinSecondsAndRenewsWithinTheHalfHourThatItLasts) {
    node->ping(kOther);
    converse(now + 15 * kSecond);
    EXPECT_GE(heard["announce_peer"], 1);
    converse(now + 2 * 3600 * kSecond);
    const int before = heard["announce_peer"];
    converse(now + 20 * 60 * kSecond);
    EXPECT_GT(heard["announce_peer"], before);
    EXPECT_LT(node->counts().searches, 40u);
}

TEST_F(DhtNodeTest, OnlyLooksWhenThereIsNoPort) {
    node.reset();
    node.emplace(options(0), Random::from_number(1), now);
    node->ping(kOther);
    converse(now + 120 * kSecond, std::string("6:\x05\x06\x07\x08\x20\x8d", 8));
    EXPECT_EQ(heard["announce_peer"], 0);
    EXPECT_FALSE(found.empty());
    EXPECT_EQ(node->counts().announced, 0u);
}

TEST_F(DhtNodeTest, RemembersForOthersWhoAnnounced) {
    const std::string network(as_text(options().network));
    const auto ask = [&](const Endpoint& from) {
        hear(*node, "d1:ad2:id20:" + id_text('c') + "9:info_hash20:" + network + "e1:q9:get_peers1:t2:aa1:y1:qe", now, from);
        const auto packets = node->take_packets();
        std::string answer;
        for (const DhtPacket& packet : packets)
            if (text(packet.bytes).find("1:y1:r") != std::string::npos) answer = text(packet.bytes);
        return answer;
    };
    const std::string first = ask(kOther);
    const auto at = first.find("5:token");
    ASSERT_NE(at, std::string::npos);
    const auto colon = first.find(':', at + 7);
    const std::string token = first.substr(at + 7, colon - at - 7 + 1 + std::stoul(first.substr(at + 7)));
    hear(*node, "d1:ad2:id20:" + id_text('c') + "9:info_hash20:" + network + "4:porti1234e5:token" + token + "e1:q13:announce_peer1:t2:ab1:y1:qe", now);
    const Endpoint third{*NetAddress::parse("20.2.2.2"), 6881};
    EXPECT_NE(ask(third).find(std::string("6:\x14\x01\x01\x01\x04\xd2", 8)), std::string::npos);
}

TEST_F(DhtNodeTest, SurvivesRubbish) {
    node->ping(kOther);
    converse(now + 30 * kSecond, std::string("6:\x05\x06\x07\x08\x20\x8d", 8));
    Random random = Random::from_number(9);
    const std::string seeds[] = {
        "d1:ad2:id20:" + id_text('c') + "9:info_hash20:" + id_text('d') + "e1:q9:get_peers1:t2:aa1:y1:qe",
        "d1:rd2:id20:" + id_text('b') + "5:nodes26:" + std::string(26, 'n') + "e1:t4:gp\x01\x02" + "1:y1:re",
        "d1:ad2:id20:" + id_text('c') + "6:target20:" + id_text('e') + "e1:q9:find_node1:t2:aa1:y1:qe",
    };
    for (int i = 0; i < 20'000; ++i) {
        std::string packet = seeds[random.below(3)];
        for (std::uint64_t changes = random.below(6); changes > 0; --changes) packet[random.below(packet.size())] = static_cast<char>(random.below(256));
        if (random.below(4) == 0) packet.resize(random.below(packet.size()));
        hear(*node, packet, now, {NetAddress::ipv4(0x14000000u + static_cast<std::uint32_t>(random.below(1000))), 6881});
        if (i % 100 == 0) converse(now + kSecond);
        EXPECT_LE(node->take_packets().size(), DhtNode::kMaxPackets);
        node->take_found();
    }
    hear(*node, std::string(DhtNode::kMaxPacketBytes + 1, 'd'), now);
}

TEST(DhtNode, NamesAChainByTheFirstBytesOfItsGenesisHash) {
    const Uint256 hash = sha256(Bytes{1});
    const DhtNode::Id id = DhtNode::network_id(hash);
    EXPECT_TRUE(std::equal(id.begin(), id.end(), hash.span().begin()));
}

}  // namespace
}  // namespace cairn::net
