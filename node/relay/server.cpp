#include "node/relay/server.hpp"

#include <algorithm>

#include "consensus/rules/difficulty.hpp"
#include "net/wire/limits.hpp"

namespace cairn::node {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

constexpr Height kMinBlocksToKeep = 288;  // a pruned node keeps at least these
constexpr std::int64_t kHour_s = 3600;

/// What a peer without witnesses gets: the same block without them.
Result<Bytes, ReadError> without_witness(Result<Bytes, ReadError> bytes) {
    if (!bytes) return bytes;
    auto block = Block::parse(std::move(*bytes));
    if (!block) return fail(ReadError::io);
    return (*block)->serialize_stripped();
}

}  // namespace

Server::Server(ChainAdapter& chain, PeerChains& chains, Announcer& announcer, const ChainParams& params, Options options,
               std::function<void(ReadDone)> deliver)
    : chain_(chain), chains_(chains), announcer_(announcer), params_(params), options_(options), deliver_(std::move(deliver)) {}

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
    auto& wanted = states_[peer.id].wanted;
    wanted.insert(wanted.end(), message.items.begin(), message.items.end());
    pump(peer, out, now_us);
}

void Server::on_get_block_txn(const PeerInfo& peer, const GetBlockTxnMessage& message, Outbox& out, std::int64_t now_us) {
    if (message.indexes.empty()) {
        out.disconnect(peer.id, "getblocktxn received with no transaction indexes");
        return;
    }
    states_[peer.id].wanted.push_back({kInvWitnessBlock, message.block});
    pump(peer, out, now_us);
}

/// False when the peer was dropped for what it asked.
bool Server::start_read(const PeerInfo& peer, State& state, const InvItem& item, Outbox& out) {
    if (item.type == kInvFilteredBlock) {
        out.disconnect(peer.id, "filtered block request received when NODE_BLOOM service disabled");
        return false;
    }
    const HeaderNode* node = chain_.find(BlockHash(item.hash));
    if (!node) return true;
    if (!may_serve(node)) {
        out.log().debug("ignoring request from peer={} for old block that isn't in the main chain", peer.id);
        return true;
    }
    if (options_.prune_mode && !peer.has(kPermitNoBan) && chain_.tip()->height - node->height > limits::kLimitedBlocks + 2) {
        out.disconnect(peer.id, "Ignore block request below NODE_NETWORK_LIMITED threshold");
        return false;
    }
    if (!chain_.have_data(node)) return true;
    const std::uint64_t ticket = next_ticket_++;
    state.reads.push_back({ticket, node, std::nullopt});
    const bool strip = item.type == kInvBlock;
    chain_.port().read_block_async(node, [deliver = deliver_, id = peer.id, ticket, strip](Result<Bytes, ReadError> bytes) {
        deliver({id, ticket, strip ? without_witness(std::move(bytes)) : std::move(bytes)});
    });
    return true;
}

void Server::on_read(ReadDone done) {
    const auto found = states_.find(done.peer);
    if (found == states_.end()) return;
    for (Slot& slot : found->second.reads)
        if (slot.ticket == done.ticket) slot.bytes = std::move(done.bytes);
}

/// Sends the blocks at the front that were read. False when the peer was dropped.
bool Server::send_ready(const PeerInfo& peer, State& state, Outbox& out) {
    std::size_t queued = peer.send_queue_bytes;
    while (!state.reads.empty() && state.reads.front().bytes && queued < options_.max_send_buffer) {
        Slot slot = std::move(state.reads.front());
        state.reads.pop_front();
        if (!*slot.bytes) {
            const bool pruned = slot.bytes->error() == ReadError::pruned;
            out.disconnect(peer.id, pruned ? "Block was pruned before it could be read" : "Cannot load block from disk",
                           pruned ? LogLine::Kind::debug : LogLine::Kind::error);
            return false;
        }
        queued += (*slot.bytes)->size();
        out.send(peer.id, BlockMessage{std::move(**slot.bytes)});
        if (slot.node->hash == state.continuation) {
            out.send(peer.id, InvMessage{{{kInvBlock, chain_.tip()->hash}}});
            state.continuation = BlockHash();
        }
    }
    return true;
}

void Server::pump(const PeerInfo& peer, Outbox& out, std::int64_t) {
    const auto found = states_.find(peer.id);
    if (found == states_.end()) return;
    State& state = found->second;
    if (!send_ready(peer, state, out)) return;
    NotFoundMessage missing;
    while (!state.wanted.empty() && state.reads.size() < limits::kBlockReadsAhead && peer.send_queue_bytes < options_.max_send_buffer) {
        const InvItem item = state.wanted.front();
        state.wanted.pop_front();
        if (item.is_tx())
            missing.items.push_back(item);
        else if (item.is_block() && !start_read(peer, state, item, out))
            return;
    }
    if (!missing.items.empty()) out.send(peer.id, std::move(missing));
}

}  // namespace cairn::node
