#include "net/io/network.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>

#include "net/io/detail/peers_file.hpp"
#include "net/io/detail/reactor.hpp"
#include "net/io/log_control.hpp"

namespace cairn::net {
namespace {

constexpr auto kConnectWait = std::chrono::seconds(2);
constexpr std::uint16_t kTorControlPort = 9051;
constexpr auto kAnswerWait = std::chrono::seconds(10);  // for the net thread, before an old picture is taken

}  // namespace

class Network::Impl {
public:
    Impl(NetworkOptions given, Role& given_role, const Clock& given_clock)
        : options(std::move(given)), role(given_role), clock(given_clock) {}

    /// Runs `question` on the net thread and waits for its answer; `otherwise` when the thread does not run.
    template <class F>
    auto ask(F question, std::invoke_result_t<F, Engine&> otherwise) -> std::invoke_result_t<F, Engine&> {
        using Answer = std::invoke_result_t<F, Engine&>;
        const auto running = current();
        if (!running) return otherwise;
        auto promise = std::make_shared<std::promise<Answer>>();
        auto answer = promise->get_future();
        detail::Reactor& r = *running;
        boost::asio::post(r.io(), [&r, promise, question = std::move(question)] {
            promise->set_value(question(r.engine()));
            r.act();
        });
        const auto end = std::chrono::steady_clock::now() + kAnswerWait;
        while (answer.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready)
            if (!current() || std::chrono::steady_clock::now() > end) return otherwise;
        return answer.get();
    }

    std::shared_ptr<detail::Reactor> current() const {
        const std::lock_guard lock(mutex);
        return reactor;
    }

    NetworkOptions options;
    Role& role;
    const Clock& clock;
    std::filesystem::path peers_file() const { return options.data_dir / "peers.dat"; }
    std::filesystem::path anchors_file() const { return options.data_dir / "anchors.dat"; }
    void save(detail::Reactor& reactor);
    detail::Reactor::Options shell_options(const detail::ParsedOptions& parsed) const;

