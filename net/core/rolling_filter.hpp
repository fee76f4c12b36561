#pragma once

#include <array>
#include <vector>

#include "consensus/crypto/siphash.hpp"

namespace cairn::net {

/// Remembers that hashes were seen: the last `capacity` of them for certain, up to half as many more by the way, then
/// it forgets. It may claim to have seen what it has not, about once in a hundred million questions.
///
/// Shape: three generations of 32-bit marks in open addressing, each of which holds half the capacity; a full one makes
/// the oldest start anew. One place is looked at in each generation, where a rolling Bloom filter of that quality would
/// look at twenty.
/// Memory: at most 12 bytes × (capacity rounded up to a power of two), and nothing before the first insertion.
/// Owner: one thread.
class RollingFilter {
public:
    RollingFilter(std::size_t capacity, SipKey key);

    void insert(const Uint256& hash);
    bool contains(const Uint256& hash) const;
    /// Forgets everything.
    void reset();
    std::size_t memory_usage() const;

private:
    struct Generation {
        std::vector<std::uint32_t> marks;  ///< 0: free
        std::size_t count = 0;
    };
    struct Place {
        std::size_t slot;
        std::uint32_t mark;
    };
    Place place(const Uint256& hash) const;
    bool contains(const Generation& generation, Place where) const;

    SipKey key_;
    std::size_t share_;  ///< hashes of one generation
    std::size_t mask_;
    std::array<Generation, 3> generations_;
    std::size_t newest_ = 0;
};

}  // namespace cairn::net
