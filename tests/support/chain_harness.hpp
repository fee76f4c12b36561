#pragma once

#include <future>

#include "net/io/clock.hpp"
#include "node/chain/chain_service.hpp"
#include "storage/memory_kv.hpp"
#include "tests/support/chain_builder.hpp"

namespace cairn::test {

/// A chain service over a store in memory that survives restarts of the service.
class ChainHarness {
public:
    explicit ChainHarness(ChainParamsPtr params = make_params(Network::regtest)) : params_(std::move(params)) {
        options.threads = 2;
        options.check_level = 4;
    }
    ~ChainHarness() { stop(); }

    /// Opens the service; false and `start_error` when it refuses.
    bool start() {
        node::ChainHooks hooks;
        hooks.fatal = [this](const std::string& message) { fatal_message = message; };
        service_ = std::make_unique<node::ChainService>(options, params_, kv, clock, hooks);
        auto started = service_->start();
        if (!started) {
            start_error = started.error().message;
            service_.reset();
            return false;
        }
        service_->wait_for([](const node::ChainView& view) { return !view.importing; }, 60'000);
        return true;
    }
    void stop() {
        if (service_) service_->stop();
        service_.reset();
    }
    /// As if the process had died: what was not durable is lost, but for all but the newest `lost` writes.
    void crash(std::optional<std::size_t> lost = std::nullopt) {
        const auto pending = kv.pending_writes();
        kv.fail_after(1);
        stop();
        if (lost) kv.crash_losing(std::min(*lost, pending));
        else kv.crash();
    }

    node::ChainService& chain() { return *service_; }
    const HeaderNode* tip() { return service_->view()->tip; }

    node::BlockVerdict submit(const Block& block, bool force = true) { return submit(to_bytes(block.raw()), node::kNoPeer, force); }
    node::BlockVerdict submit(Bytes raw, node::PeerId peer, bool force) {
        auto told = std::make_shared<std::promise<node::BlockVerdict>>();
        auto verdict = told->get_future();
        node::BlockSubmission submission;
        submission.raw = std::move(raw);
        submission.peer = peer;
        submission.force = submission.header_checked = force;
        submission.done = [told](const node::BlockVerdict& result) { told->set_value(result); };
        service_->submit_block(std::move(submission));
        return verdict.get();
    }
    /// Submits blocks of a builder from just above genesis up to `node`; the verdict on the last.
    node::BlockVerdict submit_chain(const ChainBuilder& builder, const HeaderNode* node) {
        node::BlockVerdict verdict;
        for (Height height = 1; height <= node->height; ++height) {
            const HeaderNode* at = node->ancestor(height);
            const HeaderNode* known = service_->headers().find(at->hash);
            if (!known || !service_->facts(known).have_data) verdict = submit(*builder.block(at));
        }
        return verdict;
    }
    node::UtxoStats stats() { return *service_->utxo_stats(node::UtxoHash::serialized_3, {}); }

    storage::MemoryKv kv;
    net::Clock clock;
    node::ChainServiceOptions options;
    std::string fatal_message, start_error;

private:
    ChainParamsPtr params_;
    std::unique_ptr<node::ChainService> service_;
};

}  // namespace cairn::test
