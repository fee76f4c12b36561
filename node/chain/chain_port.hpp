#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consensus/chain/coin.hpp"
#include "consensus/chain/header_tree.hpp"
#include "consensus/primitives/block.hpp"
#include "consensus/rules/error.hpp"

namespace cairn::node {

/// The peer that a block or header came from; kNoPeer for files, RPC and our own mining.
using PeerId = std::int64_t;
inline constexpr PeerId kNoPeer = -1;

/// What is known of one block beside its header. Written by the chain thread, read by any.
struct BlockFacts {
    bool have_data = false;        ///< the block is stored (it may have been pruned: then false again)
    bool have_undo = false;        ///< its spent coins are stored
    bool checked = false;          ///< context-free and contextual checks passed and all ancestors' too ("valid-headers" otherwise)
    bool scripts_valid = false;    ///< was connected once: every rule holds
    bool failed = false;           ///< breaks a rule itself, or was invalidated by hand
    bool failed_ancestor = false;  ///< builds on a block that failed
    std::uint32_t tx_count = 0;          ///< transactions; 0 while the block was never seen
    std::uint64_t chain_tx_count = 0;    ///< transactions up to and including this block; 0 while one is missing
    bool invalid() const { return failed || failed_ancestor; }
};

/// A consistent picture of the chain at one moment. Immutable: keep it as long as you like.
struct ChainView {
    const HeaderNode* tip = nullptr;          ///< last connected block; all its scripts verified
    const HeaderNode* best_header = nullptr;  ///< valid header with most work
    bool initial_block_download = true;
    bool importing = false;                   ///< -reindex or -loadblock is under way
    Height prune_height = 0;                  ///< blocks below are gone (0: none is)

    bool contains(const HeaderNode* node) const { return node && tip && tip->ancestor(node->height) == node; }
    const HeaderNode* at(Height height) const { return tip ? tip->ancestor(height) : nullptr; }
};

/// The verdict on a submitted block.
struct BlockVerdict {
    enum class Kind {
        connected,     ///< on the active chain now
        stored,        ///< valid so far, on a side branch or waiting for its parent
        duplicate,     ///< was known already and valid
        duplicate_invalid,
        inconclusive,  ///< could not tell (shutting down, disk trouble): never the sender's fault
        invalid,
        not_requested, ///< dropped unseen: not asked for and of no use now
    };
    Kind kind = Kind::inconclusive;
    BlockHash hash;
    PeerId peer = kNoPeer;
    std::string reject_reason;  ///< Bitcoin Core's token, such as "bad-txnmrklroot"; empty unless invalid
    std::string debug_message;
    bool mutated = false;       ///< invalid bytes for a header that may still be good (merkle or witness malleation)
};

/// What happens to the chain, told on the chain thread; handlers post to their own thread and return at once.
class ChainObserver {
public:
    virtual ~ChainObserver() = default;
    /// A new tip is verified and published. `fork` is the last block that both tips share.
    virtual void on_tip(const std::shared_ptr<const ChainView>& /*view*/, const HeaderNode* /*old_tip*/, const HeaderNode* /*fork*/) {}
    virtual void on_block_connected(const BlockPtr& /*block*/, const HeaderNode* /*node*/) {}
    virtual void on_block_disconnected(const BlockPtr& /*block*/, const HeaderNode* /*node*/) {}
    /// A block was judged, whether at its checks or when it was connected.
    virtual void on_verdict(const BlockVerdict& /*verdict*/) {}
    /// A block with a valid proof of work passed its context-free checks and builds on the tip: it may be announced early.
    virtual void on_new_pow_valid_block(const BlockPtr& /*block*/, const HeaderNode* /*node*/) {}
};

struct BlockSubmission {
    Bytes raw;                   ///< the serialised block
    PeerId peer = kNoPeer;
    bool force = false;          ///< asked for, or by hand: store it even when it does not look useful
    bool header_checked = false; ///< minimum work was shown for its header chain
    std::function<void(const BlockVerdict&)> done;  ///< called once on the chain thread; may be empty
    BlockPtr block = nullptr;    ///< parsed already, and its merkle root compared with the header; `raw` is not looked at then
};

enum class ReadError { not_stored, pruned, io };

/// The coins that one transaction's inputs spent, in order; of one block: all but the coinbase.
using TxUndo = std::vector<Coin>;
using BlockUndo = std::vector<TxUndo>;

enum class UtxoHash { none, serialized_3, muhash };
/// What gettxoutsetinfo counts.
struct UtxoStats {
    const HeaderNode* at = nullptr;
    std::uint64_t coins = 0;
    std::uint64_t transactions = 0;   ///< with at least one unspent output
    std::uint64_t bogo_size = 0;
    Amount total_amount = 0;
    std::uint64_t disk_size = 0;
    std::optional<Uint256> hash;
};

/// The result of commands that change or examine the chain by hand: nothing, or why not.
struct CommandError {
    std::string message;
};

/// The chain as everyone else sees it.
/// Thread: any. What says "waits" hands the work to the chain thread and blocks the caller until it is done: not for the net thread.
class ChainPort {
public:
    virtual ~ChainPort() = default;

