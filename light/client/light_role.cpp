#include "light/client/light_role.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_set>

#include "light/client/block_requests.hpp"
#include "light/client/bloom_scan.hpp"
#include "light/client/broadcast.hpp"
#include "light/client/fee_rates.hpp"
#include "light/client/filter_fetch.hpp"
#include "light/client/header_chain.hpp"
#include "light/client/header_ranges.hpp"
#include "light/client/light_store.hpp"
#include "light/client/progress_meter.hpp"
#include "light/client/scanner.hpp"
#include "light/client/tx_watch.hpp"
#include "net/sync/header_sync.hpp"
#include "storage/scratch_memory.hpp"

namespace cairn::light {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

constexpr std::uint64_t kNeeded = kServiceNetwork | kServiceWitness | kServiceCompactFilters;
constexpr std::uint64_t kNeededForBloom = kServiceNetwork | kServiceWitness | kServiceBloom;
constexpr std::int64_t kPictureInterval_us = 200'000;
constexpr std::int64_t kRestInterval_us = 1'000'000;   // headers are not kept resident for longer
constexpr Height kDropAtOnce = 1'000;                   // filters, so that few ranges are erased
constexpr std::uint32_t kRestHeaders = 50'000;         // nor more new ones than these
constexpr std::int64_t kHeaderPatience_us = 5'000'000;               // with a peer that gives no headers
constexpr std::int64_t kAskForPayments_us = 10LL * 60 * 1'000'000;  // when no block comes
constexpr std::size_t kQuestionsWaiting = 10'000'000;                // bytes of relayed transactions that the sink is to judge

/// The way to the net thread for jobs, which may outlive it.
struct Inbox {
    std::mutex mutex;
    std::function<void(std::function<void()>)> post;  ///< empty: nobody listens
    std::vector<std::function<void()>> early;         ///< that came before the network

    void put(std::function<void()> task) {
        const std::lock_guard lock(mutex);
        if (post) post(std::move(task));
        else early.push_back(std::move(task));
    }
};

}  // namespace

class LightRole::Impl {
public:
    Impl(const ChainParams& params, std::unique_ptr<LightStore> the_store, Jobs& the_jobs, BlockSink& the_sink, Options given)
        : options(std::move(given)),
          random(options.seed ? Random(*options.seed) : Random::from_system()),
          store(std::move(the_store)),
          jobs(the_jobs),
          sink(the_sink),
          memory(options.scratch),
          chain(params, options.minimum_chain_work.value_or(params.minimum_chain_work), &memory),
          chains(chain),
          headers(chain, chains, params, random),
          blocks(chains, random, jobs, [box = inbox](std::function<void()> task) { box->put(std::move(task)); }),
          filter_headers(chain, chains, blocks, options.filters, &memory),
          filters(chain, chains, filter_headers),
          txs(random),
          broadcast(Random(random.uint256()), {options.broadcast_privately, options.hear_transactions}),
          fees(params),
          fee_blocks(fees, chain, blocks, random, options.fee_blocks_per_hour) {}

    struct Peer {
        PeerInfo* info = nullptr;
        bool headers_done = false;  ///< gave all that it has
    };

    storage::Stored<void> load(ScriptSource& source);
    void connect_parts();
    void on_headers(PeerInfo& peer, HeadersMessage&& message, Outbox& out, std::int64_t now_us);
    void on_inv(PeerInfo& peer, const InvMessage& message, Outbox& out, std::int64_t now_us);
    void on_tx(const PeerInfo& peer, const TxMessage& message, Outbox& out, std::int64_t now_us);
    void ask_for_payments(std::int64_t now_us);
    void tick_bloom(Outbox& out, std::int64_t now_us);
    std::uint64_t needed() const { return options.bloom_filters ? kNeededForBloom : kNeeded; }
    void run_errands(Outbox& out, std::int64_t now_us);
    void save_headers();
    bool headers_done() const;
    void publish(std::int64_t now_us);
    void advance(Outbox& out, std::int64_t now_us);
    void let_memory_rest(std::int64_t now_us);
    void drop_old_filters();
    void check(const storage::Stored<void>& done) const {
        if (!done && options.fatal) options.fatal(done.error());
    }

