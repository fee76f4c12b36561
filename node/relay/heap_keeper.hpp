#pragma once

#include <cstdint>
#include <future>

namespace cairn::node {

/// Gives memory back to the system after many peers have left: what a flood took lies in the heap in pieces, and stays there
/// unless somebody asks for it.
///
/// It is asked for when at least 16 peers have left since the last time and none for a second, at most every 30 seconds, on a
/// thread of its own: going over a heap of hundreds of megabytes takes tens of milliseconds.
/// Owner: one thread; times are microseconds of any clock.
class HeapKeeper {
public:
    /// `departures`: peers that have ever left. True: it was asked for now.
    bool tick(std::uint64_t departures, std::int64_t now_us);

private:
    std::uint64_t seen_ = 0, served_ = 0;
    std::int64_t changed_us_ = 0;
    std::int64_t served_us_ = -1;  ///< negative: never
    std::future<void> working_;
};

}  // namespace cairn::node
