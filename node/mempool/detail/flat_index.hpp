#pragma once

#include <algorithm>
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
/// Shape: linear probing from a home that rises with the hash, at most three quarters full; erasing moves followers up, there
/// are no tombstones. It grows by a quarter, so that its memory rises smoothly.
/// Cost: constant on average; a change that grows or shrinks the table is linear and goes through memory in order.
template <class Slot>
class FlatIndex {
public:
    FlatIndex() : slots_(kMinSlots) {}

    template <class Match>
    const Slot* find(std::uint32_t hash, Match&& match) const {
        for (std::size_t at = home(hash);; at = after(at)) {
            const Slot& slot = slots_[at];
            if (slot.entry == kFreeSlot) return nullptr;
            if (slot.hash == hash && match(slot)) return &slot;
        }
    }

    /// False: one that matches is there already.
    template <class Match>
    bool insert(const Slot& slot, Match&& match) {
        if ((size_ + 1) * 4 > slots_.size() * 3) resize(slots_.size() + slots_.size() / 4);
        std::size_t at = home(slot.hash);
        for (; slots_[at].entry != kFreeSlot; at = after(at)) {
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
        for (std::size_t at = after(gap); slots_[at].entry != kFreeSlot; at = after(at)) {
            if (distance(home(slots_[at].hash), at) >= distance(gap, at)) {
                slots_[gap] = slots_[at];
                gap = at;
            }
        }
        slots_[gap] = Slot{};
        --size_;
        if (slots_.size() > kMinSlots && size_ * 4 < slots_.size()) resize(std::max(kMinSlots, slots_.size() / 2));
        return true;
    }

    std::size_t size() const { return size_; }
    std::size_t memory_usage() const { return slots_.capacity() * sizeof(Slot); }

private:
    static constexpr std::size_t kMinSlots = 64;

    std::size_t home(std::uint32_t hash) const { return static_cast<std::size_t>(std::uint64_t{hash} * slots_.size() >> 32); }
    std::size_t after(std::size_t at) const { return at + 1 == slots_.size() ? 0 : at + 1; }
    /// Steps from one place to another.
    std::size_t distance(std::size_t from, std::size_t to) const { return to >= from ? to - from : to + slots_.size() - from; }
    void resize(std::size_t count) {
        std::vector<Slot> old(count);
        old.swap(slots_);
        for (const Slot& slot : old) {
            if (slot.entry == kFreeSlot) continue;
            std::size_t at = home(slot.hash);
            while (slots_[at].entry != kFreeSlot) at = after(at);
            slots_[at] = slot;
        }
    }

    std::vector<Slot> slots_;
    std::size_t size_ = 0;
};

}  // namespace cairn::node::detail
