#pragma once

#include "node/acceptance/mempool_service.hpp"
#include "tests/support/chain_harness.hpp"

namespace cairn::test {

/// A regtest chain with ripe coins and a mempool on top of it.
/// Shape: `AcceptanceHarness h; h.start(); auto tx = h.spend({h.coin(1)}, 1000); h.accept(tx);`
class AcceptanceHarness {
public:
    explicit AcceptanceHarness(int ripe_coins = 40) {
        builder.mine_many(100 + ripe_coins);
        chain.options.max_tip_age = 100LL * 365 * 24 * 3600;
    }
    ~AcceptanceHarness() { stop(); }

    void start(const std::filesystem::path& file = {}) {
        if (!started_) CAIRN_CHECK(chain.start());
        started_ = true;
        chain.submit_chain(builder, builder.tip());
        service = std::make_unique<node::MempoolService>(options, chain.chain(), chain.chain().thread(), chain.clock);
        service->start(file);
    }
    void stop() {
        if (service) service->stop();
        service.reset();
        chain.stop();
        started_ = false;
    }

    TestCoin coin(Height height) const { return builder.coin(height); }
    /// An output of a transaction of the mempool.
    static TestCoin out(const TransactionPtr& tx, std::uint32_t index = 0) {
        const TxOutput& output = tx->tx().outputs[index];
        return {{tx->tx().txid, index}, {output.value, to_bytes(output.script_pubkey), 0, false}};
    }
    TransactionPtr spend(const std::vector<TestCoin>& coins, Amount fee) const { return builder.spend(coins, fee); }
    /// Spends coins to several equal outputs.
    TransactionPtr split(const std::vector<TestCoin>& coins, unsigned outputs, Amount fee) const {
        Amount sum = -fee;
        for (const TestCoin& coin : coins) sum += coin.coin.value;
        std::vector<MutableTransaction::Output> list(outputs, {sum / outputs, builder.key().script_pubkey()});
        return builder.spend(coins, std::move(list));
    }
    /// Changes a transaction of one or more coins, then signs it anew.
    template <class Change>
    TransactionPtr altered(const std::vector<TestCoin>& coins, Amount fee, Change&& change) const {
        MutableTransaction tx(spend(coins, fee)->tx());
        change(tx);
        std::vector<TxOutput> spent;
        for (const TestCoin& coin : coins) spent.push_back(coin.coin.output());
        for (auto& input : tx.inputs) input.witness.clear();
        builder.key().sign(tx, spent);
        return tx.finish();
    }

    node::TxVerdict accept(const TransactionPtr& tx) { return service->accept(tx, {}); }
    node::TxVerdict test(const TransactionPtr& tx) {
        node::TxSubmission submission;
        submission.test_only = true;
        return service->accept(tx, submission);
    }
    node::PackageVerdict package(const std::vector<TransactionPtr>& txs) { return service->accept_package(txs, {}); }
    bool has(const TransactionPtr& tx) const { return service->read()->find(tx->tx().txid) != nullptr; }
    std::size_t size() const { return service->read()->size(); }
    node::BlockVerdict mine(const std::vector<TransactionPtr>& txs = {}, Amount fees = 0) {
        return chain.submit(*builder.block(builder.mine(txs, fees)));
    }

    ChainBuilder builder;
    ChainHarness chain;
    node::MempoolOptions options;
    std::unique_ptr<node::MempoolService> service;

private:
    bool started_ = false;
};

}  // namespace cairn::test
