#pragma once

#include <cstdint>

#include "storage/detail/huge_memory.hpp"

namespace cairn::storage::detail {

/// An open-addressing table from 32 bits of hash to 32 bits of position, several entries to one hash allowed: whoever
/// asks compares what lies at the position. Position 0 does not occur.
/// Shape: linear probing; an entry's home grows with its hash, so that growing and erasing never look at the records.
class CoinTable {
public:
    static constexpr std::size_t kNone = ~std::size_t{0};

    CoinTable() { reset(); }

    static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
    std::uint32_t position(std::size_t slot) const { return static_cast<std::uint32_t>(slots()[slot]); }
    void set_position(std::size_t slot, std::uint32_t position) {
        slots()[slot] = (slots()[slot] & ~std::uint64_t{0xffffffff}) | position;
    }
    std::size_t capacity() const { return capacity_; }
    std::size_t size() const { return size_; }
    std::size_t memory_bytes() const { return memory_.size(); }
    bool used(std::size_t slot) const { return slots()[slot] != 0; }

    void prefetch(std::uint64_t hash) const { __builtin_prefetch(slots() + home(tag(hash))); }

    /// The first slot of `hash` whose position `is_it` accepts; kNone when there is none.
    template <class Predicate>
    std::size_t find(std::uint64_t hash, Predicate&& is_it) const {
        const std::uint32_t wanted = tag(hash);
        for (std::size_t slot = home(wanted);; slot = after(slot)) {
            const std::uint64_t entry = slots()[slot];
            if (entry == 0) return kNone;
            if (static_cast<std::uint32_t>(entry >> 32) == wanted && is_it(static_cast<std::uint32_t>(entry))) return slot;
        }
    }

    void insert(std::uint64_t hash, std::uint32_t position) {
        if ((size_ + 1) * 4 > capacity_ * 3) grow();
        place(std::uint64_t{tag(hash)} << 32 | position);
        ++size_;
    }

    /// Closes the gap, so that entries behind it may move to lower slots.
    void erase(std::size_t slot) {
        std::size_t gap = slot;
        for (std::size_t next = after(gap);; next = after(next)) {
            const std::uint64_t entry = slots()[next];
            if (entry == 0) break;
            const std::size_t wanted = home(static_cast<std::uint32_t>(entry >> 32));
            const bool stays = gap <= next ? gap < wanted && wanted <= next : gap < wanted || wanted <= next;
            if (stays) continue;
            slots()[gap] = entry;
            gap = next;
        }
        slots()[gap] = 0;
        --size_;
    }

    /// Empty, and small again.
    void reset() {
        memory_ = HugeMemory(kSmallest * sizeof(std::uint64_t));
        capacity_ = kSmallest;
        size_ = 0;
    }

private:
    static constexpr std::size_t kSmallest = 1024;

    std::uint64_t* slots() const { return reinterpret_cast<std::uint64_t*>(memory_.data()); }
    std::size_t home(std::uint32_t tag_bits) const {
        return static_cast<std::size_t>((static_cast<unsigned __int128>(tag_bits) * capacity_) >> 32);
    }
    std::size_t after(std::size_t slot) const { return ++slot == capacity_ ? 0 : slot; }
    void place(std::uint64_t entry) {
        std::size_t slot = home(static_cast<std::uint32_t>(entry >> 32));
        while (slots()[slot] != 0) slot = after(slot);
        slots()[slot] = entry;
    }
    void grow() {
        const HugeMemory old = std::move(memory_);
        const std::size_t old_capacity = capacity_;
        capacity_ = old_capacity < (std::size_t{1} << 20) ? old_capacity * 2 : old_capacity / 2 * 3;
        memory_ = HugeMemory(capacity_ * sizeof(std::uint64_t));
        const auto* entries = reinterpret_cast<const std::uint64_t*>(old.data());
        for (std::size_t slot = 0; slot < old_capacity; ++slot) {
            if (entries[slot] != 0) place(entries[slot]);
        }
    }

    HugeMemory memory_;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
};

}  // namespace cairn::storage::detail
