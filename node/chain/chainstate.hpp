#pragma once

#include "consensus/chain/delta.hpp"
#include "consensus/rules/connect.hpp"
#include "consensus/rules/params.hpp"
#include "storage/block_store.hpp"
#include "storage/coin_cache.hpp"
#include "storage/coin_store.hpp"
#include "node/chain/chain_thread.hpp"

namespace cairn::node {

class ScriptCache;

/// What a worker found on disk for a block before it is connected.
struct Prefetched {
    std::uint64_t epoch = 0;       ///< CoinCache::epoch() when the question was put; the answers hold only for this one
    std::vector<std::pair<OutPoint, Coin>> found;  ///< coins that the block spends
    bool outputs_checked = false;  ///< outputs were looked up too (BIP30)
    bool outputs_clear = false;    ///< and none of them exists
};

/// What the disk says of the outputs that some blocks made and spent, so that taking them back asks it nothing.
struct DiskCoins {
    std::vector<OutPoint> asked;             ///< sorted
    std::vector<std::optional<Coin>> coins;  ///< one for each

    /// nullptr: was not asked.
    const std::optional<Coin>* find(const OutPoint& outpoint) const;
};

/// What happened to the coins when a block was connected.
struct CoinChanges {
    std::shared_ptr<rules::ResolvedBlock> resolved;  ///< points into `undo`
    SpentByBlock undo;
    bool missing = false;   ///< an input has no coin
    bool bip30 = false;     ///< an output would overwrite an unspent one; no coin was touched
};

/// The coins as of one block, in memory and on disk: takes blocks in and gives them back.
/// Owner: chain thread. Errors are the disk's and leave the coins in an unknown state: the node stops.
class Chainstate {
public:
    Chainstate(storage::KvStore& kv, ChainParamsPtr params) : kv_(kv), store_(kv), params_(std::move(params)) {}

    storage::CoinCache& cache() { return cache_; }
    const storage::CoinCache& cache() const { return cache_; }
    const storage::CoinStore& store() const { return store_; }
    storage::CoinStore& store() { return store_; }

    /// Asks the disk whether it holds any coin; at start and after flushes.
    storage::Stored<void> look_at_disk();
    /// The disk holds no coin at all: no look-up can hit.
    bool disk_empty() const { return disk_empty_; }

    /// The coin, wherever it is. nullopt: there is none.
    storage::Stored<std::optional<Coin>> get(const OutPoint& outpoint) const;

    /// Many at once; see ChainThread::find_coins.
    storage::Stored<void> find(std::span<const OutPoint* const> outpoints, std::span<FoundCoin> coins, Arena& arena) const;

    /// What the disk must be asked before `block` is connected: outpoints that the cache does not know.
    std::vector<OutPoint> unknown_inputs(const Block& block) const;
    /// Asks it. Thread: any; the cache is not touched.
    static storage::Stored<Prefetched> prefetch(const storage::CoinStore& store, const Block& block, std::vector<OutPoint> inputs,
                                                std::uint64_t epoch, bool check_outputs);

    /// Spends and makes the coins of a block on top of the current state. `ahead` may be null.
    storage::Stored<CoinChanges> connect(rules::CheckedBlock checked, const HeaderNode& node, const Prefetched* ahead);
    /// Takes back what connect() did, given its undo.
    void roll_back(const Block& block, SpentByBlock&& undo);

    enum class Disconnected { clean, unclean };
    /// Takes back a block that was connected long ago. nullopt: block and undo do not belong together.
    /// `disk`: the disk's answers for touched_outpoints() when they are known already.
    storage::Stored<std::optional<Disconnected>> disconnect(const Block& block, const HeaderNode& node, SpentByBlock&& undo,
                                                            const DiskCoins* disk = nullptr);
    /// Appends the outputs that a block made and those that it spent.
    static void touched_outpoints(const Block& block, std::vector<OutPoint>& out);

private:
    storage::Stored<DiskCoins> ask_disk(const Block& block) const;
    storage::Stored<std::optional<Coin>> look_up(const OutPoint& outpoint, storage::CoinCache::Probe probe, const DiskCoins& disk) const;
    storage::Stored<bool> overwrites(const Block& block, const Prefetched* ahead, std::vector<storage::CoinCache::Probe>& probes) const;
    storage::Stored<std::optional<Coin>> take(const OutPoint& outpoint, storage::CoinCache::Probe probe);

    storage::KvStore& kv_;
    storage::CoinStore store_;
    storage::CoinCache cache_;
    ChainParamsPtr params_;
    bool disk_empty_ = false;
};

/// Verifies the scripts of transactions [begin, end) of a block, the common kinds in rows, the others one by one.
/// Transactions that `known` vouches for are left out; it may be null.
/// Thread: any. Errors: the fault of the first input that fails.
std::optional<BlockFault> verify_scripts(const rules::ResolvedBlock& block, std::size_t begin, std::size_t end, ScriptFlags flags,
                                         const ScriptCache* known = nullptr);

}  // namespace cairn::node
