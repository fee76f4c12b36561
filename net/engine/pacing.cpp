#include <algorithm>

#include "net/engine/detail/engine_peer.hpp"
#include "net/engine/engine.hpp"

namespace cairn::net {

/// Takes a message that has to wait for its share of -uploadrate, or for the rest of one before it. False: it may go out now.
bool Engine::pace(Peer& peer, const std::string& command, Bytes& payload, std::int64_t now_us) {
    if (peer.paced.empty() && !bandwidth_.paces(peer.info)) return false;
    if (!Bandwidth::is_bulk(command) && peer.paced.rest() == 0) return false;
    if (peer.info.send_queue_bytes == 0) peer.send_progress_us = now_us;
    pacing_any_ = true;
    peer.info.send_queue_bytes += payload.size();
    peer.paced.waiting_bytes += payload.size();
    peer.paced.waiting.emplace_back(command, std::move(payload));
    if (!Bandwidth::is_bulk(command)) {
        auto last = std::move(peer.paced.waiting.back());
        peer.paced.waiting.pop_back();
        frame_paced(peer, std::move(last));  // right behind the message that is under way, before those that wait
    }
    return true;
}

void Engine::frame_paced(Peer& peer, std::pair<std::string, Bytes> message) {
    peer.info.send_queue_bytes -= message.second.size();
    peer.paced.waiting_bytes -= message.second.size();
    const OutgoingBytes bytes = framed(peer, message.first, std::move(message.second));
    Bytes& stream = peer.paced.stream;
    stream.insert(stream.end(), bytes.head.begin(), bytes.head.end());
    stream.insert(stream.end(), bytes.body.begin(), bytes.body.end());
    peer.info.send_queue_bytes += bytes.size();
}

/// Writes as much as fits for one peer that is paced. False when there is nothing, or it does not read.
bool Engine::write_paced(Peer& peer, std::int64_t now_us) {
    Peer::Paced& paced = peer.paced;
    if (paced.empty() || peer.info.closing) return false;
    const std::size_t unread = peer.info.send_queue_bytes - std::min(peer.info.send_queue_bytes, paced.bytes());
    if (unread == 0) peer.send_progress_us = now_us;  // that it waits is our doing
    if (unread > Bandwidth::kUnreadBytes) return false;
    if (paced.rest() == 0) {
        paced.stream.clear();
        paced.at = 0;
        auto next = std::move(paced.waiting.front());
        paced.waiting.pop_front();
        frame_paced(peer, std::move(next));
    }
    const std::size_t count = std::min(paced.rest(), bandwidth_.writable());
    const auto begin = paced.stream.begin() + static_cast<std::ptrdiff_t>(paced.at);
    Bytes chunk(begin, begin + static_cast<std::ptrdiff_t>(count));
    paced.at += count;
    if (paced.rest() == 0) paced.stream = {};
    if (paced.stream.empty()) paced.at = 0;
    peer.info.send_queue_bytes -= count;  // write() counts it again
    write(peer, {{}, std::move(chunk)}, now_us);
    return true;
}

/// What waits goes out as far as the rate allows, a piece for each peer in turn.
void Engine::release_paced(std::int64_t now_us) {
    bandwidth_.advance(now_us);
    if (!pacing_any_) return;
    for (bool moved = true; moved && bandwidth_.writable() > 0;) {
        moved = false;
        auto place = peers_.upper_bound(last_paced_);
        for (std::size_t seen = 0; seen < peers_.size() && bandwidth_.writable() > 0; ++seen, ++place) {
            if (place == peers_.end()) place = peers_.begin();
            if (!write_paced(*place->second, now_us)) continue;
            last_paced_ = place->first;
            moved = true;
        }
    }
    pacing_any_ = std::any_of(peers_.begin(), peers_.end(), [](const auto& entry) { return !entry.second->paced.empty(); });
}

void Engine::note_received(Peer& peer, std::size_t count, std::int64_t now_us) {
    peer.info.received_bytes += count;
    total_received_ += count;
    peer.last_receive_s = now_us / 1'000'000;
    bandwidth_.on_received(count);
    if (bandwidth_.limits_download() && peer.transport->incoming_bytes() <= Bandwidth::kBulkBytes) peer.trickle.spend(count);
}

/// -downloadrate leaves no room for this peer now.
bool Engine::held_back(Peer& peer, std::int64_t now_us) {
    bandwidth_.advance(now_us);
    if (!bandwidth_.limits_download()) return false;
    peer.trickle.advance(now_us);
    if (!bandwidth_.holds_reading(peer.info, peer.transport->incoming_bytes(), peer.trickle)) return false;
    peer.info.held_back_us = now_us;
    return true;
}

}  // namespace cairn::net
