#include "light/client/header_ranges.hpp"

#include <algorithm>
#include <string_view>

#include "consensus/base/check.hpp"
#include "consensus/rules/difficulty.hpp"
#include "net/wire/limits.hpp"

namespace cairn::light {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

struct Row {
    Network network;
    Height height;
    std::string_view hash;  ///< in display order
};

constexpr Row kRows[] = {
#include "light/client/detail/header_anchors.inc"
};

}  // namespace

std::vector<HeaderAnchor> header_anchors(Network network) {
    std::vector<HeaderAnchor> anchors;
    for (const Row& row : kRows) {
        if (row.network != network) continue;
        const auto hash = Uint256::from_display_hex(row.hash);
        CAIRN_CHECK(hash.has_value());
        anchors.push_back({row.height, BlockHash(*hash)});
    }
    return anchors;
}

HeaderRanges::HeaderRanges(HeaderChain& chain, std::vector<HeaderAnchor> anchors) : chain_(chain), anchors_(std::move(anchors)) {
    // One range is no more than what one peer gives anyhow.
    const auto ahead = std::ranges::count_if(anchors_, [this](const HeaderAnchor& anchor) { return anchor.height > chain_.tip()->height; });
    active_ = ahead >= 2;
}

void HeaderRanges::add(const PeerInfo& peer) {
    if ((peer.services & kServiceNetwork) != 0) peers_[peer.id].info = &peer;
}

void HeaderRanges::remove(PeerId id) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    release(found->second);
    peers_.erase(found);
}

/// Nothing is expected of this peer any more. What it gave of its range may lead nowhere: all of that is fetched anew.
void HeaderRanges::release(Peer& peer) {
    if (!peer.range) return;
    if (const auto found = ranges_.find(*peer.range); found != ranges_.end()) {
        Range& range = found->second;
        range.headers.clear();
        range.last = range.before;
        range.peer = -1;
    }
    peer.range.reset();
}

std::size_t HeaderRanges::waiting() const {
    std::size_t count = 0;
    for (const auto& [first, range] : ranges_) count += range.headers.size();
    return count;
}

/// Makes ranges of the next anchors, as many as may be ahead.
void HeaderRanges::plan() {
    const HeaderNode* tip = chain_.tip();
    for (const HeaderAnchor& anchor : anchors_) {
        if (ranges_.size() == kAhead) return;
        const Height before = ranges_.empty() ? tip->height : ranges_.rbegin()->second.end.height;
        if (anchor.height <= before) continue;
        Range range;
        range.before = range.last = ranges_.empty() ? tip->hash : ranges_.rbegin()->second.end.hash;
        range.end = anchor;
        ranges_.emplace(before + 1, std::move(range));
    }
}

void HeaderRanges::ask(Peer& peer, Range& range, Outbox& out, std::int64_t now_us) {
    peer.asked_us = now_us;
    GetHeadersMessage message;
    message.locator = {range.last};
    message.stop = range.end.hash;
    out.send(peer.info->id, std::move(message));
}

void HeaderRanges::refuse(Peer& peer, const char* reason, Outbox& out) {
    peer.unfit = true;
    release(peer);
    out.log().info("peer={} is not asked for old headers any more: {}", peer.info->id, reason);
}

/// Adds headers that continue the range, up to its end. False: they do not.
bool HeaderRanges::take(Range& range, const std::vector<BlockHeader>& headers) const {
    for (const BlockHeader& header : headers) {
        if (range.complete) break;  // what follows the anchor was not asked for
        const BlockHash hash = header.hash();
        if (header.previous != range.last || !rules::check_proof_of_work(hash, header.bits, chain_.params())) return false;
        range.headers.push_back(header);
        range.last = hash;
        range.complete = hash == range.end.hash;
    }
    return true;
}

bool HeaderRanges::on_headers(const PeerInfo& from, const HeadersMessage& message, Outbox& out, std::int64_t now_us) {
    const auto found = peers_.find(from.id);
    if (!active_) return false;
    if (found == peers_.end() || !found->second.range) return true;  // an announcement, or an answer that comes too late
    Peer& peer = found->second;
    const Height first = *peer.range;
    Range& range = ranges_.at(first);
    // A block that is announced meanwhile is no answer.
    const bool answer = message.headers.empty() || message.headers.size() > kAnnounced || message.headers.front().previous == range.last;
    if (!answer) return true;
    const auto most = static_cast<std::size_t>(range.end.height - first + 1);
    if (message.malformed || message.headers.empty() || range.headers.size() + message.headers.size() > most + limits::kMaxHeaders) {
        refuse(peer, message.headers.empty() ? "it has none of them" : "more than there can be", out);
        return true;
    }
    if (!take(range, message.headers) || (!range.complete && (range.headers.size() >= most || message.headers.size() < limits::kMaxHeaders))) {
        refuse(peer, "they do not lead to where they should", out);
        return true;
    }
    progress_us_ = now_us;
    if (!range.complete) {
        ask(peer, range, out, now_us);
        return true;
    }
    peer.range.reset();
    accept_ready(out);
    tick(out, now_us);
    return true;
}

/// Ranges that follow the chain's tip become part of it.
void HeaderRanges::accept_ready(Outbox& out) {
    while (!ranges_.empty() && ranges_.begin()->second.complete) {
        const Range range = std::move(ranges_.begin()->second);
        ranges_.erase(ranges_.begin());
        const auto accepted = chain_.accept_headers(range.headers);
        if (!accepted) {
            // The chain of the anchors breaks a rule: the ordinary way will find a better one.
            out.log().add(LogLine::Kind::warning, "Headers that lead to a known block break a rule");
            give_up();
            return;
        }
        if (on_accepted) on_accepted(range.peer, *accepted);
    }
}

void HeaderRanges::give_up() {
    active_ = false;
    for (auto& [id, peer] : peers_) peer.range.reset();
    ranges_.clear();
}

bool HeaderRanges::hopeless(bool asked, std::int64_t now_us) {
    if (asked && progress_us_ == 0) progress_us_ = now_us;
    const bool idle = !asked && std::ranges::any_of(peers_, [](const auto& entry) { return entry.second.info->ready; });
    if (!idle) idle_since_us_ = 0;
    else if (idle_since_us_ == 0) idle_since_us_ = now_us;
    return (idle && now_us - idle_since_us_ >= kNobody_us) || (progress_us_ != 0 && now_us - progress_us_ >= kGiveUp_us);
}

void HeaderRanges::tick(Outbox& out, std::int64_t now_us) {
    if (!active_) return;
    plan();
    bool asked = false;
    for (auto& [id, peer] : peers_) {
        if (peer.range && now_us - peer.asked_us >= kPatience_us) refuse(peer, "it gives none", out);
        asked = asked || peer.range;
        if (peer.range || peer.unfit || !peer.info->ready || peer.info->closing) continue;
        const auto open = std::ranges::find_if(ranges_, [&peer](const auto& entry) {
            return entry.second.peer < 0 && !entry.second.complete && peer.info->start_height >= entry.second.end.height;
        });
        if (open == ranges_.end()) continue;
        open->second.peer = id;
        peer.range = open->first;
        ask(peer, open->second, out, now_us);
        asked = true;
    }
    if (ranges_.empty() || hopeless(asked, now_us)) give_up();
}

}  // namespace cairn::light
