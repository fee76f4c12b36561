#pragma once

#include <memory_resource>
#include <utility>
#include <vector>

#include "consensus/rules/params.hpp"
#include "light/client/header_index.hpp"
#include "net/core/chain_access.hpp"

namespace cairn::light {

/// All headers that passed every rule that a header can be held to, and the best chain of them: that with most work.
/// Blocks are not known here; a chain counts by its headers alone.
/// Owner: net thread.
class HeaderChain final : public net::ChainAccess {
public:
    /// `params` outlives this object.
    explicit HeaderChain(const ChainParams& params) : HeaderChain(params, params.minimum_chain_work) {}
    /// `memory`: where the headers lie, see HeaderIndex.
    HeaderChain(const ChainParams& params, const Arith256& minimum_work, std::pmr::memory_resource* memory = std::pmr::new_delete_resource())
        : params_(params), tree_(params.genesis->header(), memory), best_(tree_.genesis()), minimum_work_(minimum_work) {}

    const ChainParams& params() const { return params_; }
    /// What judging headers and saying whether the chain is up to date goes by; to be set at each input.
    void set_now(std::int64_t now_us);

    // --- ChainAccess
    const HeaderNode* tip() const override { return best_; }
    const HeaderNode* best_header() const override { return best_; }
    /// True until the tip was once less than a day old and has the work that the network asks for.
    bool initial_block_download() const override { return initial_; }
    bool importing() const override { return false; }
    const HeaderNode* find(const BlockHash& hash) const override { return tree_.find(hash); }
    bool on_active_chain(const HeaderNode* node) const override { return best_->ancestor(node->height) == node; }
    bool have_data(const HeaderNode*) const override { return false; }
    bool chain_complete(const HeaderNode*) const override { return false; }
    bool invalid(const HeaderNode*) const override { return false; }
    std::size_t pending_bytes() const override { return 0; }
    const Arith256& minimum_chain_work() const override { return minimum_work_; }
    /// Errors: the rule that the first bad one breaks; those before it are kept.
    Result<const HeaderNode*, HeaderError> accept_headers(std::span<const BlockHeader> headers) override;

    /// Puts a header back that was accepted in an earlier run; its parent came before. False: it does not fit, and what
    /// follows it cannot be trusted either. Proof of work is checked again: it costs nothing beside the hash.
    bool restore(const BlockHeader& header);

    /// Headers accepted since the last call, in order of acceptance: to be stored.
    std::vector<const HeaderNode*> take_new() { return std::exchange(new_, {}); }
    std::uint32_t size() const { return tree_.size(); }
    const HeaderNode* genesis() const { return tree_.genesis(); }

    /// The first block of the best chain that can hold what happened at or after this time, with two days of slack.
    Height height_at(std::int64_t time_s) const;

private:
    void consider(const HeaderNode* node);

    const ChainParams& params_;
    HeaderIndex tree_;
    const HeaderNode* best_;
    Arith256 minimum_work_;
    std::int64_t now_s_ = 0;
    bool initial_ = true;
    std::vector<const HeaderNode*> new_;
};

}  // namespace cairn::light
