#pragma once

#include <map>
#include <optional>
#include <vector>

#include "net/wire/net_address.hpp"

namespace cairn::net {

/// The addresses under which others may find us, each with how sure we are of it.
/// Shape: one entry per host. Owner: net thread.
class LocalAddresses {
public:
    /// How an address became known, from weak to strong.
    enum Score { from_interface = 1, from_bind = 2, from_mapping = 3, from_operator = 4 };
    struct Entry {
        std::uint16_t port = 0;
        int score = 0;
    };

    /// Takes an address that others could reach; known with at least this score already: one more sign of it.
    /// False when it is not routable.
    bool add(const Endpoint& endpoint, int score) {
        if (!endpoint.address.is_routable()) return false;
        const auto [place, fresh] = entries_.try_emplace(endpoint.address, Entry{endpoint.port, score});
        if (!fresh && score >= place->second.score) place->second = {endpoint.port, score + 1};
        return true;
    }
    void remove(const NetAddress& address) { entries_.erase(address); }
    /// Somebody sees us under this address. False when we do not know it as ours.
    bool vote(const NetAddress& address) {
        const auto found = entries_.find(address);
        if (found == entries_.end()) return false;
        ++found->second.score;
        return true;
    }
    bool contains(const NetAddress& address) const { return entries_.contains(address); }
    int score(const NetAddress& address) const {
        const auto found = entries_.find(address);
        return found == entries_.end() ? 0 : found->second.score;
    }
    /// The one to tell a peer: which it reaches best and, among those, of which we are surest. What we are called in Tor and
    /// I2P is told within that network only, and nothing else is told there. nullopt: there is none for it.
    /// `through_onion`: the peer came in through our onion service, its address says nothing.
    std::optional<Endpoint> best_for(const NetAddress& peer, bool through_onion) const;
    const std::map<NetAddress, Entry>& entries() const { return entries_; }

private:
    std::map<NetAddress, Entry> entries_;
};

}  // namespace cairn::net
