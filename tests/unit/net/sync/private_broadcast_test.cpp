#include "net/sync/private_broadcast.hpp"

#include <map>

#include <gtest/gtest.h>

#include "tests/support/fake_chain_access.hpp"

namespace cairn::net {
namespace {

using test::Taken;
using AddResult = PrivateBroadcast::AddResult;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'700'000'000 * kSecond;

/// A small transaction; `salt` makes them differ.
TransactionPtr make_tx(std::uint32_t salt) {
    Bytes bytes;
    Writer writer(bytes);
    writer.u32(2);
    writer.compact_size(1);
    writer.uint256(Uint256());
    writer.u32(salt);
    writer.compact_size(0);
    writer.u32(0xffffffff);
    writer.compact_size(1);
    writer.u64(1000);
    writer.compact_size(0);
    writer.u32(0);
    return *TransactionHolder::parse(std::move(bytes));
}

class PrivateBroadcastTest : public testing::Test {
protected:
    PeerInfo connect(PeerId id) {
        own_.on_connected();
        PeerInfo peer = test::make_peer(id);
        peer.type = ConnectionType::private_broadcast;
        peer.ready = true;
        peer.connected_us = kNow;
        own_.on_ready(peer, out_, now_);
        return peer;
    }
    /// Up to the ping: its number, 0 when there is none.
    std::uint64_t deliver(const PeerInfo& peer, const Transaction& tx) {
        Taken{out_};
        own_.on_message(peer, GetDataMessage{{{kInvTx, tx.txid}}}, out_, now_);
        const Taken taken(out_);
        const auto pings = taken.all<PingMessage>();
        return taken.all<TxMessage>().size() == 1 && pings.size() == 1 ? pings[0].nonce.value_or(0) : 0;
    }
    /// The whole way.
    void confirm(PeerId id, const Transaction& tx) {
        const PeerInfo peer = connect(id);
        own_.on_message(peer, PongMessage{deliver(peer, tx)}, out_, now_);
        EXPECT_EQ(Taken(out_).disconnected.size(), 1u);
        own_.on_gone(id);
    }

