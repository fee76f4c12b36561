#include "node/chain/block_index.hpp"

#include "consensus/base/check.hpp"

namespace cairn::node {

StatusTable::~StatusTable() {
    for (auto& chunk : chunks_) delete chunk.load();
}

void StatusTable::grow(std::uint32_t count) {
    if (count == 0) return;
    CAIRN_CHECK((count - 1) / kChunk < kChunks);
    for (std::int64_t i = (count - 1) / kChunk; i >= 0 && !chunks_[i].load(std::memory_order_acquire); --i)
        chunks_[i].store(new Chunk, std::memory_order_release);
}

}  // namespace cairn::node
