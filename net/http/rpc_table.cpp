#include "net/http/rpc_table.hpp"

#include <algorithm>
#include <cctype>
#include <unordered_map>

namespace cairn::http {
namespace {

/// Lists a running call for as long as it lives.
class Activity {
public:
    Activity(std::mutex& mutex, std::list<ActiveCall>& list, const std::string& method) : mutex_(mutex), list_(list) {
        const std::lock_guard lock(mutex_);
        entry_ = list_.insert(list_.end(), {method, std::chrono::steady_clock::now()});
    }
    ~Activity() {
        const std::lock_guard lock(mutex_);
        list_.erase(entry_);
    }
    Activity(const Activity&) = delete;
    Activity& operator=(const Activity&) = delete;

private:
    std::mutex& mutex_;
    std::list<ActiveCall>& list_;
    std::list<ActiveCall>::iterator entry_;
};

[[noreturn]] void invalid(std::string text) { throw RpcError{rpc_code::kInvalidParameter, std::move(text)}; }

/// Takes named arguments one by one and remembers which are left.
class NamedArguments {
public:
    explicit NamedArguments(const UniValue& object) {
        const auto& keys = object.getKeys();
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (!left_.emplace(keys[i], &object.getValues()[i]).second) invalid("Parameter " + keys[i] + " specified multiple times");
        }
    }
    /// The first of an argument's names that was given.
    std::optional<std::pair<std::string, const UniValue*>> take(const RpcArg& arg) {
        for (const std::string& name : arg.all_names()) {
            if (const auto it = left_.find(name); it != left_.end()) {
                const auto result = std::make_pair(it->first, it->second);
                left_.erase(it);
                return result;
            }
        }
        return std::nullopt;
    }
    const UniValue* take(const std::string& name) {
        const auto it = left_.find(name);
        if (it == left_.end()) return nullptr;
        const UniValue* value = it->second;
        left_.erase(it);
        return value;
    }
    void expect_none_left() const {
        if (!left_.empty()) invalid("Unknown named parameter " + left_.begin()->first);
    }

private:
    std::unordered_map<std::string, const UniValue*> left_;
};

}  // namespace

UniValue to_positional(const RpcMethod& method, const UniValue& named) {
    NamedArguments given(named);
    std::vector<UniValue> positional;
    std::size_t hole = 0;          // positions left out since the last one that was given
    std::size_t initial_hole = 0;  // positions left out before the first one
    std::string first_given;
    for (const RpcArg& arg : method.args) {
        UniValue options(UniValue::VOBJ);
        if (arg.type == ArgType::named_options) {
            for (const RpcArg& inner : arg.inner) {
                if (const auto option = given.take(inner)) {
                    if (options.exists(option->first)) invalid("Parameter " + option->first + " specified multiple times");
                    options.pushKV(option->first, *option->second);
                }
            }
        }
        const auto value = given.take(arg);
        if (!value && options.empty()) {
            ++hole;
            if (positional.empty()) initial_hole = hole;
            continue;
        }
        positional.resize(positional.size() + hole);
        hole = 0;
        if (first_given.empty()) first_given = arg.names;
        if (value && !options.empty()) {
            invalid("Parameter " + value->first + " conflicts with parameter " + options.getKeys().front());
        }
        positional.push_back(value ? *value->second : options);
    }
    if (const UniValue* args = given.take("args"); args && args->isArray()) {
        if (initial_hole < args->size() && !first_given.empty()) {
            invalid("Parameter " + first_given + " specified twice both as positional and named argument");
        }
        std::vector<UniValue> merged = args->getValues();
        for (std::size_t i = merged.size(); i < positional.size(); ++i) merged.push_back(positional[i]);
        positional = std::move(merged);
    } else if (args) {
        invalid("Unknown named parameter args");
    }
    given.expect_none_left();
    UniValue result(UniValue::VARR);
    result.push_backV(positional);
    return result;
}

void RpcTable::add(RpcMethod method) {
    std::string name = method.name;
    methods_[std::move(name)] = std::make_unique<RpcMethod>(std::move(method));
}

const RpcMethod* RpcTable::find(std::string_view name) const {
    const auto it = methods_.find(name);
    return it == methods_.end() ? nullptr : it->second.get();
}

std::vector<std::string> RpcTable::names() const {
    std::vector<std::string> result;
    for (const auto& entry : methods_) result.push_back(entry.first);
    return result;
}

void RpcTable::call(RpcRequest request, JsonWriter& out) const {
    if (const auto status = warmup_status()) throw RpcError{rpc_code::kInWarmup, *status};
    const RpcMethod* method = find(request.method);
    if (!method) throw RpcError{rpc_code::kMethodNotFound, "Method not found"};
    const Activity activity(mutex_, active_, request.method);
    if (request.params.isObject()) request.params = to_positional(*method, request.params);
    method->call(request, out);
}

std::string RpcTable::help(std::string_view command) const {
    if (!command.empty()) {
        const RpcMethod* method = find(command);
        if (!method) return "help: unknown command: " + std::string(command);
        return method->help();
    }
    std::vector<const RpcMethod*> shown;
    for (const auto& entry : methods_) {
        if (entry.second->category != "hidden") shown.push_back(entry.second.get());
    }
    std::sort(shown.begin(), shown.end(), [](const RpcMethod* a, const RpcMethod* b) {
        return a->category + a->name < b->category + b->name;
    });
    std::string text;
    std::string category;
    for (const RpcMethod* method : shown) {
        if (category != method->category) {
            if (!category.empty()) text += "\n";
            category = method->category;
            std::string title = category;
            if (!title.empty()) title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
            text += "== " + title + " ==\n";
        }
        const std::string full = method->help();
        text += full.substr(0, full.find('\n')) + "\n";
    }
    if (!text.empty()) text.pop_back();
    return text;
}

void RpcTable::write_argument_map(JsonWriter& out) const {
    const auto row = [&](const std::string& method, std::size_t position, const RpcArg& arg) {
        for (const std::string& name : arg.all_names()) {
            out.begin_array().value(method).value(position).value(name);
            out.value(arg.type == ArgType::string || arg.type == ArgType::hex).end_array();
        }
    };
    out.begin_array();
    for (const auto& [name, method] : methods_) {
        for (std::size_t i = 0; i < method->args.size(); ++i) {
            row(name, i, method->args[i]);
            if (method->args[i].type != ArgType::named_options) continue;
            for (const RpcArg& inner : method->args[i].inner) row(name, i, inner);
        }
    }
    out.end_array();
}

void RpcTable::set_warmup_status(std::string status) {
    const std::lock_guard lock(mutex_);
    warmup_status_ = std::move(status);
}

void RpcTable::finish_warmup() {
    const std::lock_guard lock(mutex_);
    warming_up_ = false;
}

std::optional<std::string> RpcTable::warmup_status() const {
    const std::lock_guard lock(mutex_);
    if (!warming_up_) return std::nullopt;
    return warmup_status_;
}

std::vector<ActiveCall> RpcTable::active_calls() const {
    const std::lock_guard lock(mutex_);
    return {active_.begin(), active_.end()};
}

}  // namespace cairn::http
