#include "node/rpc/scan_objects.hpp"

#include "consensus/rules/params.hpp"
#include "net/http/rpc_table.hpp"
#include "node/rpc/doc.hpp"

namespace cairn::node {

using http::RpcError;
namespace code = http::rpc_code;

ScanTurn::ScanTurn(ScanState& state) : state_(state) {
    if (state_.running.exchange(true)) {
        throw RpcError{code::kInvalidParameter, "Scan already in progress, use action \"abort\" or \"status\""};
    }
    state_.abort = false;
    state_.percent = 0;
}

ScanTurn::~ScanTurn() {
    state_.percent = 0;
    state_.running = false;
}

bool answer_about_scan(ScanState& state, const std::string& action, bool with_height, http::JsonWriter& out) {
    const bool running = state.running;
    if (action == "status") {
        if (!running) {
            out.null();
            return true;
        }
        out.begin_object().field("progress", state.percent.load());
        if (with_height) out.field("current_height", state.height.load());
        out.end_object();
        return true;
    }
    if (action != "abort") return false;
    if (running) state.abort = true;
    out.boolean(running);
    return true;
}

ScanObject ScanObject::read(const NodeContext& context, const UniValue& wanted) {
    ScanObject object;
    object.range = {0, 1000};
    if (wanted.isStr()) {
        object.text = wanted.getValStr();
    } else if (wanted.isObject()) {
        const UniValue& given = http::member(wanted, "desc");
        if (given.isNull()) throw RpcError{code::kInvalidParameter, "Descriptor needs to be provided in scan object"};
        object.text = http::as_string(given);
        if (const UniValue& limits = http::member(wanted, "range"); !limits.isNull()) object.range = parse_descriptor_range(limits);
    } else {
        throw RpcError{code::kInvalidParameter, "Scan object needs to be either a string or an object"};
    }
    auto descriptors = light::parse_descriptors(object.text, *context.params, false);
    if (!descriptors) throw RpcError{code::kInvalidAddressOrKey, descriptors.error()};
    object.descriptors = std::move(*descriptors);
    if (!object.descriptors.front().is_range()) object.range = {};
    return object;
}

std::vector<Bytes> ScanObject::scripts(const light::Descriptor& descriptor, std::int64_t index, light::ScriptKeys& known) const {
    auto scripts = descriptor.scripts(static_cast<std::uint32_t>(index), &known);
    if (!scripts) throw RpcError{code::kInvalidAddressOrKey, "Cannot derive script without private keys: '" + text + "'"};
    return std::move(*scripts);
}

light::ScriptKeys find_script_keys(const NodeContext& context, const UniValue& scan_objects) {
    light::ScriptKeys keys;
    if (scan_objects.isNull()) return keys;
    for (const UniValue& wanted : http::as_array(scan_objects).getValues()) {
        const ScanObject object = ScanObject::read(context, wanted);
        for (std::int64_t i = object.range.first; i <= object.range.last; ++i)
            for (const light::Descriptor& descriptor : object.descriptors) object.scripts(descriptor, i, keys);
    }
    return keys;
}

namespace {

void add_needles(Needles& needles, const NodeContext& context, const UniValue& wanted) {
    const ScanObject object = ScanObject::read(context, wanted);
    for (std::int64_t i = object.range.first; i <= object.range.last; ++i) {
        for (const light::Descriptor& descriptor : object.descriptors) {
            light::ScriptKeys known;
            for (Bytes& script : object.scripts(descriptor, i, known)) {
                std::string shown = light::infer_descriptor(script, *context.params, known);
                needles.emplace(std::move(script), std::move(shown));
            }
        }
    }
}

}  // namespace

Needles find_needles(const NodeContext& context, const UniValue& scan_objects) {
    Needles needles;
    for (const UniValue& wanted : http::as_array(scan_objects).getValues()) add_needles(needles, context, wanted);
    return needles;
}

http::RpcArg scan_object_array(std::string name, http::Presence presence, std::string words) {
    using namespace doc;
    return arg_arr(std::move(name), std::move(presence), std::move(words),
                   {arg_str("descriptor", http::optional(), "A descriptor"),
                    {"", http::ArgType::object, http::optional(), "A descriptor with its range",
                     {arg_str("desc", http::required(), "The descriptor"),
                      {"range", http::ArgType::range, http::default_value("1000"), "Which indexes to look for: the end, or [begin,end]"}}}});
}

http::RpcArg scan_objects_arg(http::Presence presence, std::string words) {
    return http::with_oneline(scan_object_array("scanobjects", std::move(presence), std::move(words)), "[scanobjects,...]");
}

}  // namespace cairn::node
