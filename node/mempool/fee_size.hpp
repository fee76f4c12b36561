#pragma once

#include <compare>
#include <cstdint>

#include "consensus/primitives/amount.hpp"

namespace cairn::node {

/// A fee and a size: together a fee rate that loses nothing. What the size counts (weight or virtual bytes) its user says.
struct FeeSize {
    Amount fee = 0;
    std::int64_t size = 0;

    bool empty() const { return size == 0; }
    FeeSize& operator+=(const FeeSize& other) {
        fee += other.fee;
        size += other.size;
        return *this;
    }
    FeeSize& operator-=(const FeeSize& other) {
        fee -= other.fee;
        size -= other.size;
        return *this;
    }
    friend FeeSize operator+(FeeSize a, const FeeSize& b) { return a += b; }
    friend FeeSize operator-(FeeSize a, const FeeSize& b) { return a -= b; }
    bool operator==(const FeeSize&) const = default;

    /// fee × factor / size, rounded down (towards minus infinity); 0 for an empty one.
    Amount rate(std::int64_t factor) const {
        if (size == 0) return 0;
        const __int128 product = static_cast<__int128>(fee) * factor;
        __int128 quotient = product / size;
        if (product % size < 0) --quotient;
        return static_cast<Amount>(quotient);
    }
};

/// Compares fee rates: a's against b's. Both sizes are positive.
inline std::strong_ordering compare_rate(const FeeSize& a, const FeeSize& b) {
    return static_cast<__int128>(a.fee) * b.size <=> static_cast<__int128>(b.fee) * a.size;
}
inline bool higher_rate(const FeeSize& a, const FeeSize& b) { return compare_rate(a, b) > 0; }

/// A fee rate in satoshis per 1000 virtual bytes, as options and RPC give it.
struct FeeRate {
    Amount per_kvb = 0;

    /// The fee for a size, rounded up as Bitcoin Core's CFeeRate::GetFee does.
    Amount fee(std::int64_t vsize) const {
        const __int128 product = static_cast<__int128>(per_kvb) * vsize;
        __int128 quotient = product / 1000;
        if (product % 1000 > 0) ++quotient;
        return static_cast<Amount>(quotient);
    }
    static FeeRate of(Amount fee, std::int64_t vsize) { return {FeeSize{fee, vsize}.rate(1000)}; }
    auto operator<=>(const FeeRate&) const = default;
};

}  // namespace cairn::node
