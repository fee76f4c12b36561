#include "net/sync/header_sync.hpp"

#include <algorithm>

#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/header_rules.hpp"
#include "net/wire/limits.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kDay_s = 24 * 60 * 60;
constexpr std::int64_t kReportInterval_us = 250'000;  // between two lines about the progress of the first pass
constexpr Height kRecentBlocks = 144;  // a chain that forks off within a day of our tip has shown enough work

}  // namespace

void HeaderSync::add(const PeerInfo& peer) {
    State& state = states_[peer.id];
    state.preferred = (!peer.inbound() || peer.has(kPermitNoBan)) && peer.type != ConnectionType::addr_fetch &&
                      peer.type != ConnectionType::feeler && peer.can_serve_blocks() && !(peer.services & kServiceOtherFork);
    preferred_ += state.preferred;
}

void HeaderSync::remove(PeerId peer) {
    const auto found = states_.find(peer);
    if (found == states_.end()) return;
    started_ -= found->second.started;
    preferred_ -= found->second.preferred;
    protected_ -= found->second.protected_;
    states_.erase(found);
}

bool HeaderSync::sync_from(const PeerInfo& peer, bool any_block_in_flight) const {
    const auto found = states_.find(peer.id);
    if (found == states_.end()) return false;
    if (found->second.preferred || (peer.lan && peer.can_serve_blocks())) return true;
    return peer.can_serve_blocks() && peer.type != ConnectionType::addr_fetch && (preferred_ == 0 || !any_block_in_flight);
}

std::int32_t HeaderSync::presynced_height(PeerId peer) const {
    const auto found = states_.find(peer);
    if (found == states_.end() || !found->second.presync || found->second.presync->phase() != HeadersPresync::Phase::presync) return -1;
    return static_cast<std::int32_t>(found->second.presync->presync_height());
}

std::size_t HeaderSync::unconnecting(PeerId peer) const {
    const auto found = states_.find(peer);
    return found == states_.end() ? 0 : found->second.unconnecting;
}

void HeaderSync::note_announcement(PeerId peer, std::int64_t now_us) {
    if (const auto found = states_.find(peer); found != states_.end()) found->second.last_announcement_s = now_us / 1'000'000;
}

std::int64_t HeaderSync::last_announcement_s(PeerId peer) const {
    const auto found = states_.find(peer);
    return found == states_.end() ? 0 : found->second.last_announcement_s;
}

bool HeaderSync::is_protected(PeerId peer) const {
    const auto found = states_.find(peer);
    return found != states_.end() && found->second.protected_;
}

Arith256 HeaderSync::work_threshold() const {
    const HeaderNode* tip = chain_.tip();
    Arith256 near_tip;
    if (tip) {
        const Arith256 day = block_work(tip->header.bits) * static_cast<std::uint64_t>(kRecentBlocks);
        near_tip = tip->chain_work - std::min(day, tip->chain_work);
    }
    return std::max(near_tip, chain_.minimum_chain_work());
}

bool HeaderSync::request(const PeerInfo& peer, State& state, std::vector<BlockHash> locator, Outbox& out, std::int64_t now_us) {
    if (now_us - state.last_request_us <= limits::kHeadersResponse_us) return false;
    GetHeadersMessage message;
    message.locator = std::move(locator);
    out.send(peer.id, std::move(message));
    state.last_request_us = now_us;
    return true;
}

/// How far these headers are on the way to the present, in percent.
double HeaderSync::progress(std::int64_t height, std::int64_t time_s, std::int64_t now_us) const {
    const std::int64_t missing = std::max<std::int64_t>(0, (now_us / 1'000'000 - time_s) / params_.pow_target_spacing);
    return 100.0 * static_cast<double>(height) / static_cast<double>(std::max<std::int64_t>(1, height + missing));
}

void HeaderSync::report_presync(const HeadersPresync& presync, Outbox& out, std::int64_t now_us) {
    if (now_us >= presync_reported_us_ && now_us - presync_reported_us_ < kReportInterval_us) return;
    presync_reported_us_ = now_us;
    out.log().info("Pre-synchronizing blockheaders, height: {} (~{:.2f}%)", presync.presync_height(),
                   progress(presync.presync_height(), presync.presync_time(), now_us));
}

