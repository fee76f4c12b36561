#include "node/fees/fee_estimator.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "tests/support/mempool_builder.hpp"
#include "tests/support/temp_dir.hpp"

namespace cairn::node {
namespace {

using test::MempoolBuilder;

/// Miners and payers with ten fee levels: the higher the level, the more blocks take it.
class FeeMarket : public testing::Test {
protected:
    static constexpr int kLevels = 10;
    static constexpr std::int64_t kVsize = 200;
    static constexpr Amount kStep = 400;  // satoshis a level
    static constexpr Amount kStepRate = kStep * 1000 / kVsize;
    static constexpr Amount kBucket = kStepRate / 10;  // a bucket's width, and some

    FeeMarket() { reopen(); }

    void reopen(bool accept_stale = false) { estimator.emplace(file, accept_stale); }

    AddedTransaction arrival(Amount fee) {
        AddedTransaction added;
        added.tx = builder.tx({builder.coin()});
        added.fee = fee;
        added.vsize = kVsize;
        added.height = height;
        added.chain_current = true;
        added.no_parents_here = true;
        return added;
    }
    RemovedEntry leaving(const AddedTransaction& added) const {
        RemovedEntry removed;
        removed.entry.tx = added.tx;
        removed.entry.fee = added.fee;
        removed.entry.weight = added.vsize * 4;
        removed.entry.height = added.height;
        return removed;
    }
    void add(int level) {
        waiting[level].push_back(arrival(kStep * (level + 1)));
        estimator->on_added(waiting[level].back());
    }
    /// The next block takes all that waits at the upper `levels` levels.
    void mine(int levels) {
        std::vector<RemovedEntry> taken;
        for (int level = kLevels - levels; level < kLevels; ++level) {
            for (const auto& added : waiting[level]) taken.push_back(leaving(added));
            waiting[level].clear();
        }
        HeaderNode node;
        node.height = ++height;
        estimator->on_block_removed(taken, &node);
    }
    /// Level 9 gets into every block, level 8 into nine of ten, and so on.
    void trade(int blocks) {
        for (int i = 0; i < blocks; ++i) {
            for (int level = 0; level < kLevels; ++level) {
                for (int k = 0; k < 4; ++k) add(level);
            }
            mine(height % 10 + 1);
        }
    }
    Amount raw(int target) const { return estimator->raw_fee(target, 0.95, FeeHorizon::medium_term).per_kvb; }