    mutable std::mutex mutex;  // guards reactor and last_view
    std::shared_ptr<detail::Reactor> reactor;  // null when not running
    std::shared_ptr<const NetView> last_view = std::make_shared<NetView>();
    std::thread thread;
};

detail::Reactor::Options Network::Impl::shell_options(const detail::ParsedOptions& parsed) const {
    detail::Reactor::Options shell;
    shell.timeout_ms = options.timeout_ms;
    shell.client_name = options.client_name;
    shell.name_lookup = options.name_lookup;
    shell.proxies = options.proxies;
    shell.log_ips = options.log_ips;
    const auto in_data_dir = [&](const char* name) { return options.data_dir.empty() ? std::filesystem::path() : options.data_dir / name; };
    if (!options.data_dir.empty()) shell.peers_file = peers_file();
    const std::chrono::milliseconds timeout(options.timeout_ms);
    const auto sam = options.proxies.networks.find(NetworkId::i2p);
    if (sam != options.proxies.networks.end() && options.i2p_accept_incoming)
        shell.i2p_accept = detail::I2pSession::Options{sam->second, in_data_dir("i2p_private_key"), timeout};
    if (options.listen_onion) {
        if (const auto control = lookup_endpoint(options.tor_control, kTorControlPort, options.name_lookup); control && control->address.is_ip()) {
            shell.tor = detail::TorLink::Options{ProxyAddress{*control, {}, false}, options.tor_control, options.tor_password,
                                                 in_data_dir("onion_v3_private_key"), options.default_port, parsed.onion_target.to_string(),
                                                 !options.onion_proxy_given, timeout};
        } else {
            log::warning("tor: Failed to look up control center {}", options.tor_control);
        }
    }
    if (options.nat_pmp) {
        shell.port_map.emplace();
        shell.port_map->port = parsed.listen_port;
    }
    if (options.lan_discovery) {
        shell.lan.emplace();
        shell.lan->service = {options.magic, options.genesis, parsed.lan_port};
    }
    if (options.dht) {
        const auto reaches = [&](NetworkId network) { return options.proxies.reaches(network); };
        shell.dht = detail::DhtLink::Options{DhtNode::network_id(options.genesis), options.dht_port != 0 ? options.dht_port : parsed.listen_port,
                                             options.listen ? parsed.listen_port : std::uint16_t{0}, options.dht_bootstrap, options.name_lookup,
                                             reaches(NetworkId::ipv4), reaches(NetworkId::ipv6), in_data_dir("dht.txt")};
    }
    return shell;
}

/// What is worth knowing after the next start. The net thread has ended.
void Network::Impl::save(detail::Reactor& r) {
    if (options.data_dir.empty()) return;
    if (auto saved = detail::replace_file(peers_file(), detail::peers_file_bytes(options.magic, r.engine().addresses())); !saved) log::error("{}", saved.error());
    if (options.connect_given) return;
    const auto& anchors = r.anchors_at_end();
    log::debug(log::Category::net, "DumpAnchors: Flush {} outbound block-relay-only peer addresses to anchors.dat started", anchors.size());
    if (auto saved = detail::replace_file(anchors_file(), detail::anchors_file_bytes(options.magic, anchors)); !saved) log::error("{}", saved.error());
}

Network::Network(NetworkOptions options, Role& role, const Clock& clock) : impl_(std::make_unique<Impl>(std::move(options), role, clock)) {}

Network::~Network() { stop(); }

Result<void, std::string> Network::start() {
    auto parsed = detail::parse_options(impl_->options);
    if (!parsed) return fail(parsed.error());
    const NetworkOptions& options = impl_->options;
    log::info("SetNetworkActive: {}", options.active);
    if (!options.data_dir.empty() && !options.connect_given) {
        parsed->engine.dialer.anchors = detail::take_anchors(impl_->anchors_file(), options.magic);
        log::info("Loaded {} addresses from \"anchors.dat\"", parsed->engine.dialer.anchors.size());
        log::info("{} block-relay-only anchors will be tried for connections.", parsed->engine.dialer.anchors.size());
    }
    detail::Reactor::Options shell = impl_->shell_options(*parsed);
    auto reactor = std::make_shared<detail::Reactor>(std::move(parsed->engine), impl_->role, impl_->clock, std::move(shell));
    if (!options.data_dir.empty()) {
        if (auto loaded = detail::load_peers(impl_->peers_file(), options.magic, reactor->engine().addresses()); !loaded) return fail(loaded.error());
    }
    if (auto bound = reactor->listen(parsed->binds); !bound) return fail(bound.error());
    if (auto opened = reactor->open_discovery(); !opened) return fail(opened.error());
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->reactor = reactor;
    }
    impl_->role.attach([this](std::function<void()> task) { post(std::move(task)); });
    impl_->thread = std::thread([reactor] {
        log::name_thread("net");
        log::info("net thread start");
        const auto guard = boost::asio::make_work_guard(reactor->io());
        reactor->start();
        reactor->io().run();
        log::info("net thread exit");
    });
    return {};
}

void Network::stop() {
    if (!impl_->thread.joinable()) return;
    const auto reactor = impl_->current();
    impl_->role.detach();
    boost::asio::post(reactor->io(), [reactor] { reactor->stop(); });
    impl_->thread.join();
    impl_->save(*reactor);
    const std::lock_guard lock(impl_->mutex);
    impl_->reactor.reset();
}

void Network::post(std::function<void()> task) {
    const auto reactor = impl_->current();
    if (!reactor) return;
    boost::asio::post(reactor->io(), [raw = reactor.get(), task = std::move(task)] {
        task();
        raw->tick_soon();
    });
}

void Network::wake() {
    if (const auto reactor = impl_->current()) reactor->tick_soon();
}

std::shared_ptr<const NetView> Network::view() const {
    const Clock& clock = impl_->clock;
    std::shared_ptr<const NetView> before;
    {
        const std::lock_guard lock(impl_->mutex);
        before = impl_->last_view;
    }
    const auto reactor = impl_->current();
    const auto picture = [&clock, reactor](Engine& engine) {
        engine.on_tick(clock.now_us());  // what other threads left for the engine belongs into the picture
        auto view = std::make_shared<NetView>(engine.view(clock.now_us()));
        view->networks = reactor->networks();
        view->discovery = reactor->discovery();
        return std::shared_ptr<const NetView>(std::move(view));
    };
    auto view = impl_->ask(picture, before);
    const std::lock_guard lock(impl_->mutex);
    impl_->last_view = view;
    return view;
}

using CommandResult = Result<void, NodeCommandError>;

Result<void, NodeCommandError> Network::add_node(const std::string& node, bool v2) {
    return impl_->ask([node, v2](Engine& engine) { return engine.add_node(node, v2); }, CommandResult(fail(NodeCommandError::network_inactive)));
}