bool HeaderSync::continue_presync(const PeerInfo& peer, State& state, std::vector<BlockHeader>& headers, Outbox& out,
                                  std::int64_t now_us) {
    if (!state.presync) return false;
    const bool full = headers.size() == limits::kMaxHeaders;
    HeadersPresync::Step step = state.presync->on_headers(headers, full);
    if (!step.note.empty()) out.log().debug("Initial headers sync {} with peer={}", step.note, peer.id);
    if (step.ok) state.last_request_us = 0;
    if (step.request_more) {
        std::vector<BlockHash> locator = state.presync->next_locator();
        out.log().debug("more getheaders (from {}) to peer={}", locator.front().to_display_hex(), peer.id);
        request(peer, state, std::move(locator), out, now_us);
        if (state.presync->phase() == HeadersPresync::Phase::presync)
            report_presync(*state.presync, out, now_us);
    }
    if (state.presync->phase() == HeadersPresync::Phase::done) state.presync.reset();
    if (step.ok) headers = std::move(step.released);
    return step.ok;
}

bool HeaderSync::start_presync(const PeerInfo& peer, State& state, const HeaderNode* start, std::vector<BlockHeader>& headers,
                               Outbox& out, std::int64_t now_us) {
    const Arith256 threshold = work_threshold();
    if (start->chain_work + rules::claimed_work(headers) >= threshold) return false;
    if (headers.size() == limits::kMaxHeaders) {
        state.presync = std::make_unique<HeadersPresync>(params_, start, threshold, now_us / 1'000'000, random_);
        out.log().debug("Initial headers sync started with peer={}: height={}, min_work={}", peer.id, start->height,
                        threshold.to_uint256().to_display_hex());
        continue_presync(peer, state, headers, out, now_us);
    } else {
        out.log().debug("Ignoring low-work chain (height={}) from peer={}", start->height + static_cast<Height>(headers.size()), peer.id);
    }
    headers.clear();
    return true;
}

void HeaderSync::on_unconnecting(const PeerInfo& peer, State& state, const std::vector<BlockHeader>& headers, Outbox& out,
                                 std::int64_t now_us) {
    const HeaderNode* best = chain_.best_header();
    if (request(peer, state, make_locator(best), out, now_us))
        out.log().debug("received header {}: missing prev block {}, sending getheaders ({}) to end (peer={})",
                        headers[0].hash().to_display_hex(), headers[0].previous.to_display_hex(), best->height, peer.id);
    chains_.on_announced(peer.id, headers.back().hash());
    if (++state.unconnecting == limits::kMaxUnknownAnnouncements)
        out.log().info("Peer keeps announcing blocks that do not connect to our chain; it may follow another one, peer={}", peer.id);
}

void HeaderSync::punish(const PeerInfo& peer, HeaderError error, Outbox& out) {
    out.log().debug("peer={}: invalid header received ({})", peer.id, to_string(error));
    switch (error) {
        case HeaderError::missing_parent:
        case HeaderError::time_too_new:
        case HeaderError::too_little_work: return;
        case HeaderError::cached_invalid:
            if (peer.inbound()) return;
            break;
        default: break;
    }
    out.misbehaving(peer.id, "invalid header received");
}