    Options options;
    Random random;
    std::unique_ptr<LightStore> store;
    Jobs& jobs;
    BlockSink& sink;
    std::shared_ptr<Inbox> inbox = std::make_shared<Inbox>();
    storage::ScratchMemory memory;  ///< of headers and filter headers
    HeaderChain chain;
    PeerChains chains;
    HeaderSync headers;
    std::unique_ptr<HeaderRanges> old_headers;  ///< once it is known what is here
    BlockRequests blocks;
    FilterHeaders filter_headers;
    FilterFetch filters;
    TxWatch txs;
    Broadcast broadcast;
    FeeRates fees;
    FeeSampler fee_blocks;
    std::vector<std::function<void(Outbox&, std::int64_t)>> errands;  ///< that came from other threads
    const HeaderNode* payments_asked_at = nullptr;                    ///< the tip then
    std::int64_t payments_asked_us = 0;
    std::optional<BloomScan> bloom;
    bool bloom_loading = false;
    std::uint64_t bloom_revision = 0;                                 ///< of the scripts in its filter
    std::shared_ptr<std::atomic<std::size_t>> questions = std::make_shared<std::atomic<std::size_t>>(0);
    std::unique_ptr<Scanner> scanner;
    std::map<PeerId, Peer> peers;
    bool ever_headers_done = false;
    bool ever_scanned = false;  ///< all there was, once
    std::atomic<int> watch_changes{0};  ///< that the scanner was not told of yet
    std::int64_t last_tip_s = 0;
    const HeaderNode* last_tip = nullptr;
    ProgressMeter meter;
    std::int64_t next_picture_us = 0;
    bool due = false;  ///< something came that others wait for: not to wait for the next tick
    Height filters_from = 0;  ///< none is stored below
    std::int64_t rested_us = 0;
    std::uint32_t rested_size = 0;

    mutable std::mutex mutex;  ///< of the picture
    std::shared_ptr<const LightView> picture = std::make_shared<LightView>();
};

storage::Stored<void> LightRole::Impl::load(ScriptSource& source) {
    if (auto kept = store->load_headers(chain, [this] { memory.rest(); }); !kept) return fail(kept.error());
    auto agreed = store->load_filter_headers(chain, [this](const Uint256& header) { filter_headers.restore(header); }, [this] { memory.rest(); });
    if (!agreed) return fail(agreed.error());
    memory.rest();
    auto voters = store->load_voters();
    if (!voters) return fail(voters.error());
    auto progress = store->load_progress();
    if (!progress) return fail(progress.error());
    filter_headers.restored(*voters);
    last_tip = chain.tip();
    old_headers = std::make_unique<HeaderRanges>(chain, options.anchors);
    headers.set_impatience(kHeaderPatience_us);
    if (options.bloom_filters) bloom.emplace(chains, random);
    connect_parts();
    scanner = std::make_unique<Scanner>(Scanner::Parts{chain, filter_headers, filters, blocks, *store, jobs, source, sink,
                                                       [box = inbox](std::function<void()> task) { box->put(std::move(task)); }, options.fatal,
                                                       bloom ? &*bloom : nullptr},
                                        *progress);
    publish(0);
    return {};
}

void LightRole::Impl::connect_parts() {
    filter_headers.on_agreed = [this](Height first) {
        std::vector<FilterHeaderRow> rows;
        for (const HeaderNode* node = filter_headers.tip(); node->height >= first; node = node->parent)
            rows.push_back({node->hash, filter_headers.header(node->height)});
        std::ranges::reverse(rows);
        jobs.run_in_order([this, first, rows = std::move(rows), voters = filter_headers.voters()] { check(store->put_filter_headers(first, rows, voters)); });
    };
    filter_headers.on_cut = [this](Height height) {
        scanner->cut(height);
        jobs.run_in_order([this, height] { check(store->cut_filters(height)); });
    };
    old_headers->on_accepted = [this](PeerId from, const HeaderNode* last) {
        if (peers.contains(from)) chains.on_announced(from, last->hash);
        save_headers();
    };
    if (bloom) bloom->on_result = [this](const HeaderNode* node, bool matches) { scanner->on_bloom_result(node, matches); };
    filters.on_filter = [this](const HeaderNode* node, FilterBytes filter) { scanner->on_filter(node, std::move(filter)); };
    blocks.on_checked = [this] { due = true; };
    blocks.on_fetched = [this](const HeaderNode* node, const BlockPtr& block, Outbox& out) {
        if (!chain.on_active_chain(node)) return;
        fees.on_block(*block, node->height);
        if (broadcast.empty()) return;
        for (const Transaction& tx : block->txs()) broadcast.on_confirmed(tx.txid, out);
    };
}

