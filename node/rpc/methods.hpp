#pragma once

#include "node/rpc/context.hpp"

/// One function a file: each adds the methods that the file describes.
namespace cairn::node {

void add_address_methods(http::RpcTable& table, const NodeContext& context);
void add_asmap_methods(http::RpcTable& table, const NodeContext& context);
void add_chain_methods(http::RpcTable& table, const NodeContext& context);
void add_chain_statistics_methods(http::RpcTable& table, const NodeContext& context);
void add_chain_control_methods(http::RpcTable& table, const NodeContext& context);
void add_discovery_methods(http::RpcTable& table, const NodeContext& context);
void add_deployment_methods(http::RpcTable& table, const NodeContext& context);
void add_index_methods(http::RpcTable& table, const NodeContext& context);
void add_mempool_methods(http::RpcTable& table, const NodeContext& context);
void add_mempool_entry_methods(http::RpcTable& table, const NodeContext& context);
void add_priority_methods(http::RpcTable& table, const NodeContext& context);
void add_mempool_storage_methods(http::RpcTable& table, const NodeContext& context);
void add_send_transaction_methods(http::RpcTable& table, const NodeContext& context);
void add_raw_signing_methods(http::RpcTable& table, const NodeContext& context);
void add_decode_psbt_methods(http::RpcTable& table, const NodeContext& context);
void add_psbt_methods(http::RpcTable& table, const NodeContext& context);
void add_update_psbt_methods(http::RpcTable& table, const NodeContext& context);
void add_multisig_methods(http::RpcTable& table, const NodeContext& context);
void add_proof_methods(http::RpcTable& table, const NodeContext& context);
void add_signed_message_methods(http::RpcTable& table, const NodeContext& context);
void add_scan_methods(http::RpcTable& table, const NodeContext& context);
void add_block_scan_methods(http::RpcTable& table, const NodeContext& context);
void add_fee_methods(http::RpcTable& table, const NodeContext& context);
void add_block_request_methods(http::RpcTable& table, const NodeContext& context);
void add_private_broadcast_methods(http::RpcTable& table, const NodeContext& context);
void add_orphan_methods(http::RpcTable& table, const NodeContext& context);
void add_zmq_methods(http::RpcTable& table, const NodeContext& context);

}  // namespace cairn::node
