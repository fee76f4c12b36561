#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "consensus/primitives/merkle_proof.hpp"
#include "consensus/script/bloom_filter.hpp"
#include "light/client/ports.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/core/random.hpp"
#include "net/sync/peer_chains.hpp"

namespace cairn::light {

/// Is this transaction, without its witness, what the proof shows under this id? 64 bytes never are: they may be an inner node
/// of the tree that somebody found a transaction for (CVE-2017-12842).
bool shows_transaction(const MerkleProof::Shown& shown, const Uint256& txid, ByteSpan raw);

/// Asks peers which blocks concern the watched scripts by bloom filters (BIP37, BIP111), for where nobody serves compact filters.
///
/// Privacy: there is none. Whoever is asked learns the watched scripts and coins almost exactly, and that they belong together.
/// Trust: what a peer shows is proven by the header; what it leaves out is not to be noticed. So each block is asked of kPeers
/// peers where there are as many, and what one of them shows counts. Blocks that match are fetched whole, from anybody.
///
/// Peers are asked in ascending order, so that the outputs that a peer finds are in its filter when what spends them comes.
/// A peer that sends a proof that is none, or of another block, has misbehaved; one that stays silent for kPatience_us is
/// disconnected.
/// Limits: kAhead blocks in flight of a peer; filters of 36,000 bytes, which hold some 8,000 elements well; with more of them more
/// blocks match by chance.
/// Owner: net thread.
class BloomScan {
public:
    static constexpr std::size_t kPeers = 2;
    static constexpr std::size_t kAhead = 100;
    static constexpr std::int64_t kPatience_us = 20'000'000;
    static constexpr std::int64_t kGrace_us = 10'000'000;    ///< so long a second peer is waited for
    static constexpr double kFalsePositives = 1e-7;

    /// Both outlive this object.
    BloomScan(const net::PeerChains& chains, net::Random& random) : chains_(chains), random_(random) {}

    void add(const net::PeerInfo& peer);
    void remove(net::PeerId peer);

    /// Somebody has to be given a filter: call load() with what is watched now.
    bool wants_filter() const;
    /// What is looked for from now on. Blocks that are wanted and did not match are asked for anew.
    void load(const WatchSet& watch, const std::vector<OutPoint>& coins);
    void want(const HeaderNode* node) { items_.try_emplace(node->height, Item{node, {}}); }
    /// Forgets what is wanted above `height`.
    void cut(Height height) { items_.erase(items_.upper_bound(height), items_.end()); }
    void clear() { items_.clear(); }
    /// Called for each block that was wanted, once.
    std::function<void(const HeaderNode* node, bool matches)> on_result;

    void on_merkle_block(const net::PeerInfo& peer, const net::MerkleBlockMessage& message, net::Outbox& out, std::int64_t now_us);
    /// True when a merkleblock promised it: it is in a block and not news.
    bool on_tx(const net::PeerInfo& peer, const net::TxMessage& message, net::Outbox& out);
    void tick(net::Outbox& out, std::int64_t now_us);

    /// Peers that are asked.
    std::size_t serving() const;

private:
    struct Item {
        const HeaderNode* node = nullptr;
        std::set<net::PeerId> answered;
    };
    struct Asked {
        const HeaderNode* node = nullptr;
        std::uint64_t generation = 0;
    };
    struct Peer {
        const net::PeerInfo* info = nullptr;
        bool serving = false;
        std::uint64_t generation = 0;   ///< of the filter that it has; 0: none
        std::deque<Asked> asked;        ///< in order
        std::int64_t progress_us = 0;
        std::optional<MerkleProof::Shown> promised;  ///< by its last merkleblock
    };

    void choose_peers(std::int64_t now_us);
    void give_filter(Peer& peer, net::Outbox& out);
    void ask(Peer& peer, net::Outbox& out, std::int64_t now_us);
    void settle(Height height, bool matched);
    std::size_t needed(const HeaderNode* node) const;
    bool has(const Peer& peer, const HeaderNode* node) const;

    const net::PeerChains& chains_;
    net::Random& random_;
    std::map<net::PeerId, Peer> peers_;
    std::map<Height, Item> items_;
    std::optional<BloomFilter> filter_;
    std::uint64_t generation_ = 0;
    bool fresh_ = false;                ///< the filter holds all that was found until the newest peer came
    std::int64_t first_peer_us_ = 0;
};

}  // namespace cairn::light
