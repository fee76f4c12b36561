#include "light/client/filter_headers.hpp"

#include <algorithm>

#include "consensus/primitives/block_filter.hpp"
#include "light/client/filter_judge.hpp"

namespace cairn::light {

using namespace net;  // NOLINT: this file speaks the network's language

FilterHeaders::FilterHeaders(const HeaderChain& chain, const PeerChains& peer_chains, BlockRequests& blocks, Options options, std::pmr::memory_resource* memory)
    : chain_(chain), peer_chains_(peer_chains), blocks_(blocks), options_(std::move(options)), headers_(memory), tip_(chain.genesis()) {
    // The genesis block spends nothing: its filter is known.
    headers_.push_back(filter_header(filter_hash(basic_filter(*chain.params().genesis, {})), Uint256()));
}

void FilterHeaders::restored(int voters) {
    tip_ = chain_.tip()->ancestor(static_cast<Height>(headers_.size()) - 1);
    tip_voters_ = voters;
}

void FilterHeaders::add(const PeerInfo& peer) {
    if ((peer.services & kServiceCompactFilters) != 0) peers_[peer.id].info = &peer;
}

void FilterHeaders::remove(PeerId peer) {
    peers_.erase(peer);
    gone_wrong_.erase(peer);
    drop_claim(peer);
}

bool FilterHeaders::can_ask(const Peer& peer, const HeaderNode* stop) const {
    if (!peer.info->ready || peer.info->closing || gone_wrong_.contains(peer.info->id)) return false;
    const PeerChains::Entry* chain = peer_chains_.find(peer.info->id);
    return chain && chain->best_known && chain->best_known->ancestor(stop->height) == stop;
}

bool FilterHeaders::can_ask(PeerId peer, const HeaderNode* stop) const {
    const auto found = peers_.find(peer);
    return found != peers_.end() && !found->second.search && can_ask(found->second, stop);
}

void FilterHeaders::ask(Peer& peer, Height first, const HeaderNode* stop, Outbox& out, std::int64_t now_us) {
    peer.request = Request{first, stop, now_us};
    GetCFHeadersMessage message;
    message.start_height = static_cast<std::uint32_t>(first);
    message.stop = stop->hash;
    out.send(peer.info->id, std::move(message));
}

void FilterHeaders::cut(Height height) {
    if (height >= tip_->height) return;
    ranges_.abandon();
    headers_.shrink(static_cast<std::size_t>(height) + 1);
    tip_ = tip_->ancestor(height);
    if (on_cut) on_cut(height);
}

/// After a reorganisation what is agreed ends at the fork, and what was asked about the old branch does not count.
void FilterHeaders::follow_chain() {
    if (!chain_.on_active_chain(tip_)) cut(last_common_ancestor(tip_, chain_.tip())->height);
    if (ranges_.active() && !chain_.on_active_chain(ranges_.stop())) ranges_.abandon();
    for (auto& [id, peer] : peers_) {
        if (peer.request && !chain_.on_active_chain(peer.request->stop)) {
            peer.request.reset();
            peer.search.reset();
        }
        if (peer.search && peer.search->other > tip_->height) peer.search.reset();
    }
    if (vote_ && (!chain_.on_active_chain(vote_->stop) || (!vote_->retrial && vote_->first != tip_->height + 1) ||
                  (vote_->retrial && vote_->first > tip_->height)))
        vote_.reset();
}

void FilterHeaders::start_vote(Outbox& out, std::int64_t now_us) {
    const HeaderNode* best = chain_.tip();
    if (vote_ || ranges_.active() || tip_ == best || now_us < not_before_us_) {
        if (tip_ == best) waiting_since_us_ = 0;
        return;
    }
    const auto able = [this](const HeaderNode* stop) {
        return static_cast<std::size_t>(std::ranges::count_if(peers_, [&](const auto& entry) { return can_ask(entry.second, stop) && !entry.second.search && !entry.second.request; }));
    };
    const HeaderNode* stop = best->ancestor(std::min<Height>(best->height, tip_->height + static_cast<Height>(limits::kMaxFilterHeaders)));
    std::size_t voters = able(stop);
    if (voters == 0) return;
    if (waiting_since_us_ == 0) waiting_since_us_ = now_us;
    const bool all_there_are = voters == peers_.size() && now_us - first_peer_us_ >= options_.grace_us;
    if (voters < options_.voters && !all_there_are && now_us - waiting_since_us_ < options_.grace_us) return;
    waiting_since_us_ = 0;
    if (start_ranges(out, now_us)) return;

    vote_ = std::make_unique<Vote>();
    vote_->id = ++next_vote_;
    vote_->began_us = now_us;
    vote_->first = tip_->height + 1;
    vote_->stop = stop;
    for (auto& [id, peer] : peers_) {
        if (vote_->claims.size() == kMaxVoters || !can_ask(peer, stop) || peer.search || peer.request) continue;
        vote_->claims[id];
        ask(peer, vote_->first, stop, out, now_us);
    }
}

/// Those who came after the vote began.
void FilterHeaders::call_more_voters(Outbox& out, std::int64_t now_us) {
    for (auto& [id, peer] : peers_) {
        if (vote_->claims.size() == kMaxVoters) return;
        if (vote_->claims.contains(id) || peer.search || peer.request || !can_ask(peer, vote_->stop)) continue;
        vote_->claims[id];
        ask(peer, vote_->first, vote_->stop, out, now_us);
    }
}

/// Where the tip is far and nobody contradicts.
bool FilterHeaders::start_ranges(Outbox& out, std::int64_t now_us) {
    const Height end = chain_.tip()->height / FilterRanges::kInterval * FilterRanges::kInterval;
    if (end - tip_->height < FilterRanges::kWorthIt || tip_->height < ranges_.contested_until()) return false;
    const HeaderNode* stop = chain_.tip()->ancestor(end);
    std::vector<PeerId> voters;
    for (const auto& [id, peer] : peers_)
        if (voters.size() < kMaxVoters && can_ask(id, stop)) voters.push_back(id);
    if (voters.empty()) return false;
    ranges_.begin(stop, voters, out, now_us);
    return true;
}

void FilterHeaders::take_range(const std::vector<Uint256>& headers, const HeaderNode* last, const std::vector<PeerId>& voters) {
    const Height first = tip_->height + 1;
    for (const Uint256& one : headers) headers_.push_back(one);
    tip_ = last;
    tip_voters_ = static_cast<int>(voters.size());
    for (const PeerId id : voters) peers_.at(id).examined = true;
    disputed_ = false;
    if (on_agreed) on_agreed(first);
}

/// Where do they part?
void FilterHeaders::on_departure(PeerId id, Outbox& out, std::int64_t now_us) {
    Peer& peer = peers_.at(id);
    peer.search = Search{0, tip_->height};
    peer.request.reset();
    ask(peer, tip_->height, tip_, out, now_us);
}

/// Asks peers that came after their betters voted whether they see the past as we do.
void FilterHeaders::examine(Outbox& out, std::int64_t now_us) {
    if (tip_->height == 0) return;
    for (auto& [id, peer] : peers_) {
        if (peer.examined || peer.request || peer.search || !can_ask(peer, tip_)) continue;
        peer.search = Search{0, tip_->height};
        ask(peer, tip_->height, tip_, out, now_us);
    }
}

void FilterHeaders::search_on(Peer& peer, Outbox& out, std::int64_t now_us) {
    const Search& search = *peer.search;
    if (search.other - search.same <= 1) {
        const Height departs = search.other;
        peer.search.reset();
        if (++peer.searches > kMaxSearches)
            dismiss(peer.info->id, "tells a past that changes all the time", out);
        else
            retry_block(departs, out, now_us);
        return;
    }
    const HeaderNode* middle = tip_->ancestor(search.same + (search.other - search.same) / 2);
    if (!can_ask(peer, middle)) {
        peer.search.reset();
        return;
    }
    ask(peer, middle->height, middle, out, now_us);
}

void FilterHeaders::on_probe(Peer& peer, const Request& request, const CFHeadersMessage& message, Outbox& out, std::int64_t now_us) {
    const Uint256 claimed = filter_header(message.filter_hashes.front(), message.previous_header);
    const Height height = request.stop->height;
    if (height > tip_->height) {
        peer.search.reset();
        return;
    }
    if (claimed == header(height)) {
        if (height == tip_->height) {
            peer.search.reset();
            peer.examined = true;
            tip_voters_ = std::max(tip_voters_, 1 + static_cast<int>(std::ranges::count_if(peers_, [&](const auto& entry) {
                                                    return entry.second.examined && entry.second.info != peer.info;
                                                })));
            return;
        }
        peer.search->same = height;
    } else {
        peer.search->other = height;
    }
    search_on(peer, out, now_us);
}

/// Votes once more on a block about which somebody contradicts what was agreed.
void FilterHeaders::retry_block(Height height, Outbox& out, std::int64_t now_us) {
    vote_ = std::make_unique<Vote>();
    vote_->id = ++next_vote_;
    vote_->retrial = true;
    vote_->first = height;
    vote_->stop = tip_->ancestor(height);
    for (auto& [id, peer] : peers_) {
        if (vote_->claims.size() == kMaxVoters || !can_ask(peer, vote_->stop) || peer.search) continue;
        vote_->claims[id];
        ask(peer, height, vote_->stop, out, now_us);
    }
}

void FilterHeaders::on_cfheaders(const PeerInfo& from, const CFHeadersMessage& message, Outbox& out, std::int64_t now_us) {
    const auto found = peers_.find(from.id);
    if (ranges_.on_cfheaders(from.id, message, out, now_us)) return;
    if (found == peers_.end() || !found->second.request || message.filter_type != 0 || message.stop != found->second.request->stop->hash) return;
    Peer& peer = found->second;
    const Request request = *peer.request;
    peer.request.reset();
    const auto expected = static_cast<std::size_t>(request.stop->height - request.first + 1);
    if (message.filter_hashes.size() != expected) {
        convict(from.id, "cfheaders of another length than asked for", out);
        return;
    }
    if (peer.search) {
        on_probe(peer, request, message, out, now_us);
        return;
    }
    if (!vote_ || vote_->stop != request.stop || vote_->first != request.first) return;
    const auto claim = vote_->claims.find(from.id);
    if (claim == vote_->claims.end()) return;
    if (message.previous_header != header(request.first - 1)) {
        // Its past is not ours: where do they part?
        vote_->claims.erase(claim);
        if (request.first == 1) {
            convict(from.id, "another filter for the first block of all", out);
        } else {
            peer.search = Search{0, request.first - 1};
            search_on(peer, out, now_us);
        }
    } else {
        peer.examined = true;
        claim->second = {message.filter_hashes, true};
    }
    decide(out, now_us);
}

void FilterHeaders::on_cfcheckpt(const PeerInfo& from, const CFCheckptMessage& message, Outbox& out, std::int64_t now_us) {
    ranges_.on_checkpoints(from.id, message, out, now_us);
}

void FilterHeaders::check_patience(Outbox& out, std::int64_t now_us) {
    for (auto& [id, peer] : peers_) {
        if (!peer.request || now_us - peer.request->asked_us < kPatience_us) continue;
        peer.request.reset();
        peer.search.reset();
        dismiss(id, "filter headers did not come", out);
    }
}

void FilterHeaders::tick(Outbox& out, std::int64_t now_us) {
    if (first_peer_us_ == 0 && !peers_.empty()) first_peer_us_ = now_us;
    follow_chain();
    check_patience(out, now_us);
    if (vote_) decide(out, now_us);
    ranges_.tick(out, now_us);
    if (!vote_) examine(out, now_us);
    start_vote(out, now_us);
}

void FilterHeaders::decide(Outbox& out, std::int64_t now_us) {
    if (!vote_) return;
    if (vote_->claims.empty()) {
        vote_.reset();
        return;
    }
    if (vote_->dispute) {
        pursue_dispute(out, now_us);
        return;
    }
    const auto here = [](const auto& entry) { return entry.second.here; };
    if (!std::ranges::all_of(vote_->claims, here)) {
        if (vote_->retrial || now_us - vote_->began_us < kDoubt_us) return;
        call_more_voters(out, now_us);
        const auto count = static_cast<std::size_t>(std::ranges::count_if(vote_->claims, here));
        if (count < options_.voters) return;
        std::erase_if(vote_->claims, [&](const auto& entry) { return !here(entry); });  // they still have to answer, or go
    }
    const std::vector<Uint256>& one = vote_->claims.begin()->second.hashes;
    for (std::size_t i = 0; i < one.size(); ++i) {
        if (std::ranges::all_of(vote_->claims, [&](const auto& entry) { return entry.second.hashes[i] == one[i]; })) continue;
        open_dispute(i, out, now_us);
        return;
    }
    if (vote_->retrial) {
        // All of them agree; what do they say to what we took for agreed?
        if (filter_header(one.front(), header(vote_->first - 1)) == header(vote_->first)) {
            vote_.reset();
            return;
        }
        if (!outweighs_past(out, now_us)) return;
    }
    adopt(std::vector<Uint256>(one), out, now_us);
}

/// Everybody here contradicts what was agreed. False: not settled yet.
bool FilterHeaders::outweighs_past(Outbox& out, std::int64_t now_us) {
    if (vote_->claims.size() >= options_.voters || static_cast<int>(vote_->claims.size()) > tip_voters_) return true;
    open_dispute(0, out, now_us);
    return false;
}

void FilterHeaders::adopt(const std::vector<Uint256>& hashes, Outbox& out, std::int64_t now_us) {
    const std::unique_ptr<Vote> vote = std::move(vote_);
    if (vote->retrial) cut(vote->first - 1);
    std::vector<Uint256> headers;
    Uint256 last = header(vote->first - 1);
    for (const Uint256& hash : hashes) headers.push_back(last = filter_header(hash, last));
    for (const FilterCheckpoint& point : options_.checkpoints) {
        if (point.height < vote->first || point.height > vote->stop->height) continue;
        if (headers[static_cast<std::size_t>(point.height - vote->first)] == point.header) continue;
        // Either side may be at fault; those peers are of no use here, but they are not called liars.
        out.log().add(LogLine::Kind::warning, fmt::format("The filter headers of {} peers contradict the built-in one at height {}", vote->claims.size(), point.height));
        for (const auto& [id, claim] : vote->claims) dismiss(id, "filter headers contradict a built-in one", out);
        disputed_ = true;
        not_before_us_ = now_us + kRetry_us;
        return;
    }
    for (const Uint256& one : headers) headers_.push_back(one);
    tip_ = vote->stop;
    tip_voters_ = static_cast<int>(vote->claims.size());
    disputed_ = false;
    if (on_agreed) on_agreed(vote->first);
    start_vote(out, now_us);
}

// --- disputes

void FilterHeaders::open_dispute(std::size_t position, Outbox& out, std::int64_t now_us) {
    Dispute& dispute = vote_->dispute.emplace();
    dispute.position = position;
    dispute.node = vote_->stop->ancestor(vote_->first + static_cast<Height>(position));
    for (const auto& [id, claim] : vote_->claims) dispute.camps[claim.hashes[position]].members.insert(id);
    out.log().info("Peers disagree about the filter of block {} at height {}: {} versions", dispute.node->hash.to_display_hex(),
                   dispute.node->height, dispute.camps.size());
    blocks_.want(dispute.node, [this, id = vote_->id](const BlockPtr& block, Outbox& o, std::int64_t now) {
        if (!vote_ || vote_->id != id || !vote_->dispute || vote_->dispute->node->hash != block->hash()) return;
        vote_->dispute->block = block;
        pursue_dispute(o, now);
    });
    pursue_dispute(out, now_us);
}

/// Gets each camp's filter; whoever does not give it does not count any more.
void FilterHeaders::pursue_dispute(Outbox& out, std::int64_t now_us) {
    Dispute& dispute = *vote_->dispute;
    bool complete = true;
    for (auto& [hash, camp] : dispute.camps) {
        if (camp.filter || camp.members.empty()) continue;
        if (camp.asked >= 0 && now_us - camp.asked_us >= kPatience_us) {
            dismiss(camp.asked, "a disputed filter did not come", out);
            if (!vote_ || !vote_->dispute) return;
        }
        if (camp.members.empty()) continue;
        complete = false;
        if (camp.asked >= 0) continue;
        camp.asked = *camp.members.begin();
        camp.asked_us = now_us;
        GetCFiltersMessage message;
        message.start_height = static_cast<std::uint32_t>(dispute.node->height);
        message.stop = dispute.node->hash;
        out.send(camp.asked, std::move(message));
    }
    const auto alive = std::ranges::count_if(dispute.camps, [](const auto& entry) { return !entry.second.members.empty(); });
    if (alive < 2 && dispute.camps.size() > 1) {
        vote_->dispute.reset();
        decide(out, now_us);
    } else if (complete && dispute.block) {
        judge(out, now_us);
    }
}

bool FilterHeaders::on_cfilter(const PeerInfo& from, const CFilterMessage& message, Outbox& out, std::int64_t now_us) {
    if (!vote_ || !vote_->dispute || message.block != vote_->dispute->node->hash) return false;
    for (auto& [hash, camp] : vote_->dispute->camps) {
        if (camp.asked != from.id || camp.filter) continue;
        if (filter_hash(message.filter) != hash) {
            convict(from.id, "a filter that is not what its header says", out);
        } else {
            camp.filter = message.filter;
        }
        if (vote_ && vote_->dispute) pursue_dispute(out, now_us);
        return true;
    }
    return false;
}

void FilterHeaders::judge(Outbox& out, std::int64_t now_us) {
    Dispute& dispute = *vote_->dispute;
    std::vector<Uint256> hashes;
    std::vector<Bytes> filters;
    for (const auto& [hash, camp] : dispute.camps) {
        if (!camp.filter || camp.members.empty()) continue;
        hashes.push_back(hash);
        filters.push_back(*camp.filter);
    }
    const FilterJudgement judgement = judge_filters(*dispute.block, filters);
    if (judgement.right) {
        settle(hashes[*judgement.right], "the block shows it", true, out, now_us);
        return;
    }
    std::vector<std::size_t> possible;
    for (std::size_t i = 0; i < hashes.size(); ++i)
        if (!judgement.impossible[i]) possible.push_back(i);
    if (possible.size() < hashes.size()) {
        for (std::size_t i = 0; i < hashes.size(); ++i) {
            if (!judgement.impossible[i]) continue;
            const std::set<PeerId> members = dispute.camps.at(hashes[i]).members;
            for (const PeerId liar : members) convict(liar, "a filter that cannot be its block's", out);
        }
        if (!vote_) return;
        vote_->dispute.reset();
        decide(out, now_us);
        return;
    }
    std::size_t voters = 0;
    for (const std::size_t i : possible) voters += dispute.camps.at(hashes[i]).members.size();
    for (const std::size_t i : possible) {
        const std::size_t members = dispute.camps.at(hashes[i]).members.size();
        if (members * 2 > voters && voters >= 3 && judgement.implausible[i] == std::ranges::min(judgement.implausible)) {
            settle(hashes[i], "most say so", false, out, now_us);
            return;
        }
    }
    give_up(out, now_us);
}

void FilterHeaders::settle(const Uint256& right, const char* how, bool proven, Outbox& out, std::int64_t now_us) {
    const Dispute dispute = *vote_->dispute;
    out.log().info("The filter of block {} at height {} is settled: {}", dispute.node->hash.to_display_hex(), dispute.node->height, how);
    for (const auto& [hash, camp] : dispute.camps) {
        if (hash == right) continue;
        for (const PeerId id : camp.members) {
            if (proven) convict(id, "a filter header that the block disproves", out);
            else dismiss(id, "a filter header that most others contradict", out);
        }
    }
    if (!vote_) return;
    vote_->dispute.reset();
    if (vote_->retrial && proven && filter_header(right, header(vote_->first - 1)) != header(vote_->first)) {
        adopt({right}, out, now_us);
        return;
    }
    decide(out, now_us);
}

/// Nothing can be said now. The vote is repeated later, with whoever is there.
void FilterHeaders::give_up(Outbox& out, std::int64_t now_us) {
    out.log().add(LogLine::Kind::warning, fmt::format("Peers disagree about compact filters at height {} and nothing settles it yet", vote_->first));
    disputed_ = !vote_->retrial;
    if (vote_->retrial) {
        std::vector<PeerId> challengers;
        for (const auto& [id, claim] : vote_->claims)
            if (claim.here && filter_header(claim.hashes.front(), header(vote_->first - 1)) != header(vote_->first)) challengers.push_back(id);
        for (const PeerId id : challengers) dismiss(id, "contradicts agreed filter headers without proof", out);
    }
    vote_.reset();
    not_before_us_ = now_us + kRetry_us;
}

void FilterHeaders::convict(PeerId peer, const std::string& reason, Outbox& out) {
    ++liars_;
    gone_wrong_.insert(peer);
    drop_claim(peer);
    out.misbehaving(peer, reason);
    out.disconnect(peer, reason, LogLine::Kind::info);  // also those whom the operator named
}

void FilterHeaders::dismiss(PeerId peer, const std::string& reason, Outbox& out) {
    gone_wrong_.insert(peer);
    drop_claim(peer);
    out.disconnect(peer, reason, LogLine::Kind::info);
}

void FilterHeaders::drop_claim(PeerId peer) {
    ranges_.remove(peer);
    if (!vote_) return;
    vote_->claims.erase(peer);
    if (vote_->dispute) {
        for (auto& [hash, camp] : vote_->dispute->camps) {
            camp.members.erase(peer);
            if (camp.asked == peer) camp.asked = -1;
        }
    }
    if (vote_->claims.empty()) vote_.reset();
}

}  // namespace cairn::light
