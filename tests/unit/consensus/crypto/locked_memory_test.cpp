#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "consensus/crypto/locked_memory.hpp"

namespace cairn {
namespace {

void expect_sound(const LockedMemory& pool) {
    const auto stats = pool.stats();
    EXPECT_EQ(stats.used + stats.free, stats.total);
    EXPECT_LE(stats.locked, stats.total);
}

TEST(LockedMemory, DealsOutPiecesAndTakesThemBack) {
    LockedMemory pool;
    EXPECT_EQ(pool.stats().total, 0u);
    void* first = pool.allocate(1);
    void* second = pool.allocate(100);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second) % 16, 0u);
    EXPECT_EQ(pool.stats().used, 16u + 112u);
    EXPECT_EQ(pool.stats().chunks_used, 2u);
    expect_sound(pool);
    pool.release(first);
    pool.release(second);
    pool.release(nullptr);
    EXPECT_EQ(pool.stats().used, 0u);
    EXPECT_EQ(pool.stats().chunks_free, 1u) << "neighbours are joined";
}

TEST(LockedMemory, WipesWhatComesBack) {
    LockedMemory pool;
    auto* secret = static_cast<char*>(pool.allocate(32));
    void* keeps_the_arena = pool.allocate(16);
    std::memset(secret, 'x', 32);
    pool.release(secret);
    EXPECT_EQ(std::string(secret, 32), std::string(32, '\0'));
    pool.release(keeps_the_arena);
}

TEST(LockedMemory, GrowsByWholeArenas) {
    LockedMemory pool;
    void* large = pool.allocate(300'000);
    void* small = pool.allocate(300'000);
    EXPECT_EQ(pool.stats().total, 4u * 256 * 1024);
    expect_sound(pool);
    pool.release(large);
    pool.release(small);
    EXPECT_EQ(pool.stats().chunks_free, 2u) << "one an arena";
}

TEST(LockedMemory, StaysSoundInAnyOrder) {
    LockedMemory pool;
    std::mt19937 random(7);
    std::vector<void*> pieces;
    for (int i = 0; i < 5000; ++i) {
        if (pieces.empty() || random() % 2) {
            pieces.push_back(pool.allocate(random() % 2000));
        } else {
            std::swap(pieces[random() % pieces.size()], pieces.back());
            pool.release(pieces.back());
            pieces.pop_back();
        }
        expect_sound(pool);
        EXPECT_EQ(pool.stats().chunks_used, pieces.size());
    }
    for (void* piece : pieces) pool.release(piece);
    EXPECT_EQ(pool.stats().used, 0u);
}

TEST(LockedMemory, HoldsContainers) {
    const auto before = LockedMemory::shared().stats().used;
    {
        const SecretBytes key(32, 1);
        EXPECT_GE(LockedMemory::shared().stats().used, before + 32);
    }
    EXPECT_EQ(LockedMemory::shared().stats().used, before);
}

}  // namespace
}  // namespace cairn
