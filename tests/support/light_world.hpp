#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "consensus/primitives/block_filter.hpp"
#include "consensus/primitives/merkle_proof.hpp"
#include "consensus/script/bloom_filter.hpp"
#include "light/client/light_role.hpp"
#include "net/wire/codec.hpp"
#include "storage/memory_kv.hpp"
#include "tests/support/chain_builder.hpp"

namespace cairn::test {

/// Work that runs when a test says so, or at once.
class TestJobs final : public light::Jobs {
public:
    bool sink_stuck = false;  ///< what belongs to the sink's thread waits
    void run(std::function<void()> job) override { job(); }
    void run_in_order(std::function<void()> job) override {
        queue_.push_back(std::move(job));
        if (!running_) work();
    }
    void work() {
        running_ = true;
        while (!sink_stuck && !queue_.empty()) {
            const auto job = std::move(queue_.front());
            queue_.pop_front();
            job();
        }
        running_ = false;
    }
    std::size_t waiting() const { return queue_.size(); }

private:
    std::deque<std::function<void()>> queue_;
    bool running_ = false;
};

/// Watches what a test tells it to and remembers what it is told.
class TestWallet final : public light::ScriptSource, public light::BlockSink {
public:
    light::WatchSet set;
    std::map<Height, BlockHash> blocks;       ///< handed over and not taken back
    std::vector<Height> order;                ///< of all calls of on_block
    std::vector<BlockHash> disconnected;
    std::vector<TransactionPtr> transactions;
    Height scanned = -1;
    std::vector<std::pair<Height, std::uint64_t>> searches;  ///< calls of on_search
    std::set<OutPoint> owned;                 ///< whoever spends one of these concerns it
    std::vector<light::OwnPayment> payments;  ///< that wait for a block
    std::function<void(const BlockPtr&, const light::ScanPlace&)> on_seen;

    void watch_script(Bytes script, std::optional<light::Birthday> since = {}) {
        ++set.revision;
        set.scripts.push_back(std::move(script));
        if (since) set.additions.push_back({set.revision, *since});
    }
    std::shared_ptr<const light::WatchSet> watch() override { return std::make_shared<light::WatchSet>(set); }
    void on_block(const BlockPtr& block, const light::ScanPlace& place) override {
        blocks[place.height] = place.hash;
        order.push_back(place.height);
        if (on_seen) on_seen(block, place);
    }
    void on_disconnected(const light::ScanPlace& place) override {
        disconnected.push_back(place.hash);
        blocks.erase(place.height);
    }
    void on_scanned(const light::ScanPlace& place) override { scanned = place.height; }
    void on_search(Height next, std::uint64_t revision) override { searches.emplace_back(next, revision); }
    void on_transaction(const TransactionPtr& tx) override { transactions.push_back(tx); }
    bool concerns(const Transaction& tx) const override {
        return std::ranges::any_of(tx.inputs, [this](const TxInput& input) { return owned.contains(input.prevout); });
    }
    std::vector<light::OwnPayment> own_payments() override { return payments; }
    std::vector<OutPoint> coins() override { return {owned.begin(), owned.end()}; }
};

/// A light client and the peers that serve it, on virtual time and without sockets.
class LightWorld {
public:
    /// A node with compact filters, honest unless told otherwise.
    struct Server {
        net::PeerInfo info;
        const HeaderNode* tip = nullptr;      ///< of its active chain
        std::set<Height> lies;                ///< heights whose filter it forges
        std::function<Bytes(const Block&, const Bytes&)> forge;  ///< from the honest filter; by default an empty one
        bool keeps_blocks = false;            ///< does not answer for blocks
        bool mute_headers = false, mute_filter_headers = false, mute_filters = false;
        bool honest_checkpoints = false;      ///< even about heights at which it lies
        bool announces_by_inv = false;
        std::optional<BloomFilter> bloom;     ///< that the client gave it (BIP37)
        bool hides_matches = false, spoils_proofs = false;  ///< what it does with it
        std::size_t filters_loaded = 0;
        std::int64_t filter_delay_us = 0;     ///< between one filter and the next
        bool present = true;                  ///< connected
        bool misbehaved = false, disconnected = false;
        bool asked_for_headers = false;       ///< sendheaders
        std::size_t headers_asked = 0, blocks_asked = 0, filters_asked = 0, checkpoints_asked = 0, filter_headers_asked = 0, unknown_stops = 0;
        std::map<std::int64_t, net::Message> later;  ///< what it will send, by time
    };

