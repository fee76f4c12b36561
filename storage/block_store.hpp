#pragma once

#include "consensus/chain/delta.hpp"
#include "consensus/primitives/ids.hpp"
#include "storage/kv.hpp"

namespace cairn::storage {

/// The bytes of an undo record as they are stored: those of write_undo (delta.hpp) and eight of a checksum over them
/// that is keyed with the block's hash, so that neither damage nor another block's record passes.
Bytes seal_undo(const BlockHash& hash, Bytes undo);
/// The bytes without the checksum; nullopt: damaged, or of another block.
std::optional<ByteSpan> open_undo(const BlockHash& hash, ByteSpan sealed);

/// Names one block in the store. Several blocks share a height.
struct BlockKey {
    Height height = 0;
    BlockHash hash;

    bool operator==(const BlockKey&) const = default;
};

/// Raw blocks and undo records by height and hash. What is there and how large it is remembers the header record.
/// Shape: README.md. Thread: reads from any, batches from the writer; holds no state of its own.
class BlockStore {
public:
    explicit BlockStore(KvStore& store) : store_(store) {}

    /// `raw` is borrowed: it must live until the batch was written.
    static void put_block(WriteBatch& batch, const BlockKey& key, ByteSpan raw);
    /// Gives the size stored, for the header record.
    static std::size_t put_undo(WriteBatch& batch, const BlockKey& key, const SpentByBlock& spent);
    /// The same from what write_undo made, or whoever writes that form without building the coins first.
    static std::size_t put_undo(WriteBatch& batch, const BlockKey& key, Bytes undo);
    static void erase_block(WriteBatch& batch, const BlockKey& key);
    static void erase_undo(WriteBatch& batch, const BlockKey& key);

    /// nullopt: not stored. The bytes carry the database's own checksum.
    Stored<std::optional<Bytes>> read_block(const BlockKey& key) const;
    /// The same for a block that is sent to others, who check it anyway: the checksum is not looked at.
    Stored<std::optional<Bytes>> read_block_unverified(const BlockKey& key) const;
    /// nullopt: not stored. Errors: corruption.
    Stored<std::optional<SpentByBlock>> read_undo(const BlockKey& key) const;
    bool has_block(const BlockKey& key) const;

    /// After erasing blocks and undo up to `height`: has their space given back to the file system, in the background.
    Stored<void> reclaim_up_to(Height height);
    /// Estimated bytes on disk of blocks and undo together.
    std::uint64_t approximate_size() const;

private:
    KvStore& store_;
};

}  // namespace cairn::storage
