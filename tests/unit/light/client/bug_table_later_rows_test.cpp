// Rows 14 to 21 of the table in bug_table_test.cpp.
#include <gtest/gtest.h>

#include "consensus/primitives/block_filter.hpp"
#include "consensus/primitives/merkle_proof.hpp"
#include "light/client/bloom_scan.hpp"
#include "light/client/light_role.hpp"
#include "net/engine/engine.hpp"
#include "net/sync/private_broadcast.hpp"
#include "net/wire/codec.hpp"
#include "tests/support/light_scenes.hpp"

namespace cairn::light {
namespace {

using test::found;
using test::LightWorld;
using test::make_chain;
using test::pay;
using test::script;
using Server = LightWorld::Server;

TEST(LightBugTable, Row14OnionV3AddressesAreUnderstood) {
    const std::string name = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
    const auto address = net::NetAddress::parse(name);
    ASSERT_TRUE(address);
    EXPECT_EQ(address->network(), net::NetworkId::onion);
    EXPECT_EQ(address->to_string(), name);
    net::AddrV2Message message;
    message.addresses.push_back({{*address, 8333}, net::kServiceNetwork, 1'700'000'000});
    message.count = 1;
    const auto read = net::decode_message("addrv2", net::encode_message(net::Message(message)));
    ASSERT_TRUE(read);
    const auto& addresses = std::get<net::AddrV2Message>(*read).addresses;
    ASSERT_EQ(addresses.size(), 1u);
    EXPECT_EQ(addresses[0].endpoint.to_string(), name + ":8333");
}

TEST(LightBugTable, Row14TorThatDoesNotAnswerHoldsUpNothing) {
    LightWorld world;
    make_chain(world);
    net::EngineOptions options;
    options.dialer.reachable = {net::NetworkId::onion};
    options.dialer.dns_seed = options.dialer.use_fixed_seeds = false;
    net::Engine engine(options, *world.role, net::Random::from_number(1));
    const std::int64_t start_s = world.now_us / 1'000'000;
    for (std::uint8_t i = 0; i < 40; ++i) {
        const auto address = *net::NetAddress::from_bip155(net::NetworkId::onion, Bytes(32, i));
        engine.addresses().add({{{address, 8333}, net::kServiceNetwork | net::kServiceWitness | net::kServiceCompactFilters,
                                 static_cast<std::uint32_t>(start_s)}}, address, 0, start_s);
    }
    std::size_t dials = 0;
    std::optional<net::PeerId> peer;
    for (int i = 0; i < 6000 && !peer; ++i) {  // ten minutes
        engine.on_tick(world.now_us += 100'000);
        for (net::EngineAction& action : engine.take_actions()) {
            const auto* dial = std::get_if<net::DialAction>(&action);
            if (!dial || !dial->endpoint) continue;
            if (++dials < 30) engine.on_dial_failed(dial->dial, "TTL expired", world.now_us);
            else peer = engine.on_dialed(dial->dial, *dial->endpoint, {net::NetAddress::ipv4(0x7f000001), 4000}, world.now_us);
            if (peer) break;
        }
    }
    EXPECT_TRUE(peer) << "it went on calling";
    EXPECT_NE(world.role->view(), nullptr) << "and could be asked all the while";
    EXPECT_EQ(world.role->view()->phase, Phase::connecting);
}

TEST(LightBugTable, Row15SlowButSteadyFiltersAreNoTimeout) {
    LightWorld world;
    make_chain(world);
    Server& slow = world.add_server();
    slow.filter_delay_us = 5'000'000;  // the batch takes minutes
    ASSERT_TRUE(world.sync(1200));
    EXPECT_FALSE(slow.disconnected || slow.misbehaved);
}

TEST(LightBugTable, Row16FilterHeadersThatNobodyAskedForChangeNothing) {
    LightWorld world;
    make_chain(world);
    Server& server = world.add_server();
    for (const HeaderNode* stop : {world.chain.tip(), world.chain.tip()->ancestor(5)}) {
        net::CFHeadersMessage message;
        message.stop = stop->hash;
        message.filter_hashes = {Uint256(), sha256(Bytes{1})};
        world.send(server, message);
        message.filter_hashes.clear();
        world.send(server, message);
    }
    EXPECT_EQ(world.role->view()->filter_height, 0);
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
}

TEST(LightBugTable, Row17BlockWithDoubledTransactionsIsRefused) {
    LightWorld world;
    make_chain(world);
    pay(world.chain, 3, script(1));
    for (int i = 0; i < 3; ++i) world.add_server();
    bool spoiled = false;
    world.spoil = [&](const Block& block) {
        test::BlockDraft draft(block);
        if (!spoiled && draft.txs.size() > 1) {
            draft.txs.push_back(draft.txs.back());  // the merkle root stays the same with an even number before (CVE-2012-2459)
            spoiled = true;
        }
        return draft.serialize();
    };
    ASSERT_TRUE(world.sync());
    EXPECT_TRUE(spoiled);
    EXPECT_EQ(std::ranges::count_if(world.servers, [](const auto& server) { return server->misbehaved; }), 1);
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125, 131}));
}

TEST(LightBugTable, Row17InnerNodeIsNoTransaction) {
    // 64 bytes that are an inner node of the tree and could be a transaction (CVE-2017-12842): the proof of a smaller tree.
    std::vector<Uint256> leaves;
    for (std::uint8_t i = 0; i < 8; ++i) leaves.push_back(sha256(Bytes{i}));
    std::vector<Uint256> inner;
    for (std::size_t i = 0; i < 8; i += 2) {
        Bytes both = to_bytes(leaves[i].span());
        both.insert(both.end(), leaves[i + 1].span().begin(), leaves[i + 1].span().end());
        inner.push_back(hash256(both));
    }
    const std::vector<bool> all(8, true), one{false, true, false, false};
    const auto honest = MerkleProof::make(leaves, all).show();
    const auto forged = MerkleProof::make(inner, one).show();
    ASSERT_TRUE(honest && forged);
    EXPECT_EQ(honest->root, forged->root) << "the root alone does not tell them apart";
    Bytes inner_bytes = to_bytes(leaves[2].span());
    inner_bytes.insert(inner_bytes.end(), leaves[3].span().begin(), leaves[3].span().end());
    EXPECT_FALSE(shows_transaction(*forged, inner[1], inner_bytes)) << "64 bytes are no transaction";
    EXPECT_FALSE(shows_transaction(*forged, leaves[2], Bytes(100, 1))) << "not what the proof shows";
}

TEST(LightBugTable, Row17ProofWithEqualNeighboursIsNone) {
    // CVE-2012-2459: a doubled last pair gives the root of the shorter tree.
    const std::vector<Uint256> leaves{sha256(Bytes{1}), sha256(Bytes{2}), sha256(Bytes{3}), sha256(Bytes{3})};
    EXPECT_FALSE(MerkleProof::make(leaves, {false, false, true, true}).show());
}

TEST(LightBugTable, Row18BirthdayAheadOfTheChainIsWaitedFor) {
    LightWorld world;
    make_chain(world);
    world.wallet.set.birthday.height = 140;
    ++world.wallet.set.revision;
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(world.role->view()->filters_fetched, 0u);
    EXPECT_EQ(world.wallet.scanned, 130);
    world.chain.mine_many(9);
    pay(world.chain, 3, script(1));
    world.move_all(world.chain.tip());
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{140}));
    EXPECT_EQ(world.role->view()->filters_fetched, 1u);
}

