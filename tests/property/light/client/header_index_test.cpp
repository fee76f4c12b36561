// The light client's headers against a naive model, while what is old is not resident and the process is begun anew.

#include "light/client/header_index.hpp"

#include <gtest/gtest.h>

#include <map>

#include "consensus/crypto/random.hpp"
#include "light/client/hash_column.hpp"
#include "light/client/header_chain.hpp"
#include "light/client/light_store.hpp"
#include "storage/memory_kv.hpp"
#include "storage/scratch_memory.hpp"
#include "tests/support/chain_builder.hpp"

namespace cairn::light {
namespace {

namespace fs = std::filesystem;

/// What is known of a header, in the plainest way.
struct Naive {
    BlockHeader header;
    BlockHash parent;
    Height height = 0;
    Arith256 work;
};

TEST(HeaderIndexModel, AgreesOnBranchesOfAnyDepthWhileOldHeadersAreNotResident) {
    FastRandom random(21);
    storage::ScratchMemory memory(fs::temp_directory_path());
    BlockHeader genesis;
    genesis.bits = 0x207fffff;
    HeaderIndex index(genesis, &memory);
    std::map<BlockHash, Naive> model{{genesis.hash(), {genesis, {}, 0, block_work(genesis.bits)}}};
    std::vector<BlockHash> order{genesis.hash()};
    for (int i = 0; i < 30'000; ++i) {
        // Mostly on the newest, now and then on any other: branches from everywhere.
        const BlockHash on = random.below(20) == 0 ? order[random.below(order.size())] : order.back();
        BlockHeader header = genesis;
        header.previous = on;
        header.nonce = static_cast<std::uint32_t>(random.next());
        header.time = 1'300'000'000 + static_cast<std::uint32_t>(random.below(600'000'000));
        header.bits = random.below(3) == 0 ? 0x1f7fffff : 0x207fffff;
        const BlockHash hash = header.hash();
        const HeaderNode* node = index.insert(header, hash, index.find(on));
        ASSERT_EQ(index.insert(header, hash, index.find(on)), node);
        const Naive& parent = model.at(on);
        model.emplace(hash, Naive{header, on, parent.height + 1, parent.work + block_work(header.bits)});
        order.push_back(hash);
        if (random.below(1000) == 0) memory.rest();
    }
    ASSERT_EQ(index.size(), order.size());
    memory.rest();
    for (int i = 0; i < 2000; ++i) {
        const auto id = static_cast<std::uint32_t>(random.below(order.size()));
        const HeaderNode* node = index.find(order[id]);
        ASSERT_NE(node, nullptr);
        ASSERT_EQ(index.at(id), node);
        const Naive& naive = model.at(order[id]);
        ASSERT_EQ(node->height, naive.height);
        ASSERT_EQ(node->chain_work, naive.work);
        ASSERT_EQ(node->header.hash(), order[id]);
        BlockHash hash = order[id];
        const auto down = static_cast<Height>(random.below(std::min<std::uint64_t>(300, static_cast<std::uint64_t>(naive.height) + 1)));
        for (Height step = 0; step < down; ++step) hash = model.at(hash).parent;
        ASSERT_EQ(node->ancestor(naive.height - down)->hash, hash);
        Bytes unknown(32);
        random.fill(unknown);
        ASSERT_EQ(index.find(BlockHash(Uint256(unknown))), nullptr);
    }
}

TEST(HashColumnModel, GrowsAndShrinksAsAVectorDoes) {
    FastRandom random(22);
    storage::ScratchMemory memory(fs::temp_directory_path());
    HashColumn column(&memory);
    std::vector<Uint256> model;
    for (int round = 0; round < 200; ++round) {
        for (std::uint64_t i = random.below(1500); i > 0; --i) {
            model.push_back(random.uint256());
            column.push_back(model.back());
        }
        if (random.below(3) == 0) {
            const std::size_t count = model.size() - std::min<std::size_t>(model.size(), random.below(3000));
            model.resize(count);
            column.shrink(count);
        }
        if (random.below(10) == 0) memory.rest();
        ASSERT_EQ(column.size(), model.size());
        for (int i = 0; i < 20 && !model.empty(); ++i) {
            const std::size_t at = random.below(model.size());
            ASSERT_EQ(column[at], model[at]);
        }
    }
}

/// Headers come in batches on several branches; after any of them the process may end. What is stored gives the same chain again.
TEST(HeaderChainModel, IsTheSameAfterEveryEndOfTheProcess) {
    FastRandom random(23);
    test::ChainBuilder builder;
    storage::MemoryKv kv;
    std::vector<BlockHeader> all;
    std::vector<const HeaderNode*> nodes{builder.tip()};
    for (int i = 0; i < 600; ++i) {
        if (random.below(15) == 0) builder.set_tip(nodes[random.below(nodes.size())]);
        nodes.push_back(builder.mine());
        all.push_back(nodes.back()->header);
    }
    const auto now_us = [&] { return (std::int64_t{builder.params().genesis->header().time} + 600 * 1000) * 1'000'000; };
    std::size_t given = 0;
    while (given < all.size()) {
        storage::ScratchMemory memory(fs::temp_directory_path());
        HeaderChain chain(builder.params(), Arith256(), &memory);
        const auto store = LightStore::open(kv, builder.params());
        ASSERT_TRUE(store);
        const auto kept = (*store)->load_headers(chain, [&memory] { memory.rest(); });
        ASSERT_TRUE(kept);
        ASSERT_EQ(*kept, given);
        chain.set_now(now_us());
        Arith256 best;
        for (const HeaderNode* node : nodes)
            if (node->id <= given) best = std::max(best, node->chain_work);
        ASSERT_EQ(chain.tip()->chain_work, best);
        for (std::size_t i = 0; i < given; i += 1 + random.below(20)) ASSERT_NE(chain.find(all[i].hash()), nullptr);
        for (std::uint64_t batch = 1 + random.below(4); batch > 0 && given < all.size(); --batch) {
            const std::size_t count = std::min<std::size_t>(all.size() - given, 1 + random.below(60));
            ASSERT_TRUE(chain.accept_headers(std::span(all).subspan(given, count)));
            given += count;
            ASSERT_TRUE((*store)->put_headers(chain.take_new()));
            if (random.below(2) == 0) memory.rest();
        }
    }
}

}  // namespace
}  // namespace cairn::light
