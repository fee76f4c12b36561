#include "net/http/rpc_table.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {

void add_zmq_methods(http::RpcTable& table, const NodeContext&) {
    using namespace http;
    table.add({"getzmqnotifications", "zmq", "Lists the active ZeroMQ notifications.\n", {},
               {{ResultType::array, "", "", {{ResultType::object, "", "",
                 {{ResultType::string, "type", "What is published"},
                  {ResultType::string, "address", "Where"},
                  {ResultType::number, "hwm", "How many messages may wait"}}}}}},
               example_cli("getzmqnotifications", "") + example_rpc("getzmqnotifications", ""),
               // Nothing is published by this version: an empty list is the whole truth, and what clients ask for first.
               [](const RpcRequest&, JsonWriter& out) { out.begin_array().end_array(); }});
}

}  // namespace cairn::node
