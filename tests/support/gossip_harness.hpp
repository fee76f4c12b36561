#pragma once

#include <map>
#include <memory>

#include "net/swarm/address_relay.hpp"

namespace cairn::test {

/// A gossip about addresses with everything around it, and peers that are only facts.
class GossipHarness {
public:
    static constexpr std::int64_t kStart_us = 1'700'000'000LL * 1'000'000, kSecond = 1'000'000, kHour = 3'600 * kSecond, kDay = 24 * kHour;

    struct Options {
        bool listen = true, discover = true;
        std::uint64_t seed = 1;
    };
    GossipHarness() : GossipHarness(Options{}) {}
    explicit GossipHarness(Options options)
        : random(net::Random::from_number(options.seed)),
          book(random),
          relay({options.listen, options.discover, 8333, [this](net::NetworkId network) { return reachable.contains(network); }}, {book, discouraged, bans, own}, random) {}

    struct How {
        bool addrv2 = true;
        std::uint32_t permissions = net::kPermitNone;
        std::string address{};   ///< empty: some address of the Internet
        net::AddressLink link{};
    };
    net::PeerInfo& connect(net::ConnectionType type) { return connect(type, How{}); }
    net::PeerInfo& connect(net::ConnectionType type, const How& how) {
        auto info = std::make_unique<net::PeerInfo>();
        info->id = next_id_++;
        info->type = type;
        info->permissions = how.permissions;
        info->address = {how.address.empty() ? net::NetAddress::ipv4(0x05000000 + static_cast<std::uint32_t>(info->id)) : *net::NetAddress::parse(how.address), 8333};
        info->connected_us = now_us;
        info->wants_addrv2 = how.addrv2;
        info->ready = true;
        net::PeerInfo& made = *info;
        peers[made.id] = std::move(info);
        relay.on_version(made, how.link, out);
        return made;
    }
    /// An inbound peer that has shown that it takes part.
    net::PeerInfo& connect_listener() { return connect_listener(How{}); }
    net::PeerInfo& connect_listener(const How& how) {
        net::PeerInfo& peer = connect(net::ConnectionType::inbound, how);
        tell(peer, {});
        return peer;
    }
    void disconnect(net::PeerId id) {
        relay.on_gone(id);
        peers.erase(id);
    }
    void tell(const net::PeerInfo& peer, const std::vector<net::PeerAddress>& addresses) {
        relay.on_addresses(peer, "addrv2", addresses, addresses.size(), out, now_us);
    }
    /// Lets time pass and everything that is due be sent.
    void pass(std::int64_t by_us, bool self = false) {
        now_us += by_us;
        for (const auto& [id, peer] : peers) relay.on_pump(*peer, self, out, now_us);
    }

    struct Sent {
        std::vector<std::vector<net::PeerAddress>> messages;
        bool getaddr = false, v1 = false, misbehaved = false, disconnected = false;
        std::vector<net::PeerAddress> all() const {
            std::vector<net::PeerAddress> joined;
            for (const auto& message : messages) joined.insert(joined.end(), message.begin(), message.end());
            return joined;
        }
    };
    /// What came out since the last call, by peer.
    std::map<net::PeerId, Sent> take_sent() {
        std::map<net::PeerId, Sent> sent;
        for (net::RoleAction& action : out.take()) {
            if (auto* sending = std::get_if<net::SendAction>(&action)) {
                Sent& to = sent[sending->peer];
                if (const auto* old = std::get_if<net::AddrMessage>(&sending->message)) {
                    to.v1 = true;
                    to.messages.push_back(old->addresses);
                } else if (const auto* modern = std::get_if<net::AddrV2Message>(&sending->message)) {
                    to.messages.push_back(modern->addresses);
                } else {
                    to.getaddr = true;
                }
            } else if (const auto* blame = std::get_if<net::MisbehavingAction>(&action)) {
                sent[blame->peer].misbehaved = true;
            } else if (const auto* end = std::get_if<net::DisconnectAction>(&action)) {
                sent[end->peer].disconnected = true;
            }
        }
        return sent;
    }
    net::PeerSnapshot describe(net::PeerId id) const {
        net::PeerSnapshot snapshot;
        relay.describe(id, snapshot);
        return snapshot;
    }
    /// A node of the Internet that was seen just now.
    net::PeerAddress fresh(std::uint32_t number) const { return {{net::NetAddress::ipv4(0x7b000000 + number), 8333}, net::kServiceNetwork | net::kServiceWitness, now_s()}; }
    net::PeerAddress fresh(std::string_view text) const { return {{*net::NetAddress::parse(text), 8333}, net::kServiceNetwork | net::kServiceWitness, now_s()}; }
    std::uint32_t now_s() const { return static_cast<std::uint32_t>(now_us / kSecond); }
    /// Nodes in as many different places.
    void fill_book(std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i) {
            const net::PeerAddress address{{net::NetAddress::ipv4(0x01000000 + (i << 12)), 8333}, net::kServiceNetwork, now_s()};
            book.add({address}, address.endpoint.address, 0, now_s());
        }
    }

    std::int64_t now_us = kStart_us;
    std::set<net::NetworkId> reachable{net::NetworkId::ipv4, net::NetworkId::ipv6};
    net::Random random;
    net::AddrBook book;
    net::Discouraged discouraged;
    net::BanList bans;
    net::LocalAddresses own;
    net::LogLines log;
    net::Outbox out{log};
    std::map<net::PeerId, std::unique_ptr<net::PeerInfo>> peers;
    net::AddressRelay relay;

private:
    net::PeerId next_id_ = 0;
};

}  // namespace cairn::test
