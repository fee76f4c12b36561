#pragma once

#include <memory_resource>
#include <vector>

#include "consensus/base/check.hpp"
#include "consensus/base/uint256.hpp"

namespace cairn::light {

/// Hashes by number, in memory that may be on the disk: grows and shrinks at its end, and never moves what is in it.
/// Thread: one at a time.
class HashColumn {
public:
    /// `memory` outlives the column.
    explicit HashColumn(std::pmr::memory_resource* memory = std::pmr::new_delete_resource()) : memory_(memory) {}
    ~HashColumn() {
        for (Uint256* chunk : chunks_) memory_->deallocate(chunk, kChunk * sizeof(Uint256), alignof(Uint256));
    }
    HashColumn(const HashColumn&) = delete;

    std::size_t size() const { return size_; }
    const Uint256& operator[](std::size_t i) const {
        CAIRN_CHECK(i < size_);
        return chunks_[i / kChunk][i % kChunk];
    }
    void push_back(const Uint256& hash) {
        if (size_ == chunks_.size() * kChunk) chunks_.push_back(static_cast<Uint256*>(memory_->allocate(kChunk * sizeof(Uint256), alignof(Uint256))));
        new (&chunks_[size_ / kChunk][size_ % kChunk]) Uint256(hash);
        ++size_;
    }
    /// Forgets all but the first `count`, if there are more.
    void shrink(std::size_t count) { size_ = std::min(size_, count); }

private:
    static constexpr std::size_t kChunk = 4096;
    std::pmr::memory_resource* memory_;
    std::vector<Uint256*> chunks_;
    std::size_t size_ = 0;
};

}  // namespace cairn::light
