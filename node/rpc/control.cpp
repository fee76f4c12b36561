#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <thread>

#include <fmt/format.h>

#include "consensus/crypto/locked_memory.hpp"
#include "consensus/rules/params.hpp"
#include "net/http/rpc_table.hpp"
#include "net/io/log_control.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

constexpr const char* kStopAnswer = "Cairn stopping";
constexpr int kMaxStopWaitMs = 60'000;

RpcMethod help(const NodeContext& context) {
    return {"help",
            "control",
            "Lists all methods, or tells about one.",
            {arg_str("command", http::default_hint("all commands"), "The method")},
            {str("", "The text")},
            "",
            [&context](const RpcRequest& request, JsonWriter& out) {
                const std::string command = request.string_or("command", "");
                if (command == "dump_all_command_conversions") {
                    context.rpc->write_argument_map(out);
                } else {
                    out.string(context.rpc->help(command));
                }
            }};
}

RpcMethod stop(const NodeContext& context) {
    return {"stop",
            "control",
            "Ends the node in order.",
            {http::hidden(arg_num("wait", http::optional(), "Milliseconds before the answer is given"))},
            {str("", std::string("The words '") + kStopAnswer + "'")},
            "",
            [&context](const RpcRequest& request, JsonWriter& out) {
                const int wait_ms = request.param(0).isNum() ? http::as_int<int>(request.param(0)) : 0;
                if (context.request_shutdown) context.request_shutdown();
                if (wait_ms > 0)
                    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(wait_ms, kMaxStopWaitMs)));
                out.string(kStopAnswer);
            }};
}

RpcMethod uptime(const NodeContext& context) {
    return {
        "uptime",
        "control",
        "Tells how long the node has been running.",
        {},
        {num("", "Seconds since the start")},
        examples("uptime"),
        [&context](const RpcRequest&, JsonWriter& out) { out.number(net::Clock::system_now() - context.start_time); }};
}

RpcMethod getrpcinfo(const NodeContext& context) {
    return {
        "getrpcinfo",
        "control",
        "Tells about the RPC server.",
        {},
        {obj("", "",
             {arr("active_commands", "Calls that are running",
                  {obj("", "A call", {str("method", "The method"), num("duration", "Microseconds since it began")})}),
              str("logpath", "Where debug.log lies")})},
        examples("getrpcinfo"),
        [&context](const RpcRequest&, JsonWriter& out) {
            const auto now = std::chrono::steady_clock::now();
            out.begin_object().key("active_commands").begin_array();
            for (const http::ActiveCall& call : context.rpc->active_calls()) {
                const auto duration = std::chrono::duration_cast<std::chrono::microseconds>(now - call.since).count();
                out.begin_object().field("method", call.method).field("duration", duration).end_object();
            }
            out.end_array().field("logpath", context.log_file.string()).end_object();
        }};
}

void set_categories(const UniValue& names, bool enable) {
    for (const UniValue& name : http::as_array(names).getValues()) {
        const std::string& category = http::as_string(name);
        const bool known = enable ? net::log::enable_category(category) : net::log::disable_category(category);
        if (!known) throw RpcError{code::kInvalidParameter, "unknown logging category " + category};
    }
}

RpcMethod logging() {
    std::string names;
    for (const std::string& name : net::log::category_names()) names += (names.empty() ? "" : ", ") + name;
    return {"logging",
            "control",
            "Shows and sets which categories of debug lines are logged.\n"
            "Without arguments it only shows them. \"include\" is done first, then \"exclude\"; the answer shows the "
            "result.\n"
            "The valid logging categories are: " +
                names + "\nand \"all\" or \"1\" for all of them.",
            {arg_arr("include", http::optional(), "Categories to switch on",
                     {arg_str("include_category", http::optional(), "a category")}),
             arg_arr("exclude", http::optional(), "Categories to switch off",
                     {arg_str("exclude_category", http::optional(), "a category")})},
            {map("", "each category and its state", {flag("category", "Is it logged?")})},
            examples("logging", "\"[\\\"all\\\"]\" \"[\\\"http\\\"]\"", "[\"all\"], [\"leveldb\"]"),
            [](const RpcRequest& request, JsonWriter& out) {
                if (request.param(0).isArray()) set_categories(request.param(0), true);
                if (request.param(1).isArray()) set_categories(request.param(1), false);
                out.begin_object();
                for (const auto& [name, on] : net::log::category_states()) out.field(name, on);
                out.end_object();
            }};
}

std::string heap_description() {
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* file = open_memstream(&text, &size);
    if (!file) return {};
    malloc_info(0, file);
    std::fclose(file);
    std::string result(text ? text : "", size);
    std::free(text);
    return result;
}

