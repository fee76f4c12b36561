#pragma once

#include <univalue.h>

#include <atomic>
#include <map>
#include <string>

#include "consensus/base/bytes.hpp"
#include "light/descriptors/descriptor.hpp"
#include "net/http/rpc_method.hpp"
#include "node/rpc/context.hpp"
#include "node/rpc/descriptor_range.hpp"

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

/// A descriptor as text, or an object of a descriptor and its range.
struct ScanObject {
    std::vector<light::Descriptor> descriptors;  ///< several, when there are several paths
    DescriptorRange range;                       ///< 0 to 1000 where nothing is said
    std::string text;

    /// Throws http::RpcError.
    static ScanObject read(const NodeContext& context, const UniValue& wanted);
    /// Its scripts at an index; what is known of them goes to `known`. Throws http::RpcError when a private key is needed.
    std::vector<Bytes> scripts(const light::Descriptor& descriptor, std::int64_t index, light::ScriptKeys& known) const;
};

/// All that scan objects tell of keys and scripts. Throws http::RpcError.
light::ScriptKeys find_script_keys(const NodeContext& context, const UniValue& scan_objects);

/// Output scripts that are looked for, with the descriptor that an answer shows for each.
using Needles = std::map<Bytes, std::string>;
/// The scripts of scan objects: descriptors as text, or objects of a descriptor and its range. Throws http::RpcError.
Needles find_needles(const NodeContext& context, const UniValue& scan_objects);

/// The argument that find_needles and find_script_keys read; the second as scans call it.
http::RpcArg scan_object_array(std::string name, http::Presence presence, std::string words);
http::RpcArg scan_objects_arg(http::Presence presence, std::string words);

}  // namespace cairn::node
