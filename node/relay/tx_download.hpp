#pragma once

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "net/core/rolling_filter.hpp"
#include "node/mempool/verdict.hpp"
#include "node/relay/orphanage.hpp"
#include "node/relay/relay_pool.hpp"
#include "node/relay/tx_request.hpp"

namespace cairn::node {

/// A parent that pays too little by itself and a child that may pay for both.
struct PackageCandidate {
    TransactionPtr parent, child;
    net::PeerId parent_sender = 0, child_sender = 0;
};

/// What to do after a transaction was refused.
struct RefusalOutcome {
    bool keep_for_compact_blocks = false;   ///< a miner may take it all the same
    std::vector<Txid> known_parents;        ///< parents of an orphan that is kept: its sender has them
    std::optional<PackageCandidate> package;
};

/// Decides which transactions to ask for and which that came are worth judging, and what follows from a verdict: rolling
/// memories of what was refused, refused for now, and confirmed lately; orphans and the search for their parents; and the
/// pairing of a parent that pays too little with a child that pays for it.
/// Source: the rules of Bitcoin Core 31's node/txdownloadman.
/// Memory: 5,000 announcements of each peer (without relay permission), the orphanage's bounds, and 4 MB of filters.
/// Owner: one thread; times are microseconds.
class TxDownload {
public:
    using PeerId = net::PeerId;
    static constexpr std::size_t kMaxAnnouncements = 5'000;        ///< of one peer, remembered at a time
    static constexpr std::size_t kMaxInFlight = 100;               ///< requests to one peer, before it counts as overloaded
    static constexpr std::int64_t kTxidDelay_us = 2'000'000;       ///< by txid, while there are peers that know wtxids
    static constexpr std::int64_t kNotPreferredDelay_us = 2'000'000;
    static constexpr std::int64_t kOverloadedDelay_us = 2'000'000;
    static constexpr std::int64_t kRequestTimeout_us = 60'000'000;

    struct Peer {
        bool preferred = false;         ///< outbound or trusted
        bool relay_permission = false;  ///< no limits for it
        bool wtxid_relay = false;
    };

    /// `pool` and `log` outlive this object.
    TxDownload(const RelayPool& pool, net::Random& random, net::LogLines& log);

    void add_peer(PeerId peer, const Peer& facts);
    void remove_peer(PeerId peer);

    void on_block_connected(const Block& block);
    void on_block_disconnected();
    /// What was refused may be good now.
    void on_tip_changed();

    /// What this peer announces is not heard: it announced too much already, or is no peer here.
    bool full(PeerId peer) const;
    /// A peer announced a transaction. True: it is known already.
    bool on_announced(PeerId peer, const TxName& name, std::int64_t now_us);
    /// What to ask of this peer now; counts as asked.
    std::vector<TxName> take_requests(PeerId peer, std::int64_t now_us);
    void on_not_found(PeerId peer, const Uint256& hash) { requests_.on_answered(peer, hash); }

    /// A transaction came. `judge`: it is to be judged; otherwise perhaps a package with it is.
    struct Received {
        bool judge = false;
        std::optional<PackageCandidate> package;
    };
    Received on_received(PeerId peer, const TransactionPtr& tx);

    // --- judging takes its time; what is out is known, and who announces it meanwhile is heard when the verdict is in
    void begin_judging(const TransactionPtr& tx);
    void end_judging(const TransactionPtr& tx, std::int64_t now_us);

    void on_accepted(const TransactionPtr& tx);
    /// `first_time`: it came just now, and not out of the orphanage or a package.
    RefusalOutcome on_refused(const TransactionPtr& tx, TxRefusal refusal, PeerId peer, bool first_time, std::int64_t now_us);
    void on_package_refused(const PackageCandidate& package);

    Orphanage& orphanage() { return orphanage_; }
    const Orphanage& orphanage() const { return orphanage_; }
    const TxRequest& requests() const { return requests_; }

private:
    struct Judging {
        int count = 0;
        std::vector<std::pair<PeerId, TxName>> announced;  ///< meanwhile, at most once by each peer and name
    };

    bool known(const TxName& name, bool with_reconsiderable) const;
    bool in_pool(const TxName& name) const;
    std::vector<Txid> parents_of(const Transaction& tx) const;
    std::int64_t delay(PeerId peer, const Peer& facts, bool by_wtxid) const;
    bool resolve_orphan(const std::vector<Txid>& parents, const Wtxid& wtxid, PeerId peer, std::int64_t now_us);
    std::optional<PackageCandidate> find_package(const TransactionPtr& parent, PeerId peer) const;
    void on_missing_inputs(const TransactionPtr& tx, PeerId peer, RefusalOutcome& outcome, std::int64_t now_us);
    void forget(const Transaction& tx);

    const RelayPool& pool_;
    net::Random& random_;
    net::LogLines& log_;
    TxRequest requests_;
    Orphanage orphanage_;
    net::RollingFilter refused_;        ///< wtxids; txids where no witness could help
    net::RollingFilter reconsiderable_; ///< wtxids that a child may bring in; hashes of packages that failed
    net::RollingFilter confirmed_;      ///< txids and wtxids
    std::unordered_map<PeerId, Peer> peers_;
    std::size_t wtxid_peers_ = 0;
    std::unordered_map<Wtxid, Judging> judging_;
    std::unordered_map<Txid, Wtxid> judging_txids_;
};

}  // namespace cairn::node
