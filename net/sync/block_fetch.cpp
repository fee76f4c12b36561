#include "net/sync/block_fetch.hpp"

#include <algorithm>
#include <limits>

#include "net/wire/limits.hpp"

namespace cairn::net {
namespace {

constexpr std::size_t kFlightBytes = 2'000'000;  // what should be under way from one peer while blocks are small
constexpr std::size_t kMaxFlight = 128;
constexpr std::size_t kMinFlight = 2;            // of a peer that is slow: one on its way, one to follow
constexpr double kFlightSeconds = 4;             // of what a peer gives are under way
constexpr std::size_t kMaxFlightBytes = 32'000'000;
constexpr double kMeasure_us = 10'000'000;       // then the past counts half
constexpr double kMeasured_us = 500'000;         // shorter than this tells nothing
constexpr std::int64_t kHeldBack_us = 10'000'000;  // after our own limit kept us from reading, a peer is not blamed
constexpr std::int64_t kLastResort_us = 30'000'000;  // before the only one who has a block is asked again for what it did not give
constexpr std::int64_t kDirectFetchBlocks = 20;  // the tip is at most this many block intervals old

}  // namespace

bool near_tip(const HeaderNode& tip, const ChainParams& params, std::int64_t now_us) {
    return std::int64_t{tip.header.time} > now_us / 1'000'000 - params.pow_target_spacing * kDirectFetchBlocks;
}

void BlockFetch::Measure::add(std::size_t size_bytes, std::int64_t now_us) {
    bytes += static_cast<double>(size_bytes);
    busy_us += static_cast<double>(std::max<std::int64_t>(now_us - since_us, 0));
    since_us = now_us;
    if (busy_us < kMeasure_us) return;
    bytes /= 2;
    busy_us /= 2;
}

std::optional<double> BlockFetch::Measure::rate(bool busy, std::int64_t now_us) const {
    const double time_us = busy_us + (busy ? static_cast<double>(now_us - since_us) : 0.0);
    if (bytes == 0 || time_us < kMeasured_us) return std::nullopt;
    return bytes / time_us * 1e6;
}

std::optional<double> BlockFetch::measured_rate(PeerId peer, std::int64_t now_us) const {
    const auto found = states_.find(peer);
    if (found == states_.end()) return std::nullopt;
    return found->second.measure.rate(!found->second.queue.empty(), now_us);
}

/// Blocks that may be under way from a peer.
std::size_t BlockFetch::flight_limit(const State& state, std::int64_t now_us) const {
    const double block = std::max(average_bytes_, 1.0);
    const auto blocks = [block](double bytes) { return static_cast<std::size_t>(bytes / block); };
    const auto rate = state.measure.rate(!state.queue.empty(), now_us);
    if (!rate) return std::clamp(blocks(static_cast<double>(kFlightBytes)), limits::kBlocksInFlightPerPeer, kMaxFlight);
    const std::size_t most = std::clamp(blocks(static_cast<double>(kMaxFlightBytes)), limits::kBlocksInFlightPerPeer, kMaxFlight);
    return std::clamp(blocks(*rate * kFlightSeconds), kMinFlight, most);
}

/// What is known of the peer now.
void BlockFetch::note_peer(const PeerInfo& peer, State& state, std::int64_t now_us) {
    state.inbound = peer.inbound();
    state.serves = peer.ready && peer.can_serve_blocks();
    const bool gives = peer.received_bytes >= state.seen_bytes + limits::kGivingBytes;
    if (gives) state.giving_us = now_us;
    if (gives || now_us - state.seen_us >= limits::kAskToo_us) {
        state.seen_bytes = peer.received_bytes;
        state.seen_us = now_us;
    }
    if (state.lan == peer.lan) return;
    state.lan = peer.lan;
    state.lan ? ++neighbours_ : --neighbours_;
}

bool BlockFetch::hangs(const State& state, std::int64_t silent_us, std::int64_t while_giving_us, std::int64_t now_us) const {
    if (state.queue.empty()) return false;
    return now_us - std::max(state.downloading_since_us, state.giving_us) >= silent_us || now_us - state.downloading_since_us >= while_giving_us;
}

/// It did not give this block though asked, but everybody else who has it is unfit, too, and it had time to come by it.
bool BlockFetch::last_resort(PeerId peer, const State& state, const HeaderNode* node, std::int64_t now_us) const {
    const auto refused = state.withheld.find(node);
    if (refused == state.withheld.end() || now_us - refused->second < kLastResort_us || state.spoiled.contains(node) || in_flight_.contains(node)) return false;
    return std::none_of(states_.begin(), states_.end(), [&](const auto& entry) {
        const auto& [id, other] = entry;
        if (id == peer || !other.serves || other.unfit(node)) return false;
        const PeerChains::Entry* chain = chains_.find(id);
        return chain && chain->best_known && chain->best_known->ancestor(node->height) == node;
    });
}

/// In step with the chain: may this peer be asked for a block beside those who were asked for it? Not to let a slow line carry
/// everything twice, those who do send are only helped with the first block that is missing.
bool BlockFetch::may_ask_too(const PeerInfo& peer, std::span<const PeerId> asked, bool first_missing, std::int64_t now_us) const {
    if (chain_.initial_block_download() || asked.size() >= limits::kBlockPeersAtTip) return false;
    const std::int64_t while_giving_us = first_missing ? limits::kAskTooWhileGiving_us : std::numeric_limits<std::int64_t>::max();
    bool outbound = !peer.inbound();
    for (const PeerId id : asked) {
        const State& other = states_.at(id);
        if (id == peer.id || !(other.outrun || hangs(other, limits::kAskToo_us, while_giving_us, now_us))) return false;
        outbound |= !other.inbound;
    }
    return outbound || asked.size() + 1 < limits::kBlockPeersAtTip;
}

/// What comes over the local network costs nobody anything: while it is at least as much as comes from everybody else, the others are spared.
bool BlockFetch::neighbours_suffice(std::int64_t now_us) const {
    if (neighbours_ == 0) return false;
    double near = 0, far = 0;
    for (const auto& [id, state] : states_)
        if (!state.queue.empty()) (state.lan ? near : far) += state.measure.rate(true, now_us).value_or(0);
    return near > 0 && near >= far;
}

std::size_t BlockFetch::peers_downloading() const {
    return static_cast<std::size_t>(
        std::count_if(states_.begin(), states_.end(), [](const auto& entry) { return !entry.second.queue.empty(); }));
}

void BlockFetch::remove(PeerId peer) {
    const auto found = states_.find(peer);
    if (found == states_.end()) return;
    for (const HeaderNode* node : found->second.queue) {
        drop_flight(peer, node);
        for (auto& [id, other] : states_) other.withheld.erase(node);  // anybody may be the only one left to ask
    }
    neighbours_ -= found->second.lan;
    states_.erase(found);
}

void BlockFetch::drop_flight(PeerId peer, const HeaderNode* node) {
    const auto flight = in_flight_.find(node);
    if (flight == in_flight_.end()) return;
    std::erase(flight->second, peer);
    if (flight->second.empty()) in_flight_.erase(flight);
}

void BlockFetch::forget(PeerId peer, State& state, const HeaderNode* node, std::int64_t now_us) {
    const auto place = std::find(state.queue.begin(), state.queue.end(), node);
    if (place == state.queue.end()) return;
    if (place == state.queue.begin()) state.downloading_since_us = std::max(state.downloading_since_us, now_us);
    state.queue.erase(place);
    state.stalling_since_us = 0;
    drop_flight(peer, node);
}

/// The block came of `giver`; who owes it still was too late.
void BlockFetch::forget_all(PeerId giver, const HeaderNode* node, std::int64_t now_us) {
    const auto flight = in_flight_.find(node);
    if (flight == in_flight_.end()) return;
    for (const PeerId peer : std::vector<PeerId>(flight->second)) {
        State& state = states_.at(peer);
        if (peer != giver && hangs(state, limits::kAskToo_us, limits::kAskTooWhileGiving_us, now_us)) state.outrun = true;
        forget(peer, state, node, now_us);
    }
}

void BlockFetch::note_request(PeerId peer, const HeaderNode* node, std::int64_t now_us) {
    const auto found = states_.find(peer);
    if (found == states_.end() || requested_from(peer, node)) return;
    found->second.queue.push_back(node);
    if (found->second.queue.size() == 1) found->second.downloading_since_us = found->second.measure.since_us = now_us;
    in_flight_[node].push_back(peer);
}

void BlockFetch::request(const PeerInfo& peer, const HeaderNode* node, Outbox& out, std::int64_t now_us) {
    forget_all(peer.id, node, now_us);
    note_request(peer.id, node, now_us);
    out.send(peer.id, GetDataMessage{{{kInvWitnessBlock, node->hash}}});
    out.log().debug("Requesting block {} from peer={}", node->hash.to_display_hex(), peer.id);
}

void BlockFetch::cancel_request(PeerId peer, const HeaderNode* node, std::int64_t now_us) {
    if (const auto found = states_.find(peer); found != states_.end()) forget(peer, found->second, node, now_us);
}

bool BlockFetch::requested_from(PeerId peer, const HeaderNode* node) const {
    const auto peers = asked_for(node);
    return std::find(peers.begin(), peers.end(), peer) != peers.end();
}

std::span<const PeerId> BlockFetch::asked_for(const HeaderNode* node) const {
    const auto flight = in_flight_.find(node);
    if (flight == in_flight_.end()) return {};
    return flight->second;
}

std::size_t BlockFetch::requests() const {
    std::size_t count = 0;
    for (const auto& [node, peers] : in_flight_) count += peers.size();
    return count;
}

bool BlockFetch::on_block(PeerId peer, const HeaderNode* node, std::size_t size_bytes, std::int64_t now_us) {
    average_bytes_ += (static_cast<double>(size_bytes) - average_bytes_) / 64;
    if (!node) return false;
    const bool asked = in_flight_.contains(node);
    if (const auto found = states_.find(peer); found != states_.end()) {
        if (requested_from(peer, node)) {
            found->second.measure.add(size_bytes, now_us);
            found->second.outrun = false;
        }
        forget(peer, found->second, node, now_us);
    }
    if (asked) submitted_.insert(node);
    return asked;
}

void BlockFetch::on_verdict(PeerId peer, const HeaderNode* node, bool good, std::int64_t now_us) {
    const bool waited = submitted_.erase(node) != 0;
    if (good) forget_all(peer, node, now_us);
    if (!waited || good) return;
    if (const auto sender = states_.find(peer); sender != states_.end()) sender->second.spoiled[node] = now_us;
    // What follows may have been counted on: look again from where the chains really meet.
    for (auto& [id, state] : states_) state.last_common = nullptr;
}

void BlockFetch::on_not_found(PeerId peer, const HeaderNode* node, std::int64_t now_us) {
    const auto found = states_.find(peer);
    if (found == states_.end() || !requested_from(peer, node)) return;
    forget(peer, found->second, node, found->second.downloading_since_us);
    // Others are asked first; or it could keep us asking it for ever.
    found->second.withheld[node] = now_us;
}

void BlockFetch::on_connected(std::size_t blocks, LogLines& log) {
    for (std::size_t i = 0; i < blocks && stall_timeout_us_ != limits::kStallTimeout_us; ++i) {
        const std::int64_t whole_seconds = static_cast<std::int64_t>(static_cast<double>(stall_timeout_us_) * 0.85) / 1'000'000;
        stall_timeout_us_ = std::max(whole_seconds * 1'000'000, limits::kStallTimeout_us);
        log.debug("Decreased stalling timeout to {} seconds", stall_timeout_us_ / 1'000'000);
    }
}

std::size_t BlockFetch::in_flight(PeerId peer) const {
    const auto found = states_.find(peer);
    return found == states_.end() ? 0 : found->second.queue.size();
}

std::vector<std::int32_t> BlockFetch::heights_in_flight(PeerId peer) const {
    std::vector<std::int32_t> heights;
    if (const auto found = states_.find(peer); found != states_.end())
        for (const HeaderNode* node : found->second.queue) heights.push_back(node->height);
    return heights;
}

const HeaderNode* BlockFetch::last_common(PeerId peer) const {
    const auto found = states_.find(peer);
    return found == states_.end() ? nullptr : found->second.last_common;
}

void BlockFetch::ask(const PeerInfo& peer, State& state, const HeaderNode* node, std::vector<InvItem>& items, std::int64_t now_us) {
    const std::uint32_t type = peer.can_serve_witnesses() ? kInvWitnessBlock : kInvBlock;
    items.push_back({type, node->hash});
    state.queue.push_back(node);
    if (state.queue.size() == 1) state.downloading_since_us = state.measure.since_us = now_us;
    in_flight_[node].push_back(peer.id);
}

BlockFetch::Choice BlockFetch::choose(const PeerInfo& peer, State& state, std::size_t count, std::int64_t now_us) {
    Choice choice;
    std::erase_if(state.spoiled, [now_us](const auto& entry) { return now_us - entry.second > limits::kSpoiledRetry_us; });
    std::erase_if(state.withheld, [now_us](const auto& entry) { return now_us - entry.second > limits::kWithheldRetry_us; });
    chains_.refresh(peer.id);
    const HeaderNode* best = chains_.at(peer.id).best_known;
    const HeaderNode* tip = chain_.tip();
    if (!best || best->chain_work < tip->chain_work || best->chain_work < chain_.minimum_chain_work()) return choice;

    const HeaderNode* fork = last_common_ancestor(best, tip);
    if (!state.last_common || fork->chain_work > state.last_common->chain_work ||
        best->ancestor(state.last_common->height) != state.last_common)
        state.last_common = fork;
    if (state.last_common == best) return choice;

    const Height window_end = state.last_common->height + limits::kBlockWindow;
    const Height last_height = std::min(best->height, window_end + 1);
    std::optional<PeerId> waiting_for;
    bool only_one = true;  // nobody else is fit to give what this peer did not: dear to find out, so one no goes for all that follow
    std::vector<const HeaderNode*> row;
    for (const HeaderNode* walk = state.last_common; walk->height < last_height;) {
        const Height step = std::min<Height>(last_height - walk->height, static_cast<Height>(std::max<std::size_t>(count, 128)));
        row.resize(static_cast<std::size_t>(step));
        walk = best->ancestor(walk->height + step);
        const HeaderNode* node = walk;
        for (auto place = row.rbegin(); place != row.rend(); ++place, node = node->parent) *place = node;

        for (const HeaderNode* block : row) {
            const bool came = submitted_.contains(block);
            if (const auto flight = in_flight_.find(block); !came && flight != in_flight_.end()) {
                const bool first_missing = !waiting_for && choice.blocks.empty();
                if (!waiting_for) waiting_for = flight->second.front();
                if (!may_ask_too(peer, flight->second, first_missing, now_us)) continue;
            }
            if (!came && chain_.invalid(block)) return choice;
            if (!peer.can_serve_witnesses() && params_.active_at(BuriedDeployment::segwit, block->height)) return choice;
            if (came || chain_.have_data(block) || chain_.on_active_chain(block)) {
                if (block->parent == state.last_common || chain_.chain_complete(block)) state.last_common = block;
                continue;
            }
            if (block->height > window_end) {
                if (choice.blocks.empty() && waiting_for && *waiting_for != peer.id) choice.staller = waiting_for;
                return choice;
            }
            if (state.unfit(block)) {
                only_one = only_one && last_resort(peer.id, state, block, now_us);
                if (!only_one) continue;
            }
            if (peer.limited() && best->height - block->height >= limits::kLimitedBlocks - 2) continue;
            choice.blocks.push_back(block);
            if (choice.blocks.size() == count) return choice;
        }
    }
    if (choice.blocks.empty() && waiting_for && *waiting_for != peer.id) choice.holder = waiting_for;
    return choice;
}

bool BlockFetch::check_timeouts(const PeerInfo& peer, State& state, Outbox& out, std::int64_t now_us) {
    if (peer.held_back_us != 0 && now_us - peer.held_back_us < kHeldBack_us) {  // it is we who do not listen
        state.stalling_since_us = 0;
        state.downloading_since_us = now_us;
        return false;
    }
    if (state.stalling_since_us != 0 && state.stalling_since_us < now_us - stall_timeout_us_) {
        out.disconnect(peer.id, "Peer is stalling block download", LogLine::Kind::info);
        const std::int64_t doubled = std::min(2 * stall_timeout_us_, limits::kMaxStallTimeout_us);
        if (doubled != stall_timeout_us_) {
            stall_timeout_us_ = doubled;
            out.log().debug("Increased stalling timeout temporarily to {} seconds", doubled / 1'000'000);
        }
        return true;
    }
    if (state.queue.empty()) return false;
    const auto others = static_cast<std::int64_t>(peers_downloading()) - 1;
    const std::int64_t allowed_us = params_.pow_target_spacing * (1'000'000 + 500'000 * others);
    if (now_us <= state.downloading_since_us + allowed_us) return false;
    out.disconnect(peer.id, fmt::format("Timeout downloading block {}", state.queue.front()->hash.to_display_hex()), LogLine::Kind::info);
    return true;
}

/// An idle peer is asked for what another one has not given for a while.
void BlockFetch::take_over(const PeerInfo& peer, State& state, PeerId from, Outbox& out, std::int64_t now_us) {
    const auto found = states_.find(from);
    if (found == states_.end() || found->second.queue.empty()) return;
    State& holder = found->second;
    const bool initial = chain_.initial_block_download();
    if (!hangs(holder, initial ? limits::kTakeOver_us : limits::kAskTooWhileGiving_us, initial ? limits::kTakeOver_us : limits::kTakeOverAtTip_us, now_us)) return;
    const HeaderNode* best = chains_.at(peer.id).best_known;
    std::vector<const HeaderNode*> kept;
    std::vector<InvItem> items;
    for (const HeaderNode* node : std::exchange(holder.queue, {})) {
        const bool has = best && best->ancestor(node->height) == node && !state.unfit(node) && !requested_from(peer.id, node) &&
                         !submitted_.contains(node) && !chain_.have_data(node) &&
                         (peer.can_serve_witnesses() || !params_.active_at(BuriedDeployment::segwit, node->height)) &&
                         !(peer.limited() && best->height - node->height >= limits::kLimitedBlocks - 2);
        if (!has) {
            kept.push_back(node);
            continue;
        }
        drop_flight(from, node);
        holder.withheld[node] = now_us;
        ask(peer, state, node, items, now_us);
    }
    holder.queue.assign(kept.begin(), kept.end());
    if (items.empty()) return;  // its time goes on: a peer that is of no help may not keep it from running out
    holder.downloading_since_us = now_us;
    out.log().debug("Requesting {} blocks that peer={} has not sent from peer={}", items.size(), from, peer.id);
    out.send(peer.id, GetDataMessage{std::move(items)});
}

void BlockFetch::pump(const PeerInfo& peer, bool allowed, Outbox& out, std::int64_t now_us) {
    const auto found = states_.find(peer.id);
    if (found == states_.end() || peer.closing) return;
    State& state = found->second;
    note_peer(peer, state, now_us);
    if (check_timeouts(peer, state, out, now_us)) return;

    const bool may_ask = peer.can_serve_blocks() && ((allowed && !peer.limited()) || !chain_.initial_block_download());
    std::size_t limit = flight_limit(state, now_us);
    if (!peer.lan && neighbours_suffice(now_us)) limit = kMinFlight;
    // Top up in portions: one request for many small blocks instead of one for each.
    if (!may_ask || state.queue.size() >= limit || (limit > limits::kBlocksInFlightPerPeer && state.queue.size() > limit / 2)) return;
    if (chain_.pending_bytes() >= window_bytes_) return;

    const Choice choice = choose(peer, state, limit - state.queue.size(), now_us);
    std::vector<InvItem> items;
    for (const HeaderNode* block : choice.blocks) {
        ask(peer, state, block, items, now_us);
        out.log().debug("Requesting block {} ({}) peer={}", block->hash.to_display_hex(), block->height, peer.id);
    }
    if (!items.empty()) out.send(peer.id, GetDataMessage{std::move(items)});
    if (state.queue.empty() && choice.holder) take_over(peer, state, *choice.holder, out, now_us);
    if (state.queue.empty() && choice.staller) {
        State& staller = states_.at(*choice.staller);
        if (staller.stalling_since_us == 0) {
            staller.stalling_since_us = now_us;
            out.log().debug("Stall started peer={}", *choice.staller);
        }
    }
}

void BlockFetch::direct_fetch(const PeerInfo& peer, const HeaderNode* last, bool compact, Outbox& out, std::int64_t now_us) {
    const auto found = states_.find(peer.id);
    if (found == states_.end()) return;
    State& state = found->second;
    state.spoiled.erase(last);  // announced anew: another try
    const HeaderNode* tip = chain_.tip();
    if (!near_tip(*tip, params_, now_us) || chain_.invalid(last) || tip->chain_work > last->chain_work) return;

    std::vector<const HeaderNode*> wanted;
    const HeaderNode* walk = last;
    while (walk && !chain_.on_active_chain(walk) && wanted.size() <= limits::kBlocksInFlightPerPeer) {
        const auto asked = asked_for(walk);
        if (!chain_.have_data(walk) && !submitted_.contains(walk) && !state.withheld.contains(walk) &&
            (asked.empty() || may_ask_too(peer, asked, chain_.chain_complete(walk->parent), now_us)) &&
            (peer.can_serve_witnesses() || !params_.active_at(BuriedDeployment::segwit, walk->height)))
            wanted.push_back(walk);
        walk = walk->parent;
    }
    if (!walk || !chain_.on_active_chain(walk)) {
        out.log().debug("Large reorg, won't direct fetch to {} ({})", last->hash.to_display_hex(), last->height);
        return;
    }
    std::vector<InvItem> items;
    for (auto block = wanted.rbegin(); block != wanted.rend(); ++block) {
        if (state.queue.size() >= limits::kBlocksInFlightPerPeer) break;
        ask(peer, state, *block, items, now_us);
        out.log().debug("Requesting block {} from peer={}", (*block)->hash.to_display_hex(), peer.id);
    }
    if (items.size() > 1)
        out.log().debug("Downloading blocks toward {} ({}) via headers direct fetch", last->hash.to_display_hex(), last->height);
    if (compact && items.size() == 1 && requests() == 1) items[0].type = kInvCompactBlock;
    if (!items.empty()) out.send(peer.id, GetDataMessage{std::move(items)});
}

}  // namespace cairn::net
