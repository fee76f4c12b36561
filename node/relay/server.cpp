#include "node/relay/server.hpp"

#include <algorithm>

#include "consensus/rules/difficulty.hpp"
#include "net/sync/block_fetch.hpp"
#include "net/wire/limits.hpp"

namespace cairn::node {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

constexpr Height kMinBlocksToKeep = 288;  // a pruned node keeps at least these
constexpr std::int64_t kHour_s = 3600;

constexpr Height kMaxCompactDepth = 5;    // blocks below the tip that are given out as compact blocks (Core MAX_CMPCTBLOCK_DEPTH)
constexpr Height kMaxPiecesDepth = 10;    // ... that single transactions are given out of (Core MAX_BLOCKTXN_DEPTH)

/// A block's answer to one kind of inventory: with or without witnesses, or as short ids.
Server::Answer answer_for(std::uint32_t type, std::uint64_t nonce, Bytes raw) {
    if (type == kInvWitnessBlock) return BlockMessage{std::move(raw)};
    auto block = Block::parse(std::move(raw));
    if (!block) return fail(Server::Failure::io);
    if (type == kInvCompactBlock) return make_compact_block(**block, nonce);
    return BlockMessage{(*block)->serialize_stripped()};
}

Server::Answer pieces_of(const Block& block, std::span<const std::uint32_t> indexes) {
    auto pieces = make_block_txn(block, indexes);
    if (!pieces) return fail(Server::Failure::bad_index);
    return std::move(*pieces);
}

Server::Failure failure_of(ReadError error) {
    switch (error) {
        case ReadError::not_stored: return Server::Failure::not_stored;
        case ReadError::pruned: return Server::Failure::pruned;
        case ReadError::io: break;
    }
    return Server::Failure::io;
}

/// About what it adds to the send queue.
std::size_t size_of(const Message& message) {
    if (const auto* block = std::get_if<BlockMessage>(&message)) return block->raw.size();
    if (const auto* pieces = std::get_if<BlockTxnMessage>(&message)) return pieces->transactions_raw.size();
    if (const auto* tx = std::get_if<TxMessage>(&message)) return tx->raw.size();
    return 0;
}

/// A copy that the transport can seal where it stands.
Bytes with_room(ByteSpan raw) {
    Bytes copy;
    copy.reserve(raw.size() + 32);
    copy.assign(raw.begin(), raw.end());
    return copy;
}

/// As getdata and inv are logged.
std::string kind_of(const InvItem& item) {
    const std::string witness = (item.type & kInvWitnessFlag) != 0 ? "witness-" : "";
    switch (item.type & ~kInvWitnessFlag) {
        case kInvTx: return witness + "tx";
        case kInvWtx: return witness + "wtx";
        case kInvBlock: return witness + "block";
        case kInvFilteredBlock: return witness + "merkleblock";
        case kInvCompactBlock: return witness + "cmpctblock";
        default: return fmt::format("0x{:08x}", item.type);
    }
}

}  // namespace

Server::Server(ChainAdapter& chain, PeerChains& chains, Announcer& announcer, RecentBlock& recent, PeerFilters& peer_filters, Random& random,
               const ChainParams& params, Options options, std::function<void(ReadDone)> deliver)
    : chain_(chain), chains_(chains), announcer_(announcer), recent_(recent), peer_filters_(peer_filters), random_(random), params_(params), options_(options),
      deliver_(std::move(deliver)) {}

bool Server::busy(PeerId peer) const {
    const auto found = states_.find(peer);
    return found != states_.end() && (!found->second.wanted.empty() || !found->second.reads.empty());
}

const HeaderNode* Server::fork_of(const std::vector<BlockHash>& locator) const {
    const HeaderNode* tip = chain_.tip();
    for (const BlockHash& hash : locator) {
        const HeaderNode* node = chain_.find(hash);
        if (!node) continue;
        if (chain_.on_active_chain(node)) return node;
        if (node->ancestor(tip->height) == tip) return tip;
    }
    return tip->ancestor(0);
}

/// The active chain, and side branches that were valid and are not old: serving more would tell who we are.
bool Server::may_serve(const HeaderNode* node) const {
    if (chain_.on_active_chain(node)) return true;
    const HeaderNode* best = chain_.best_header();
    return chain_.port().facts(node).scripts_valid &&
           std::int64_t{best->header.time} - std::int64_t{node->header.time} < limits::kStaleRelayAge_s &&
           rules::equivalent_time(*best, *node, *best, params_) < limits::kStaleRelayAge_s;
}