TEST(LightBugTable, Row18BirthdayBeforeTheFirstFilterAndBelowZero) {
    for (const Height birthday : {-1'000'000, -1, 0, 1}) {
        LightWorld world;
        make_chain(world);
        world.wallet.set.birthday.height = birthday;
        ++world.wallet.set.revision;
        for (int i = 0; i < 3; ++i) world.add_server();
        ASSERT_TRUE(world.sync()) << birthday;
        EXPECT_EQ(found(world), (std::vector<Height>{121, 125})) << birthday;
        world.wallet.watch_script(script(2), Birthday{birthday, {}});  // and a rescan from there
        world.role->watch_changed();
        world.step();
        ASSERT_TRUE(world.sync()) << birthday;
        EXPECT_EQ(found(world), (std::vector<Height>{121, 125})) << birthday;
        EXPECT_EQ(world.wallet.scanned, 130);
    }
}

TEST(LightBugTable, Row18DatesBeforeTheChainAndAfterIt) {
    for (const std::int64_t date : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1} << 40}) {
        LightWorld world;
        make_chain(world);
        world.wallet.set.birthday.time_s = date;
        ++world.wallet.set.revision;
        for (int i = 0; i < 3; ++i) world.add_server();
        ASSERT_TRUE(world.sync()) << date;
        EXPECT_EQ(world.wallet.scanned, 130);
        EXPECT_EQ(found(world).size(), date > 0 ? 0u : 2u) << date;
    }
}

