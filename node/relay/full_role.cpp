#include "node/relay/full_role.hpp"

#include <algorithm>
#include <future>

#include "consensus/rules/difficulty.hpp"
#include "net/io/mailbox.hpp"
#include "net/sync/block_fetch.hpp"
#include "net/sync/header_sync.hpp"
#include "net/wire/codec.hpp"
#include "node/relay/announcer.hpp"
#include "node/relay/chain_adapter.hpp"
#include "node/relay/compact_block.hpp"
#include "node/relay/compact_relay.hpp"
#include "node/relay/filter_server.hpp"
#include "node/relay/peer_filters.hpp"
#include "node/relay/server.hpp"
#include "node/relay/tx_relay_node.hpp"

namespace cairn::node {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

constexpr std::int64_t kLimitedPeerDepth = 144;  // blocks that our tip may be behind for a limited peer to be of use
constexpr std::size_t kInboxCapacity = 1u << 20;
constexpr std::int64_t kLongestFollow_us = 10'000'000;  // a peer does not wait longer for the blocks that follow its own
constexpr auto kAnswerCheck = std::chrono::milliseconds(200);

struct TipEvent {
    std::shared_ptr<const ChainView> view;
    const HeaderNode* fork = nullptr;
};
/// A block that may be announced before it is connected.
struct ValidBlockEvent {
    BlockPtr block;
    const HeaderNode* node = nullptr;
};
/// A block that is to be fetched by hand, and where to say whether it is.
struct BlockRequest {
    PeerId peer = 0;
    const HeaderNode* node = nullptr;
    std::shared_ptr<std::promise<Result<void, std::string>>> answer;
};
using Event = std::variant<TipEvent, ValidBlockEvent, BlockVerdict, Server::ReadDone, FilterServer::ReadDone, BlockRequest>;

/// What chain thread and workers tell the net thread. Outlives the role as long as a worker still holds it.
struct Inbox {
    Mailbox<Event> box{kInboxCapacity};
    std::mutex mutex;
    std::function<void(std::function<void()>)> post;  ///< empty when nobody listens

    void put(Event event) {
        if (box.push(std::move(event)) != Mailbox<Event>::Pushed::first) return;
        const std::lock_guard lock(mutex);
        if (post) post([] {});  // the network calls on_tick after every task
    }
};

}  // namespace

class FullRole::Impl {
public:
    Impl(ChainPort& port, const ChainParams& chain_params, Options given)
        : chain(port, given.minimum_chain_work),
          params(chain_params),
          options(given),
          random(given.seed ? Random(*given.seed) : Random::from_system()),
          inbox(std::make_shared<Inbox>()),
          chains(chain),
          headers(chain, chains, params, random),
          blocks(chain, chains, params, given.window_bytes),
          compact(chain, chains, headers, blocks, params, {given.blocks_only, given.extra_transactions}),
          announcer(chain, chains, recent),
          peer_filters(given.peer_bloom_filters),
          server(chain, chains, announcer, recent, peer_filters, random, params, {given.prune_mode, given.max_send_buffer},
                 [box = inbox](Server::ReadDone done) { box->put(std::move(done)); }),
          filters(chain, given.filters, given.max_send_buffer, [this](const HeaderNode* node) { return server.may_serve(node); },
                  [box = inbox](FilterServer::ReadDone done) { box->put(std::move(done)); }),
          txs(port, given.mempool,
              {given.blocks_only, given.peer_bloom_filters, {given.min_relay, given.incremental_relay}, {given.tx_send_rate}},
              Random(random.uint256())) {
        server.set_tx_answer([this](const PeerInfo& peer, const InvItem& item, NotFoundMessage& missing, Outbox& out) {
            return txs.relay().answer(peer, item, missing, out);
        });
        txs.relay().set_wanted([this](PeerId peer, const Transaction& tx) { return peer_filters.passes(peer, tx); });
        txs.relay().set_extra([this](const TransactionPtr& tx) { compact.add_extra(tx); });
    }

