#include "node/relay/compact_relay.hpp"

#include <algorithm>

#include "consensus/rules/difficulty.hpp"
#include "net/wire/codec.hpp"

namespace cairn::node {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

constexpr std::uint64_t kVersion = 2;             // short ids of wtxids
constexpr std::size_t kMaxChosen = 3;             // peers that announce by compact blocks (BIP152)
constexpr std::size_t kMaxParallel = 3;           // peers that one block is being rebuilt with (Core MAX_CMPCTBLOCKS_INFLIGHT_PER_BLOCK)
constexpr Height kMaxAhead = 2;                   // blocks further above the tip than this find no use for our mempool
constexpr std::size_t kMaxPrefillBytes = 10'000;  // what is sent unasked besides the coinbase
constexpr std::size_t kMaxGivers = 64;            // blocks that wait for their verdict

bool contains(std::span<const PeerId> peers, PeerId peer) { return std::find(peers.begin(), peers.end(), peer) != peers.end(); }

}  // namespace

void CompactRelay::remove(PeerId peer) {
    states_.erase(peer);
    std::erase(chosen_, peer);
}

bool CompactRelay::hb_to(PeerId peer) const {
    const auto found = states_.find(peer);
    return found != states_.end() && found->second.chosen;
}

bool CompactRelay::hb_from(PeerId peer) const {
    const auto found = states_.find(peer);
    return found != states_.end() && found->second.wants_fast;
}

void CompactRelay::on_ready(const PeerInfo& peer, Outbox& out) { out.send(peer.id, SendCmpctMessage{0, kVersion}); }

bool CompactRelay::on_send_cmpct(const PeerInfo& peer, const SendCmpctMessage& message, Outbox& out) {
    if (message.announce > 1) {
        out.misbehaving(peer.id, "invalid sendcmpct announce field");
        return false;
    }
    if (message.version != kVersion) return false;
    State& state = states_[peer.id];
    state.provides = true;
    state.wants_fast = message.announce == 1;
    return true;
}

bool CompactRelay::may_request(PeerId peer, const HeaderNode* node) const {
    const auto found = states_.find(peer);
    return !options_.blocks_only && found != states_.end() && found->second.provides && node->parent &&
           chain_.port().facts(node->parent).scripts_valid;
}

// ------------------------------------------------------------------------------------------ who announces to us

void CompactRelay::on_connected(PeerId peer, const HeaderNode* node, Outbox& out) {
    // Without a mempool compact blocks would only cost round trips. And the block was the newest known: nothing else is on its way.
    if (options_.blocks_only || chain_.initial_block_download()) return;
    if (blocks_.asked_for(node).size() != blocks_.requests()) return;
    const auto found = states_.find(peer);
    if (found == states_.end() || !found->second.provides) return;
    if (found->second.chosen) {
        std::erase(chosen_, peer);
        chosen_.push_back(peer);
        return;
    }
    const auto outbound = [this](PeerId id) { return !states_.at(id).inbound; };
    if (found->second.inbound && chosen_.size() >= kMaxChosen && std::count_if(chosen_.begin(), chosen_.end(), outbound) == 1 &&
        outbound(chosen_.front()))
        std::swap(chosen_[0], chosen_[1]);  // the only outbound one stays
    out.send(peer, SendCmpctMessage{1, kVersion});
    found->second.chosen = true;
    chosen_.push_back(peer);
    if (chosen_.size() <= kMaxChosen) return;
    out.send(chosen_.front(), SendCmpctMessage{0, kVersion});
    states_.at(chosen_.front()).chosen = false;
    chosen_.pop_front();
}

// ------------------------------------------------------------------------------------------ compact blocks

