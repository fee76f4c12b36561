#include "node/relay/tx_relay.hpp"

#include <gtest/gtest.h>

#include "tests/support/mempool_builder.hpp"

namespace cairn::node {
namespace {

using namespace net;  // NOLINT: the tests speak the network's language
using test::MempoolBuilder;

constexpr std::int64_t kSecond = 1'000'000;

/// Transaction relay with peers and a mempool that the test plays.
struct Rig {
    explicit Rig(TxRelay::Options options = {}) : relay(options, Random::from_number(7)) { lines.set_debug_wanted(false); }

    PeerInfo& connect(PeerId id, ConnectionType type, std::uint32_t permissions = kPermitNone, bool wtxid_relay = true) {
        PeerInfo& peer = peers[id];
        peer.id = id;
        peer.type = type;
        peer.permissions = permissions;
        peer.common_version = limits::kProtocolVersion;
        peer.services = kServiceNetwork | kServiceWitness;
        peer.relay_wanted = type != ConnectionType::block_relay_only;
        peer.wtxid_relay = wtxid_relay;
        peer.ready = true;
        relay.on_ready(peer);
        return peer;
    }
    void inv(PeerId from, const TransactionPtr& tx) {
        const InvItem item{kInvWtx, tx->tx().wtxid};
        relay.on_inv(peers.at(from), std::span(&item, 1), false, out, now);
    }
    void send(PeerId from, const TransactionPtr& tx) {
        relay.on_tx(peers.at(from), TxMessage{Bytes(tx->tx().raw.begin(), tx->tx().raw.end())}, false, out, now);
    }
    template <class M>
    std::vector<M> pump(PeerId peer) {
        out.take();
        relay.pump(peers.at(peer), false, out, now);
        std::vector<M> found;
        for (RoleAction& action : out.take())
            if (auto* sending = std::get_if<SendAction>(&action))
                if (auto* message = std::get_if<M>(&sending->message)) found.push_back(std::move(*message));
        return found;
    }
    std::vector<Uint256> requests(PeerId peer) {
        std::vector<Uint256> hashes;
        for (const auto& message : pump<GetDataMessage>(peer))
            for (const InvItem& item : message.items) hashes.push_back(item.hash);
        return hashes;
    }
    std::vector<Uint256> announced(PeerId peer) {
        std::vector<Uint256> hashes;
        for (const auto& message : pump<InvMessage>(peer))
            for (const InvItem& item : message.items) hashes.push_back(item.hash);
        return hashes;
    }
    /// The mempool takes it, from a peer or from its user.
    void added(const TransactionPtr& tx, Amount fee = 10'000, PeerId from = kNoPeer) {
        AddedTransaction event;
        event.tx = tx;
        event.fee = fee;
        event.vsize = tx->tx().vsize();
        event.chunk = {fee, tx->tx().weight()};
        event.sequence = sequence++;
        event.peer = from;
        event.announce = true;
        relay.on_added(event, out, now);
    }
    static TxVerdict verdict(const TransactionPtr& tx, TxRefusal refusal) {
        TxVerdict made;
        made.kind = refusal == TxRefusal::none ? TxVerdict::Kind::accepted : TxVerdict::Kind::refused;
        made.refusal = refusal;
        made.txid = tx->tx().txid;
        made.wtxid = tx->tx().wtxid;
        return made;
    }
    /// Judges what is out, which is one transaction.
    void judge(TxRefusal refusal) {
        auto due = relay.take_submissions();
        ASSERT_EQ(due.size(), 1u);
        ASSERT_EQ(due[0].txs.size(), 1u);
        if (refusal == TxRefusal::none) added(due[0].txs[0], 10'000, due[0].peer);
        relay.on_verdict(due[0].ticket, verdict(due[0].txs[0], refusal), out, now);
    }
    std::string dropped() {
        for (RoleAction& action : out.take())
            if (auto* ending = std::get_if<DisconnectAction>(&action)) return ending->reason;
        return "";
    }

    LogLines lines;
    Outbox out{lines};
    std::map<PeerId, PeerInfo> peers;
    TxRelay relay;
    std::int64_t now = 1'000'000 * kSecond;
    std::uint64_t sequence = 1;
    MempoolBuilder builder;
};

constexpr auto kOutbound = ConnectionType::outbound_full_relay;
constexpr auto kInbound = ConnectionType::inbound;

TEST(TxRelay, AsksPreferredPeersAtOnceAndOthersTwoSecondsLater) {
    Rig rig;
    rig.connect(1, kOutbound);
    rig.connect(2, kInbound);
    const auto a = rig.builder.tx({rig.builder.coin()}), b = rig.builder.tx({rig.builder.coin()});
    rig.inv(1, a);
    rig.inv(2, b);
    EXPECT_EQ(rig.requests(1), std::vector<Uint256>{a->tx().wtxid});
    EXPECT_TRUE(rig.requests(2).empty());
    rig.now += 2 * kSecond;
    EXPECT_EQ(rig.requests(2), std::vector<Uint256>{b->tx().wtxid});
}

TEST(TxRelay, AsksTheNextPeerAfterAMinuteOrNotFound) {
    Rig rig;
    for (PeerId id = 1; id <= 3; ++id) rig.connect(id, kOutbound);
    const auto tx = rig.builder.tx({rig.builder.coin()});
    for (PeerId id = 1; id <= 3; ++id) rig.inv(id, tx);
    const auto who_is_asked = [&] {
        std::vector<PeerId> asked;
        for (PeerId id = 1; id <= 3; ++id)
            if (!rig.requests(id).empty()) asked.push_back(id);
        return asked;
    };
    const auto first = who_is_asked();
    ASSERT_EQ(first.size(), 1u);
    EXPECT_TRUE(who_is_asked().empty());
    rig.now += 60 * kSecond;
    const auto second = who_is_asked();
    ASSERT_EQ(second.size(), 1u);
    EXPECT_NE(first, second);
    rig.relay.on_not_found(rig.peers.at(second[0]), NotFoundMessage{{{kInvWtx, tx->tx().wtxid}}});
    const auto third = who_is_asked();
    ASSERT_EQ(third.size(), 1u);
    EXPECT_NE(third, second);
    EXPECT_NE(third, first);
}

TEST(TxRelay, RemembersNoMoreThan5000AnnouncementsOfAPeer) {
    Rig rig;
    rig.connect(1, kInbound);
    rig.connect(2, kInbound, kPermitRelay);
    Random random = Random::from_number(3);
    for (const PeerId peer : {1, 2}) {
        std::vector<InvItem> items;
        for (int i = 0; i < 7000; ++i) items.push_back({kInvWtx, random.uint256()});
        rig.relay.on_inv(rig.peers.at(peer), items, false, rig.out, rig.now);
    }
    EXPECT_EQ(rig.relay.download().requests().count(1), TxDownload::kMaxAnnouncements);
    EXPECT_EQ(rig.relay.download().requests().count(2), 7000u);
    rig.relay.on_gone(1);
    rig.relay.on_gone(2);
    EXPECT_EQ(rig.relay.download().requests().size(), 0u);
}

TEST(TxRelay, HoldsAPeersNextWordsUntilTheVerdict) {
    Rig rig;
    rig.connect(1, kInbound);
    rig.connect(2, kInbound);
    EXPECT_FALSE(rig.relay.holds(1, "ping"));
    rig.send(1, rig.builder.tx({rig.builder.coin()}));
    EXPECT_TRUE(rig.relay.holds(1, "ping"));
    EXPECT_TRUE(rig.relay.holds(1, "getdata"));
    EXPECT_FALSE(rig.relay.holds(1, "tx"));
    EXPECT_FALSE(rig.relay.holds(1, "inv"));
    EXPECT_FALSE(rig.relay.holds(2, "ping"));
    rig.judge(TxRefusal::not_standard);
    EXPECT_FALSE(rig.relay.holds(1, "ping"));
}

TEST(TxRelay, BoundsWhatIsOutToBeJudged) {
    Rig rig;
    rig.connect(1, kInbound);
    std::size_t sent = 0;
    while (!rig.relay.holds(1, "tx") && sent < 100'000) {
        rig.send(1, rig.builder.tx({rig.builder.coin()}));
        ++sent;
    }
    EXPECT_EQ(sent, TxRelay::kMaxJudging);
    // A hundred peers share: each has a little, however many there are.
    for (PeerId id = 2; id <= 100; ++id) {
        rig.connect(id, kInbound);
        rig.send(id, rig.builder.tx({rig.builder.coin()}));
        for (std::size_t mine = 1; !rig.relay.holds(id, "tx"); ++mine) {
            ASSERT_LE(mine, TxRelay::kMaxJudging);
            rig.send(id, rig.builder.tx({rig.builder.coin()}));
        }
    }
    const std::size_t out = rig.relay.take_submissions().size();
    EXPECT_LE(out, TxRelay::kMaxJudging * 7);
}

TEST(TxRelay, HearsAnnouncementsOfWhatIsBeingJudgedWhenTheVerdictIsIn) {
    Rig rig;
    rig.connect(1, kInbound);
    rig.connect(2, kOutbound);
    const auto tx = rig.builder.tx({rig.builder.coin()});
    rig.send(1, tx);
    rig.inv(2, tx);
    EXPECT_TRUE(rig.requests(2).empty());
    // The mempool could not tell: whoever has it may give it again.
    auto due = rig.relay.take_submissions();
    ASSERT_EQ(due.size(), 1u);
    rig.relay.on_verdict(due[0].ticket, TxVerdict{}, rig.out, rig.now);
    EXPECT_EQ(rig.requests(2), std::vector<Uint256>{tx->tx().wtxid});
}

TEST(TxRelay, DoesNotAskForWhatItRefusedUntilANewTip) {
    Rig rig;
    rig.connect(1, kOutbound);
    const auto tx = rig.builder.tx({rig.builder.coin()});
    rig.send(1, tx);
    rig.judge(TxRefusal::mempool_policy);
    rig.inv(1, tx);
    EXPECT_TRUE(rig.requests(1).empty());
    rig.relay.on_tip_changed();
    rig.inv(1, tx);
    EXPECT_EQ(rig.requests(1).size(), 1u);
}

TEST(TxRelay, AsksTheSenderOfAnOrphanForItsParentsAndTriesItAfterThem) {
    Rig rig;
    rig.connect(1, kOutbound);
    const auto parent = rig.builder.tx({rig.builder.coin()}), child = rig.builder.tx({MempoolBuilder::out(parent)});
    rig.send(1, child);
    rig.judge(TxRefusal::missing_inputs);
    EXPECT_EQ(rig.relay.orphans().size(), 1u);
    EXPECT_TRUE(rig.requests(1).empty());
    rig.now += 2 * kSecond;  // by txid, with wtxid peers around
    EXPECT_EQ(rig.requests(1), std::vector<Uint256>{parent->tx().txid});
    rig.send(1, parent);
    rig.judge(TxRefusal::none);
    EXPECT_TRUE(rig.relay.holds(1, "ping"));  // its orphan is to be tried first
    rig.pump<PingMessage>(1);
    rig.judge(TxRefusal::none);
    EXPECT_TRUE(rig.relay.orphans().empty());
    EXPECT_FALSE(rig.relay.holds(1, "ping"));
}

TEST(TxRelay, DoesNotKeepOrphansOfRefusedParents) {
    Rig rig;
    rig.connect(1, kOutbound);
    // Without a witness the txid is all there is, and it was refused.
    MutableTransaction bare;
    bare.inputs.push_back({rig.builder.coin(), {}, 0, {}});
    bare.outputs.push_back({1000, {0x51}});
    const auto parent = bare.finish(), child = rig.builder.tx({MempoolBuilder::out(parent)});
    rig.send(1, parent);
    rig.judge(TxRefusal::not_standard);
    rig.send(1, child);
    rig.judge(TxRefusal::missing_inputs);
    EXPECT_TRUE(rig.relay.orphans().empty());
    rig.inv(1, child);
    EXPECT_TRUE(rig.requests(1).empty());
}

TEST(TxRelay, TriesAParentThatPaysTooLittleWithItsChild) {
    Rig rig;
    rig.connect(1, kOutbound);
    const auto parent = rig.builder.tx({rig.builder.coin()}), child = rig.builder.tx({MempoolBuilder::out(parent)});
    rig.send(1, child);
    rig.judge(TxRefusal::missing_inputs);
    rig.send(1, parent);
    rig.judge(TxRefusal::reconsiderable);
    auto due = rig.relay.take_submissions();
    ASSERT_EQ(due.size(), 1u);
    ASSERT_EQ(due[0].txs, (std::vector<TransactionPtr>{due[0].txs[0], due[0].txs[1]}));
    EXPECT_EQ(due[0].txs[0]->tx().txid, parent->tx().txid);
    EXPECT_EQ(due[0].txs[1]->tx().txid, child->tx().txid);
    EXPECT_TRUE(rig.relay.holds(1, "ping"));
    PackageVerdict package;
    for (const auto& tx : due[0].txs) {
        rig.added(tx);
        package.transactions.push_back(Rig::verdict(tx, TxRefusal::none));
    }
    rig.relay.on_verdict(due[0].ticket, package, rig.out, rig.now);
    EXPECT_TRUE(rig.relay.orphans().empty());
    EXPECT_FALSE(rig.relay.holds(1, "ping"));
}

TEST(TxRelay, TriesAPackageOnce) {
    Rig rig;
    rig.connect(1, kOutbound);
    const auto parent = rig.builder.tx({rig.builder.coin()}), child = rig.builder.tx({MempoolBuilder::out(parent)});
    rig.send(1, child);
    rig.judge(TxRefusal::missing_inputs);
    rig.send(1, parent);
    rig.judge(TxRefusal::reconsiderable);
    auto due = rig.relay.take_submissions();
    ASSERT_EQ(due.size(), 1u);
    PackageVerdict package;
    package.refusal = PackageRefusal::transaction;
    package.transactions = {Rig::verdict(due[0].txs[0], TxRefusal::reconsiderable), Rig::verdict(due[0].txs[1], TxRefusal::missing_inputs)};
    rig.relay.on_verdict(due[0].ticket, package, rig.out, rig.now);
    rig.send(1, parent);
    EXPECT_TRUE(rig.relay.take_submissions().empty());
}

TEST(TxRelay, AnnouncesInTheBestOrderParentsFirst) {
    Rig rig;
    rig.connect(1, kOutbound);
    rig.announced(1);  // its first turn
    const auto low = rig.builder.tx({rig.builder.coin()}), high = rig.builder.tx({rig.builder.coin()});
    const auto parent = rig.builder.tx({rig.builder.coin()}), child = rig.builder.tx({MempoolBuilder::out(parent)});
    rig.added(low, 200);
    rig.added(high, 20'000);
    rig.added(parent, 100);
    rig.added(child, 90'000);
    rig.now += 600 * kSecond;
    const std::vector<Uint256> expected{parent->tx().wtxid, child->tx().wtxid, high->tx().wtxid, low->tx().wtxid};
    EXPECT_EQ(rig.announced(1), expected);
    rig.now += 600 * kSecond;
    EXPECT_TRUE(rig.announced(1).empty());
}

TEST(TxRelay, AnnouncesNothingThatThePeerKnowsOrDoesNotWant) {
    Rig rig;
    rig.connect(1, kOutbound);
    rig.announced(1);
    const auto known = rig.builder.tx({rig.builder.coin()}), cheap = rig.builder.tx({rig.builder.coin()}), good = rig.builder.tx({rig.builder.coin()});
    rig.relay.on_fee_filter(rig.peers.at(1), FeeFilterMessage{5000}, rig.out);
    rig.inv(1, known);
    rig.added(known);
    rig.added(cheap, cheap->tx().vsize());
    rig.added(good, 20 * good->tx().vsize());
    rig.now += 600 * kSecond;
    EXPECT_EQ(rig.announced(1), std::vector<Uint256>{good->tx().wtxid});
}

TEST(TxRelay, AnnouncesToInboundPeersAllAtTheSameMoment) {
    Rig rig;
    for (PeerId id = 1; id <= 5; ++id) {
        rig.connect(id, kInbound);
        rig.announced(id);
    }
    rig.added(rig.builder.tx({rig.builder.coin()}));
    for (int tick = 0; tick < 2000; ++tick) {
        rig.now += kSecond / 10;
        std::size_t told = 0;
        for (PeerId id = 1; id <= 5; ++id) told += rig.announced(id).size();
        ASSERT_TRUE(told == 0 || told == 5);
        if (told == 5) return;
    }
    FAIL() << "nobody was told";
}

TEST(TxRelay, GivesATransactionOnlyToWhomItWasAnnounced) {
    Rig rig;
    rig.connect(1, kOutbound);
    rig.announced(1);
    const auto tx = rig.builder.tx({rig.builder.coin()});
    rig.added(tx);
    NotFoundMessage missing;
    EXPECT_EQ(rig.relay.answer(rig.peers.at(1), {kInvWtx, tx->tx().wtxid}, missing, rig.out), 0u);
    EXPECT_EQ(missing.items.size(), 1u);
    EXPECT_TRUE(rig.relay.take_broadcast().empty());
    rig.now += 600 * kSecond;
    ASSERT_EQ(rig.announced(1).size(), 1u);
    missing.items.clear();
    EXPECT_EQ(rig.relay.answer(rig.peers.at(1), {kInvWtx, tx->tx().wtxid}, missing, rig.out), tx->tx().total_size());
    EXPECT_EQ(rig.relay.answer(rig.peers.at(1), {kInvTx, tx->tx().txid}, missing, rig.out), tx->tx().stripped_size);
    EXPECT_TRUE(missing.items.empty());
    EXPECT_EQ(rig.relay.take_broadcast(), std::vector<Txid>{tx->tx().txid});
    EXPECT_TRUE(rig.relay.take_broadcast().empty());
}

TEST(TxRelay, LetsThroughOnlySoManyTransactionsAndKeepsTheRestWaiting) {
    TxRelay::Options options;
    options.announce.send_rate = 2;
    Rig rig(options);
    rig.connect(1, kInbound);
    rig.announced(1);
    for (int i = 0; i < 80; ++i) rig.added(rig.builder.tx({rig.builder.coin()}));
    EXPECT_EQ(rig.relay.announcer().inbound_bucket().backlog, 20u);
    std::size_t told = 0;
    for (int i = 0; i < 60; ++i) {
        rig.now += 4 * kSecond;
        rig.relay.tick(rig.out, rig.now);
        told += rig.announced(1).size();
    }
    EXPECT_EQ(told, 80u);
    EXPECT_EQ(rig.relay.announcer().inbound_bucket().backlog, 0u);
}

TEST(TxRelay, DropsPeersThatSendTransactionsInBlocksOnlyMode) {
    TxRelay::Options options;
    options.blocks_only = true;
    Rig rig(options);
    rig.connect(1, kInbound);
    rig.connect(2, kInbound, kPermitRelay);
    const auto tx = rig.builder.tx({rig.builder.coin()});
    rig.send(1, tx);
    EXPECT_EQ(rig.dropped(), "transaction sent in violation of protocol");
    rig.inv(1, tx);
    EXPECT_EQ(rig.dropped(), "transaction (" + tx->tx().wtxid.to_display_hex() + ") inv sent in violation of protocol");
    rig.send(2, tx);
    EXPECT_EQ(rig.dropped(), "");
    EXPECT_EQ(rig.relay.take_submissions().size(), 1u);
}

TEST(TxRelay, AnswersMempoolOnlyForThoseWhoMayAsk) {
    Rig rig;
    rig.connect(1, kInbound);
    rig.connect(2, kInbound, kPermitMempool);
    const auto tx = rig.builder.tx({rig.builder.coin()});
    rig.added(tx);
    rig.relay.on_mempool(rig.peers.at(1), rig.out);
    EXPECT_EQ(rig.dropped(), "mempool request with bloom filters disabled");
    rig.relay.on_mempool(rig.peers.at(2), rig.out);
    rig.now += 600 * kSecond;
    EXPECT_EQ(rig.announced(2), std::vector<Uint256>{tx->tx().wtxid});
}

TEST(TxRelay, SendsAFeeFilterThatStartsAtTheRelayFee) {
    Rig rig;
    rig.connect(1, kOutbound);
    rig.connect(2, kInbound, kPermitForceRelay);
    const auto filters = rig.pump<FeeFilterMessage>(1);
    ASSERT_EQ(filters.size(), 1u);
    EXPECT_EQ(filters[0].fee_rate, 100);
    EXPECT_TRUE(rig.pump<FeeFilterMessage>(1).empty());
    EXPECT_TRUE(rig.pump<FeeFilterMessage>(2).empty());
}

TEST(TxRelay, RemembersUnbroadcastTransactionsEveryTenToFifteenMinutes) {
    Rig rig;
    EXPECT_FALSE(rig.relay.tick(rig.out, rig.now));
    rig.now += 3600 * kSecond;  // the clock was set: that is no hour
    EXPECT_FALSE(rig.relay.tick(rig.out, rig.now));
    rig.relay.advance_timers(15 * 60);
    EXPECT_TRUE(rig.relay.tick(rig.out, rig.now));
    EXPECT_FALSE(rig.relay.tick(rig.out, rig.now));
}

TEST(TxRelay, AsksForNothingDuringInitialDownloadAndForMoreAtOnceAfterIt) {
    Rig rig;
    PeerInfo& peer = rig.connect(1, kOutbound);
    const auto filter = [&](bool downloading) {
        rig.relay.pump(peer, downloading, rig.out, rig.now);
        std::optional<std::int64_t> rate;
        for (RoleAction& action : rig.out.take())
            if (auto* sending = std::get_if<SendAction>(&action))
                if (auto* message = std::get_if<FeeFilterMessage>(&sending->message)) rate = message->fee_rate;
        return rate;
    };
    EXPECT_EQ(filter(true), 9'936'506);
    EXPECT_EQ(filter(true), std::nullopt);
    EXPECT_EQ(filter(false), 100);
    const auto tx = rig.builder.tx({rig.builder.coin()});
    const InvItem item{kInvWtx, tx->tx().wtxid};
    rig.relay.on_inv(peer, std::span(&item, 1), true, rig.out, rig.now);
    EXPECT_TRUE(rig.requests(1).empty());
}

TEST(TxRelay, FloodsOfAHundredPeersStayWithinBoundsAndHonestOrphansStay) {
    Rig rig;
    rig.connect(0, kOutbound);
    const auto honest = rig.builder.tx({rig.builder.coin()});
    rig.send(0, honest);
    rig.judge(TxRefusal::missing_inputs);
    Random random = Random::from_number(11);
    for (PeerId id = 1; id <= 100; ++id) {
        rig.connect(id, kInbound);
        for (int i = 0; i < 100; ++i) {
            rig.send(id, rig.builder.tx({rig.builder.coin()}));
            rig.judge(TxRefusal::missing_inputs);
        }
        std::vector<InvItem> items;
        for (int i = 0; i < 6000; ++i) items.push_back({kInvWtx, random.uint256()});
        rig.relay.on_inv(rig.peers.at(id), items, false, rig.out, rig.now);
    }
    const Orphanage& orphanage = const_cast<const TxRelay&>(rig.relay).download().orphanage();
    EXPECT_EQ(orphanage.latency_score(), 3000);
    EXPECT_LE(orphanage.total_weight(), orphanage.max_weight());
    EXPECT_TRUE(orphanage.contains(honest->tx().wtxid));
    EXPECT_LE(rig.relay.download().requests().size(), 101 * TxDownload::kMaxAnnouncements);
    for (PeerId id = 0; id <= 100; ++id) rig.relay.on_gone(id);
    EXPECT_EQ(orphanage.size(), 0u);
    EXPECT_EQ(rig.relay.download().requests().size(), 0u);
}

TEST(TxRelay, SurvivesRubbishAndKeepsItsSender) {
    Rig rig;
    rig.connect(1, kInbound);
    rig.relay.on_tx(rig.peers.at(1), TxMessage{Bytes{1, 2, 3}}, false, rig.out, rig.now);
    EXPECT_EQ(rig.dropped(), "");
    EXPECT_TRUE(rig.relay.take_submissions().empty());
}

TEST(FeeFilterRounder, GivesNeighboursTheLowerTwiceAsOften) {
    const FeeFilterRounder rounder(FeeRate{100});
    Random random = Random::from_number(5);
    std::map<Amount, int> seen;
    for (int i = 0; i < 3000; ++i) ++seen[rounder.round({1000}, random).per_kvb];
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_LT(seen.begin()->first, 1000);
    EXPECT_GE(seen.rbegin()->first, 1000);
    EXPECT_NEAR(seen.begin()->second, 2000, 200);
    EXPECT_EQ(rounder.round({kMaxMoney}, random), rounder.highest());
    EXPECT_EQ(rounder.round({0}, random).per_kvb, 0);
}

}  // namespace
}  // namespace cairn::node
