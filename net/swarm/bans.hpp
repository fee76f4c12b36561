#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_set>
#include <vector>

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

/// Networks that the operator banned, each until a certain time. Peers from there are refused and not dialled.
/// Owner: net thread.
class BanList {
public:
    struct Entry {
        Subnet subnet;
        std::int64_t created_s = 0, until_s = 0;
    };

    bool banned(const NetAddress& address, std::int64_t now_s) const {
        return std::ranges::any_of(entries_, [&](const auto& entry) { return now_s < entry.second.until_s && entry.first.contains(address); });
    }
    /// This very network, not one around it.
    bool banned(const Subnet& subnet, std::int64_t now_s) const {
        const auto found = entries_.find(subnet);
        return found != entries_.end() && now_s < found->second.until_s;
    }
    /// A ban that is there already is only ever prolonged. False: it is not changed.
    bool add(const Entry& entry) {
        const auto [place, fresh] = entries_.try_emplace(entry.subnet, entry);
        if (fresh) return true;
        if (place->second.until_s >= entry.until_s) return false;
        place->second = entry;
        return true;
    }
    bool remove(const Subnet& subnet) { return entries_.erase(subnet) != 0; }
    void clear() { entries_.clear(); }
    /// Forgets what is over; gives it.
    std::vector<Subnet> sweep(std::int64_t now_s) {
        std::vector<Subnet> over;
        std::erase_if(entries_, [&](const auto& entry) {
            if (entry.second.until_s > now_s) return false;
            over.push_back(entry.first);
            return true;
        });
        return over;
    }
    std::vector<Entry> entries() const {
        std::vector<Entry> all;
        for (const auto& entry : entries_) all.push_back(entry.second);
        return all;
    }

private:
    std::map<Subnet, Entry> entries_;
};

}  // namespace cairn::net
