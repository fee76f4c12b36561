// The map of autonomous systems that was built in.
#include <fstream>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "net/http/rpc_table.hpp"
#include "net/swarm/embedded_asmap.hpp"
#include "net/swarm/net_groups.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using namespace doc;
using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;

void run_exportasmap(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const std::string& wanted = http::as_string(request.arg("path"));
    const ByteSpan map = net::embedded_asmap();
    if (map.empty()) throw RpcError{http::rpc_code::kMisc, "No embedded ASMap data available"};
    if (!net::NetGroups::from_asmap(Bytes(map.begin(), map.end())))
        throw RpcError{http::rpc_code::kMisc, "Embedded ASMap data appears to be corrupted"};
    const std::filesystem::path path = context.data_dir / wanted;
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    if (!file) throw RpcError{http::rpc_code::kMisc, "Failed to open asmap file: " + path.string()};
    file.write(reinterpret_cast<const char*>(map.data()), static_cast<std::streamsize>(map.size()));
    file.close();
    if (!file) throw RpcError{http::rpc_code::kMisc, "Failed to close asmap file: " + path.string()};
    out.begin_object().field("path", path.string()).field("bytes_written", map.size());
    out.field("file_hash", to_hex(sha256(map).span())).end_object();
}

RpcMethod exportasmap(const NodeContext& context) {
    return {"exportasmap",
            "network",
            "Writes the map of autonomous systems that is built in to a file. A file of that name is replaced.",
            {arg_str("path", http::required(), "The file; a relative path begins at the data directory.")},
            {obj("", "",
                 {str("path", "The file's full path"), num("bytes_written", "Its size in bytes"), hex("file_hash", "Its SHA-256")})},
            examples("exportasmap", "\"asmap.dat\""),
            [&context](const RpcRequest& request, JsonWriter& out) { run_exportasmap(context, request, out); }};
}

}  // namespace

void add_asmap_methods(http::RpcTable& table, const NodeContext& context) { table.add(exportasmap(context)); }

}  // namespace cairn::node
