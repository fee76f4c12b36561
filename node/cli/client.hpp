#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <univalue.h>

#include "node/config/args.hpp"

namespace cairn::node {

/// The server could not be reached or is not ready: with -rpcwait that is a reason to try again.
struct ConnectionFailed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// One call to the node by way of HTTP, as the options of cairn-cli say: where, as whom, how long, waiting or not.
/// Owner: main thread.
class RpcClient {
public:
    /// `args` outlives the client.
    explicit RpcClient(const Args& args) : args_(args) {}

    /// Sends the request (an object or a batch) and gives the reply. `wallet`: for /wallet/<name>.
    /// Throws std::runtime_error with the sentence for people; ConnectionFailed among them.
    UniValue call(const UniValue& request, const std::optional<std::string>& wallet = {}) const;

private:
    UniValue call_once(const UniValue& request, const std::string& target) const;

    const Args& args_;
};

/// {"method", "params", "id", "jsonrpc": "2.0"}
UniValue make_request(const std::string& method, const UniValue& params, const UniValue& id);

/// A report made from several calls.
UniValue getinfo_request(const std::vector<std::string>& words);
/// The text of -getinfo; or the reply with the error. `extra_balances`: by wallet name, when several are loaded.
std::string getinfo_text(const UniValue& networkinfo, const UniValue& blockchaininfo, const UniValue& walletinfo, const UniValue& balances,
                         const UniValue& extra_balances, bool colour);

/// The text of -netinfo help.
std::string netinfo_help();
/// What -netinfo was asked for.
struct NetinfoOptions {
    int level = 0;          ///< 0–4
    bool outbound_only = false;
};
/// Throws std::runtime_error.
NetinfoOptions parse_netinfo(const std::vector<std::string>& words);
std::string netinfo_text(const UniValue& peers, const UniValue& networkinfo, const NetinfoOptions& options, const std::string& chain,
                         std::int64_t now);

/// Members of a batch reply in the order of their ids. Throws std::runtime_error.
std::vector<UniValue> sort_batch(const UniValue& reply);

}  // namespace cairn::node
