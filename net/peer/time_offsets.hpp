#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace cairn::net {

/// How far the clocks of nodes that we chose to dial are ahead of ours. Ours is never set by them; but when most disagree with
/// it by more than ten minutes, the operator is to look at it, for a wrong clock makes us refuse good blocks or take bad ones.
/// Inbound peers are not asked: whoever dials us much could make us doubt our clock.
/// Limits: the latest 50; fewer than 5 say nothing. Source: Bitcoin Core (node/timeoffsets).
/// Owner: net thread.
class TimeOffsets {
public:
    void add(std::int64_t seconds);
    std::size_t size() const { return offsets_.size(); }
    /// Seconds; 0 while there are too few.
    std::int64_t median() const;
    /// The sentence for people when our clock seems to be wrong; empty otherwise.
    std::string warning() const;

private:
    std::deque<std::int64_t> offsets_;
};

}  // namespace cairn::net
