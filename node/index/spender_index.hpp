#pragma once

#include "node/index/index.hpp"
#include "node/index/place.hpp"

namespace cairn::node {

/// -txospenderindex: from an output to the transaction that spends it.
class SpenderIndex final : public Index {
public:
    SpenderIndex(const storage::KvStore& store, const ChainPort& chain) : store_(store), chain_(chain) {}

    /// As of the block up to which the index has come (IndexDriver::reached()). A spend that went with its block is known until the
    /// chain has another.
    /// Thread: any, once loaded. Reads a block. nullopt: no transaction up to there spends it. Errors: the store's.
    storage::Stored<std::optional<PlacedTx>> find(const OutPoint& outpoint, const HeaderNode* reached) const;

    std::string_view name() const override { return "txospenderindex"; }
    std::string_view thread_name() const override { return "txospenderidx"; }
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
