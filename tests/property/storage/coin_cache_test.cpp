#include "storage/coin_cache.hpp"

#include <gtest/gtest.h>

#include <map>

#include "consensus/crypto/ecc.hpp"
#include "consensus/crypto/random.hpp"
#include "storage/coin_store.hpp"
#include "storage/memory_kv.hpp"

namespace cairn::storage::test {

namespace {

/// The plainest thing that behaves as cache and disk together should.
using Model = std::map<OutPoint, Coin>;

class CachePlay {
public:
    explicit CachePlay(std::uint64_t seed) : random_(seed), coins_(kv_) {
        while (scripts_of_keys_.size() < 3) {
            const auto key = PrivateKey::parse(random_.uint256().span());
            if (!key) continue;
            Bytes script{65};
            const auto point = key->public_key().uncompressed();
            script.insert(script.end(), point.begin(), point.end());
            script.push_back(0xac);
            scripts_of_keys_.push_back(script);
        }
    }

    void step() {
        const auto dice = random_.below(1000);
        if (dice < 450) {
            add();
        } else if (dice < 800) {
            spend();
        } else if (dice < 900) {
            look();
        } else if (dice < 920) {
            give_back();
        } else if (dice < 940) {
            erase_blind();
        } else if (dice < 960) {
            cache_.evict(random_.below(20'000));
        } else if (dice < 968) {
            flush_batch();
        } else if (dice < 974) {
            flush_bulk();
        } else if (dice < 976) {
            crash();
        } else {
            prefetch();
        }
        if (++steps_ % 500 == 0) compare();
    }

    void compare() {
        cache_.check_consistency();
        for (const OutPoint& outpoint : known_) EXPECT_EQ(read(outpoint), lookup(model_, outpoint));
    }

private:
    OutPoint some_outpoint() {
        if (known_.size() < 50 || random_.below(3) == 0) {
            OutPoint outpoint{Txid(random_.uint256()), 0};
            const auto dice = random_.below(20);
            outpoint.index = static_cast<std::uint32_t>(dice == 0 ? random_.next() : dice < 4 ? random_.below(70'000) : random_.below(4));
            if (!known_.empty() && dice > 15) outpoint.txid = known_[random_.below(known_.size())].txid;
            if (known_.size() > 3000) known_[random_.below(known_.size())] = outpoint;
            else known_.push_back(outpoint);
        }
        return known_[random_.below(known_.size())];
    }
    OutPoint some_coin() {
        if (model_.empty()) return some_outpoint();
        const auto found = model_.lower_bound(known_[random_.below(known_.size())]);
        return found == model_.end() ? model_.begin()->first : found->first;
    }
    Bytes random_script() {
        const auto dice = random_.below(12);
        if (dice == 0) return scripts_of_keys_[random_.below(scripts_of_keys_.size())];
        Bytes script(dice < 3 ? 25 : dice < 5 ? 23 : dice < 6 ? 35 : dice < 7 ? 67 : dice < 8 ? random_.below(3000) : 34);
        random_.fill(script);
        if (dice < 3) script[0] = 0x76, script[1] = 0xa9, script[2] = 20, script[23] = 0x88, script[24] = 0xac;
        else if (dice < 5) script[0] = 0xa9, script[1] = 20, script[22] = 0x87;
        else if (dice < 6) script[0] = 33, script[1] = static_cast<std::uint8_t>(2 + random_.below(2)), script[34] = 0xac;
        else if (dice < 7) script[0] = 65, script[1] = 4, script[66] = 0xac;
        return script;
    }
    Coin random_coin() {
        Amount value = static_cast<Amount>(random_.below(kMaxMoney + 1));
        if (random_.flip()) value = value / kCoin * kCoin;
        return {value, random_script(), static_cast<Height>(random_.below(1'000'000)), random_.below(10) == 0};
    }
    static std::optional<Coin> lookup(const Model& model, const OutPoint& outpoint) {
        const auto found = model.find(outpoint);
        return found == model.end() ? std::nullopt : std::optional(found->second);
    }
    /// What the owner does: the cache, then the disk.
    std::optional<Coin> read(const OutPoint& outpoint) {
        switch (cache_.contains(outpoint)) {
            case CoinCache::Lookup::spent: return std::nullopt;
            case CoinCache::Lookup::unspent: return cache_.find(outpoint);
            case CoinCache::Lookup::unknown: break;
        }
        return *coins_.get(outpoint);
    }
    bool on_disk(const OutPoint& outpoint) { return coins_.get(outpoint)->has_value(); }

    void add() {
        const OutPoint outpoint = some_outpoint();
        const Coin coin = random_coin();
        // A new coin may only claim to be unknown to the disk when it is: not there, or cached.
        const bool sure = cache_.contains(outpoint) != CoinCache::Lookup::unknown || !on_disk(outpoint);
        cache_.add(outpoint, coin, !sure || random_.below(5) == 0);
        model_[outpoint] = coin;
    }
    void spend() {
        const OutPoint outpoint = random_.below(10) == 0 ? some_outpoint() : some_coin();
        if (cache_.contains(outpoint) == CoinCache::Lookup::unknown) {
            const auto coin = *coins_.get(outpoint);
            if (coin) { EXPECT_TRUE(cache_.insert_from_disk(outpoint, *coin, cache_.epoch())); }
        }
        const auto probe = cache_.prepare(outpoint);
        cache_.touch(probe);
        if (random_.flip()) {
            EXPECT_EQ(cache_.spend(outpoint), lookup(model_, outpoint));
        } else {
            Arena arena;
            const auto spent = cache_.spend(outpoint, probe, arena);
            EXPECT_EQ(spent ? std::optional(spent->to_coin()) : std::nullopt, lookup(model_, outpoint));
        }
        EXPECT_EQ(read(outpoint), std::nullopt);
        model_.erase(outpoint);
    }
    void look() {
        const OutPoint outpoint = random_.flip() ? some_outpoint() : some_coin();
        EXPECT_EQ(read(outpoint), lookup(model_, outpoint));
        Arena arena;
        const auto found = cache_.find(outpoint, cache_.prepare(outpoint), arena);
        if (found) { EXPECT_EQ(std::optional(found->to_coin()), lookup(model_, outpoint)); }
    }
    void give_back() {
        const OutPoint outpoint = some_outpoint();
        if (model_.contains(outpoint)) return;
        const Coin coin = random_coin();
        cache_.add(outpoint, coin, true);
        model_[outpoint] = coin;
    }
    void erase_blind() {
        const OutPoint outpoint = random_.flip() ? some_outpoint() : some_coin();
        cache_.erase_blind(outpoint);
        model_.erase(outpoint);
    }
    void prefetch() {
        // Answers of the disk that are used only later, perhaps after a flush.
        if (!waiting_.empty() && random_.flip()) {
            for (const auto& [outpoint, coin] : waiting_) cache_.insert_from_disk(outpoint, coin, waiting_epoch_);
            waiting_.clear();
            return;
        }
        waiting_.clear();
        waiting_epoch_ = cache_.epoch();
        for (int i = 0; i < 5; ++i) {
            const OutPoint outpoint = some_coin();
            if (const auto coin = *coins_.get(outpoint)) waiting_.emplace_back(outpoint, *coin);
        }
    }
    BestBlock next_best() { return {BlockHash(random_.uint256()), ++height_}; }
    void flush_batch() {
        WriteBatch batch;
        best_ = next_best();
        cache_.flush(batch, *best_);
        for (std::size_t i = 1; i + 1 < batch.count(); ++i) {
            EXPECT_TRUE(std::ranges::lexicographical_compare(batch.operation(i - 1).key, batch.operation(i).key));
        }
        EXPECT_EQ(cache_.dirty_count(), 0u);
        ASSERT_TRUE(kv_.write(batch));
        ASSERT_TRUE(kv_.flush());
        durable_ = model_;
        expect_canonical();
    }
    void flush_bulk() {
        WriteBatch batch;
        best_ = next_best();
        const std::size_t keep = random_.below(3) * 20'000;
        ASSERT_TRUE(cache_.flush_all(kv_, batch, *best_, keep));
        EXPECT_EQ(cache_.dirty_count(), 0u);
        if (keep == 0) { EXPECT_EQ(cache_.size(), 0u); }
        durable_ = model_;
        expect_canonical();
    }
    /// Disk and model agree entry by entry, and nothing else is stored.
    void expect_canonical() {
        Model stored;
        ASSERT_TRUE(coins_.for_each([&](const OutPoint& outpoint, const Coin& coin) {
            stored[outpoint] = coin;
            return true;
        }));
        EXPECT_EQ(stored, durable_);
        EXPECT_EQ(*coins_.best_block(), best_);
    }
    void crash() {
        kv_.crash();
        cache_.reset();
        waiting_.clear();
        model_ = durable_;
    }

    FastRandom random_;
    MemoryKv kv_;
    CoinStore coins_;
    CoinCache cache_;
    Model model_, durable_;
    std::vector<OutPoint> known_;
    std::vector<Bytes> scripts_of_keys_;
    std::vector<std::pair<OutPoint, Coin>> waiting_;
    std::uint64_t waiting_epoch_ = 0;
    std::optional<BestBlock> best_;
    std::int32_t height_ = 0;
    std::uint64_t steps_ = 0;
};

}  // namespace

TEST(CoinCacheProperty, BehavesAsAPlainMapThroughFlushesReloadsAndCrashes) {
    for (std::uint64_t seed = 1; seed <= 20 && !::testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        CachePlay play(seed);
        for (int i = 0; i < 10'000 && !::testing::Test::HasFailure(); ++i) play.step();
        play.compare();
    }
}

}  // namespace cairn::storage::test
