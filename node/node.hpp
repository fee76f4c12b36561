#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "consensus/base/result.hpp"
#include "node/settings.hpp"
#include "node/shutdown.hpp"
#include "storage/datadir.hpp"

namespace cairn::node {

/// What a person wants to see of a running node.
struct NodeStatus {
    int height = 0;
    int headers = 0;
    std::int64_t tip_time = 0;
    double progress = 0;          ///< 0 to 1
    std::size_t peers = 0;
    std::uint64_t bytes = 0;      ///< taken in so far, from the network or from disk
    bool importing = false;
    bool initial_block_download = true;
    bool ready = false;           ///< the chain is open
    std::string phase;            ///< "Loading block index…" and the like until it is ready
};

/// Why the node did not start.
struct NodeStartError {
    std::string message;          ///< the sentence for people; empty when a stop was asked for meanwhile
    bool offers_remedy = false;   ///< it ends with what to do, and is shown as it is
};

using DirectoryLocks = std::vector<storage::DirectoryLock>;
/// Takes the data directory and the blocks directory for this process. Errors: the sentence for people.
Result<DirectoryLocks, std::string> lock_directories(const NodeSettings& settings);

/// The whole node: owns every part and starts and stops them in order.
///
/// Start: process id file → RPC in warm-up → ledger → network → RPC ready. Stop: the same way back; the ledger is written
/// last. A failed start leaves what was started to stop().
/// Owner: main thread.
class Node {
public:
    /// Both outlive the node.
    Node(const Args& args, NodeSettings settings, DirectoryLocks locks, ShutdownSignal& shutdown);
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// Errors: see NodeStartError.
    Result<void, NodeStartError> start();
    /// Called about once a second while the node runs.
    void tick();
    void stop();

    NodeStatus status() const;
    /// Something went wrong that must show in the exit code.
    bool failed() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::node
