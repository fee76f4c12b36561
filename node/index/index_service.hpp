#pragma once

#include <memory>
#include <vector>

#include "node/index/coin_stats_index.hpp"
#include "node/index/driver.hpp"
#include "node/index/filter_index.hpp"
#include "node/index/index_options.hpp"
#include "node/index/spender_index.hpp"
#include "node/index/tx_index.hpp"

namespace cairn::node {

/// An index and what drives it.
template <class Kind>
struct DrivenIndex {
    template <class... Args>
    explicit DrivenIndex(Args&&... args) : index(std::forward<Args>(args)...) {}

    Kind index;
    std::unique_ptr<IndexDriver> driver;

    const Kind* operator->() const { return &index; }
    /// See IndexDriver.
    bool wait_until_current() const { return driver->wait_until_current(); }
    IndexSummary summary() const { return driver->summary(); }
};

/// The optional indexes of the node. Made before the chain starts, so that nothing is pruned that an index still needs; started
/// after it.
/// Thread: any; look-ups once start() was successful.
class IndexService final : public LedgerCompanion, private ChainObserver {
public:
    /// All references outlive the service. `fatal` as in ChainHooks.
    IndexService(IndexOptions options, ChainPort& chain, ChainThread& thread, const storage::KvStore& store, const ChainParams& params,
                 std::function<void(const std::string&)> fatal);
    ~IndexService() override;

    /// Errors: a sentence for people.
    Result<void, std::string> start();
    /// Before the chain stops. Whoever waits for an index comes home. Look-ups still work.
    void stop();

    // Null: not kept.
    const DrivenIndex<TxIndex>* txs() const { return txs_.get(); }
    const DrivenIndex<FilterIndex>* filters() const { return filters_.get(); }
    const DrivenIndex<CoinStatsIndex>* coin_stats() const { return coin_stats_.get(); }
    const DrivenIndex<SpenderIndex>* spenders() const { return spenders_.get(); }
    /// As getindexinfo lists them.
    std::vector<IndexSummary> summaries() const;

    // LedgerCompanion
    void on_connected(const HeaderNode* node, const BlockPtr& block, std::shared_ptr<const BlockUndo> undo) override;
    void add_markers(const HeaderNode* tip, storage::WriteBatch& batch) override;
    Need needed() const override;

private:
    void on_block_disconnected(const BlockPtr& block, const HeaderNode* node) override;
    void on_tip(const std::shared_ptr<const ChainView>& view, const HeaderNode* old_tip, const HeaderNode* fork) override;

    ChainPort& chain_;
    ChainThread& thread_;
    RecentBlocks recent_;
    std::unique_ptr<DrivenIndex<TxIndex>> txs_;
    std::unique_ptr<DrivenIndex<CoinStatsIndex>> coin_stats_;
    std::unique_ptr<DrivenIndex<SpenderIndex>> spenders_;
    std::unique_ptr<DrivenIndex<FilterIndex>> filters_;
    std::vector<IndexDriver*> drivers_;
    std::atomic<bool> open_{false};
    bool subscribed_ = false;
};

}  // namespace cairn::node
