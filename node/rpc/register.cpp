#include "node/rpc/methods.hpp"

namespace cairn::node {

void register_blockchain_methods(http::RpcTable& table, const NodeContext& context) {
    add_chain_methods(table, context);
    add_chain_statistics_methods(table, context);
    add_chain_control_methods(table, context);
    add_deployment_methods(table, context);
    add_mempool_methods(table, context);
    add_send_transaction_methods(table, context);
    add_mempool_storage_methods(table, context);
}

void register_methods(http::RpcTable& table, const NodeContext& context) {
    register_blockchain_methods(table, context);
    register_network_methods(table, context);
    add_address_methods(table, context);
    add_asmap_methods(table, context);
    register_mining_methods(table, context);
    register_rawtransaction_methods(table, context);
    add_raw_signing_methods(table, context);
    add_decode_psbt_methods(table, context);
    add_psbt_methods(table, context);
    add_update_psbt_methods(table, context);
    add_multisig_methods(table, context);
    register_util_methods(table, context);
    register_control_methods(table, context);
    add_proof_methods(table, context);
    add_index_methods(table, context);
    add_scan_methods(table, context);
    add_block_scan_methods(table, context);
    add_signed_message_methods(table, context);
    add_fee_methods(table, context);
    add_orphan_methods(table, context);
    add_discovery_methods(table, context);
    add_private_broadcast_methods(table, context);
    add_block_request_methods(table, context);
    add_zmq_methods(table, context);
}

}  // namespace cairn::node