/// New headers go to the store in the order in which they were accepted.
void LightRole::Impl::save_headers() {
    std::vector<const HeaderNode*> fresh = chain.take_new();
    if (fresh.empty()) return;
    jobs.run_in_order([this, fresh = std::move(fresh)] { check(store->put_headers(fresh)); });
}

void LightRole::Impl::on_headers(PeerInfo& peer, HeadersMessage&& message, Outbox& out, std::int64_t now_us) {
    if (old_headers->on_headers(peer, message, out, now_us)) return;
    const bool all = message.headers.size() < limits::kMaxHeaders && !message.malformed;
    const bool none = message.headers.empty();
    const auto accepted = headers.on_headers(peer, std::move(message), out, now_us);
    save_headers();
    if (all && (accepted || none) && headers.presynced_height(peer.id) < 0) peers[peer.id].headers_done = true;
}

bool LightRole::Impl::headers_done() const {
    return chain.tip()->chain_work >= chain.minimum_chain_work() &&
           std::ranges::any_of(peers, [](const auto& entry) { return entry.second.headers_done; });
}

void LightRole::Impl::on_inv(PeerInfo& peer, const InvMessage& message, Outbox& out, std::int64_t now_us) {
    if (message.items.size() > limits::kMaxInv) {
        out.misbehaving(peer.id, fmt::format("inv message size = {}", message.items.size()));
        return;
    }
    const InvItem* newest = nullptr;
    for (const InvItem& item : message.items) {
        if (!item.is_block()) continue;
        const BlockHash hash{item.hash};
        chains.on_announced(peer.id, hash);
        if (!chain.find(hash)) newest = &item;
    }
    if (newest) headers.on_unknown_block(peer, BlockHash(newest->hash), out, now_us);
    broadcast.on_inv(peer, message, out, now_us);
    // A rescan, or a look at what is newly watched, is no time to be deaf: a payment is announced once.
    if (options.hear_transactions && ever_scanned) txs.on_inv(peer, message, out, now_us);
}

void LightRole::Impl::on_tx(const PeerInfo& peer, const TxMessage& message, Outbox& out, std::int64_t now_us) {
    const TxWatch::Heard heard = txs.on_tx(message, scanner->watch());
    if (!heard.tx) return;
    broadcast.on_tx(peer, heard.tx->tx(), out, now_us);
    const std::size_t bytes = message.raw.size(), most = heard.pays ? 2 * kQuestionsWaiting : kQuestionsWaiting;
    if (*questions + bytes > most) return;  // the sink is busy; a block will tell it
    *questions += bytes;
    jobs.run_in_order([this, heard, bytes, waiting = questions] {
        if (heard.pays || sink.concerns(heard.tx->tx())) sink.on_transaction(heard.tx);
        *waiting -= bytes;
    });
}

/// Filters are made of what is watched and found by the time.
void LightRole::Impl::tick_bloom(Outbox& out, std::int64_t now_us) {
    if (!ever_headers_done || !scanner->watch()) return;
    if (!bloom_loading && (bloom->wants_filter() || bloom_revision != scanner->revision())) {
        bloom_loading = true;
        jobs.run_in_order([this, box = inbox] {
            box->put([this, coins = sink.coins()] {
                bloom_loading = false;
                bloom_revision = scanner->revision();
                bloom->load(*scanner->watch(), coins);
            });
        });
    }
    bloom->tick(out, now_us);
}

/// Once everything was scanned, whoever keeps our payments knows which of them are in a block.
void LightRole::Impl::ask_for_payments(std::int64_t now_us) {
    if (!ever_headers_done || !scanner->done(chain.tip())) return;
    if (payments_asked_at == chain.tip() && now_us - payments_asked_us < kAskForPayments_us) return;
    payments_asked_at = chain.tip();
    payments_asked_us = now_us;
    jobs.run_in_order([this, box = inbox] {
        box->put([this, payments = sink.own_payments()] {
            errands.push_back([this, payments](Outbox& out, std::int64_t now) { broadcast.set_waiting(payments, out, now); });
        });
    });
}

void LightRole::Impl::run_errands(Outbox& out, std::int64_t now_us) {
    if (errands.empty()) return;
    for (const auto& errand : std::exchange(errands, {})) errand(out, now_us);
    next_picture_us = 0;
}