TEST(LightBugTable, Row19SeesUnconfirmedPayments) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    const test::TestCoin coin = world.chain.coin(4);
    const TransactionPtr ours = world.chain.spend({coin}, {{coin.coin.value, script(1)}});
    const TransactionPtr other = world.chain.spend({world.chain.coin(5)}, 1000);
    for (const TransactionPtr& tx : {ours, other}) {
        world.mempool[tx->tx().wtxid] = tx;
        for (auto& server : world.servers) {
            net::InvMessage inv;
            inv.items.push_back({net::kInvWtx, tx->tx().wtxid});
            world.send(*server, std::move(inv));
        }
    }
    world.step();
    ASSERT_EQ(world.wallet.transactions.size(), 1u);
    EXPECT_EQ(world.wallet.transactions[0]->tx().txid, ours->tx().txid);
}

/// Every peer tells of the transaction.
void announce(LightWorld& world, const TransactionPtr& tx, std::size_t first = 0) {
    world.mempool[tx->tx().wtxid] = tx;
    for (std::size_t i = first; i < world.servers.size(); ++i) {
        net::InvMessage inv;
        inv.items.push_back({net::kInvWtx, tx->tx().wtxid});
        world.send(*world.servers[i], std::move(inv));
    }
    world.step();
}

TEST(LightBugTable, Row19SeesItsOwnCoinsSpentBySomebodyElseWithTheSameKeys) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    const TransactionPtr spend = world.chain.spend({world.chain.coin(4)}, 1000), other = world.chain.spend({world.chain.coin(5)}, 1000);
    world.wallet.owned.insert(spend->tx().inputs[0].prevout);
    announce(world, spend);
    announce(world, other);
    ASSERT_EQ(world.wallet.transactions.size(), 1u);
    EXPECT_EQ(world.wallet.transactions[0]->tx().txid, spend->tx().txid);
}

TEST(LightBugTable, Row19SaysWhetherTheNetworkHasAPayment) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    const TransactionPtr tx = world.chain.spend({world.chain.coin(4)}, 1000);
    world.role->submit({tx});
    world.step();
    const auto payment = [&] { return world.role->view()->payments.at(0); };
    EXPECT_TRUE(payment().recipients.empty() && payment().echoes.empty());

    // Given to the first server over a connection of its own. That it tells of it proves nothing.
    net::PrivateBroadcast& connections = *world.role->private_broadcast();
    ASSERT_GT(connections.wanted(), 0u);
    net::PeerInfo fresh = world.servers[0]->info;
    fresh.id = 1000;
    fresh.type = net::ConnectionType::private_broadcast;
    connections.on_connected();
    net::LogLines log;
    net::Outbox out(log);
    connections.on_ready(fresh, out, world.now_us);
    net::GetDataMessage ask;
    ask.items.push_back({net::kInvTx, tx->tx().txid});
    connections.on_message(fresh, net::Message(ask), out, world.now_us);
    world.run(1);
    ASSERT_EQ(payment().recipients.size(), 1u);
    world.mempool[tx->tx().wtxid] = tx;
    net::InvMessage inv;
    inv.items.push_back({net::kInvWtx, tx->tx().wtxid});
    world.send(*world.servers[0], net::Message(inv));
    world.run(1);
    EXPECT_TRUE(payment().echoes.empty());

    world.send(*world.servers[1], net::Message(inv));  // this one did not have it from us
    world.run(1);
    ASSERT_EQ(payment().echoes.size(), 1u);
    EXPECT_TRUE(payment().next_s) << "it rests for some hours";
    EXPECT_EQ(connections.picture(tx->tx().wtxid), std::nullopt);
}

