#pragma once

#include <string>
#include <vector>

#include "net/http/rpc_method.hpp"

/// Shorthand for describing methods: each function names one kind of value of a reply.
namespace cairn::node::doc {

using http::RpcArg;
using http::RpcResult;
using Results = std::vector<RpcResult>;

inline RpcResult str(std::string key, std::string words) {
    return {http::ResultType::string, std::move(key), std::move(words)};
}
inline RpcResult hex(std::string key, std::string words) {
    return {http::ResultType::hex, std::move(key), std::move(words)};
}
inline RpcResult num(std::string key, std::string words) {
    return {http::ResultType::number, std::move(key), std::move(words)};
}
inline RpcResult time(std::string key, std::string words) {
    return {http::ResultType::time, std::move(key), std::move(words)};
}
inline RpcResult amount(std::string key, std::string words) {
    return {http::ResultType::amount, std::move(key), std::move(words)};
}
inline RpcResult flag(std::string key, std::string words) {
    return {http::ResultType::boolean, std::move(key), std::move(words)};
}
inline RpcResult any(std::string key, std::string words) {
    return {http::ResultType::any, std::move(key), std::move(words)};
}
inline RpcResult none() {
    return {http::ResultType::none, "", ""};
}
inline RpcResult obj(std::string key, std::string words, Results inner) {
    return {http::ResultType::object, std::move(key), std::move(words), std::move(inner)};
}
inline RpcResult arr(std::string key, std::string words, Results inner) {
    return {http::ResultType::array, std::move(key), std::move(words), std::move(inner)};
}
inline RpcResult map(std::string key, std::string words, Results inner) {
    return {http::ResultType::dynamic_object, std::move(key), std::move(words), std::move(inner)};
}

inline RpcArg arg_hex(std::string name, http::Presence presence, std::string words) {
    return {std::move(name), http::ArgType::hex, std::move(presence), std::move(words)};
}
inline RpcArg arg_str(std::string name, http::Presence presence, std::string words) {
    return {std::move(name), http::ArgType::string, std::move(presence), std::move(words)};
}
inline RpcArg arg_num(std::string name, http::Presence presence, std::string words) {
    return {std::move(name), http::ArgType::number, std::move(presence), std::move(words)};
}
inline RpcArg arg_bool(std::string name, http::Presence presence, std::string words) {
    return {std::move(name), http::ArgType::boolean, std::move(presence), std::move(words)};
}
inline RpcArg arg_arr(std::string name, http::Presence presence, std::string words, std::vector<RpcArg> inner) {
    return {std::move(name), http::ArgType::array, std::move(presence), std::move(words), std::move(inner)};
}
/// A block's hash or its height.
RpcArg arg_hash_or_height(http::Presence presence, std::string words);

/// Command line and JSON-RPC example with the same JSON arguments; `rpc_arguments` where they are written differently.
std::string examples(std::string_view method, std::string_view arguments = "");
std::string examples(std::string_view method, std::string_view cli_arguments, std::string_view rpc_arguments);

/// Members of a scriptPubKey object.
Results script_pubkey();
/// Members of a header object, with what `with_transactions` puts between.
Results header_fields();
/// The `warnings` member: an array, or one string with -deprecatedrpc=warnings.
RpcResult warnings(bool deprecated);

/// What a transaction object shows beside the plain decoding.
struct TxDoc {
    bool fee = false;
    bool prevout = false;
    bool hex = false;
    std::string txid_words = "The transaction id";
};
Results transaction(const TxDoc& options = {});

}  // namespace cairn::node::doc
