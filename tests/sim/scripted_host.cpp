#include "tests/sim/scripted_host.hpp"

#include <utility>

#include "net/wire/codec.hpp"

namespace cairn::sim {

ScriptedHost::ScriptedHost(World& world, const net::Endpoint& endpoint, std::array<std::uint8_t, 4> magic)
    : world_(world), rng_(world.rng().fork()), magic_(magic) {
    address = endpoint;
    world.add(*this);
}

void ScriptedHost::start() {
    if (running_) return;
    running_ = true;
    ++incarnation;
    dialing_ = 0;
}

void ScriptedHost::stop() {
    running_ = false;
    ++incarnation;
    for (const auto& [number, connection] : std::exchange(connections_, {})) world_.close(connection->end);
}

ScriptedHost::Connection* ScriptedHost::find(End end) {
    const auto found = connections_.find(key(end));
    return found == connections_.end() ? nullptr : found->second.get();
}

bool ScriptedHost::on_accepted(End end, const net::Endpoint& remote) {
    auto& made = connections_[key(end)] = std::make_unique<Connection>(end, false, remote, magic_);
    made->opened_us = world_.now_us();
    return true;
}

void ScriptedHost::on_dialed(std::uint64_t, End end, const net::Endpoint& remote) {
    --dialing_;
    auto& made = connections_[key(end)] = std::make_unique<Connection>(end, true, remote, magic_);
    made->opened_us = world_.now_us();
    on_connected(*made);
}

void ScriptedHost::on_connected(Connection& connection) { send_version(connection); }

void ScriptedHost::dial(const net::Endpoint& to) {
    ++dialing_;
    world_.dial(*this, 0, to);
}

void ScriptedHost::send(Connection& connection, net::Message message) {
    const std::string command(net::command_of(message));
    world_.write(connection.end, connection.wire.frame(command, net::encode_message(std::move(message))));
}

void ScriptedHost::send_version(Connection& connection) {
    net::VersionMessage version;
    version.services = services();
    version.time = world_.now_s();
    version.their_address = connection.remote;
    version.nonce = rng_.next();
    version.user_agent = "/scripted/";
    version.start_height = 1'000;
    send(connection, std::move(version));
}

void ScriptedHost::hang_up(Connection& connection) {
    const End end = connection.end;
    connections_.erase(key(end));
    world_.close(end);
}

void ScriptedHost::on_closed(End end) { connections_.erase(key(end)); }

std::size_t ScriptedHost::on_bytes(End end, ByteSpan bytes) {
    Connection* connection = find(end);
    if (!connection) return bytes.size();
    if (!reads(*connection)) return 0;
    std::size_t taken = 0;
    while (connection) {
        if (auto frame = connection->wire.take_frame()) {
            hear(*connection, std::move(*frame));
            connection = find(end);  // it may have hung up
            continue;
        }
        if (taken == bytes.size()) break;
        taken += connection->wire.on_bytes(bytes.subspan(taken));
        if (!connection->wire.fatal().empty()) {
            hang_up(*connection);
            break;
        }
    }
    return bytes.size();
}

void ScriptedHost::hear(Connection& connection, net::Frame&& frame) {
    if (frame.rejected) return;
    auto message = net::decode_message(frame.command, std::move(frame.payload));
    if (!message) return;
    if (std::holds_alternative<net::VersionMessage>(*message)) {
        if (!connection.outbound && !connection.heard_version) send_version(connection);
        connection.heard_version = true;
        send(connection, net::SendAddrV2Message{});
        send(connection, net::VerackMessage{});
    } else if (std::holds_alternative<net::VerackMessage>(*message)) {
        connection.ready = true;
        on_ready(connection);
    } else if (const auto* ping = std::get_if<net::PingMessage>(&*message)) {
        send(connection, net::PongMessage{ping->nonce});
    } else {
        on_message(connection, std::move(*message));
    }
}

}  // namespace cairn::sim
