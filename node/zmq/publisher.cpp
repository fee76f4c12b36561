#include "node/zmq/publisher.hpp"

#include <algorithm>
#include <map>
#include <thread>

#include <zmq.hpp>

#include "net/io/log.hpp"
#include "net/io/log_control.hpp"
#include "node/zmq/detail/event.hpp"

namespace cairn::node {

namespace log = net::log;
using zmq_detail::Event;
using zmq_detail::EventQueue;

namespace {

constexpr std::size_t kMaxWaiting = 100'000;
/// Blocks of a reorganisation that wait for its end; more of them are told at once.
constexpr std::size_t kMaxHeld = 64;

constexpr auto kLog = log::Category::zmq;

/// A hash as subscribers get it, the last byte first.
Bytes display_bytes(const Uint256& hash) {
    Bytes bytes = to_bytes(hash.span());
    std::reverse(bytes.begin(), bytes.end());
    return bytes;
}

Bytes sequence_body(const Uint256& hash, char label, std::optional<std::uint64_t> sequence = std::nullopt) {
    Bytes body = display_bytes(hash);
    Writer writer(body);
    writer.u8(static_cast<std::uint8_t>(label));
    if (sequence) writer.u64(*sequence);
    return body;
}

bool is_ipv6(std::string_view address) {
    static constexpr std::string_view kTcp = "tcp://";
    if (!address.starts_with(kTcp)) return false;
    address.remove_prefix(kTcp.size());
    return address.substr(0, address.rfind(':')).find(':') != std::string_view::npos;
}

/// One topic at one address. Owner: the publishing thread, once it runs.
class Channel {
public:
    Channel(ZmqNotifier notifier, std::shared_ptr<zmq::socket_t> socket)
        : notifier_(std::move(notifier)), topic_(notifier_.type.substr(3)), socket_(std::move(socket)) {}

    const ZmqNotifier& notifier() const { return notifier_; }

    /// False: the socket failed, and the channel is of no use any more.
    bool publish(const Event& event) {
        count_ += event.lost;
        if (topic_ == "hashblock") return event.kind != Event::Kind::tip || send_hash(event.block->hash());
        if (topic_ == "rawblock") return event.kind != Event::Kind::tip || send_raw(event.block->hash(), event.block->raw());
        if (topic_ == "sequence") return publish_sequence(event);
        return publish_transactions(event);
    }

private:
    bool publish_sequence(const Event& event) {
        switch (event.kind) {
            case Event::Kind::tip: return true;
            case Event::Kind::connected: return send_sequence("block connect", event.block->hash(), 'C');
            case Event::Kind::disconnected: return send_sequence("block disconnect", event.block->hash(), 'D');
            case Event::Kind::added: return send_sequence("mempool acceptance", event.tx->tx().txid, 'A', event.sequence);
            case Event::Kind::removed: return send_sequence("mempool removal", event.tx->tx().txid, 'R', event.sequence);
        }
        return true;
    }

    bool publish_transactions(const Event& event) {
        switch (event.kind) {
            case Event::Kind::tip:
            case Event::Kind::removed: return true;
            case Event::Kind::added: return send_transaction(event.tx->tx());
            case Event::Kind::connected:
            case Event::Kind::disconnected: break;
        }
        const auto txs = event.block->txs();
        return std::all_of(txs.begin(), txs.end(), [this](const Transaction& tx) { return send_transaction(tx); });
    }

    bool send_transaction(const Transaction& tx) { return topic_ == "hashtx" ? send_hash(tx.txid) : send_raw(tx.txid, tx.raw); }

    bool send_hash(const Uint256& hash) {
        log::debug(kLog, "Publish {} {} to {}", topic_, hash.to_display_hex(), notifier_.address);
        return send(display_bytes(hash));
    }
    bool send_raw(const Uint256& hash, ByteSpan raw) {
        log::debug(kLog, "Publish {} {} to {}", topic_, hash.to_display_hex(), notifier_.address);
        return send(raw);
    }
    bool send_sequence(const char* what, const Uint256& hash, char label, std::optional<std::uint64_t> sequence = std::nullopt) {
        log::debug(kLog, "Publish sequence {} {} to {}", what, hash.to_display_hex(), notifier_.address);
        return send(sequence_body(hash, label, sequence));
    }

    bool send(ByteSpan body) {
        Bytes count;
        Writer(count).u32(count_);
        try {
            socket_->send(zmq::buffer(topic_), zmq::send_flags::sndmore);
            socket_->send(zmq::buffer(body.data(), body.size()), zmq::send_flags::sndmore);
            socket_->send(zmq::buffer(count), zmq::send_flags::none);
        } catch (const zmq::error_t& error) {
            log::debug(kLog, "Error: Unable to send ZMQ msg, msg: {}", error.what());
            return false;
        }
        ++count_;
        return true;
    }

