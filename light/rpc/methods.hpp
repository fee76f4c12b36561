#pragma once

#include <functional>
#include <string>

#include "light/rpc/wallet_desk.hpp"
#include "net/http/rpc_table.hpp"

/// The JSON-RPC methods of cairn-light.
namespace cairn::light {

/// What they need. Everything in it outlives the last call.
struct RpcContext {
    const ChainParams* params = nullptr;
    WalletDesk* desk = nullptr;
    std::function<std::int64_t()> now;  ///< seconds since 1970
};

void add_wallet_methods(http::RpcTable& table, const RpcContext& context);
void add_address_methods(http::RpcTable& table, const RpcContext& context);
void add_coin_methods(http::RpcTable& table, const RpcContext& context);
void add_received_methods(http::RpcTable& table, const RpcContext& context);
void add_history_methods(http::RpcTable& table, const RpcContext& context);
void add_spend_methods(http::RpcTable& table, const RpcContext& context);
void add_fund_methods(http::RpcTable& table, const RpcContext& context);
void add_descriptor_methods(http::RpcTable& table, const RpcContext& context);
void add_rescan_methods(http::RpcTable& table, const RpcContext& context);
void add_hd_key_methods(http::RpcTable& table, const RpcContext& context);
void add_pruned_funds_methods(http::RpcTable& table, const RpcContext& context);

/// All of them, once before the server starts.
void register_light_methods(http::RpcTable& table, const RpcContext& context);

}  // namespace cairn::light
