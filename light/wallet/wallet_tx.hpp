#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consensus/chain/header_tree.hpp"
#include "consensus/primitives/transaction.hpp"

namespace cairn::light {

/// A block as the ledger knows it.
struct BlockPlace {
    Height height = -1;  ///< -1: none
    BlockHash hash;
    std::int64_t time = 0;  ///< of its header, seconds since 1970

    bool operator==(const BlockPlace&) const = default;
};

/// Where a transaction stands.
enum class TxState : std::uint8_t {
    inactive,    ///< neither in a block nor waiting where others see it
    waiting,     ///< in the host's mempool, or seen among peers
    confirmed,   ///< in `block`
    conflicted,  ///< it or what it spends from spends the same output as a transaction in `block`
    abandoned,   ///< given up: what it spends may be spent again
};

/// One transaction of the wallet with all that is known of it.
/// Thread: any (immutable; the ledger replaces it as a whole).
struct WalletTx {
    TransactionPtr tx;
    TxState state = TxState::inactive;
    BlockPlace block;   ///< of confirmed and conflicted ones
    int position = -1;  ///< in its block
    std::uint64_t order = 0;         ///< counts up as transactions become known
    std::int64_t time_received = 0;  ///< when it became known
    std::int64_t time = 0;           ///< for people: not later than its block
    std::optional<Txid> replaces, replaced_by;
    std::map<std::string, std::string> notes;  ///< "comment", "to"
    std::vector<BlockPlace> left;              ///< blocks that it was in and that are not of the chain any more, the last few

    static constexpr std::size_t kMaxLeft = 16;

    const Txid& txid() const { return tx->tx().txid; }
    bool is_confirmed() const { return state == TxState::confirmed; }
    /// May still come into a block as far as the wallet knows.
    bool is_pending() const { return state == TxState::waiting || state == TxState::inactive; }

    Bytes serialize() const;
    /// nullopt: not what serialize() makes.
    static std::optional<WalletTx> parse(ByteSpan raw);
};

using WalletTxPtr = std::shared_ptr<const WalletTx>;

}  // namespace cairn::light
