#include "node/node.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "net/http/json_rpc.hpp"
#include "net/http/rpc_table.hpp"
#include "net/io/clock.hpp"
#include "net/io/log.hpp"
#include "node/acceptance/mempool_service.hpp"
#include "node/ban_file.hpp"
#include "node/chain/chain_service.hpp"
#include "node/fees/fee_estimator.hpp"
#include "node/index/index_service.hpp"
#include "node/mining/template_board.hpp"
#include "node/notify.hpp"
#include "node/relay/full_role.hpp"
#include "node/relay/tx_relay_port.hpp"
#include "node/rest/rest.hpp"
#include "node/rpc/context.hpp"
#include "node/zmq/publisher.hpp"
#include "storage/rocks/rocks_kv.hpp"

namespace cairn::node {

namespace fs = std::filesystem;
namespace log = net::log;

namespace {

/// -blocknotify: tells the outside of each block that joins the active chain once the first download is over.
class BlockNotifier final : public ChainObserver {
public:
    explicit BlockNotifier(std::string command) : command_(std::move(command)) {}
    void on_tip(const std::shared_ptr<const ChainView>& view, const HeaderNode*, const HeaderNode* fork) override {
        if (command_.empty() || view->initial_block_download || view->importing || !view->tip) return;
        std::vector<std::string> commands;
        for (const HeaderNode* node = view->tip; node && node != fork; node = node->parent) {
            commands.push_back(with_argument(command_, node->hash.to_display_hex()));
        }
        if (commands.empty()) commands.push_back(with_argument(command_, view->tip->hash.to_display_hex()));  // went back only
        std::thread([commands = std::move(commands)] {
            for (auto it = commands.rbegin(); it != commands.rend(); ++it) run_command(*it);
        }).detach();
    }

private:
    std::string command_;
};

}  // namespace

struct Node::Parts {
    Parts(const Args& a, NodeSettings s, DirectoryLocks l, ShutdownSignal& sig)
        : args(a), settings(std::move(s)), shutdown(sig), locks(std::move(l)), notifier(settings.block_notify) {}

    void message(std::string text);
    void fatal(const std::string& text);
    void alert(const std::string& text);
    std::vector<std::string> all_warnings() const;

    bool write_pid_file(std::string& error);
    void fill_context();
    void flush_fees();
    Result<void, std::string> start_http();
    Result<void, NodeStartError> open_chain();
    Result<void, std::string> start_network();

    const Args& args;
    NodeSettings settings;
    ShutdownSignal& shutdown;
    std::atomic<bool> failed{false};
    std::atomic<bool> ready{false};
    bool wrote_pid = false, wrote_cookie = false;

    mutable std::mutex mutex;  // the two below
    std::string phase;
    std::string clock_warning;

    DirectoryLocks locks;
    net::Clock clock;
    std::unique_ptr<storage::KvStore> kv;
    std::unique_ptr<ChainService> chain;
    std::unique_ptr<IndexService> indexes;  // null when none is kept
    std::unique_ptr<FeeEstimator> fees;  // null with -blocksonly
    std::unique_ptr<MempoolService> mempool;
    std::unique_ptr<TemplateBoard> templates;
    std::atomic<std::int64_t> scheduler_ahead{0};  // seconds, by mockscheduler
    BlockNotifier notifier;
    std::unique_ptr<ZmqPublisher> publisher;
    std::unique_ptr<FullRole> role;
    std::unique_ptr<net::Network> network;

