#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "consensus/chain/coin.hpp"
#include "consensus/chain/header_tree.hpp"
#include "consensus/primitives/arena.hpp"
#include "consensus/rules/params.hpp"
#include "node/chain/chain_port.hpp"

namespace cairn::storage {
class WriteBatch;
struct StorageError;
}  // namespace cairn::storage

namespace cairn::node {

class ScriptCache;
class Workers;

/// What lives on the chain thread beside the chain and follows its coins: the mempool.
class ChainResident {
public:
    virtual ~ChainResident() = default;
    /// The chain is at rest: no verdict is out, the coins are those of the tip, no better branch is known (but see impatient).
    /// Does a bounded share of what waits. True: there is more to do at once.
    virtual bool on_rest() = 0;
    /// The coins are those of the tip and the tip is about to be shown: what must agree with it is put in order now. Called
    /// again and again; cheap when nothing changed.
    virtual void on_settled() {}
    /// Somebody has waited long for on_rest(): while many blocks are connected it is called between two of them, too.
    virtual bool impatient() const { return false; }
    /// False: on_settled() has work to do, and no tip is shown before it did.
    virtual bool settled() const { return true; }
    /// Something waits for on_rest(). Any thread.
    virtual bool waiting() const { return false; }
};

/// What keeps data of its own about each block beside the ledger, in the same store: the indexes. Its data may be written at any
/// time; what says how far they reach moves with the ledger, so that it never claims blocks that a crash takes back.
class LedgerCompanion {
public:
    virtual ~LedgerCompanion() = default;
    /// A block's scripts held; these coins it spent. Chain thread; returns at once.
    virtual void on_connected(const HeaderNode* /*node*/, const BlockPtr& /*block*/, std::shared_ptr<const BlockUndo> /*undo*/) {}
    /// The ledger on disk reaches `tip` with this batch: what is part of it may be called certain. Chain thread; each key of the
    /// meta family once.
    virtual void add_markers(const HeaderNode* /*tip*/, storage::WriteBatch& /*batch*/) {}
    /// Blocks and undo from this height on are still wanted, and by whom; a height beyond any for nothing. Any thread.
    struct Need {
        Height from = 0x7fffffff;
        std::string_view who;
    };
    virtual Need needed() const { return {}; }
};

/// An unspent output that owns nothing.
struct FoundCoin {
    TxOutput output;
    CoinOrigin origin;
    bool found = false;
    bool from_disk = false;  ///< it is not held in memory
};

/// The chain thread as its resident uses it.
class ChainThread {
public:
    virtual ~ChainThread() = default;

    // --- any thread
    /// Runs `work` on the chain thread, soon and in order; the resident's on_rest follows once the chain is at rest.
    /// False: the thread has ended and `work` never runs.
    virtual bool post(std::function<void()> work) = 0;
    /// Runs `work` on the chain thread when the chain is at rest, and waits for it. False: the thread has ended and it never ran.
    virtual bool run_at_rest(const std::function<void()>& work) = 0;
    /// Does `work` on the caller's own thread, in the chain thread's stead, when that one sleeps and the chain is at rest. Saves two
    /// changes of thread where one caller waits for a short answer. Whoever ends such a turn, the chain thread too, looks
    /// afterwards whether something waits for on_rest(): what was left there before the call is never forgotten.
    enum class Turn { done, taken, busy };  ///< taken: another has the turn now; busy: the chain is not at rest
    virtual Turn try_at_rest(const std::function<void()>& work) = 0;
    virtual Workers& workers() = 0;
    /// Null: none. It must outlive its stay.
    virtual void set_resident(ChainResident* resident) = 0;
    /// Null: none. It must outlive its stay.
    virtual void set_companion(LedgerCompanion* companion) = 0;
    /// Writes a batch of the companion's data on the chain thread and waits for it. `before` runs there right before and may
    /// add to the batch what is certain while the ledger in the store reaches `flushed`.
    /// False: it was not written, because the thread has ended or the disk failed, which ends the node.
    virtual bool write_companion(storage::WriteBatch& batch, const std::function<void(const HeaderNode* flushed)>& before) = 0;

    // --- on the chain thread, at rest
    virtual const HeaderNode* tip() const = 0;
    virtual bool initial_block_download() const = 0;
    /// An unspent output as of the tip. nullopt: there is none. A disk error ends the node and gives nullopt with `failed` set.
    virtual std::optional<Coin> coin(const OutPoint& outpoint, bool& failed) = 0;
    /// The same for many: one answer for each, scripts in `arena`. What the disk said is not kept in memory, so questions cost
    /// no more of it whoever asks; keep_coin() keeps what will be needed again. False: a disk error, which ends the node.
    virtual bool find_coins(std::span<const OutPoint* const> outpoints, std::span<FoundCoin> coins, Arena& arena) = 0;
    virtual void keep_coin(const OutPoint& outpoint, const FoundCoin& coin) = 0;
    /// An unspent output that is held in memory.
    virtual bool coin_in_memory(const OutPoint& outpoint) const = 0;
    virtual const HeaderNode* best_header() const = 0;
    virtual const ChainParams& chain_params() const = 0;
    /// Nothing can be judged any more: the disk failed.
    virtual bool broken() const = 0;

    // --- any thread
    virtual ScriptCache& script_cache() = 0;
};

}  // namespace cairn::node