Result<void, NodeCommandError> Network::remove_node(const std::string& node) {
    return impl_->ask([node](Engine& engine) { return engine.remove_node(node); }, CommandResult(fail(NodeCommandError::not_added)));
}

Result<void, NodeCommandError> Network::try_node(const std::string& node, bool v2) {
    const Clock& clock = impl_->clock;
    return impl_->ask([node, v2, &clock](Engine& engine) { return engine.try_node(node, v2, clock.now_us()); }, CommandResult(fail(NodeCommandError::network_inactive)));
}

std::vector<AddedNode> Network::added_nodes() const {
    return impl_->ask([](Engine& engine) { return engine.added_nodes(); }, std::vector<AddedNode>());
}

Result<void, NodeCommandError> Network::disconnect(PeerId id) {
    const Clock& clock = impl_->clock;
    return impl_->ask([id, &clock](Engine& engine) { return engine.disconnect(id, clock.now_us()); }, CommandResult(fail(NodeCommandError::not_connected)));
}

Result<void, NodeCommandError> Network::disconnect(const std::string& address) {
    const Clock& clock = impl_->clock;
    return impl_->ask([address, &clock](Engine& engine) { return engine.disconnect(address, clock.now_us()); }, CommandResult(fail(NodeCommandError::not_connected)));
}

void Network::set_active(bool active) {
    const Clock& clock = impl_->clock;
    impl_->ask([active, &clock](Engine& engine) { engine.set_active(active, clock.now_us()); return true; }, false);
}

void Network::ping_all() {
    impl_->ask([](Engine& engine) { engine.ping_all(); return true; }, false);
    wake();
}

Result<void, NodeCommandError> Network::add_connection(const std::string& address, ConnectionType type, bool v2) {
    const Clock& clock = impl_->clock;
    auto begun = impl_->ask([address, type, v2, &clock](Engine& engine) { return engine.add_connection(address, type, v2, clock.now_us()); },
                            CommandResult(fail(NodeCommandError::network_inactive)));
    // Tests take it that the connection stands, or has failed, when they get their answer.
    const auto end = std::chrono::steady_clock::now() + kConnectWait;
    while (begun && impl_->ask([address](Engine& engine) { return engine.dialing(address); }, false) && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return begun;
}

std::vector<Ban> Network::bans() const {
    const Clock& clock = impl_->clock;
    return impl_->ask([&clock](Engine& engine) { return engine.bans(clock.now_us()); }, std::vector<Ban>());
}

Result<void, BanError> Network::ban(const Ban& ban) {
    const Clock& clock = impl_->clock;
    return impl_->ask([ban, &clock](Engine& engine) { return engine.ban(ban, clock.now_us()); }, Result<void, BanError>());
}

Result<void, BanError> Network::unban(const std::string& subnet) {
    return impl_->ask([subnet](Engine& engine) { return engine.unban(subnet); }, Result<void, BanError>());
}

void Network::clear_bans() {
    impl_->ask([](Engine& engine) { engine.clear_bans(); return true; }, false);
}

std::vector<KnownAddress> Network::addresses(std::size_t count, const std::string& network) const {
    const Clock& clock = impl_->clock;
    return impl_->ask([=, &clock](Engine& engine) { return engine.known_addresses(count, network, clock.now_us()); }, std::vector<KnownAddress>());
}

std::vector<BookCount> Network::address_counts() const {
    return impl_->ask([](Engine& engine) { return engine.address_counts(); }, std::vector<BookCount>());
}

std::vector<BookPlace> Network::address_places(bool tried) const {
    return impl_->ask([tried](Engine& engine) { return engine.address_places(tried); }, std::vector<BookPlace>());
}

AddAddressResult Network::add_address(const std::string& address, std::uint16_t port, bool tried) {
    const Clock& clock = impl_->clock;
    return impl_->ask([=, &clock](Engine& engine) { return engine.add_address(address, port, tried, clock.now_us()); }, AddAddressResult::not_added_to_new);
}

Result<void, NodeCommandError> Network::send_message(PeerId id, const std::string& command, std::vector<std::uint8_t> payload) {
    const Clock& clock = impl_->clock;
    return impl_->ask([id, command, bytes = to_bytes(payload), &clock](Engine& engine) { return engine.send_message(id, command, bytes, clock.now_us()); },
                      CommandResult(fail(NodeCommandError::network_inactive)));
}

}  // namespace cairn::net
