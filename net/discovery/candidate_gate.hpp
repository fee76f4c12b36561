#pragma once

#include <map>
#include <set>
#include <vector>

#include "net/swarm/net_groups.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net {

/// Lets through what a source that anybody can fill says, little enough that it cannot crowd out what else we know.
///
/// At most kPerHour addresses an hour, at most kPerGroup of them from one group (NetGroups), none of them twice within the hour.
/// The address book adds its own bound: all of it counts as told by one source, which reaches 64 of its 1024 buckets.
/// Owner: net thread.
class CandidateGate {
public:
    static constexpr std::size_t kPerHour = 256, kPerGroup = 4;

    /// `groups` outlives this object.
    explicit CandidateGate(const NetGroups& groups) : groups_(groups) {}

    /// Those of them that may be taken in.
    std::vector<Endpoint> pass(const std::vector<Endpoint>& found, std::int64_t now_us);
    std::uint64_t passed() const { return passed_; }
    std::uint64_t refused() const { return refused_; }

private:
    const NetGroups& groups_;
    std::int64_t hour_began_us_ = 0;
    std::set<Endpoint> this_hour_;
    std::map<Bytes, std::size_t> by_group_;
    std::uint64_t passed_ = 0, refused_ = 0;
};

}  // namespace cairn::net
