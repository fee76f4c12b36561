#pragma once

#include <functional>
#include <optional>

#include "consensus/chain/coin.hpp"
#include "consensus/chain/header_tree.hpp"

namespace cairn::node {

class Workers;

/// What lives on the chain thread beside the chain and follows its coins: the mempool.
class ChainResident {
public:
    virtual ~ChainResident() = default;
    /// The chain is at rest: no verdict is out, no better branch is known, the coins are those of the tip. Does a bounded
    /// share of what waits. True: there is more to do at once.
    virtual bool on_rest() = 0;
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
};

}  // namespace cairn::node
