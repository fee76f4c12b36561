// The reactor's way outward: direct, by name, through a SOCKS5 proxy, into I2P; and the helpers by which others reach us.
#include <boost/asio/post.hpp>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/random.hpp"
#include "net/io/detail/asio_address.hpp"
#include "net/io/detail/reactor.hpp"
#include "net/io/detail/socks5.hpp"
#include "net/io/log.hpp"

namespace cairn::net::detail {
namespace {

constexpr std::size_t kMaxSeedAddresses = 32;   // of one seed, so that none of them decides alone whom we know
constexpr std::size_t kIsolationBytes = 8;      // of the credentials' prefix, random for each run
constexpr std::size_t kMaxSpareSessions = 10;   // of I2P

}  // namespace

struct Reactor::Dialing {
    Dialing(asio::io_context& io) : socket(io), timer(io) {}
    std::uint64_t id = 0;
    StreamSocket socket;
    asio::steady_timer timer;
    std::vector<tcp::endpoint> targets;
    std::size_t next = 0;
    Endpoint remote;   ///< the peer; not valid when only a proxy knows its address
    std::string name;  ///< for the log
    bool anonymous = false;
    std::shared_ptr<Talk> talk;             ///< with the proxy
    std::shared_ptr<I2pSession> session;    ///< of I2P, for this connection alone
};

void Reactor::dial(const DialAction& action) {
    auto dialing = std::make_shared<Dialing>(io_);
    dialing->id = action.dial;
    dialing_[action.dial] = dialing;
    dialing->anonymous = action.anonymous;
    if (action.anonymous && !action.endpoint) return fail_soon(dialing, "Cannot connect: nothing anonymous leads to a name");
    if (!action.endpoint) {
        dialing->name = action.host + ":" + std::to_string(action.port);
        const auto& names = options_.proxies.names;
        return names ? dial_through(dialing, *names, action.host, action.port) : look_up(dialing, action.host, action.port);
    }
    dialing->remote = *action.endpoint;
    dialing->name = action.endpoint->to_string();
    const NetAddress& address = action.endpoint->address;
    // Who must not be known goes to addresses of the open Internet by way of Tor.
    const auto proxy = options_.proxies.networks.find(action.anonymous && address.is_ip() ? NetworkId::onion : address.network());
    // A machine of one's own is not behind any proxy.
    if (proxy != options_.proxies.networks.end() && address.is_routable()) {
        if (address.network() == NetworkId::i2p) return dial_i2p(dialing);
        log::debug(log::Category::proxy, "Using proxy: {} to connect to {}", proxy->second.to_string(), dialing->name);
        return dial_through(dialing, proxy->second, address.to_string(), action.endpoint->port);
    }
    if (action.anonymous || (!address.is_ip() && address.network() != NetworkId::cjdns))
        return fail_soon(dialing, "Cannot connect: unsupported network");
    dialing->targets.push_back(to_asio(*action.endpoint));
    connect(dialing);
}

// --- through proxies

void Reactor::dial_through(const std::shared_ptr<Dialing>& dialing, const ProxyAddress& proxy, const std::string& host, std::uint16_t port) {
    std::optional<Socks5::Credentials> credentials;
    if (proxy.isolate) {
        if (isolation_prefix_.empty()) {
            Bytes prefix(kIsolationBytes);
            fill_random(prefix);
            isolation_prefix_ = to_hex(prefix) + "-";
        }
        const std::string name = isolation_prefix_ + std::to_string(isolation_counter_++);
        credentials = Socks5::Credentials{name, name};
    }
    log::debug(log::Category::net, "SOCKS5 connecting {}", host);
    dialing->talk = std::make_shared<Talk>(io_, std::make_unique<Socks5>(host, port, std::move(credentials)));
    dialing->talk->start(proxy, std::chrono::milliseconds(options_.timeout_ms), [this, dialing](bool reached) { on_proxied(dialing, reached); });
}

void Reactor::on_proxied(const std::shared_ptr<Dialing>& dialing, bool reached) {
    if (stopped_ || !dialing_.contains(dialing->id)) return;
    const auto talk = std::exchange(dialing->talk, nullptr);
    if (!reached) return on_dial_failed(dialing, "cannot connect to the proxy: " + talk->connect_error(), false);
    const auto& socks = talk->as<Socks5>();
    if (socks.state() != Negotiation::State::done) {
        if (!socks.target_unreachable()) log::error("{}", socks.error());
        return on_dial_failed(dialing, socks.error());
    }
    log::debug(log::Category::net, "SOCKS5 connected {}", dialing->name);
    dialing_.erase(dialing->id);
    StreamSocket socket = talk->take_socket();
    const auto id = engine_.on_dialed(dialing->id, dialing->remote, local_endpoint(socket), now_us());
    if (id) adopt(*id, std::move(socket), talk->take_leftover());
    act();
}

void Reactor::dial_i2p(const std::shared_ptr<Dialing>& dialing) {
    if (dialing->remote.port != 0) {
        log::debug(log::Category::i2p, "Error connecting to {}, connection refused due to arbitrary port {}", dialing->name, dialing->remote.port);
        return fail_soon(dialing, "connection refused due to arbitrary port");
    }
    std::shared_ptr<I2pSession> session = dialing->anonymous ? nullptr : i2p_;
    if (!session) {
        // Without an address of ours to keep, nobody needs to see that two connections come from the same node.
        if (spare_i2p_.empty()) {
            const I2pSession::Options options{options_.proxies.networks.at(NetworkId::i2p), {}, std::chrono::milliseconds(options_.timeout_ms)};
            session = std::make_shared<I2pSession>(io_, options);
        } else {
            session = std::move(spare_i2p_.back());
            spare_i2p_.pop_back();
        }
        dialing->session = session;
    }
    session->connect(dialing->remote.address, [this, dialing](I2pSession::Connected connected) {
        if (stopped_ || !dialing_.contains(dialing->id)) return;
        if (!connected) {
            log::debug(log::Category::i2p, "Error connecting to {}: {}", dialing->name, connected.error());
            if (dialing->session && spare_i2p_.size() < kMaxSpareSessions) spare_i2p_.push_back(std::move(dialing->session));
            else if (dialing->session) dialing->session->stop();
            return on_dial_failed(dialing, connected.error());
        }
        dialing_.erase(dialing->id);
        const auto id = engine_.on_dialed(dialing->id, dialing->remote, {connected->me, 0}, now_us());
        if (id) adopt(*id, std::move(connected->socket), std::move(connected->leftover), std::move(dialing->session));
        else if (dialing->session) dialing->session->stop();
        act();
    });
}

// --- direct

void Reactor::look_up(const std::shared_ptr<Dialing>& dialing, const std::string& host, std::uint16_t port) {
    if (!options_.name_lookup) return fail_soon(dialing, "names are not looked up");
    resolver_.async_resolve(host, std::to_string(port), [this, dialing](boost::system::error_code error, tcp::resolver::results_type found) {
        if (stopped_ || !dialing_.contains(dialing->id)) return;
        if (error) return on_connected(dialing, error);
        for (const auto& entry : found) dialing->targets.push_back(entry.endpoint());
        connect(dialing);
    });
}

void Reactor::connect(const std::shared_ptr<Dialing>& dialing) {
    if (dialing->next >= dialing->targets.size()) return on_connected(dialing, asio::error::host_not_found);
    const tcp::endpoint target = dialing->targets[dialing->next++];
    boost::system::error_code ignored;
    dialing->socket.close(ignored);
    dialing->timer.expires_after(std::chrono::milliseconds(options_.timeout_ms));
    dialing->timer.async_wait([this, dialing](boost::system::error_code error) {
        if (error || stopped_ || !dialing_.contains(dialing->id)) return;
        on_connected(dialing, asio::error::timed_out);
    });
    dialing->remote = from_asio(target);
    dialing->socket.async_connect(target, [this, dialing](boost::system::error_code error) {
        if (stopped_ || !dialing_.contains(dialing->id)) return;
        if (error && error != asio::error::operation_aborted && dialing->next < dialing->targets.size()) return connect(dialing);
        on_connected(dialing, error);
    });
}

void Reactor::on_connected(const std::shared_ptr<Dialing>& dialing, const boost::system::error_code& error) {
    if (error) return on_dial_failed(dialing, error.message());
    dialing_.erase(dialing->id);
    dialing->timer.cancel();
    const auto id = engine_.on_dialed(dialing->id, dialing->remote, local_endpoint(dialing->socket), now_us());
    if (id) adopt(*id, std::move(dialing->socket));
    act();
}

/// For what is known at once: the engine does not expect answers while it asks.
void Reactor::fail_soon(const std::shared_ptr<Dialing>& dialing, const std::string& reason) {
    asio::post(io_, [this, dialing, reason] {
        if (!stopped_) on_dial_failed(dialing, reason);
    });
}

void Reactor::on_dial_failed(const std::shared_ptr<Dialing>& dialing, const std::string& reason, bool peer_failed) {
    if (dialing_.erase(dialing->id) == 0) return;
    dialing->timer.cancel();
    boost::system::error_code ignored;
    dialing->socket.close(ignored);
    engine_.on_dial_failed(dialing->id, reason, now_us(), peer_failed);
    act();
}

void Reactor::resolve(const ResolveAction& action) {
    if (options_.proxies.names || !options_.name_lookup) return;  // names are not for the local resolver
    resolver_.async_resolve(action.name, "", [this, action](boost::system::error_code error, tcp::resolver::results_type found) {
        if (stopped_) return;
        std::vector<NetAddress> addresses;
        if (!error) {
            for (const auto& entry : found) {
                if (addresses.size() == kMaxSeedAddresses) break;
                const NetAddress address = from_asio(entry.endpoint().address());
                if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
            }
        }
        engine_.on_resolved(action, addresses, now_us());
        act();
    });
}

// --- helpers by which others reach us

std::vector<NetworkState> Reactor::networks() const {
    std::vector<NetworkState> states;
    for (const NetworkId network : {NetworkId::ipv4, NetworkId::ipv6, NetworkId::onion, NetworkId::i2p, NetworkId::cjdns}) {
        NetworkState state{std::string(to_string(network)), engine_.reachable(network), {}, false};
        const auto proxy = options_.proxies.networks.find(network);
        if (proxy != options_.proxies.networks.end()) {
            state.proxy = proxy->second.to_string();
            state.proxy_randomizes = proxy->second.isolate;
        }
        states.push_back(std::move(state));
    }
    return states;
}

void Reactor::set_local(const Endpoint& endpoint, bool present, int score) {
    if (stopped_) return;
    if (!present) {
        if (options_.log_ips) log::info("RemoveLocal({})", endpoint.to_string());
        engine_.local_addresses().remove(endpoint.address);
        return;
    }
    if (!engine_.reachable(endpoint.address.network())) return;
    if (engine_.local_addresses().add(endpoint, score) && options_.log_ips) log::info("AddLocal({},{})", endpoint.to_string(), score);
}

void Reactor::start_helpers() {
    if (options_.i2p_accept) {
        i2p_ = std::make_shared<I2pSession>(io_, *options_.i2p_accept);
        I2pSession::Hooks hooks;
        hooks.on_address = [this](const NetAddress& me, bool present) { set_local({me, 0}, present, LocalAddresses::from_operator); };
        hooks.on_peer = [this](I2pSession::Stream stream) {
            const auto id = engine_.on_accepted({stream.peer, 0}, {stream.me, 0}, kPermitNone, false, now_us());
            if (id) adopt(*id, std::move(stream.socket), std::move(stream.leftover));
            act();
        };
        i2p_->accept(std::move(hooks));
    }
    if (options_.tor) {
        TorLink::Hooks hooks;
        hooks.on_socks = [this](const Endpoint& proxy) {
            // Each connection gets its own circuit: Tor separates by credentials unless it is told otherwise.
            options_.proxies.networks[NetworkId::onion] = ProxyAddress{proxy, {}, true};
            if (options_.proxies.onion_allowed) engine_.set_reachable(NetworkId::onion);
        };
        hooks.on_service = [this](const Endpoint& service, bool present) { set_local(service, present, LocalAddresses::from_operator); };
        tor_ = std::make_shared<TorLink>(io_, *options_.tor, std::move(hooks));
        tor_->start();
    }
    if (options_.port_map) {
        port_mapper_ = std::make_shared<PortMapper>(io_, *options_.port_map, [this](const Endpoint& external) {
            set_local(external, true, LocalAddresses::from_mapping);
        });
        port_mapper_->start();
    }
    start_discovery();
}

void Reactor::stop_helpers() {
    boost::system::error_code ignored;
    for (auto& [id, dialing] : dialing_) {
        dialing->timer.cancel();
        dialing->socket.close(ignored);
        if (dialing->talk) dialing->talk->stop();
        if (dialing->session) dialing->session->stop();
    }
    dialing_.clear();
    if (i2p_) i2p_->stop();
    for (const auto& session : spare_i2p_) session->stop();
    spare_i2p_.clear();
    if (tor_) tor_->stop();
    if (port_mapper_) port_mapper_->stop();
    if (lan_) lan_->stop();
    if (dht_) dht_->stop();
}

}  // namespace cairn::net::detail
