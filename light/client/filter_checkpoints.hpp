#pragma once

#include <filesystem>

#include "light/client/filter_headers.hpp"

namespace cairn::light {

/// The filter headers that this release vouches for, ascending by height. They come from a full node of ours, by
/// contrib/filters/make_filter_checkpoints.py.
std::vector<FilterCheckpoint> filter_checkpoints(Network network);

/// The rows of one network from a file that the same script wrote, ascending: those that somebody's own node vouches for.
/// Errors: a sentence for people.
Result<std::vector<FilterCheckpoint>, std::string> read_filter_checkpoints(const std::filesystem::path& file, Network network);

}  // namespace cairn::light