    explicit LightWorld(ChainParamsPtr params = make_params(Network::regtest)) : chain(std::move(params)) { start(); }
    ~LightWorld() { stop(); }

    void start() {
        light::LightRole::Options options;
        options.minimum_chain_work = Arith256();
        options.filters = filter_options;
        options.bloom_filters = bloom_filters;
        options.fee_blocks_per_hour = fee_blocks_per_hour;
        options.anchors = anchors;
        options.keep_filters = keep_filters;
        options.seed = sha256(Bytes{seed++});
        role = std::move(*light::LightRole::open(chain.params(), kv, jobs, wallet, wallet, options));
        role->attach([this](std::function<void()> task) { tasks_.push_back(std::move(task)); });
    }
    void stop() {
        if (!role) return;
        for (auto& server : servers) leave(*server);
        jobs.sink_stuck = false;
        jobs.work();
        run_tasks();
        role->detach();
        role.reset();
        tasks_.clear();
    }
    void restart() {
        stop();
        start();
    }

    Server& add_server(std::uint64_t services = net::kServiceNetwork | net::kServiceWitness | net::kServiceCompactFilters) {
        Server& server = *servers.emplace_back(std::make_unique<Server>());
        server.info.services = services;
        server.tip = chain.tip();
        server.present = false;
        join(server);
        return server;
    }
    void join(Server& server) {
        const auto services = server.info.services;
        server.info = net::PeerInfo();
        server.info.id = next_id_++;
        server.info.address = {net::NetAddress::ipv4(0x0a000000u + static_cast<std::uint32_t>(server.info.id)), 8333};
        server.info.type = net::ConnectionType::outbound_full_relay;
        server.info.services = services;
        server.info.version = server.info.common_version = 70016;
        server.info.wtxid_relay = true;
        server.info.start_height = server.tip->height;
        server.present = true;
        server.disconnected = false;
        server.later.clear();
        role->on_version(server.info, outbox_, now_us);
        server.info.ready = true;
        role->on_ready(server.info, outbox_, now_us);
    }
    void leave(Server& server) {
        if (!server.present) return;
        server.present = false;
        role->on_gone(server.info, outbox_, now_us);
    }

    /// Its active chain ends with `tip` from now on; it says so.
    void move(Server& server, const HeaderNode* tip) {
        server.tip = tip;
        if (!server.present) return;
        if (server.announces_by_inv) {
            net::InvMessage inv;
            inv.items.push_back({net::kInvBlock, tip->hash});
            send(server, std::move(inv));
        } else {
            net::HeadersMessage message;
            message.headers.push_back(tip->header);
            message.count = 1;
            send(server, std::move(message));
        }
    }
    void move_all(const HeaderNode* tip) {
        for (auto& server : servers) move(*server, tip);
    }

    /// What the peer says arrives now.
    void send(Server& server, net::Message message) {
        if (!server.present) return;
        role->on_message(server.info, std::move(message), outbox_, now_us);
        drain();
    }

    void step(std::int64_t by_us = 100'000) {
        now_us += by_us;
        run_tasks();
        role->on_tick(outbox_, now_us);
        drain();
        for (std::size_t i = 0; i < servers.size(); ++i) {
            Server& server = *servers[i];
            while (server.present && !server.later.empty() && server.later.begin()->first <= now_us) {
                net::Message message = std::move(server.later.begin()->second);
                server.later.erase(server.later.begin());
                send(server, std::move(message));
            }
            if (server.present) role->on_pump(server.info, outbox_, now_us);
            drain();
        }
    }
    /// Until the condition holds; false when it does not within this virtual time.
    bool run_until(const std::function<bool()>& condition, std::int64_t seconds = 300) {
        const std::int64_t end = now_us + seconds * 1'000'000;
        while (now_us < end) {
            if (condition()) return true;
            step();
        }
        return condition();
    }
    void run(std::int64_t seconds) {
        run_until([] { return false; }, seconds);
    }
    bool sync(std::int64_t seconds = 300) {
        return run_until([this] { return role->view()->phase == light::Phase::synced && role->view()->tip->hash == chain.tip()->hash; }, seconds);
    }