    // --- pictures, never wait
    virtual std::shared_ptr<const ChainView> view() const = 0;
    virtual const HeaderTree& headers() const = 0;
    virtual BlockFacts facts(const HeaderNode* node) const = 0;
    /// Tips of all branches: nodes without children, in no order.
    virtual std::vector<const HeaderNode*> branch_tips() const = 0;
    /// Bytes of blocks taken in by submit_block and not yet judged: ask for less while it is high.
    virtual std::size_t pending_bytes() const = 0;

    // --- headers and blocks coming in, never wait
    /// Checks and inserts headers that build on each other. Gives the last node, or the error of the first bad one.
    /// `minimum_work_shown`: the sender's chain reaches the minimum chain work, or the caller vouches for it.
    virtual Result<const HeaderNode*, HeaderError> accept_headers(std::span<const BlockHeader> headers, bool minimum_work_shown) = 0;
    virtual void submit_block(BlockSubmission submission) = 0;

    // --- the ledger; these read the disk
    virtual Result<Bytes, ReadError> read_block(const HeaderNode* node) const = 0;
    virtual Result<BlockUndo, ReadError> read_undo(const HeaderNode* node) const = 0;
    /// Reads on a worker and calls `done` there. For sending: whoever gets the bytes checks them, the store's checksum is not looked at.
    virtual void read_block_async(const HeaderNode* node, std::function<void(Result<Bytes, ReadError>)> done) const = 0;
    virtual std::uint64_t size_on_disk() const = 0;

    // --- commands; they wait
    virtual std::optional<Coin> coin(const OutPoint& outpoint) = 0;
    /// `progress` is asked now and then and ends the count by returning false. `at`: null for the tip.
    virtual Result<UtxoStats, CommandError> utxo_stats(UtxoHash hash, const std::function<bool()>& keep_going) = 0;
    /// Shows every unspent output as of one tip, which is given, ordered by txid (memory order) and index. `visit` runs on the
    /// caller's thread beside writes and returns false to end early.
    virtual Result<const HeaderNode*, CommandError> scan_coins(
        const std::function<bool(const OutPoint&, const Coin&)>& visit) = 0;
    virtual Result<void, CommandError> invalidate_block(const HeaderNode* node) = 0;
    virtual Result<void, CommandError> reconsider_block(const HeaderNode* node) = 0;
    virtual Result<void, CommandError> precious_block(const HeaderNode* node) = 0;
    /// Deletes what may be deleted up to `height`; gives the last height pruned.
    virtual Result<Height, CommandError> prune_to(Height height) = 0;
    /// -checklevel 0–4 over the last `blocks` blocks (0: all).
    virtual Result<bool, CommandError> verify_chain(int level, int blocks) = 0;
    /// Would this block be valid on top of the tip? Proof of work is left out when not `check_pow`.
    virtual Result<void, BlockVerdict> test_block(const Block& block, bool check_pow) = 0;
    /// Everything in memory goes to disk.
    virtual Result<void, CommandError> flush() = 0;
    /// Waits until `wanted(view)` holds or the time is over or the node stops; gives the view of that moment.
    virtual std::shared_ptr<const ChainView> wait_for(const std::function<bool(const ChainView&)>& wanted,
                                                      std::optional<std::int64_t> timeout_ms) = 0;
    /// Returns when every event of what happened so far was handed to the observers.
    virtual void drain_events() = 0;

    virtual void subscribe(ChainObserver* observer) = 0;
    virtual void unsubscribe(ChainObserver* observer) = 0;
};

}  // namespace cairn::node
