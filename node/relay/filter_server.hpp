#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "node/index/filter_source.hpp"
#include "node/relay/chain_adapter.hpp"

namespace cairn::node {

/// Answers getcfilters, getcfheaders and getcfcheckpt (-peerblockfilters). Filters are read on workers, a few blocks at a time
/// and one read for each peer; while a peer's send queue is full nothing more is read for it.
/// Owner: net thread. Source: BIP157.
class FilterServer {
public:
    using Messages = std::vector<net::Message>;
    /// What a worker found; handed to on_read on the net thread. nullopt: a filter is not there.
    struct ReadDone {
        net::PeerId peer = 0;
        std::uint64_t ticket = 0;
        std::optional<Messages> messages;
    };

    /// `source`: null when filters are not served, which every request then is dropped for; it outlives the workers. `deliver` is
    /// called on workers. `may_serve`: would the peer be given this block?
    FilterServer(ChainAdapter& chain, const FilterSource* source, std::size_t max_send_buffer,
                 std::function<bool(const HeaderNode*)> may_serve, std::function<void(ReadDone)> deliver);

    void remove(net::PeerId peer) { states_.erase(peer); }

    void on_get_filters(const net::PeerInfo& peer, const net::GetCFiltersMessage& message, net::Outbox& out);
    void on_get_headers(const net::PeerInfo& peer, const net::GetCFHeadersMessage& message, net::Outbox& out);
    void on_get_checkpoints(const net::PeerInfo& peer, const net::GetCFCheckptMessage& message, net::Outbox& out);
    void on_read(ReadDone done, net::Outbox& out);

    /// Goes on with what was asked for, as far as the send queue allows.
    void pump(const net::PeerInfo& peer, net::Outbox& out);
    bool busy(net::PeerId peer) const;

private:
    using Work = std::function<std::optional<Messages>(const FilterSource&)>;
    struct State {
        std::deque<Work> wanted;
        std::uint64_t reading = 0;  ///< ticket; 0: no read is out
        Messages ready;
    };

    const HeaderNode* check(const net::PeerInfo& peer, std::uint8_t type, std::uint32_t start, const BlockHash& stop, std::uint32_t most,
                            net::Outbox& out) const;
    void want(const net::PeerInfo& peer, Work work) { states_[peer.id].wanted.push_back(std::move(work)); }

    ChainAdapter& chain_;
    const FilterSource* source_;
    std::size_t max_send_buffer_;
    std::function<bool(const HeaderNode*)> may_serve_;
    std::function<void(ReadDone)> deliver_;
    std::unordered_map<net::PeerId, State> states_;
    std::uint64_t next_ticket_ = 1;
};

}  // namespace cairn::node
