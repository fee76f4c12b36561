#pragma once

#include "node/index/index.hpp"
#include "node/index/place.hpp"

namespace cairn::node {

/// -txindex: from a transaction's id to the block that holds it. The genesis block's transaction is left out: it cannot be spent.
/// A transaction that several blocks hold is found in the one that was connected last.
class TxIndex final : public Index {
public:
    TxIndex(const storage::KvStore& store, const ChainPort& chain) : store_(store), chain_(chain) {}

    /// Thread: any, once loaded. Reads a block. nullopt: no block that was indexed holds it. Errors: the store's.
    storage::Stored<std::optional<PlacedTx>> find(const Txid& txid) const;

    std::string_view name() const override { return "txindex"; }
    std::string_view thread_name() const override { return "txidx"; }
    bool wants_undo() const override { return false; }
    bool allows_pruning() const override { return false; }
    storage::Stored<bool> load(const HeaderNode* at, ByteSpan state) override;
    Bytes state() const override { return save_salt(salt_); }
    storage::Stored<void> append(const IndexedBlock& block, storage::WriteBatch& batch) override;
    storage::Stored<void> take_back(const IndexedBlock&) override { return {}; }

private:
    const storage::KvStore& store_;
    const ChainPort& chain_;
    SipKey salt_;  // constant once loaded
};

}  // namespace cairn::node
