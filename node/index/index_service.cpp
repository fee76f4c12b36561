#include "node/index/index_service.hpp"

#include <algorithm>

#include "net/io/log.hpp"

namespace cairn::node {

IndexService::IndexService(IndexOptions options, ChainPort& chain, ChainThread& thread, const storage::KvStore& store, const ChainParams& params,
                           std::function<void(const std::string&)> fatal)
    : chain_(chain), thread_(thread) {
    if (options.txs) txs_ = std::make_unique<DrivenIndex<TxIndex>>(store, chain);
    if (options.coin_stats) coin_stats_ = std::make_unique<DrivenIndex<CoinStatsIndex>>(store, params, thread);
    if (options.spenders) spenders_ = std::make_unique<DrivenIndex<SpenderIndex>>(store, chain);
    if (options.filters) filters_ = std::make_unique<DrivenIndex<FilterIndex>>(store, thread);
    const auto drive = [&](auto& driven) {
        if (!driven) return;
        driven->driver = std::make_unique<IndexDriver>(driven->index, chain, thread, store, recent_, fatal);
        drivers_.push_back(driven->driver.get());
    };
    drive(txs_);
    drive(spenders_);
    drive(filters_);
    drive(coin_stats_);
    thread_.set_companion(this);
}

IndexService::~IndexService() {
    stop();
    thread_.set_companion(nullptr);
}

Result<void, std::string> IndexService::start() {
    for (IndexDriver* driver : drivers_) {
        if (auto opened = driver->open(); !opened) return opened;
    }
    const IndexDriver* lowest = nullptr;  // lacks most, and the first of those that lack as much
    for (const IndexDriver* driver : drivers_) {
        if (!driver->check_blocks() && (!lowest || driver->needed_from() < lowest->needed_from())) lowest = driver;
    }
    if (lowest) return lowest->check_blocks();
    open_ = true;
    chain_.subscribe(this);
    subscribed_ = true;
    for (IndexDriver* driver : drivers_) driver->start();
    return {};
}

void IndexService::stop() {
    if (subscribed_) chain_.unsubscribe(this);
    subscribed_ = false;
    for (IndexDriver* driver : drivers_) driver->stop();
}

std::vector<IndexSummary> IndexService::summaries() const {
    std::vector<IndexSummary> all;
    if (txs_) all.push_back(txs_->summary());
    if (coin_stats_) all.push_back(coin_stats_->summary());
    if (spenders_) all.push_back(spenders_->summary());
    if (filters_) all.push_back(filters_->summary());
    return all;
}

void IndexService::on_connected(const HeaderNode* node, const BlockPtr& block, std::shared_ptr<const BlockUndo> undo) {
    if (!open_) return;
    Height seen = node->height;
    for (const IndexDriver* driver : drivers_) seen = std::min(seen, driver->needed_from());
    recent_.forget(seen);
    recent_.put({node, block, std::move(undo)});
}

void IndexService::add_markers(const HeaderNode* tip, storage::WriteBatch& batch) {
    if (!open_) return;
    for (const IndexDriver* driver : drivers_) driver->add_marker(tip, batch);
}

LedgerCompanion::Need IndexService::needed() const {
    Need need;
    for (const IndexDriver* driver : drivers_) {
        const Height from = open_ ? driver->needed_from() : 0;
        if (from < need.from) need = {from, driver->index().name()};
    }
    return need;
}

void IndexService::on_block_disconnected(const BlockPtr&, const HeaderNode* node) {
    for (const IndexDriver* driver : drivers_) {
        if (!driver->index().allows_pruning() || driver->needed_from() < node->height) continue;
        net::log::debug(net::log::Category::prune, "{} prune lock moved back to {}", driver->index().name(), node->height - 1);
    }
}

void IndexService::on_tip(const std::shared_ptr<const ChainView>&, const HeaderNode*, const HeaderNode*) {
    for (IndexDriver* driver : drivers_) driver->wake();
}

}  // namespace cairn::node
