#pragma once

#include "net/core/chain_access.hpp"
#include "node/chain/chain_port.hpp"

namespace cairn::node {

/// The chain as synchronising sees it: one picture for each call of the role.
/// Owner: net thread.
class ChainAdapter final : public net::ChainAccess {
public:
    ChainAdapter(ChainPort& chain, const Arith256& minimum_chain_work)
        : chain_(chain), minimum_chain_work_(minimum_chain_work), view_(chain.view()) {}

    /// Takes the newest picture; called at the start of each input of the role.
    void refresh() { view_ = chain_.view(); }
    const ChainView& view() const { return *view_; }
    ChainPort& port() const { return chain_; }

    const HeaderNode* tip() const override { return view_->tip; }
    const HeaderNode* best_header() const override { return view_->best_header ? view_->best_header : view_->tip; }
    bool initial_block_download() const override { return view_->initial_block_download; }
    bool importing() const override { return view_->importing; }
    const HeaderNode* find(const BlockHash& hash) const override { return chain_.headers().find(hash); }
    bool on_active_chain(const HeaderNode* node) const override { return view_->contains(node); }
    bool have_data(const HeaderNode* node) const override { return chain_.facts(node).have_data; }
    bool chain_complete(const HeaderNode* node) const override { return chain_.facts(node).chain_tx_count != 0; }
    bool invalid(const HeaderNode* node) const override { return chain_.facts(node).invalid(); }
    std::size_t pending_bytes() const override { return chain_.pending_bytes(); }
    const Arith256& minimum_chain_work() const override { return minimum_chain_work_; }
    Result<const HeaderNode*, HeaderError> accept_headers(std::span<const BlockHeader> headers) override {
        auto accepted = chain_.accept_headers(headers, true);
        refresh();
        return accepted;
    }

private:
    ChainPort& chain_;
    Arith256 minimum_chain_work_;
    std::shared_ptr<const ChainView> view_;
};

}  // namespace cairn::node