    LogLines log_;
    Outbox out_{log_};
    PrivateBroadcast own_{Random::from_number(7), {3, 4}};
    std::int64_t now_ = kNow;
};

TEST_F(PrivateBroadcastTest, WantsThreeConnectionsForEachTransaction) {
    EXPECT_EQ(own_.wanted(), 0u);
    EXPECT_EQ(own_.add(make_tx(1), log_, kNow), AddResult::added);
    EXPECT_EQ(own_.wanted(), 3u);
    EXPECT_EQ(own_.add(make_tx(1), log_, kNow), AddResult::known);
    EXPECT_EQ(own_.wanted(), 3u);
    own_.add(make_tx(2), log_, kNow);
    EXPECT_EQ(own_.wanted(), 6u);
}

TEST_F(PrivateBroadcastTest, RefusesMoreThanItCanHold) {
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(own_.add(make_tx(i), log_, kNow), AddResult::added);
    EXPECT_EQ(own_.add(make_tx(9), log_, kNow), AddResult::full);
    EXPECT_EQ(own_.add(make_tx(2), log_, kNow), AddResult::known);
    EXPECT_EQ(own_.wanted(), 9u);
}

TEST_F(PrivateBroadcastTest, NamesTheTransactionByItsTxidAndGivesItOnRequest) {
    const TransactionPtr tx = make_tx(1);
    own_.add(tx, log_, kNow);
    const PeerInfo peer = connect(5);
    const auto invs = Taken(out_).all<InvMessage>();
    ASSERT_EQ(invs.size(), 1u);
    EXPECT_EQ(invs[0].items, (std::vector<InvItem>{{kInvTx, tx->tx().txid}}));
    own_.on_message(peer, GetDataMessage{{{kInvWitnessTx, tx->tx().txid}}}, out_, now_);
    const Taken taken(out_);
    ASSERT_EQ(taken.all<TxMessage>().size(), 1u);
    EXPECT_EQ(taken.all<TxMessage>()[0].raw, to_bytes(tx->tx().raw));
    EXPECT_EQ(taken.all<PingMessage>().size(), 1u);
    EXPECT_TRUE(taken.disconnected.empty());
}

TEST_F(PrivateBroadcastTest, CountsTheRightPongOnlyAndHangsUp) {
    const TransactionPtr tx = make_tx(1);
    own_.add(tx, log_, kNow);
    const PeerInfo peer = connect(5);
    own_.on_message(peer, PongMessage{0}, out_, now_);
    const std::uint64_t nonce = deliver(peer, tx->tx());
    ASSERT_NE(nonce, 0u);
    own_.on_message(peer, PongMessage{nonce + 1}, out_, now_);
    own_.on_message(peer, PongMessage{}, out_, now_);
    EXPECT_TRUE(Taken(out_).disconnected.empty());
    EXPECT_FALSE(own_.pictures().at(0).recipients.at(0).received_us);
    now_ += 2 * kSecond;
    own_.on_message(peer, PongMessage{nonce}, out_, now_);
    EXPECT_EQ(Taken(out_).disconnected.size(), 1u);
    const auto picture = own_.pictures().at(0);
    EXPECT_EQ(picture.recipients.at(0).sent_us, kNow);
    EXPECT_EQ(picture.recipients.at(0).received_us, now_);
    EXPECT_EQ(picture.attempts_left, 3u);
    own_.on_gone(5);
    EXPECT_EQ(own_.wanted(), 2u) << "it did its work";
}

TEST_F(PrivateBroadcastTest, HangsUpOnWhoAsksForSomethingElse) {
    const TransactionPtr tx = make_tx(1), other = make_tx(2);
    for (const GetDataMessage& odd : {GetDataMessage{{{kInvTx, other->tx().txid}}}, GetDataMessage{}, GetDataMessage{{{kInvWtx, tx->tx().wtxid}}},
                                      GetDataMessage{{{kInvTx, tx->tx().txid}, {kInvTx, tx->tx().txid}}}}) {
        PrivateBroadcast own(Random::from_number(1));
        own.add(tx, log_, kNow);
        own.on_connected();
        PeerInfo peer = test::make_peer(5);
        peer.ready = true;
        own.on_ready(peer, out_, kNow);
        Taken{out_};
        own.on_message(peer, odd, out_, kNow);
        const Taken taken(out_);
        EXPECT_TRUE(taken.sent.empty());
        EXPECT_EQ(taken.disconnected.size(), 1u);
    }
}

TEST_F(PrivateBroadcastTest, SaysNothingToAnythingElse) {
    own_.add(make_tx(1), log_, kNow);
    const PeerInfo peer = connect(5);
    Taken{out_};
    for (const Message& message : {Message(PingMessage{3}), Message(GetAddrMessage{}), Message(InvMessage{}), Message(FeeFilterMessage{1000}),
                                   Message(GetHeadersMessage{}), Message(SendHeadersMessage{})})
        own_.on_message(peer, message, out_, now_);
    const Taken taken(out_);
    EXPECT_TRUE(taken.sent.empty() && taken.disconnected.empty());
}

TEST_F(PrivateBroadcastTest, AllowsFiveMessagesOnly) {
    for (const char* command : {"version", "verack", "inv", "tx", "ping"}) EXPECT_TRUE(PrivateBroadcast::may_send(command));
    for (const char* command : {"pong", "getaddr", "sendcmpct", "wtxidrelay", "sendaddrv2", "feature", "getheaders", "feefilter", ""})
        EXPECT_FALSE(PrivateBroadcast::may_send(command));
}

TEST_F(PrivateBroadcastTest, HangsUpWhenThereIsNothingToSend) {
    connect(5);
    EXPECT_EQ(Taken(out_).disconnected.size(), 1u);
    own_.on_gone(5);
    EXPECT_EQ(own_.wanted(), 0u);
}

TEST_F(PrivateBroadcastTest, SendsWhatWasSentLeastOftenFirst) {
    const TransactionPtr one = make_tx(1), two = make_tx(2);
    own_.add(one, log_, kNow);
    own_.add(two, log_, kNow);
    std::map<Txid, int> named;
    for (PeerId id = 0; id < 6; ++id) {
        connect(id);
        now_ += kSecond;
        for (const auto& inv : Taken(out_).all<InvMessage>()) ++named[Txid(inv.items.at(0).hash)];
    }
    EXPECT_EQ(named[one->tx().txid], 3);
    EXPECT_EQ(named[two->tx().txid], 3);
}

TEST_F(PrivateBroadcastTest, WantsAnotherConnectionForOneThatDidNotDoItsWork) {
    const TransactionPtr tx = make_tx(1);
    own_.add(tx, log_, kNow);
    const PeerInfo peer = connect(5);
    EXPECT_EQ(own_.wanted(), 2u);
    deliver(peer, tx->tx());
    own_.on_gone(5);
    EXPECT_EQ(own_.wanted(), 3u);
    own_.on_connected();
    own_.on_gone(6);  // never got through its handshake
    EXPECT_EQ(own_.wanted(), 3u);
    own_.abort(tx->tx().wtxid);
    own_.on_connected();
    own_.on_gone(7);
    EXPECT_EQ(own_.wanted(), 0u) << "there is nothing left to send";
}

TEST_F(PrivateBroadcastTest, RestsWhenItsAttemptsAreUsedUpUntilItIsAddedAgain) {
    const TransactionPtr tx = make_tx(1);
    own_.add(tx, log_, kNow);
    for (PeerId id = 0; id < 4; ++id) {
        connect(id);
        own_.on_gone(id);
    }
    EXPECT_EQ(own_.pictures().at(0).attempts_left, 0u);
    connect(9);
    EXPECT_FALSE(Taken(out_).disconnected.empty()) << "in vain";
    EXPECT_TRUE(own_.stale(kNow + 3600 * kSecond).empty());
    EXPECT_EQ(own_.add(tx, log_, kNow), AddResult::added);
    EXPECT_EQ(own_.pictures().at(0).attempts_left, 4u);
    EXPECT_TRUE(own_.pictures().at(0).recipients.empty());
}

TEST_F(PrivateBroadcastTest, EndsWhenTheTransactionComesBack) {
    const TransactionPtr tx = make_tx(1);
    own_.add(tx, log_, kNow);
    confirm(1, tx->tx());
    own_.on_heard(make_tx(2), 8, log_);
    EXPECT_FALSE(own_.empty());
    own_.on_heard(tx, 8, log_);
    EXPECT_TRUE(own_.empty());
    EXPECT_EQ(own_.wanted(), 0u) << "two of three were still to come";
}

TEST_F(PrivateBroadcastTest, GivesNothingOutThatWasAbortedMeanwhile) {
    const TransactionPtr tx = make_tx(1);
    own_.add(tx, log_, kNow);
    const PeerInfo peer = connect(1);
    EXPECT_EQ(own_.abort(tx->tx().txid).size(), 1u);
    EXPECT_TRUE(own_.abort(tx->tx().txid).empty());
    Taken{out_};
    own_.on_message(peer, GetDataMessage{{{kInvTx, tx->tx().txid}}}, out_, now_);
    const Taken taken(out_);
    EXPECT_TRUE(taken.sent.empty());
    EXPECT_EQ(taken.disconnected.size(), 1u);
}

TEST_F(PrivateBroadcastTest, FindsStaleWhatDidNotComeBack) {
    const TransactionPtr quiet = make_tx(1);
    own_.add(quiet, log_, kNow);
    EXPECT_TRUE(own_.stale(kNow + PrivateBroadcast::kFirstStale_us).empty());
    EXPECT_EQ(own_.stale(kNow + PrivateBroadcast::kFirstStale_us + 1).size(), 1u);
    confirm(1, quiet->tx());
    EXPECT_TRUE(own_.stale(now_ + PrivateBroadcast::kStale_us).empty());
    EXPECT_EQ(own_.stale(now_ + PrivateBroadcast::kStale_us + 1).size(), 1u);
    const std::size_t before = own_.wanted();
    own_.on_stale_judged(quiet, "", log_);
    EXPECT_EQ(own_.wanted(), before + 1);
    own_.on_stale_judged(quiet, "bad-txns-inputs-missingorspent", log_);
    EXPECT_TRUE(own_.empty());
}

TEST_F(PrivateBroadcastTest, AsksForStaleOnesEveryTwoToThreeMinutesOfRealTime) {
    own_.add(make_tx(1), log_, kNow);
    std::int64_t now = kNow;
    own_.tick(now);
    std::vector<std::int64_t> due;
    for (int i = 0; i < 9'000; ++i)
        if (own_.tick(now += kSecond / 10)) due.push_back(now);
    ASSERT_GE(due.size(), 4u);
    for (std::size_t i = 1; i < due.size(); ++i) {
        EXPECT_GE(due[i] - due[i - 1], 120 * kSecond);
        EXPECT_LE(due[i] - due[i - 1], 181 * kSecond);
    }
    EXPECT_FALSE(own_.tick(now += 7200 * kSecond)) << "the clock was set";
    own_.advance_timer(300);
    EXPECT_TRUE(own_.tick(now));
}

TEST_F(PrivateBroadcastTest, EndsAConnectionThatTakesTooLong) {
    own_.add(make_tx(1), log_, kNow);
    const PeerInfo peer = connect(1);
    Taken{out_};
    own_.pump(peer, out_, kNow + PrivateBroadcast::kMaxLifetime_us);
    EXPECT_TRUE(Taken(out_).disconnected.empty());
    own_.pump(peer, out_, kNow + PrivateBroadcast::kMaxLifetime_us + 1);
    EXPECT_EQ(Taken(out_).disconnected.size(), 1u);
}

TEST_F(PrivateBroadcastTest, DoesNotCountALateConfirmationForAFreshStart) {
    const TransactionPtr tx = make_tx(1);
    own_.add(tx, log_, kNow);
    const PeerInfo peer = connect(1);
    const std::uint64_t nonce = deliver(peer, tx->tx());
    own_.abort(tx->tx().txid);
    now_ += kSecond;
    own_.add(tx, log_, now_);
    connect(2);
    own_.on_message(peer, PongMessage{nonce}, out_, now_);
    EXPECT_FALSE(own_.pictures().at(0).recipients.at(0).received_us);
}

TEST_F(PrivateBroadcastTest, GivesParentsToAPeerThatAsksForThemOnceItHasTheChild) {
    const TransactionPtr child = make_tx(1), parent = make_tx(2), stranger = make_tx(3);
    own_.add({child, {parent}, {}}, log_, kNow);
    own_.add(stranger, log_, kNow);
    PeerInfo peer = connect(1);
    // But nothing else.
    own_.on_message(peer, GetDataMessage{{{kInvTx, Uint256()}}}, out_, now_);
    EXPECT_EQ(Taken(out_).disconnected.size(), 1u);
    own_.on_gone(1);

    peer = connect(2);
    const Transaction* sent = &child->tx();
    if (const auto inv = Taken(out_).all<InvMessage>(); !inv.empty() && inv[0].items[0].hash != Uint256(child->tx().txid)) sent = &stranger->tx();
    if (sent != &child->tx()) {  // the other one was more urgent
        own_.on_gone(2);
        peer = connect(3);
    }
    const std::uint64_t nonce = deliver(peer, child->tx());
    ASSERT_NE(nonce, 0u);
    own_.on_message(peer, PongMessage{nonce}, out_, now_);
    EXPECT_TRUE(Taken(out_).disconnected.empty()) << "it may still ask for the parent";
    own_.on_message(peer, GetDataMessage{{{kInvWitnessTx, parent->tx().txid}}}, out_, now_);
    const Taken taken(out_);
    ASSERT_EQ(taken.all<TxMessage>().size(), 1u);
    EXPECT_EQ(taken.all<TxMessage>()[0].raw, Bytes(parent->tx().raw.begin(), parent->tx().raw.end()));
    ASSERT_EQ(taken.all<PingMessage>().size(), 1u);
    own_.on_message(peer, PongMessage{taken.all<PingMessage>()[0].nonce.value_or(0)}, out_, now_);
    EXPECT_EQ(Taken(out_).disconnected.size(), 1u);
}

TEST_F(PrivateBroadcastTest, GivesParentsToAPeerThatHasTheChildFromAnotherConnection) {
    const TransactionPtr child = make_tx(1), parent = make_tx(2);
    own_.add({child, {parent}, {}}, log_, kNow);
    const PeerInfo peer = connect(1);
    Taken{out_};
    own_.on_message(peer, GetDataMessage{{{kInvWitnessTx, parent->tx().txid}}}, out_, now_);
    const Taken taken(out_);
    EXPECT_EQ(taken.all<TxMessage>().size(), 1u);
    EXPECT_TRUE(taken.disconnected.empty());
}

TEST_F(PrivateBroadcastTest, DoesNotWaitLongForAPeerToAskForParents) {
    const TransactionPtr child = make_tx(1);
    own_.add({child, {make_tx(2)}, {}}, log_, kNow);
    const PeerInfo peer = connect(1);
    own_.on_message(peer, PongMessage{deliver(peer, child->tx())}, out_, now_);
    own_.pump(peer, out_, now_ + PrivateBroadcast::kParentPatience_us - 1);
    EXPECT_TRUE(Taken(out_).disconnected.empty());
    own_.pump(peer, out_, now_ + PrivateBroadcast::kParentPatience_us);
    EXPECT_EQ(Taken(out_).disconnected.size(), 1u);
    EXPECT_TRUE(own_.pictures().at(0).recipients.at(0).received_us);
}

TEST_F(PrivateBroadcastTest, RestsAfterFewerAttemptsWhereFewerAreAskedFor) {
    own_.add({make_tx(1), {}, 1}, log_, kNow);
    connect(1);
    EXPECT_EQ(own_.pictures().at(0).attempts_left, 0u);
    own_.on_gone(1);
    Taken{out_};
    connect(2);
    EXPECT_EQ(Taken(out_).disconnected.size(), 1u) << "connected in vain";
}

}  // namespace
}  // namespace cairn::net