    struct Peer {
        PeerInfo* info = nullptr;     ///< from its version to its end
        bool inbound = false;
        int unjudged = 0;             ///< blocks of this peer that the chain has not judged
        bool may_wait = false;        ///< its next message waits for the verdict on its last block
        std::int64_t follows_us = 0;  ///< ... and for the blocks that could be connected because of it, since then; 0: it does not
    };

    void on_headers(PeerInfo& peer, HeadersMessage&& message, Outbox& out, std::int64_t now_us);
    void on_inv(PeerInfo& peer, const InvMessage& message, Outbox& out, std::int64_t now_us);
    void on_block(PeerInfo& peer, BlockMessage&& message, Outbox& out, std::int64_t now_us);
    void on_compact_block(PeerInfo& peer, CompactBlockMessage&& message, Outbox& out, std::int64_t now_us);
    void submit(PeerInfo& peer, CompactRelay::Rebuilt rebuilt, std::int64_t now_us);
    void on_valid_block(const ValidBlockEvent& event, Outbox& out);
    CandidateTxs pool_candidates() const;
    void on_not_found(PeerInfo& peer, const NotFoundMessage& message, std::int64_t now_us);
    void on_other(PeerInfo& peer, const Message& message, Outbox& out);
    void on_verdict(const BlockVerdict& verdict, Outbox& out, std::int64_t now_us);
    void on_tip(const TipEvent& event, Outbox& out, std::int64_t now_us);
    bool connecting() const;
    void end_waits(std::int64_t now_us);
    Result<void, std::string> request_block(PeerId peer, const HeaderNode* node, Outbox& out, std::int64_t now_us);

    ChainAdapter chain;
    const ChainParams& params;
    Options options;
    Random random;
    std::shared_ptr<Inbox> inbox;
    PeerChains chains;
    HeaderSync headers;
    BlockFetch blocks;
    CompactRelay compact;
    RecentBlock recent;
    std::int64_t last_block_s = 0;  ///< when a block was last connected; the first question counts as one
    Height announced_height = 0;  ///< of the highest block that was announced before it was connected
    Announcer announcer;
    PeerFilters peer_filters;
    Server server;
    FilterServer filters;
    TxRelayNode txs;
    std::unordered_map<PeerId, Peer> peers;
};

void FullRole::Impl::on_headers(PeerInfo& peer, HeadersMessage&& message, Outbox& out, std::int64_t now_us) {
    if (chain.importing()) {
        out.log().debug("Unexpected headers message received from peer {}", peer.id);
        return;
    }
    const auto accepted = headers.on_headers(peer, std::move(message), out, now_us);
    if (accepted) blocks.direct_fetch(peer, accepted->last, compact.may_request(peer.id, accepted->last), out, now_us);
}

void FullRole::Impl::on_inv(PeerInfo& peer, const InvMessage& message, Outbox& out, std::int64_t now_us) {
    if (message.items.size() > limits::kMaxInv) {
        out.misbehaving(peer.id, fmt::format("inv message size = {}", message.items.size()));
        return;
    }
    if (std::all_of(message.items.begin(), message.items.end(), [](const InvItem& item) { return item.is_tx(); })) {
        (void)txs.relay().on_inv(peer, message.items, chain.initial_block_download(), out, now_us);
        return;
    }
    const InvItem* newest = nullptr;
    std::vector<InvItem> transactions;
    for (const InvItem& item : message.items) {
        if (item.type == kInvBlock || item.type == kInvWitnessBlock) {
            const BlockHash hash{item.hash};
            const HeaderNode* node = chain.find(hash);
            out.log().debug("got inv: block {} {} peer={}", hash.to_display_hex(), node ? "have" : "new", peer.id);
            chains.on_announced(peer.id, hash);
            if (!node && !chain.importing()) newest = &item;
        } else if (item.is_tx()) {
            transactions.push_back(item);
        } else {
            out.log().debug("Unknown inv type \"{}\" received from peer={}", item.type, peer.id);
        }
    }
    if (!transactions.empty() && !txs.relay().on_inv(peer, transactions, chain.initial_block_download(), out, now_us)) return;
    if (newest) headers.on_unknown_block(peer, BlockHash(newest->hash), out, now_us);
}

