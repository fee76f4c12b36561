#pragma once

#include <memory>
#include <string_view>

#include "node/chain/chain_port.hpp"
#include "storage/kv.hpp"

namespace cairn::node {

/// A block as an index takes it up.
struct IndexedBlock {
    const HeaderNode* node = nullptr;
    BlockPtr block;
    std::shared_ptr<const BlockUndo> undo;  ///< null when the index does not want it; empty for the genesis block
};

/// What one optional index is: a function from blocks to rows of its own families, and how it goes back. Rows are written once
/// under keys that no other block has, or overwritten by later blocks; they never need to be erased, because whoever reads them
/// asks the chain whether their block is on it. So rows may be on disk before the marker that vouches for them.
///
/// Thread: the index's own (IndexDriver's), but for what a derived class says of its look-ups.
class Index {
public:
    virtual ~Index() = default;

    /// As getindexinfo and the log name it, and the name of its thread.
    virtual std::string_view name() const = 0;
    virtual std::string_view thread_name() const = 0;
    virtual bool wants_undo() const = 0;
    /// Can it live with blocks that are gone?
    virtual bool allows_pruning() const = 0;
    /// Must it see the blocks that it goes back over?
    virtual bool takes_blocks_back() const { return false; }

    /// Starts from what the marker holds beside the block; `at` null: from nothing. False: that is damaged.
    virtual storage::Stored<bool> load(const HeaderNode* at, ByteSpan state) = 0;
    /// What the marker must hold beside the block.
    virtual Bytes state() const = 0;

    /// The rows of the block behind the last one.
    virtual storage::Stored<void> append(const IndexedBlock& block, storage::WriteBatch& batch) = 0;
    /// The last block is taken back; all that was appended is written. The block's bytes are there when takes_blocks_back().
    virtual storage::Stored<void> take_back(const IndexedBlock& block) = 0;
};

}  // namespace cairn::node