    /// The honest filter of a block.
    Bytes filter(const HeaderNode* node) const {
        const Block& block = *chain.block(node);
        std::vector<ByteSpan> spent;
        for (std::size_t i = 1; i < block.txs().size(); ++i)
            for (const TxInput& input : block.txs()[i].inputs) spent.push_back(output(node, input.prevout).script_pubkey);
        return basic_filter(block, spent);
    }
    Bytes filter_of(const Server& server, const HeaderNode* node) const {
        const Bytes honest = filter(node);
        if (!server.lies.contains(node->height)) return honest;
        return server.forge ? server.forge(*chain.block(node), honest) : Bytes{0};
    }

    ChainBuilder chain;
    storage::MemoryKv kv;
    TestJobs jobs;
    TestWallet wallet;
    light::FilterHeaders::Options filter_options{};
    unsigned fee_blocks_per_hour = 0;
    bool bloom_filters = false;  ///< instead of compact filters, from the next start on
    std::vector<light::HeaderAnchor> anchors{};
    std::optional<Height> keep_filters{};
    std::unique_ptr<light::LightRole> role;
    std::vector<std::unique_ptr<Server>> servers;
    std::int64_t now_us = 1'700'000'000'000'000;
    std::uint8_t seed = 1;
    net::LogLines log;
    bool keep_log = false;

private:
    TxOutput output(const HeaderNode* node, const OutPoint& outpoint) const {
        for (; node; node = node->parent)
            for (const Transaction& tx : chain.block(node)->txs())
                if (tx.txid == outpoint.txid) return tx.outputs[outpoint.index];
        CAIRN_CHECK(false);
        return {};
    }

    void run_tasks() {
        jobs.work();
        while (!tasks_.empty()) {
            const auto task = std::move(tasks_.front());
            tasks_.pop_front();
            task();
            jobs.work();
        }
    }

    void drain() {
        if (draining_) return;
        draining_ = true;
        while (!outbox_.empty()) {
            for (net::RoleAction& action : outbox_.take()) {
                if (auto* sent = std::get_if<net::SendAction>(&action)) {
                    if (Server* server = find(sent->peer)) answer(*server, sent->message);
                } else if (const auto* closed = std::get_if<net::DisconnectAction>(&action)) {
                    if (Server* server = find(closed->peer)) server->disconnected = true, leave(*server);
                } else if (const auto* bad = std::get_if<net::MisbehavingAction>(&action)) {
                    if (Server* server = find(bad->peer)) server->misbehaved = true, leave(*server);
                }
            }
        }
        if (!keep_log) log.take();
        draining_ = false;
    }
    Server* find(net::PeerId id) {
        for (auto& server : servers)
            if (server->present && server->info.id == id) return server.get();
        return nullptr;
    }
    void reply(Server& server, net::Message message) {
        if (!server.present) return;
        role->on_message(server.info, std::move(message), outbox_, now_us);
    }
    const HeaderNode* stop_of(Server& server, const BlockHash& hash) {
        const HeaderNode* node = chain.headers().find(hash);
        if (node && server.tip->ancestor(node->height) == node) return node;
        ++server.unknown_stops;
        return nullptr;
    }

