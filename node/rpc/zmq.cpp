#include "net/http/rpc_table.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {

void add_zmq_methods(http::RpcTable& table, const NodeContext& context) {
    using namespace http;
    table.add({"getzmqnotifications", "zmq", "Lists the active ZeroMQ notifications.\n", {},
               {{ResultType::array, "", "", {{ResultType::object, "", "",
                 {{ResultType::string, "type", "What is published"},
                  {ResultType::string, "address", "Where"},
                  {ResultType::number, "hwm", "How many messages may wait"}}}}}},
               example_cli("getzmqnotifications", "") + example_rpc("getzmqnotifications", ""),
               [&context](const RpcRequest&, JsonWriter& out) {
                   out.begin_array();
                   if (context.zmq_notifications) {
                       for (const ZmqNotification& notification : context.zmq_notifications()) {
                           out.begin_object().field("type", notification.type).field("address", notification.address);
                           out.field("hwm", notification.high_water_mark).end_object();
                       }
                   }
                   out.end_array();
               }});
}

}  // namespace cairn::node
