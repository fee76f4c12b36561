#pragma once

#include <algorithm>
#include <vector>

#include "consensus/base/check.hpp"
#include "consensus/chain/coin.hpp"
#include "consensus/crypto/ecc.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/primitives/merkle.hpp"
#include "consensus/rules/block_rules.hpp"
#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/subsidy.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/sighash.hpp"

namespace cairn::test {

/// A block that may still change.
struct BlockDraft {
    BlockHeader header;
    std::vector<MutableTransaction> txs;

    BlockDraft() = default;
    explicit BlockDraft(const Block& block) : header(block.header()) {
        for (const Transaction& tx : block.txs()) txs.emplace_back(tx);
    }

    Bytes serialize() const {
        Bytes raw;
        Writer writer(raw);
        header.write(writer);
        writer.compact_size(txs.size());
        for (const MutableTransaction& tx : txs) writer.bytes(tx.serialize());
        return raw;
    }

    /// The block as it stands; what is wrong with it stays wrong.
    BlockPtr finish() const {
        auto block = Block::parse(serialize());
        CAIRN_CHECK(block.has_value());
        return *block;
    }

    /// Makes the header commit to the transactions.
    BlockDraft& fix_merkle_root() {
        header.merkle_root = block_merkle_root(finish()->txs()).root;
        return *this;
    }

    /// Puts a witness commitment to the transactions into a last output of the coinbase, in place of the one it has.
    BlockDraft& commit_to_witnesses() {
        const Bytes reserved(32, 0);
        MutableTransaction& coinbase = txs.at(0);
        coinbase.inputs.at(0).witness = {reserved};
        std::erase_if(coinbase.outputs, [](const auto& output) { return is_witness_commitment(output.script_pubkey); });
        Bytes script{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed};
        const Uint256 hash = rules::witness_commitment_hash(finish()->txs(), reserved);
        script.insert(script.end(), hash.data(), hash.data() + Uint256::kSize);
        coinbase.outputs.push_back({0, std::move(script)});
        return *this;
    }

    /// Counts the nonce up until the header has proof of work: for regtest, where two tries are enough.
    BlockDraft& mine(const ChainParams& params) {
        while (!rules::check_proof_of_work(header.hash(), header.bits, params)) ++header.nonce;
        return *this;
    }
};

/// A key whose coins tests spend, by P2WPKH.
class TestKey {
public:
    /// The same `seed` (not 0) gives the same key.
    explicit TestKey(std::uint8_t seed = 1) : key_(*PrivateKey::parse(Bytes(32, seed))) {}

    const PrivateKey& key() const { return key_; }
    Bytes script_pubkey() const { return make_witness_program(0, key_hash()); }

    /// Signs every input of `tx`; `spent` are the P2WPKH outputs of this key that they spend.
    void sign(MutableTransaction& tx, std::span<const TxOutput> spent) const {
        const TransactionPtr unsigned_tx = tx.finish();
        const PrecomputedTxData precomputed(unsigned_tx->tx(), spent, true);
        const Bytes script_code = make_p2pkh(key_hash());
        for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
            const Uint256 hash = ecdsa_sighash(unsigned_tx->tx(), i, script_code, kSighashAll, spent[i].value, SigVersion::witness_v0,
                                               &precomputed);
            Bytes signature = key_.sign_ecdsa(hash);
            signature.push_back(kSighashAll);
            const CompressedKey pubkey = key_.public_key().compressed();
            tx.inputs[i].witness = {signature, to_bytes(pubkey)};
        }
    }

private:
    Bytes key_hash() const {
        const auto hash = hash160(key_.public_key().compressed());
        return to_bytes(hash);
    }

    PrivateKey key_;
};

/// An output that a test may spend.
struct TestCoin {
    OutPoint outpoint;
    Coin coin;
};

/// A small valid chain, regtest unless told otherwise: blocks are mined on any parent and kept by their header node.
/// Coinbases pay to key().
class ChainBuilder {
public:
    explicit ChainBuilder(ChainParamsPtr params = make_params(Network::regtest))
        : params_(std::move(params)), headers_(params_->genesis->header()), tip_(headers_.genesis()), blocks_{params_->genesis} {}

