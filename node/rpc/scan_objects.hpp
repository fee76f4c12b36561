#pragma once

#include <univalue.h>

#include <atomic>
#include <map>
#include <string>

#include "consensus/base/bytes.hpp"
#include "net/http/rpc_method.hpp"
#include "node/rpc/context.hpp"

/// What scantxoutset, scanblocks and getdescriptoractivity have in common: descriptors name what is looked for, and a scan takes
/// so long that others may watch and end it.
namespace cairn::node {

/// One scan at a time.
/// Thread: any.
struct ScanState {
    std::atomic<bool> running{false};
    std::atomic<bool> abort{false};
    std::atomic<int> percent{0};
    std::atomic<Height> height{0};  ///< of the block that is looked at
};

/// Holds the state while it scans. Throws http::RpcError when another scan holds it.
class ScanTurn {
public:
    explicit ScanTurn(ScanState& state);
    ~ScanTurn();
    ScanTurn(const ScanTurn&) = delete;
    ScanTurn& operator=(const ScanTurn&) = delete;

private:
    ScanState& state_;
};

/// What the actions "status" and "abort" of a scan answer; false for another action. `with_height`: the status tells the height, too.
bool answer_about_scan(ScanState& state, const std::string& action, bool with_height, http::JsonWriter& out);

/// Output scripts that are looked for, with the descriptor that an answer shows for each.
using Needles = std::map<Bytes, std::string>;
/// The scripts of scan objects: descriptors as text, or objects of a descriptor and its range. Throws http::RpcError.
Needles find_needles(const NodeContext& context, const UniValue& scan_objects);

/// The argument that find_needles reads.
http::RpcArg scan_objects_arg(http::Presence presence, std::string words);

}  // namespace cairn::node