    NodeContext context;
    http::RpcTable table;
    http::Authorizer authorizer;
    std::unique_ptr<http::JsonRpc> json_rpc;
    std::unique_ptr<Rest> rest;
    std::unique_ptr<http::HttpServer> http;
};

void Node::Parts::message(std::string text) {
    log::info("init message: {}", text);
    table.set_warmup_status(text);
    const std::lock_guard lock(mutex);
    phase = std::move(text);
}

void Node::Parts::fatal(const std::string& text) {
    failed = true;
    log::error("{}", text);
    std::fprintf(stderr, "Error: A fatal internal error occurred, see debug.log for details: %s\n", text.c_str());
    shutdown.request();
}

void Node::Parts::alert(const std::string& text) {
    if (text.empty()) return;
    log::warning("{}", text);
    if (!settings.alert_notify.empty()) run_command_detached(with_argument(settings.alert_notify, shell_safe(text)));
}

std::vector<std::string> Node::Parts::all_warnings() const {
    if (!chain || !ready) return {};
    std::vector<std::string> warnings = chain->warnings();
    const std::lock_guard lock(mutex);
    if (!clock_warning.empty()) warnings.push_back(clock_warning);
    return warnings;
}

bool Node::Parts::write_pid_file(std::string& error) {
    if (settings.pid_file.empty()) return true;
    std::ofstream file(settings.pid_file);
    file << getpid() << "\n";
    file.close();
    wrote_pid = static_cast<bool>(file);
    if (!wrote_pid) error = fmt::format("Unable to create the PID file '{}': {}", settings.pid_file.string(), std::strerror(errno));
    return wrote_pid;
}

void Node::Parts::fill_context() {
    context.params = settings.params.get();
    context.chain = chain.get();
    context.mempool = mempool.get();
    context.indexes = indexes.get();
    context.fees = fees.get();
    context.templates = templates.get();
    context.net = network.get();
    context.relay = &role->tx_relay();
    context.block_requests = role.get();
    context.clock = &clock;
    context.rpc = &table;
    context.data_dir = settings.data_dir;
    context.log_file = log::file_path();
    context.start_time = net::Clock::system_now();
    context.version = settings.version;
    context.user_agent = settings.user_agent;
    context.pruning = settings.chain.prune;
    context.prune_manually = settings.chain.prune && settings.chain.prune_target == 0;
    context.prune_target_bytes = settings.chain.prune_target;
    context.min_relay_fee_rate = settings.min_relay_fee_rate;
    context.incremental_relay_fee_rate = settings.incremental_relay_fee_rate;
    context.private_broadcast = settings.private_broadcast;
    context.ban_time = settings.net.ban_time_s;
    context.relay_transactions = !settings.net.blocks_only;
    context.coins_db_cache_bytes = settings.block_cache_bytes;
    context.coins_cache_bytes = settings.chain.cache_bytes;
    context.deprecated_rpc = settings.deprecated_rpc;
    context.request_shutdown = [this] { shutdown.request(); };
    context.shutdown_requested = [this] { return shutdown.requested(); };
    context.set_mock_time = [this](std::int64_t seconds) {
        clock.set_mock(seconds);
        log::set_mock_time(seconds);
        if (network) network->wake();
    };
    context.advance_scheduler = [this](std::int64_t seconds) {
        scheduler_ahead += seconds;
        flush_fees();
        if (role) role->tx_relay().advance_timers(seconds);
        if (network) network->wake();
    };
    context.warnings = [this] { return all_warnings(); };
    context.zmq_notifications = [this] {
        std::vector<ZmqNotification> notifications;
        if (!publisher) return notifications;
        for (const ZmqNotifier& active : publisher->active()) {
            notifications.push_back({active.type, active.address, active.high_water_mark});
        }
        return notifications;
    };
}

/// Writes the fee estimates when it is time.
void Node::Parts::flush_fees() {
    const auto steady = std::chrono::steady_clock::now().time_since_epoch();
    if (fees) fees->flush_when_due(std::chrono::duration_cast<std::chrono::seconds>(steady).count() + scheduler_ahead);
}

/// The server answers from now on, with "still warming up" at first.
Result<void, std::string> Node::Parts::start_http() {
    const auto failure = [] { return fail(std::string("Unable to start HTTP server. See debug log for details.")); };
    if (!settings.server) return {};
    http = std::make_unique<http::HttpServer>(settings.http);
    if (!http->bind()) return failure();
    if (!set_up_authorization(args, settings, authorizer)) return failure();
    wrote_cookie = args.get("-rpcpassword", "").empty() && !settings.cookie_file.empty();
    json_rpc = std::make_unique<http::JsonRpc>(table, authorizer, settings.log_ips);
    const auto handler = [this](const http::HttpRequest& request) { return json_rpc->handle(request); };
    http->add_route("/", true, handler);
    http->add_route("/wallet/", false, handler);
    if (settings.rest) {
        rest = std::make_unique<Rest>(context, table);
        rest->add_routes(*http);
    }
    http->start();
    return {};
}

Result<void, NodeStartError> Node::Parts::open_chain() {
    storage::RocksOptions rocks;
    rocks.block_cache_bytes = settings.block_cache_bytes;
    rocks.filter_all_levels = settings.params->network == Network::regtest;
    // Below blocks/, where other software expects most of the bytes; so the ledger follows -blocksdir.
    auto opened = storage::open_rocks(settings.blocks_dir / "ledger", rocks);
    if (!opened) return fail(NodeStartError{opened.error().message});
    kv = std::move(*opened);
    ChainHooks hooks;
    hooks.fatal = [this](const std::string& text) { fatal(text); };
    hooks.request_stop = [this] { shutdown.request(); };
    hooks.alert = [this](const std::string& text) { alert(text); };
    hooks.progress = [this](const std::string& title, int percent) { message(percent > 0 ? fmt::format("{} {}%", title, percent) : title); };
    hooks.interrupted = [this] { return shutdown.requested(); };
    chain = std::make_unique<ChainService>(settings.chain, settings.params, *kv, clock, std::move(hooks));
    if (settings.indexes.any()) {
        indexes = std::make_unique<IndexService>(settings.indexes, *chain, chain->thread(), *kv, *settings.params,
                                                 [this](const std::string& text) { fatal(text); });
    }
    message("Loading block index…");
    if (auto started = chain->start(); !started) {
        const ChainStartError& error = started.error();
        if (error.interrupted) return fail(NodeStartError{});
        if (!error.offer_reindex || settings.chain.reindex) return fail(NodeStartError{error.message});
        return fail(NodeStartError{error.message + ".\nPlease restart with -reindex or -reindex-chainstate to recover.", true});
    }
    if (indexes) {
        if (auto started = indexes->start(); !started) {
            return fail(NodeStartError{started.error() +
                                       "\nError: A fatal internal error occurred, see debug.log for details: Failed to start indexes, shutting down…"});
        }
    }
    // The mempool hears of the chain before everyone else, so that it follows a tip before that is shown.
    mempool = std::make_unique<MempoolService>(settings.mempool, *chain, chain->thread(), clock);
    // Of all who hear of a new tip the miner is in the greatest hurry.
    templates = std::make_unique<TemplateBoard>(*chain, mempool.get(), settings.params, clock, settings.mining);
    templates->start();
    if (publisher) mempool->subscribe(publisher.get());
    // Without relay the mempool shows too little of the market.
    if (!settings.net.blocks_only) {
        fees = std::make_unique<FeeEstimator>(settings.data_dir / "fee_estimates.dat", settings.accept_stale_fee_estimates);
        mempool->subscribe(fees.get());
        flush_fees();
    }
    mempool->start(settings.data_dir / "mempool.dat");
    chain->subscribe(&notifier);
    if (publisher) chain->subscribe(publisher.get());
    return {};
}

Result<void, std::string> Node::Parts::start_network() {
    message("Starting network threads…");
    FullRole::Options options;
    options.minimum_chain_work = settings.chain.minimum_work.value_or(settings.params->minimum_chain_work);
    options.prune_mode = settings.chain.prune;
    options.peer_bloom_filters = settings.peer_bloom_filters;
    options.private_broadcast = settings.private_broadcast;
    options.blocks_only = settings.net.blocks_only;
    options.max_send_buffer = settings.net.max_send_buffer;
    if (settings.peer_block_filters) options.filters = &indexes->filters()->index;
    options.mempool = mempool.get();
    options.min_relay = settings.mempool.min_relay;
    options.incremental_relay = settings.mempool.incremental_relay;
    options.tx_send_rate = settings.tx_send_rate;
    options.extra_transactions = settings.extra_transactions;
    role = std::make_unique<FullRole>(*chain, *settings.params, options);
    net::NetworkOptions wanted = settings.net;
    const fs::path ban_file = settings.data_dir / "banlist.json";
    wanted.bans = load_bans(ban_file, clock.now());
    wanted.bans_changed = [ban_file](const std::vector<net::Ban>& bans) { write_bans(ban_file, bans); };
    wanted.clock_doubted = [this](const std::string& warning) {
        const std::lock_guard lock(mutex);
        clock_warning = warning;
    };
    network = std::make_unique<net::Network>(std::move(wanted), *role, clock);
    return network->start();
}

Node::Node(const Args& args, NodeSettings settings, DirectoryLocks locks, ShutdownSignal& shutdown)
    : parts_(std::make_unique<Parts>(args, std::move(settings), std::move(locks), shutdown)) {}

Node::~Node() { stop(); }

Result<DirectoryLocks, std::string> lock_directories(const NodeSettings& settings) {
    if (auto own = storage::refuse_foreign(settings.data_dir, settings.blocks_dir); !own) return fail(own.error().message);
    DirectoryLocks locks;
    for (const fs::path& directory : {settings.data_dir, settings.blocks_dir}) {
        auto lock = storage::DirectoryLock::acquire(directory, kCompatibleName);
        if (!lock) return fail(lock.error().message);
        locks.push_back(std::move(*lock));
    }
    return locks;
}

Result<void, NodeStartError> Node::start() {
    Parts& p = *parts_;
    std::string error;
    if (!p.write_pid_file(error)) return fail(NodeStartError{error});
    // Scripts that copy, link or clear a data directory look for this folder beside `blocks`.
    std::error_code ignored;
    fs::create_directory(p.settings.data_dir / "chainstate", ignored);
    if (p.settings.mock_time != 0) {
        p.clock.set_mock(p.settings.mock_time);
        log::set_mock_time(p.settings.mock_time);
    }
    if (auto done = p.start_http(); !done) return fail(NodeStartError{done.error()});
    p.publisher = ZmqPublisher::create(p.settings.zmq);
    if (auto done = p.open_chain(); !done) return done;
    if (p.shutdown.requested()) return fail(NodeStartError{});
    if (auto done = p.start_network(); !done) return fail(NodeStartError{done.error()});
    p.fill_context();
    register_methods(p.table, p.context);
    p.ready = true;
    p.message("Done loading");
    p.table.finish_warmup();
    run_command_detached(p.settings.startup_notify);
    return {};
}

void Node::tick() {
    Parts& p = *parts_;
    if (p.ready) p.flush_fees();
    if (p.ready && p.settings.stop_after_import && !p.chain->view()->importing && !p.shutdown.requested()) {
        log::info("Stopping after block import");
        p.shutdown.request();
    }
}

void Node::stop() {
    if (!parts_) return;
    Parts& p = *parts_;
    std::vector<std::thread> commands;
    for (const std::string& command : p.settings.shutdown_notify) commands.emplace_back([command] { run_command(command); });
    for (std::thread& command : commands) command.join();
    if (p.http) p.http->interrupt();
    log::info("Shutdown in progress...");
    if (p.chain) p.chain->end_waiting();
    if (p.http) p.http->stop();
    if (p.network) p.network->stop();
    if (p.templates) p.templates->stop();
    if (p.mempool) p.mempool->stop();
    if (p.fees) {
        p.mempool->unsubscribe(p.fees.get());
        p.fees->finish();
    }
    if (p.indexes) p.indexes->stop();
    if (p.chain) {
        p.chain->unsubscribe(&p.notifier);
        p.chain->stop();
        if (p.publisher) {
            if (p.mempool) p.mempool->unsubscribe(p.publisher.get());
            p.chain->unsubscribe(p.publisher.get());
        }
    }
    p.publisher.reset();
    p.network.reset();
    p.role.reset();
    p.templates.reset();
    p.mempool.reset();
    p.fees.reset();
    p.indexes.reset();
    p.chain.reset();
    p.kv.reset();
    std::error_code error;
    if (p.wrote_cookie) fs::remove(p.settings.cookie_file, error);
    if (p.wrote_pid) fs::remove(p.settings.pid_file, error);
    log::info("Shutdown done");
    parts_.reset();
}

NodeStatus Node::status() const {
    const Parts& p = *parts_;
    NodeStatus status;
    {
        const std::lock_guard lock(p.mutex);
        status.phase = p.phase;
    }
    if (!p.ready) return status;
    status.ready = true;
    const auto view = p.chain->view();
    if (view->tip) {
        status.height = view->tip->height;
        status.tip_time = view->tip->header.time;
        status.progress = p.chain->verification_progress(view->tip);
    }
    if (view->best_header) status.headers = view->best_header->height;
    status.importing = view->importing;
    status.initial_block_download = view->initial_block_download;
    const auto net = p.network->view();
    status.peers = net->peers.size();
    status.bytes = view->importing ? p.chain->size_on_disk() : net->total_received;
    return status;
}

bool Node::failed() const { return parts_ && parts_->failed; }

}  // namespace cairn::node
