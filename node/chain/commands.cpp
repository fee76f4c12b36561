#include "consensus/base/check.hpp"
#include "consensus/rules/block_rules.hpp"
#include "consensus/rules/header_rules.hpp"
#include "net/io/clock.hpp"
#include "net/io/log.hpp"
#include "node/chain/chain_core.hpp"
#include "node/chain/text.hpp"

namespace cairn::node {

namespace log = net::log;

// ---------------------------------------------------------------------------------------------- branches by hand

Result<void, CommandError> ChainCore::invalidate(const HeaderNode* node) {
    if (node->height == 0) return fail(CommandError{"The genesis block cannot be invalidated"});
    drain();
    if (halted_) return fail(CommandError{"The node is stopping"});
    StatusTable& table = gate_.status();
    const HeaderNode* last = node;
    while (tip_->ancestor(node->height) == node) {
        if (stopping()) return fail(CommandError{"The node is stopping"});
        last = tip_;
        if (!disconnect_tip()) return fail(CommandError{"Failed to disconnect block."});
        // Each block is marked by itself: a pruned node that cannot go all the way must not try to come back here.
        for (const HeaderNode* changed : gate_.mark_failed(last)) {
            candidates_.erase(changed);
            touch(changed);
        }
        candidates_.insert(tip_);
    }
    if (last == node && tip_->ancestor(node->height) != node) {
        for (const HeaderNode* changed : gate_.mark_failed(node)) {
            candidates_.erase(changed);
            touch(changed);
        }
    }
    // Blocks that were no candidates while the old tip stood may be now.
    const std::uint32_t count = gate_.tree().size();
    for (std::uint32_t id = 0; id < count; ++id) {
        const HeaderNode* other = gate_.tree().at(id);
        if (table[other].linked() && table[other].has(BlockStatus::checked)) add_candidate(other);
    }
    target_ = nullptr;
    block_failed(last);
    candidates_.insert(tip_);
    prune_candidates();
    publish(true);
    settle();
    if (!flush_if_due(false)) return fail(CommandError{"Could not write to disk"});
    return {};
}

Result<void, CommandError> ChainCore::reconsider(const HeaderNode* node) {
    drain();
    for (const HeaderNode* changed : gate_.forgive(node)) {
        touch(changed);
        if (changed == best_invalid_) best_invalid_ = nullptr;
        add_candidate(changed);
    }
    target_ = nullptr;
    path_.clear();
    board_.change([this](ChainView& view) { view.best_header = gate_.best(); });
    check_fork_warning();
    settle();
    if (!flush_if_due(false)) return fail(CommandError{"Could not write to disk"});
    return {};
}

Result<void, CommandError> ChainCore::precious(const HeaderNode* node) {
    drain();
    if (node->chain_work < tip_->chain_work) return {};
    if (tip_->chain_work > last_precious_work_) next_precious_ = -1;  // the chain has grown since the last one
    last_precious_work_ = tip_->chain_work;
    candidates_.erase(node);
    BlockStatus& status = gate_.status()[node];
    status.sequence = next_precious_;
    if (next_precious_ > std::numeric_limits<std::int32_t>::min()) --next_precious_;
    if (status.has(BlockStatus::checked) && status.linked()) {
        add_candidate(node);
        prune_candidates();
    }
    settle();
    return {};
}

// ---------------------------------------------------------------------------------------------- questions

std::optional<Coin> ChainCore::coin(const OutPoint& outpoint) {
    drain();
    if (broken_) return std::nullopt;
    auto coin = coins_.get(outpoint);
    if (!coin) {
        fatal(coin.error(), "Error reading from database");
        return std::nullopt;
    }
    return std::move(*coin);
}

std::optional<Coin> ChainCore::coin(const OutPoint& outpoint, bool& failed) {
    auto coin = coins_.get(outpoint);
    failed = !coin;
    if (failed) {
        fatal(coin.error(), "Error reading from database");
        return std::nullopt;
    }
    return std::move(*coin);
}

bool ChainCore::find_coins(std::span<const OutPoint* const> outpoints, std::span<FoundCoin> coins, Arena& arena) {
    auto found = coins_.find(outpoints, coins, arena);
    if (!found) fatal(found.error(), "Error reading from database");
    return static_cast<bool>(found);
}

void ChainCore::keep_coin(const OutPoint& outpoint, const FoundCoin& coin) {
    auto& cache = coins_.cache();
    if (cache.live_bytes() >= options_.cache_bytes) return;
    cache.insert_from_disk(outpoint, storage::CoinView{coin.output, coin.origin}.to_coin(), cache.epoch());
}

bool ChainCore::coin_in_memory(const OutPoint& outpoint) const {
    return coins_.cache().contains(outpoint) == storage::CoinCache::Lookup::unspent;
}

Result<void, BlockVerdict> ChainCore::test_block(const Block& block, bool check_pow) {
    drain();
    const auto refuse = [&](std::string reason, std::string debug) {
        BlockVerdict verdict;
        verdict.kind = BlockVerdict::Kind::invalid;
        verdict.hash = block.hash();
        verdict.reject_reason = std::move(reason);
        verdict.debug_message = std::move(debug);
        return fail(std::move(verdict));
    };
    const auto refuse_fault = [&](const BlockFault& fault) { return refuse(fault.reject_reason(), fault.debug); };
    if (block.header().previous != tip_->hash) return refuse("inconclusive-not-best-prevblk", "");
    const std::int64_t now = clock_.now();
    const auto header = check_pow ? rules::check_header(block.header(), block.hash(), *tip_, now, *params_)
                                  : rules::check_header_context(block.header(), block.hash(), *tip_, now, *params_);
    if (!header) return refuse(reject_reason(header.error(), block.header().version), debug_message(header.error()));
    auto own = Block::parse(to_bytes(block.raw()));
    CAIRN_CHECK(own);
    auto checked = rules::check_block(*own, *params_, {check_pow, true});
    if (!checked) return refuse_fault(checked.error());
    if (auto good = rules::check_block_context(*checked, tip_, *params_); !good) return refuse_fault(good.error());

    HeaderNode node;
    node.header = block.header();
    node.hash = block.hash();
    node.parent = tip_;
    node.height = tip_->height + 1;
    auto changes = coins_.connect(std::move(*checked), node, nullptr);
    if (!changes) {
        fatal(changes.error(), "Error reading from database");
        return refuse("inconclusive", "");
    }
    if (changes->bip30) return refuse_fault(rules::bip30_fault());
    std::optional<BlockFault> fault;
    if (auto spends = rules::check_spends(*changes->resolved, *tip_, *params_); !spends) {
        fault = std::move(spends.error());
    } else {
        fault = verify_scripts(*changes->resolved, 1, block.txs().size(), rules::script_flags_for_block(node.hash, node.height, *params_),
                               &script_cache_);
    }
    coins_.roll_back(**own, std::move(changes->undo));
    if (fault) return refuse_fault(*fault);
    return {};
}

}  // namespace cairn::node
