#include "light/client/filter_fetch.hpp"

#include <algorithm>

#include "consensus/primitives/block_filter.hpp"

namespace cairn::light {

using namespace net;  // NOLINT: this file speaks the network's language

void FilterFetch::add(const PeerInfo& peer) {
    if ((peer.services & kServiceCompactFilters) != 0) peers_[peer.id].info = &peer;
}

void FilterFetch::remove(PeerId id) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    if (found->second.batch)
        for (const Height height : found->second.batch->open) assigned_.erase(height);
    peers_.erase(found);
}

void FilterFetch::cut(Height height) {
    wanted_.erase(wanted_.upper_bound(height), wanted_.end());
    assigned_.erase(assigned_.upper_bound(height), assigned_.end());
    for (auto& [id, peer] : peers_) {
        if (!peer.batch) continue;
        peer.batch->open.erase(peer.batch->open.upper_bound(height), peer.batch->open.end());
        if (peer.batch->open.empty()) peer.batch.reset();
    }
}

void FilterFetch::clear() { cut(-1); }

bool FilterFetch::idle(PeerId id) const {
    const auto found = peers_.find(id);
    return found != peers_.end() && !found->second.batch;
}

double FilterFetch::rate(PeerId peer) const {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? 0 : found->second.rate;
}

void FilterFetch::finish(Peer& peer, std::int64_t now_us) {
    const Batch& batch = *peer.batch;
    const double seconds = std::max(1e-3, static_cast<double>(now_us - batch.began_us) / 1e6);
    const double measured = static_cast<double>(batch.bytes) / seconds;
    peer.rate = peer.rate == 0 ? measured : 0.5 * peer.rate + 0.5 * measured;
    peer.batch.reset();
}

void FilterFetch::on_cfilter(const PeerInfo& from, CFilterMessage&& message, Outbox& out, std::int64_t now_us) {
    const auto found = peers_.find(from.id);
    const HeaderNode* node = chain_.find(message.block);
    if (found == peers_.end() || !node || message.filter_type != 0) return;
    Peer& peer = found->second;
    if (peer.batch) peer.batch->answered = true;
    const bool due = peer.batch && peer.batch->open.contains(node->height);
    if (!chain_.on_active_chain(node) || node->height > headers_.tip()->height) return;
    const auto wanted = wanted_.find(node->height);
    if (wanted == wanted_.end() && !due) return;
    if (filter_header(filter_hash(message.filter), headers_.header(node->height - 1)) != headers_.header(node->height)) {
        out.misbehaving(from.id, "a filter that is not what its header says");
        out.disconnect(from.id, "a filter that is not what its header says", LogLine::Kind::info);
        remove(from.id);
        return;
    }
    mean_bytes_ = 0.99 * mean_bytes_ + 0.01 * static_cast<double>(message.filter.size());
    if (due) {
        peer.batch->open.erase(node->height);
        peer.batch->progress_us = now_us;
        peer.batch->bytes += message.filter.size() + 60;
        peer.failures = 0;
        if (peer.batch->open.empty()) finish(peer, now_us);
    }
    if (wanted == wanted_.end()) return;
    wanted_.erase(wanted);
    assigned_.erase(node->height);
    ++fetched_;
    if (on_filter) on_filter(node, std::make_shared<const Bytes>(std::move(message.filter)));
}

/// The last block of our chain that the peer announced to have.
const HeaderNode* FilterFetch::common(const Peer& peer) const {
    const PeerChains::Entry* chain = peer_chains_.find(peer.info->id);
    return chain && chain->best_known ? last_common_ancestor(chain->best_known, headers_.tip()) : nullptr;
}

std::vector<FilterFetch::Peer*> FilterFetch::idle_by_rate() {
    std::vector<Peer*> idle;
    for (auto& [id, peer] : peers_)
        if (!peer.batch && peer.info->ready && !peer.info->closing) idle.push_back(&peer);
    std::ranges::stable_sort(idle, [](const Peer* a, const Peer* b) { return a->rate > b->rate; });
    return idle;
}