    const ChainParams& params() const { return *params_; }
    const ChainParamsPtr& params_ptr() const { return params_; }
    const TestKey& key() const { return key_; }
    const HeaderTree& headers() const { return headers_; }
    /// The block mined last, or what set_tip said.
    const HeaderNode* tip() const { return tip_; }
    void set_tip(const HeaderNode* node) { tip_ = node; }
    const BlockPtr& block(const HeaderNode* node) const { return blocks_.at(node->id); }
    const BlockPtr& block_at(Height height) const { return block(tip_->ancestor(height)); }

    /// A valid block on `parent` with these transactions, mined; it is not added. `fees`: what the coinbase takes on top.
    BlockDraft draft(const HeaderNode* parent, const std::vector<TransactionPtr>& txs = {}, Amount fees = 0) {
        const Height height = parent->height + 1;
        BlockDraft draft;
        draft.header.version = 0x20000000;
        draft.header.previous = parent->hash;
        draft.header.time = std::max(static_cast<std::uint32_t>(parent->median_time_past() + 1), parent->header.time + 1);
        draft.header.bits = rules::next_work_required(*parent, draft.header.time, *params_);

        MutableTransaction& coinbase = draft.txs.emplace_back();
        // The counter makes equal blocks on one parent different.
        Bytes script = ScriptBuilder().raw(rules::coinbase_height_script(height)).number(++counter_ + 1000).take();
        coinbase.inputs.push_back({.script_sig = std::move(script)});
        coinbase.outputs.push_back({rules::block_subsidy(height, *params_) + fees, key_.script_pubkey()});
        for (const TransactionPtr& tx : txs) draft.txs.emplace_back(tx->tx());
        if (params_->active_at(BuriedDeployment::segwit, height)) draft.commit_to_witnesses();
        draft.fix_merkle_root().mine(*params_);
        return draft;
    }

    /// Adds a block whose parent is here; it becomes the tip.
    const HeaderNode* add(const BlockPtr& block) {
        const HeaderNode* parent = headers_.find(block->header().previous);
        CAIRN_CHECK(parent != nullptr);
        tip_ = headers_.insert(block->header(), block->hash(), parent);
        blocks_.resize(headers_.size());
        blocks_[tip_->id] = block;
        return tip_;
    }

    const HeaderNode* mine(const std::vector<TransactionPtr>& txs = {}, Amount fees = 0) { return add(draft(tip_, txs, fees).finish()); }
    const HeaderNode* mine_on(const HeaderNode* parent, const std::vector<TransactionPtr>& txs = {}, Amount fees = 0) {
        return add(draft(parent, txs, fees).finish());
    }
    const HeaderNode* mine_many(int count) {
        for (int i = 0; i < count; ++i) mine();
        return tip_;
    }

    /// Output `index` of transaction `tx_index` of the tip's ancestor at `height`.
    TestCoin coin(Height height, std::size_t tx_index = 0, std::uint32_t index = 0) const {
        const Transaction& tx = block_at(height)->txs()[tx_index];
        const TxOutput& output = tx.outputs[index];
        return {{tx.txid, index}, {output.value, to_bytes(output.script_pubkey), height, tx_index == 0}};
    }

    /// Spends coins of key() to one output of key() and leaves `fee`.
    TransactionPtr spend(const std::vector<TestCoin>& coins, Amount fee) const {
        Amount sum = 0;
        for (const TestCoin& coin : coins) sum += coin.coin.value;
        return spend(coins, std::vector<MutableTransaction::Output>{{sum - fee, key_.script_pubkey()}});
    }
    /// Spends coins of key() to the given outputs.
    TransactionPtr spend(const std::vector<TestCoin>& coins, std::vector<MutableTransaction::Output> outputs) const {
        MutableTransaction tx;
        std::vector<TxOutput> spent;
        for (const TestCoin& coin : coins) {
            tx.inputs.push_back({.prevout = coin.outpoint});
            spent.push_back(coin.coin.output());
        }
        tx.outputs = std::move(outputs);
        key_.sign(tx, spent);
        return tx.finish();
    }

private:
    ChainParamsPtr params_;
    HeaderTree headers_;
    const HeaderNode* tip_;
    std::vector<BlockPtr> blocks_;  ///< by the id of their header node
    TestKey key_;
    std::int64_t counter_ = 0;
};

}  // namespace cairn::test
