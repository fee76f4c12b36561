#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "consensus/base/check.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/chain/coin_codec.hpp"
#include "consensus/chain/delta.hpp"
#include "consensus/rules/connect.hpp"
#include "consensus/rules/header_rules.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/verify.hpp"
#include "tests/support/json.hpp"
#include "tests/support/vectors.hpp"

namespace cairn::test {

/// The parameters of a network, made once.
inline const ChainParamsPtr& params_of(Network network) {
    static std::map<Network, ChainParamsPtr> made;
    ChainParamsPtr& params = made[network];
    if (!params) params = make_params(network);
    return params;
}

/// What the name of a block's file says: "<network>_<height>_<last digits of the hash>.blk".
struct BlockFileName {
    Network network = Network::mainnet;
    Height height = 0;
    std::string hash_tail;
};

inline std::optional<Network> network_of_file(const std::string& name) {
    static const std::map<std::string, Network> names{{"mainnet", Network::mainnet},
                                                      {"testnet3", Network::testnet3},
                                                      {"testnet4", Network::testnet4},
                                                      {"signet", Network::signet},
                                                      {"regtest", Network::regtest}};
    const auto found = names.find(name.substr(0, name.find('_')));
    if (found == names.end()) return std::nullopt;
    return found->second;
}

inline std::optional<BlockFileName> parse_block_file_name(const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    const auto network = network_of_file(name);
    const std::size_t first = name.find('_');
    const std::size_t second = name.find('_', first + 1);
    if (!network || second == std::string::npos) return std::nullopt;
    return BlockFileName{*network, std::atoi(name.c_str() + first + 1), name.substr(second + 1, name.find('.') - second - 1)};
}

/// A parent that a single block can be checked on when its real ancestors are not at hand: it has the right height, and
/// whatever asks for an ancestor further back gets one node with an early time.
class PretendParent {
public:
    PretendParent(Height height, std::uint32_t time, std::uint32_t bits, std::uint32_t early_time = 0) {
        early_.header.time = early_time;
        early_.header.bits = bits;
        parent_.height = height;
        parent_.header.time = time;
        parent_.header.bits = bits;
        if (height > 0) parent_.parent = parent_.skip = &early_;
    }
    PretendParent(const PretendParent&) = delete;
    PretendParent& operator=(const PretendParent&) = delete;

    HeaderNode& node() { return parent_; }

private:
    HeaderNode early_;
    HeaderNode parent_;
};

/// The coins that a block's inputs spend, from "<block>.prevouts.jsonl": in block order, one array a line,
/// [value, script, height or null, coinbase or null, …].
inline std::vector<Coin> read_prevouts(const std::filesystem::path& path) {
    std::vector<Coin> coins;
    for (const std::string& line : read_lines(path)) {
        UniValue row;
        EXPECT_TRUE(row.read(line)) << path << ": " << line;
        Coin& coin = coins.emplace_back();
        coin.value = row[0].get_int64();
        coin.script_pubkey = hex_of(row[1]);
        if (row[2].isNum()) coin.height = row[2].get_int();
        coin.coinbase = row[3].isBool() && row[3].get_bool();
    }
    return coins;
}

/// The first script of the block that fails, or nothing.
inline std::optional<BlockFault> verify_scripts(const rules::ResolvedBlock& resolved, ScriptFlags flags, std::size_t* verified = nullptr) {
    const auto txs = resolved.block().txs();
    for (std::size_t i = 1; i < txs.size(); ++i) {
        const SpentCoins spent = resolved.spent_by(i);
        const PrecomputedTxData precomputed(txs[i], spent.outputs);
        for (std::size_t input = 0; input < txs[i].inputs.size(); ++input) {
            const ScriptError error = verify_input(txs[i], input, flags, precomputed);
            if (error != ScriptError::ok) return rules::script_fault(txs[i], input, error);
            if (verified != nullptr) ++*verified;
        }
    }
    return std::nullopt;
}

/// Blocks in the framing of block files: network magic, length, block. Stops at the first record that is not whole.
struct FramedBlocks {
    std::optional<Network> network;
    std::vector<Bytes> blocks;
};

inline FramedBlocks read_framed_blocks(ByteSpan data) {
    FramedBlocks framed;
    while (data.size() >= 8) {
        const auto network = network_by_magic(data.first<4>());
        Reader reader(data.subspan(4, 4));
        const std::uint32_t size = reader.u32();
        if (!network || size > data.size() - 8) break;
        framed.network = network;
        framed.blocks.push_back(to_bytes(data.subspan(8, size)));
        data = data.subspan(8 + size);
    }
    return framed;
}

struct OutPointHash {
    std::size_t operator()(const OutPoint& outpoint) const { return outpoint.txid.low64() + outpoint.index; }
};

/// A plain model of the ledger: every rule applied in the simplest way, all coins in one table.
class ReplayedChain {
public:
    explicit ReplayedChain(ChainParamsPtr params)
        : params_(std::move(params)), headers_(params_->genesis->header()), tip_(headers_.genesis()) {}

