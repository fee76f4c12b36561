#include "net/io/detail/tor_link.hpp"

#include "consensus/crypto/random.hpp"
#include "net/io/detail/peers_file.hpp"
#include "net/io/detail/small_file.hpp"
#include "net/io/log.hpp"

namespace cairn::net::detail {
namespace {

constexpr std::chrono::duration<double> kRetryFirst{1.0}, kRetryLongest{600.0};
constexpr double kRetryGrowth = 1.5;
constexpr std::size_t kMaxKeyFile = 4096;

void write_log(TorControl::Severity severity, const std::string& text) {
    switch (severity) {
        case TorControl::Severity::debug: return log::debug(log::Category::tor, "{}", text);
        case TorControl::Severity::info: return log::info("{}", text);
        case TorControl::Severity::warning: return log::warning("{}", text);
    }
}

}  // namespace

TorLink::TorLink(asio::io_context& io, Options options, Hooks hooks)
    : io_(io), options_(std::move(options)), hooks_(std::move(hooks)), timer_(io), retry_(kRetryFirst) {
    if (options_.key_file.empty()) return;
    if (const auto key = read_small_file(options_.key_file, kMaxKeyFile)) {
        log::debug(log::Category::tor, "Reading cached private key from {}", options_.key_file.string());
        private_key_ = as_text(*key);
    }
}

TorControl::Options TorLink::control_options() {
    TorControl::Options control;
    control.password = options_.password;
    control.private_key = private_key_;
    control.service_port = options_.service_port;
    control.target = options_.target;
    control.ask_for_socks = options_.ask_for_socks;
    control.nonce.resize(TorControl::kNonceSize);
    fill_random(control.nonce);
    control.log = write_log;
    control.read_cookie = [](const std::string& path) { return read_small_file(path, TorControl::kCookieSize + 1); };
    const auto self = weak_from_this();
    control.on_socks = [self](const Endpoint& proxy) {
        if (const auto link = self.lock(); link && !link->stopped_) link->hooks_.on_socks(proxy);
    };
    control.on_service = [self](const std::string& id, const std::string& key) {
        const auto link = self.lock();
        if (!link || link->stopped_) return;
        link->private_key_ = key;
        const auto service = Endpoint::parse(id + ".onion", link->options_.service_port);
        log::info("Got tor service ID {}, advertising service {}", id, service.value_or(Endpoint()).to_string());
        if (!link->options_.key_file.empty()) {
            if (replace_file(link->options_.key_file, as_bytes(key)))
                log::debug(log::Category::tor, "Cached service private key to {}", link->options_.key_file.string());
            else
                log::warning("tor: Error writing service private key to {}", link->options_.key_file.string());
        }
        if (!service) return;
        link->service_ = service;
        link->hooks_.on_service(*service, true);
    };
    return control;
}

void TorLink::start() { connect(); }

void TorLink::connect() {
    log::debug(log::Category::tor, "Attempting to connect to Tor control port {}", options_.control_name);
    talk_ = std::make_shared<Talk>(io_, std::make_unique<TorControl>(control_options()));
    talk_->start(options_.control, options_.connect_timeout, [self = shared_from_this()](bool reached) { self->on_end(reached); });
}

void TorLink::on_end(bool reached) {
    if (stopped_) return;
    const auto talk = std::exchange(talk_, nullptr);
    if (!reached) {
        log::warning("tor: Error connecting to address {}", options_.control_name);
        log::warning("tor: Initiating connection to Tor control port {} failed", options_.control_name);
        retry_after(retry_);
        retry_ = std::min(retry_ * kRetryGrowth, kRetryLongest);
        return;
    }
    log::debug(log::Category::tor, "{}", talk->negotiation().error());
    log::debug(log::Category::tor, "Not connected to Tor control port {}, will retry", options_.control_name);
    if (service_) hooks_.on_service(*std::exchange(service_, std::nullopt), false);
    retry_ = kRetryFirst;
    retry_after(retry_);
}

void TorLink::retry_after(std::chrono::duration<double> seconds) {
    log::debug(log::Category::tor, "Retrying in {:.1f} seconds", seconds.count());
    timer_.expires_after(std::chrono::duration_cast<std::chrono::milliseconds>(seconds));
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error && !self->stopped_) self->connect();
    });
}

void TorLink::stop() {
    stopped_ = true;
    timer_.cancel();
    if (talk_) talk_->stop();
    talk_.reset();
}

}  // namespace cairn::net::detail
