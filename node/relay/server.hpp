#pragma once

#include <deque>
#include <functional>
#include <unordered_map>

#include "consensus/rules/params.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "node/relay/announcer.hpp"
#include "node/relay/chain_adapter.hpp"

namespace cairn::node {

/// Answers getheaders, getblocks and getdata. Blocks are read on workers, a few ahead for each peer, and sent in the
/// order they were asked for; while a peer's send queue is full nothing more is read for it.
/// Owner: net thread.
class Server {
public:
    struct Options {
        bool prune_mode = false;
        std::size_t max_send_buffer = 1'000'000;
    };
    /// What a worker found; handed to on_read on the net thread.
    struct ReadDone {
        net::PeerId peer = 0;
        std::uint64_t ticket = 0;
        Result<Bytes, ReadError> bytes;
    };

    /// `deliver` is called on workers.
    Server(ChainAdapter& chain, net::PeerChains& chains, Announcer& announcer, const ChainParams& params, Options options,
           std::function<void(ReadDone)> deliver);

    void add(net::PeerId peer) { states_.try_emplace(peer); }
    void remove(net::PeerId peer) { states_.erase(peer); }

    void on_get_headers(const net::PeerInfo& peer, const net::GetHeadersMessage& message, net::Outbox& out);
    void on_get_blocks(const net::PeerInfo& peer, const net::GetBlocksMessage& message, net::Outbox& out);
    void on_get_data(const net::PeerInfo& peer, net::GetDataMessage&& message, net::Outbox& out, std::int64_t now_us);
    /// A peer that asked for pieces of a block gets all of it.
    void on_get_block_txn(const net::PeerInfo& peer, const net::GetBlockTxnMessage& message, net::Outbox& out, std::int64_t now_us);
    void on_read(ReadDone done);

    /// Goes on with what was asked for, as far as the send queue allows.
    void pump(const net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us);
    bool busy(net::PeerId peer) const;

private:
    struct Slot {
        std::uint64_t ticket = 0;
        const HeaderNode* node = nullptr;
        std::optional<Result<Bytes, ReadError>> bytes;
    };
    struct State {
        std::deque<net::InvItem> wanted;
        std::deque<Slot> reads;
        BlockHash continuation;  ///< last hash of a full answer to getblocks: once served, the tip is announced
    };

    const HeaderNode* fork_of(const std::vector<BlockHash>& locator) const;
    bool may_serve(const HeaderNode* node) const;
    bool start_read(const net::PeerInfo& peer, State& state, const net::InvItem& item, net::Outbox& out);
    bool send_ready(const net::PeerInfo& peer, State& state, net::Outbox& out);

    ChainAdapter& chain_;
    net::PeerChains& chains_;
    Announcer& announcer_;
    const ChainParams& params_;
    Options options_;
    std::function<void(ReadDone)> deliver_;
    std::unordered_map<net::PeerId, State> states_;
    std::uint64_t next_ticket_ = 1;
};

}  // namespace cairn::node
