// The reactor's part in finding peers: it carries between the links to the local network and the hash table, and the engine.
#include "net/io/detail/reactor.hpp"
#include "net/io/log.hpp"

namespace cairn::net::detail {

Result<void, std::string> Reactor::open_discovery() {
    if (!options_.dht) return {};
    dht_ = std::make_shared<DhtLink>(io_, *options_.dht);
    return dht_->open();
}

void Reactor::start_discovery() {
    const auto debug_as_asked = [](LogLines& lines) {
        lines.set_debug_wanted(log::enabled(log::Category::net, log::Level::debug));
        write_log(lines);
    };
    if (options_.lan) {
        LanLink::Hooks hooks;
        hooks.active = [this] { return engine_.active(); };
        hooks.on_name = [this](const std::string& name) { engine_.set_lan_name(name); };
        hooks.write_log = debug_as_asked;
        hooks.on_events = [this](const std::vector<LanEvent>& events) {
            engine_.on_lan_events(events, now_us());
            act();
        };
        lan_ = std::make_shared<LanLink>(io_, *options_.lan, std::move(hooks));
        lan_->start();
    }
    if (dht_) {
        DhtLink::Hooks hooks;
        hooks.active = [this] { return engine_.active(); };
        hooks.write_log = debug_as_asked;
        hooks.on_found = [this](const std::vector<Endpoint>& found) {
            engine_.on_candidates(found, now_us());
            act();
        };
        dht_->start(std::move(hooks));
    }
}

DiscoveryState Reactor::discovery() const {
    DiscoveryState state;
    engine_.describe_discovery(state);
    if (lan_) lan_->describe(state);
    if (dht_) dht_->describe(state);
    return state;
}

}  // namespace cairn::net::detail
