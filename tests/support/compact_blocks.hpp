#pragma once

#include "net/wire/codec.hpp"
#include "node/relay/compact_block.hpp"
#include "node/relay/compact_reconstruct.hpp"
#include "tests/support/chain_builder.hpp"

namespace cairn::test {

/// A transaction that spends an output nobody has; a different one for each `number`. `witness`: it has some.
inline TransactionPtr odd_transaction(std::uint32_t number, bool witness = false, std::size_t padding = 0) {
    MutableTransaction tx;
    MutableTransaction::Input& input = tx.inputs.emplace_back();
    input.prevout.txid = Txid(hash256(Bytes{static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8), 7}));
    input.prevout.index = number;
    if (witness) input.witness = {Bytes(20, 3)};
    tx.outputs.push_back({1000 + number, Bytes(22 + padding, 0x51)});
    return tx.finish();
}

/// A block on `parent` with a coinbase and these transactions, good but for what its inputs spend.
inline BlockPtr block_with(const HeaderNode* parent, const std::vector<TransactionPtr>& txs, const ChainParams& params) {
    BlockDraft draft;
    draft.header.version = 0x20000000;
    draft.header.previous = parent->hash;
    draft.header.time = parent->header.time + 600;
    draft.header.bits = parent->header.bits;
    MutableTransaction coinbase;
    Bytes script = rules::coinbase_height_script(parent->height + 1);
    script.resize(std::max<std::size_t>(script.size(), 4), 0);
    coinbase.inputs.push_back({OutPoint{}, script, TxInput::kFinalSequence, {}});
    coinbase.outputs.push_back({1000, Bytes{0x51}});
    draft.txs.push_back(coinbase);
    for (const TransactionPtr& tx : txs) draft.txs.emplace_back(tx->tx());
    draft.commit_to_witnesses().fix_merkle_root().mine(params);
    return draft.finish();
}

/// Transactions as a row that a block may be rebuilt from. Keep it while the candidates are in use.
class TestPool {
public:
    TestPool() = default;
    explicit TestPool(std::vector<TransactionPtr> txs) {
        for (TransactionPtr& tx : txs) add(std::move(tx));
    }
    void add(TransactionPtr tx) {
        wtxids_.push_back(tx->tx().wtxid);
        txs_.push_back(std::move(tx));
    }
    /// Claims that `tx` has this id: two transactions with one short id cannot be made by trying.
    void add_as(TransactionPtr tx, const Wtxid& wtxid) {
        wtxids_.push_back(wtxid);
        txs_.push_back(std::move(tx));
    }
    node::CandidateTxs candidates() const {
        return {wtxids_, [this](std::size_t i) { return txs_[i]; }};
    }

private:
    std::vector<Wtxid> wtxids_;
    std::vector<TransactionPtr> txs_;
};

/// The message as its receiver reads it.
inline net::CompactBlockMessage over_the_wire(const net::CompactBlockMessage& message) {
    auto read = net::decode_message("cmpctblock", net::encode_message(message));
    CAIRN_CHECK(read.has_value());
    return std::get<net::CompactBlockMessage>(*read);
}

}  // namespace cairn::test
