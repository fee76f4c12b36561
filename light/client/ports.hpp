#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consensus/chain/header_tree.hpp"
#include "consensus/primitives/block.hpp"

/// What the light chain asks of the one that hosts a wallet, and what it tells it.
namespace cairn::light {

/// The first block that can matter: by height, or by date (seconds since 1970); with neither, the first of the chain.
/// A date is taken with two days of slack, because clocks of miners and of wallets differ.
struct Birthday {
    std::optional<Height> height;
    std::optional<std::int64_t> time_s;
};

/// What is looked for, at one moment.
struct WatchSet {
    /// Scripts that came at some revision, and since when blocks may concern them.
    struct Addition {
        std::uint64_t revision = 0;
        Birthday since;
    };
    std::uint64_t revision = 0;         ///< grows with every change
    std::vector<Bytes> scripts;         ///< output scripts; their order says nothing
    Birthday birthday;                  ///< of all of it: nothing before is ever looked at
    /// Additions that blocks already scanned have to be looked at again for. Scripts made ahead of their use (the gap of a
    /// descriptor) need none.
    std::vector<Addition> additions;
};

/// Whoever knows what to watch. Thread: the sink's.
class ScriptSource {
public:
    virtual ~ScriptSource() = default;
    virtual std::shared_ptr<const WatchSet> watch() = 0;
};

/// Where a block stands.
struct ScanPlace {
    BlockHash hash;
    Height height = 0;
    std::uint32_t time_s = 0;  ///< of its header
};

/// A payment of our own that is not in a block yet.
struct OwnPayment {
    TransactionPtr tx;
    std::vector<TransactionPtr> parents{};  ///< unconfirmed ones that it builds on, closely or not, parents first
};

/// Whoever wants to know what happened to the scripts of a ScriptSource. All calls come on one thread, in order, and may
/// take their time: the network goes on meanwhile, and what waits for the sink is bounded.
///
/// Blocks come in ascending order of height. After a crash the newest may come again, and a rescan begins again at a
/// lower height: a sink takes a block that it knows as nothing new.
class BlockSink {
public:
    virtual ~BlockSink() = default;
    /// A block that concerns, or seems to concern, one of the scripts.
    virtual void on_block(const BlockPtr& block, const ScanPlace& place) = 0;
    /// A block that was connected is not on the best chain any more: the highest first, whether on_block told of it or not.
    virtual void on_disconnected(const ScanPlace& place) = 0;
    /// Everything up to this block was looked at.
    virtual void on_scanned(const ScanPlace& place) = 0;
    /// From now on all that was watched as of `revision` is looked for, and the next block that is looked at is `next`.
    virtual void on_search(Height /*next*/, std::uint64_t /*revision*/) {}
    /// A transaction that is not in a block yet and pays one of the scripts, or of which concerns() is true, as a peer relayed it;
    /// nothing of it was verified.
    virtual void on_transaction(const TransactionPtr& tx) = 0;
    /// It matters though it pays none of the scripts: it spends what belongs to them. Called for every transaction that peers relay.
    virtual bool concerns(const Transaction& /*tx*/) const { return false; }
    /// Our own payments that are in no block yet. Asked once everything was scanned, with each block and now and then: they are
    /// broadcast until they are not among these any more.
    virtual std::vector<OwnPayment> own_payments() { return {}; }
    /// Outputs that pay the scripts and are not known to be spent. Asked only where blocks are looked for by bloom filters.
    virtual std::vector<OutPoint> coins() { return {}; }
};

/// Work for other threads. In tests all of it may run at once.
class Jobs {
public:
    virtual ~Jobs() = default;
    /// On some worker, whenever.
    virtual void run(std::function<void()> job) = 0;
    /// On the one thread that owns the store and calls the sink, in order.
    virtual void run_in_order(std::function<void()> job) = 0;
};

enum class Phase : std::uint8_t { connecting, headers, filter_headers, scanning, synced };
/// "connecting", "headers", "filter headers", "scanning", "synced".
std::string_view to_string(Phase phase);

/// How far a payment of our own has come on its way into the network. Times are seconds since 1970.
struct PaymentView {
    struct Recipient {
        std::string address;
        std::int64_t sent_s = 0;
        std::optional<std::int64_t> received_s;  ///< when the peer showed that it had it
    };
    struct Echo {
        std::string address;  ///< of a peer that told us of it without having it from us
        std::int64_t at_s = 0;
    };
    TransactionPtr tx;
    std::vector<Txid> parents;          ///< that are given along where a peer asks for them
    std::int64_t added_s = 0;
    std::size_t rounds = 0;             ///< so often it was given to peers
    std::optional<std::int64_t> next_s; ///< of the next round; none: one is under way
    std::vector<Recipient> recipients;  ///< in order
    std::vector<Echo> echoes;           ///< the first few; any of them: the network has it
};

/// What is known of fee rates, in satoshis per 1,000 virtual bytes.
struct FeeView {
    struct Block {
        std::int64_t mean = 0;  ///< of all that is in it but the coinbase
        bool full = false;
        bool empty = false;     ///< holds too few payments to tell anything
    };
    std::optional<std::int64_t> floor;  ///< below this most peers take nothing; none: nobody said
    std::map<Height, Block> blocks;     ///< recent ones that were seen
    std::size_t peers = 0;              ///< that named a floor

