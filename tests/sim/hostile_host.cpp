#include "tests/sim/hostile_host.hpp"

#include <array>


#include "consensus/rules/difficulty.hpp"
#include "net/wire/codec.hpp"

namespace cairn::sim {
namespace {

constexpr std::array kCommands = {"version", "verack", "addr", "addrv2", "sendaddrv2", "inv", "getdata", "merkleblock", "getblocks", "getheaders", "tx",
                                  "headers", "block", "getaddr", "mempool", "ping", "pong", "notfound", "filterload", "filteradd", "filterclear",
                                  "sendheaders", "feefilter", "sendcmpct", "cmpctblock", "getblocktxn", "blocktxn", "getcfilters", "cfilter",
                                  "getcfheaders", "cfheaders", "getcfcheckpt", "cfcheckpt", "wtxidrelay", "sendtxrcncl", "feature", "nonsense"};
enum GarbageMood { noise, random_payloads, mutated, oversized, mute, disorder, kGarbageMoods };
enum HeaderMood { worthless, unconnecting, without_work, too_many, repeating, kHeaderMoods };

}  // namespace

HostileHost::HostileHost(World& world, const net::Endpoint& endpoint, Origin& origin, Options options)
    : ScriptedHost(world, endpoint, origin.params()->magic), origin_(origin), options_(std::move(options)) {}

void HostileHost::go() {
    start();
    world_.wake(*this, rng_.between(0, options_.pace_us));
}

Bytes HostileHost::random_bytes(std::size_t size) {
    Bytes bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng_.next());
    return bytes;
}

void HostileHost::on_wake() {
    if (!running()) return;
    std::vector<End> ends;
    for (const auto& [key, connection] : connections()) ends.push_back(connection->end);
    for (const End end : ends)
        if (Connection* connection = find(end)) attack(*connection);
    if (connections().size() + static_cast<std::size_t>(dialing()) < options_.connections && !options_.targets.empty())
        dial(options_.targets[rng_.below(options_.targets.size())]);
    world_.wake(*this, options_.pace_us / 2 + rng_.between(0, options_.pace_us));
}

void HostileHost::on_connected(Connection& connection) {
    connection.mood = static_cast<int>(rng_.below(options_.kind == Kind::garbage ? int{kGarbageMoods} : int{kHeaderMoods}));
    if (options_.kind == Kind::garbage && (connection.mood == noise || connection.mood == mute || connection.mood == disorder)) return;
    ScriptedHost::on_connected(connection);
}

void HostileHost::on_ready(Connection& connection) {
    if (!connection.outbound) connection.mood = static_cast<int>(rng_.below(options_.kind == Kind::garbage ? int{kGarbageMoods} : int{kHeaderMoods}));
    const net::PeerAddress own{address, services(), static_cast<std::uint32_t>(world_.now_s())};
    send(connection, net::AddrV2Message{{own}, 1});
}

void HostileHost::on_message(Connection& connection, net::Message&& message) {
    if (options_.kind == Kind::headers && connection.mood == worthless && connection.ready && std::holds_alternative<net::GetHeadersMessage>(message)) {
        const auto& asked = std::get<net::GetHeadersMessage>(message);
        const bool more = !asked.locator.empty() && asked.locator[0] == origin_.worthless()[1'999].hash();
        if (more) send_batch(connection, 2'000);
    }
}

void HostileHost::attack(Connection& connection) {
    if (options_.kind == Kind::garbage) return send_garbage(connection);
    if (connection.ready) send_headers(connection);
}

void HostileHost::send_garbage(Connection& connection) {
    switch (connection.mood) {
        case noise: return send_raw(connection, random_bytes(1 + rng_.below(2'000)));
        case mute: return;
        case disorder: return send(connection, rng_.chance(0.5) ? net::Message(net::VerackMessage{}) : net::Message(net::GetAddrMessage{}));
        default: break;
    }
    if (!connection.ready) return;
    const std::string command = kCommands[rng_.below(kCommands.size())];
    if (connection.mood == random_payloads) {
        world_.write(connection.end, connection.wire.frame(command, random_bytes(rng_.below(600))));
    } else if (connection.mood == mutated) {
        net::InvMessage inv;
        for (int i = 0; i < 20; ++i) inv.items.push_back({static_cast<std::uint32_t>(rng_.below(6)), Uint256()});
        Bytes payload = net::encode_message(inv);
        for (int i = 0; i < 5; ++i) payload[rng_.below(payload.size())] = static_cast<std::uint8_t>(rng_.next());
        world_.write(connection.end, connection.wire.frame(command, std::move(payload)));
    } else {
        net::OutgoingBytes bytes = connection.wire.frame(command, random_bytes(64));
        bytes.head[16 + rng_.below(8)] ^= static_cast<std::uint8_t>(1 + rng_.below(255));  // length or checksum
        world_.write(connection.end, std::move(bytes));
    }
}

void HostileHost::send_batch(Connection& connection, std::size_t from) {
    const auto& all = origin_.worthless();
    net::HeadersMessage message;
    message.headers.assign(all.begin() + static_cast<std::ptrdiff_t>(from), all.begin() + static_cast<std::ptrdiff_t>(from + 2'000));
    message.count = message.headers.size();
    send(connection, std::move(message));
}

void HostileHost::send_headers(Connection& connection) {
    net::HeadersMessage message;
    BlockHeader header = origin_.worthless()[0];
    switch (connection.mood) {
        case worthless:
            if (world_.now_us() - connection.opened_us < options_.batch_pace_us) return;
            connection.opened_us = world_.now_us();
            return send_batch(connection, 0);
        case unconnecting:
            header.previous = BlockHash(Uint256(random_bytes(32)));
            while (!rules::check_proof_of_work(header.hash(), header.bits, *origin_.params())) ++header.nonce;
            message.headers = {header};
            break;
        case without_work:
            header.bits = 0x1d00ffff;
            message.headers = {header};
            break;
        case too_many:
            if (world_.now_us() - connection.opened_us < options_.batch_pace_us) return;
            message.headers.assign(2'001, header);
            break;
        default:
            message.headers.assign(origin_.worthless().begin(), origin_.worthless().begin() + 20);
            break;
    }
    message.count = message.headers.size();
    send(connection, std::move(message));
}

}  // namespace cairn::sim
