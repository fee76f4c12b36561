// Contiguous chains: every "*.dat" in the framing of block files and every "*blocks*.hex" with one block a line, in any
// subfolder of "chains". The files of one folder may build on each other.
#include <gtest/gtest.h>

#include <set>

#include "consensus/crypto/muhash.hpp"
#include "consensus/crypto/sha256.hpp"
#include "tests/support/block_vectors.hpp"

namespace cairn {
namespace {

struct ChainPool {
    std::vector<BlockPtr> blocks;
    std::unordered_map<BlockHash, BlockPtr> by_hash;
    std::set<BlockHash> parents;

    void add(const Bytes& raw, const std::string& from) {
        auto block = Block::parse(raw);
        ASSERT_TRUE(block) << from << ": " << to_string(block.error());
        blocks.push_back(*block);
        by_hash.emplace((*block)->hash(), *block);
        parents.insert((*block)->header().previous);
    }
    /// The blocks from after genesis up to `tip`, when they are all here.
    std::optional<std::vector<BlockPtr>> path_to(BlockPtr tip, const BlockHash& genesis) const {
        std::vector<BlockPtr> path;
        while (tip->hash() != genesis) {
            path.push_back(tip);
            const auto found = by_hash.find(tip->header().previous);
            if (found == by_hash.end()) {
                if (tip->header().previous != genesis) return std::nullopt;
                break;
            }
            tip = found->second;
        }
        std::reverse(path.begin(), path.end());
        return path;
    }
};

using Pools = std::map<std::pair<std::string, Network>, ChainPool>;

std::string file_folder(const std::filesystem::path& path) { return path.parent_path().string(); }

Pools load_pools() {
    Pools pools;
    for (const auto& path : test::vector_files("chains", "*.dat")) {
        const auto framed = test::read_framed_blocks(test::read_file(path));
        if (!framed.network) continue;  // undo files have another content
        // Files with undo data share the framing: their records are no blocks.
        if (!framed.blocks.empty() && !Block::parse(framed.blocks.front())) continue;
        for (const Bytes& raw : framed.blocks) pools[{file_folder(path), *framed.network}].add(raw, path.string());
    }
    for (const auto& path : test::vector_files("chains", "*blocks*.hex")) {
        const auto network = test::network_of_file(path.filename().string());
        EXPECT_TRUE(network) << path;
        if (!network) continue;
        for (const std::string& line : test::read_lines(path)) pools[{path.string(), *network}].add(*from_hex(line), path.string());
    }
    return pools;
}

/// A commitment that some chain must have at some block.
struct Expectation {
    std::size_t coins;
    Amount total;
    std::string muhash;
    std::string hash_serialized;
};

std::map<std::string, Expectation> load_expectations() {
    std::map<std::string, Expectation> found;
    for (const auto& path : test::vector_files("chains", "utxo_set_expectations*.json")) {
        const UniValue file = test::load_json(path);
        for (const std::string& key : file.getKeys()) {
            if (!file[key].isArray()) continue;
            for (std::size_t i = 0; i < file[key].size(); ++i) {
                const UniValue& row = file[key][i];
                found[row["blockhash"].get_str()] = {static_cast<std::size_t>(row["txouts"].get_int64()),
                                                     row["total_amount_sat"].get_int64(), row["muhash"].get_str(),
                                                     row["hash_serialized_3_own"].isStr() ? row["hash_serialized_3_own"].get_str() : ""};
            }
        }
    }
    return found;
}

void expect_commitments(const test::ReplayedChain& chain, const Expectation& expected) {
    std::map<OutPoint, const Coin*> ordered;
    for (const auto& [outpoint, coin] : chain.coins()) ordered.emplace(outpoint, &coin);
    Amount total = 0;
    MuHash3072 muhash;
    Sha256 serialized;
    for (const auto& [outpoint, coin] : ordered) {
        total += coin->value;
        Bytes bytes;
        Writer writer(bytes);
        write_commitment(writer, outpoint, coin->output(), coin->origin());
        muhash.insert(bytes);
        serialized.write(bytes);
    }
    EXPECT_EQ(chain.coins().size(), expected.coins);
    EXPECT_EQ(total, expected.total);
    EXPECT_EQ(muhash.finish().to_display_hex(), expected.muhash);
    const std::string hash = serialized.finish_double().to_display_hex();
    if (!expected.hash_serialized.empty()) {
        EXPECT_EQ(hash, expected.hash_serialized);
    }
}

/// Chains made for nodes with other rules, and the rule of ours that they break.
const std::map<std::string, std::string>& known_faults() {
    static const std::map<std::string, std::string> faults{{"armory_reorg", "bad-txns-premature-spend-of-coinbase"}};
    return faults;
}

TEST(ChainVectors, ConnectFromGenesisToEveryTip) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const auto expectations = load_expectations();
    std::size_t checked_sets = 0;
    for (const auto& [key, pool] : load_pools()) {
        const ChainParamsPtr& params = test::params_of(key.second);
        std::size_t loose = 0;
        for (const BlockPtr& tip : pool.blocks) {
            if (pool.parents.contains(tip->hash())) continue;
            const auto path = pool.path_to(tip, params->genesis_hash());
            if (!path) {
                EXPECT_TRUE(rules::check_block(tip, *params)) << key.first;
                ++loose;
                continue;
            }
            test::ReplayedChain chain(params);
            for (const BlockPtr& block : *path) {
                const auto connected = chain.connect(block);
                const auto fault = known_faults().find(std::filesystem::path(key.first).filename().string());
                if (!connected && fault != known_faults().end()) {
                    EXPECT_EQ(connected.error().reject_reason(), fault->second);
                    break;
                }
                ASSERT_TRUE(connected) << key.first << " height " << chain.tip()->height + 1 << ": "
                                       << connected.error().reject_reason() << " " << connected.error().debug;
                Bytes undo;
                write_undo(undo, chain.last_undo());
                EXPECT_EQ(*read_undo(undo), chain.last_undo());
                const auto expected = expectations.find(block->hash().to_display_hex());
                if (expected == expectations.end()) continue;
                SCOPED_TRACE(key.first + " " + expected->first);
                expect_commitments(chain, expected->second);
                ++checked_sets;
            }
            std::printf("%s: %s to height %d, %zu coins, %zu scripts\n", key.first.c_str(), std::string(params->name()).c_str(),
                        chain.tip()->height, chain.coins().size(), chain.scripts_verified());
        }
        if (loose != 0) std::printf("%s: %zu blocks without their ancestors\n", key.first.c_str(), loose);
    }
    std::printf("%zu commitments to sets of coins\n", checked_sets);
    EXPECT_GE(checked_sets, expectations.empty() ? 0u : 1u);
}

TEST(ChainVectors, AreRefusedWithoutTheCoinsTheySpend) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& [key, pool] : load_pools()) {
        if (key.second != Network::mainnet) continue;
        const ChainParamsPtr& params = test::params_of(key.second);
        for (const BlockPtr& block : pool.blocks) {
            const auto path = pool.path_to(block, params->genesis_hash());
            if (!path || block->txs().size() < 2 || path->size() > 600) continue;
            const auto checked = rules::check_block(block, *params);
            ASSERT_TRUE(checked);
            test::PretendParent parent(static_cast<Height>(path->size()) - 1, block->header().time - 1, block->header().bits);
            rules::ResolvedBlock resolved(*checked);
            for (std::size_t i = 0; i < checked->input_count(); ++i) resolved.add_missing();
            const auto spends = rules::check_spends(resolved, parent.node(), *params);
            ASSERT_FALSE(spends);
            EXPECT_EQ(spends.error().reject_reason(), "bad-txns-inputs-missingorspent");
            ++count;
        }
    }
    std::printf("%zu blocks without their coins\n", count);
}

}  // namespace
}  // namespace cairn
