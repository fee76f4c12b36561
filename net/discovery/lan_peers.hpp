#pragma once

#include <map>
#include <string>
#include <vector>

#include "net/core/peer_info.hpp"
#include "net/discovery/lan_service.hpp"

namespace cairn::net {

/// Decides whom of the nodes on the local network to call. They have slots of their own beside the usual ones.
///
/// Of two nodes that see each other the one with the smaller name calls; the other does so when nobody came for a while. A call that fails is
/// tried again after 10 seconds, then twice as long each time up to an hour.
/// Limits: kMaxConnections calls at a time, LanService::kMaxInstances nodes known.
/// Owner: net thread.
class LanPeers {
public:
    static constexpr int kMaxConnections = 8;

    /// The name under which others know us.
    void set_own_name(std::string instance) { own_ = std::move(instance); }
    void on_event(const LanEvent& event, std::int64_t now_us);
    void clear() { peers_.clear(); }
    bool empty() const { return peers_.empty(); }

    /// A connection that there is.
    struct Connection {
        Endpoint address;
        std::string name;  ///< as it was dialled
        ConnectionType type = ConnectionType::inbound;
    };
    /// Whom to call now; `calling` calls are under way and take slots.
    std::vector<LanPeer> take_due(const std::vector<Connection>& connections, int calling, std::int64_t now_us);
    /// A call succeeded, as far as the handshake: the next one after a loss comes soon.
    void on_connected(const NetAddress& address);

    /// Somebody on the local network has this address: it is nobody else's business.
    bool contains(const NetAddress& address) const;
    /// What the dialler is given: "192.168.0.2:8333", with the interface behind a link-local address.
    static std::string name_of(const LanPeer& peer);

    struct Known {
        LanPeer peer;
        std::int64_t since_us = 0;
        int failures = 0;
    };
    std::vector<Known> all() const;

private:
    struct Entry : Known {
        std::int64_t next_try_us = 0;
    };
    std::string own_;
    std::map<std::string, Entry> peers_;
};

}  // namespace cairn::net
