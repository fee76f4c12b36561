#include "light/client/filter_ranges.hpp"

#include <algorithm>

#include "consensus/primitives/block_filter.hpp"

namespace cairn::light {

using namespace net;  // NOLINT: this file speaks the network's language

void FilterRanges::begin(const HeaderNode* stop, const std::vector<PeerId>& voters, Outbox& out, std::int64_t now_us) {
    round_.emplace();
    round_->stop = stop;
    round_->progress_us = now_us;
    for (const PeerId id : voters) {
        round_->voters[id];
        out.send(id, GetCFCheckptMessage{0, stop->hash});
    }
}

void FilterRanges::remove(PeerId peer) {
    if (!round_) return;
    round_->voters.erase(peer);
    for (auto& [first, piece] : round_->pieces)
        if (piece.peer == peer && piece.headers.empty()) piece.peer = -1;
    if (round_->voters.empty()) round_.reset();
}

bool FilterRanges::on_checkpoints(PeerId peer, const CFCheckptMessage& message, Outbox& out, std::int64_t now_us) {
    if (!round_ || message.filter_type != 0 || message.stop != round_->stop->hash) return false;
    const auto voter = round_->voters.find(peer);
    if (voter == round_->voters.end() || voter->second.checkpoints || !round_->checkpoints.empty()) return false;
    if (message.headers.size() != static_cast<std::size_t>(round_->stop->height / kInterval)) {
        host_.convict(peer, "cfcheckpt of another length than the chain's", out);
        return true;
    }
    for (Height height = kInterval; height <= host_.tip()->height; height += kInterval) {
        if (message.headers[static_cast<std::size_t>(height / kInterval - 1)] == host_.header(height)) continue;
        round_->voters.erase(voter);
        if (round_->voters.empty()) round_.reset();
        host_.on_departure(peer, out, now_us);
        return true;
    }
    voter->second.checkpoints = message.headers;
    settle_checkpoints(out, now_us);
    return true;
}

/// Once all have answered: how far do they agree?
void FilterRanges::settle_checkpoints(Outbox& out, std::int64_t now_us) {
    Round& round = *round_;
    if (!std::ranges::all_of(round.voters, [](const auto& entry) { return entry.second.checkpoints.has_value(); })) return;
    const std::vector<Uint256>& one = *round.voters.begin()->second.checkpoints;
    std::size_t agreed = 0;
    for (; agreed < one.size(); ++agreed) {
        const auto height = static_cast<Height>(agreed + 1) * kInterval;
        const auto builtin = std::ranges::find(builtin_, height, &FilterCheckpoint::height);
        if (builtin != builtin_.end() && builtin->header != one[agreed]) break;
        if (!std::ranges::all_of(round.voters, [&](const auto& entry) { return (*entry.second.checkpoints)[agreed] == one[agreed]; })) break;
    }
    contested_until_ = agreed == one.size() ? 0 : static_cast<Height>(agreed + 1) * kInterval;
    round.end = static_cast<Height>(agreed) * kInterval;
    if (round.end <= host_.tip()->height) {
        round_.reset();
        return;
    }
    round.progress_us = now_us;
    round.checkpoints.assign(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(agreed));
    for (auto& [id, voter] : round.voters) voter.checkpoints.emplace();  // all the same from here on
    tick(out, now_us);
}

/// The header that a piece has to begin or end with.
const Uint256& FilterRanges::expected(Height height) const {
    return height <= host_.tip()->height ? host_.header(height) : round_->checkpoints[static_cast<std::size_t>(height / kInterval - 1)];
}

bool FilterRanges::on_cfheaders(PeerId peer, const CFHeadersMessage& message, Outbox& out, std::int64_t now_us) {
    if (!round_ || message.filter_type != 0) return false;
    const auto entry = std::ranges::find_if(round_->pieces, [&](const auto& candidate) {
        return candidate.second.peer == peer && candidate.second.headers.empty() && candidate.second.stop->hash == message.stop;
    });
    if (entry == round_->pieces.end()) return false;
    const Height first = entry->first;
    Piece& piece = entry->second;
    round_->voters.at(peer).busy = false;
    std::vector<Uint256> headers;
    bool right = message.previous_header == expected(first - 1) && message.filter_hashes.size() == static_cast<std::size_t>(piece.stop->height - first + 1);
    if (right) {
        headers.reserve(message.filter_hashes.size());
        Uint256 last = message.previous_header;
        for (const Uint256& hash : message.filter_hashes) headers.push_back(last = filter_header(hash, last));
        for (Height height = (first + kInterval - 1) / kInterval * kInterval; height <= piece.stop->height; height += kInterval)
            right = right && headers[static_cast<std::size_t>(height - first)] == expected(height);
    }
    if (!right) {
        host_.convict(peer, "filter headers that do not lead where its checkpoints said", out);
        return true;
    }
    const bool contradicted = std::ranges::any_of(builtin_, [&](const FilterCheckpoint& point) {
        return point.height >= first && point.height <= piece.stop->height && headers[static_cast<std::size_t>(point.height - first)] != point.header;
    });
    if (contradicted) {
        contested_until_ = piece.stop->height;
        round_.reset();
        return true;
    }
    piece.headers = std::move(headers);
    round_->progress_us = now_us;
    hand_over();
    tick(out, now_us);
    return true;
}

/// What follows the tip without a gap is agreed.
void FilterRanges::hand_over() {
    while (round_ && !round_->pieces.empty()) {
        const auto first = round_->pieces.begin();
        if (first->second.headers.empty()) return;
        const Piece piece = std::move(first->second);
        std::vector<PeerId> voters;
        for (const auto& [id, voter] : round_->voters) voters.push_back(id);
        round_->pieces.erase(first);
        if (piece.stop->height == round_->end) round_.reset();
        host_.take_range(piece.headers, piece.stop, voters);
    }
}

void FilterRanges::check_patience(Outbox& out, std::int64_t now_us) {
    std::vector<std::pair<PeerId, const char*>> late;
    if (round_->checkpoints.empty()) {
        if (now_us - round_->progress_us < kPatience_us) return;
        for (const auto& [id, voter] : round_->voters)
            if (!voter.checkpoints) late.emplace_back(id, "filter checkpoints did not come");
    } else {
        for (auto& [first, piece] : round_->pieces) {
            if (piece.peer < 0 || !piece.headers.empty() || now_us - piece.asked_us < kHurry_us) continue;
            Voter& voter = round_->voters.at(piece.peer);
            if (++voter.failures >= kFailures) late.emplace_back(piece.peer, "filter headers did not come");
            voter.busy = false;
            piece.peer = -1;
        }
    }
    const bool stuck = !round_->checkpoints.empty() && now_us - round_->progress_us >= kPatience_us;
    for (const auto& [id, reason] : late) host_.dismiss(id, reason, out);
    if (stuck) round_.reset();  // those who are left do not have the chain any more that it was about
    if (round_ && round_->checkpoints.empty() && !late.empty()) settle_checkpoints(out, now_us);
}

/// Cuts what is next into pieces.
void FilterRanges::plan() {
    Round& round = *round_;
    while (round.pieces.size() < kAhead) {
        const Height before = round.pieces.empty() ? host_.tip()->height : round.pieces.rbegin()->second.stop->height;
        if (before >= round.end) return;
        const Height last = std::min(round.end, (before / kInterval + 2) * kInterval);
        round.pieces[before + 1].stop = round.stop->ancestor(last);
    }
}

void FilterRanges::ask_voters(Outbox& out, std::int64_t now_us) {
    for (auto& [first, piece] : round_->pieces) {
        if (piece.peer >= 0 || !piece.headers.empty()) continue;
        Voter* chosen = nullptr;
        for (auto& [id, voter] : round_->voters) {
            if (voter.busy || !host_.can_ask(id, piece.stop) || (chosen && chosen->failures <= voter.failures)) continue;
            chosen = &voter;
            piece.peer = id;
        }
        if (!chosen) return;
        chosen->busy = true;
        piece.asked_us = now_us;
        GetCFHeadersMessage message;
        message.start_height = static_cast<std::uint32_t>(first);
        message.stop = piece.stop->hash;
        out.send(piece.peer, std::move(message));
    }
}

void FilterRanges::tick(Outbox& out, std::int64_t now_us) {
    if (round_) check_patience(out, now_us);
    if (!round_ || round_->checkpoints.empty()) return;
    plan();
    ask_voters(out, now_us);
}

}  // namespace cairn::light
