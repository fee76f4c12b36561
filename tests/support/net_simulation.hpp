#pragma once

#include <deque>
#include <iostream>
#include <map>

#include "net/engine/engine.hpp"
#include "net/wire/transport_v1.hpp"
#include "node/relay/full_role.hpp"
#include "tests/support/fake_chain_port.hpp"

namespace cairn::test {

/// Several nodes in one process on virtual time, with the code that runs behind sockets.
class NetSimulation {
public:
    explicit NetSimulation(std::uint64_t seed, ChainParamsPtr params) : random_(net::Random::from_number(seed)), params_(std::move(params)) {}

    struct Node {
        Node(const ChainParamsPtr& params, net::EngineOptions options, net::Random random)
            : chain(params), role(chain, *params, role_options(options)), engine(std::move(options), role, std::move(random)) {
            role.attach([this](std::function<void()> task) { task(); dirty = true; });
        }
        ~Node() { role.detach(); }
        static node::FullRole::Options role_options(const net::EngineOptions& options) {
            node::FullRole::Options made;
            made.max_send_buffer = options.max_send_buffer;
            return made;
        }
        FakeChainPort chain;
        node::FullRole role;
        net::Engine engine;
        bool dirty = false;
        net::Endpoint address;
        std::vector<net::LogLine> log;

        bool logged(std::string_view text) const {
            return std::any_of(log.begin(), log.end(), [&](const auto& line) { return line.text.find(text) != std::string::npos; });
        }
    };

    Node& add(bool initial_download = true) {
        net::EngineOptions options;
        options.magic = params_->magic;
        options.user_agent = "/sim/";
        options.max_send_buffer = max_send_buffer;
        options.dialer.connect_given = true;
        options.dialer.default_port = 8333;
        auto node = std::make_unique<Node>(params_, options, net::Random(random_.uint256()));
        node->address = {net::NetAddress::ipv4(0x0a000001 + static_cast<std::uint32_t>(nodes_.size())), 8333};
        node->chain.initial_download = initial_download;
        node->chain.now_s = now_us / 1'000'000;
        nodes_.push_back(std::move(node));
        return *nodes_.back();
    }
    void connect(Node& from, Node& to) { (void)from.engine.try_node(to.address.to_string(), false, now_us); }

    /// A peer without an engine: the test speaks for it. Its bytes go to `node`, what comes back is dropped.
    net::PeerId add_raw_peer(Node& node) {
        const net::Endpoint remote{net::NetAddress::ipv4(0x08080800 + next_raw_++), 1};
        return *node.engine.on_accepted(remote, node.address, net::kPermitNone, false, now_us);
    }

    void run(std::int64_t seconds) {
        const std::int64_t end = now_us + seconds * 1'000'000;
        while (now_us < end) {
            now_us += 20'000;
            for (auto& node : nodes_) {
                node->chain.now_s = now_us / 1'000'000;
                if (node->dirty || now_us % 100'000 == 0) {
                    node->dirty = false;
                    node->engine.on_tick(now_us);
                }
                act(*node);
            }
            deliver();
        }
    }
    bool connected(const Node& node, net::PeerId id) const {
        const auto view = node.engine.view(now_us);
        return std::any_of(view.peers.begin(), view.peers.end(), [id](const auto& peer) { return peer.id == id; });
    }

    std::int64_t now_us = 1'800'000'000LL * 1'000'000;
    std::size_t max_send_buffer = 1'000'000;   ///< of nodes added from now on
    std::size_t pipe_bytes = ~std::size_t{0};  ///< what a connection holds that the other end has not taken

private:
    struct End {
        Node* node = nullptr;
        net::PeerId id = 0;
        auto operator<=>(const End&) const = default;
    };

    void act(Node& node) {
        for (auto actions = node.engine.take_actions(); !actions.empty(); actions = node.engine.take_actions()) {
            for (auto& action : actions) {
                if (auto* write = std::get_if<net::WriteAction>(&action)) {
                    Bytes& queue = unsent_[{&node, write->peer}];
                    queue.insert(queue.end(), write->bytes.head.begin(), write->bytes.head.end());
                    queue.insert(queue.end(), write->bytes.body.begin(), write->bytes.body.end());
                    push({&node, write->peer});
                } else if (const auto* close = std::get_if<net::CloseAction>(&action)) {
                    const End far = other({&node, close->peer});
                    if (far.node) far.node->engine.on_closed(far.id, "socket closed", now_us);
                } else if (const auto* dial = std::get_if<net::DialAction>(&action)) {
                    answer(node, *dial);
                }
            }
        }
        for (auto& line : node.engine.log().take()) node.log.push_back(std::move(line));
    }
    /// Moves from the sender's queue what the connection has room for.
    void push(const End& from) {
        Bytes& queue = unsent_[from];
        Bytes& pipe = on_the_way_[other(from)];
        const std::size_t count = pipe.size() >= pipe_bytes ? 0 : std::min(queue.size(), pipe_bytes - pipe.size());
        if (count == 0) return;
        pipe.insert(pipe.end(), queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(count));
        queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(count));
        from.node->engine.on_written(from.id, count, now_us);
    }
    void answer(Node& node, const net::DialAction& dial) {
        for (auto& target : nodes_) {
            if (!dial.endpoint || target->address != *dial.endpoint) continue;
            const auto theirs = target->engine.on_accepted(node.address, target->address, net::kPermitNone, false, now_us);
            const auto ours = node.engine.on_dialed(dial.dial, target->address, node.address, now_us);
            if (!theirs || !ours) return;
            links_[{&node, *ours}] = {target.get(), *theirs};
            links_[{target.get(), *theirs}] = {&node, *ours};
            return;
        }
        node.engine.on_dial_failed(dial.dial, "nobody there", now_us);
    }
    End other(End end) const {
        const auto found = links_.find(end);
        return found == links_.end() ? End{} : found->second;
    }
    void deliver() {
        auto pipes = std::exchange(on_the_way_, {});
        for (auto& [end, bytes] : pipes) {
            if (!end.node) continue;
            const std::size_t taken = end.node->engine.on_bytes(end.id, bytes, now_us);
            if (taken == bytes.size()) continue;
            Bytes& later = on_the_way_[end];  // held up: offered again in the next round
            later.insert(later.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
        }
        std::vector<End> senders;
        for (const auto& [from, queue] : unsent_)
            if (!queue.empty()) senders.push_back(from);
        for (const End& from : senders) push(from);
    }

    net::Random random_;
    ChainParamsPtr params_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::map<End, End> links_;
    std::map<End, Bytes> unsent_;
    std::map<End, Bytes> on_the_way_;  ///< by receiver
    std::uint32_t next_raw_ = 1;
};

}  // namespace cairn::test
