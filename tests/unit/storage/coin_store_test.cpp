#include "storage/coin_store.hpp"

#include <gtest/gtest.h>

#include "consensus/chain/coin_codec.hpp"
#include "consensus/crypto/random.hpp"
#include "storage/memory_kv.hpp"

namespace cairn::storage::test {

namespace {

void put(KvStore& store, const OutPoint& outpoint, const Coin& coin) {
    Bytes value;
    Writer writer(value);
    write_coin(writer, coin);
    WriteBatch batch;
    batch.put(Family::coins, CoinKey(outpoint).span(), value);
    ASSERT_TRUE(store.write(batch));
}

}  // namespace

TEST(CoinKey, SortsByTxidAndThenByIndex) {
    const std::vector<std::uint32_t> indexes{0, 1, 2, 0x7f, 0x80, 0xfc, 0xfd, 0xfe, 0xff, 0x100, 0x1ff, 0xffff, 0x10000, 0xffffffff};
    OutPoint low, high;
    high.txid.data()[0] = 1;
    for (std::size_t i = 0; i < indexes.size(); ++i) {
        low.index = high.index = indexes[i];
        EXPECT_EQ(CoinKey::parse(CoinKey(low).span()), low);
        OutPoint next = low;
        next.index = indexes[(i + 1) % indexes.size()];
        const CoinKey a(low), b(i + 1 < indexes.size() ? next : high);
        EXPECT_TRUE(std::ranges::lexicographical_compare(a.span(), b.span())) << i;
    }
}

TEST(CoinKey, RefusesWhatIsNoKey) {
    EXPECT_FALSE(CoinKey::parse(Bytes(32)));
    EXPECT_FALSE(CoinKey::parse(Bytes(34)));
    Bytes bad(33);
    bad[32] = 0xff;
    EXPECT_FALSE(CoinKey::parse(bad));
    bad[32] = 0xfd;
    EXPECT_FALSE(CoinKey::parse(bad));
}

TEST(CoinStore, AnswersInTheOrderOfTheQuestions) {
    MemoryKv kv;
    CoinStore coins(kv);
    EXPECT_TRUE(*coins.empty());
    FastRandom random(1);
    std::vector<OutPoint> outpoints;
    for (int i = 0; i < 500; ++i) {
        outpoints.push_back({Txid(random.uint256()), static_cast<std::uint32_t>(random.below(3))});
        if (i % 3 != 0) put(kv, outpoints.back(), {i, Bytes(22, 1), i, i % 2 == 0});
    }
    EXPECT_FALSE(*coins.empty());
    const auto found = coins.multi_get(outpoints);
    ASSERT_TRUE(found);
    for (int i = 0; i < 500; ++i) {
        ASSERT_EQ((*found)[i].has_value(), i % 3 != 0);
        if ((*found)[i]) { EXPECT_EQ((*found)[i]->value, i); }
        EXPECT_EQ(*coins.get(outpoints[i]), (*found)[i]);
    }
}

TEST(CoinStore, WalksAPictureInOrder) {
    MemoryKv kv;
    CoinStore coins(kv);
    FastRandom random(2);
    std::map<OutPoint, Coin> model;
    for (int i = 0; i < 300; ++i) {
        const OutPoint outpoint{Txid(random.uint256()), static_cast<std::uint32_t>(random.below(70'000))};
        model[outpoint] = {i, Bytes(23, 2), i, false};
        put(kv, outpoint, model[outpoint]);
    }
    const auto picture = kv.snapshot();
    put(kv, {Txid(random.uint256()), 0}, {1, {}, 1, false});
    auto expected = model.begin();
    ASSERT_TRUE(coins.for_each(*picture, [&](const OutPoint& outpoint, const Coin& coin) {
        EXPECT_EQ(outpoint, expected->first);
        EXPECT_EQ(coin, expected->second);
        return ++expected != model.end();
    }));
    EXPECT_EQ(expected, model.end());
}

TEST(CoinStore, ReportsADamagedCoin) {
    MemoryKv kv;
    CoinStore coins(kv);
    const OutPoint outpoint{Txid(), 1};
    WriteBatch batch;
    batch.put(Family::coins, CoinKey(outpoint).span(), as_bytes("\xff"));
    ASSERT_TRUE(kv.write(batch));
    EXPECT_EQ(coins.get(outpoint).error().kind, StorageError::Kind::corruption);
    EXPECT_FALSE(coins.multi_get(std::span(&outpoint, 1)));
    EXPECT_FALSE(coins.for_each([](const OutPoint&, const Coin&) { return true; }));
}

TEST(CoinStore, ForgetsEverything) {
    MemoryKv kv;
    CoinStore coins(kv);
    OutPoint last;
    std::fill_n(last.txid.data(), 32, 0xff);
    put(kv, last, {1, {}, 1, false});
    put(kv, {Txid(), 0}, {1, {}, 1, false});
    WriteBatch batch;
    put_best_block(batch, {BlockHash(), 5});
    ASSERT_TRUE(kv.write(batch));
    ASSERT_TRUE(coins.erase_all());
    kv.crash();
    EXPECT_TRUE(*coins.empty());
    EXPECT_EQ(*coins.best_block(), std::nullopt);
}

}  // namespace cairn::storage::test