    ZmqNotifier notifier_;
    std::string topic_;
    std::shared_ptr<zmq::socket_t> socket_;
    std::uint32_t count_ = 0;
};

std::shared_ptr<zmq::socket_t> bind_socket(zmq::context_t& context, const ZmqNotifier& notifier) {
    const char* doing = "create socket";
    try {
        auto socket = std::make_shared<zmq::socket_t>(context, zmq::socket_type::pub);
        doing = "set outbound message high water mark";
        socket->set(zmq::sockopt::sndhwm, notifier.high_water_mark);
        doing = "set SO_KEEPALIVE";
        socket->set(zmq::sockopt::tcp_keepalive, 1);
        doing = "set ZMQ_IPV6";
        socket->set(zmq::sockopt::ipv6, is_ipv6(notifier.address));
        socket->set(zmq::sockopt::linger, 0);
        doing = "bind address";
        socket->bind(notifier.address);
        return socket;
    } catch (const zmq::error_t& error) {
        log::debug(kLog, "Error: Failed to {}, msg: {}", doing, error.what());
        return nullptr;
    }
}

}  // namespace

struct ZmqPublisher::Parts {
    void run() {
        log::name_thread("zmq");
        while (auto event = queue.take()) {
            const std::lock_guard lock(mutex);
            std::erase_if(channels, [&](Channel& channel) { return !channel.publish(*event); });
        }
    }

    zmq::context_t context;
    mutable std::mutex mutex;  // channels
    std::vector<Channel> channels;
    EventQueue queue{kMaxWaiting};
    std::thread thread;

    // Owner: chain thread.
    std::vector<BlockPtr> held;  ///< connected, but no tip that contains them was shown yet
    BlockPtr last_connected;
};

std::unique_ptr<ZmqPublisher> ZmqPublisher::create(std::vector<ZmqNotifier> notifiers) {
    if (notifiers.empty()) return nullptr;
    const auto [major, minor, patch] = zmq::version();
    log::debug(kLog, "version {}.{}.{}", major, minor, patch);
    log::debug(kLog, "Initialize notification interface");
    std::stable_sort(notifiers.begin(), notifiers.end(), [](const auto& a, const auto& b) { return a.type < b.type; });
    std::unique_ptr<Parts> parts;
    try {
        parts = std::make_unique<Parts>();
    } catch (const zmq::error_t& error) {
        log::debug(kLog, "Error: Unable to initialize context, msg: {}", error.what());
        return nullptr;
    }
    std::map<std::string, std::shared_ptr<zmq::socket_t>> sockets;  // topics at one address share it
    for (const ZmqNotifier& notifier : notifiers) {
        std::shared_ptr<zmq::socket_t>& socket = sockets[notifier.address];
        log::debug(kLog, "Outbound message high water mark for {} at {} is {}", notifier.type, notifier.address, notifier.high_water_mark);
        if (socket) log::debug(kLog, "Reusing socket for address {}", notifier.address);
        else socket = bind_socket(parts->context, notifier);
        log::debug(kLog, "Notifier {} {} (address = {})", notifier.type, socket ? "ready" : "failed", notifier.address);
        if (!socket) return nullptr;
        parts->channels.emplace_back(notifier, socket);
    }
    return std::unique_ptr<ZmqPublisher>(new ZmqPublisher(std::move(parts)));
}

ZmqPublisher::ZmqPublisher(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {
    parts_->thread = std::thread([p = parts_.get()] { p->run(); });
}

ZmqPublisher::~ZmqPublisher() {
    parts_->queue.close();
    parts_->thread.join();
    log::debug(kLog, "Shutdown notification interface");
    for (const Channel& channel : parts_->channels) {
        log::debug(kLog, "Shutdown notifier {} at {}", channel.notifier().type, channel.notifier().address);
    }
}

std::vector<ZmqNotifier> ZmqPublisher::active() const {
    std::vector<ZmqNotifier> notifiers;
    const std::lock_guard lock(parts_->mutex);
    for (const Channel& channel : parts_->channels) notifiers.push_back(channel.notifier());
    return notifiers;
}

void ZmqPublisher::release_held() {
    for (BlockPtr& block : parts_->held) parts_->queue.push({.kind = Event::Kind::connected, .block = std::move(block)});
    parts_->held.clear();
}

void ZmqPublisher::on_tip(const std::shared_ptr<const ChainView>& view, const HeaderNode*, const HeaderNode* fork) {
    release_held();
    const BlockPtr block = std::move(parts_->last_connected);
    parts_->last_connected = nullptr;
    if (view->initial_block_download || view->tip == fork || !block || block->hash() != view->tip->hash) return;
    parts_->queue.push({.kind = Event::Kind::tip, .block = block});
}

void ZmqPublisher::on_block_connected(const BlockPtr& block, const HeaderNode*) {
    parts_->last_connected = block;
    parts_->held.push_back(block);
    if (parts_->held.size() > kMaxHeld) release_held();
}

void ZmqPublisher::on_block_disconnected(const BlockPtr& block, const HeaderNode*) {
    release_held();
    parts_->last_connected = nullptr;
    parts_->queue.push({.kind = Event::Kind::disconnected, .block = block});
}

void ZmqPublisher::on_added(const AddedTransaction& added) {
    parts_->queue.push({.kind = Event::Kind::added, .tx = added.tx, .sequence = added.sequence});
}

void ZmqPublisher::on_removed(const RemovedEntry& removed) {
    parts_->queue.push({.kind = Event::Kind::removed, .tx = removed.entry.tx, .sequence = removed.sequence});
}

}  // namespace cairn::node
