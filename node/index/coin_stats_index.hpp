#pragma once

#include "consensus/crypto/muhash.hpp"
#include "consensus/rules/params.hpp"
#include "node/chain/chain_thread.hpp"
#include "node/index/index.hpp"

namespace cairn::node {

/// Sums over the coin set as of one block, and over all blocks up to it. What only ever grows is kept modulo 2^64: of these
/// only the difference of two blocks is of use.
struct CoinStats {
    Uint256 muhash;
    std::uint64_t coins = 0;
    std::uint64_t bogo_size = 0;
    std::int64_t total_amount = 0;
    std::uint64_t subsidy = 0;
    std::uint64_t prevout_spent = 0;
    std::uint64_t new_outputs_ex_coinbase = 0;
    std::uint64_t coinbase = 0;
    // Never spendable:
    std::int64_t genesis_block = 0;
    std::int64_t bip30 = 0;              ///< coinbases that a repeated id overwrote
    std::int64_t scripts = 0;
    std::int64_t unclaimed_rewards = 0;

    std::int64_t unspendable() const { return genesis_block + bip30 + scripts + unclaimed_rewards; }
    bool operator==(const CoinStats&) const = default;
};

/// -coinstatsindex: CoinStats as of every block that ever was connected.
class CoinStatsIndex final : public Index {
public:
    /// Coins are hashed on the thread's workers, as far as they are free.
    CoinStatsIndex(const storage::KvStore& store, const ChainParams& params, ChainThread& thread)
        : store_(store), params_(params), thread_(thread) {}

    /// Thread: any. nullopt: the block is not indexed (yet). Errors: the store's, corruption.
    storage::Stored<std::optional<CoinStats>> find(const HeaderNode* node) const;

    std::string_view name() const override { return "coinstatsindex"; }
    std::string_view thread_name() const override { return "coinstatsidx"; }
    bool wants_undo() const override { return true; }
    bool allows_pruning() const override { return true; }
    bool takes_blocks_back() const override { return true; }
    storage::Stored<bool> load(const HeaderNode* at, ByteSpan state) override;
    Bytes state() const override { return set_.serialize(); }
    storage::Stored<void> append(const IndexedBlock& block, storage::WriteBatch& batch) override;
    storage::Stored<void> take_back(const IndexedBlock& block) override;

private:
    struct Change {
        OutPoint outpoint;
        TxOutput output;
        CoinOrigin origin;
        bool made = false;  ///< or spent
    };
    void count(const std::vector<Change>& changes);
    void hash(const std::vector<Change>& changes, bool back);

    const storage::KvStore& store_;
    const ChainParams& params_;
    ChainThread& thread_;
    MuHash3072 set_;
    CoinStats stats_;
};

}  // namespace cairn::node