void FullRole::Impl::on_block(PeerInfo& peer, BlockMessage&& message, Outbox& out, std::int64_t now_us) {
    if (chain.importing()) {
        out.log().debug("Unexpected block message received from peer {}", peer.id);
        return;
    }
    Reader reader(message.raw);
    const BlockHeader header = BlockHeader::read(reader);
    if (!reader.ok()) {
        out.log().debug("ProcessMessages(block, {} bytes): Exception 'end of data' caught, peer={}", message.raw.size(), peer.id);
        return;
    }
    const BlockHash hash = header.hash();
    out.log().debug("received block {} peer={}", hash.to_display_hex(), peer.id);
    const HeaderNode* node = chain.find(hash);
    const HeaderNode* parent = node ? node->parent : chain.find(header.previous);
    Peer& state = peers[peer.id];

    BlockSubmission submission;
    submission.peer = peer.id;
    submission.force = blocks.on_block(peer.id, node, message.raw.size(), now_us);
    submission.header_checked = node || (parent && parent->chain_work + block_work(header.bits) >= headers.work_threshold());
    submission.raw = std::move(message.raw);
    ++state.unjudged;
    // Blocks that nobody asked for are judged one by one, and close to the tip a peer's next words are heard after its
    // blocks were judged, as if the judging had been here.
    state.may_wait = !submission.force || (!chain.initial_block_download() && blocks.in_flight(peer.id) == 0);
    chain.port().submit_block(std::move(submission));
}

CandidateTxs FullRole::Impl::pool_candidates() const {
    const RelayPool& pool = txs.relay().pool();
    return {pool.wtxids(), [&pool](std::size_t place) { return pool.entries()[place].tx; }};
}

void FullRole::Impl::on_compact_block(PeerInfo& peer, CompactBlockMessage&& message, Outbox& out, std::int64_t now_us) {
    const BlockHeader header = message.header;
    CompactRelay::Outcome outcome = compact.on_compact_block(peer, std::move(message), pool_candidates(), out, now_us);
    if (outcome.block) submit(peer, std::move(*outcome.block), now_us);
    if (outcome.as_headers) on_headers(peer, HeadersMessage{{header}, 1}, out, now_us);
}

/// A block that was put together here: it was asked for, so to speak, and its header has been accepted.
void FullRole::Impl::submit(PeerInfo& peer, CompactRelay::Rebuilt rebuilt, std::int64_t now_us) {
    blocks.on_block(peer.id, rebuilt.node, rebuilt.block->raw().size(), now_us);
    Peer& state = peers[peer.id];
    ++state.unjudged;
    state.may_wait = true;
    BlockSubmission submission;
    submission.peer = peer.id;
    submission.force = true;
    submission.header_checked = true;
    submission.block = std::move(rebuilt.block);
    chain.port().submit_block(std::move(submission));
}

void FullRole::Impl::on_valid_block(const ValidBlockEvent& event, Outbox& out) {
    if (event.node->height <= announced_height) return;
    announced_height = event.node->height;
    if (!params.active_at(BuriedDeployment::segwit, event.node->height)) return;
    recent.set(event.block, event.node, random.u64(), compact.lacked(event.node));
    announcer.on_valid_block(out);
}

void FullRole::Impl::on_not_found(PeerInfo& peer, const NotFoundMessage& message, std::int64_t now_us) {
    txs.relay().on_not_found(peer, message);
    for (const InvItem& item : message.items)
        if (item.is_block())
            if (const HeaderNode* node = chain.find(BlockHash(item.hash))) blocks.on_not_found(peer.id, node, now_us);
}