const HeaderNode* CompactRelay::take_header(const PeerInfo& peer, const BlockHeader& header, Outbox& out, std::int64_t now_us) {
    const HeaderNode* parent = chain_.find(header.previous);
    if (!parent) {
        if (!chain_.initial_block_download()) headers_.ask(peer, out, now_us);
        return nullptr;
    }
    if (parent->chain_work + block_work(header.bits) < headers_.work_threshold()) {
        out.log().debug("Ignoring low-work compact block from peer {}", peer.id);
        return nullptr;
    }
    const bool is_new = chain_.find(header.hash()) == nullptr;
    const auto accepted = chain_.accept_headers({&header, 1});
    if (!accepted) {
        switch (accepted.error()) {
            // A header that is not bad by itself, or whose block was found bad later: the peer need not know.
            case HeaderError::time_too_new:
            case HeaderError::too_little_work:
            case HeaderError::cached_invalid: out.log().debug("peer={}: invalid header via cmpctblock", peer.id); break;
            default: out.misbehaving(peer.id, "invalid header via cmpctblock");
        }
        return nullptr;
    }
    const HeaderNode* node = *accepted;
    if (is_new)
        out.log().add(chain_.initial_block_download() ? LogLine::Kind::validation_debug : LogLine::Kind::info,
                      fmt::format("Saw new cmpctblock header hash={} height={} peer={}", node->hash.to_display_hex(), node->height, peer.id));
    chains_.on_announced(peer.id, node->hash);
    if (is_new && node->chain_work > chain_.tip()->chain_work) headers_.note_announcement(peer.id, now_us);
    return node;
}

CompactRelay::Outcome CompactRelay::on_compact_block(const PeerInfo& peer, CompactBlockMessage&& message, const CandidateTxs& pool,
                                                     Outbox& out, std::int64_t now_us) {
    State& state = states_[peer.id];
    const char* objection = chain_.importing()     ? "even though we are still loading blocks"
                            : options_.blocks_only ? "even though we are blocksonly"
                            : !state.provides      ? "despite never having sent us a SENDCMPCT"
                                                   : nullptr;
    if (objection) {
        out.log().compact("peer={} sent us a compact block {}!", peer.id, objection);
        return {};
    }
    const std::size_t bytes = BlockHeader::kSize + 8 + compact_size_length(message.short_ids.size()) + 6 * message.short_ids.size() +
                              message.prefilled_raw.size();
    auto partial = std::make_unique<PartialBlock>();
    if (partial->read(std::move(message)) == PartialBlock::Status::unreadable) {
        out.log().debug("ProcessMessages(cmpctblock, {} bytes): Exception 'malformed transactions' caught, peer={}", bytes, peer.id);
        return {};
    }
    const HeaderNode* node = take_header(peer, partial->header(), out, now_us);
    if (!node || chain_.have_data(node) || blocks_.judging(node)) return {};

    const bool requested = blocks_.requested_from(peer.id, node);
    if (!requested && !state.chosen) {
        out.log().compact("peer={}, not marked as high-bandwidth, sent us an unsolicited compact block!", peer.id);
        return {};
    }
    // Something better is known, or it was here once: the mempool will not help.
    if (node->chain_work <= chain_.tip()->chain_work || chain_.port().facts(node).tx_count != 0) {
        if (requested) ask_whole(peer, node, out);
        return {};
    }
    if (!blocks_.requested(node) && !near_tip(*chain_.tip(), params_, now_us)) return {};
    if (node->height > chain_.tip()->height + kMaxAhead) {
        if (requested) ask_whole(peer, node, out);
        return {std::nullopt, !requested};
    }
    out.log().compact("Initializing PartiallyDownloadedBlock for block {} using a cmpctblock of {} bytes", node->hash.to_display_hex(), bytes);
    return reconstruct(peer, state, node, std::move(partial), pool, out, now_us);
}

bool CompactRelay::first_in_line(PeerId peer, const HeaderNode* node) const {
    const auto asked = blocks_.asked_for(node);
    return asked.empty() || asked.front() == peer;
}