    test::TempDir directory;
    std::filesystem::path file = directory.path() / "fee_estimates.dat";
    MempoolBuilder builder;
    std::optional<FeeEstimator> estimator;
    Height height = 0;
    std::array<std::vector<AddedTransaction>, kLevels> waiting;
};

TEST_F(FeeMarket, SaysNothingWithoutData) {
    EXPECT_EQ(estimator->highest_target(FeeHorizon::short_term), 12);
    EXPECT_EQ(estimator->highest_target(FeeHorizon::medium_term), 48);
    EXPECT_EQ(estimator->highest_target(FeeHorizon::long_term), 1008);
    EXPECT_EQ(estimator->smart_fee(6, false).rate.per_kvb, 0);
    EXPECT_EQ(estimator->smart_fee(6, false).target, 0);
    EXPECT_EQ(estimator->smart_fee(1009, false).target, 1009);
    FeeEvidence evidence;
    EXPECT_EQ(estimator->raw_fee(6, 0.95, FeeHorizon::short_term, &evidence).per_kvb, 0);
    EXPECT_EQ(evidence.decay, 0.962);
    EXPECT_EQ(evidence.fail.start, 0) << "all buckets together have too little";
    EXPECT_EQ(estimator->raw_fee(13, 0.95, FeeHorizon::short_term).per_kvb, 0);
}

TEST_F(FeeMarket, CombinesRangesWhileThereIsLittleData) {
    trade(3);
    // Levels 9, 8 and 7 confirmed fully, fully and to 90 %: 97 % within two blocks for the three of them together.
    EXPECT_NEAR(raw(2), 9 * kStepRate, kBucket);
}

TEST_F(FeeMarket, AsksLessOfThoseWhoWaitLonger) {
    trade(200);
    Amount before = 0;
    for (int target = 2; target < 10; target += 2) {
        EXPECT_NEAR(raw(target), (11 - target) * kStepRate, kBucket) << target;
        EXPECT_TRUE(before == 0 || raw(target) <= before);
        before = raw(target);
    }
    for (int target = 2; target <= 48; ++target) {
        const SmartFee economical = estimator->smart_fee(target, false), conservative = estimator->smart_fee(target, true);
        EXPECT_GT(economical.rate.per_kvb, 0) << target;
        EXPECT_LE(economical.rate, conservative.rate) << target;
        EXPECT_EQ(economical.target, target);
    }
    EXPECT_EQ(estimator->smart_fee(1, false).target, 2) << "one block is not to be had";
    EXPECT_EQ(estimator->smart_fee(1008, false).target, 199 / 2) << "half of what was watched";
}

TEST_F(FeeMarket, HoldsItsEstimateThroughEmptyBlocks) {
    trade(200);
    const Amount before = raw(4);
    for (auto& level : waiting) level.clear();
    for (int i = 0; i < 50; ++i) mine(0);
    EXPECT_NEAR(raw(4), before, kBucket);
}

TEST_F(FeeMarket, RisesWhileNothingConfirmsAndFallsWhenAllDoes) {
    trade(200);
    const Amount before = raw(4);
    for (int i = 0; i < 15; ++i) {
        for (int level = 0; level < kLevels; ++level) {
            for (int k = 0; k < 4; ++k) add(level);
        }
        mine(0);
    }
    EXPECT_TRUE(raw(4) == 0 || raw(4) > before - kBucket);
    for (int i = 0; i < 400; ++i) {
        for (int level = 0; level < kLevels; ++level) {
            for (int k = 0; k < 4; ++k) add(level);
        }
        mine(kLevels);
    }
    EXPECT_LT(raw(4), before - kBucket);
    EXPECT_NEAR(estimator->smart_fee(4, false).rate.per_kvb, kStepRate, kBucket);
}

TEST_F(FeeMarket, ShowsWhatAnEstimateRestsOn) {
    trade(200);
    FeeEvidence evidence;
    const FeeRate rate = estimator->raw_fee(4, 0.95, FeeHorizon::medium_term, &evidence);
    EXPECT_EQ(evidence.scale, 2u);
    EXPECT_LE(evidence.pass.start, static_cast<double>(rate.per_kvb));
    EXPECT_GE(evidence.pass.end, static_cast<double>(rate.per_kvb));
    EXPECT_GE(evidence.pass.within_target, 0.95 * evidence.pass.total_confirmed);
    EXPECT_GT(evidence.fail.start, 0);
    EXPECT_LE(evidence.fail.end, evidence.pass.start);
    EXPECT_LT(evidence.fail.within_target, 0.95 * (evidence.fail.total_confirmed + evidence.fail.in_mempool + evidence.fail.left_mempool));
}

TEST_F(FeeMarket, CountsThoseThatGiveUp) {
    trade(100);
    FeeEvidence before, after;
    estimator->raw_fee(2, 0.95, FeeHorizon::short_term, &before);
    for (int i = 0; i < 40; ++i) add(9);
    for (int i = 0; i < 5; ++i) mine(0);
    for (const auto& added : waiting[9]) estimator->on_removed(leaving(added));
    estimator->raw_fee(2, 0.95, FeeHorizon::short_term, &after);
    EXPECT_EQ(before.fail.left_mempool, 0);
    EXPECT_EQ(after.fail.left_mempool, 40);
    EXPECT_EQ(after.pass.start, -1);
}

TEST_F(FeeMarket, LooksOnlyAtTransactionsThatCompetedAlone) {
    trade(50);
    FeeEvidence before, after;
    estimator->raw_fee(2, 0.5, FeeHorizon::short_term, &before);
    for (int kind = 0; kind < 5; ++kind) {
        AddedTransaction added = arrival(1'000'000);
        added.limits_bypassed = kind == 0;
        added.in_package = kind == 1;
        added.chain_current = kind != 2;
        added.no_parents_here = kind != 3;
        if (kind == 4) added.height = height - 1;
        estimator->on_added(added);
        waiting[9].push_back(added);
    }
    mine(kLevels);
    estimator->raw_fee(2, 0.5, FeeHorizon::short_term, &after);
    trade(0);
    EXPECT_LT(after.pass.total_confirmed, before.pass.total_confirmed + 4 * 10 + 1);
    EXPECT_EQ(estimator->raw_fee(2, 0.99, FeeHorizon::short_term).per_kvb / 1'000'000, 0) << "nobody pays that much";
}

TEST_F(FeeMarket, IgnoresBlocksOfSideChains) {
    trade(100);
    const Amount before = raw(4);
    HeaderNode node;
    node.height = height - 3;
    for (int i = 0; i < 100; ++i) estimator->on_block_removed({}, &node);
    EXPECT_EQ(raw(4), before);
}

TEST_F(FeeMarket, ComesBackFromItsFile) {
    trade(200);
    for (auto& level : waiting) {
        for (const auto& added : level) estimator->on_removed(leaving(added));
        level.clear();
    }
    std::array<Amount, 49> raw_before{}, smart_before{};
    for (int target = 1; target <= 48; ++target) {
        raw_before[target] = raw(target);
        smart_before[target] = estimator->smart_fee(target, true).rate.per_kvb;
    }
    estimator->finish();
    reopen();
    for (int target = 1; target <= 48; ++target) {
        EXPECT_EQ(raw(target), raw_before[target]) << target;
        EXPECT_EQ(estimator->smart_fee(target, true).rate.per_kvb, smart_before[target]) << target;
    }
    const auto read = [this] {
        std::ifstream in(file, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    const std::string written = read();
    estimator->flush();
    EXPECT_EQ(read(), written) << "nothing happened since";
    EXPECT_FALSE(std::filesystem::exists(file.string() + ".new"));
    EXPECT_EQ(written.substr(0, 4), std::string("\x8c\xba\x04\x00", 4)) << "309900, the format of Bitcoin Core 31";
}

TEST_F(FeeMarket, CountsWhatStillWaitsAsUnconfirmedAtTheEnd) {
    trade(20);
    for (int i = 0; i < 40; ++i) add(9);
    for (int i = 0; i < 5; ++i) mine(0);
    estimator->finish();
    FeeEvidence evidence;
    estimator->raw_fee(2, 0.95, FeeHorizon::short_term, &evidence);
    EXPECT_EQ(evidence.fail.left_mempool, 40);
    EXPECT_EQ(evidence.pass.in_mempool + evidence.fail.in_mempool, 0);
}

TEST_F(FeeMarket, LeavesOldFilesAlone) {
    trade(200);
    estimator->flush();
    const Amount before = raw(4);
    std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() - std::chrono::hours(60));
    reopen();
    EXPECT_EQ(raw(4), before);
    std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() - std::chrono::hours(61));
    reopen();
    EXPECT_EQ(raw(4), 0);
    reopen(true);
    EXPECT_EQ(raw(4), before);
}

TEST_F(FeeMarket, WritesItsFileOnceAnHour) {
    estimator->flush_when_due(10'000);
    EXPECT_FALSE(std::filesystem::exists(file));
    estimator->flush_when_due(13'599);
    EXPECT_FALSE(std::filesystem::exists(file));
    estimator->flush_when_due(13'600);
    EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(FeeMarket, SurvivesBrokenFiles) {
    trade(50);
    estimator->flush();
    std::string good;
    {
        std::ifstream in(file, std::ios::binary);
        good.assign(std::istreambuf_iterator<char>(in), {});
    }
    const auto open_with = [&](const std::string& bytes) {
        std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
        reopen();
        // Whatever was read, it must bear use.
        HeaderNode node;
        node.height = 1'000'000;
        AddedTransaction added = arrival(1000);
        estimator->on_block_removed({}, &node);
        added.height = 1'000'000;
        estimator->on_added(added);
        ++node.height;
        estimator->on_block_removed({leaving(added)}, &node);
        for (const int target : {1, 2, 12, 13, 48, 49, 1008}) estimator->smart_fee(target, true);
    };
    for (std::size_t size = 0; size < good.size(); size += 1 + size / 2) open_with(good.substr(0, size));
    for (std::size_t at = 0; at < good.size(); at += at < 64 ? 1 : 1 + at / 3) {
        std::string bytes = good;
        bytes[at] = static_cast<char>(bytes[at] ^ (at % 2 == 0 ? 0xff : 0x80));
        open_with(bytes);
    }
    std::string old = good;
    old[0] = 0;
    open_with(old);
    EXPECT_EQ(raw(4), 0);
}

}  // namespace
}  // namespace cairn::node