void Server::on_get_headers(const PeerInfo& peer, const GetHeadersMessage& message, Outbox& out) {
    if (message.locator.size() > limits::kMaxLocator) {
        out.disconnect(peer.id, fmt::format("getheaders locator size {} > {}", message.locator.size(), limits::kMaxLocator));
        return;
    }
    if (chain_.importing()) {
        out.log().debug("Ignoring getheaders from peer={} while importing/reindexing", peer.id);
        return;
    }
    const HeaderNode* tip = chain_.tip();
    if (tip->chain_work < chain_.minimum_chain_work() && !peer.has(kPermitDownload)) {
        out.log().debug("Ignoring getheaders from peer={} because active chain has too little work; sending empty response", peer.id);
        out.send(peer.id, HeadersMessage{});
        return;
    }
    const HeaderNode* node = nullptr;
    if (message.locator.empty()) {
        node = chain_.find(message.stop);
        if (!node) return;
        if (!may_serve(node)) {
            out.log().debug("ignoring request from peer={} for old block header that isn't in the main chain", peer.id);
            return;
        }
    } else {
        node = chain_.view().at(fork_of(message.locator)->height + 1);
    }
    out.log().debug("getheaders {} to {} from peer={}", node ? node->height : -1,
                    message.stop.is_null() ? "end" : message.stop.to_display_hex(), peer.id);
    HeadersMessage answer;
    const HeaderNode* last = node;
    // Upwards on the active chain; a node beside it stands alone.
    while (node) {
        answer.headers.push_back(node->header);
        last = node;
        if (answer.headers.size() == limits::kMaxHeaders || node->hash == message.stop) break;
        node = chain_.on_active_chain(node) ? chain_.view().at(node->height + 1) : nullptr;
    }
    answer.count = answer.headers.size();
    chains_.at(peer.id).best_sent = node && last ? last : tip;
    out.send(peer.id, std::move(answer));
}

void Server::on_get_blocks(const PeerInfo& peer, const GetBlocksMessage& message, Outbox& out) {
    if (message.locator.size() > limits::kMaxLocator) {
        out.disconnect(peer.id, fmt::format("getblocks locator size {} > {}", message.locator.size(), limits::kMaxLocator));
        return;
    }
    const HeaderNode* tip = chain_.tip();
    const HeaderNode* node = chain_.view().at(fork_of(message.locator)->height + 1);
    out.log().debug("getblocks {} to {} limit {} from peer={}", node ? node->height : -1,
                    message.stop.is_null() ? "end" : message.stop.to_display_hex(), limits::kMaxGetBlocks, peer.id);
    const auto likely_kept = kMinBlocksToKeep - static_cast<Height>(kHour_s / params_.pow_target_spacing);
    for (std::size_t count = 1; node; node = chain_.view().at(node->height + 1), ++count) {
        if (node->hash == message.stop) break;
        if (options_.prune_mode && (!chain_.have_data(node) || node->height <= tip->height - likely_kept)) break;
        announcer_.queue_inv(peer.id, node->hash);
        if (count == limits::kMaxGetBlocks) {
            states_[peer.id].continuation = node->hash;
            break;
        }
    }
}

void Server::on_get_data(const PeerInfo& peer, GetDataMessage&& message, Outbox& out, std::int64_t now_us) {
    if (message.items.size() > limits::kMaxInv) {
        out.misbehaving(peer.id, fmt::format("getdata message size = {}", message.items.size()));
        return;
    }
    out.log().debug("received getdata ({} invsz) peer={}", message.items.size(), peer.id);
    if (!message.items.empty() && out.log().debug_wanted())
        out.log().debug("received getdata for: {} {} peer={}", kind_of(message.items.front()), message.items.front().hash.to_display_hex(), peer.id);
    auto& wanted = states_[peer.id].wanted;
    for (const InvItem& item : message.items) wanted.push_back({item});
    pump(peer, out, now_us);
}

void Server::on_get_block_txn(const PeerInfo& peer, GetBlockTxnMessage&& message, Outbox& out, std::int64_t now_us) {
    if (message.indexes.empty()) {
        out.disconnect(peer.id, "getblocktxn received with no transaction indexes");
        return;
    }
    states_[peer.id].wanted.push_back({{kInvWitnessBlock, message.block}, std::move(message.indexes)});
    pump(peer, out, now_us);
}