void FullRole::Impl::on_other(PeerInfo& peer, const Message& message, Outbox& out) {
    if (std::holds_alternative<SendHeadersMessage>(message)) {
        announcer.on_send_headers(peer.id);
    } else if (const auto* offer = std::get_if<SendCmpctMessage>(&message)) {
        if (compact.on_send_cmpct(peer, *offer, out)) announcer.on_send_compact(peer.id, offer->announce == 1);
    } else if (const auto* fee = std::get_if<FeeFilterMessage>(&message)) {
        txs.relay().on_fee_filter(peer, *fee, out);
    } else if (std::holds_alternative<MempoolMessage>(message)) {
        txs.relay().on_mempool(peer, out);
    } else if (const auto* load = std::get_if<FilterLoadMessage>(&message)) {
        peer_filters.on_load(peer, *load, out);
    } else if (const auto* element = std::get_if<FilterAddMessage>(&message)) {
        peer_filters.on_add(peer, *element, out);
    } else if (std::holds_alternative<FilterClearMessage>(message)) {
        peer_filters.on_clear(peer, out);
    } else if (const auto* get_filters = std::get_if<GetCFiltersMessage>(&message)) {
        filters.on_get_filters(peer, *get_filters, out);
    } else if (const auto* get_headers = std::get_if<GetCFHeadersMessage>(&message)) {
        filters.on_get_headers(peer, *get_headers, out);
    } else if (const auto* get_checkpoints = std::get_if<GetCFCheckptMessage>(&message)) {
        filters.on_get_checkpoints(peer, *get_checkpoints, out);
    }
}

void FullRole::Impl::on_verdict(const BlockVerdict& verdict, Outbox& out, std::int64_t now_us) {
    using Kind = BlockVerdict::Kind;
    // Who sends compact blocks need not have verified them (BIP152).
    const bool blameless = compact.came_compact(verdict.peer, verdict.hash);
    if (const HeaderNode* node = chain.find(verdict.hash)) {
        if (verdict.kind == Kind::connected) compact.on_connected(verdict.peer, node, out);
        // Bytes that were changed on the way say nothing about the block that others are still sending.
        if (!verdict.mutated && verdict.kind != Kind::inconclusive) compact.on_judged(node, verdict.kind != Kind::stored);
        blocks.on_verdict(verdict.peer, node, verdict.kind == Kind::connected || verdict.kind == Kind::stored || verdict.kind == Kind::duplicate, now_us);
    }
    const auto found = peers.find(verdict.peer);
    if (found == peers.end()) return;
    if (found->second.info && (verdict.kind == Kind::connected || verdict.kind == Kind::stored)) found->second.info->last_block_s = now_us / 1'000'000;
    // A stored block is judged once more when it is connected.
    if (found->second.unjudged > 0) --found->second.unjudged;
    if (found->second.may_wait && verdict.kind == Kind::connected && connecting()) found->second.follows_us = now_us;
    if (verdict.kind == Kind::duplicate_invalid) {
        if (!found->second.inbound && !blameless) out.misbehaving(verdict.peer, verdict.reject_reason);
        return;
    }
    if (verdict.kind != Kind::invalid) return;
    if (verdict.reject_reason == "time-too-new" || verdict.reject_reason == "too-little-chainwork") {
        out.log().debug("peer={}: {}", verdict.peer, verdict.reject_reason);
        return;
    }
    if (blameless) {
        out.log().debug("peer={}: {}", verdict.peer, verdict.reject_reason);
        return;
    }
    if (verdict.mutated) out.log().debug("Received mutated block from peer={}", verdict.peer);
    out.misbehaving(verdict.peer, verdict.mutated ? "mutated block, " + verdict.reject_reason : verdict.reject_reason);
}

void FullRole::Impl::on_tip(const TipEvent& event, Outbox& out, std::int64_t now_us) {
    const HeaderNode* tip = event.view->tip;
    if (!tip) return;
    last_block_s = now_us / 1'000'000;
    const Height below = event.fork ? event.fork->height : tip->height - 1;
    if (tip->height > below) blocks.on_connected(static_cast<std::size_t>(tip->height - below), out.log());
    if (!event.view->initial_block_download) announcer.on_new_tip(tip, event.fork);
}

