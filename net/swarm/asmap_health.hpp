#pragma once

#include "net/swarm/addr_book.hpp"

namespace cairn::net {

/// Says once a day, and soon after the start, how well the map of autonomous systems fits the addresses we know: how many of
/// them it places, and among how many operators. A map that has aged leaves more and more of them out. Silent without a map.
/// Owner: net thread.
class AsmapHealth {
public:
    void on_tick(const NetGroups& groups, AddrBook& book, LogLines& log, std::int64_t now_us);

private:
    std::int64_t next_us_ = 0;
};

}  // namespace cairn::net
