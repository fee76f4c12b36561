#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

#include "node/chain/chain_port.hpp"

namespace cairn::node {

/// What is known of a block, beside its header in the tree. The words are atomic so that any thread may look;
/// only the chain thread writes, but for header insertion.
struct BlockStatus {
    enum Flag : std::uint32_t {
        have_data = 1,
        have_undo = 2,
        checked = 4,          ///< passed its context-free and contextual checks
        scripts_valid = 8,    ///< was connected once
        failed = 16,
        failed_ancestor = 32,
        has_child = 64,       ///< in memory only
        witness_checked = 128,  ///< its contextual checks were those of segwit
    };
    static constexpr std::uint32_t kStored = have_data | have_undo | checked | scripts_valid | failed | failed_ancestor | witness_checked;

    std::atomic<std::uint32_t> flags{0};
    std::atomic<std::uint32_t> tx_count{0};
    std::atomic<std::uint64_t> chain_tx_count{0};
    /// Chain thread. When the block could first be connected: lower wins among branches of equal work. 0 for blocks
    /// loaded on the best chain at start, 1 for other loaded ones, negative for precious ones.
    std::int32_t sequence = 0;
    bool dirty = false;       ///< chain thread: differs from what is stored
    std::uint32_t raw_size = 0;   ///< chain thread: bytes of the stored block
    std::uint32_t undo_size = 0;  ///< chain thread: bytes of its stored undo

    bool has(std::uint32_t flag) const { return (flags.load(std::memory_order_acquire) & flag) != 0; }
    void set(std::uint32_t flag) { flags.fetch_or(flag, std::memory_order_acq_rel); }
    void clear(std::uint32_t flag) { flags.fetch_and(~flag, std::memory_order_acq_rel); }
    bool invalid() const { return has(failed | failed_ancestor); }
    /// This block and all its ancestors were seen whole.
    bool linked() const { return chain_tx_count.load(std::memory_order_acquire) != 0; }
};

/// The status of every header in a tree.
/// Thread: any for look-ups; grow() while a header is inserted.
class StatusTable {
public:
    StatusTable() = default;
    ~StatusTable();
    StatusTable(const StatusTable&) = delete;
    StatusTable& operator=(const StatusTable&) = delete;

    BlockStatus& operator[](const HeaderNode* node) { return at(node->id); }
    const BlockStatus& operator[](const HeaderNode* node) const { return const_cast<StatusTable*>(this)->at(node->id); }
    BlockStatus& at(std::uint32_t id) {
        return chunks_[id / kChunk].load(std::memory_order_acquire)->entries[id % kChunk];
    }
    /// Makes room for ids below `count`.
    void grow(std::uint32_t count);

private:
    static constexpr std::uint32_t kChunk = 4096;
    static constexpr std::uint32_t kChunks = 16384;
    struct Chunk {
        std::array<BlockStatus, kChunk> entries;
    };
    std::array<std::atomic<Chunk*>, kChunks> chunks_{};
};

/// Orders the tips that could become active: more work first, then who could be connected earlier, then who was
/// known earlier.
struct CandidateOrder {
    const StatusTable* table;
    /// True when `a` is worse than `b`.
    bool operator()(const HeaderNode* a, const HeaderNode* b) const {
        if (a->chain_work != b->chain_work) return a->chain_work < b->chain_work;
        const auto sa = (*table)[a].sequence, sb = (*table)[b].sequence;
        if (sa != sb) return sa > sb;
        return a->id > b->id;
    }
};

}  // namespace cairn::node
