#pragma once

#include <algorithm>

#include "consensus/chain/coin.hpp"
#include "consensus/primitives/transaction.hpp"

namespace cairn::rules {

inline constexpr std::uint32_t kSequenceDisableFlag = 1u << 31;  ///< BIP68: not a relative lock time
inline constexpr std::uint32_t kSequenceTypeFlag = 1u << 22;     ///< BIP68: units of 512 seconds, not blocks
inline constexpr std::uint32_t kSequenceMask = 0x0000ffff;
inline constexpr int kSequenceGranularity = 9;                   ///< BIP68: 2^9 = 512 seconds

/// May the transaction be in the block at `height`, where lock times are compared with `cutoff_time` (BIP113: the
/// median time past of its parent)?
bool is_final(const Transaction& tx, Height height, std::int64_t cutoff_time);

/// The last height and the last median time past at which a transaction is still locked; -1: never locked.
struct SequenceLock {
    Height height = -1;
    std::int64_t time = -1;

    /// Open for the block at `block_height` whose parent has this median time past?
    bool open_at(Height block_height, std::int64_t parent_median_time) const {
        return height < block_height && time < parent_median_time;
    }
};

/// The relative lock of BIP68; `mtp_at(height)` is the median time past of the block at that height of the same chain.
template <class MtpAt>
SequenceLock sequence_lock(const Transaction& tx, std::span<const CoinOrigin> origins, MtpAt&& mtp_at) {
    SequenceLock lock;
    if (tx.version < 2) return lock;
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        const std::uint32_t sequence = tx.inputs[i].sequence;
        if ((sequence & kSequenceDisableFlag) != 0) continue;
        const std::uint32_t value = sequence & kSequenceMask;
        const Height coin_height = origins[i].height;
        if ((sequence & kSequenceTypeFlag) != 0) {
            // A coin's age in time counts from the median time past of the block before the one that made it.
            const std::int64_t since = mtp_at(std::max(coin_height - 1, 0));
            lock.time = std::max(lock.time, since + (static_cast<std::int64_t>(value) << kSequenceGranularity) - 1);
        } else {
            lock.height = std::max(lock.height, coin_height + static_cast<Height>(value) - 1);
        }
    }
    return lock;
}

}  // namespace cairn::rules