/// `others`: who was asked for the block before this peer announced it.
bool CompactRelay::may_ask_missing(const PeerInfo& peer, const State& state, const HeaderNode* node, std::size_t others) const {
    if (first_in_line(peer.id, node)) return true;
    if (!state.chosen) return false;
    const auto asked = blocks_.asked_for(node);
    const bool outbound_at_it = std::any_of(asked.begin(), asked.end(), [this, &peer](PeerId id) {
        const auto found = states_.find(id);
        return id != peer.id && found != states_.end() && !found->second.inbound;
    });
    return !peer.inbound() || outbound_at_it || others + 1 < kMaxParallel;
}

CompactRelay::Outcome CompactRelay::reconstruct(const PeerInfo& peer, State& state, const HeaderNode* node,
                                                std::unique_ptr<PartialBlock> partial, const CandidateTxs& pool, Outbox& out,
                                                std::int64_t now_us) {
    const std::size_t others = blocks_.asked_for(node).size();
    const bool requested = blocks_.requested_from(peer.id, node);
    if (!requested && (others >= kMaxParallel || blocks_.in_flight(peer.id) >= limits::kBlocksInFlightPerPeer))
        return {reconstruct_aside(peer.id, node, *partial, pool, out), false};
    if (requested && state.partial.contains(node)) {
        out.log().debug("Peer sent us compact block we were already syncing!");
        return {};
    }
    blocks_.note_request(peer.id, node, now_us);
    const PartialBlock::Status status = partial->match(pool, extra_.candidates());
    if (status == PartialBlock::Status::invalid) {
        blocks_.cancel_request(peer.id, node, now_us);
        out.misbehaving(peer.id, "invalid compact block");
        return {};
    }
    if (status == PartialBlock::Status::failed) {
        if (first_in_line(peer.id, node)) {
            ask_whole(peer, node, out);
            state.partial[node] = std::move(partial);  // used up: no second attempt with this peer
        } else {
            blocks_.cancel_request(peer.id, node, now_us);
        }
        return {};
    }
    if (!partial->missing().empty() && !may_ask_missing(peer, state, node, others)) {
        blocks_.cancel_request(peer.id, node, now_us);  // others are at it
        return {};
    }
    PartialBlock& kept = *(state.partial[node] = std::move(partial));
    if (kept.missing().empty()) return {complete(peer, state, node, {}, out, now_us), false};
    out.send(peer.id, GetBlockTxnMessage{node->hash, kept.missing()});
    return {};
}

/// Others are asked for the block, as many as may be: this peer is not, but what it sent may be enough.
std::optional<CompactRelay::Rebuilt> CompactRelay::reconstruct_aside(PeerId peer, const HeaderNode* node, PartialBlock& partial,
                                                                     const CandidateTxs& pool, Outbox& out) {
    if (partial.match(pool, extra_.candidates()) != PartialBlock::Status::ok || !partial.missing().empty()) return std::nullopt;
    if (partial.fill({}, segwit_at(node)) != PartialBlock::Status::ok) return std::nullopt;
    return finish(peer, node, partial, out);
}

std::optional<CompactRelay::Rebuilt> CompactRelay::on_block_txn(const PeerInfo& peer, BlockTxnMessage&& message, Outbox& out,
                                                                std::int64_t now_us) {
    if (chain_.importing()) {
        out.log().debug("Unexpected blocktxn message received from peer {}", peer.id);
        return std::nullopt;
    }
    State& state = states_[peer.id];
    const HeaderNode* node = chain_.find(message.block);
    const auto found = state.partial.find(node);
    if (found == state.partial.end() || !blocks_.requested_from(peer.id, node)) {
        out.log().debug("Peer {} sent us block transactions for block we weren't expecting", peer.id);
        return std::nullopt;
    }
    if (found->second->used_up()) {
        blocks_.cancel_request(peer.id, node, now_us);
        state.partial.erase(found);
        out.misbehaving(peer.id, "previous compact block reconstruction attempt failed");
        out.log().debug("Peer {} sent compact block transactions multiple times", peer.id);
        return std::nullopt;
    }
    return complete(peer, state, node, std::move(message.transactions_raw), out, now_us);
}

