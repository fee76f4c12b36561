#include "node/mempool/detail/linearize.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "node/mempool/detail/spanning_forest.hpp"

namespace cairn::node::detail {

unsigned ClusterDraft::add(const FeeSize& rate_of_it, Mask parents_of_it, std::uint64_t tie_of_it, std::uint32_t id_of_it) {
    CAIRN_CHECK(count < kMaxCluster);
    Mask above = parents_of_it;
    for_each_bit(parents_of_it, [&](unsigned parent) { above |= ancestors[parent]; });
    rate[count] = rate_of_it;
    parents[count] = parents_of_it;
    ancestors[count] = above;
    tie[count] = tie_of_it;
    id[count] = id_of_it;
    return count++;
}

Chunking chunks_of(const ClusterDraft& draft, std::span<const std::uint8_t> order) {
    Chunking result;
    for (std::size_t position = 0; position < order.size(); ++position) {
        const unsigned member = order[position];
        const auto at = static_cast<std::uint8_t>(position);
        ChunkRange chunk{draft.rate[member], bit(member), at, static_cast<std::uint8_t>(at + 1)};
        while (result.count > 0 && higher_rate(chunk.rate, result.chunks[result.count - 1].rate)) {
            const ChunkRange& before = result.chunks[--result.count];
            chunk.rate += before.rate;
            chunk.members |= before.members;
            chunk.begin = before.begin;
        }
        result.chunks[result.count++] = chunk;
    }
    return result;
}

namespace {

/// Transactions that post_linearize() moves as one: a list through `next`.
struct Group {
    Mask members = 0;
    Mask needs = 0;  ///< direct parents of members (children, when going backwards)
    FeeSize rate;
    std::uint8_t first = 0, last = 0;
};

/// One pass: each transaction in turn moves before groups of lower rate, or merges with them where it needs them.
/// Backwards the same is done from the end, with parents and children, high and low swapped.
void post_linearize_pass(const ClusterDraft& draft, std::span<std::uint8_t> order, const std::array<Mask, kMaxCluster>& needs,
                         bool backwards) {
    const std::size_t count = order.size();
    std::array<Group, kMaxCluster> groups, passed;
    std::array<std::uint8_t, kMaxCluster> next;
    unsigned group_count = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t member = order[backwards ? count - 1 - i : i];
        Group group{bit(member), needs[member], draft.rate[member], member, member};
        if (backwards) group.rate.fee = -group.rate.fee;
        unsigned passed_count = 0;
        while (group_count > 0 && higher_rate(group.rate, groups[group_count - 1].rate)) {
            const Group& before = groups[--group_count];
            if ((group.needs & before.members) == 0) {
                passed[passed_count++] = before;
                continue;
            }
            next[before.last] = group.first;
            group.first = before.first;
            group.members |= before.members;
            group.needs |= before.needs;
            group.rate += before.rate;
        }
        groups[group_count++] = group;
        while (passed_count > 0) groups[group_count++] = passed[--passed_count];
    }
    std::size_t at = 0;
    for (unsigned g = 0; g < group_count; ++g) {
        for (std::uint8_t member = groups[g].first;; member = next[member]) {
            order[backwards ? count - 1 - at : at] = member;
            ++at;
            if (member == groups[g].last) break;
        }
    }
    CAIRN_CHECK(at == count);
}

struct Shape {
    std::array<Mask, kMaxCluster> children;
    bool one_parent = true;  ///< nobody has two parents
    bool one_child = true;   ///< nobody has two children
};

Shape shape_of(const ClusterDraft& draft) {
    Shape shape;
    for (unsigned i = 0; i < draft.count; ++i) {
        shape.children[i] = 0;
        const Mask parents = draft.parents[i];
        if ((parents & (parents - 1)) != 0) shape.one_parent = false;
        for_each_bit(parents, [&](unsigned parent) {
            if (shape.children[parent] != 0) shape.one_child = false;
            shape.children[parent] |= bit(i);
        });
    }
    return shape;
}

void post_linearize_shaped(const ClusterDraft& draft, const Shape& shape, std::span<std::uint8_t> order) {
    post_linearize_pass(draft, order, shape.children, true);
    post_linearize_pass(draft, order, draft.parents, false);
}

unsigned masks_of(const Chunking& chunking, std::array<Mask, kMaxCluster>& masks) {
    for (unsigned i = 0; i < chunking.count; ++i) masks[i] = chunking.chunks[i].members;
    return chunking.count;
}

}  // namespace

void post_linearize(const ClusterDraft& draft, std::span<std::uint8_t> order) {
    post_linearize_shaped(draft, shape_of(draft), order);
}