/// Where only so many are to be kept.
void LightRole::Impl::drop_old_filters() {
    const HeaderNode* scanned = scanner->scanned();
    if (!options.keep_filters || !scanned) return;
    const Height from = scanned->height - *options.keep_filters + 1;
    if (from < filters_from + kDropAtOnce) return;
    filters_from = from;
    jobs.run_in_order([this, from] { check(store->drop_filters_below(from)); });
}

/// What is to be done next follows from what is here.
void LightRole::Impl::advance(Outbox& out, std::int64_t now_us) {
    due = false;
    blocks.settle(out, now_us);
    if (bloom) tick_bloom(out, now_us);
    else filter_headers.tick(out, now_us);
    scanner->tick(ever_headers_done);
    ever_scanned = ever_scanned || (ever_headers_done && scanner->done(chain.tip()));
    filters.tick(out, now_us);
    blocks.tick(out, now_us);
}

void LightRole::Impl::let_memory_rest(std::int64_t now_us) {
    const bool later = now_us - rested_us >= kRestInterval_us || now_us < rested_us;
    const std::uint32_t size = chain.size() + static_cast<std::uint32_t>(filter_headers.tip()->height);
    if (!later && size - rested_size < kRestHeaders) return;
    memory.rest();
    rested_us = now_us;
    rested_size = size;
}

void LightRole::Impl::publish(std::int64_t now_us) {
    auto view = std::make_shared<LightView>();
    for (const auto& [id, peer] : peers) {
        if (!peer.info->ready) continue;
        ++view->peers;
        view->filter_peers += (peer.info->services & kServiceCompactFilters) != 0;
    }
    const Height tip = chain.tip()->height;
    view->tip = chain.tip();
    view->filter_height = filter_headers.tip()->height;
    view->scanned_height = scanner->scanned() ? scanner->scanned()->height : -1;
    view->cross_checked_by = filter_headers.voters();
    view->disputed = filter_headers.disputed();
    view->filters_fetched = filters.fetched();
    view->blocks_fetched = blocks.fetched();
    view->blocks_matched = scanner->matched();
    view->liars_dropped = filter_headers.liars();
    view->revision = scanner->revision();
    view->fees = fees.view(tip);
    view->bloom = bloom.has_value();
    if (bloom) view->cross_checked_by = static_cast<int>(bloom->serving());
    view->payments = broadcast.pictures();

    std::int64_t done = 0, total = 0;
    if (!ever_headers_done) {
        view->phase = view->peers == 0 ? Phase::connecting : Phase::headers;
        const std::int64_t missing = (now_us / 1'000'000 - std::int64_t{chain.tip()->header.time}) / chain.params().pow_target_spacing;
        done = tip;
        total = tip + std::max<std::int64_t>(missing, 0);
    } else if (scanner->done(chain.tip()) && (bloom || filter_headers.tip() == chain.tip()) && watch_changes == 0) {
        view->phase = Phase::synced;
    } else if (!bloom && filter_headers.tip() != chain.tip() && view->scanned_height >= view->filter_height) {
        view->phase = Phase::filter_headers;
        done = view->filter_height;
        total = tip;
    } else {
        view->phase = Phase::scanning;
        done = std::max<Height>(0, view->scanned_height - scanner->began() + 1);
        total = tip - scanner->began() + 1;
    }
    meter.sample(view->phase, done, total, now_us);
    view->progress = meter.progress();
    view->rate = meter.rate();
    view->eta_s = meter.eta_s();
    const std::lock_guard lock(mutex);
    picture = std::move(view);
}

storage::Stored<std::unique_ptr<LightRole>> LightRole::open(const ChainParams& params, storage::KvStore& kv, Jobs& jobs, ScriptSource& source,
                                                            BlockSink& sink, Options options) {
    auto store = LightStore::open(kv, params);
    if (!store) return fail(store.error());
    auto impl = std::make_unique<Impl>(params, std::move(*store), jobs, sink, std::move(options));
    if (auto loaded = impl->load(source); !loaded) return fail(loaded.error());
    return std::unique_ptr<LightRole>(new LightRole(std::move(impl)));
}