std::size_t FilterFetch::batch_size(const Peer& peer) const {
    const double fits = peer.rate * static_cast<double>(kBatch_us) / 1e6 / (mean_bytes_ + 60);
    return std::clamp(static_cast<std::size_t>(fits), kSmallest, limits::kMaxFilters);
}

void FilterFetch::send(Peer& peer, const HeaderNode* first, const HeaderNode* last, Outbox& out, std::int64_t now_us) {
    peer.batch->began_us = peer.batch->progress_us = now_us;
    GetCFiltersMessage message;
    message.start_height = static_cast<std::uint32_t>(first->height);
    message.stop = last->hash;
    out.send(peer.info->id, std::move(message));
}

/// Hands the lowest heights that nobody was asked for to this peer.
bool FilterFetch::assign(Peer& peer, Outbox& out, std::int64_t now_us) {
    const HeaderNode* limit = common(peer);
    if (!limit) return false;
    const std::size_t most = batch_size(peer);
    const HeaderNode *first = nullptr, *last = nullptr;
    Batch batch;
    for (const auto& [height, node] : wanted_) {
        if (height > limit->height || batch.open.size() == most) break;
        if (assigned_.contains(height)) {
            if (first) break;
            continue;
        }
        if (last && height != last->height + 1) break;
        if (!first) first = node;
        last = node;
        batch.open.insert(height);
    }
    if (!first) return false;
    assigned_.insert(batch.open.begin(), batch.open.end());
    peer.batch = std::move(batch);
    send(peer, first, last, out, now_us);
    return true;
}

/// Gives this idle peer the open part of a batch that holds everybody up.
bool FilterFetch::take_over(Peer& peer, Outbox& out, std::int64_t now_us) {
    const HeaderNode* limit = common(peer);
    if (!limit) return false;
    for (auto& [id, other] : peers_) {
        if (!other.batch || now_us - other.batch->began_us < kTakeOver_us) continue;
        const double seconds = static_cast<double>(now_us - other.batch->began_us) / 1e6;
        const bool stalled = now_us - other.batch->progress_us >= kTakeOver_us;
        const bool slow = peer.rate > 3 * static_cast<double>(other.batch->bytes) / seconds;
        if (!stalled && !slow) continue;
        Batch batch;
        for (const Height height : other.batch->open) {
            if (height > limit->height || batch.open.size() == limits::kMaxFilters) break;
            if (!wanted_.contains(height)) continue;
            if (!batch.open.empty() && height != *batch.open.rbegin() + 1) break;
            batch.open.insert(height);
        }
        if (batch.open.empty()) continue;
        const bool asked = std::ranges::any_of(peers_, [&](const auto& entry) {
            return entry.second.batch && &entry.second != &other && entry.second.batch->open.contains(*batch.open.begin());
        });
        if (asked) continue;
        peer.batch = std::move(batch);
        send(peer, wanted_.at(*peer.batch->open.begin()), wanted_.at(*peer.batch->open.rbegin()), out, now_us);
        return true;
    }
    return false;
}

void FilterFetch::check_patience(Outbox& out, std::int64_t now_us) {
    for (auto& [id, peer] : peers_) {
        if (!peer.batch) continue;
        // What others brought meanwhile is not owed any more.
        std::erase_if(peer.batch->open, [this](Height height) { return !wanted_.contains(height); });
        if (peer.batch->open.empty() && peer.batch->answered) {
            finish(peer, now_us);
            continue;
        }
        if (now_us - peer.batch->progress_us < kPatience_us) continue;
        for (const Height height : peer.batch->open) assigned_.erase(height);
        if (!peer.batch->answered) peer.failures = kFailures;
        peer.batch.reset();
        peer.rate *= 0.25;
        if (++peer.failures >= kFailures) out.disconnect(id, "compact filters did not come", LogLine::Kind::info);
    }
}

void FilterFetch::tick(Outbox& out, std::int64_t now_us) {
    check_patience(out, now_us);
    if (wanted_.empty()) return;
    for (Peer* peer : idle_by_rate())
        if (!assign(*peer, out, now_us)) take_over(*peer, out, now_us);
}

}  // namespace cairn::light