/// Puts `raw` into the peer's partial block and tells what it came to.
std::optional<CompactRelay::Rebuilt> CompactRelay::complete(const PeerInfo& peer, State& state, const HeaderNode* node, Bytes raw,
                                                            Outbox& out, std::int64_t now_us) {
    PartialBlock& partial = *state.partial.at(node);
    const std::size_t bytes = raw.size();
    switch (partial.fill(std::move(raw), segwit_at(node))) {
        case PartialBlock::Status::unreadable:
            out.log().debug("ProcessMessages(blocktxn, {} bytes): Exception 'malformed transactions' caught, peer={}", bytes, peer.id);
            return std::nullopt;
        case PartialBlock::Status::invalid:
            blocks_.cancel_request(peer.id, node, now_us);
            state.partial.erase(node);
            out.misbehaving(peer.id, "invalid compact block/non-matching block transactions");
            return std::nullopt;
        case PartialBlock::Status::failed:
            // Short ids may have collided. The used up attempt stays, so that the same peer cannot start another one.
            if (first_in_line(peer.id, node)) {
                ask_whole(peer, node, out);
            } else {
                blocks_.cancel_request(peer.id, node, now_us);
                state.partial.erase(node);
                out.log().debug("Peer {} sent us a compact block but it failed to reconstruct, waiting on first download to complete", peer.id);
            }
            return std::nullopt;
        case PartialBlock::Status::ok: break;
    }
    const Rebuilt rebuilt = finish(peer.id, node, partial, out);
    state.partial.erase(node);
    return rebuilt;
}

CompactRelay::Rebuilt CompactRelay::finish(PeerId peer, const HeaderNode* node, PartialBlock& partial, Outbox& out) {
    const PartialBlock::Counts& counts = partial.counts();
    if (out.log().compact_wanted()) {
        const std::string hash = node->hash.to_display_hex();
        out.log().compact("Successfully reconstructed block {} with {} txn prefilled, {} txn from mempool (incl at least {} from extra pool) "
                          "and {} txn ({} bytes) requested", hash, counts.prefilled, counts.from_pool, counts.from_extra, counts.requested,
                          counts.requested_bytes);
        for (const Txid& txid : counts.requested_ids) out.log().compact("Reconstructed block {} required tx {}", hash, txid.to_display_hex());
    }
    ++(counts.requested == 0 ? totals_.at_once : totals_.round_trips);
    lacked_node_ = node;
    lacked_.clear();
    if (counts.requested_bytes <= kMaxPrefillBytes) lacked_ = partial.missing();
    if (givers_.size() >= kMaxGivers) givers_.clear();
    givers_[node->hash].push_back(peer);
    return {node, partial.block()};
}

void CompactRelay::ask_whole(const PeerInfo& peer, const HeaderNode* node, Outbox& out) {
    ++totals_.fallbacks;
    out.send(peer.id, GetDataMessage{{{peer.can_serve_witnesses() ? kInvWitnessBlock : kInvBlock, node->hash}}});
}

// ------------------------------------------------------------------------------------------ afterwards

void CompactRelay::on_judged(const HeaderNode* node, bool final) {
    if (final) givers_.erase(node->hash);
    for (auto& [id, state] : states_) state.partial.erase(node);
}

bool CompactRelay::came_compact(PeerId peer, const BlockHash& hash) const {
    const auto found = givers_.find(hash);
    return found != givers_.end() && contains(found->second, peer);
}

std::vector<std::uint32_t> CompactRelay::lacked(const HeaderNode* node) const {
    return node == lacked_node_ ? lacked_ : std::vector<std::uint32_t>();
}

}  // namespace cairn::node
