#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "net/core/net_port.hpp"
#include "net/io/clock.hpp"
#include "node/chain/chain_port.hpp"

namespace cairn {
struct ChainParams;
}

namespace cairn::http {
class RpcTable;
}

namespace cairn::node {

class FeeEstimator;
class IndexService;
class MempoolPort;
class TemplateBoard;
class TxRelayPort;
class BlockRequestPort;

/// One topic that is published at one address, for getzmqnotifications.
struct ZmqNotification {
    std::string type, address;
    int high_water_mark = 0;
};

/// What RPC methods see of the node. Owned by Node; everything in it outlives the last call.
/// Thread: any; constant once the RPC server runs, except through the ports' own methods.
struct NodeContext {
    const ChainParams* params = nullptr;
    ChainPort* chain = nullptr;
    net::NetPort* net =
        nullptr;  ///< null: no P2P network ("Error: Peer-to-peer functionality missing or disabled", -31)
    MempoolPort* mempool = nullptr;       ///< node/mempool/mempool_port.hpp
    const IndexService* indexes = nullptr;  ///< node/index/index_service.hpp; null: none is kept
    FeeEstimator* fees = nullptr;         ///< node/fees/fee_estimator.hpp; null with -blocksonly
    TxRelayPort* relay = nullptr;         ///< node/relay/tx_relay_port.hpp
    BlockRequestPort* block_requests = nullptr;  ///< node/relay/block_request_port.hpp
    TemplateBoard* templates = nullptr;   ///< node/mining/template_board.hpp
    net::Clock* clock = nullptr;
    http::RpcTable* rpc = nullptr;

    std::filesystem::path data_dir;  ///< of the chain: .../regtest
    std::filesystem::path log_file;  ///< full path of debug.log; empty when there is none
    std::int64_t start_time = 0;     ///< Clock::system_now() at the start: uptime does not follow a mocked time

    /// How the node names itself: getnetworkinfo's version and subversion, and the version message.
    int version = 0;  ///< 310000
    int protocol_version = 70017;
    std::string user_agent;  ///< "/Satoshi:31.0.0/Cairn:0.1.0/"

    // Options that answers mention.
    bool pruning = false;         ///< -prune is not 0
    bool prune_manually = false;  ///< -prune=1
    std::uint64_t prune_target_bytes = 0;
    std::int64_t min_relay_fee_rate = 100;  ///< satoshis per kvB
    std::int64_t incremental_relay_fee_rate = 100;
    bool relay_transactions = true;                ///< not -blocksonly
    bool private_broadcast = false;                ///< -privatebroadcast
    std::int64_t ban_time = 86'400;                ///< -bantime, seconds
    std::uint64_t coins_db_cache_bytes = 8 << 20;  ///< of the database itself
    std::uint64_t coins_cache_bytes = 450 << 20;   ///< -dbcache: coins in memory
    std::vector<std::string> deprecated_rpc;       ///< -deprecatedrpc


    /// Asks the node to stop; returns at once.
    std::function<void()> request_shutdown;
    std::function<bool()> shutdown_requested;
    /// setmocktime: the clock, the log and whoever else must know.
    std::function<void(std::int64_t seconds)> set_mock_time;
    /// mockscheduler: moves timers ahead.
    std::function<void(std::int64_t seconds)> advance_scheduler;
    /// Warnings for getblockchaininfo, getnetworkinfo and getmininginfo.
    std::function<std::vector<std::string>()> warnings;

    /// What is published over ZeroMQ; empty when nothing is.
    std::function<std::vector<ZmqNotification>()> zmq_notifications;

    bool deprecated_enabled(const std::string& method) const {
        for (const std::string& name : deprecated_rpc) {
            if (name == method) return true;
        }
        return false;
    }
};

/// Each file of this room adds its methods; called once before the server starts.
void register_blockchain_methods(http::RpcTable& table, const NodeContext& context);
void register_network_methods(http::RpcTable& table, const NodeContext& context);
void register_mining_methods(http::RpcTable& table, const NodeContext& context);
void register_rawtransaction_methods(http::RpcTable& table, const NodeContext& context);
void register_util_methods(http::RpcTable& table, const NodeContext& context);
void register_control_methods(http::RpcTable& table, const NodeContext& context);

/// All of them.
void register_methods(http::RpcTable& table, const NodeContext& context);

}  // namespace cairn::node
