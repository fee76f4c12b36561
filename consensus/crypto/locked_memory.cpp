#include "consensus/crypto/locked_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <new>

#include <openssl/crypto.h>

#include "consensus/base/check.hpp"

namespace cairn {

LockedMemory& LockedMemory::shared() {
    static LockedMemory& pool = *new LockedMemory;  // outlives every static container that uses it
    return pool;
}

LockedMemory::~LockedMemory() {
    for (const Arena& arena : arenas_) {
        void* memory = reinterpret_cast<void*>(arena.begin);
        OPENSSL_cleanse(memory, arena.size);
        munmap(memory, arena.size);
    }
}

void LockedMemory::add_arena(std::size_t at_least) {
    const std::size_t size = (at_least + kArenaSize - 1) / kArenaSize * kArenaSize;
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    madvise(memory, size, MADV_DONTDUMP);
    const Arena arena{reinterpret_cast<Address>(memory), size, mlock(memory, size) == 0};
    arenas_.push_back(arena);
    free_.emplace(arena.begin, size);
}

void* LockedMemory::allocate(std::size_t bytes) {
    if (bytes > std::numeric_limits<std::size_t>::max() / 2) throw std::bad_alloc();
    const std::size_t size = std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
    const std::lock_guard lock(mutex_);
    const auto fits = [&] {
        auto piece = free_.begin();
        while (piece != free_.end() && piece->second < size) ++piece;
        return piece;
    };
    auto piece = fits();
    if (piece == free_.end()) {
        add_arena(size);
        piece = fits();
    }
    const auto [begin, room] = *piece;
    free_.erase(piece);
    if (room > size) free_.emplace(begin + size, room - size);
    used_.emplace(begin, size);
    return reinterpret_cast<void*>(begin);
}

void LockedMemory::release(void* memory) {
    if (!memory) return;
    const std::lock_guard lock(mutex_);
    const auto found = used_.find(reinterpret_cast<Address>(memory));
    CAIRN_CHECK(found != used_.end());
    auto [begin, size] = *found;
    OPENSSL_cleanse(memory, size);
    used_.erase(found);
    auto next = free_.lower_bound(begin);
    // Pieces of two arenas stay apart, even where these are neighbours: joined, they could not be told apart again.
    const auto same_arena = [this](Address a, Address b) {
        for (const Arena& arena : arenas_)
            if (a >= arena.begin && a < arena.begin + arena.size) return b >= arena.begin && b < arena.begin + arena.size;
        return false;
    };
    if (next != free_.end() && begin + size == next->first && same_arena(begin, next->first)) {
        size += next->second;
        next = free_.erase(next);
    }
    if (next != free_.begin()) {
        const auto before = std::prev(next);
        if (before->first + before->second == begin && same_arena(before->first, begin)) {
            before->second += size;
            return;
        }
    }
    free_.emplace(begin, size);
}

LockedMemory::Stats LockedMemory::stats() const {
    const std::lock_guard lock(mutex_);
    Stats stats;
    for (const Arena& arena : arenas_) {
        stats.total += arena.size;
        if (arena.locked) stats.locked += arena.size;
    }
    for (const auto& [begin, size] : used_) stats.used += size;
    for (const auto& [begin, size] : free_) stats.free += size;
    stats.chunks_used = used_.size();
    stats.chunks_free = free_.size();
    return stats;
}

}  // namespace cairn
