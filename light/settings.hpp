#pragma once

#include <filesystem>
#include <span>

#include "consensus/rules/params.hpp"
#include "light/client/light_role.hpp"
#include "net/http/server.hpp"
#include "net/io/log_control.hpp"
#include "net/io/network.hpp"
#include "node/config/args.hpp"

namespace cairn::light {

/// A script to watch and the first block that can concern it.
struct WatchedScript {
    Bytes script;
    Height since = 1;
};

/// What the options decide, checked.
struct LightSettings {
    ChainParamsPtr params;
    std::filesystem::path data_dir;  ///< of the network
    net::NetworkOptions net;
    http::HttpServer::Options http;
    std::filesystem::path cookie_file;
    net::log::Options log;
    std::size_t voters = 3;          ///< -filterpeers
    std::optional<Height> keep_filters;         ///< -keepfilters
    std::vector<FilterCheckpoint> checkpoints;  ///< built in, and -filtercheckpoints
    bool hear_transactions = true;   ///< -mempoolwatch
    bool broadcast_privately = true; ///< -privatebroadcast
    unsigned fee_blocks_per_hour = 1;  ///< -feeblocks
    bool bloom_filters = false;      ///< -bip37
    unsigned workers = 0;            ///< -par
    std::vector<WatchedScript> watched;  ///< -watch
    Amount fallback_fee = 0;  ///< -fallbackfee, satoshis per 1000 virtual bytes
    std::optional<std::uint16_t> web_port;  ///< -web; 0: any
};

/// Every option of cairn-light.
std::span<const node::Option> light_options();

/// The script that an address of this network, or hexadecimal digits, stand for. Errors: a sentence for people.
Result<Bytes, std::string> parse_script(const std::string& text, const ChainParams& params);

/// Reads the configuration file and makes settings of it all; makes the data directory. Errors: a sentence for people.
Result<LightSettings, std::string> make_settings(node::Args& args);

}  // namespace cairn::light