    const HeaderNode* tip() const { return tip_; }
    const std::unordered_map<OutPoint, Coin, OutPointHash>& coins() const { return coins_; }
    std::size_t scripts_verified() const { return scripts_verified_; }

    /// Connects a block that builds on the tip; the fault when a rule is broken (the ledger is then of no more use).
    Result<void, BlockFault> connect(const BlockPtr& block) {
        const auto header = rules::check_header(block->header(), block->hash(), *tip_, block->header().time, *params_);
        if (!header) return fail(BlockFault{.error = BlockError::bad_header, .header = header.error()});
        auto checked = rules::check_block(block, *params_);
        if (!checked) return fail(checked.error());
        if (auto context = rules::check_block_context(*checked, tip_, *params_); !context) return context;
        if (overwrites(*block)) return fail(rules::bip30_fault());

        rules::ResolvedBlock resolved(*checked);
        undo_.emplace_back();
        spend_and_add(*block, resolved);
        auto summary = rules::check_spends(resolved, *tip_, *params_);
        if (!summary) return fail(summary.error());
        const ScriptFlags flags = rules::script_flags_for_block(block->hash(), tip_->height + 1, *params_);
        if (auto fault = verify_scripts(resolved, flags, &scripts_verified_)) return fail(*fault);
        tip_ = headers_.insert(block->header(), block->hash(), tip_);
        return {};
    }

    /// What the block connected last spent.
    const SpentByBlock& last_undo() const { return undo_.back(); }

private:
    bool overwrites(const Block& block) const {
        if (!rules::must_check_bip30(block.hash(), *tip_, *params_)) return false;
        for (const Transaction& tx : block.txs()) {
            for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) {
                if (coins_.contains({tx.txid, i})) return true;
            }
        }
        return false;
    }

    void spend_and_add(const Block& block, rules::ResolvedBlock& resolved) {
        const Height height = tip_->height + 1;
        const auto txs = block.txs();
        // Undo keeps the scripts alive that `resolved` points to: reserved, so that its rows never move.
        SpentByBlock& undo = undo_.back();
        undo.resize(txs.empty() ? 0 : txs.size() - 1);
        for (std::size_t i = 0; i < txs.size(); ++i) {
            for (const TxInput& input : i == 0 ? std::span<const TxInput>() : txs[i].inputs) {
                auto found = coins_.extract(input.prevout);
                if (found.empty()) {
                    resolved.add_missing();
                    continue;
                }
                undo[i - 1].reserve(txs[i].inputs.size());
                const Coin& coin = undo[i - 1].emplace_back(std::move(found.mapped()));
                resolved.add(coin.output(), coin.origin());
            }
            for (std::uint32_t n = 0; n < txs[i].outputs.size(); ++n) {
                const TxOutput& output = txs[i].outputs[n];
                if (is_unspendable(output.script_pubkey)) continue;
                coins_.insert_or_assign(OutPoint{txs[i].txid, n}, Coin{output.value, to_bytes(output.script_pubkey), height, i == 0});
            }
        }
    }

    ChainParamsPtr params_;
    HeaderTree headers_;
    const HeaderNode* tip_;
    std::unordered_map<OutPoint, Coin, OutPointHash> coins_;
    std::vector<SpentByBlock> undo_;
    std::size_t scripts_verified_ = 0;
};

}  // namespace cairn::test