/// True for the block that was announced before it is connected, while it is: whoever asks for it must not be told no.
bool Server::being_connected(const InvItem& item) const {
    if (!item.is_block() || !recent_.is(BlockHash(item.hash))) return false;
    const HeaderNode* node = recent_.node();
    if (node->parent != chain_.tip()) return false;
    const BlockFacts facts = chain_.port().facts(node);
    return !facts.scripts_valid && !facts.invalid();
}

/// False when the peer was dropped for what it asked.
bool Server::start_block(const PeerInfo& peer, State& state, const InvItem& item, Outbox& out, std::int64_t now_us) {
    if (item.type == kInvFilteredBlock && !peer_filters_.offered(peer)) {
        out.disconnect(peer.id, "filtered block request received when NODE_BLOOM service disabled");
        return false;
    }
    const HeaderNode* node = chain_.find(BlockHash(item.hash));
    if (!node) return true;
    if (!may_serve(node)) {
        out.log().debug("ignoring request from peer={} for old block that isn't in the main chain", peer.id);
        return true;
    }
    const bool history = item.type == kInvFilteredBlock ||
                         std::int64_t{chain_.best_header()->header.time} - std::int64_t{node->header.time} > UploadTarget::kHistoryAge_s;
    if (history && out.history_refused(now_us) && !peer.has(kPermitDownload)) {
        out.disconnect(peer.id, "historical block serving limit reached");
        return false;
    }
    if (options_.prune_mode && !peer.has(kPermitNoBan) && chain_.tip()->height - node->height > limits::kLimitedBlocks + 2) {
        out.disconnect(peer.id, "Ignore block request below NODE_NETWORK_LIMITED threshold");
        return false;
    }
    if (!chain_.have_data(node)) return true;
    if (item.type == kInvFilteredBlock) {
        start_filtered(peer, state, node);
        return true;
    }
    std::uint32_t type = item.type;
    // Who asks for an old block has no mempool that fits it.
    if (type == kInvCompactBlock &&
        (!near_tip(*chain_.tip(), params_, now_us) || node->height < chain_.tip()->height - kMaxCompactDepth))
        type = kInvWitnessBlock;
    if (recent_.is(node->hash)) {
        Message message = type == kInvCompactBlock ? Message(recent_.compact())
                          : type == kInvBlock      ? Message(BlockMessage{recent_.block()->serialize_stripped()})
                                                   : Message(BlockMessage{with_room(recent_.block()->raw())});
        state.reads.push_back({next_ticket_++, node, std::move(message)});
        return true;
    }
    start_read(peer, state, node, [type, nonce = random_.u64()](Bytes raw) { return answer_for(type, nonce, std::move(raw)); });
    return true;
}

/// What of the block concerns the peer, by the filter that it has loaded; without one there is no answer.
void Server::start_filtered(const PeerInfo& peer, State& state, const HeaderNode* node) {
    auto copy = peer_filters_.copy(peer.id);
    if (!copy) return;
    start_read(peer, state, node, [copy = std::move(*copy)](Bytes raw) mutable -> Answer {
        const auto block = Block::parse(std::move(raw));
        if (!block) return fail(Failure::io);
        Reply reply;
        reply.messages = PeerFilters::filter_block(**block, copy.filter);
        reply.filter = std::move(copy);
        return reply;
    });
    state.reads.back().filtered = true;
}

/// The same for single transactions of a block.
bool Server::start_pieces(const PeerInfo& peer, State& state, Wanted&& wanted, Outbox& out, std::int64_t now_us) {
    const BlockHash hash(wanted.item.hash);
    if (recent_.is(hash)) {
        state.reads.push_back({next_ticket_++, recent_.node(), pieces_of(*recent_.block(), wanted.indexes)});
        return true;
    }
    const HeaderNode* node = chain_.find(hash);
    if (!node || !chain_.have_data(node)) {
        out.log().debug("Peer {} sent us a getblocktxn for a block we don't have", peer.id);
        return true;
    }
    if (node->height < chain_.tip()->height - kMaxPiecesDepth) {
        // All of it: whoever makes us read the disk for little has to take much.
        out.log().debug("Peer {} sent us a getblocktxn for a block > {} deep", peer.id, kMaxPiecesDepth);
        return start_block(peer, state, wanted.item, out, now_us);
    }
    start_read(peer, state, node, [indexes = std::move(wanted.indexes)](Bytes raw) -> Answer {
        const auto block = Block::parse(std::move(raw));
        if (!block) return fail(Failure::io);
        return pieces_of(**block, indexes);
    });
    return true;
}