LightRole::LightRole(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LightRole::~LightRole() = default;

void LightRole::watch_changed() {
    ++impl_->watch_changes;
    {
        // Whoever asks from now on hears that something is left to do.
        const std::lock_guard lock(impl_->mutex);
        if (impl_->picture->phase == Phase::synced) {
            auto view = std::make_shared<LightView>(*impl_->picture);
            view->phase = Phase::scanning;
            view->eta_s.reset();
            impl_->picture = std::move(view);
        }
    }
    impl_->inbox->put([impl = impl_.get()] {
        impl->scanner->on_watch_changed();
        --impl->watch_changes;
    });
}

void LightRole::submit(const OwnPayment& payment) {
    impl_->inbox->put([impl = impl_.get(), payment] {
        impl->errands.push_back([impl, payment](Outbox& out, std::int64_t now_us) { impl->broadcast.submit(payment, out, now_us); });
        impl->payments_asked_at = nullptr;  // it may have replaced another
    });
}

bool LightRole::forget_payment(const Uint256& id) {
    const auto shown = view();
    const bool known = std::ranges::any_of(shown->payments, [&](const PaymentView& payment) {
        return Uint256(payment.tx->tx().txid) == id || Uint256(payment.tx->tx().wtxid) == id;
    });
    impl_->inbox->put([impl = impl_.get(), id] {
        impl->errands.push_back([impl, id](Outbox& out, std::int64_t) { (void)impl->broadcast.forget(id, out); });
    });
    return known;
}

PrivateBroadcast* LightRole::private_broadcast() { return impl_->broadcast.connections(); }

void LightRole::give_up_rescan(std::uint64_t revision) {
    impl_->inbox->put([impl = impl_.get(), revision] { impl->scanner->give_up(revision); });
}

std::shared_ptr<const LightView> LightRole::view() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->picture;
}

const HeaderNode* LightRole::find(const BlockHash& hash) const { return impl_->chain.find(hash); }

void LightRole::attach(std::function<void(std::function<void()>)> post) {
    const std::lock_guard lock(impl_->inbox->mutex);
    impl_->inbox->post = std::move(post);
    for (auto& task : impl_->inbox->early) impl_->inbox->post(std::move(task));
    impl_->inbox->early.clear();
}

void LightRole::detach() {
    const std::lock_guard lock(impl_->inbox->mutex);
    impl_->inbox->post = nullptr;
}

std::int32_t LightRole::best_height() const { return impl_->chain.tip()->height; }

std::uint64_t LightRole::desirable_services(std::uint64_t, std::int64_t) const { return impl_->needed(); }

bool LightRole::initial_block_download() const { return impl_->chain.initial_block_download(); }

void LightRole::on_version(PeerInfo& peer, Outbox&, std::int64_t) {
    impl_->peers[peer.id] = {&peer};
    impl_->chains.add(peer.id);
    impl_->headers.add(peer);
    impl_->old_headers->add(peer);
    impl_->blocks.add(peer);
    impl_->filter_headers.add(peer);
    impl_->filters.add(peer);
    impl_->broadcast.add(peer);
    if (impl_->bloom) impl_->bloom->add(peer);
}

void LightRole::on_ready(PeerInfo& peer, Outbox& out, std::int64_t) {
    if (peer.common_version >= limits::kSendHeadersVersion) out.send(peer.id, SendHeadersMessage{});
    const std::uint64_t needed = impl_->needed();
    if ((peer.services & needed) != needed)
        out.log().info("peer={} offers no filters that are of use here: it is of use for headers and blocks only", peer.id);
}

void LightRole::on_gone(const PeerInfo& peer, Outbox&, std::int64_t) {
    impl_->txs.remove(peer.id);
    impl_->broadcast.remove(peer.id);
    if (impl_->bloom) impl_->bloom->remove(peer.id);
    impl_->fees.remove(peer.id);
    impl_->filters.remove(peer.id);
    impl_->filter_headers.remove(peer.id);
    impl_->blocks.remove(peer.id);
    impl_->headers.remove(peer.id);
    impl_->old_headers->remove(peer.id);
    impl_->chains.remove(peer.id);
    impl_->peers.erase(peer.id);
}

