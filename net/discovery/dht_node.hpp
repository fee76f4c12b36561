#pragma once

#include <array>
#include <optional>
#include <vector>

#include "net/core/outbox.hpp"
#include "net/core/random.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net {

/// A packet to be sent by the hash table's UDP socket.
struct DhtPacket {
    Endpoint to;
    Bytes bytes;
};

/// A node of BitTorrent's distributed hash table: announces our port under the id of our chain, and looks for others there.
///
/// The table itself is the `dht` library; this class gives it time, randomness and packets, and decides when to search: as soon as there is
/// somebody to ask, four times with 5 seconds between, then after twice as long each time up to a quarter of an hour, which also renews our
/// announcement.
/// Limits: the library's tables; kMaxFound finds waiting to be taken, kMaxPackets packets.
/// Source: BEP 5, BEP 32 (IPv6).
/// Owner: net thread. At most one exists in a process at a time, because the library has global state.
class DhtNode {
public:
    using Id = std::array<std::uint8_t, 20>;
    static constexpr std::size_t kMaxPacketBytes = 2048;
    static constexpr std::size_t kMaxFound = 1024, kMaxPackets = 1024;

    struct Options {
        Id network{};              ///< under which nodes of our chain are found
        std::uint16_t port = 0;    ///< that is announced; 0: none, we only look
        bool ipv4 = true, ipv6 = true;
    };
    DhtNode(Options options, Random random, std::int64_t now_us);
    ~DhtNode();
    DhtNode(const DhtNode&) = delete;
    DhtNode& operator=(const DhtNode&) = delete;

    /// The id of a chain: the first 20 bytes of its genesis block's hash as it is serialised.
    static Id network_id(const Uint256& genesis);
    /// The library was there when this was built.
    static bool available();

    /// Somebody who may be in the table already: he is asked.
    void ping(const Endpoint& node);
    void on_packet(const Endpoint& from, ByteSpan packet, std::int64_t now_us);
    /// To be called about once a second.
    void on_tick(std::int64_t now_us);

    std::vector<DhtPacket> take_packets() { return std::exchange(packets_, {}); }
    /// Nodes of our chain that were found since the last call; the same one may come again.
    std::vector<Endpoint> take_found() { return std::exchange(found_, {}); }
    LogLines& log() { return log_; }

    /// Nobody is known whom we could ask: it is time to look up where to begin.
    bool lonely() const;
    struct Counts {
        int good = 0, dubious = 0;                   ///< nodes of the table, both families
        std::uint64_t searches = 0, announced = 0;   ///< begun; ended with our port announced
        std::uint64_t found = 0, sent = 0, received = 0;
    };
    Counts counts() const;
    /// Nodes that answered, to begin with after the next start.
    std::vector<Endpoint> good_nodes() const;

private:
    friend struct DhtCallbacks;
    struct Search {
        bool running = false;
        std::int64_t next_us = 0, interval_us = 0, began_us = 0;
        int begun = 0;
    };
    void run(const Endpoint* from, ByteSpan packet, std::int64_t now_us);
    void search(bool ipv6, std::int64_t now_us);
    void on_values(ByteSpan values, bool ipv6);
    void on_search_done(bool ipv6);

    Options options_;
    Random random_;
    LogLines log_;
    std::int64_t now_us_;
    std::array<Search, 2> searches_;  ///< IPv4, IPv6
    std::vector<DhtPacket> packets_;
    std::vector<Endpoint> found_;
    Counts counts_;
};

}  // namespace cairn::net
