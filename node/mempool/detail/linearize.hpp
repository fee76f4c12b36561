#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "node/mempool/fee_size.hpp"

namespace cairn::node::detail {

/// A set of transactions of one cluster, by their index in it.
using Mask = std::uint64_t;
constexpr unsigned kMaxCluster = 64;

constexpr Mask bit(unsigned index) { return Mask{1} << index; }
/// The `count` lowest ones.
constexpr Mask low_bits(unsigned count) { return count >= kMaxCluster ? ~Mask{0} : bit(count) - 1; }

/// Calls `visit` with each index in the set, smallest first.
template <typename Visit>
inline void for_each_bit(Mask mask, Visit visit) {
    for (; mask != 0; mask &= mask - 1) visit(static_cast<unsigned>(std::countr_zero(mask)));
}

/// A cluster in the making. The indices are a topological order, the one to start from: parents have smaller indices.
struct ClusterDraft {
    unsigned count = 0;
    std::array<FeeSize, kMaxCluster> rate;
    std::array<Mask, kMaxCluster> parents;    ///< direct ones
    std::array<Mask, kMaxCluster> ancestors;  ///< without itself
    std::array<std::uint64_t, kMaxCluster> tie;
    std::array<std::uint32_t, kMaxCluster> id;

    ClusterDraft() {}  // the arrays are filled up to `count`
    /// Appends; gives its index.
    unsigned add(const FeeSize& rate_of_it, Mask parents_of_it, std::uint64_t tie_of_it, std::uint32_t id_of_it);
    FeeSize sum(Mask mask) const {
        FeeSize total;
        for_each_bit(mask, [&](unsigned i) { total += rate[i]; });
        return total;
    }
    /// Of two members that are equal otherwise: is a first?
    bool tie_first(unsigned a, unsigned b) const { return tie[a] != tie[b] ? tie[a] < tie[b] : id[a] < id[b]; }
};

/// An order of a cluster's transactions.
struct Linearization {
    unsigned count = 0;
    std::array<std::uint8_t, kMaxCluster> order;
    bool optimal = false;    ///< proven to have the best diagram, and chunks that cannot be cut into smaller ones
    std::uint64_t cost = 0;  ///< steps that were spent

    Linearization() {}
    std::span<const std::uint8_t> span() const { return {order.data(), count}; }
};

/// A run of a linearisation that is taken together.
struct ChunkRange {
    FeeSize rate;
    Mask members = 0;  ///< indices of the draft
    std::uint8_t begin = 0, end = 0;  ///< positions in the order
};
struct Chunking {
    unsigned count = 0;
    std::array<ChunkRange, kMaxCluster> chunks;

    Chunking() {}
    std::span<const ChunkRange> span() const { return {chunks.data(), count}; }
};

/// Cuts an order into chunks of falling rate: each is the best prefix of what the ones before leave.
Chunking chunks_of(const ClusterDraft& draft, std::span<const std::uint8_t> order);

/// Improves an order in place, in about linear time; never makes it worse. Afterwards chunks are connected, and when no
/// transaction has two parents, or none two children, the diagram is the best there is.
void post_linearize(const ClusterDraft& draft, std::span<std::uint8_t> order);

/// Looks for the best order, starting from that of the draft's indices; the result is never worse.
/// Cost: at most about `budget` steps of one or two nanoseconds beyond what loading and writing take.
Linearization linearize(const ClusterDraft& draft, std::uint64_t budget, std::uint64_t seed);

/// Writes chunks (a partition of the draft that can be ordered) as an order that depends on nothing but the chunks: best rate
/// first, then smaller size, then smaller largest tie; within a chunk the same by transaction; parents always first.
void write_order(const ClusterDraft& draft, std::span<const Mask> chunks, Linearization& result);

}  // namespace cairn::node::detail
