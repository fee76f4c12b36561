#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "node/mempool/detail/linearize.hpp"

namespace cairn::node::detail {

/// The search for the best linearisation of one cluster: spanning-forest linearisation.
///
/// State: a subset of the dependencies is active, never closing a circle; transactions joined by active ones form a chunk, so
/// each chunk is held together by a tree. Cutting an active dependency splits its chunk into the part with the parent (top)
/// and the part with the child (bottom). If the top has the higher rate, the chunk should not be taken as one: the dependency
/// is cut, then the top joins chunks above that it depends on as long as their rate is not higher (lowest first), and the
/// bottom joins chunks below that depend on it as long as their rate is not lower (highest first). No such step makes the
/// diagram worse, and when no active dependency has a better top left, it is the best possible.
/// Choices between equals are random, from a seed, which avoids running in circles.
/// Afterwards minimise() cuts chunks into pieces of the same rate where they do not need each other.
///
/// Source: the algorithm is the one that Bitcoin Core 31 linearises with (there "SFL"); the state is kept differently.
/// Thread: any; an object is used by one.
class SpanningForest {
public:
    SpanningForest(const ClusterDraft& draft, std::uint64_t seed);

    /// Takes over the order of the draft's indices; the chunks are then at least as good as that order's. First of all calls.
    void load();
    /// Steps towards the best diagram until it is proven (true) or the cost reaches `limit`. After load().
    bool optimise(std::uint64_t limit);
    /// Cuts chunks into equal pieces until none can be (true) or the cost reaches `limit`. After optimise() gave true.
    bool minimise(std::uint64_t limit);

    /// Steps so far.
    std::uint64_t cost() const { return cost_; }
    /// The chunks, in no order; gives how many.
    unsigned chunks(std::array<Mask, kMaxCluster>& out) const;

private:
    using Index = std::uint8_t;
    static constexpr Index kNone = 0xff;

    struct Chunk {
        Mask members = 0;
        Mask edges = 0;   ///< active dependencies that hold it together
        Mask above = 0;   ///< parents of members that are not members
        Mask below = 0;   ///< children of members that are not members
        FeeSize rate;
    };
    struct Edge {
        Mask top = 0;     ///< the parent's side of the chunk
        FeeSize top_rate;
        Index parent = 0, child = 0;
    };
    /// A chunk that minimise() has still to look at: is there a piece of the same rate with the pivot below (or above) the cut?
    struct Task {
        Index chunk = 0, pivot = 0;
        bool below = false;   ///< looks for a cut with the pivot in the bottom
        bool second = false;  ///< the other direction is done
    };
    template <typename T>
    struct Ring {  ///< a queue of at most kMaxCluster
        std::array<T, kMaxCluster> items;
        unsigned first = 0, count = 0;
        void push(const T& item) { items[(first + count++) % kMaxCluster] = item; }
        T pop() {
            const T item = items[first];
            first = (first + 1) % kMaxCluster;
            --count;
            return item;
        }
        T& at(unsigned index) { return items[(first + index) % kMaxCluster]; }
    };

    Index join(Index top, Index bottom);
    Index activate(Index parent, Index child);
    std::pair<Index, Index> cut(Index edge);
    template <bool down>
    Index merge_candidate(Index chunk);
    template <bool down>
    Index merge_all(Index chunk);
    Index best_cut(Index chunk);
    void improve_by(Index edge);
    void queue(Index chunk);
    void minimise_step(Task task);
    Index random_member(Index chunk);
    std::uint64_t random();
    unsigned random_below(unsigned range) { return static_cast<unsigned>(((random() >> 32) * range) >> 32); }
    template <typename T>
    void shuffle_last(Ring<T>& ring);

    const ClusterDraft& draft_;
    std::uint64_t random_state_;
    std::uint64_t cost_ = 0;
    std::array<Mask, kMaxCluster> parents_;   ///< without those that another parent has as ancestor
    std::array<Mask, kMaxCluster> children_;
    std::array<Index, kMaxCluster> chunk_of_;
    std::array<Chunk, kMaxCluster> chunk_;
    std::array<Edge, kMaxCluster> edge_;
    Mask chunks_ = 0;       ///< which of chunk_ are chunks now
    Mask free_edges_ = 0;
    Ring<Index> queue_;     ///< chunks that may have a better top
    Mask queued_ = 0;
    Ring<Task> tasks_;
};

}  // namespace cairn::node::detail
