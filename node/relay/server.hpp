#pragma once

#include <deque>
#include <functional>
#include <unordered_map>

#include "consensus/rules/params.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/core/random.hpp"
#include "node/relay/announcer.hpp"
#include "node/relay/chain_adapter.hpp"
#include "node/relay/compact_block.hpp"
#include "node/relay/peer_filters.hpp"

namespace cairn::node {

/// Answers getheaders, getblocks, getdata and getblocktxn. Blocks are read on workers, a few ahead for each peer, and sent in
/// the order they were asked for; while a peer's send queue is full nothing more is read for it. The block announced last is
/// at hand; one that was announced before it is connected is given out whole only when it is.
/// Owner: net thread.
class Server {
public:
    struct Options {
        bool prune_mode = false;
        std::size_t max_send_buffer = 1'000'000;
    };
    /// Why there is no answer.
    enum class Failure { not_stored, pruned, io, bad_index };
    /// What is sent for one item, in order; nothing is an answer, too. `filter` is what the peer's filter became by it.
    struct Reply {
        Reply() = default;
        template <class M>
            requires std::is_constructible_v<net::Message, M>
        Reply(M&& message) { messages.emplace_back(std::forward<M>(message)); }  // NOLINT: a message is a reply

        std::vector<net::Message> messages;
        std::optional<PeerFilters::Copy> filter;
    };
    using Answer = Result<Reply, Failure>;
    /// What a worker found; handed to on_read on the net thread.
    struct ReadDone {
        net::PeerId peer = 0;
        std::uint64_t ticket = 0;
        Answer answer;
    };

    /// `deliver` is called on workers.
    Server(ChainAdapter& chain, net::PeerChains& chains, Announcer& announcer, RecentBlock& recent, PeerFilters& peer_filters, net::Random& random,
           const ChainParams& params, Options options, std::function<void(ReadDone)> deliver);

    /// Answers what is asked of a transaction: sends it, adds it to `missing`, or neither. Gives the bytes sent.
    using TxAnswer = std::function<std::size_t(const net::PeerInfo& peer, const net::InvItem& item, net::NotFoundMessage& missing, net::Outbox& out)>;
    void set_tx_answer(TxAnswer answer) { tx_answer_ = std::move(answer); }

    void add(net::PeerId peer) { states_.try_emplace(peer); }
    void remove(net::PeerId peer) { states_.erase(peer); }

    void on_get_headers(const net::PeerInfo& peer, const net::GetHeadersMessage& message, net::Outbox& out);
    void on_get_blocks(const net::PeerInfo& peer, const net::GetBlocksMessage& message, net::Outbox& out);
    void on_get_data(const net::PeerInfo& peer, net::GetDataMessage&& message, net::Outbox& out, std::int64_t now_us);
    /// Pieces of a recent block, or all of an older one.
    void on_get_block_txn(const net::PeerInfo& peer, net::GetBlockTxnMessage&& message, net::Outbox& out, std::int64_t now_us);
    void on_read(ReadDone done);

    /// Goes on with what was asked for, as far as the send queue allows.
    void pump(const net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us);
    bool busy(net::PeerId peer) const;
    /// Would peers be given this block?
    bool may_serve(const HeaderNode* node) const;

private:
    /// Something that a peer asked for; with `indexes`, transactions of the block.
    struct Wanted {
        net::InvItem item;
        std::vector<std::uint32_t> indexes{};
    };
    struct Slot {
        std::uint64_t ticket = 0;
        const HeaderNode* node = nullptr;
        std::optional<Answer> answer{};
        bool filtered = false;  ///< through the peer's filter, which the answer changes: one such at a time
    };
    struct State {
        std::deque<Wanted> wanted;
        std::deque<Slot> reads;
        BlockHash continuation;  ///< last hash of a full answer to getblocks: once served, the tip is announced
    };

    const HeaderNode* fork_of(const std::vector<BlockHash>& locator) const;
    bool being_connected(const net::InvItem& item) const;
    bool start_block(const net::PeerInfo& peer, State& state, const net::InvItem& item, net::Outbox& out, std::int64_t now_us);
    void start_filtered(const net::PeerInfo& peer, State& state, const HeaderNode* node);
    bool start_pieces(const net::PeerInfo& peer, State& state, Wanted&& wanted, net::Outbox& out, std::int64_t now_us);
    void start_read(const net::PeerInfo& peer, State& state, const HeaderNode* node, std::function<Answer(Bytes)> make);
    static bool filtering(const State& state);
    bool send_ready(const net::PeerInfo& peer, State& state, net::Outbox& out);

    ChainAdapter& chain_;
    net::PeerChains& chains_;
    Announcer& announcer_;
    RecentBlock& recent_;
    PeerFilters& peer_filters_;
    net::Random& random_;
    const ChainParams& params_;
    Options options_;
    std::function<void(ReadDone)> deliver_;
    TxAnswer tx_answer_;
    std::unordered_map<net::PeerId, State> states_;
    std::uint64_t next_ticket_ = 1;
};

}  // namespace cairn::node