std::optional<HeaderSync::Accepted> HeaderSync::on_headers(const PeerInfo& peer, HeadersMessage&& message, Outbox& out,
                                                           std::int64_t now_us) {
    State& state = states_[peer.id];
    if (message.count > limits::kMaxHeaders) {
        out.misbehaving(peer.id, fmt::format("headers message size = {}", message.count));
        return std::nullopt;
    }
    if (message.malformed) {
        out.misbehaving(peer.id, "headers message of another format");
        return std::nullopt;
    }
    std::vector<BlockHeader>& headers = message.headers;
    const bool full = headers.size() == limits::kMaxHeaders;
    if (headers.empty()) {
        state.presync.reset();
        state.last_request_us = 0;
        return std::nullopt;
    }
    if (!rules::headers_have_valid_work(headers, params_)) {
        out.misbehaving(peer.id, "header with invalid proof of work");
        return std::nullopt;
    }
    if (!rules::headers_are_continuous(headers)) {
        out.misbehaving(peer.id, "non-continuous headers sequence");
        return std::nullopt;
    }
    bool work_shown = continue_presync(peer, state, headers, out, now_us);
    if (headers.empty()) return std::nullopt;

    const HeaderNode* start = chain_.find(headers.front().previous);
    if (!start) {
        on_unconnecting(peer, state, headers, out, now_us);
        return std::nullopt;
    }
    state.unconnecting = 0;
    state.last_request_us = 0;

    const BlockHash last_hash = headers.back().hash();
    const HeaderNode* known = chain_.find(last_hash);
    const HeaderNode* best = chain_.best_header();
    if (known && (chain_.on_active_chain(known) || (best && best->ancestor(known->height) == known))) work_shown = true;
    if (peer.has(kPermitNoBan)) work_shown = true;
    if (!work_shown && start_presync(peer, state, start, headers, out, now_us)) return std::nullopt;

    const auto result = chain_.accept_headers(headers);
    if (!result) {
        punish(peer, result.error(), out);
        return std::nullopt;
    }
    if (chain_.initial_block_download() && chain_.best_header() != best)
        out.log().info("Synchronizing blockheaders, height: {} (~{:.2f}%)", (*result)->height,
                       progress((*result)->height, (*result)->header.time, now_us));
    const Accepted accepted{*result, known == nullptr};
    if (accepted.is_new)
        out.log().add(chain_.initial_block_download() ? LogLine::Kind::validation_debug : LogLine::Kind::info,
                      fmt::format("Saw new header hash={} height={} peer={}", accepted.last->hash.to_display_hex(),
                                  accepted.last->height, peer.id));
    if (full && !state.presync && request(peer, state, make_locator(accepted.last), out, now_us))
        out.log().debug("more getheaders ({}) to end to peer={}", accepted.last->height, peer.id);
    if (!full && state.started && accepted.last->chain_work >= chain_.minimum_chain_work()) caught_up_ = true;
    after_accepting(peer, state, accepted, full, out, now_us);
    return accepted;
}

void HeaderSync::after_accepting(const PeerInfo& peer, State& state, const Accepted& accepted, bool full, Outbox& out,
                                 std::int64_t now_us) {
    chains_.on_announced(peer.id, accepted.last->hash);
    const HeaderNode* best_known = chains_.at(peer.id).best_known;
    if (!best_known) return;
    if (accepted.is_new && accepted.last->chain_work > chain_.tip()->chain_work) note_announcement(peer.id, now_us);
    if (chain_.initial_block_download() && !full && best_known->chain_work < chain_.minimum_chain_work() && peer.outbound_or_block_relay()) {
        out.disconnect(peer.id, "outbound peer headers chain has insufficient work", LogLine::Kind::info);
        return;
    }
    if (peer.full_outbound() && protected_ < limits::kProtectedOutbound && !state.protected_ &&
        best_known->chain_work >= chain_.tip()->chain_work) {
        out.log().debug("Protecting outbound peer={} from eviction", peer.id);
        state.protected_ = true;
        ++protected_;
    }
}

void HeaderSync::on_unknown_block(const PeerInfo& peer, const BlockHash& hash, Outbox& out, std::int64_t now_us) {
    State& state = states_[peer.id];
    if (!state.started && (state.asked_before_started || hash == last_inv_trigger_)) return;
    const HeaderNode* best = chain_.best_header();
    if (request(peer, state, make_locator(best), out, now_us))
        out.log().debug("getheaders ({}) {} to peer={}", best->height, hash.to_display_hex(), peer.id);
    if (!state.started) {
        state.asked_before_started = true;
        last_inv_trigger_ = hash;
    }
}

void HeaderSync::ask(const PeerInfo& peer, Outbox& out, std::int64_t now_us) {
    request(peer, states_[peer.id], make_locator(chain_.best_header()), out, now_us);
}

