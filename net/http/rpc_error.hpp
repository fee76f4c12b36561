#pragma once

#include <string>

namespace cairn::http {

/// The error codes of Bitcoin Core's JSON-RPC interface.
namespace rpc_code {
inline constexpr int kInvalidRequest = -32600, kMethodNotFound = -32601, kInvalidParams = -32602, kInternalError = -32603,
                     kParseError = -32700;
inline constexpr int kMisc = -1, kForbiddenBySafeMode = -2, kType = -3, kWallet = -4, kInvalidAddressOrKey = -5, kOutOfMemory = -7,
                     kInvalidParameter = -8, kClientNotConnected = -9, kClientInInitialDownload = -10, kDatabase = -20,
                     kDeserialization = -22, kClientNodeAlreadyAdded = -23, kClientNodeNotAdded = -24, kVerify = -25,
                     kVerifyRejected = -26, kVerifyAlreadyInUtxoSet = -27, kInWarmup = -28, kClientNodeNotConnected = -29,
                     kClientInvalidIpOrSubnet = -30, kClientP2pDisabled = -31, kMethodDeprecated = -32,
                     kClientMempoolDisabled = -33, kClientNodeCapacityReached = -34, kLimitExceeded = -37;
}  // namespace rpc_code

/// Thrown by an RPC method and caught by the dispatcher: it becomes the reply's "error". Never leaves this room otherwise.
struct RpcError {
    int code;
    std::string message;
};

}  // namespace cairn::http
