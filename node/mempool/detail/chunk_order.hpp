#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "node/mempool/fee_size.hpp"

namespace cairn::node::detail {

/// A chunk's place in the order of all chunks; holds all that decides it, so that comparing touches nothing else.
struct ChunkKey {
    Amount fee = 0;
    std::int32_t size = 0;
    std::uint32_t id = 0;     ///< the member with the largest (tie, id): stands for the chunk
    std::uint64_t tie = 0;    ///< of that member
    std::int64_t prefix = 0;  ///< size of this chunk and those of the same rate before it in its cluster

    FeeSize rate() const { return {fee, size}; }
    bool operator==(const ChunkKey&) const = default;
};

/// Does a come before b?
inline bool comes_before(const ChunkKey& a, const ChunkKey& b) {
    const __int128 left = static_cast<__int128>(a.fee) * b.size;
    const __int128 right = static_cast<__int128>(b.fee) * a.size;
    if (left != right) return left > right;
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    if (a.tie != b.tie) return a.tie < b.tie;
    return a.id < b.id;
}

/// All chunks, best first: a sorted sequence in blocks of some hundred keys.
///
/// A change costs two binary searches and the move of part of a block; a search tree with a node per key needs more memory
/// and, at a million keys, misses the cache at every step.
class ChunkOrder {
public:
    void insert(const ChunkKey& key);
    /// The key must be here.
    void erase(const ChunkKey& key);

    std::size_t size() const { return size_; }
    const ChunkKey& back() const;
    /// Blocks of keys, in order.
    std::size_t block_count() const { return blocks_.size(); }
    std::span<const ChunkKey> block(std::size_t index) const { return {blocks_[index]->keys, blocks_[index]->count}; }
    std::size_t memory_usage() const;

private:
    static constexpr unsigned kBlock = 256;
    struct Block {
        unsigned count = 0;
        ChunkKey keys[kBlock];
    };

    std::size_t block_of(const ChunkKey& key) const;
    void split(std::size_t index);
    void drop(std::size_t index);
    void merge_with_next(std::size_t index);

    std::vector<std::unique_ptr<Block>> blocks_;
    std::vector<ChunkKey> firsts_;  ///< the first key of each block
    std::size_t size_ = 0;
};

}  // namespace cairn::node::detail
