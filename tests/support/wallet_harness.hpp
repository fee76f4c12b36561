#pragma once

#include <memory>
#include <string>
#include <vector>

#include "consensus/primitives/merkle.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/script/script.hpp"
#include "light/wallet/wallet.hpp"
#include "storage/memory_kv.hpp"

namespace cairn::test {

/// A host without a network: fees and the clock are what a test sets.
class FakeWalletHost final : public light::WalletHost {
public:
    std::int64_t now() const override { return time; }
    std::optional<light::FeeRate> estimate(int, bool) const override { return rate; }
    std::optional<Coin> find_coin(const OutPoint& outpoint) const override {
        const auto found = coins.find(outpoint);
        if (found == coins.end()) return std::nullopt;
        return found->second;
    }

    std::int64_t time = 1'600'000'000;
    std::optional<light::FeeRate> rate = light::FeeRate{2'000};
    std::map<OutPoint, Coin> coins;
};

/// A wallet on regtest in memory, with a chain of blocks that are not mined.
class WalletHarness {
public:
    explicit WalletHarness(light::WalletOptions options = small()) { wallet = make(store, options); }

    static light::WalletOptions small() {
        light::WalletOptions options;
        options.lookahead = 5;
        options.master = light::ExtendedKey::from_seed(Bytes(32, 7));
        return options;
    }
    light::Wallet::Pointer make(storage::MemoryKv& kv, const light::WalletOptions& options) {
        auto made = light::Wallet::create(kv, *params, host, "test", options);
        if (!made) throw std::runtime_error(made.error().message);
        (*made)->fix_randomness(1);
        return std::move(*made);
    }
    void reopen() {
        wallet.reset();
        auto made = light::Wallet::open(store, *params, host);
        if (!made) throw std::runtime_error(made.error().message);
        wallet = std::move(*made);
        wallet->fix_randomness(1);
    }

    /// A transaction out of nowhere.
    TransactionPtr payment(ByteSpan script, Amount value) {
        MutableTransaction tx;
        tx.inputs.push_back({next_outpoint(), {}, 0xfffffffd, {}});
        tx.outputs.push_back({value, to_bytes(script)});
        return tx.finish();
    }
    OutPoint next_outpoint() {
        Bytes id(32, 0xee);
        id[0] = static_cast<std::uint8_t>(++counter);
        id[1] = static_cast<std::uint8_t>(counter >> 8);
        id[2] = static_cast<std::uint8_t>(counter >> 16);
        return {Txid(Uint256(id)), 0};
    }
    TransactionPtr coinbase(ByteSpan script, Amount value = 50 * kCoin) {
        MutableTransaction tx;
        Bytes unique{4, 0, 0, 0, 0};
        ++counter;
        for (int i = 0; i < 4; ++i) unique[static_cast<std::size_t>(i) + 1] = static_cast<std::uint8_t>(counter >> (8 * i));
        tx.inputs.push_back({OutPoint{}, unique, 0xffffffff, {}});
        tx.outputs.push_back({value, to_bytes(script)});
        return tx.finish();
    }
    BlockPtr block_of(const std::vector<TransactionPtr>& txs, const BlockHash& previous) {
        BlockHeader header;
        header.previous = previous;
        header.time = static_cast<std::uint32_t>(host.time);
        header.nonce = ++counter;
        std::vector<const Transaction*> rows;
        for (const TransactionPtr& tx : txs) rows.push_back(&tx->tx());
        return Block::assemble(header, rows);
    }
    light::BlockPlace place_of(const Block& block, Height height) const { return {height, block.hash(), block.header().time}; }

    /// Connects a block with these behind a coinbase that is nobody's.
    light::WalletEffect mine(std::vector<TransactionPtr> txs = {}, const Bytes& reward = Bytes{0x51}) {
        txs.insert(txs.begin(), coinbase(reward));
        const light::BlockPlace tip = wallet->tip();
        const BlockPtr block = block_of(txs, tip.hash);
        blocks.push_back(block);
        auto effect = wallet->connect_block(place_of(*block, tip.height + 1), block.get());
        if (!effect) throw std::runtime_error(effect.error().message);
        return *effect;
    }
    void mine_many(int count) {
        for (int i = 0; i < count; ++i) mine();
    }
    Bytes address(light::AddressType type = light::AddressType::bech32) {
        auto script = wallet->new_address(type);
        if (!script) throw std::runtime_error(script.error().message);
        return *script;
    }
    /// A confirmed coin.
    OutPoint fund(Amount value, light::AddressType type = light::AddressType::bech32) {
        const TransactionPtr tx = payment(address(type), value);
        mine({tx});
        return {tx->tx().txid, 0};
    }
    static Bytes foreign_script(std::uint8_t number = 1) { return make_witness_program(0, Bytes(20, number)); }

    ChainParamsPtr params = make_params(Network::regtest);
    FakeWalletHost host;
    storage::MemoryKv store;
    light::Wallet::Pointer wallet;
    std::vector<BlockPtr> blocks;
    std::uint32_t counter = 0;
};

}  // namespace cairn::test
