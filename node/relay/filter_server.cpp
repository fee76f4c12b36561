#include "node/relay/filter_server.hpp"

#include <algorithm>
#include <limits>

#include "net/wire/limits.hpp"

namespace cairn::node {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

constexpr std::uint8_t kBasic = 0;             // the one type of filter there is
constexpr std::size_t kFiltersAtOnce = 16;     // read by one job of a worker
constexpr Height kCheckpointInterval = 1'000;  // BIP157

/// What takes room in the send queue.
std::size_t size_of(const Message& message) {
    if (const auto* filter = std::get_if<CFilterMessage>(&message)) return filter->filter.size();
    if (const auto* headers = std::get_if<CFHeadersMessage>(&message)) return headers->filter_hashes.size() * Uint256::kSize;
    if (const auto* points = std::get_if<CFCheckptMessage>(&message)) return points->headers.size() * Uint256::kSize;
    return 0;
}

}  // namespace

FilterServer::FilterServer(ChainAdapter& chain, const FilterSource* source, std::size_t max_send_buffer,
                           std::function<bool(const HeaderNode*)> may_serve, std::function<void(ReadDone)> deliver)
    : chain_(chain), source_(source), max_send_buffer_(max_send_buffer), may_serve_(std::move(may_serve)), deliver_(std::move(deliver)) {}

bool FilterServer::busy(PeerId peer) const {
    const auto found = states_.find(peer);
    if (found == states_.end()) return false;
    const State& state = found->second;
    return !state.wanted.empty() || state.reading != 0 || !state.ready.empty();
}

/// The last block of what was asked for; null when the peer was dropped for it.
const HeaderNode* FilterServer::check(const PeerInfo& peer, std::uint8_t type, std::uint32_t start, const BlockHash& stop, std::uint32_t most,
                                      Outbox& out) const {
    if (!source_ || type != kBasic) {
        out.disconnect(peer.id, fmt::format("peer requested unsupported block filter type: {}", type));
        return nullptr;
    }
    const HeaderNode* node = chain_.find(stop);
    if (!node || !may_serve_(node)) {
        out.disconnect(peer.id, fmt::format("peer requested invalid block hash: {}", stop.to_display_hex()));
        return nullptr;
    }
    const auto height = static_cast<std::uint32_t>(node->height);
    if (start > height) {
        out.disconnect(peer.id,
                       fmt::format("peer sent invalid getcfilters/getcfheaders with start height {} and stop height {}", start, height));
        return nullptr;
    }
    if (height - start >= most) {
        out.disconnect(peer.id, fmt::format("peer requested too many cfilters/cfheaders: {} / {}", height - start + 1, most));
        return nullptr;
    }
    return node;
}

void FilterServer::on_get_filters(const PeerInfo& peer, const GetCFiltersMessage& message, Outbox& out) {
    const HeaderNode* stop = check(peer, message.filter_type, message.start_height, message.stop, limits::kMaxFilters, out);
    if (!stop) return;
    const auto start = static_cast<Height>(message.start_height);
    std::vector<const HeaderNode*> nodes;
    for (const HeaderNode* node = stop; node && node->height >= start; node = node->parent) nodes.push_back(node);
    std::reverse(nodes.begin(), nodes.end());
    for (std::size_t begin = 0; begin < nodes.size(); begin += kFiltersAtOnce) {
        const std::size_t end = std::min(nodes.size(), begin + kFiltersAtOnce);
        want(peer, [part = std::vector(nodes.begin() + static_cast<std::ptrdiff_t>(begin), nodes.begin() + static_cast<std::ptrdiff_t>(end))](
                       const FilterSource& source) -> std::optional<Messages> {
            Messages messages;
            for (const HeaderNode* node : part) {
                auto filter = source.filter(node);
                if (!filter) return std::nullopt;
                messages.emplace_back(CFilterMessage{kBasic, node->hash, std::move(*filter)});
            }
            return messages;
        });
    }
    pump(peer, out);
}

void FilterServer::on_get_headers(const PeerInfo& peer, const GetCFHeadersMessage& message, Outbox& out) {
    const HeaderNode* stop = check(peer, message.filter_type, message.start_height, message.stop, limits::kMaxFilterHeaders, out);
    if (!stop) return;
    want(peer, [stop, start = static_cast<Height>(message.start_height)](const FilterSource& source) -> std::optional<Messages> {
        CFHeadersMessage answer;
        answer.filter_type = kBasic;
        answer.stop = stop->hash;
        if (start > 0) {
            const auto before = source.row(stop->ancestor(start - 1));
            if (!before) return std::nullopt;
            answer.previous_header = before->header;
        }
        const auto rows = source.rows(start, stop);
        if (!rows) return std::nullopt;
        for (const FilterSource::Row& row : *rows) answer.filter_hashes.push_back(row.hash);
        Messages messages;
        messages.emplace_back(std::move(answer));
        return messages;
    });
    pump(peer, out);
}

void FilterServer::on_get_checkpoints(const PeerInfo& peer, const GetCFCheckptMessage& message, Outbox& out) {
    const HeaderNode* stop = check(peer, message.filter_type, 0, message.stop, std::numeric_limits<std::uint32_t>::max(), out);
    if (!stop) return;
    want(peer, [stop](const FilterSource& source) -> std::optional<Messages> {
        CFCheckptMessage answer;
        answer.filter_type = kBasic;
        answer.stop = stop->hash;
        for (Height height = kCheckpointInterval; height <= stop->height; height += kCheckpointInterval) {
            const auto row = source.row(stop->ancestor(height));
            if (!row) return std::nullopt;
            answer.headers.push_back(row->header);
        }
        Messages messages;
        messages.emplace_back(std::move(answer));
        return messages;
    });
    pump(peer, out);
}

void FilterServer::on_read(ReadDone done, Outbox& out) {
    const auto found = states_.find(done.peer);
    if (found == states_.end() || found->second.reading != done.ticket) return;
    State& state = found->second;
    state.reading = 0;
    if (!done.messages) {
        // Its other questions follow from this one, as a rule.
        out.log().debug("Failed to find block filter in index for peer={}", done.peer);
        state.wanted.clear();
        return;
    }
    state.ready = std::move(*done.messages);
}

void FilterServer::pump(const PeerInfo& peer, Outbox& out) {
    const auto found = states_.find(peer.id);
    if (found == states_.end()) return;
    State& state = found->second;
    std::size_t queued = peer.send_queue_bytes;
    std::size_t sent = 0;
    for (; sent < state.ready.size() && queued < max_send_buffer_; ++sent) {
        queued += size_of(state.ready[sent]);
        out.send(peer.id, std::move(state.ready[sent]));
    }
    state.ready.erase(state.ready.begin(), state.ready.begin() + static_cast<std::ptrdiff_t>(sent));
    if (state.reading != 0 || !state.ready.empty() || state.wanted.empty() || queued >= max_send_buffer_) return;
    const std::uint64_t ticket = next_ticket_++;
    Work work = std::move(state.wanted.front());
    state.wanted.pop_front();
    const bool posted = source_->post([source = source_, deliver = deliver_, id = peer.id, ticket, work = std::move(work)] {
        deliver({id, ticket, work(*source)});
    });
    if (posted) state.reading = ticket;
}

}  // namespace cairn::node