/// More blocks are here that can be connected, and they will be in a moment.
bool FullRole::Impl::connecting() const {
    const HeaderNode* best = chain.best_header();
    const HeaderNode* tip = chain.tip();
    if (!best || !tip || best->chain_work <= tip->chain_work) return false;
    // Up to some block nothing is missing on the best chain.
    Height complete = 0, missing = best->height + 1;
    while (missing - complete > 1) {
        const Height middle = complete + (missing - complete) / 2;
        (chain.chain_complete(best->ancestor(middle)) ? complete : missing) = middle;
    }
    const HeaderNode* last = best->ancestor(complete);
    return last->chain_work > tip->chain_work && !chain.invalid(last);
}

void FullRole::Impl::end_waits(std::int64_t now_us) {
    for (auto& [id, peer] : peers) {
        if (peer.follows_us == 0) continue;
        const std::int64_t since = now_us - peer.follows_us;
        if (!connecting() || since < 0 || since > kLongestFollow_us) peer.follows_us = 0;
    }
}

Result<void, std::string> FullRole::Impl::request_block(PeerId id, const HeaderNode* node, Outbox& out, std::int64_t now_us) {
    if (chain.importing()) return fail(std::string("Loading blocks ..."));
    const auto found = peers.find(id);
    if (found == peers.end() || !found->second.info || found->second.info->closing) return fail(std::string("Peer does not exist"));
    const PeerInfo& peer = *found->second.info;
    if (!peer.can_serve_witnesses()) return fail(std::string("Pre-SegWit peer"));
    if (!peer.ready) return fail(std::string("Peer not fully connected"));
    blocks.request(peer, node, out, now_us);
    return {};
}

FullRole::FullRole(ChainPort& chain, const ChainParams& params, Options options)
    : impl_(std::make_unique<Impl>(chain, params, options)) {}

FullRole::~FullRole() = default;

void FullRole::attach(std::function<void(std::function<void()>)> post) {
    {
        const std::lock_guard lock(impl_->inbox->mutex);
        impl_->inbox->post = std::move(post);
    }
    impl_->txs.attach(impl_->inbox->post);
    impl_->chain.port().subscribe(this);
}

void FullRole::detach() {
    impl_->chain.port().unsubscribe(this);
    impl_->txs.detach();
    const std::lock_guard lock(impl_->inbox->mutex);
    impl_->inbox->post = nullptr;
}

void FullRole::on_tip(const std::shared_ptr<const ChainView>& view, const HeaderNode*, const HeaderNode* fork) {
    impl_->inbox->put(TipEvent{view, fork});
}

void FullRole::on_verdict(const BlockVerdict& verdict) { impl_->inbox->put(verdict); }

void FullRole::on_new_pow_valid_block(const BlockPtr& block, const HeaderNode* node) { impl_->inbox->put(ValidBlockEvent{block, node}); }

std::uint64_t FullRole::local_services() const {
    std::uint64_t services = kServiceNetworkLimited | kServiceWitness;
    if (!impl_->options.prune_mode) services |= kServiceNetwork;
    if (impl_->options.peer_bloom_filters) services |= kServiceBloom;
    if (impl_->options.filters) services |= kServiceCompactFilters;
    return services;
}

std::int32_t FullRole::best_height() const {
    const auto view = impl_->chain.port().view();
    return view->tip ? view->tip->height : 0;
}

std::uint64_t FullRole::desirable_services(std::uint64_t offered, std::int64_t now_us) const {
    const auto view = impl_->chain.port().view();
    const std::int64_t tip_time = view->tip ? std::int64_t{view->tip->header.time} : 0;
    const std::int64_t depth = (now_us / 1'000'000 - tip_time) / impl_->params.pow_target_spacing;
    if ((offered & kServiceNetworkLimited) && depth < kLimitedPeerDepth) return kServiceNetworkLimited | kServiceWitness;
    return kServiceNetwork | kServiceWitness;
}

bool FullRole::initial_block_download() const { return impl_->chain.port().view()->initial_block_download; }

void FullRole::on_version(PeerInfo& peer, Outbox&, std::int64_t) {
    impl_->peers[peer.id] = {&peer, peer.inbound()};
    impl_->chains.add(peer.id);
    impl_->headers.add(peer);
    impl_->blocks.add(peer.id);
    impl_->compact.add(peer);
    impl_->announcer.add(peer.id);
    impl_->server.add(peer.id);
}

