#pragma once

#include <filesystem>
#include <vector>

#include "net/core/net_port.hpp"

namespace cairn::node {

/// The bans in banlist.json (Bitcoin Core's format) that are not over at `now`. When there is no such file or it is broken
/// the log says so, and an empty one takes its place.
std::vector<net::Ban> load_bans(const std::filesystem::path& file, std::int64_t now);
/// Writes them, as a whole or not at all. False: it failed, the log says why.
bool write_bans(const std::filesystem::path& file, const std::vector<net::Ban>& bans);

}  // namespace cairn::node
