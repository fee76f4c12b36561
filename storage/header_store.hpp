#pragma once

#include <functional>

#include "consensus/chain/header_tree.hpp"
#include "storage/kv.hpp"

namespace cairn::storage {

/// What is remembered of one header and its block.
struct HeaderRecord {
    /// Bits of `status`. Values are on disk: never give one a new meaning.
    enum Status : std::uint32_t {
        have_data = 1,        ///< the block is stored
        have_undo = 2,        ///< what it spent is stored
        checked = 4,          ///< context-free and contextual checks passed
        scripts_valid = 8,    ///< was connected: every rule holds
        failed = 16,          ///< breaks a rule, or was invalidated by hand
        failed_ancestor = 32, ///< builds on one that failed
        assumed_valid = 64,   ///< was connected without looking at its signatures
        witness_checked = 128,  ///< its contextual checks were those of segwit
    };

    BlockHeader header;
    BlockHash hash;
    Height height = 0;
    std::uint32_t status = 0;
    std::uint32_t tx_count = 0;    ///< 0: the block was never seen
    std::uint64_t data_size = 0;   ///< bytes of the stored block; kept when it is pruned only as history
    std::uint64_t undo_size = 0;   ///< bytes of the stored undo

    bool has(Status bit) const { return (status & bit) != 0; }
    bool operator==(const HeaderRecord&) const = default;
};

/// One record a header in the headers family, keyed by height and hash so that parents come before children.
/// Shape: README.md. Thread: as the store it writes through; holds no state of its own.
class HeaderStore {
public:
    explicit HeaderStore(KvStore& store) : store_(store) {}

    /// Writes or replaces the record.
    static void put(WriteBatch& batch, const HeaderRecord& record);
    static void erase(WriteBatch& batch, Height height, const BlockHash& hash);

    Stored<std::optional<HeaderRecord>> get(Height height, const BlockHash& hash) const;
    /// Every record, lowest height first. `visit` returns false to end early, which is no error.
    /// Errors: corruption for a record that does not read back.
    Stored<void> for_each(const std::function<bool(const HeaderRecord&)>& visit) const;

private:
    KvStore& store_;
};

}  // namespace cairn::storage