void write_order(const ClusterDraft& draft, std::span<const Mask> chunks, Linearization& result) {
    // Chunks and transactions wait until nothing is missing above them; heaps give the best of those that are ready.
    std::array<FeeSize, kMaxCluster> rate;
    std::array<std::uint8_t, kMaxCluster> largest;  // by tie
    std::array<std::uint8_t, kMaxCluster> chunk_of;
    std::array<Mask, kMaxCluster> above;
    for (std::size_t c = 0; c < chunks.size(); ++c) {
        rate[c] = draft.sum(chunks[c]);
        largest[c] = static_cast<std::uint8_t>(std::countr_zero(chunks[c]));
        above[c] = 0;
        for_each_bit(chunks[c], [&](unsigned i) {
            chunk_of[i] = static_cast<std::uint8_t>(c);
            above[c] |= draft.parents[i];
            if (draft.tie_first(largest[c], i)) largest[c] = static_cast<std::uint8_t>(i);
        });
        above[c] &= ~chunks[c];
    }
    const auto later = [&](const FeeSize& a, unsigned tie_a, const FeeSize& b, unsigned tie_b) {
        const auto order = compare_rate(a, b);
        if (order != 0) return order < 0;
        if (a.size != b.size) return a.size > b.size;
        return draft.tie_first(tie_b, tie_a);
    };
    const auto chunk_later = [&](std::uint8_t a, std::uint8_t b) { return later(rate[a], largest[a], rate[b], largest[b]); };
    const auto member_later = [&](std::uint8_t a, std::uint8_t b) { return later(draft.rate[a], a, draft.rate[b], b); };

    std::array<std::uint8_t, kMaxCluster> ready_chunks, ready;
    unsigned ready_chunk_count = 0;
    Mask waiting = 0, done = 0;
    const auto wake_chunks = [&](Mask candidates) {
        for_each_bit(candidates, [&](unsigned c) {
            if ((above[c] & ~done) != 0) return;
            waiting &= ~bit(c);
            ready_chunks[ready_chunk_count++] = static_cast<std::uint8_t>(c);
            std::push_heap(ready_chunks.begin(), ready_chunks.begin() + ready_chunk_count, chunk_later);
        });
    };
    waiting = low_bits(static_cast<unsigned>(chunks.size()));
    wake_chunks(waiting);
    result.count = 0;
    while (ready_chunk_count > 0) {
        std::pop_heap(ready_chunks.begin(), ready_chunks.begin() + ready_chunk_count, chunk_later);
        const Mask members = chunks[ready_chunks[--ready_chunk_count]];
        Mask rest = members;
        unsigned ready_count = 0;
        while (rest != 0 || ready_count > 0) {
            for_each_bit(rest, [&](unsigned i) {
                if ((draft.parents[i] & ~done) != 0) return;
                rest &= ~bit(i);
                ready[ready_count++] = static_cast<std::uint8_t>(i);
                std::push_heap(ready.begin(), ready.begin() + ready_count, member_later);
            });
            CAIRN_CHECK(ready_count > 0);
            std::pop_heap(ready.begin(), ready.begin() + ready_count, member_later);
            const std::uint8_t member = ready[--ready_count];
            result.order[result.count++] = member;
            done |= bit(member);
        }
        wake_chunks(waiting);
    }
    CAIRN_CHECK(result.count == draft.count);
}

Linearization linearize(const ClusterDraft& draft, std::uint64_t budget, std::uint64_t seed) {
    Linearization result;
    result.count = draft.count;
    for (unsigned i = 0; i < draft.count; ++i) result.order[i] = static_cast<std::uint8_t>(i);
    const std::span<std::uint8_t> order{result.order.data(), draft.count};
    std::array<Mask, kMaxCluster> masks;

    const Shape shape = shape_of(draft);
    if (shape.one_parent || shape.one_child) {
        post_linearize_shaped(draft, shape, order);
        // That is the best order already, in chunks that do not fall into pieces of the same rate.
        write_order(draft, {masks.data(), masks_of(chunks_of(draft, order), masks)}, result);
        result.optimal = true;
        result.cost = 8 * draft.count;
        return result;
    }
    SpanningForest forest(draft, seed);
    forest.load();
    const std::uint64_t limit = forest.cost() + budget;
    result.optimal = forest.optimise(limit) && forest.minimise(limit);
    result.cost = forest.cost();
    write_order(draft, {masks.data(), forest.chunks(masks)}, result);
    if (!result.optimal) post_linearize_shaped(draft, shape, order);
    return result;
}

}  // namespace cairn::node::detail
