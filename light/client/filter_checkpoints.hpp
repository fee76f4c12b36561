#pragma once

#include "light/client/filter_headers.hpp"

namespace cairn::light {

/// The filter headers that this release vouches for, ascending by height. They come from a full node of ours, by
/// contrib/filters/make_filter_checkpoints.py.
std::vector<FilterCheckpoint> filter_checkpoints(Network network);

}  // namespace cairn::light