void Server::start_read(const PeerInfo& peer, State& state, const HeaderNode* node, std::function<Answer(Bytes)> make) {
    const std::uint64_t ticket = next_ticket_++;
    state.reads.push_back({ticket, node, std::nullopt});
    chain_.port().read_block_async(node, [deliver = deliver_, id = peer.id, ticket, make = std::move(make)](Result<Bytes, ReadError> bytes) mutable {
        deliver({id, ticket, bytes ? make(std::move(*bytes)) : Answer(fail(failure_of(bytes.error())))});
    });
}

void Server::on_read(ReadDone done) {
    const auto found = states_.find(done.peer);
    if (found == states_.end()) return;
    for (Slot& slot : found->second.reads) {
        if (slot.ticket != done.ticket) continue;
        if (done.answer && done.answer->filter) peer_filters_.merge(done.peer, *done.answer->filter);
        slot.answer = std::move(done.answer);
        slot.filtered = false;
    }
}

bool Server::filtering(const State& state) {
    return std::any_of(state.reads.begin(), state.reads.end(), [](const Slot& slot) { return slot.filtered; });
}

/// Sends the answers at the front that are there. False when the peer was dropped.
bool Server::send_ready(const PeerInfo& peer, State& state, Outbox& out) {
    std::size_t queued = peer.send_queue_bytes;
    while (!state.reads.empty() && state.reads.front().answer && queued < options_.max_send_buffer) {
        Slot slot = std::move(state.reads.front());
        state.reads.pop_front();
        if (!*slot.answer) {
            switch (slot.answer->error()) {
                case Failure::bad_index: out.misbehaving(peer.id, "getblocktxn with out-of-bounds tx indices"); break;
                case Failure::pruned: out.disconnect(peer.id, "Block was pruned before it could be read"); break;
                default: out.disconnect(peer.id, "Cannot load block from disk", LogLine::Kind::error);
            }
            return false;
        }
        for (Message& message : (*slot.answer)->messages) {
            queued += size_of(message);
            if (const auto* pieces = std::get_if<BlockTxnMessage>(&message))
                out.log().compact("peer={} sent us a GETBLOCKTXN for block {}, sending a BLOCKTXN with {} txns. ({} bytes)", peer.id,
                                  pieces->block.to_display_hex(), Reader(pieces->transactions_raw).compact_size(),
                                  pieces->transactions_raw.size());
            out.send(peer.id, std::move(message));
        }
        if (slot.node->hash == state.continuation) {
            out.send(peer.id, InvMessage{{{kInvBlock, chain_.tip()->hash}}});
            state.continuation = BlockHash();
        }
    }
    return true;
}

void Server::pump(const PeerInfo& peer, Outbox& out, std::int64_t now_us) {
    const auto found = states_.find(peer.id);
    if (found == states_.end()) return;
    State& state = found->second;
    if (!send_ready(peer, state, out)) return;
    NotFoundMessage missing;
    std::size_t queued = peer.send_queue_bytes;
    // For a peer that does not keep up with what it was sent, nothing is read ahead.
    const std::size_t ahead = queued > options_.max_send_buffer / 4 ? 1 : limits::kBlockReadsAhead;
    while (!state.wanted.empty() && state.reads.size() < ahead && queued < options_.max_send_buffer) {
        if (state.wanted.front().indexes.empty() && being_connected(state.wanted.front().item)) break;
        if (state.wanted.front().item.type == kInvFilteredBlock && filtering(state)) break;
        Wanted wanted = std::move(state.wanted.front());
        state.wanted.pop_front();
        const InvItem& item = wanted.item;
        if (!wanted.indexes.empty()) {
            if (!start_pieces(peer, state, std::move(wanted), out, now_us)) return;
        } else if (item.is_tx() && tx_answer_) {
            queued += tx_answer_(peer, item, missing, out);
        } else if (item.is_tx()) {
            missing.items.push_back(item);
        } else if (item.is_block() && !start_block(peer, state, item, out, now_us)) {
            return;
        }
    }
    if (!missing.items.empty()) out.send(peer.id, std::move(missing));
    send_ready(peer, state, out);  // what was at hand
}

}  // namespace cairn::node