void LightRole::on_message(PeerInfo& peer, Message&& message, Outbox& out, std::int64_t now_us) {
    Impl& impl = *impl_;
    if (!impl.peers.contains(peer.id)) return;
    impl.chain.set_now(now_us);
    if (auto* headers = std::get_if<HeadersMessage>(&message))
        impl.on_headers(peer, std::move(*headers), out, now_us);
    else if (auto* filter = std::get_if<CFilterMessage>(&message)) {
        if (!impl.filter_headers.on_cfilter(peer, *filter, out, now_us)) impl.filters.on_cfilter(peer, std::move(*filter), out, now_us);
        impl.due = impl.due || impl.filters.idle(peer.id);
    } else if (const auto* hashes = std::get_if<CFHeadersMessage>(&message))
        impl.filter_headers.on_cfheaders(peer, *hashes, out, now_us);
    else if (const auto* points = std::get_if<CFCheckptMessage>(&message))
        impl.filter_headers.on_cfcheckpt(peer, *points, out, now_us);
    else if (auto* block = std::get_if<BlockMessage>(&message)) {
        if (impl.blocks.on_block(peer, std::move(block->raw), out, now_us)) peer.last_block_s = now_us / 1'000'000;
    } else if (const auto* inv = std::get_if<InvMessage>(&message))
        impl.on_inv(peer, *inv, out, now_us);
    else if (const auto* not_found = std::get_if<NotFoundMessage>(&message))
        impl.blocks.on_not_found(peer, *not_found, now_us);
    else if (const auto* proof = std::get_if<MerkleBlockMessage>(&message)) {
        if (impl.bloom) impl.bloom->on_merkle_block(peer, *proof, out, now_us);
    } else if (const auto* tx = std::get_if<TxMessage>(&message); tx && !(impl.bloom && impl.bloom->on_tx(peer, *tx, out)))
        impl.on_tx(peer, *tx, out, now_us);
    else if (const auto* fee = std::get_if<FeeFilterMessage>(&message))
        impl.fees.on_fee_filter(peer.id, fee->fee_rate);
}

void LightRole::on_pump(PeerInfo& peer, Outbox& out, std::int64_t now_us) {
    Impl& impl = *impl_;
    if (!peer.ready || peer.closing || !impl.peers.contains(peer.id)) return;
    impl.chain.set_now(now_us);
    if (!impl.old_headers->active()) impl.headers.pump(peer, false, out, now_us);
    if (impl.due) impl.advance(out, now_us);
    else if (impl.filters.idle(peer.id)) impl.filters.tick(out, now_us);
    impl.let_memory_rest(now_us);
}

void LightRole::on_tick(Outbox& out, std::int64_t now_us) {
    Impl& impl = *impl_;
    impl.chain.set_now(now_us);
    for (const auto& [id, peer] : impl.peers) impl.chains.refresh(id);
    if (impl.chain.tip() != impl.last_tip || impl.last_tip_s == 0) {
        if (impl.last_tip) {
            const Height fork = last_common_ancestor(impl.last_tip, impl.chain.tip())->height;
            impl.fees.cut(fork);
            if (impl.bloom) impl.scanner->cut(fork);
        }
        impl.last_tip = impl.chain.tip();
        impl.last_tip_s = now_us / 1'000'000;
    }
    impl.old_headers->tick(out, now_us);
    impl.ever_headers_done = impl.ever_headers_done || impl.headers_done();
    impl.advance(out, now_us);
    impl.let_memory_rest(now_us);
    impl.drop_old_filters();
    impl.ask_for_payments(now_us);
    impl.run_errands(out, now_us);
    impl.broadcast.tick(out, now_us);
    if (impl.ever_headers_done && impl.scanner->done(impl.chain.tip())) impl.fee_blocks.tick(now_us);
    if (now_us >= impl.next_picture_us || impl.next_picture_us - now_us > kPictureInterval_us) {
        impl.next_picture_us = now_us + kPictureInterval_us;
        impl.publish(now_us);
    }
}

PeerStanding LightRole::standing(const PeerInfo& peer) const {
    return {impl_->headers.last_announcement_s(peer.id), impl_->headers.is_protected(peer.id), impl_->blocks.in_flight(peer.id)};
}

ChainPulse LightRole::pulse(std::int64_t now_us) const {
    const std::int64_t since = impl_->last_tip_s == 0 ? now_us / 1'000'000 : impl_->last_tip_s;
    return {since, impl_->chain.params().pow_target_spacing, impl_->blocks.wanted() > 0, !impl_->chain.initial_block_download(), false};
}

void LightRole::describe(const PeerInfo& peer, PeerSnapshot& snapshot) const {
    const auto* chain = impl_->chains.find(peer.id);
    if (!chain) return;
    snapshot.presynced_headers = impl_->headers.presynced_height(peer.id);
    snapshot.synced_headers = chain->best_known ? chain->best_known->height : -1;
}

}  // namespace cairn::light
