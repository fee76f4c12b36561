#pragma once

#include <filesystem>
#include <vector>

#include "net/core/net_port.hpp"

namespace cairn::node {

/// The bans in banlist.json (Bitcoin Core's format). Empty when there is no such file or it is broken: the log says so.
std::vector<net::Ban> read_bans(const std::filesystem::path& file, std::int64_t now);
/// Writes them, as a whole or not at all. False: it failed, the log says why.
bool write_bans(const std::filesystem::path& file, const std::vector<net::Ban>& bans);

}  // namespace cairn::node
