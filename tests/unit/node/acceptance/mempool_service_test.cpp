#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <random>
#include <thread>

#include "consensus/crypto/random.hpp"
#include "node/chain/script_cache.hpp"
#include "tests/support/acceptance_harness.hpp"
#include "tests/support/temp_dir.hpp"

namespace cairn::node {
namespace {

using test::AcceptanceHarness;
using Kind = TxVerdict::Kind;

struct Refused {
    TxRefusal refusal;
    std::string reason, debug;
    bool operator==(const Refused&) const = default;
    friend void PrintTo(const Refused& r, std::ostream* out) { *out << int(r.refusal) << " " << r.reason << " / " << r.debug; }
};
Refused refused(const TxVerdict& verdict) {
    EXPECT_EQ(verdict.kind, Kind::refused);
    return {verdict.refusal, verdict.reject_reason, verdict.debug_message};
}

// ---------------------------------------------------------------------------------------------- single transactions

TEST(MempoolService, TakesAValidTransactionAndSaysWhatItPays) {
    AcceptanceHarness h;
    h.start();
    const auto tx = h.spend({h.coin(1)}, 1000);
    EXPECT_EQ(h.test(tx).kind, Kind::accepted);
    EXPECT_FALSE(h.has(tx));
    const TxVerdict verdict = h.accept(tx);
    EXPECT_EQ(verdict.kind, Kind::accepted);
    EXPECT_EQ(verdict.base_fee, 1000);
    EXPECT_EQ(verdict.vsize, tx->tx().vsize());
    EXPECT_EQ(verdict.effective_includes, std::vector<Wtxid>{tx->tx().wtxid});
    EXPECT_TRUE(h.has(tx));
    EXPECT_EQ(h.service->pending(), 0u);
}

TEST(MempoolService, RefusesWhatIsWrongByItself) {
    AcceptanceHarness h;
    h.start();
    const auto big = h.altered({h.coin(1)}, 1000, [](MutableTransaction& tx) { tx.outputs[0].value = kMaxMoney + 1; });
    EXPECT_EQ(refused(h.accept(big)), (Refused{TxRefusal::consensus, "bad-txns-vout-toolarge", ""}));
    MutableTransaction coinbase(h.builder.block_at(5)->txs()[0]);
    EXPECT_EQ(refused(h.accept(coinbase.finish())).reason, "coinbase");
    const auto version = h.altered({h.coin(1)}, 1000, [](MutableTransaction& tx) { tx.version = 4; });
    EXPECT_EQ(refused(h.accept(version)), (Refused{TxRefusal::not_standard, "version", ""}));
    const auto locked = h.altered({h.coin(1)}, 1000, [](MutableTransaction& tx) {
        tx.lock_time = 1000;
        tx.inputs[0].sequence = 0xfffffffe;
    });
    EXPECT_EQ(refused(h.accept(locked)), (Refused{TxRefusal::premature_spend, "non-final", ""}));
}

TEST(MempoolService, KnowsWhatItHas) {
    AcceptanceHarness h;
    h.start();
    const auto tx = h.spend({h.coin(1)}, 1000);
    h.accept(tx);
    EXPECT_EQ(refused(h.accept(tx)), (Refused{TxRefusal::conflict, "txn-already-in-mempool", ""}));
    MutableTransaction other(tx->tx());
    other.inputs[0].witness[0][10] ^= 1;
    EXPECT_EQ(refused(h.accept(other.finish())), (Refused{TxRefusal::conflict, "txn-same-nonwitness-data-in-mempool", ""}));
}

TEST(MempoolService, RefusesSpendsOfCoinsThatAreNotThere) {
    AcceptanceHarness h;
    h.start();
    auto nowhere = h.coin(1);
    nowhere.outpoint.index = 7;
    EXPECT_EQ(refused(h.accept(h.spend({nowhere}, 1000))), (Refused{TxRefusal::missing_inputs, "bad-txns-inputs-missingorspent", ""}));
    const auto confirmed = h.spend({h.coin(2)}, 1000);
    h.mine({confirmed}, 1000);
    EXPECT_EQ(refused(h.accept(confirmed)), (Refused{TxRefusal::conflict, "txn-already-known", ""}));
    TxSubmission local;
    local.local = true;
    EXPECT_TRUE(h.service->accept(confirmed, local).in_chain);
}

TEST(MempoolService, RefusesLocksAndCoinbasesThatAreNotRipe) {
    AcceptanceHarness h;
    h.start();
    const auto young = h.spend({h.coin(100)}, 1000);
    EXPECT_EQ(refused(h.accept(young)).refusal, TxRefusal::premature_spend);
    EXPECT_EQ(refused(h.accept(young)).reason, "bad-txns-premature-spend-of-coinbase");
    const auto relative = h.altered({h.coin(1)}, 1000, [](MutableTransaction& tx) { tx.inputs[0].sequence = 500; });
    EXPECT_EQ(refused(h.accept(relative)), (Refused{TxRefusal::premature_spend, "non-BIP68-final", ""}));
    const auto minted = h.altered({h.coin(1)}, 1000, [](MutableTransaction& tx) { tx.outputs[0].value += 1001; });
    EXPECT_EQ(refused(h.accept(minted)).reason, "bad-txns-in-belowout");
}

TEST(MempoolService, RefusesFeesThatAreTooLow) {
    AcceptanceHarness h;
    h.start();
    const auto poor = h.spend({h.coin(1)}, 1);
    const Refused result = refused(h.accept(poor));
    EXPECT_EQ(result.refusal, TxRefusal::reconsiderable);
    EXPECT_EQ(result.reason, "min relay fee not met");
    EXPECT_EQ(result.debug, "1 < " + std::to_string(FeeRate{100}.fee(poor->tx().vsize())));
    h.service->prioritise(poor->tx().txid, 1000);
    EXPECT_TRUE(h.accept(poor).accepted());
    TxSubmission careful;
    careful.max_base_fee = 500;
    EXPECT_EQ(refused(h.service->accept(h.spend({h.coin(2)}, 501), careful)).reason, "max-fee-exceeded");
}

TEST(MempoolService, RefusesScriptsThatFailAndNamesTheInput) {
    AcceptanceHarness h;
    h.start();
    MutableTransaction bad(h.spend({h.coin(1), h.coin(2)}, 1000)->tx());
    bad.inputs[1].witness[0][20] ^= 1;
    const auto tx = bad.finish();
    const Refused result = refused(h.accept(tx));
    EXPECT_EQ(result.refusal, TxRefusal::not_standard);
    EXPECT_TRUE(result.reason.starts_with("mempool-script-verify-flag-failed (")) << result.reason;
    EXPECT_TRUE(result.debug.starts_with("input 1 of " + tx->tx().txid.to_display_hex())) << result.debug;
    MutableTransaction bare(h.spend({h.coin(1)}, 1000)->tx());
    bare.inputs[0].witness.clear();
    EXPECT_EQ(refused(h.accept(bare.finish())).refusal, TxRefusal::witness_stripped);
}

TEST(MempoolService, ReplacesByFeeAndSaysWhatLeft) {
    AcceptanceHarness h;
    h.start();
    const auto first = h.spend({h.coin(1)}, 1000);
    h.accept(first);
    const auto child = h.spend({h.out(first)}, 1000);
    h.accept(child);
    EXPECT_EQ(refused(h.accept(h.spend({h.coin(1)}, 1500))).reason, "insufficient fee");
    const auto better = h.spend({h.coin(1)}, 5000);
    const TxVerdict verdict = h.accept(better);
    EXPECT_TRUE(verdict.accepted());
    EXPECT_EQ(verdict.replaced.size(), 2u);
    EXPECT_FALSE(h.has(first));
    EXPECT_FALSE(h.has(child));
    const auto own = h.spend({h.out(better), h.coin(1)}, 50'000);
    EXPECT_EQ(refused(h.accept(own)).reason, "bad-txns-spends-conflicting-tx");
}

TEST(MempoolService, LimitsClusters) {
    AcceptanceHarness h;
    h.start();
    auto last = h.spend({h.coin(1)}, 1000);
    for (int i = 0; i < 64; ++i) {
        ASSERT_TRUE(h.accept(last).accepted()) << i;
        last = h.spend({h.out(last)}, 1000);
    }
    EXPECT_EQ(refused(h.accept(last)), (Refused{TxRefusal::mempool_policy, "too-large-cluster", ""}));
}

TEST(MempoolService, HoldsVersionThreeToItsShape) {
    AcceptanceHarness h;
    h.start();
    const auto truc = [](MutableTransaction& tx) { tx.version = 3; };
    const auto parent = h.altered({h.coin(1)}, 1000, truc);
    ASSERT_TRUE(h.accept(parent).accepted());
    EXPECT_EQ(refused(h.accept(h.spend({h.out(parent)}, 1000))).reason, "TRUC-violation");
    const auto child = h.altered({h.out(parent)}, 1000, truc);
    ASSERT_TRUE(h.accept(child).accepted());
    EXPECT_EQ(refused(h.accept(h.altered({h.out(child)}, 1000, truc))).reason, "TRUC-violation");
}

// ---------------------------------------------------------------------------------------------- blocks

TEST(MempoolService, LetsBlocksTakeTransactionsOut) {
    AcceptanceHarness h;
    h.start();
    const auto mined = h.spend({h.coin(1)}, 1000), conflict = h.spend({h.coin(2)}, 1000), stays = h.spend({h.coin(3)}, 1000);
    for (const auto& tx : {mined, conflict, stays}) ASSERT_TRUE(h.accept(tx).accepted());
    EXPECT_EQ(h.mine({mined, h.spend({h.coin(2)}, 2000)}, 3000).kind, BlockVerdict::Kind::connected);
    EXPECT_FALSE(h.has(mined));
    EXPECT_FALSE(h.has(conflict));
    EXPECT_TRUE(h.has(stays));
    EXPECT_EQ(h.service->tip()->hash, h.builder.tip()->hash);
}

TEST(MempoolService, TakesBackWhatAReorganisationGivesUp) {
    AcceptanceHarness h;
    h.start();
    const HeaderNode* fork = h.builder.tip();
    const auto parent = h.spend({h.coin(1)}, 1000), child = h.spend({h.out(parent)}, 1000), gone = h.spend({h.coin(2)}, 1000);
    ASSERT_TRUE(h.accept(parent).accepted());
    h.mine({parent, gone}, 2000);
    ASSERT_TRUE(h.accept(child).accepted());
    // The other branch spends coin 2 otherwise; coin 41 ripens on the first branch only a block before the last one.
    const auto ripe = h.spend({h.coin(41)}, 1000);
    ASSERT_TRUE(h.accept(ripe).accepted());
    h.builder.set_tip(fork);
    const auto other = h.spend({h.coin(2)}, 3000);
    const HeaderNode* side = h.builder.mine({other}, 3000);
    h.chain.submit(*h.builder.block(side));
    const HeaderNode* winner = h.builder.mine();
    EXPECT_EQ(h.chain.submit(*h.builder.block(winner)).kind, BlockVerdict::Kind::connected);
    EXPECT_TRUE(h.has(parent));
    EXPECT_TRUE(h.has(child));
    EXPECT_FALSE(h.has(gone));
    EXPECT_TRUE(h.has(ripe));
    EXPECT_EQ(h.service->tip()->hash, winner->hash);
    h.service->read()->check();
}

TEST(MempoolService, DropsWhatIsNoLongerRipeAfterABlockIsInvalidated) {
    AcceptanceHarness h;
    h.start();
    const auto edge = h.spend({h.coin(41)}, 1000), child = h.spend({h.out(edge)}, 1000), safe = h.spend({h.coin(1)}, 1000);
    for (const auto& tx : {edge, child, safe}) ASSERT_TRUE(h.accept(tx).accepted());
    const HeaderNode* tip = h.chain.tip();
    ASSERT_TRUE(h.chain.chain().invalidate_block(tip));
    EXPECT_FALSE(h.has(edge));
    EXPECT_FALSE(h.has(child));
    EXPECT_TRUE(h.has(safe));
    EXPECT_EQ(h.service->tip(), h.chain.tip());
}

// A long row of blocks on the way must not keep a caller waiting until the last.
TEST(MempoolService, AnswersWhileManyBlocksAreConnected) {
    AcceptanceHarness h;
    h.start();
    h.builder.mine_many(3000);
    std::atomic<bool> connected{false};
    std::thread blocks([&] {
        h.chain.submit_chain(h.builder, h.builder.tip());
        connected = true;
    });
    int answered = 0;
    for (Height height = 1; height <= 20 && !connected; ++height, ++answered) ASSERT_TRUE(h.accept(h.spend({h.coin(height)}, 1000)).accepted());
    blocks.join();
    EXPECT_GT(answered, 0);
    EXPECT_EQ(h.size(), static_cast<std::size_t>(answered));
}

TEST(MempoolService, DropsSpendersOfACoinbaseThatIsGone) {
    AcceptanceHarness h(100);
    h.start();
    const auto spends = h.spend({h.coin(100)}, 1000);
    ASSERT_TRUE(h.accept(spends).accepted());
    ASSERT_TRUE(h.chain.chain().invalidate_block(h.chain.tip()->ancestor(100)));
    EXPECT_EQ(h.chain.tip()->height, 99);
    EXPECT_FALSE(h.has(spends));
    EXPECT_EQ(h.size(), 0u);
}

// ---------------------------------------------------------------------------------------------- packages

TEST(MempoolPackages, LetAChildPayForItsParent) {
    AcceptanceHarness h;
    h.start();
    const auto parent = h.spend({h.coin(1)}, 0), child = h.spend({h.out(parent)}, 2000);
    const PackageVerdict verdict = h.package({parent, child});
    EXPECT_EQ(verdict.refusal, PackageRefusal::none) << verdict.to_string();
    EXPECT_TRUE(h.has(parent) && h.has(child));
    ASSERT_EQ(verdict.transactions.size(), 2u);
    EXPECT_EQ(verdict.transactions[0].effective, (FeeSize{2000, parent->tx().vsize() + child->tx().vsize()}));
    EXPECT_EQ(verdict.transactions[1].effective_includes.size(), 2u);
    const PackageVerdict again = h.package({parent, child});
    EXPECT_EQ(again.refusal, PackageRefusal::none);
    EXPECT_EQ(again.transactions[0].kind, Kind::known);
}

TEST(MempoolPackages, AreRefusedForTheirShape) {
    AcceptanceHarness h;
    h.start();
    const auto parent = h.spend({h.coin(1)}, 1000), child = h.spend({h.out(parent)}, 2000), stranger = h.spend({h.coin(2)}, 1000);
    EXPECT_EQ(h.package({child, parent}).reject_reason, "package-not-sorted");
    EXPECT_EQ(h.package({parent, stranger}).reject_reason, "package-not-child-with-parents");
    EXPECT_EQ(h.package({parent, parent}).reject_reason, "package-contains-duplicates");
    EXPECT_EQ(h.size(), 0u);
}

TEST(MempoolPackages, TakeWhatIsGoodAloneAndNameWhatIsNot) {
    AcceptanceHarness h;
    h.start();
    const auto good = h.spend({h.coin(1)}, 1000);
    MutableTransaction draft(h.spend({h.out(good), h.coin(2)}, 1000)->tx());
    draft.inputs[1].witness[0][20] ^= 1;
    const PackageVerdict verdict = h.package({good, draft.finish()});
    EXPECT_EQ(verdict.refusal, PackageRefusal::transaction);
    EXPECT_EQ(verdict.reject_reason, "transaction failed");
    EXPECT_TRUE(verdict.transactions[0].accepted());
    EXPECT_EQ(verdict.transactions[1].kind, Kind::refused);
    EXPECT_TRUE(h.has(good));
}

TEST(MempoolPackages, ReplaceAsAPair) {
    AcceptanceHarness h;
    h.start();
    const auto old = h.spend({h.coin(1)}, 1000);
    ASSERT_TRUE(h.accept(old).accepted());
    const auto parent = h.altered({h.coin(1)}, 0, [](MutableTransaction& tx) { tx.outputs[0].value -= 5; });
    const auto weak = h.spend({h.out(parent)}, 900);
    EXPECT_EQ(h.package({parent, weak}).reject_reason, "package RBF failed: insufficient anti-DoS fees");
    const auto strong = h.spend({h.out(parent)}, 9000);
    const PackageVerdict verdict = h.package({parent, strong});
    EXPECT_EQ(verdict.refusal, PackageRefusal::none) << verdict.to_string();
    EXPECT_FALSE(h.has(old));
    EXPECT_EQ(verdict.transactions[0].replaced.size(), 1u);
}

TEST(MempoolPackages, AreTestedWithoutChangingAnything) {
    AcceptanceHarness h;
    h.start();
    const auto parent = h.spend({h.coin(1)}, 1000), child = h.spend({h.out(parent)}, 1000);
    TxSubmission test;
    test.test_only = true;
    const PackageVerdict verdict = h.service->accept_package({parent, child}, test);
    EXPECT_EQ(verdict.refusal, PackageRefusal::none);
    EXPECT_TRUE(verdict.transactions[1].accepted());
    EXPECT_EQ(h.size(), 0u);
    const auto poor = h.spend({h.out(parent)}, 0);
    const PackageVerdict failed = h.service->accept_package({parent, poor, h.spend({h.coin(2)}, 1000)}, test);
    EXPECT_EQ(failed.reject_reason, "transaction failed");
    EXPECT_EQ(failed.transactions[1].reject_reason, "min relay fee not met");
    EXPECT_EQ(failed.transactions[2].refusal, TxRefusal::unknown);
}

// ---------------------------------------------------------------------------------------------- storage

TEST(MempoolStorage, BringsEverythingBack) {
    for (const bool version_1 : {false, true}) {
        test::TempDir dir;
        AcceptanceHarness h;
        h.options.persist_v1 = version_1;
        h.start(dir.path() / "mempool.dat");
        const auto parent = h.split({h.coin(1)}, 3, 1000), child = h.spend({h.out(parent, 1)}, 1000), poor = h.spend({h.coin(2)}, 0);
        h.service->prioritise(poor->tx().txid, 5000);
        TxSubmission local;
        local.local = true;
        for (const auto& tx : {parent, child, poor}) ASSERT_TRUE(h.service->accept(tx, local).accepted());
        const Txid elsewhere(Uint256(Bytes(32, 7)));
        h.service->prioritise(elsewhere, -77);
        // What was not read to its end is not overwritten.
        for (int i = 0; i < 1000 && !h.service->loaded(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        h.stop();
        h.start(dir.path() / "mempool.dat");
        for (int i = 0; i < 1000 && !h.service->loaded(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        ASSERT_TRUE(h.service->loaded());
        const MempoolReader pool = h.service->read();
        EXPECT_EQ(pool->size(), 3u);
        EXPECT_EQ(pool->fee_delta(poor->tx().txid), 5000);
        EXPECT_EQ(pool->fee_delta(elsewhere), -77);
        EXPECT_EQ(pool->unbroadcast().size(), 3u);
    }
}

TEST(MempoolStorage, GoesOnWithoutAFileThatIsDamaged) {
    test::TempDir dir;
    AcceptanceHarness h;
    h.start();
    ASSERT_TRUE(h.accept(h.spend({h.coin(1)}, 1000)).accepted());
    const auto path = dir.path() / "m.dat";
    ASSERT_TRUE(h.service->save(path));
    std::ifstream in(path, std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(in)), {});
    for (std::size_t size = 0; size < whole.size(); size += 7) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
        EXPECT_FALSE(h.service->import(path, {})) << size;
    }
    EXPECT_FALSE(h.service->import(dir.path() / "none", {}));
    EXPECT_EQ(h.size(), 1u);
}

// ---------------------------------------------------------------------------------------------- batches

// The same transactions in the same order: one at a time, or as they pile up.
TEST(MempoolBatches, GiveTheVerdictsOfOneByOne) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        AcceptanceHarness alone, heap;
        std::vector<TransactionPtr> txs;
        std::vector<test::TestCoin> coins;
        std::mt19937_64 random(seed);
        for (Height height = 1; height <= 12; ++height) coins.push_back(alone.coin(height));
        for (int i = 0; i < 100; ++i) {
            std::vector<test::TestCoin> inputs{coins[random() % coins.size()]};
            const auto& other = coins[random() % coins.size()];
            if (random() % 3 == 0 && other.outpoint != inputs[0].outpoint) inputs.push_back(other);
            const Amount fee = static_cast<Amount>(random() % 40) * 50;
            TransactionPtr tx = random() % 6 == 0
                                    ? alone.altered(inputs, fee, [](MutableTransaction& made) { made.version = 3; })
                                    : alone.split(inputs, 1 + random() % 3, fee);
            if (random() % 12 == 0) {
                MutableTransaction broken(tx->tx());
                broken.inputs[0].witness[0][20] ^= 1;
                tx = broken.finish();
            }
            for (std::uint32_t o = 0; o < tx->tx().outputs.size(); ++o) coins.push_back(AcceptanceHarness::out(tx, o));
            txs.push_back(std::move(tx));
        }
        for (int i = 0; i < 60; ++i) std::swap(txs[random() % txs.size()], txs[random() % txs.size()]);
        alone.start();
        heap.start();
        std::vector<TxVerdict> together(txs.size());
        std::promise<void> held, done;
        ASSERT_TRUE(heap.chain.chain().thread().post([gate = held.get_future().share()] { gate.wait(); }));
        for (std::size_t i = 0; i < txs.size(); ++i) {
            heap.service->submit(txs[i], {}, [&, i](const TxVerdict& verdict) {
                together[i] = verdict;
                if (i + 1 == txs.size()) done.set_value();
            });
        }
        held.set_value();
        done.get_future().wait();
        for (std::size_t i = 0; i < txs.size(); ++i) {
            const TxVerdict verdict = alone.accept(txs[i]);
            EXPECT_EQ(verdict.kind, together[i].kind) << "seed " << seed << " at " << i << ": " << verdict.to_string() << " / "
                                                      << together[i].to_string();
            EXPECT_EQ(verdict.to_string(), together[i].to_string()) << "seed " << seed << " at " << i;
        }
        EXPECT_EQ(alone.size(), heap.size());
        EXPECT_GT(alone.size(), 5u);
        heap.service->read()->check();
    }
}

// ---------------------------------------------------------------------------------------------- script cache

TEST(ScriptCache, AnswersForSubsetsOfItsFlagsOnly) {
    ScriptCache cache(1 << 16);
    const Wtxid id(Uint256(Bytes(32, 9)));
    EXPECT_FALSE(cache.holds(id, ScriptFlag::p2sh));
    cache.add(id, kMandatoryScriptFlags);
    EXPECT_TRUE(cache.holds(id, ScriptFlag::p2sh));
    EXPECT_TRUE(cache.holds(id, kMandatoryScriptFlags));
    EXPECT_FALSE(cache.holds(id, kStandardScriptFlags));
    cache.add(id, kStandardScriptFlags);
    EXPECT_TRUE(cache.holds(id, kStandardScriptFlags));
    EXPECT_FALSE(cache.holds(Wtxid(Uint256(Bytes(32, 8))), ScriptFlag::p2sh));
}

TEST(ScriptCache, ForgetsWhatDoesNotFit) {
    ScriptCache cache(4096);
    FastRandom random(5);
    std::vector<Wtxid> ids;
    for (int i = 0; i < 2000; ++i) cache.add(ids.emplace_back(random.uint256()), kStandardScriptFlags);
    EXPECT_TRUE(cache.holds(ids.back(), kStandardScriptFlags));
    const auto kept = std::ranges::count_if(ids, [&](const Wtxid& id) { return cache.holds(id, kStandardScriptFlags); });
    EXPECT_LE(static_cast<std::size_t>(kept), cache.capacity());
    ScriptCache none(0);
    none.add(ids[0], kStandardScriptFlags);
    EXPECT_FALSE(none.holds(ids[0], kStandardScriptFlags));
}

}  // namespace
}  // namespace cairn::node
