#include <algorithm>

#include <fmt/core.h>

#include "net/wire/codec.hpp"
#include "tests/sim/node_host.hpp"
#include "tests/sim/overlay.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/scripted_host.hpp"

namespace cairn::sim {
namespace {

constexpr std::size_t kPeers = 20;
constexpr std::int64_t kFlood = kMinute, kPace = 500 * kMillisecond;
constexpr std::int64_t kMemoryOfPeer = 1 << 20;
// What net/engine's table allows to one that abuses: a whole message that does not end; or requests that wait, answers that it does
// not read, and what lies in the simulated socket. A quarter more for the allocator's and the containers' own.
constexpr std::int64_t kLongestMessage = net::limits::kMaxMessageBytes + net::limits::kMaxMessageBytes / 4;
constexpr std::int64_t kFullBuffers = (net::limits::kMaxDeferredBytes + 1'000'000 + World::kWindow) * 5 / 4;

/// One way to make a node hold much.
enum class Greed {
    idle,            ///< nothing but pings
    promised_message,///< the header of a large message, and a little of it
    half_message,    ///< a block nobody asked for, all but its last byte
    half_headers,    ///< the same with as many headers as a message may have
    addresses,       ///< a thousand addresses in each message
    transactions,    ///< announcements of transactions, fifty thousand in each message
    unread_blocks,   ///< asks for blocks and reads nothing
    unread_headers,  ///< asks for headers and reads nothing
    unread_pings,    ///< pings and reads nothing
    low_headers,     ///< headers without enough work, in full messages
    strange_blocks,  ///< compact blocks that do not fit anything
};
struct Way {
    Greed greed;
    const char* name;
    std::int64_t allowed = kMemoryOfPeer;
};
constexpr Way kWays[] = {
    {Greed::idle, "idle"},
    {Greed::promised_message, "a block announced, not sent"},
    {Greed::half_message, "a block all but its last byte", kLongestMessage},
    {Greed::half_headers, "headers all but the last byte"},
    {Greed::addresses, "addresses"},
    {Greed::transactions, "announcements"},
    {Greed::unread_blocks, "blocks asked for, unread", kFullBuffers},
    {Greed::unread_headers, "headers asked for, unread", kFullBuffers},
    {Greed::unread_pings, "pings, unread", kFullBuffers},
    {Greed::low_headers, "headers of little work"},
    {Greed::strange_blocks, "strange compact blocks"},
};

class Glutton final : public ScriptedHost {
public:
    Glutton(World& world, const net::Endpoint& endpoint, Greed greed) : ScriptedHost(world, endpoint, Origin::get().params()->magic), greed_(greed) {}
    void go(const net::Endpoint& victim) {
        start();
        bytes_per_s = 20'000'000;
        dial(victim);
        world_.wake(*this, kPace);
    }
    void on_wake() override {
        for (const auto& [key, connection] : connections())
            if (connection->ready) feed(*connection);
        world_.wake(*this, kPace);
    }

protected:
    bool reads(const Connection& connection) const override {
        const bool unread = greed_ == Greed::unread_blocks || greed_ == Greed::unread_headers || greed_ == Greed::unread_pings;
        return !unread || !connection.ready;
    }

private:
    void send_part(Connection& connection, const char* command, std::size_t size, std::size_t sent) {
        if (connection.mood++ > 0) return;
        net::OutgoingBytes bytes = connection.wire.frame(command, Bytes(size));
        bytes.head.insert(bytes.head.end(), bytes.body.begin(), bytes.body.end());
        bytes.head.resize(net::TransportV1::kHeaderSize + sent);
        world_.write(connection.end, std::move(bytes.head));
    }
    Uint256 random_hash() {
        Bytes bytes(32);
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng_.next());
        return Uint256(bytes);
    }
    void feed(Connection& connection) {
        Origin& origin = Origin::get();
        switch (greed_) {
            case Greed::idle: return;
            case Greed::promised_message: return send_part(connection, "block", 3'900'000, 100);
            case Greed::half_message: return send_part(connection, "block", 3'900'000, 3'899'999);
            case Greed::half_headers: return send_part(connection, "headers", 81 * 2'000 + 3, 81 * 2'000 + 2);
            case Greed::addresses: {
                net::AddrV2Message told;
                for (int i = 0; i < 1'000; ++i) {
                    const auto number = static_cast<std::uint32_t>(rng_.next());
                    told.addresses.push_back({{net::NetAddress::ipv4((number & 0x00ffffff) | (30 + number % 60) << 24), 8333}, net::kServiceNetwork, static_cast<std::uint32_t>(world_.now_s())});
                }
                told.count = told.addresses.size();
                return send(connection, std::move(told));
            }
            case Greed::transactions: {
                net::InvMessage inv;
                for (int i = 0; i < 1'000; ++i) inv.items.push_back({net::kInvWtx, random_hash()});
                return send(connection, std::move(inv));
            }
            case Greed::unread_blocks: {
                net::GetDataMessage wanted;
                for (int i = 0; i < 1'000; ++i) wanted.items.push_back({net::kInvWitnessBlock, origin.blocks()[static_cast<std::size_t>(i) % origin.blocks().size()]->hash()});
                return send(connection, std::move(wanted));
            }
            case Greed::unread_headers:
                for (int i = 0; i < 20; ++i) send(connection, net::GetHeadersMessage{net::limits::kProtocolVersion, {origin.params()->genesis->hash()}, {}});
                return;
            case Greed::unread_pings:
                for (int i = 0; i < 1'000; ++i) send(connection, net::PingMessage{1});
                return;
            case Greed::low_headers: {
                if (connection.mood++ % 10 != 0) return;
                net::HeadersMessage headers;
                headers.headers.assign(origin.worthless().begin(), origin.worthless().begin() + 2'000);
                headers.count = 2'000;
                return send(connection, std::move(headers));
            }
            case Greed::strange_blocks: {
                net::CompactBlockMessage block;
                block.header = origin.blocks().back()->header();
                block.header.previous = origin.blocks().back()->hash();
                block.header.bits = origin.blocks().back()->header().bits;
                for (int i = 0; i < 16'000; ++i) block.short_ids.push_back(rng_.next() & 0xffffffffffff);
                block.prefilled_raw = {0};
                return send(connection, std::move(block));
            }
        }
    }

    Greed greed_;
};

/// The most that one node held for each of twenty such peers.
std::int64_t measure(const RunOptions& run, Greed greed, Outcome& outcome) {
    World world({run.seed, 10 * kMillisecond, 30 * kMillisecond});
    SimChain::Shared shared;
    NodeHost::Options options;
    options.engine.magic = Origin::get().params()->magic;
    options.engine.v2 = options.engine.dialer.v2 = false;
    options.engine.dialer.dns_seed = options.engine.dialer.use_fixed_seeds = false;
    options.tick_us = 100 * kMillisecond;
    options.seed = run.seed;
    options.trace = run.trace >= 0;
    NodeHost node(world, Origin::get().params(), shared, address_of(0), std::move(options));
    node.chain().load(Origin::get().blocks());
    node.start();
    std::vector<std::unique_ptr<Glutton>> gluttons;
    for (std::size_t i = 0; i < kPeers; ++i) {
        gluttons.push_back(std::make_unique<Glutton>(world, address_of(1 + i), greed));
        gluttons.back()->go(node.address);
    }
    std::int64_t most = 0;
    for (std::int64_t end_us = world.now_us() + kFlood; world.now_us() < end_us;) {
        world.run_for(kSecond);
        if (node.connections() > 0) most = std::max(most, node.grown_bytes() / static_cast<std::int64_t>(kPeers));
    }
    outcome.virtual_us += kFlood;
    outcome.events += world.events();
    outcome.digest ^= world.digest();
    return most;
}

}  // namespace

Outcome run_memory(const RunOptions& run) {
    Outcome outcome;
    for (const Way& way : kWays) {
        const std::int64_t held = measure(run, way.greed, outcome);
        outcome.figures[fmt::format("KiB a peer: {}", way.name)] = static_cast<double>(held) / 1024;
        outcome.expect(held <= way.allowed, fmt::format("{}: {} bytes a peer, {} are allowed", way.name, held, way.allowed));
    }
    return outcome;
}

}  // namespace cairn::sim
