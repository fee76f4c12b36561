#include "node/relay/compact_block.hpp"

#include "consensus/base/check.hpp"
#include "consensus/crypto/hash.hpp"
#include "net/wire/codec.hpp"

namespace cairn::node {

using namespace net;  // NOLINT: this file speaks the network's language

SipKey short_id_key(const BlockHeader& header, std::uint64_t nonce) {
    Bytes bytes;
    bytes.reserve(BlockHeader::kSize + sizeof nonce);
    Writer writer(bytes);
    header.write(writer);
    writer.u64(nonce);
    const Uint256 hash = sha256(bytes);
    Reader words(hash.span());
    const std::uint64_t k0 = words.u64();
    return {k0, words.u64()};
}

CompactBlockMessage make_compact_block(const Block& block, std::uint64_t nonce, std::span<const std::uint32_t> prefill) {
    const auto txs = block.txs();
    CAIRN_CHECK(!txs.empty());
    CompactBlockMessage message;
    message.header = block.header();
    message.nonce = nonce;
    const SipKey key = short_id_key(block.header(), nonce);

    std::vector<std::uint32_t> whole{0};
    for (const std::uint32_t index : prefill)
        if (index > whole.back() && index < txs.size()) whole.push_back(index);

    Bytes ids;
    ids.reserve(32 * (txs.size() - whole.size()));
    Writer id_writer(ids);
    Writer prefilled(message.prefilled_raw);
    prefilled.compact_size(whole.size());
    auto next = whole.begin();
    std::uint32_t following = 0;  // places are written as distances from the one after the last
    for (std::uint32_t i = 0; i < txs.size(); ++i) {
        if (next == whole.end() || *next != i) {
            id_writer.uint256(txs[i].wtxid);
            continue;
        }
        prefilled.compact_size(i - following);
        prefilled.bytes(txs[i].raw);
        following = i + 1;
        ++next;
    }
    message.short_ids.resize(txs.size() - whole.size());
    siphash_many(key, ids, message.short_ids);
    for (std::uint64_t& id : message.short_ids) id &= kShortIdMask;
    return message;
}

std::optional<BlockTxnMessage> make_block_txn(const Block& block, std::span<const std::uint32_t> indexes) {
    const auto txs = block.txs();
    BlockTxnMessage message;
    message.block = block.hash();
    Writer writer(message.transactions_raw);
    writer.compact_size(indexes.size());
    for (const std::uint32_t index : indexes) {
        if (index >= txs.size()) return std::nullopt;
        writer.bytes(txs[index].raw);
    }
    return message;
}

void RecentBlock::set(BlockPtr block, const HeaderNode* node, std::uint64_t nonce, std::vector<std::uint32_t> prefill) {
    block_ = std::move(block);
    node_ = node;
    nonce_ = nonce;
    prefill_ = std::move(prefill);
    encoded_.reset();
}

CompactBlockMessage RecentBlock::compact() {
    if (!encoded_) encoded_ = std::make_shared<const Bytes>(encode_message(make_compact_block(*block_, nonce_, prefill_)));
    CompactBlockMessage message;
    message.header = block_->header();
    message.nonce = nonce_;
    message.encoded = encoded_;
    return message;
}

}  // namespace cairn::node
