#include "light/light_client.hpp"

#include <atomic>

#include "light/chain_methods.hpp"
#include "light/rpc/methods.hpp"
#include "light/thread_jobs.hpp"
#include "light/wallet_shelf.hpp"
#include "light/web/web_face.hpp"
#include "net/http/auth.hpp"
#include "net/http/json_rpc.hpp"
#include "net/io/clock.hpp"
#include "net/io/log.hpp"
#include "storage/datadir.hpp"
#include "storage/rocks/rocks_kv.hpp"

namespace cairn::light {

namespace log = net::log;

namespace {

constexpr std::uint64_t kChainCacheBytes = 8u << 20, kWatchCacheBytes = 1u << 20, kWriteBufferBytes = 4u << 20;

}  // namespace

struct LightClient::Parts {
    LightSettings settings;
    std::function<void()> request_stop;
    std::atomic<bool> failed{false};
    std::optional<storage::DirectoryLock> lock;
    net::Clock clock;
    std::unique_ptr<storage::KvStore> chain_kv, watch_kv;
    std::unique_ptr<ScriptWatch> watch;
    std::unique_ptr<WalletShelf> shelf;
    std::unique_ptr<LightRole> role;
    std::unique_ptr<ThreadJobs> jobs;
    std::unique_ptr<net::Network> network;
    ChainMethods methods;
    RpcContext wallet_methods;
    http::RpcTable table;
    http::Authorizer authorizer;
    std::unique_ptr<http::JsonRpc> json_rpc;
    std::unique_ptr<http::HttpServer> http;
    std::unique_ptr<WebFace> web;