TEST(LightBugTable, Row19PaymentsAreBroadcastUntilTheyAreInABlockAlsoAfterARestart) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    const TransactionPtr tx = world.chain.spend({world.chain.coin(4)}, 1000);
    world.wallet.payments = {{tx}};
    ASSERT_TRUE(world.sync());
    world.run(1);
    ASSERT_EQ(world.role->view()->payments.size(), 1u);
    announce(world, tx);
    world.run(1);
    EXPECT_FALSE(world.role->view()->payments[0].echoes.empty());
    world.run(7 * 3600);
    EXPECT_GE(world.role->view()->payments[0].rounds, 2u) << "again, hours later";
    world.restart();
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    world.run(1);
    ASSERT_EQ(world.role->view()->payments.size(), 1u);
    EXPECT_GT(world.role->private_broadcast()->wanted(), 0u);
    world.wallet.payments.clear();  // it was in the next block
    world.chain.mine({tx});
    world.move_all(world.chain.tip());
    ASSERT_TRUE(world.sync());
    world.run(1);
    EXPECT_TRUE(world.role->view()->payments.empty());
}

TEST(LightBugTable, Row20HeadersOfAnotherFormatAreRefusedWhole) {
    LightWorld world;
    make_chain(world);
    Server& strange = world.add_server();
    net::HeadersMessage message;
    message.malformed = true;
    message.count = 3;
    world.send(strange, std::move(message));
    EXPECT_TRUE(strange.misbehaved);
    for (int i = 0; i < 3; ++i) world.add_server();
    EXPECT_TRUE(world.sync());
}

TEST(LightBugTable, Row20HeadersOf164BytesAreSeenToBeAnotherFormat) {
    Bytes payload{3};
    for (int i = 0; i < 3; ++i) payload.insert(payload.end(), 165, static_cast<std::uint8_t>(i + 1));
    const auto message = net::decode_message("headers", std::move(payload));
    ASSERT_TRUE(message);
    EXPECT_TRUE(std::get<net::HeadersMessage>(*message).malformed);
}

/// A chain whose block 132 spends a script that stands nowhere in it. Honest filters of it cannot be told from forged ones.
void make_undecidable(LightWorld& world) {
    make_chain(world);
    const Bytes hidden = make_witness_program(1, Bytes(32, 77));
    const HeaderNode* paid = pay(world.chain, 3, hidden);
    MutableTransaction spend;
    spend.version = 2;
    spend.inputs.push_back({OutPoint{world.chain.block(paid)->txs()[1].txid, 0}, {}, 0xffffffff, {Bytes(64, 1)}});
    spend.outputs.push_back({1000, script(50)});
    world.chain.mine({*TransactionHolder::parse(spend.serialize())});
}

/// The filter of everything that the block pays, and of something that it does not spend.
Bytes plausible_lie(const Block& block, const Bytes&) {
    const std::vector<ByteSpan> spent;
    const Bytes other = make_witness_program(1, Bytes(32, 78));
    const std::vector<ByteSpan> claimed{other};
    return basic_filter(block, claimed);
}

TEST(LightBugTable, Row21WhatNoBlockProvesAMajorityDecidesAndNobodyIsBlamed) {
    LightWorld world;
    make_undecidable(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    Server& liar = world.add_server();
    liar.lies = {132};
    liar.forge = plausible_lie;
    ASSERT_TRUE(world.sync());
    EXPECT_TRUE(liar.disconnected && !liar.misbehaved) << "outvoted, not convicted: it might have been right";
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(world.servers[i]->misbehaved || world.servers[i]->disconnected);
    EXPECT_EQ(world.role->view()->filter_height, 132);
}

TEST(LightBugTable, Row21WithoutProofOrMajorityNothingIsBelieved) {
    LightWorld world;
    make_undecidable(world);
    for (int i = 0; i < 2; ++i) world.add_server();
    for (int i = 0; i < 2; ++i) {
        Server& liar = world.add_server();
        liar.lies = {132};
        liar.forge = plausible_lie;
    }
    EXPECT_FALSE(world.sync(120));
    EXPECT_TRUE(world.role->view()->disputed);
    EXPECT_LT(world.role->view()->filter_height, 132);
    for (const auto& server : world.servers) EXPECT_FALSE(server->misbehaved);
    world.add_server();  // a third honest one
    ASSERT_TRUE(world.sync());
    EXPECT_FALSE(world.role->view()->disputed);
}

}  // namespace
}  // namespace cairn::light
