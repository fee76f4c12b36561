#pragma once

#include <optional>

#include "consensus/crypto/siphash.hpp"
#include "node/chain/chain_port.hpp"
#include "storage/kv.hpp"

namespace cairn::node {

/// Where a transaction is: in which block, and how many bytes behind the block's beginning.
///
/// As a row: a key of 8 bytes salted hash and 2 bytes of what was hashed, so that nobody can make rows collide on purpose and
/// chance hardly can; a value of 3 bytes height, 3 bytes offset (both big-endian) and the first 4 bytes of the block's hash,
/// which tell blocks of one height apart.
struct TxPlace {
    static constexpr std::size_t kKeySize = 10, kValueSize = 10;
    using Key = std::array<std::uint8_t, kKeySize>;

    Height height = 0;
    std::uint32_t offset = 0;
    std::array<std::uint8_t, 4> block_tag{};

    static TxPlace of(const HeaderNode& node, std::uint32_t offset);
    std::array<std::uint8_t, kValueSize> write() const;
    static std::optional<TxPlace> read(ByteSpan value);

    static Key key(SipKey salt, const Txid& txid);
    static Key key(SipKey salt, const OutPoint& outpoint);

    /// The block on the branch that ends with `tip`; null when it is not there. `tip` may be null.
    const HeaderNode* block_on(const HeaderNode* tip) const;
};

/// A transaction that was looked up, and the block that holds it.
struct PlacedTx {
    TransactionPtr tx;
    const HeaderNode* block = nullptr;
};

/// The transaction at the offset in the block; null when the block cannot be read or there is none.
TransactionPtr read_placed(const ChainPort& chain, const HeaderNode* block, std::uint32_t offset);

/// A salt as an index's state: made at random when there is none yet.
std::optional<SipKey> load_salt(ByteSpan state);
Bytes save_salt(SipKey salt);

/// Bytes from the beginning of the block to each of its transactions, in order.
template <class Visit>
void for_each_placed(const Block& block, Visit&& visit) {
    const std::uint8_t* begin = block.raw().data();
    for (const Transaction& tx : block.txs()) visit(tx, static_cast<std::uint32_t>(tx.raw.data() - begin));
}

}  // namespace cairn::node
