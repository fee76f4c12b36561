#include "light/client/header_index.hpp"

#include <cstring>
#include <mutex>
#include <type_traits>
#include <utility>

#include "consensus/base/check.hpp"
#include "consensus/chain/header_skip.hpp"

namespace cairn::light {
namespace {

/// Part of a hash. Its last bytes are zeros, by proof of work; its first ones can be chosen only at the price of that work
/// for each try.
std::uint32_t tag_of(const BlockHash& hash) {
    std::uint32_t tag;
    std::memcpy(&tag, hash.data(), sizeof tag);
    return tag;
}

constexpr std::size_t kFirstSlots = 64;

}  // namespace

static_assert(std::is_trivially_destructible_v<HeaderNode>);

HeaderIndex::HeaderIndex(const BlockHeader& genesis, std::pmr::memory_resource* memory) : memory_(memory), slots_(kFirstSlots) {
    HeaderNode& node = append(genesis, genesis.hash());
    node.chain_work = block_work(genesis.bits);
    node.time_max = genesis.time;
    genesis_ = &node;
}

HeaderIndex::~HeaderIndex() {
    for (HeaderNode* chunk : chunks_) memory_->deallocate(chunk, kChunk * sizeof(HeaderNode), alignof(HeaderNode));
}

const HeaderNode* HeaderIndex::look_up(const BlockHash& hash) const {
    const std::uint32_t tag = tag_of(hash);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = tag & mask; slots_[i].id_plus_one != 0; i = (i + 1) & mask) {
        if (slots_[i].tag != tag) continue;
        const HeaderNode* found = node(slots_[i].id_plus_one - 1);
        if (found->hash == hash) return found;
    }
    return nullptr;
}

/// A node at the end, with what is known of it. The hash is not known yet.
HeaderNode& HeaderIndex::append(const BlockHeader& header, const BlockHash& hash) {
    if (size_ % kChunk == 0) chunks_.push_back(static_cast<HeaderNode*>(memory_->allocate(kChunk * sizeof(HeaderNode), alignof(HeaderNode))));
    HeaderNode& made = *new (chunks_.back() + size_ % kChunk) HeaderNode;
    made.header = header;
    made.hash = hash;
    made.id = size_++;
    if (std::size_t{size_} * 4 > slots_.size() * 3) {
        const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
        for (const Slot& slot : old)
            if (slot.id_plus_one != 0) note(slot);
    }
    note({tag_of(hash), made.id + 1});
    return made;
}

void HeaderIndex::note(const Slot& slot) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = slot.tag & mask;
    while (slots_[i].id_plus_one != 0) i = (i + 1) & mask;
    slots_[i] = slot;
}

const HeaderNode* HeaderIndex::find(const BlockHash& hash) const {
    const std::shared_lock lock(mutex_);
    return look_up(hash);
}

const HeaderNode* HeaderIndex::at(std::uint32_t id) const {
    const std::shared_lock lock(mutex_);
    return id < size_ ? node(id) : nullptr;
}

std::uint32_t HeaderIndex::size() const {
    const std::shared_lock lock(mutex_);
    return size_;
}

const HeaderNode* HeaderIndex::insert(const BlockHeader& header, const BlockHash& hash, const HeaderNode* parent) {
    CAIRN_CHECK(parent != nullptr && parent->hash == header.previous);
    const Arith256 work = parent->chain_work + block_work(header.bits);
    const std::unique_lock lock(mutex_);
    if (const HeaderNode* known = look_up(hash)) return known;
    HeaderNode& node = append(header, hash);
    node.parent = parent;
    node.skip = skip_of_child(parent);
    node.chain_work = work;
    node.height = parent->height + 1;
    node.time_max = std::max(parent->time_max, header.time);
    return &node;
}

}  // namespace cairn::light
