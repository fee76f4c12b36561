#pragma once

#include <functional>

#include "consensus/base/uint256.hpp"

namespace cairn {

/// A hash that names one kind of thing: ids of different kinds do not mix.
template <class Tag>
class HashId : public Uint256 {
public:
    constexpr HashId() = default;
    explicit HashId(const Uint256& hash) : Uint256(hash) {}
    explicit HashId(ByteSpan bytes) : Uint256(bytes) {}

    /// From 64 hex digits in display order.
    static std::optional<HashId> from_display_hex(std::string_view text) {
        const auto hash = Uint256::from_display_hex(text);
        if (!hash) return std::nullopt;
        return HashId(*hash);
    }
    auto operator<=>(const HashId&) const = default;
};

/// Hash of a transaction without its witness.
using Txid = HashId<struct TxidTag>;
/// Hash of a transaction with its witness (BIP141).
using Wtxid = HashId<struct WtxidTag>;
/// Hash of a block header.
using BlockHash = HashId<struct BlockHashTag>;

/// One output of one transaction.
struct OutPoint {
    static constexpr std::uint32_t kNullIndex = 0xffffffff;

    Txid txid;
    std::uint32_t index = kNullIndex;

    /// What a coinbase input carries.
    bool is_null() const { return index == kNullIndex && txid.is_null(); }
    auto operator<=>(const OutPoint&) const = default;
};

}  // namespace cairn

template <class Tag>
struct std::hash<cairn::HashId<Tag>> {
    std::size_t operator()(const cairn::HashId<Tag>& id) const noexcept { return id.low64(); }
};
