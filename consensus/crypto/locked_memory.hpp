#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace cairn {

/// Memory for secrets: not swapped out, left out of core dumps, wiped when it is given back.
///
/// It is taken from the system in arenas of whole pages, since pages are what can be locked, and dealt out in pieces of 16 bytes'
/// alignment, first fit. Where the system refuses to lock (RLIMIT_MEMLOCK), the memory is used all the same; stats() tells.
/// Limits: none of its own; it is meant for some kilobytes of keys and passwords.
/// Thread: any (a lock of its own: allocators share the one pool of the process).
class LockedMemory {
public:
    /// Bytes, and numbers of pieces.
    struct Stats {
        std::size_t used = 0, free = 0, total = 0, locked = 0, chunks_used = 0, chunks_free = 0;
    };

    /// The pool of this process, for LockedAllocator.
    static LockedMemory& shared();

    LockedMemory() = default;
    ~LockedMemory();
    LockedMemory(const LockedMemory&) = delete;
    LockedMemory& operator=(const LockedMemory&) = delete;

    /// Throws std::bad_alloc.
    void* allocate(std::size_t bytes);
    /// Wipes and takes back what allocate() gave; null: nothing.
    void release(void* memory);
    Stats stats() const;

private:
    static constexpr std::size_t kAlignment = 16, kArenaSize = 256 * 1024;
    using Address = std::uintptr_t;
    struct Arena {
        Address begin = 0;
        std::size_t size = 0;
        bool locked = false;
    };
    void add_arena(std::size_t at_least);

    mutable std::mutex mutex_;
    std::vector<Arena> arenas_;
    std::map<Address, std::size_t> free_, used_;  ///< pieces by where they begin; neighbours in free_ are joined
};

/// Puts the contents of a container into locked memory.
template <class T>
struct LockedAllocator {
    using value_type = T;

    LockedAllocator() = default;
    template <class U>
    LockedAllocator(const LockedAllocator<U>&) {}

    T* allocate(std::size_t count) { return static_cast<T*>(LockedMemory::shared().allocate(count * sizeof(T))); }
    void deallocate(T* memory, std::size_t) { LockedMemory::shared().release(memory); }
    bool operator==(const LockedAllocator&) const { return true; }
};

/// Bytes and characters that are secret. A vector, for short strings would lie in the string itself.
using SecretBytes = std::vector<std::uint8_t, LockedAllocator<std::uint8_t>>;
using SecretText = std::vector<char, LockedAllocator<char>>;

}  // namespace cairn