void HeaderSync::start(const PeerInfo& peer, State& state, Outbox& out, std::int64_t now_us) {
    const HeaderNode* best = chain_.best_header();
    // From the block before, so that the answer is never empty and tells what the peer has.
    const HeaderNode* from = best->parent ? best->parent : best;
    if (!request(peer, state, make_locator(from), out, now_us)) return;
    out.log().debug("initial getheaders ({}) to peer={}", from->height, peer.id);
    state.started = true;
    ++started_;
    const std::int64_t missing = (now_us / 1'000'000 - std::int64_t{best->header.time}) / params_.pow_target_spacing;
    state.timeout_us = now_us + limits::kHeadersTimeoutBase_us + limits::kHeadersTimeoutPerHeader_us * missing;
}

bool HeaderSync::check_timeout(const PeerInfo& peer, State& state, Outbox& out, std::int64_t now_us) {
    if (!state.started || state.timeout_us == kNever) return false;
    if (std::int64_t{chain_.best_header()->header.time} > now_us / 1'000'000 - kDay_s) {
        state.timeout_us = kNever;
        return false;
    }
    if (now_us <= state.timeout_us || started_ != 1 || preferred_ - state.preferred < 1) return false;
    if (!peer.has(kPermitNoBan)) {
        out.disconnect(peer.id, "Timeout downloading headers", LogLine::Kind::info);
        return true;
    }
    out.log().info("Timeout downloading headers from noban peer, not disconnecting peer={}", peer.id);
    state.started = false;
    --started_;
    state.timeout_us = 0;
    return false;
}

void HeaderSync::check_chain(const PeerInfo& peer, State& state, Outbox& out, std::int64_t now_us) {
    if (state.protected_ || !peer.outbound_or_block_relay() || !state.started) return;
    const std::int64_t now_s = now_us / 1'000'000;
    const HeaderNode* best_known = chains_.at(peer.id).best_known;
    if (best_known && best_known->chain_work >= chain_.tip()->chain_work) {
        state.chain_timeout_s = 0;
        state.chain_benchmark = nullptr;
        state.chain_asked = false;
    } else if (state.chain_timeout_s == 0 ||
               (state.chain_benchmark && best_known && best_known->chain_work >= state.chain_benchmark->chain_work)) {
        state.chain_timeout_s = now_s + limits::kChainSyncTimeout_s;
        state.chain_benchmark = chain_.tip();
        state.chain_asked = false;
    } else if (now_s > state.chain_timeout_s) {
        if (state.chain_asked) {
            out.disconnect(peer.id, fmt::format("Outbound peer has old chain, best known block = {}",
                                                best_known ? best_known->hash.to_display_hex() : "<none>"),
                           LogLine::Kind::info);
            return;
        }
        const HeaderNode* from = state.chain_benchmark->parent ? state.chain_benchmark->parent : state.chain_benchmark;
        request(peer, state, make_locator(from), out, now_us);
        out.log().debug("sending getheaders to outbound peer={} to verify chain work (current best known block:{}, benchmark blockhash: {})",
                        peer.id, best_known ? best_known->hash.to_display_hex() : "<none>",
                        state.chain_benchmark->hash.to_display_hex());
        state.chain_asked = true;
        state.chain_timeout_s = now_s + limits::kHeadersResponse_us / 1'000'000;
    }
}

bool HeaderSync::all_silent(std::int64_t now_us) const {
    if (impatience_us_ == 0) return false;
    return std::ranges::all_of(states_, [&](const auto& entry) {
        const State& state = entry.second;
        return !state.started || (state.last_request_us != 0 && now_us - state.last_request_us >= impatience_us_);
    });
}

void HeaderSync::pump(const PeerInfo& peer, bool any_block_in_flight, Outbox& out, std::int64_t now_us) {
    const auto found = states_.find(peer.id);
    if (found == states_.end() || peer.closing) return;
    State& state = found->second;
    if (!state.started && peer.can_serve_blocks() && !chain_.importing()) {
        const bool recent = std::int64_t{chain_.best_header()->header.time} > now_us / 1'000'000 - kDay_s;
        if (recent || ((started_ == 0 || caught_up_ || all_silent(now_us)) && sync_from(peer, any_block_in_flight))) start(peer, state, out, now_us);
    }
    if (check_timeout(peer, state, out, now_us)) return;
    check_chain(peer, state, out, now_us);
}

}  // namespace cairn::net
