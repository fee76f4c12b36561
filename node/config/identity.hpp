#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::node {

/// The name that wrappers of bitcoind and bitcoin-cli look for in a few sentences they match literally.
inline constexpr const char* kCompatibleName = "Bitcoin Core";
inline constexpr const char* kClientName = "Cairn";
inline constexpr const char* kClientVersion = "0.1.0";

/// Where cairn-light keeps its data below the home directory, its configuration file, and how far its RPC port is above that of a full node.
inline constexpr const char* kLightDataDir = ".cairn-light";
inline constexpr const char* kLightConfigFile = "cairn-light.conf";
inline constexpr int kLightPortAbove = 10;

/// Takes host:port, [host]:port or host apart; `port` stays as it is when the text has none.
/// False when the port is no number from 1 to 65535.
bool split_host_port(std::string_view text, std::string& host, std::uint16_t& port);

}  // namespace cairn::node
