#include "node/mempool/detail/chunk_order.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"

namespace cairn::node::detail {

// The last block whose first key is not behind `key`; the first block for keys before all.
std::size_t ChunkOrder::block_of(const ChunkKey& key) const {
    const auto after = std::upper_bound(firsts_.begin(), firsts_.end(), key, comes_before);
    return after == firsts_.begin() ? 0 : static_cast<std::size_t>(after - firsts_.begin() - 1);
}

void ChunkOrder::insert(const ChunkKey& key) {
    if (blocks_.empty()) {
        blocks_.push_back(std::make_unique<Block>());
        firsts_.push_back(key);
    }
    std::size_t index = block_of(key);
    if (blocks_[index]->count == kBlock) {
        split(index);
        if (!comes_before(key, firsts_[index + 1])) ++index;
    }
    Block& block = *blocks_[index];
    ChunkKey* const end = block.keys + block.count;
    ChunkKey* const place = std::lower_bound(block.keys, end, key, comes_before);
    CAIRN_CHECK(place == end || !(*place == key));
    std::move_backward(place, end, end + 1);
    *place = key;
    ++block.count;
    if (place == block.keys) firsts_[index] = key;
    ++size_;
}

void ChunkOrder::erase(const ChunkKey& key) {
    CAIRN_CHECK(size_ > 0);
    const std::size_t index = block_of(key);
    Block& block = *blocks_[index];
    ChunkKey* const end = block.keys + block.count;
    ChunkKey* const place = std::lower_bound(block.keys, end, key, comes_before);
    CAIRN_CHECK(place != end && *place == key);
    std::move(place + 1, end, place);
    --block.count;
    --size_;
    if (block.count == 0) {
        drop(index);
        return;
    }
    firsts_[index] = block.keys[0];
    if (block.count < kBlock / 4) {
        if (index + 1 < blocks_.size()) {
            merge_with_next(index);
        } else if (index > 0) {
            merge_with_next(index - 1);
        }
    }
}

void ChunkOrder::split(std::size_t index) {
    auto upper = std::make_unique<Block>();
    Block& lower = *blocks_[index];
    const unsigned stay = kBlock / 2;
    std::copy(lower.keys + stay, lower.keys + lower.count, upper->keys);
    upper->count = lower.count - stay;
    lower.count = stay;
    const auto at = static_cast<std::ptrdiff_t>(index) + 1;
    firsts_.insert(firsts_.begin() + at, upper->keys[0]);
    blocks_.insert(blocks_.begin() + at, std::move(upper));
}

void ChunkOrder::drop(std::size_t index) {
    const auto at = static_cast<std::ptrdiff_t>(index);
    blocks_.erase(blocks_.begin() + at);
    firsts_.erase(firsts_.begin() + at);
}

// Only when room is left afterwards, so that the next insertion does not split again.
void ChunkOrder::merge_with_next(std::size_t index) {
    Block& left = *blocks_[index];
    const Block& right = *blocks_[index + 1];
    if (left.count + right.count > kBlock * 3 / 4) return;
    std::copy(right.keys, right.keys + right.count, left.keys + left.count);
    left.count += right.count;
    drop(index + 1);
}

const ChunkKey& ChunkOrder::back() const {
    CAIRN_CHECK(size_ > 0);
    return blocks_.back()->keys[blocks_.back()->count - 1];
}

std::size_t ChunkOrder::memory_usage() const {
    constexpr std::size_t kHeapOverhead = 16;
    return blocks_.size() * (sizeof(Block) + kHeapOverhead) + blocks_.capacity() * sizeof(blocks_[0]) +
           firsts_.capacity() * sizeof(ChunkKey);
}

}  // namespace cairn::node::detail
