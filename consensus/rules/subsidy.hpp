#pragma once

#include "consensus/primitives/amount.hpp"
#include "consensus/rules/params.hpp"

namespace cairn::rules {

/// New coins that the block at `height` may make.
Amount block_subsidy(Height height, const ChainParams& params);

}  // namespace cairn::rules
