#pragma once

#include <optional>
#include <span>
#include <vector>

#include "consensus/primitives/block.hpp"

namespace cairn::light {

/// What a block itself says about filters that contradict each other.
struct FilterJudgement {
    /// This one is the block's filter for certain: it was computed here to the last bit. None: the block alone does not show
    /// which scripts it spends (that of a taproot key spend, for instance, stands nowhere in it).
    std::optional<std::size_t> right;
    /// For each filter: it cannot be the block's. A script that must be in it is not, it holds more elements than the block
    /// has scripts, or it does not decode.
    std::vector<bool> impossible;
    /// For each filter: how many scripts that the block very likely spends are not in it.
    std::vector<std::size_t> implausible;
};

/// Judges filters by the block they claim to be of. `block` belongs to its header: its merkle root was checked.
///
/// Sound: `impossible` and `right` never hit an honest filter, but for one filter in 784,931 by chance that is wrong and
/// passes. Source: BIP158; the spent scripts of an input are derived from its signature script and witness where they show.
FilterJudgement judge_filters(const Block& block, std::span<const Bytes> filters);

}  // namespace cairn::light