void FullRole::on_ready(PeerInfo& peer, Outbox& out, std::int64_t now_us) {
    impl_->txs.take_in(out, now_us);  // what came before this peer is not announced to it
    impl_->compact.on_ready(peer, out);
    if (impl_->txs.active()) impl_->txs.relay().on_ready(peer);
}

void FullRole::on_gone(const PeerInfo& peer, Outbox&, std::int64_t) {
    impl_->txs.relay().on_gone(peer.id);
    impl_->filters.remove(peer.id);
    impl_->peer_filters.on_gone(peer.id);
    impl_->server.remove(peer.id);
    impl_->announcer.remove(peer.id);
    impl_->compact.remove(peer.id);
    impl_->blocks.remove(peer.id);
    impl_->headers.remove(peer.id);
    impl_->chains.remove(peer.id);
    impl_->peers.erase(peer.id);
}

void FullRole::on_message(PeerInfo& peer, Message&& message, Outbox& out, std::int64_t now_us) {
    Impl& impl = *impl_;
    impl.txs.take_in(out, now_us);  // the mirror of the mempool is as new as this message
    impl.chain.refresh();
    if (auto* block = std::get_if<BlockMessage>(&message))
        impl.on_block(peer, std::move(*block), out, now_us);
    else if (auto* headers = std::get_if<HeadersMessage>(&message))
        impl.on_headers(peer, std::move(*headers), out, now_us);
    else if (auto* compact = std::get_if<CompactBlockMessage>(&message))
        impl.on_compact_block(peer, std::move(*compact), out, now_us);
    else if (auto* pieces = std::get_if<BlockTxnMessage>(&message)) {
        if (auto rebuilt = impl.compact.on_block_txn(peer, std::move(*pieces), out, now_us)) impl.submit(peer, std::move(*rebuilt), now_us);
    }
    else if (auto* tx = std::get_if<TxMessage>(&message)) {
        impl.txs.relay().on_tx(peer, std::move(*tx), impl.chain.initial_block_download(), out, now_us);
        impl.txs.hand_over();
    }
    else if (const auto* inv = std::get_if<InvMessage>(&message))
        impl.on_inv(peer, *inv, out, now_us);
    else if (auto* get_data = std::get_if<GetDataMessage>(&message))
        impl.server.on_get_data(peer, std::move(*get_data), out, now_us);
    else if (const auto* get_headers = std::get_if<GetHeadersMessage>(&message))
        impl.server.on_get_headers(peer, *get_headers, out);
    else if (const auto* get_blocks = std::get_if<GetBlocksMessage>(&message))
        impl.server.on_get_blocks(peer, *get_blocks, out);
    else if (auto* get_txn = std::get_if<GetBlockTxnMessage>(&message))
        impl.server.on_get_block_txn(peer, std::move(*get_txn), out, now_us);
    else if (const auto* not_found = std::get_if<NotFoundMessage>(&message))
        impl.on_not_found(peer, *not_found, now_us);
    else
        impl.on_other(peer, message, out);
}

void FullRole::on_pump(PeerInfo& peer, Outbox& out, std::int64_t now_us) {
    Impl& impl = *impl_;
    if (!peer.ready || peer.closing || !impl.peers.contains(peer.id)) return;
    impl.chain.refresh();
    impl.server.pump(peer, out, now_us);
    impl.filters.pump(peer, out);
    impl.headers.pump(peer, impl.blocks.any_in_flight(), out, now_us);
    impl.announcer.pump(peer, out);
    impl.txs.relay().pump(peer, impl.chain.initial_block_download(), out, now_us);
    impl.txs.hand_over();
    if (!impl.chain.importing()) impl.blocks.pump(peer, impl.headers.sync_from(peer, impl.blocks.any_in_flight()), out, now_us);
}

