#include "node/mempool/detail/spanning_forest.hpp"

#include <utility>

#include "consensus/base/check.hpp"

namespace cairn::node::detail {

SpanningForest::SpanningForest(const ClusterDraft& draft, std::uint64_t seed) : draft_(draft), random_state_(seed) {
    for (unsigned i = 0; i < draft.count; ++i) {
        Mask rest = draft.parents[i], direct = 0;
        while (rest != 0) {  // from the last: what is an ancestor of another parent says nothing new
            const unsigned last = kMaxCluster - 1 - static_cast<unsigned>(std::countl_zero(rest));
            direct |= bit(last);
            rest &= ~(bit(last) | draft.ancestors[last]);
        }
        parents_[i] = direct;
        children_[i] = 0;
        for_each_bit(direct, [&](unsigned parent) { children_[parent] |= bit(i); });
    }
    for (unsigned i = 0; i < draft.count; ++i) {
        chunk_of_[i] = static_cast<Index>(i);
        chunk_[i] = Chunk{bit(i), 0, parents_[i], children_[i], draft.rate[i]};
    }
    chunks_ = low_bits(draft.count);
    free_edges_ = low_bits(draft.count - 1);
}

// splitmix64
std::uint64_t SpanningForest::random() {
    std::uint64_t z = random_state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// Makes the order of a queue random while it is being filled.
template <typename T>
void SpanningForest::shuffle_last(Ring<T>& ring) {
    std::swap(ring.at(ring.count - 1), ring.at(random_below(ring.count)));
}

// ---------------------------------------------------------------------------------------------- joining and cutting

// The two ends are in different chunks. The merged chunk has the name of the child's.
SpanningForest::Index SpanningForest::activate(Index parent, Index child) {
    const Index top_name = chunk_of_[parent], bottom_name = chunk_of_[child];
    const Chunk& top = chunk_[top_name];
    Chunk& bottom = chunk_[bottom_name];
    // A dependency whose top reaches the joint gets the other chunk added to its top.
    for_each_bit(top.edges, [&](unsigned i) {
        Edge& edge = edge_[i];
        if ((edge.top & bit(parent)) == 0) return;
        edge.top |= bottom.members;
        edge.top_rate += bottom.rate;
    });
    for_each_bit(bottom.edges, [&](unsigned i) {
        Edge& edge = edge_[i];
        if ((edge.top & bit(child)) == 0) return;
        edge.top |= top.members;
        edge.top_rate += top.rate;
    });
    for_each_bit(top.members, [&](unsigned i) { chunk_of_[i] = bottom_name; });

    const unsigned slot = static_cast<unsigned>(std::countr_zero(free_edges_));
    free_edges_ &= free_edges_ - 1;
    edge_[slot] = Edge{top.members, top.rate, parent, child};

    bottom.members |= top.members;
    bottom.edges |= top.edges | bit(slot);
    bottom.above = (bottom.above | top.above) & ~bottom.members;
    bottom.below = (bottom.below | top.below) & ~bottom.members;
    bottom.rate += top.rate;
    chunks_ &= ~bit(top_name);
    cost_ += 2 + 2 * static_cast<unsigned>(std::popcount(bottom.members));
    return bottom_name;
}

// Gives the names of the two parts: top, bottom.
std::pair<SpanningForest::Index, SpanningForest::Index> SpanningForest::cut(Index edge_name) {
    const Edge gone = edge_[edge_name];
    const Index bottom_name = chunk_of_[gone.parent];
    const auto top_name = static_cast<Index>(std::countr_zero(~chunks_));  // a chunk of two has left a name free
    Chunk& bottom = chunk_[bottom_name];
    Chunk& top = chunk_[top_name];
    cost_ += 6 + 4 * static_cast<unsigned>(std::popcount(bottom.members));

    const Mask edges = bottom.edges & ~bit(edge_name);
    bottom.members &= ~gone.top;
    bottom.rate -= gone.top_rate;
    bottom.edges = bottom.above = bottom.below = 0;
    top = Chunk{gone.top, 0, 0, 0, gone.top_rate};
    for_each_bit(edges, [&](unsigned i) {
        Edge& edge = edge_[i];
        if ((gone.top & bit(edge.parent)) != 0) {
            top.edges |= bit(i);
            if ((edge.top & bit(gone.parent)) == 0) return;
            edge.top &= ~bottom.members;
            edge.top_rate -= bottom.rate;
        } else {
            bottom.edges |= bit(i);
            if ((edge.top & bit(gone.child)) == 0) return;
            edge.top &= ~top.members;
            edge.top_rate -= top.rate;
        }
    });
    for_each_bit(top.members, [&](unsigned i) {
        chunk_of_[i] = top_name;
        top.above |= parents_[i];
        top.below |= children_[i];
    });
    for_each_bit(bottom.members, [&](unsigned i) {
        bottom.above |= parents_[i];
        bottom.below |= children_[i];
    });
    top.above &= ~top.members;
    top.below &= ~top.members;
    bottom.above &= ~bottom.members;
    bottom.below &= ~bottom.members;
    free_edges_ |= bit(edge_name);
    chunks_ |= bit(top_name);
    return {top_name, bottom_name};
}

// Activates one of the dependencies between two chunks, any.
SpanningForest::Index SpanningForest::join(Index top_name, Index bottom_name) {
    const Mask bottom = chunk_[bottom_name].members;
    const Mask ends = chunk_[top_name].members & chunk_[bottom_name].above;
    unsigned total = 0;
    for_each_bit(ends, [&](unsigned i) { total += static_cast<unsigned>(std::popcount(children_[i] & bottom)); });
    CAIRN_CHECK(total > 0);
    cost_ += 2 + 2 * static_cast<unsigned>(std::popcount(ends));
    unsigned pick = random_below(total);
    for (Mask rest = ends;; rest &= rest - 1) {
        const unsigned parent = static_cast<unsigned>(std::countr_zero(rest));
        Mask choices = children_[parent] & bottom;
        const unsigned count = static_cast<unsigned>(std::popcount(choices));
        if (pick >= count) {
            pick -= count;
            continue;
        }
        for (; pick > 0; --pick) choices &= choices - 1;
        return activate(static_cast<Index>(parent), static_cast<Index>(std::countr_zero(choices)));
    }
}

// Upwards the lowest of those chunks that are not better, downwards the highest of those that are not worse.
template <bool down>
SpanningForest::Index SpanningForest::merge_candidate(Index name) {
    const Chunk& chunk = chunk_[name];
    FeeSize best = chunk.rate;
    Index found = kNone;
    std::uint64_t found_draw = 0;
    for (Mask rest = down ? chunk.below : chunk.above; rest != 0;) {
        const Index other = chunk_of_[std::countr_zero(rest)];
        rest &= ~chunk_[other].members;
        cost_ += 2;
        const auto order = down ? compare_rate(chunk_[other].rate, best) : compare_rate(best, chunk_[other].rate);
        if (order < 0) continue;
        const std::uint64_t draw = random();
        if (order > 0 || found == kNone || draw >= found_draw) {
            best = chunk_[other].rate;
            found = other;
            found_draw = draw;
        }
    }
    return found;
}

template <bool down>
SpanningForest::Index SpanningForest::merge_all(Index chunk) {
    for (;;) {
        const Index other = merge_candidate<down>(chunk);
        if (other == kNone) return chunk;
        chunk = down ? join(chunk, other) : join(other, chunk);
    }
}

// ---------------------------------------------------------------------------------------------- the search

void SpanningForest::load() {
    for (unsigned i = 0; i < draft_.count; ++i) merge_all<false>(chunk_of_[i]);
}

void SpanningForest::queue(Index chunk) {
    if ((queued_ & bit(chunk)) != 0) return;
    queued_ |= bit(chunk);
    queue_.push(chunk);
}

// One of the dependencies whose top is better than the whole, any.
SpanningForest::Index SpanningForest::best_cut(Index name) {
    const Chunk& chunk = chunk_[name];
    cost_ += 3 + 3 * static_cast<unsigned>(std::popcount(chunk.edges));
    Index found = kNone;
    unsigned seen = 0;
    for_each_bit(chunk.edges, [&](unsigned i) {
        if (!higher_rate(edge_[i].top_rate, chunk.rate)) return;
        if (random_below(++seen) == 0) found = static_cast<Index>(i);
    });
    return found;
}

void SpanningForest::improve_by(Index edge) {
    const auto [top, bottom] = cut(edge);
    if ((chunk_[top].above & chunk_[bottom].members) != 0) {  // the top needs the bottom by another way: they join again
        queue(join(bottom, top));
        return;
    }
    queue(merge_all<false>(top));
    queue(merge_all<true>(bottom));
}

bool SpanningForest::optimise(std::uint64_t limit) {
    for_each_bit(chunks_, [&](unsigned i) {
        queue(static_cast<Index>(i));
        shuffle_last(queue_);
    });
    while (queue_.count > 0) {
        if (cost_ >= limit) return false;
        const Index chunk = queue_.pop();
        queued_ &= ~bit(chunk);
        ++cost_;
        if ((chunks_ & bit(chunk)) == 0) continue;  // merged into another since
        const Index edge = best_cut(chunk);
        if (edge != kNone) improve_by(edge);
    }
    return true;
}

SpanningForest::Index SpanningForest::random_member(Index chunk) {
    Mask members = chunk_[chunk].members;
    for (unsigned skip = random_below(static_cast<unsigned>(std::popcount(members))); skip > 0; --skip) members &= members - 1;
    return static_cast<Index>(std::countr_zero(members));
}

// If a chunk can be cut into two of the same rate, then any transaction in it (the pivot) is above or below the cut. So it is
// enough to pretend that the pivot pays a trifle more (it rises with what it needs) and, if that finds nothing, a trifle less.
bool SpanningForest::minimise(std::uint64_t limit) {
    for_each_bit(chunks_, [&](unsigned i) {
        const auto chunk = static_cast<Index>(i);
        tasks_.push({chunk, random_member(chunk), (random() & 1) != 0, false});
        shuffle_last(tasks_);
    });
    while (tasks_.count > 0) {
        if (cost_ >= limit) return false;
        minimise_step(tasks_.pop());
    }
    return true;
}

void SpanningForest::minimise_step(Task task) {
    const Chunk& chunk = chunk_[task.chunk];
    cost_ += 4 + 4 * static_cast<unsigned>(std::popcount(chunk.edges));
    Index found = kNone;
    unsigned seen = 0;
    bool any = false;
    for_each_bit(chunk.edges, [&](unsigned i) {
        const Edge& edge = edge_[i];
        if (compare_rate(edge.top_rate, chunk.rate) < 0) return;
        any = true;
        const bool pivot_in_top = (edge.top & bit(task.pivot)) != 0;
        if (pivot_in_top == task.below) return;
        if (random_below(++seen) == 0) found = static_cast<Index>(i);
    });
    if (!any) return;
    if (found == kNone) {
        if (task.second) return;
        tasks_.push({task.chunk, task.pivot, !task.below, true});
        return;
    }
    const auto [top, bottom] = cut(found);
    if ((chunk_[top].above & chunk_[bottom].members) != 0) {
        tasks_.push({join(bottom, top), task.pivot, task.below, task.second});
        return;
    }
    const Index with_pivot = task.below ? bottom : top, without = task.below ? top : bottom;
    tasks_.push({with_pivot, task.pivot, task.below, task.second});
    tasks_.push({without, random_member(without), (random() & 1) != 0, false});
}

unsigned SpanningForest::chunks(std::array<Mask, kMaxCluster>& out) const {
    unsigned count = 0;
    for_each_bit(chunks_, [&](unsigned i) { out[count++] = chunk_[i].members; });
    return count;
}

}  // namespace cairn::node::detail
