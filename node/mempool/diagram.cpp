#include "node/mempool/tx_graph.hpp"

namespace cairn::node {

namespace {

/// A walk along a diagram: the points where its chunks end.
struct Walker {
    std::span<const FeeSize> chunks;
    std::size_t next = 0;
    __int128 fee = 0, size = 0;  ///< reached

    bool done() const { return next == chunks.size(); }
    __int128 next_size() const { return size + chunks[next].size; }
    void step() {
        fee += chunks[next].fee;
        size += chunks[next].size;
        ++next;
    }
};

/// How far `point` lies above (positive) or below the line on which `other` goes on; after its end a diagram is level.
__int128 above_line(const Walker& point, const Walker& other) {
    if (other.done()) return point.fee - other.fee;
    const FeeSize& slope = other.chunks[other.next];
    return (point.fee - other.fee) * slope.size - (point.size - other.size) * slope.fee;
}

}  // namespace

// Both diagrams are made of straight pieces, so comparing at all their corners is enough.
bool improves(std::span<const FeeSize> before, std::span<const FeeSize> after) {
    Walker old_one{before}, new_one{after};
    bool above = false;
    while (!old_one.done() || !new_one.done()) {
        const bool same = !old_one.done() && !new_one.done() && old_one.next_size() == new_one.next_size();
        const bool step_new = same || old_one.done() || (!new_one.done() && new_one.next_size() < old_one.next_size());
        __int128 difference;  // sign: of new minus old
        if (same) {
            old_one.step();
            new_one.step();
            difference = new_one.fee - old_one.fee;
        } else if (step_new) {
            new_one.step();
            difference = above_line(new_one, old_one);
        } else {
            old_one.step();
            difference = -above_line(old_one, new_one);
        }
        if (difference < 0) return false;
        above |= difference > 0;
    }
    return above;
}

}  // namespace cairn::node
