#pragma once

#include <functional>

#include "consensus/rules/params.hpp"
#include "light/client/light_role.hpp"
#include "light/script_watch.hpp"
#include "net/core/net_port.hpp"
#include "net/http/rpc_table.hpp"

namespace cairn::light {

/// What the methods of the light chain work on. All pointers outlive the table.
struct ChainMethods {
    const ChainParams* params = nullptr;
    LightRole* role = nullptr;
    ScriptWatch* watch = nullptr;
    net::NetPort* net = nullptr;
    std::int64_t start_time_s = 0;
    std::function<void()> request_stop;
};

/// getblockchaininfo, getblockcount, getbestblockhash, getblockhash, getblockheader, getpeerinfo, getconnectioncount, addnode,
/// addconnection, getlightinfo, watchscript, listpayments, getprivatebroadcastinfo, abortprivatebroadcast, estimatesmartfee, help,
/// stop, uptime.
void add_chain_methods(http::RpcTable& table, const ChainMethods& context);

}  // namespace cairn::light
