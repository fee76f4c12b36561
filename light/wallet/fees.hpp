#pragma once

#include <compare>
#include <optional>
#include <span>
#include <string>

#include "consensus/chain/coin.hpp"

namespace cairn::light {

/// Satoshis per 1000 virtual bytes, as options and RPC give them.
struct FeeRate {
    Amount per_kvb = 0;

    /// The fee for a size in virtual bytes, rounded up as nodes do.
    Amount fee(std::int64_t vsize) const {
        const __int128 product = static_cast<__int128>(per_kvb) * vsize;
        __int128 quotient = product / 1000;
        if (product % 1000 > 0) ++quotient;
        return static_cast<Amount>(quotient);
    }
    /// The rate that a fee is, rounded down; 0 for no size.
    static FeeRate of(Amount fee, std::int64_t vsize) {
        return vsize <= 0 ? FeeRate{} : FeeRate{static_cast<Amount>(static_cast<__int128>(fee) * 1000 / vsize)};
    }
    auto operator<=>(const FeeRate&) const = default;
};

/// What whoever hosts a wallet knows of fees and of transactions that wait. The defaults are those of a host that has no mempool.
/// Thread: the wallet's owner.
class WalletHost {
public:
    struct Ancestry {
        std::size_t ancestors = 0;  ///< itself included; 0: unknown
        std::size_t cluster = 0;
    };

    virtual ~WalletHost() = default;

    /// Seconds since 1970.
    virtual std::int64_t now() const = 0;

    /// The rate for confirmation within `target` blocks; nullopt: not enough is known.
    virtual std::optional<FeeRate> estimate(int /*target*/, bool /*conservative*/) const { return std::nullopt; }
    /// The furthest target that estimate() answers.
    virtual int highest_target() const { return 1008; }
    /// What the mempool asks for now.
    virtual FeeRate mempool_minimum() const { return relay_minimum(); }
    virtual FeeRate relay_minimum() const { return {100}; }
    virtual FeeRate incremental_relay() const { return {100}; }
    virtual FeeRate dust_relay() const { return {3000}; }
    /// Still catching up with the chain, so that its height says nothing.
    virtual bool is_behind() const { return false; }

    /// nullopt: the host has no mempool, and the wallet counts its own transactions.
    virtual std::optional<Ancestry> ancestry(const Txid& /*txid*/) const { return std::nullopt; }
    /// Has other transactions behind it that wait with it, of the wallet or not.
    virtual bool has_descendants(const Txid& /*txid*/) const { return false; }
    /// What must be paid above `rate` for the unconfirmed ancestors of all these outputs together; nullopt as above.
    virtual std::optional<Amount> bump_fee(std::span<const OutPoint> /*outputs*/, FeeRate /*rate*/) const { return std::nullopt; }
    /// An output that is not the wallet's: unspent in the chain, or of a transaction that waits.
    virtual std::optional<Coin> find_coin(const OutPoint& /*outpoint*/) const { return std::nullopt; }
};

/// Below this value an output costs more to spend than it is worth; 0 when nothing can spend it.
Amount dust_threshold(ByteSpan script, FeeRate dust_relay);
inline bool is_dust(Amount value, ByteSpan script, FeeRate dust_relay) { return value < dust_threshold(script, dust_relay); }

/// "0.00001", at least two decimals, as amounts are written in messages.
std::string money_text(Amount amount);
/// "1.000 sat/vB".
std::string rate_text(FeeRate rate);

}  // namespace cairn::light
