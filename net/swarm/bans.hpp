#pragma once

#include <deque>
#include <unordered_set>

#include "net/wire/limits.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net {

/// Addresses that misbehaved since the start: not dialled, not passed on, first to go when inbound slots are short.
/// Limits: limits::kMaxBans; the oldest is forgotten first.
/// Owner: net thread.
class Discouraged {
public:
    void add(const NetAddress& address) {
        if (!set_.insert(address).second) return;
        order_.push_back(address);
        if (order_.size() <= limits::kMaxBans) return;
        set_.erase(order_.front());
        order_.pop_front();
    }
    bool contains(const NetAddress& address) const { return set_.contains(address); }

private:
    std::unordered_set<NetAddress> set_;
    std::deque<NetAddress> order_;
};

}  // namespace cairn::net
