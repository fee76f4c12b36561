#include "net/core/rolling_filter.hpp"

#include <algorithm>
#include <bit>

namespace cairn::net {

RollingFilter::RollingFilter(std::size_t capacity, SipKey key)
    : key_(key), share_(std::max<std::size_t>(1, (capacity + 1) / 2)), mask_(std::bit_ceil(share_ + share_ / 4 + 1) - 1) {}

RollingFilter::Place RollingFilter::place(const Uint256& hash) const {
    const std::uint64_t mixed = siphash13_jumbo(key_, hash);
    const auto mark = static_cast<std::uint32_t>(mixed >> 32);
    return {static_cast<std::size_t>(mixed) & mask_, mark == 0 ? 1 : mark};
}

bool RollingFilter::contains(const Generation& generation, Place where) const {
    if (generation.count == 0) return false;
    while (generation.marks[where.slot] != 0) {
        if (generation.marks[where.slot] == where.mark) return true;
        where.slot = (where.slot + 1) & mask_;
    }
    return false;
}

bool RollingFilter::contains(const Uint256& hash) const {
    const Place where = place(hash);
    return std::any_of(generations_.begin(), generations_.end(), [&](const Generation& g) { return contains(g, where); });
}

void RollingFilter::insert(const Uint256& hash) {
    Place where = place(hash);
    if (contains(generations_[newest_], where)) return;
    if (generations_[newest_].count >= share_) {
        newest_ = (newest_ + 1) % generations_.size();
        std::fill(generations_[newest_].marks.begin(), generations_[newest_].marks.end(), 0);
        generations_[newest_].count = 0;
    }
    Generation& generation = generations_[newest_];
    if (generation.marks.empty()) generation.marks.resize(mask_ + 1);
    while (generation.marks[where.slot] != 0) where.slot = (where.slot + 1) & mask_;
    generation.marks[where.slot] = where.mark;
    ++generation.count;
}

void RollingFilter::reset() {
    for (Generation& generation : generations_) {
        std::fill(generation.marks.begin(), generation.marks.end(), 0);
        generation.count = 0;
    }
}

std::size_t RollingFilter::memory_usage() const {
    std::size_t bytes = 0;
    for (const Generation& generation : generations_) bytes += generation.marks.capacity() * sizeof(std::uint32_t);
    return bytes;
}

}  // namespace cairn::net
