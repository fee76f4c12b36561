#include "consensus/chain/header_tree.hpp"

#include <mutex>

#include "consensus/base/check.hpp"
#include "consensus/chain/header_skip.hpp"

namespace cairn {
const HeaderNode* HeaderNode::ancestor(Height at_height) const {
    if (at_height < 0 || at_height > height) return nullptr;
    const HeaderNode* node = this;
    while (node->height > at_height) {
        node = node->skip->height >= at_height ? node->skip : node->parent;
    }
    return node;
}

std::int64_t HeaderNode::median_time_past() const {
    constexpr std::size_t kSpan = 11;
    std::array<std::uint32_t, kSpan> times;
    std::size_t count = 0;
    for (const HeaderNode* node = this; node != nullptr && count < kSpan; node = node->parent) {
        times[count++] = node->header.time;
    }
    const auto middle = times.begin() + count / 2;
    std::nth_element(times.begin(), middle, times.begin() + count);
    return *middle;
}

const HeaderNode* last_common_ancestor(const HeaderNode* a, const HeaderNode* b) {
    if (a->height > b->height) {
        a = a->ancestor(b->height);
    } else {
        b = b->ancestor(a->height);
    }
    while (a != b) {
        const bool jump = a->skip != b->skip;
        a = jump ? a->skip : a->parent;
        b = jump ? b->skip : b->parent;
        CAIRN_CHECK(a != nullptr && b != nullptr);
    }
    return a;
}

Arith256 block_work(std::uint32_t bits) {
    const CompactTarget compact = decode_compact(bits);
    if (compact.negative || compact.overflow || compact.target.is_zero()) return {};
    // 2^256 does not fit; 2^256 / (t + 1) = (2^256 - t - 1) / (t + 1) + 1.
    return ~compact.target / (compact.target + Arith256(1)) + Arith256(1);
}

std::vector<BlockHash> make_locator(const HeaderNode* node) {
    constexpr std::size_t kDense = 10;
    std::vector<BlockHash> hashes;
    Height step = 1;
    while (node != nullptr) {
        hashes.push_back(node->hash);
        if (node->height == 0) break;
        node = node->ancestor(std::max(node->height - step, 0));
        if (hashes.size() > kDense) step *= 2;
    }
    return hashes;
}

HeaderTree::HeaderTree(const BlockHeader& genesis) {
    HeaderNode& node = nodes_.emplace_back();
    node.header = genesis;
    node.hash = genesis.hash();
    node.chain_work = block_work(genesis.bits);
    node.time_max = genesis.time;
    by_hash_.emplace(node.hash, &node);
    genesis_ = &node;
}

const HeaderNode* HeaderTree::find(const BlockHash& hash) const {
    const std::shared_lock lock(mutex_);
    const auto found = by_hash_.find(hash);
    return found != by_hash_.end() ? found->second : nullptr;
}

const HeaderNode* HeaderTree::at(std::uint32_t id) const {
    const std::shared_lock lock(mutex_);
    return id < nodes_.size() ? &nodes_[id] : nullptr;
}

std::uint32_t HeaderTree::size() const {
    const std::shared_lock lock(mutex_);
    return static_cast<std::uint32_t>(nodes_.size());
}

const HeaderNode* HeaderTree::insert(const BlockHeader& header, const BlockHash& hash, const HeaderNode* parent) {
    CAIRN_CHECK(parent != nullptr && parent->hash == header.previous);
    const Arith256 work = parent->chain_work + block_work(header.bits);
    const std::unique_lock lock(mutex_);
    const auto [place, added] = by_hash_.try_emplace(hash, nullptr);
    if (!added) return place->second;
    HeaderNode& node = nodes_.emplace_back();
    node.header = header;
    node.hash = hash;
    node.parent = parent;
    node.skip = skip_of_child(parent);
    node.chain_work = work;
    node.height = parent->height + 1;
    node.id = static_cast<std::uint32_t>(nodes_.size() - 1);
    node.time_max = std::max(parent->time_max, header.time);
    place->second = &node;
    return &node;
}

}  // namespace cairn
