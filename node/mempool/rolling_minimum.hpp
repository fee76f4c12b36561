#pragma once

#include <cstdint>

#include "node/mempool/fee_size.hpp"

namespace cairn::node {

/// The lowest fee rate that a full mempool takes: raised by evictions, falling after blocks.
///
/// Nothing that pays less than what was evicted may come in, or the network would pass it on for nothing. It falls only
/// once a block has come since, for then there may be room: by half every 12 hours, faster while the mempool is emptier.
/// Source: Bitcoin Core, CTxMemPool::GetMinFee.
class RollingMinimum {
public:
    static constexpr double kHalfLifeSeconds = 12 * 3600;

    /// How full the mempool is and the least step.
    struct Setting {
        std::size_t usage_bytes = 0;
        std::size_t limit_bytes = 0;
        FeeRate incremental;
    };

    /// Rounded to whole satoshis; never between 0 and the incremental fee once it falls.
    FeeRate at(std::int64_t now, const Setting& setting) const;
    /// Something of this rate was evicted.
    void raise(FeeRate rate);
    /// A block came.
    void note_block(std::int64_t now, const Setting& setting);
    /// Lets it fall up to now; call it while the setting holds.
    void advance(std::int64_t now, const Setting& setting);

private:
    bool falls(std::int64_t now) const;
    double fallen(std::int64_t now, const Setting& setting) const;

    double rate_ = 0;  ///< satoshis per 1000 virtual bytes
    std::int64_t updated_ = 0;
    bool block_since_raise_ = false;
};

}  // namespace cairn::node