    void answer(Server& server, const net::Message& message) {
        if (const auto* ask = std::get_if<net::GetHeadersMessage>(&message)) answer_headers(server, *ask);
        else if (const auto* hashes = std::get_if<net::GetCFHeadersMessage>(&message)) answer_filter_headers(server, *hashes);
        else if (const auto* points = std::get_if<net::GetCFCheckptMessage>(&message)) answer_checkpoints(server, *points);
        else if (const auto* filters = std::get_if<net::GetCFiltersMessage>(&message)) answer_filters(server, *filters);
        else if (const auto* data = std::get_if<net::GetDataMessage>(&message)) answer_data(server, *data);
        else if (std::holds_alternative<net::SendHeadersMessage>(message)) server.asked_for_headers = true;
        else if (const auto* load = std::get_if<net::FilterLoadMessage>(&message)) {
            server.bloom.emplace(load->filter, load->hash_functions, load->tweak, load->flags);
            ++server.filters_loaded;
        }
    }
    void answer_headers(Server& server, const net::GetHeadersMessage& ask) {
        ++server.headers_asked;
        if (server.mute_headers) return;
        const HeaderNode* from = chain.headers().genesis();
        for (const BlockHash& hash : ask.locator) {
            const HeaderNode* node = chain.headers().find(hash);
            if (!node || server.tip->ancestor(node->height) != node) continue;
            from = node;
            break;
        }
        net::HeadersMessage headers;
        for (Height height = from->height + 1; height <= server.tip->height && headers.headers.size() < 2000; ++height) {
            headers.headers.push_back(server.tip->ancestor(height)->header);
            if (server.tip->ancestor(height)->hash == ask.stop) break;
        }
        headers.count = headers.headers.size();
        reply(server, std::move(headers));
    }
    void answer_filter_headers(Server& server, const net::GetCFHeadersMessage& ask) {
        const HeaderNode* stop = stop_of(server, ask.stop);
        ++server.filter_headers_asked;
        if (!stop || server.mute_filter_headers) return;
        net::CFHeadersMessage message;
        message.stop = ask.stop;
        Uint256 header;
        for (Height height = 0; height <= stop->height; ++height) {
            const Uint256 hash = filter_hash(filter_of(server, stop->ancestor(height)));
            if (height == static_cast<Height>(ask.start_height)) message.previous_header = header;
            if (height >= static_cast<Height>(ask.start_height)) message.filter_hashes.push_back(hash);
            header = filter_header(hash, header);
        }
        reply(server, std::move(message));
    }
    void answer_checkpoints(Server& server, const net::GetCFCheckptMessage& ask) {
        const HeaderNode* stop = stop_of(server, ask.stop);
        if (!stop || server.mute_filter_headers) return;
        ++server.checkpoints_asked;
        net::CFCheckptMessage message;
        message.stop = ask.stop;
        Uint256 header;
        for (Height height = 0; height <= stop->height; ++height) {
            const HeaderNode* node = stop->ancestor(height);
            header = filter_header(filter_hash(server.honest_checkpoints ? filter(node) : filter_of(server, node)), header);
            if (height > 0 && height % 1000 == 0) message.headers.push_back(header);
        }
        reply(server, std::move(message));
    }
    void answer_filters(Server& server, const net::GetCFiltersMessage& ask) {
        ++server.filters_asked;
        const HeaderNode* stop = stop_of(server, ask.stop);
        if (!stop || server.mute_filters) return;
        std::int64_t at = server.later.empty() ? now_us : server.later.rbegin()->first;
        for (auto height = static_cast<Height>(ask.start_height); height <= stop->height; ++height) {
            net::CFilterMessage message;
            message.block = stop->ancestor(height)->hash;
            message.filter = filter_of(server, stop->ancestor(height));
            if (server.filter_delay_us == 0) {
                reply(server, std::move(message));
            } else {
                at += server.filter_delay_us;
                server.later.emplace(at, std::move(message));
            }
        }
    }
    void answer_data(Server& server, const net::GetDataMessage& ask) {
        for (const net::InvItem& item : ask.items) {
            if (item.is_tx()) {
                if (const auto found = mempool.find(item.hash); found != mempool.end()) reply(server, net::TxMessage{to_bytes(found->second->tx().raw)});
                continue;
            }
            if (item.type == net::kInvFilteredBlock) {
                answer_filtered(server, chain.headers().find(BlockHash(item.hash)));
                continue;
            }
            ++server.blocks_asked;
            const HeaderNode* node = chain.headers().find(BlockHash(item.hash));
            if (!node || server.keeps_blocks) continue;
            reply(server, net::BlockMessage{spoil ? spoil(*chain.block(node)) : to_bytes(chain.block(node)->raw())});
        }
    }

    void answer_filtered(Server& server, const HeaderNode* node) {
        if (!server.bloom || !node) return;
        const Block& block = *chain.block(node);
        std::vector<Uint256> leaves;
        std::vector<bool> wanted;
        for (const Transaction& tx : block.txs()) {
            leaves.push_back(Uint256(tx.txid));
            wanted.push_back(server.bloom->match(tx) && !server.hides_matches);
        }
        if (server.spoils_proofs) leaves[0] = sha256(Bytes{1});
        Bytes bytes;
        Writer writer(bytes);
        MerkleBlock{block.header(), MerkleProof::make(leaves, wanted)}.write(writer);
        reply(server, *net::decode_message("merkleblock", std::move(bytes)));
        for (std::size_t i = 0; i < wanted.size(); ++i)
            if (wanted[i]) reply(server, net::TxMessage{MutableTransaction(block.txs()[i]).serialize(false)});
    }

public:
    std::map<Uint256, TransactionPtr> mempool;            ///< by wtxid: what every server hands out
    std::function<Bytes(const Block&)> spoil;             ///< what servers make of blocks on their way

private:
    net::Outbox outbox_{log};
    std::deque<std::function<void()>> tasks_;
    net::PeerId next_id_ = 1;
    bool draining_ = false;
};

}  // namespace cairn::test
