#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "consensus/chain/header_tree.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"

namespace cairn::light {

/// A filter header that the project vouches for.
struct FilterCheckpoint {
    Height height = 0;
    Uint256 header;
};

/// Fetches the filter headers of a long stretch from many peers at a time, where a vote on each piece would ask all of them for
/// the same.
///
/// First all voters are asked for their checkpoints, the filter headers at every thousandth block (BIP157). A filter header commits to all
/// before it: as far as the checkpoints agree, every header below is settled. Then each piece between checkpoints is asked of one voter,
/// and what it gives has to lead from one checkpoint to the next; who cannot keep what its own checkpoints promise has lied. A piece that does
/// not come in kHurry_us is asked of somebody else. Where checkpoints contradict each other, or the built-in ones, the round ends before,
/// and contested_until() says up to where votes have to decide.
/// Limits: kAhead pieces of 64 KB ahead of what is agreed; 32 bytes a voter for every thousand blocks.
/// Owner: net thread.
class FilterRanges {
public:
    static constexpr Height kInterval = 1000;              ///< blocks from one checkpoint to the next
    static constexpr Height kWorthIt = 3 * kInterval;      ///< shorter stretches are left to votes
    static constexpr std::int64_t kHurry_us = 4'000'000;
    static constexpr std::int64_t kPatience_us = 30'000'000;  ///< for checkpoints
    static constexpr int kFailures = 3;                    ///< pieces that did not come in time; then the peer is disconnected
    static constexpr std::size_t kAhead = 32;

    /// Whom the ranges work for.
    class Host {
    public:
        virtual ~Host() = default;
        /// The last block whose filter header is agreed, and a header up to there.
        virtual const HeaderNode* tip() const = 0;
        virtual const Uint256& header(Height height) const = 0;
        virtual bool can_ask(net::PeerId peer, const HeaderNode* stop) const = 0;
        /// These voters agree on headers from the block after tip() to `last`.
        virtual void take_range(const std::vector<Uint256>& headers, const HeaderNode* last, const std::vector<net::PeerId>& voters) = 0;
        /// The peer's past is not ours.
        virtual void on_departure(net::PeerId peer, net::Outbox& out, std::int64_t now_us) = 0;
        virtual void convict(net::PeerId peer, const std::string& reason, net::Outbox& out) = 0;
        virtual void dismiss(net::PeerId peer, const std::string& reason, net::Outbox& out) = 0;
    };

    /// Both outlive this object. `builtin`: ascending.
    FilterRanges(Host& host, const std::vector<FilterCheckpoint>& builtin) : host_(host), builtin_(builtin) {}

    bool active() const { return round_.has_value(); }
    /// A round towards `stop`, whose height is a multiple of kInterval; each of the voters can be asked for it. None is active.
    void begin(const HeaderNode* stop, const std::vector<net::PeerId>& voters, net::Outbox& out, std::int64_t now_us);
    void abandon() { round_.reset(); }
    const HeaderNode* stop() const { return round_ ? round_->stop : nullptr; }
    void remove(net::PeerId peer);

    /// True when it was asked for here.
    bool on_checkpoints(net::PeerId peer, const net::CFCheckptMessage& message, net::Outbox& out, std::int64_t now_us);
    bool on_cfheaders(net::PeerId peer, const net::CFHeadersMessage& message, net::Outbox& out, std::int64_t now_us);
    void tick(net::Outbox& out, std::int64_t now_us);

    /// Up to this height votes have to decide. 0: nowhere.
    Height contested_until() const { return contested_until_; }

private:
    struct Voter {
        std::optional<std::vector<Uint256>> checkpoints;
        bool busy = false;
        int failures = 0;
    };
    struct Piece {
        const HeaderNode* stop = nullptr;
        net::PeerId peer = -1;
        std::int64_t asked_us = 0;
        std::vector<Uint256> headers;  ///< empty: not here
    };
    struct Round {
        const HeaderNode* stop = nullptr;
        std::int64_t progress_us = 0;       ///< since then nothing was agreed
        std::map<net::PeerId, Voter> voters;
        std::vector<Uint256> checkpoints;   ///< agreed ones; empty until all have answered
        Height end = 0;                     ///< of the last of them
        std::map<Height, Piece> pieces;     ///< by their first height, from the block after the tip up
    };

    void settle_checkpoints(net::Outbox& out, std::int64_t now_us);
    void check_patience(net::Outbox& out, std::int64_t now_us);
    void plan();
    void ask_voters(net::Outbox& out, std::int64_t now_us);
    void hand_over();
    const Uint256& expected(Height height) const;

    Host& host_;
    const std::vector<FilterCheckpoint>& builtin_;
    std::optional<Round> round_;
    Height contested_until_ = 0;
};

}  // namespace cairn::light
