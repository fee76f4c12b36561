#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cairn::node::detail {

inline constexpr std::uint32_t kFreeSlot = 0xffffffff;

/// Names an entry by a hash of its id.
struct IdSlot {
    std::uint32_t hash = 0;
    std::uint32_t entry = kFreeSlot;
};

/// Names an entry by one of the outputs that it spends.
struct SpentSlot {
    std::uint32_t hash = 0;
    std::uint32_t entry = kFreeSlot;
    std::uint32_t input = 0;  ///< which of its inputs
};

/// A hash table without nodes: open addressing over slots that hold the hash and where the rest is found, so that growing
/// and erasing read nothing but the table.
///
/// The caller hashes with a secret key (an attacker chooses txids) and tells whether a slot of the right hash is the one.
/// Shape: linear probing, at most three quarters full; erasing moves followers up, there are no tombstones.
/// Cost: constant on average; a change that grows or shrinks the table is linear.
template <class Slot>
class FlatIndex {
public:
    FlatIndex() : slots_(kMinSlots) {}

    template <class Match>
    const Slot* find(std::uint32_t hash, Match&& match) const {
        for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
            const Slot& slot = slots_[at];
            if (slot.entry == kFreeSlot) return nullptr;
            if (slot.hash == hash && match(slot)) return &slot;
        }
    }

    /// False: one that matches is there already.
    template <class Match>
    bool insert(const Slot& slot, Match&& match) {
        if ((size_ + 1) * 4 > slots_.size() * 3) resize(slots_.size() * 2);
        std::size_t at = slot.hash & mask();
        for (; slots_[at].entry != kFreeSlot; at = (at + 1) & mask()) {
            if (slots_[at].hash == slot.hash && match(slots_[at])) return false;
        }
        slots_[at] = slot;
        ++size_;
        return true;
    }

    /// False: there is none.
    template <class Match>
    bool erase(std::uint32_t hash, Match&& match) {
        const Slot* found = find(hash, match);
        if (!found) return false;
        std::size_t gap = static_cast<std::size_t>(found - slots_.data());
        // Whoever was pushed past the gap by those before moves up into it.
        for (std::size_t at = (gap + 1) & mask(); slots_[at].entry != kFreeSlot; at = (at + 1) & mask()) {
            const std::size_t home = slots_[at].hash & mask();
            if (((at - home) & mask()) >= ((at - gap) & mask())) {
                slots_[gap] = slots_[at];
                gap = at;
            }
        }
        slots_[gap] = Slot{};
        --size_;
        if (slots_.size() > kMinSlots && size_ * 8 < slots_.size()) resize(slots_.size() / 2);
        return true;
    }

    std::size_t size() const { return size_; }
    std::size_t memory_usage() const { return slots_.capacity() * sizeof(Slot); }

private:
    static constexpr std::size_t kMinSlots = 64;

    std::size_t mask() const { return slots_.size() - 1; }
    void resize(std::size_t count) {
        std::vector<Slot> old(count);
        old.swap(slots_);
        for (const Slot& slot : old) {
            if (slot.entry == kFreeSlot) continue;
            std::size_t at = slot.hash & mask();
            while (slots_[at].entry != kFreeSlot) at = (at + 1) & mask();
            slots_[at] = slot;
        }
    }

    std::vector<Slot> slots_;  ///< a power of two of them
    std::size_t size_ = 0;
};

}  // namespace cairn::node::detail
