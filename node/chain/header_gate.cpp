#include "node/chain/header_gate.hpp"

#include "consensus/base/check.hpp"
#include "consensus/rules/header_rules.hpp"
#include "consensus/rules/difficulty.hpp"
#include "net/io/clock.hpp"
#include "net/io/log.hpp"

namespace cairn::node {

namespace log = net::log;

HeaderGate::HeaderGate(ChainParamsPtr params, const net::Clock& clock)
    : params_(std::move(params)), clock_(clock), tree_(params_->genesis->header()) {
    status_.grow(1);
    best_ = tree_.genesis();
}

Result<const HeaderNode*, HeaderError> HeaderGate::accept(std::span<const BlockHeader> headers, bool minimum_work_shown) {
    if (headers.empty()) return tree_.genesis();
    std::vector<BlockHash> hashes;
    hashes.reserve(headers.size());
    for (const BlockHeader& header : headers) {
        if (!hashes.empty() && header.previous != hashes.back()) return fail(HeaderError::not_continuous);
        hashes.push_back(header.hash());
    }
    const HeaderNode* last = nullptr;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        auto node = accept_one(headers[i], hashes[i], minimum_work_shown);
        if (!node) {
            if (node.error() == HeaderError::too_little_work)
                log::debug(log::Category::validation, "AcceptBlockHeader: not adding new block header {}, missing anti-dos proof-of-work validation",
                           hashes[i].to_display_hex());
            else
                log::debug(log::Category::validation, "AcceptBlockHeader: {}, {}", hashes[i].to_display_hex(),
                           reject_reason(node.error(), headers[i].version));
            return fail(node.error());
        }
        last = *node;
    }
    return last;
}

Result<const HeaderNode*, HeaderError> HeaderGate::accept_one(const BlockHeader& header, const BlockHash& hash, bool minimum_work_shown) {
    const auto known = [this](const HeaderNode* node) -> Result<const HeaderNode*, HeaderError> {
        if (status_[node].invalid()) return fail(HeaderError::cached_invalid);
        return node;
    };
    if (const HeaderNode* node = tree_.find(hash)) return known(node);
    const HeaderNode* parent = tree_.find(header.previous);
    if (parent == nullptr) {
        if (!rules::check_proof_of_work(hash, header.bits, *params_)) return fail(HeaderError::high_hash);
        return fail(HeaderError::missing_parent);
    }
    // The checks run outside the mutex: they look only at what never changes.
    const auto checked = rules::check_header(header, hash, *parent, clock_.now(), *params_);
    std::lock_guard lock(mutex_);
    if (const HeaderNode* node = tree_.find(hash)) return known(node);
    if (status_[parent].invalid() && (checked || checked.error() != HeaderError::high_hash)) return fail(HeaderError::bad_parent);
    if (!checked) return fail(checked.error());
    if (!minimum_work_shown) return fail(HeaderError::too_little_work);
    const HeaderNode* node = insert(header, hash, parent);
    consider_best(node);
    return node;
}

const HeaderNode* HeaderGate::insert(const BlockHeader& header, const BlockHash& hash, const HeaderNode* parent) {
    status_.grow(tree_.size() + 1);  // before anyone can see the node
    const HeaderNode* node = tree_.insert(header, hash, parent);
    status_[parent].set(BlockStatus::has_child);
    return node;
}

void HeaderGate::consider_best(const HeaderNode* node) {
    const HeaderNode* best = best_.load(std::memory_order_relaxed);
    if (node->chain_work > best->chain_work) best_.store(node, std::memory_order_release);
}

const HeaderNode* HeaderGate::restore(const BlockHeader& header, const BlockHash& hash, std::uint32_t flags) {
    std::lock_guard lock(mutex_);
    if (const HeaderNode* node = tree_.find(hash)) {
        status_[node].set(flags);
        return node;
    }
    const HeaderNode* parent = tree_.find(header.previous);
    if (parent == nullptr) return nullptr;
    const HeaderNode* node = insert(header, hash, parent);
    status_[node].set(flags);
    if (status_[parent].invalid()) status_[node].set(BlockStatus::failed_ancestor);
    if (!status_[node].invalid()) consider_best(node);
    return node;
}

void HeaderGate::recalculate_best() {
    std::lock_guard lock(mutex_);
    const HeaderNode* best = tree_.genesis();
    const std::uint32_t count = tree_.size();
    for (std::uint32_t id = 0; id < count; ++id) {
        const HeaderNode* node = tree_.at(id);
        if (!status_[node].invalid() && node->chain_work > best->chain_work) best = node;
    }
    best_.store(best, std::memory_order_release);
}

std::vector<const HeaderNode*> HeaderGate::mark_failed(const HeaderNode* failed) {
    std::vector<const HeaderNode*> changed;
    {
        std::lock_guard lock(mutex_);
        if (!status_[failed].has(BlockStatus::failed)) {
            status_[failed].set(BlockStatus::failed);
            changed.push_back(failed);
        }
        // Ids grow from parent to child, so one pass over what came later meets every descendant after its parent.
        const std::uint32_t count = tree_.size();
        for (std::uint32_t id = failed->id + 1; id < count; ++id) {
            const HeaderNode* node = tree_.at(id);
            if (node->height <= failed->height || !status_[node->parent].invalid() || status_[node].invalid()) continue;
            status_[node].set(BlockStatus::failed_ancestor);
            changed.push_back(node);
        }
    }
    if (status_[best()].invalid()) recalculate_best();
    return changed;
}

std::vector<const HeaderNode*> HeaderGate::forgive(const HeaderNode* forgiven) {
    std::vector<const HeaderNode*> changed;
    {
        std::lock_guard lock(mutex_);
        const std::uint32_t count = tree_.size();
        for (std::uint32_t id = 0; id < count; ++id) {
            const HeaderNode* node = tree_.at(id);
            if (!status_[node].invalid()) continue;
            if (node->ancestor(forgiven->height) != forgiven && forgiven->ancestor(node->height) != node) continue;
            status_[node].clear(BlockStatus::failed | BlockStatus::failed_ancestor);
            changed.push_back(node);
        }
    }
    recalculate_best();
    return changed;
}

std::vector<const HeaderNode*> HeaderGate::tips() const {
    std::vector<const HeaderNode*> result;
    const std::uint32_t count = tree_.size();
    for (std::uint32_t id = 0; id < count; ++id) {
        const HeaderNode* node = tree_.at(id);
        if (!status_[node].has(BlockStatus::has_child)) result.push_back(node);
    }
    return result;
}

}  // namespace cairn::node