RpcMethod getmemoryinfo() {
    return {"getmemoryinfo",
            "control",
            "Tells how memory is used.",
            {arg_str("mode", http::default_value("\"stats\""),
                     "What to tell.\n  - \"stats\": figures about memory that is kept from being swapped out.\n"
                     "  - \"mallocinfo\": the state of the heap, as XML.")},
            {http::when("mode \"stats\"",
                        obj("", "",
                            {obj("locked", "Memory that is kept from being swapped out",
                                 {num("used", "Bytes used"), num("free", "Bytes free"), num("total", "Bytes managed"),
                                  num("locked", "Bytes that could be locked"), num("chunks_used", "Pieces used"),
                                  num("chunks_free", "Pieces free")})})),
             http::when("mode \"mallocinfo\"", str("", "\"<malloc version=\"1\">...\""))},
            examples("getmemoryinfo"),
            [](const RpcRequest& request, JsonWriter& out) {
                const std::string mode = request.string_or("mode", "stats");
                if (mode == "mallocinfo") {
                    out.string(heap_description());
                    return;
                }
                if (mode != "stats") throw RpcError{code::kInvalidParameter, "unknown mode " + mode};
                const LockedMemory::Stats stats = LockedMemory::shared().stats();
                out.begin_object().key("locked").begin_object();
                out.field("used", stats.used).field("free", stats.free).field("total", stats.total).field("locked", stats.locked);
                out.field("chunks_used", stats.chunks_used).field("chunks_free", stats.chunks_free).end_object().end_object();
            }};
}

RpcMethod echo(std::string name) {
    std::vector<RpcArg> args;
    for (char digit = '0'; digit <= '9'; ++digit)
        args.push_back(http::no_type_check(arg_str(std::string("arg") + digit, http::optional(), "")));
    return {std::move(name),
            "hidden",
            "Gives its arguments back. For tests.\n\n"
            "With arg9='trigger_internal_bug' it reports an internal bug.\n\n"
            "echo and echojson differ only in that bitcoin-cli converts the arguments of echojson from JSON.",
            std::move(args),
            {any("", "What was passed in")},
            "",
            [](const RpcRequest& request, JsonWriter& out) {
                if (request.params.size() > 9 && request.param(9).isStr() &&
                    request.param(9).get_str() == "trigger_internal_bug") {
                    throw RpcError{code::kMisc,
                                   "Internal bug detected: request.params[9].get_str() != \"trigger_internal_bug\""};
                }
                out.raw(request.params.write());
            }};
}

RpcMethod echoipc() {
    return {"echoipc",
            "hidden",
            "Gives its argument back. For tests; this node has no other processes to ask.",
            {arg_str("arg", http::required(), "The text")},
            {str("echo", "The text")},
            http::example_cli("echo", "\"Hello world\""),
            [](const RpcRequest& request, JsonWriter& out) { out.string(http::as_string(request.param(0))); }};
}

RpcMethod getzmqnotifications() {
    return {"getzmqnotifications",
            "zmq",
            "Lists the ZeroMQ notifications that are sent. This node sends none.",
            {},
            {arr("", "",
                 {obj("", "",
                      {str("type", "Kind of notification"), str("address", "Where it is sent"),
                       num("hwm", "How many may wait")})})},
            examples("getzmqnotifications"),
            [](const RpcRequest&, JsonWriter& out) { out.begin_array().end_array(); }};
}

RpcMethod setmocktime(const NodeContext& context) {
    return {"setmocktime",
            "hidden",
            "Sets the node's clock (-regtest only).",
            {arg_num("timestamp", http::required(), "UNIX epoch time\n0 to go back to the real time.")},
            {none()},
            "",
            [&context](const RpcRequest& request, JsonWriter& out) {
                if (!context.params->mockable_time)
                    throw RpcError{code::kMisc, "setmocktime is for regression testing (-regtest mode) only"};
                const auto time = http::as_int<std::int64_t>(request.param(0));
                constexpr std::int64_t kLast = std::numeric_limits<std::uint32_t>::max();
                if (time < 0 || time > kLast) {
                    throw RpcError{code::kInvalidParameter,
                                   fmt::format("Mocktime must be in the range [0, {}], not {}.", kLast, time)};
                }
                if (context.set_mock_time) context.set_mock_time(time);
                out.null();
            }};
}

RpcMethod mockscheduler(const NodeContext& context) {
    return {"mockscheduler",
            "hidden",
            "Moves the node's timers ahead (-regtest only).",
            {arg_num("delta_time", http::required(), "Seconds to move them by.")},
            {none()},
            "",
            [&context](const RpcRequest& request, JsonWriter& out) {
                if (!context.params->mockable_time)
                    throw RpcError{code::kMisc, "mockscheduler is for regression testing (-regtest mode) only"};
                const auto seconds = http::as_int<std::int64_t>(request.param(0));
                if (seconds <= 0 || seconds > 3600)
                    throw RpcError{code::kMisc, "delta_time must be between 1 and 3600 seconds (1 hr)"};
                if (context.advance_scheduler) context.advance_scheduler(seconds);
                context.chain->drain_events();
                out.null();
            }};
}

}  // namespace

void register_control_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(help(context));
    table.add(stop(context));
    table.add(uptime(context));
    table.add(getrpcinfo(context));
    table.add(logging());
    table.add(getmemoryinfo());
    table.add(echo("echo"));
    table.add(echo("echojson"));
    table.add(echoipc());
    table.add(getzmqnotifications());
    table.add(setmocktime(context));
    table.add(mockscheduler(context));
}

}  // namespace cairn::node
