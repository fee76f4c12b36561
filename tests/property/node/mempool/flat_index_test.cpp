#include "node/mempool/detail/flat_index.hpp"

#include <gtest/gtest.h>

#include <map>

#include "consensus/crypto/random.hpp"

namespace cairn::node::detail {
namespace {

/// Entries by number, hashed into `hashes` different values: few of them make long runs that wrap around.
void compare_with_map(std::uint64_t seed, std::uint64_t hashes, std::uint32_t names) {
    FastRandom random(seed);
    FlatIndex<IdSlot> index;
    std::map<std::uint32_t, std::uint32_t> model;  // entry -> hash
    const std::uint32_t spread = static_cast<std::uint32_t>(0xffffffff / hashes);
    for (int step = 0; step < 20'000; ++step) {
        const auto entry = static_cast<std::uint32_t>(random.below(names));
        const auto hash = static_cast<std::uint32_t>(entry % hashes) * spread + spread - 1;
        const auto same = [&](const IdSlot& slot) { return slot.entry == entry; };
        // Grows for a while, then shrinks for a while.
        if (random.below(8) < (step / 4000 % 2 == 0 ? 6u : 2u)) {
            ASSERT_EQ(index.insert({hash, entry}, same), model.emplace(entry, hash).second);
        } else {
            ASSERT_EQ(index.erase(hash, same), model.erase(entry) > 0);
        }
        ASSERT_EQ(index.size(), model.size());
        const auto asked = static_cast<std::uint32_t>(random.below(names));
        const auto asked_hash = static_cast<std::uint32_t>(asked % hashes) * spread + spread - 1;
        const IdSlot* found = index.find(asked_hash, [&](const IdSlot& slot) { return slot.entry == asked; });
        ASSERT_EQ(found != nullptr, model.contains(asked));
    }
    for (const auto& [entry, hash] : model) {
        ASSERT_NE(index.find(hash, [&](const IdSlot& slot) { return slot.entry == entry; }), nullptr);
    }
}

TEST(FlatIndexProperty, FindsWhatAMapFinds) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) compare_with_map(seed, 1 << 20, 5000);
}

TEST(FlatIndexProperty, FindsWhatAMapFindsWhereManyHashesAreTheSame) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) compare_with_map(seed, 1 + seed, 300);
}

}  // namespace
}  // namespace cairn::node::detail