    /// So many peers must have named a floor before it raises what is paid: one alone may exaggerate.
    static constexpr std::size_t kPeersOfFloor = 3;
    std::optional<std::int64_t> firm_floor() const { return peers >= kPeersOfFloor ? floor : std::nullopt; }

    struct Estimate {
        std::int64_t rate = 0;
        std::size_t blocks = 0;  ///< that it rests on
    };
    /// For confirmation within `target` blocks (from 1). nullopt: not enough is known.
    std::optional<Estimate> estimate(int target, bool conservative) const;
};

/// A picture of the light chain.
struct LightView {
    Phase phase = Phase::connecting;
    double progress = 0;            ///< of the phase, 0 to 1
    double rate = 0;                ///< blocks a second in this phase, over the last seconds
    std::optional<std::int64_t> eta_s;  ///< until the end of the phase; none: not known
    const HeaderNode* tip = nullptr;
    Height filter_height = 0;       ///< up to here filter headers are agreed
    Height scanned_height = -1;     ///< up to here blocks were looked at
    int peers = 0;                  ///< that have shaken hands
    int filter_peers = 0;           ///< of them, that serve compact filters
    int cross_checked_by = 0;       ///< peers that agreed on the newest filter header
    bool disputed = false;          ///< peers contradict each other about filters, and nothing could settle it yet
    std::uint64_t filters_fetched = 0, blocks_fetched = 0, blocks_matched = 0, liars_dropped = 0;
    std::uint64_t revision = 0;     ///< of the scripts that are watched
    bool bloom = false;             ///< blocks are asked for by bloom filters, which tell peers what is looked for
    std::shared_ptr<const FeeView> fees;
    std::vector<PaymentView> payments;  ///< of our own, on their way
};

/// The light chain as a host of wallets sees it. Thread: any.
class LightChain {
public:
    virtual ~LightChain() = default;
    /// The newest picture; never null. Its tip stays valid as long as this object.
    virtual std::shared_ptr<const LightView> view() const = 0;
    /// Null: unknown.
    virtual const HeaderNode* find(const BlockHash& hash) const = 0;
    /// The source has something new.
    virtual void watch_changed() = 0;
    /// Blocks that were looked at once need not be looked at again for additions up to this revision. Blocks that were never
    /// looked at still are.
    virtual void give_up_rescan(std::uint64_t revision) = 0;
    /// Begins to broadcast a payment. Those that BlockSink::own_payments names need no call.
    virtual void submit(const OwnPayment& /*payment*/) {}
    /// Stops broadcasting what has this txid or wtxid. What BlockSink::own_payments names comes back. False: there is none.
    virtual bool forget_payment(const Uint256& /*id*/) { return false; }
};

}  // namespace cairn::light
