#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "consensus/chain/header_tree.hpp"
#include "consensus/crypto/siphash.hpp"
#include "consensus/primitives/block.hpp"
#include "net/wire/messages.hpp"

namespace cairn::node {

/// Bits of a short id (BIP152).
inline constexpr std::uint64_t kShortIdMask = 0xffff'ffff'ffff;

/// The key of a compact block's short ids: the first two words of SHA-256 over header and nonce (BIP152, "Short transaction IDs").
SipKey short_id_key(const BlockHeader& header, std::uint64_t nonce);
inline std::uint64_t short_id(SipKey key, const Wtxid& wtxid) { return siphash(key, wtxid) & kShortIdMask; }

/// A block as short ids. The coinbase is sent in full, and so are the transactions at `prefill` (ascending indexes; those
/// outside the block are left out): what the receiver most likely lacks. The block has a coinbase.
net::CompactBlockMessage make_compact_block(const Block& block, std::uint64_t nonce, std::span<const std::uint32_t> prefill = {});

/// The answer to getblocktxn; nullopt when an index lies outside the block.
std::optional<net::BlockTxnMessage> make_block_txn(const Block& block, std::span<const std::uint32_t> indexes);

/// The newest block that was announced, kept so that a hundred peers can have it without a look at the disk, and its compact
/// form, which is made once.
/// Owner: net thread.
class RecentBlock {
public:
    /// `prefill`: as for make_compact_block.
    void set(BlockPtr block, const HeaderNode* node, std::uint64_t nonce, std::vector<std::uint32_t> prefill);

    /// Null before the first one.
    const HeaderNode* node() const { return node_; }
    const BlockPtr& block() const { return block_; }
    bool is(const BlockHash& hash) const { return node_ && node_->hash == hash; }
    /// Its bytes are shared by all who ask for it.
    net::CompactBlockMessage compact();

private:
    BlockPtr block_;
    const HeaderNode* node_ = nullptr;
    std::uint64_t nonce_ = 0;
    std::vector<std::uint32_t> prefill_;
    std::shared_ptr<const Bytes> encoded_;
};

}  // namespace cairn::node
