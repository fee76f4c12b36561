#pragma once

#include <utility>

#include "node/mempool/mempool_port.hpp"

namespace cairn::test {

/// A mempool port around a plain mempool, which tests fill by hand through `pool`. What is submitted is refused as
/// "inconclusive" unless `judge` says otherwise; nothing is checked.
class FakeMempoolPort : public node::MempoolPort {
public:
    explicit FakeMempoolPort(const node::MempoolOptions& options = {}) : pool(options) {}

    void submit(TransactionPtr tx, node::TxSubmission options, std::function<void(const node::TxVerdict&)> done) override {
        const node::TxVerdict verdict = accept(std::move(tx), options);
        if (done) done(verdict);
    }
    void submit_package(std::vector<TransactionPtr> txs, node::TxSubmission options,
                        std::function<void(const node::PackageVerdict&)> done) override {
        const node::PackageVerdict verdict = accept_package(std::move(txs), options);
        if (done) done(verdict);
    }
    node::TxVerdict accept(TransactionPtr tx, node::TxSubmission options) override {
        if (judge) return judge(tx, options);
        node::TxVerdict verdict;
        verdict.txid = tx->tx().txid;
        verdict.wtxid = tx->tx().wtxid;
        return verdict;
    }
    node::PackageVerdict accept_package(std::vector<TransactionPtr> txs, node::TxSubmission options) override {
        node::PackageVerdict verdict;
        for (TransactionPtr& tx : txs) verdict.transactions.push_back(accept(std::move(tx), options));
        return verdict;
    }
    std::size_t pending() const override { return 0; }

    node::MempoolReader read() const override { return {pool, mutex_}; }
    const node::MempoolOptions& options() const override { return pool.options(); }
    node::FeeRate minimum_fee() const override { return std::max(pool.rolling_minimum(now), pool.options().min_relay); }
    bool loaded() const override { return is_loaded; }

    Amount prioritise(const Txid& txid, Amount delta) override { return pool.prioritise(txid, delta); }
    void set_unbroadcast(const Txid& txid, bool on) override {
        if (on) pool.add_unbroadcast(txid);
        else pool.remove_unbroadcast(txid);
    }
    Result<void, std::string> save(const std::filesystem::path&) override { return {}; }
    Result<void, std::string> import(const std::filesystem::path&, node::ImportOptions) override { return {}; }

    void subscribe(node::MempoolObserver* observer) override { observers.push_back(observer); }
    void unsubscribe(node::MempoolObserver* observer) override { std::erase(observers, observer); }

    node::Mempool pool;
    std::int64_t now = 0;
    bool is_loaded = true;
    std::function<node::TxVerdict(const TransactionPtr&, const node::TxSubmission&)> judge;
    std::vector<node::MempoolObserver*> observers;

private:
    mutable std::shared_mutex mutex_;
};

}  // namespace cairn::test