    Result<void, std::string> open_stores();
    Result<void, std::string> start_http();
    Result<void, std::string> start_web();
};

LightClient::LightClient(LightSettings settings, std::function<void()> request_stop) : parts_(std::make_unique<Parts>()) {
    parts_->settings = std::move(settings);
    parts_->request_stop = std::move(request_stop);
}

LightClient::~LightClient() { stop(); }

bool LightClient::failed() const { return parts_ && parts_->failed; }

Result<void, std::string> LightClient::Parts::open_stores() {
    const auto open = [](const std::filesystem::path& directory, std::uint64_t cache) {
        storage::RocksOptions options;
        options.block_cache_bytes = cache;
        options.write_buffer_bytes = kWriteBufferBytes;
        options.max_open_files = 128;
        return storage::open_rocks(directory, options);
    };
    auto opened = open(settings.data_dir / "chain", kChainCacheBytes);
    if (!opened) return fail(opened.error().message);
    chain_kv = std::move(*opened);
    opened = open(settings.data_dir / "watch", kWatchCacheBytes);
    if (!opened) return fail(opened.error().message);
    watch_kv = std::move(*opened);
    auto watching = ScriptWatch::open(*watch_kv);
    if (!watching) return fail(watching.error().message);
    watch = std::move(*watching);
    for (const WatchedScript& watched : settings.watched)
        if (auto added = watch->add(watched.script, watched.since); !added) return fail(added.error().message);
    shelf = std::make_unique<WalletShelf>(*settings.params, *watch, WalletShelf::Options{settings.data_dir / "wallets", &net::Clock::system_now, {settings.fallback_fee}});
    for (const std::string& trouble : shelf->open()) log::warning("{}", trouble);
    return {};
}

Result<void, std::string> LightClient::Parts::start_web() {
    if (!settings.web_port) return {};
    web = std::make_unique<WebFace>(table, WebFace::Options{*settings.web_port, settings.data_dir / "web_address"});
    if (auto done = web->start(); !done) return done;
    log::info("The page of the wallet: its address is in {}", (settings.data_dir / "web_address").string());
    return {};
}

Result<void, std::string> LightClient::Parts::start_http() {
    http = std::make_unique<http::HttpServer>(settings.http);
    if (!http->bind()) return fail(std::string("Unable to start HTTP server. See debug log for details."));
    const auto cookie = http::write_cookie(settings.cookie_file, {});
    if (!cookie) return fail(cookie.error());
    authorizer.add_plain(http::kCookieUser, *cookie);
    json_rpc = std::make_unique<http::JsonRpc>(table, authorizer, settings.net.log_ips);
    http->add_route("/", true, [this](const http::HttpRequest& request) { return json_rpc->handle(request); });
    http->add_route("/wallet/", false, [this](const http::HttpRequest& request) { return json_rpc->handle(request); });
    http->start();
    return {};
}

Result<void, std::string> LightClient::start() {
    Parts& p = *parts_;
    auto lock = storage::DirectoryLock::acquire(p.settings.data_dir, "Cairn light client");
    if (!lock) return fail(lock.error().message);
    p.lock = std::move(*lock);
    if (auto done = p.start_http(); !done) return done;
    p.table.set_warmup_status("Loading headers…");
    if (auto done = p.open_stores(); !done) return done;
    p.jobs = std::make_unique<ThreadJobs>(p.settings.workers);
    LightRole::Options options;
    options.filters.voters = p.settings.voters;
    options.filters.checkpoints = p.settings.checkpoints;
    options.keep_filters = p.settings.keep_filters;
    options.anchors = header_anchors(p.settings.params->network);
    options.hear_transactions = p.settings.hear_transactions;
    options.bloom_filters = p.settings.bloom_filters;
    if (options.bloom_filters) log::warning("-bip37: the peers that are asked learn which addresses and coins are yours, and nothing shows when they leave out a payment");
    options.broadcast_privately = p.settings.broadcast_privately;
    options.fee_blocks_per_hour = p.settings.fee_blocks_per_hour;
    options.scratch = p.settings.data_dir / "chain";
    options.fatal = [&p](const storage::StorageError& error) {
        if (p.failed.exchange(true)) return;
        log::error("{}", error.message);
        p.request_stop();
    };
    auto role = LightRole::open(*p.settings.params, *p.chain_kv, *p.jobs, *p.shelf, *p.shelf, std::move(options));
    if (!role) return fail(role.error().message);
    p.role = std::move(*role);
    const auto view = p.role->view();
    log::info("Loaded headers up to height {}, filter headers up to {}", view->tip->height, view->filter_height);
    p.network = std::make_unique<net::Network>(p.settings.net, *p.role, p.clock);
    if (auto done = p.network->start(); !done) return done;
    p.methods = {p.settings.params.get(), p.role.get(), p.watch.get(), p.network.get(), net::Clock::system_now(), p.request_stop};
    add_chain_methods(p.table, p.methods);
    p.shelf->attach(*p.role, *p.network);
    p.wallet_methods = {p.settings.params.get(), p.shelf.get(), &net::Clock::system_now};
    register_light_methods(p.table, p.wallet_methods);
    p.table.finish_warmup();
    if (auto done = p.start_web(); !done) return done;
    log::info("Done loading");
    return {};
}

void LightClient::stop() {
    if (!parts_) return;
    Parts& p = *parts_;
    if (p.web) p.web->stop();
    if (p.http) p.http->interrupt();
    if (p.shelf) p.shelf->end_waits();
    if (p.http) p.http->stop();
    if (p.network) p.network->stop();
    if (p.jobs) p.jobs->stop();
    if (p.shelf) p.shelf->detach();
    p.network.reset();
    p.role.reset();
    p.jobs.reset();
    p.shelf.reset();
    p.watch.reset();
    for (const auto& kv : {p.chain_kv.get(), p.watch_kv.get()})
        if (kv) (void)kv->flush();
    p.watch_kv.reset();
    p.chain_kv.reset();
    std::error_code ignored;
    if (p.json_rpc) std::filesystem::remove(p.settings.cookie_file, ignored);
    log::info("Shutdown done");
    parts_.reset();
}

}  // namespace cairn::light
