#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "consensus/base/bytes.hpp"
#include "net/wire/net_address.hpp"
#include "net/wire/transport.hpp"
#include "tests/sim/rng.hpp"

namespace cairn::sim {

inline constexpr std::int64_t kMillisecond = 1'000, kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;

using HostId = std::uint32_t;

/// One end of a connection.
struct End {
    std::uint32_t link = 0;
    std::uint8_t side = 0;  ///< 0: who dialled
    bool operator==(const End&) const = default;
};

/// A computer on the simulated network: what its sockets tell it. Every call may answer through World.
class Host {
public:
    virtual ~Host() = default;

    /// Is there somebody who accepts connections?
    virtual bool listening() const = 0;
    /// Somebody connected. False: it is hung up.
    virtual bool on_accepted(End end, const net::Endpoint& remote) = 0;
    virtual void on_dialed(std::uint64_t dial, End end, const net::Endpoint& remote) = 0;
    virtual void on_dial_failed(std::uint64_t dial) = 0;
    /// Gives how many bytes were taken; the rest is offered again after World::resume.
    virtual std::size_t on_bytes(End end, ByteSpan bytes) = 0;
    /// So many bytes of what was written have left the host.
    virtual void on_written(End end, std::size_t bytes) = 0;
    virtual void on_closed(End end) = 0;
    /// The time that the host asked for with World::wake has come.
    virtual void on_wake() = 0;

    HostId id = 0;
    net::Endpoint address;
    std::uint64_t bytes_per_s = 10'000'000;  ///< of what it sends on one connection
    bool behind_nat = false;                 ///< nobody can dial it
    std::uint32_t incarnation = 0;           ///< counts its starts: what was under way for an earlier one is void
};

/// Time, connections and their delays: a queue of events in virtual microseconds. The same seed gives the same run.
///
/// A connection delivers in order after its latency, at the sender's rate, and holds at most `kWindow` bytes that the
/// receiver has not taken; what is beyond waits at the sender, as with TCP.
/// Owner: one thread.
class World {
public:
    static constexpr std::int64_t kBegin_us = 1'800'000'000LL * kSecond;
    static constexpr std::size_t kWindow = 256 * 1024;
    static constexpr std::int64_t kDialTimeout = 5 * kSecond;

    struct Options {
        std::uint64_t seed = 1;
        std::int64_t latency_low_us = 50 * kMillisecond, latency_high_us = 150 * kMillisecond;  ///< one way, per pair of hosts
    };
    explicit World(Options options) : options_(options), rng_(options.seed) {}

    std::int64_t now_us() const { return now_us_; }
    std::int64_t now_s() const { return now_us_ / kSecond; }
    Rng& rng() { return rng_; }

    /// The host outlives the world or is never called again; it gets its id here. `address` is its own.
    void add(Host& host);
    /// The host is also found under this address.
    void alias(const net::NetAddress& address, Host& host) { by_address_[address] = host.id; }
    Host& host(HostId id) { return *hosts_[id]; }

    // --- what hosts do
    void dial(Host& from, std::uint64_t dial, const net::Endpoint& to);
    void write(End end, net::OutgoingBytes bytes);
    void write(End end, Bytes bytes) { write(end, net::OutgoingBytes{{}, std::move(bytes)}); }
    /// The host hears no more of this connection; the other side learns of it.
    void close(End end);
    void resume(End end);
    /// on_wake after so long.
    void wake(Host& host, std::int64_t after_us);

    // --- what the scenario does
    void at(std::int64_t time_us, std::function<void()> task);
    void after(std::int64_t delay_us, std::function<void()> task) { at(now_us_ + delay_us, std::move(task)); }
    void run_until(std::int64_t time_us);
    void run_for(std::int64_t span_us) { run_until(now_us_ + span_us); }
    /// Hosts of different sides cannot reach each other. Connections across die one after the other within 15 minutes.
    void partition(std::function<int(const Host&)> side);
    void heal() { side_ = nullptr; }
    /// Breaks one random connection. False: there is none.
    bool break_one();
    void break_link(std::uint32_t link);

    // --- figures
    std::uint64_t events() const { return events_; }
    std::uint64_t bytes_moved() const { return bytes_moved_; }
    std::size_t open_links() const { return open_.size(); }
    /// A sum over everything that happened, in order: equal runs have equal ones.
    std::uint64_t digest() const { return digest_; }

private:
    enum class Kind : std::uint8_t { accept, dialed, dial_failed, deliver, broken, wake, task };
    struct Event {
        std::int64_t at_us;
        std::uint64_t order;
        std::uint64_t detail;
        std::uint32_t subject;
        Kind kind;
        std::uint8_t side;
        bool operator<(const Event& other) const { return at_us != other.at_us ? at_us > other.at_us : order > other.order; }
    };
    struct Chunk {
        std::int64_t at_us = 0;
        Bytes head, body;
        bool end = false;
    };
    /// What flows from one side to the other.
    struct Direction {
        std::deque<net::OutgoingBytes> queue;  ///< has not left the sender
        std::deque<Chunk> on_the_way;
        Bytes pending;                         ///< has arrived, was not taken
        std::size_t outstanding = 0;           ///< has left the sender, was not taken
        std::int64_t free_at_us = 0;           ///< when the line is free again
        bool held = false;                     ///< the receiver takes nothing
        bool resumed = false;                  ///< it wants to be asked again, even when nothing is left to offer
    };
    struct Link {
        HostId host[2];
        bool open[2] = {false, true};
        bool dialing = true;                   ///< side 0 has not heard of it yet
        bool cut = false;
        std::int64_t latency_us = 0;
        Direction from[2];
        std::size_t place = 0;                 ///< in open_
    };
    struct Dial {
        HostId from, to;
        std::uint32_t incarnation;
        std::uint64_t dial;
        net::Endpoint remote;
        net::NetAddress source;
    };

    void push(std::int64_t at_us, Kind kind, std::uint32_t subject, std::uint64_t detail = 0, std::uint8_t side = 0);
    void handle(const Event& event);
    void accept(std::uint32_t dial);
    void pump(End from);
    void deliver(End to);
    bool hand_over(End to, ByteSpan bytes);
    void forget_if_closed(std::uint32_t link);
    bool apart(HostId a, HostId b) const { return side_ && side_(*hosts_[a]) != side_(*hosts_[b]); }
    std::int64_t latency(HostId a, HostId b) const;

    Options options_;
    Rng rng_;
    std::int64_t now_us_ = kBegin_us;
    std::uint64_t next_order_ = 0;
    std::priority_queue<Event> queue_;
    std::vector<Host*> hosts_;
    std::unordered_map<net::NetAddress, HostId> by_address_;
    std::vector<std::unique_ptr<Link>> links_;
    std::vector<std::uint32_t> open_;  ///< links that at least one side holds
    std::unordered_map<std::uint32_t, Dial> dials_;
    std::uint32_t next_dial_ = 0;
    std::unordered_map<std::uint64_t, std::function<void()>> tasks_;
    std::function<int(const Host&)> side_;
    std::uint64_t events_ = 0, bytes_moved_ = 0, digest_ = 0;
};

}  // namespace cairn::sim
