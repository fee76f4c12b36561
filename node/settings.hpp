#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "consensus/rules/params.hpp"
#include "net/http/auth.hpp"
#include "net/http/server.hpp"
#include "net/io/log_control.hpp"
#include "net/io/network.hpp"
#include "node/config/args.hpp"
#include "node/config/identity.hpp"
#include "node/chain/chain_options.hpp"
#include "node/index/index_options.hpp"
#include "node/mempool/options.hpp"
#include "node/mining/options.hpp"
#include "node/zmq/notifier.hpp"

namespace cairn::node {

/// Everything that the options decide, checked and in the form in which the parts of the node want it.
struct NodeSettings {
    ChainParamsPtr params;
    std::filesystem::path data_dir;      ///< of the network
    std::filesystem::path blocks_dir;    ///< .../blocks: locked, and where free space counts
    std::filesystem::path pid_file;      ///< empty: none
    ChainServiceOptions chain;
    IndexOptions indexes;
    bool peer_block_filters = false;     ///< -peerblockfilters
    MempoolOptions mempool;
    MiningOptions mining;
    bool accept_stale_fee_estimates = false;
    std::uint64_t block_cache_bytes = 0;
    net::NetworkOptions net;
    bool peer_bloom_filters = false;
    bool private_broadcast = false;        ///< -privatebroadcast
    std::size_t extra_transactions = 100;  ///< -blockreconstructionextratxn
    unsigned tx_send_rate = 14;  ///< -txsendrate: transactions a second to inbound peers

    bool server = true;
    bool rest = false;
    http::HttpServer::Options http;
    std::filesystem::path cookie_file;   ///< empty: none
    std::optional<std::filesystem::perms> cookie_permissions;
    bool log_ips = false;

    std::string user_agent;
    int version = 310000;
    std::vector<std::string> deprecated_rpc;
    std::int64_t min_relay_fee_rate = 100, incremental_relay_fee_rate = 100;  ///< satoshis per kvB

    std::vector<ZmqNotifier> zmq;

    std::int64_t mock_time = 0;
    bool stop_after_import = false;
    std::string startup_notify, block_notify, alert_notify;
    std::vector<std::string> shutdown_notify;
};

/// Options that follow from others: -bind means -listen, -connect means no -dnsseed, and so on. Logs what it sets.
void apply_interactions(Args& args);

/// -datadir, the configuration files, the network, settings.json and the folders below the data directory.
/// Errors: Bitcoin Core's sentence. Warnings for the log are left in `args`.
Result<void, std::string> load_configuration(Args& args);

/// Checks all options and translates them. `warnings` are for people: they go to stderr and the log.
/// Errors: Bitcoin Core's sentence, for "Error: ...".
Result<NodeSettings, std::string> make_settings(const Args& args, std::vector<std::string>& warnings);

/// -debug, -debugexclude and -loglevel take effect at once.
Result<void, std::string> apply_log_levels(const Args& args);
net::log::Options log_options(const Args& args);

/// Credentials and whitelists; writes the cookie. False when something is wrong: the log says what.
bool set_up_authorization(const Args& args, const NodeSettings& settings, http::Authorizer& authorizer);

}  // namespace cairn::node