void FullRole::on_tick(Outbox& out, std::int64_t now_us) {
    Impl& impl = *impl_;
    impl.chain.refresh();
    impl.txs.tick(out, now_us);
    for (Event& event : impl.inbox->box.take()) {
        if (const auto* tip = std::get_if<TipEvent>(&event))
            impl.on_tip(*tip, out, now_us);
        else if (const auto* valid = std::get_if<ValidBlockEvent>(&event))
            impl.on_valid_block(*valid, out);
        else if (const auto* verdict = std::get_if<BlockVerdict>(&event))
            impl.on_verdict(*verdict, out, now_us);
        else if (auto* filters = std::get_if<FilterServer::ReadDone>(&event))
            impl.filters.on_read(std::move(*filters), out);
        else if (const auto* request = std::get_if<BlockRequest>(&event))
            request->answer->set_value(impl.request_block(request->peer, request->node, out, now_us));
        else
            impl.server.on_read(std::move(std::get<Server::ReadDone>(event)));
    }
    impl.end_waits(now_us);
}

bool FullRole::wants_pause(const PeerInfo& peer) const {
    const auto found = impl_->peers.find(peer.id);
    return found != impl_->peers.end() && found->second.may_wait && (found->second.unjudged > 0 || found->second.follows_us != 0);
}

bool FullRole::must_wait(const PeerInfo& peer, std::string_view command) const { return impl_->txs.relay().holds(peer.id, command); }

Result<void, std::string> FullRole::request_block(PeerId peer, const HeaderNode* node) {
    auto answer = std::make_shared<std::promise<Result<void, std::string>>>();
    auto future = answer->get_future();
    impl_->inbox->put(BlockRequest{peer, node, std::move(answer)});
    while (future.wait_for(kAnswerCheck) != std::future_status::ready) {
        // When nobody listens any more the answer will not come.
        const std::lock_guard lock(impl_->inbox->mutex);
        if (!impl_->inbox->post) return fail(std::string("Peer does not exist"));
    }
    return future.get();
}

TxRelayPort& FullRole::tx_relay() { return impl_->txs; }

PrivateBroadcast* FullRole::private_broadcast() { return impl_->options.private_broadcast ? &impl_->txs.private_broadcast() : nullptr; }

bool FullRole::answering(const PeerInfo& peer) const { return impl_->server.busy(peer.id) || impl_->filters.busy(peer.id); }

PeerStanding FullRole::standing(const PeerInfo& peer) const {
    return {impl_->headers.last_announcement_s(peer.id), impl_->headers.is_protected(peer.id), impl_->blocks.in_flight(peer.id)};
}

ChainPulse FullRole::pulse(std::int64_t now_us) const {
    Impl& impl = *impl_;
    if (impl.last_block_s == 0) impl.last_block_s = now_us / 1'000'000;
    const HeaderNode* tip = impl.chain.tip();
    return {impl.last_block_s, impl.params.pow_target_spacing, impl.blocks.any_in_flight(), tip && near_tip(*tip, impl.params, now_us), impl.chain.importing()};
}

void FullRole::describe(const PeerInfo& peer, PeerSnapshot& snapshot) const {
    const auto* chain = impl_->chains.find(peer.id);
    if (!chain) return;
    snapshot.presynced_headers = impl_->headers.presynced_height(peer.id);
    snapshot.synced_headers = chain->best_known ? chain->best_known->height : -1;
    if (const HeaderNode* common = impl_->blocks.last_common(peer.id)) snapshot.synced_blocks = common->height;
    const std::size_t unconnecting = impl_->headers.unconnecting(peer.id);
    if (unconnecting >= limits::kMaxUnknownAnnouncements) snapshot.unconnecting_headers = unconnecting;
    snapshot.inflight_heights = impl_->blocks.heights_in_flight(peer.id);
    impl_->txs.relay().describe(peer.id, snapshot);
    if (const auto found = impl_->peers.find(peer.id); found != impl_->peers.end()) {
        snapshot.hb_to = impl_->compact.hb_to(peer.id);
        snapshot.hb_from = impl_->compact.hb_from(peer.id);
    }
}

}  // namespace cairn::node
