#include "net/io/detail/i2p_session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include "consensus/crypto/random.hpp"
#include "net/io/detail/peers_file.hpp"
#include "net/io/detail/small_file.hpp"
#include "net/io/log.hpp"

namespace cairn::net::detail {
namespace {

constexpr auto kRetryFirst = std::chrono::seconds(1), kRetryStep = std::chrono::seconds(1), kRetryLongest = std::chrono::seconds(300);
constexpr std::size_t kIdLength = 10;  // enough to tell sessions apart, short in the log
constexpr std::size_t kMaxKeyFile = 16 * 1024;

}  // namespace

I2pSession::I2pSession(asio::io_context& io, Options options) : io_(io), options_(std::move(options)), retry_(io) {}

std::shared_ptr<Talk> I2pSession::talk(std::unique_ptr<Negotiation> negotiation) {
    auto talk = std::make_shared<Talk>(io_, std::move(negotiation));
    talks_.insert(talk);
    return talk;
}

std::string I2pSession::problem_of(const Talk& talk, bool reached) const {
    if (!reached) return "Cannot connect to " + options_.bridge.to_string();
    return talk.negotiation().error();
}

// --- the session

void I2pSession::ensure(Ready ready) {
    if (!id_.empty()) return asio::post(io_, [ready = std::move(ready)] { ready({}); });
    waiting_.push_back(std::move(ready));
    if (creating_) return;
    const bool transient = options_.key_file.empty();
    SamSession::Options session;
    session.id = random_uint256().to_display_hex().substr(0, kIdLength);
    session.transient = transient;
    log::debug(log::Category::i2p, "Creating {} I2P SAM session {} with {}", transient ? "transient" : "persistent", session.id, options_.bridge.to_string());
    if (!transient) {
        session.key = read_small_file(options_.key_file, kMaxKeyFile);
        session.key_file = options_.key_file.string();
        session.save_key = [file = options_.key_file](ByteSpan key) { return replace_file(file, to_bytes(key)).has_value(); };
    }
    creating_ = talk(std::make_unique<SamSession>(std::move(session)));
    creating_->start(options_.bridge, options_.connect_timeout, [self = shared_from_this()](bool reached) { self->on_created(reached); });
}

void I2pSession::on_created(bool reached) {
    const std::shared_ptr<Talk> talk = std::exchange(creating_, nullptr);
    talks_.erase(talk);
    std::string problem;
    if (reached && talk->negotiation().state() == Negotiation::State::done) {
        const auto& session = talk->as<SamSession>();
        id_ = session.id();
        me_ = session.address();
        control_.emplace(talk->take_socket());
        log::info("{} I2P SAM session {} created, my address={}", options_.key_file.empty() ? "Transient" : "Persistent", id_, Endpoint{me_, 0}.to_string());
        watch();
    } else {
        problem = problem_of(*talk, reached);
    }
    for (const Ready& ready : std::exchange(waiting_, {}))
        if (!stopped_) ready(problem);
}

/// The session ends with its first connection; nothing else is expected on that one.
void I2pSession::watch() {
    control_->async_read_some(asio::buffer(byte_), [self = shared_from_this(), generation = ++generation_](boost::system::error_code error, std::size_t) {
        if (self->stopped_ || generation != self->generation_ || !self->control_) return;
        if (!error) return self->watch();
        log::debug(log::Category::i2p, "Control socket error: {}", error.message());
        self->lose();
    });
}

void I2pSession::lose() {
    if (!control_) return;
    log::info("Destroying I2P SAM session {}", id_);
    control_.reset();
    id_.clear();
    ++generation_;
}

void I2pSession::stop() {
    stopped_ = true;
    hooks_ = {};
    waiting_.clear();
    creating_.reset();
    retry_.cancel();
    for (const auto& talk : talks_) talk->stop();
    talks_.clear();
    lose();
}

// --- outward

void I2pSession::connect(const NetAddress& host, std::function<void(Connected)> on_end) {
    ensure([self = shared_from_this(), host, on_end = std::move(on_end)](const std::string& problem) {
        if (!problem.empty()) return on_end(fail(problem));
        const auto talk = self->talk(std::make_unique<SamConnect>(self->id_, host.to_string()));
        talk->start(self->options_.bridge, self->options_.connect_timeout, [self, host, on_end, talk = talk.get()](bool reached) {
            const auto keep = talk->shared_from_this();
            self->talks_.erase(keep);
            if (reached && talk->negotiation().state() == Negotiation::State::done)
                return on_end(Stream{talk->take_socket(), talk->take_leftover(), self->me_, host});
            if (talk->as<SamConnect>().session_gone()) self->lose();
            on_end(fail(self->problem_of(*talk, reached)));
        });
    });
}

// --- inward

void I2pSession::accept(Hooks hooks) {
    hooks_ = std::move(hooks);
    listen();
}

void I2pSession::listen() {
    ensure([self = shared_from_this()](const std::string& problem) {
        if (!problem.empty()) {
            log::error("Couldn't listen: {}", problem);
            return self->listen_later();
        }
        const auto talk = self->talk(std::make_unique<SamAccept>(self->id_));
        const auto on_step = [self, talk = talk.get()] {
            if (self->advertised_ || !talk->as<SamAccept>().listening()) return;
            self->advertised_ = true;
            self->hooks_.on_address(self->me_, true);
        };
        const auto on_end = [self, talk = talk.get()](bool reached) { self->on_accepted(talk->shared_from_this(), reached); };
        talk->start(self->options_.bridge, self->options_.connect_timeout, on_end, on_step);
    });
}

void I2pSession::on_accepted(const std::shared_ptr<Talk>& talk, bool reached) {
    talks_.erase(talk);
    const auto& accept = talk->as<SamAccept>();
    if (reached && talk->negotiation().state() == Negotiation::State::done) {
        retry_after_ = kRetryFirst;
        hooks_.on_peer({talk->take_socket(), talk->take_leftover(), me_, accept.peer()});
        if (!stopped_) listen();
        return;
    }
    const std::string problem = problem_of(*talk, reached);
    if (accept.listening())
        log::debug(log::Category::i2p, "Error accepting{}: {}", accept.session_gone() ? " (will close the session)" : "", problem);
    else
        log::error("Couldn't listen: {}", problem);
    if (accept.session_gone()) lose();
    listen_later();
}

void I2pSession::listen_later() {
    if (advertised_) hooks_.on_address(me_, false);
    advertised_ = false;
    retry_.expires_after(retry_after_);
    if (retry_after_ < kRetryLongest) retry_after_ += kRetryStep;
    retry_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error && !self->stopped_) self->listen();
    });
}

}  // namespace cairn::net::detail
