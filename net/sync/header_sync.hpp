#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <unordered_map>

#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/sync/headers_presync.hpp"
#include "net/sync/peer_chains.hpp"

namespace cairn::net {

/// Decides which peer to ask for headers, judges what they send, and gives up on those who do not.
///
/// Until our best header is a day old or younger, one peer is asked at a time, until one has given all it has; after
/// that, all. A batch whose chain is not known to have enough work goes through HeadersPresync. A peer that was asked
/// and stays silent for 15
/// minutes and a millisecond a missing header is dropped when another could take over. Outbound peers must show a
/// chain with as much work as ours within 20 minutes and one more request.
/// Owner: net thread.
class HeaderSync {
public:
    HeaderSync(ChainAccess& chain, PeerChains& peers, const ChainParams& params, Random& random)
        : chain_(chain), chains_(peers), params_(params), random_(random) {}

    /// When all that are being asked have been silent for so long, one more is asked before the first one has given all it
    /// has. 0: never.
    void set_impatience(std::int64_t silence_us) { impatience_us_ = silence_us; }

    /// The peer's services are known now.
    void add(const PeerInfo& peer);
    void remove(PeerId peer);

    /// What one batch came to.
    struct Accepted {
        const HeaderNode* last = nullptr;
        bool is_new = false;  ///< `last` was not known before
    };
    /// nullopt when there was nothing to keep; why not, and whose fault, went to the outbox.
    std::optional<Accepted> on_headers(const PeerInfo& peer, HeadersMessage&& message, Outbox& out, std::int64_t now_us);

    /// The peer announced a block by its hash whose header is not known.
    void on_unknown_block(const PeerInfo& peer, const BlockHash& hash, Outbox& out, std::int64_t now_us);

    /// Asks the peer for what builds on our best header, unless an answer of it is still out.
    void ask(const PeerInfo& peer, Outbox& out, std::int64_t now_us);

    /// Starts synchronising with the peer when it is its turn; ends the connection when its time is over.
    /// `any_block_in_flight`: blocks are being downloaded from somebody.
    void pump(const PeerInfo& peer, bool any_block_in_flight, Outbox& out, std::int64_t now_us);

    /// May blocks be fetched from this peer? Inbound peers only when there is no better one.
    bool sync_from(const PeerInfo& peer, bool any_block_in_flight) const;
    /// Height that the first pass of HeadersPresync reached; −1 when there is none under way.
    std::int32_t presynced_height(PeerId peer) const;
    /// Batches in a row that did not build on anything we know.
    std::size_t unconnecting(PeerId peer) const;
    /// The peer announced a block that is new and has more work than our tip.
    void note_announcement(PeerId peer, std::int64_t now_us);
    /// When it last did, in seconds; 0: never.
    std::int64_t last_announcement_s(PeerId peer) const;
    /// It showed a chain as good as ours early on and is not dropped for falling behind.
    bool is_protected(PeerId peer) const;
    /// The work that a chain must show before its headers are kept.
    Arith256 work_threshold() const;

private:
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

    struct State {
        bool preferred = false;
        bool started = false;
        bool protected_ = false;                    ///< never dropped for a chain with less work
        bool asked_before_started = false;          ///< an inv made us ask it once already
        std::int64_t last_announcement_s = 0;
        std::int64_t last_request_us = 0;           ///< of the getheaders that is not answered yet
        std::int64_t timeout_us = 0;
        std::unique_ptr<HeadersPresync> presync;
        std::size_t unconnecting = 0;               ///< batches in a row that do not build on anything we know
        std::int64_t chain_timeout_s = 0;           ///< 0: none
        const HeaderNode* chain_benchmark = nullptr;
        bool chain_asked = false;
    };

    bool request(const PeerInfo& peer, State& state, std::vector<BlockHash> locator, Outbox& out, std::int64_t now_us);
    bool continue_presync(const PeerInfo& peer, State& state, std::vector<BlockHeader>& headers, Outbox& out, std::int64_t now_us);
    bool start_presync(const PeerInfo& peer, State& state, const HeaderNode* start, std::vector<BlockHeader>& headers,
                       Outbox& out, std::int64_t now_us);
    void on_unconnecting(const PeerInfo& peer, State& state, const std::vector<BlockHeader>& headers, Outbox& out, std::int64_t now_us);
    void punish(const PeerInfo& peer, HeaderError error, Outbox& out);
    void after_accepting(const PeerInfo& peer, State& state, const Accepted& accepted, bool full, Outbox& out, std::int64_t now_us);
    void start(const PeerInfo& peer, State& state, Outbox& out, std::int64_t now_us);
    double progress(std::int64_t height, std::int64_t time_s, std::int64_t now_us) const;
    void report_presync(const HeadersPresync& presync, Outbox& out, std::int64_t now_us);
    bool all_silent(std::int64_t now_us) const;
    bool check_timeout(const PeerInfo& peer, State& state, Outbox& out, std::int64_t now_us);
    void check_chain(const PeerInfo& peer, State& state, Outbox& out, std::int64_t now_us);

    ChainAccess& chain_;
    PeerChains& chains_;
    const ChainParams& params_;
    Random& random_;
    std::unordered_map<PeerId, State> states_;
    std::int64_t impatience_us_ = 0;
    int started_ = 0;
    int preferred_ = 0;
    int protected_ = 0;
    std::int64_t presync_reported_us_ = 0;
    bool caught_up_ = false;  ///< some peer gave all its headers and they show enough work: all others may be asked, too
    BlockHash last_inv_trigger_;
};

}  // namespace cairn::net
