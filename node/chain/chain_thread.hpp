#pragma once

#include <functional>
#include <optional>

#include <span>

#include "consensus/chain/coin.hpp"
#include "consensus/chain/header_tree.hpp"
#include "consensus/primitives/arena.hpp"
#include "consensus/rules/params.hpp"

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
    virtual Workers& workers() = 0;
    /// Null: none. It must outlive its stay.
    virtual void set_resident(ChainResident* resident) = 0;

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
