#pragma once

#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "net/core/random.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net {

/// Addresses of nodes that we heard of, with what we learned by trying them.
/// Limits: limits::kMaxBookEntries; when full, a newcomer replaces the worst of a few random entries or is dropped.
/// Owner: net thread.
class AddrBook {
public:
    explicit AddrBook(Random& random) : random_(random) {}

    /// Takes in what somebody told; `penalty_s` is subtracted from the times. Gives how many were new.
    std::size_t add(const std::vector<PeerAddress>& addresses, std::int64_t penalty_s, std::int64_t now_s);
    void on_attempt(const Endpoint& endpoint, std::int64_t now_s);
    /// The handshake with it succeeded.
    void on_good(const Endpoint& endpoint, std::uint64_t services, std::int64_t now_s);

    /// A random address that `wanted` accepts, recently untried ones preferred; nullopt when there is none.
    std::optional<PeerAddress> select(const std::function<bool(const PeerAddress&)>& wanted, std::int64_t now_s);
    /// A random share for somebody who asks, never more than `limit`.
    std::vector<PeerAddress> sample(std::size_t limit, std::size_t percent, std::int64_t now_s);

    std::size_t size() const { return order_.size(); }

private:
    struct Entry {
        PeerAddress address;
        std::size_t place = 0;  ///< in order_
        std::int64_t last_try_s = 0;
        std::int64_t last_good_s = 0;
        int failures = 0;       ///< since the last success
    };
    struct Hash {
        std::size_t operator()(const Endpoint& e) const { return std::hash<NetAddress>()(e.address) * 31 + e.port; }
    };

    bool terrible(const Entry& entry, std::int64_t now_s) const;
    bool make_room(std::int64_t now_s);
    void erase(const Endpoint& endpoint);

    Random& random_;
    std::unordered_map<Endpoint, Entry, Hash> entries_;
    std::vector<Endpoint> order_;  ///< for random choice
};

}  // namespace cairn::net
