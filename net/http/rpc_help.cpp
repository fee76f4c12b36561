#include <algorithm>
#include <string>
#include <vector>

#include "net/http/rpc_method.hpp"

/// Help texts in the layout that people know from bitcoin-cli: a summary line, then two columns.
namespace cairn::http {
namespace {

enum class Within { nothing, object, array };

/// Lines of a left and a right column; the right one starts behind the longest left one.
class Columns {
public:
    void add(std::string left, std::string right = {}) {
        width_ = std::max(width_, left.size());
        lines_.push_back({std::move(left), std::move(right)});
    }
    bool empty() const { return lines_.empty(); }
    /// Takes the comma away that no element follows.
    void drop_last_comma() {
        if (!lines_.empty() && !lines_.back().left.empty() && lines_.back().left.back() == ',') lines_.back().left.pop_back();
    }
    std::string text() const {
        std::string out;
        const std::size_t pad = width_ + 4;
        for (const Line& line : lines_) {
            out += line.left;
            if (!line.right.empty()) {
                out.append(pad - line.left.size(), ' ');
                append_indented(out, line.right, pad);
            }
            out += '\n';
        }
        return out;
    }

private:
    struct Line {
        std::string left, right;
    };

    /// Continuation lines start under the first one; blanks that the text itself has there are dropped.
    static void append_indented(std::string& out, const std::string& text, std::size_t pad) {
        std::size_t begin = 0;
        while (true) {
            const std::size_t end = text.find('\n', begin);
            out += text.substr(begin, end - begin);
            if (end == std::string::npos) return;
            out += '\n';
            out.append(pad, ' ');
            begin = text.find_first_not_of(' ', end + 1);
            if (begin == std::string::npos) return;
        }
    }

    std::vector<Line> lines_;
    std::size_t width_ = 0;
};

std::string type_words(ArgType type) {
    switch (type) {
        case ArgType::string:
        case ArgType::hex: return "string";
        case ArgType::number: return "numeric";
        case ArgType::amount: return "numeric or string";
        case ArgType::range: return "numeric or array";
        case ArgType::boolean: return "boolean";
        case ArgType::array: return "json array";
        case ArgType::object:
        case ArgType::named_options:
        case ArgType::user_keys: return "json object";
    }
    return {};
}

std::string describe(const RpcArg& arg, bool named) {
    std::string text = "(" + (arg.type_words.size() > 1 ? arg.type_words[1] : type_words(arg.type));
    switch (arg.presence.kind) {
        case Presence::Kind::required: text += ", required"; break;
        case Presence::Kind::omitted: text += named ? ", optional" : ""; break;
        case Presence::Kind::hint:
        case Presence::Kind::value: text += ", optional, default=" + arg.presence.text; break;
    }
    text += ")";
    if (arg.type == ArgType::named_options) text += " Options object that can be used to pass named arguments, listed below.";
    if (!arg.description.empty()) text += " " + arg.description;
    return text;
}

std::string short_form(const RpcArg& arg, bool summary);

/// "key": value
std::string pair_form(const RpcArg& arg, bool summary) {
    const std::string start = "\"" + arg.first_name() + (summary ? "\":" : "\": ");
    switch (arg.type) {
        case ArgType::string: return start + "\"str\"";
        case ArgType::hex: return start + "\"hex\"";
        case ArgType::number: return start + "n";
        case ArgType::range: return start + "n or [n,n]";
        case ArgType::amount: return start + "amount";
        case ArgType::boolean: return start + "bool";
        case ArgType::array: {
            std::string text = start + "[";
            for (const RpcArg& inner : arg.inner) text += short_form(inner, summary) + ",";
            return text + "...]";
        }
        case ArgType::object:
        case ArgType::named_options:
        case ArgType::user_keys: return start + short_form(arg, summary);
    }
    return start;
}

std::string short_form(const RpcArg& arg, bool summary) {
    if (summary && !arg.oneline.empty()) return arg.oneline;
    switch (arg.type) {
        case ArgType::string:
        case ArgType::hex: return "\"" + arg.first_name() + "\"";
        case ArgType::number:
        case ArgType::range:
        case ArgType::amount:
        case ArgType::boolean: return arg.first_name();
        case ArgType::object:
        case ArgType::named_options:
        case ArgType::user_keys: {
            std::string text = "{";
            for (const RpcArg& inner : arg.inner) {
                if (text.size() > 1) text += ",";
                text += pair_form(inner, summary);
            }
            return text + (arg.type == ArgType::object ? "}" : ",...}");
        }
        case ArgType::array: {
            std::string text = "[";
            for (const RpcArg& inner : arg.inner) text += short_form(inner, summary) + ",";
            return text + "...]";
        }
    }
    return {};
}

void add_argument(Columns& columns, const RpcArg& arg, std::size_t indent = 5, Within within = Within::nothing) {
    const std::string blanks(indent, ' ');
    const bool named = within == Within::object;
    const bool top = within == Within::nothing;
    const std::string key = named ? "\"" + arg.first_name() + "\": " : "";
    const std::string right = top ? "" : describe(arg, named);
    const std::string comma = top ? "" : ",";
    const bool is_array = arg.type == ArgType::array;
    if (is_array || arg.type == ArgType::object || arg.type == ArgType::user_keys) {
        columns.add(blanks + key + (is_array ? "[" : "{"), right);
        for (const RpcArg& inner : arg.inner) add_argument(columns, inner, indent + 2, is_array ? Within::array : Within::object);
        if (arg.type != ArgType::object) columns.add(blanks + "  ...");
        columns.add(blanks + (is_array ? "]" : "}") + comma);
        return;
    }
    if (top) return;
    std::string left = blanks;
    if (!arg.type_words.empty() && named) left += key + arg.type_words[0];
    else left += named ? pair_form(arg, false) : short_form(arg, false);
    columns.add(left + ",", right);
}

std::string placeholder(ResultType type) {
    switch (type) {
        case ResultType::string: return "\"str\"";
        case ResultType::hex: return "\"hex\"";
        case ResultType::number:
        case ResultType::amount: return "n";
        case ResultType::boolean: return "true|false";
        case ResultType::none: return "null";
        default: return "xxx";
    }
}

std::string result_words(ResultType type) {
    switch (type) {
        case ResultType::string:
        case ResultType::hex: return "string";
        case ResultType::number:
        case ResultType::amount:
        case ResultType::time: return "numeric";
        case ResultType::boolean: return "boolean";
        case ResultType::none: return "json null";
        case ResultType::any: return "any";
        case ResultType::array:
        case ResultType::fixed_array: return "json array";
        case ResultType::object:
        case ResultType::dynamic_object: return "json object";
    }
    return {};
}

void add_result(Columns& columns, const RpcResult& result, std::size_t indent = 0, Within within = Within::nothing) {
    const std::string blanks(indent, ' ');
    const std::string comma = within == Within::nothing ? "" : ",";
    const std::string key = within == Within::object ? "\"" + result.key + "\" : " : "";
    if (result.elided) {
        columns.add(blanks + "..." + comma, result.description);
        return;
    }
    const auto described = [&](const std::string& words) {
        return "(" + words + (result.optional ? ", optional" : "") + ")" +
               (result.description.empty() ? "" : " " + result.description);
    };
    const bool is_array = result.type == ResultType::array || result.type == ResultType::fixed_array;
    const bool is_object = result.type == ResultType::object || result.type == ResultType::dynamic_object;
    if (!is_array && !is_object) {
        columns.add(blanks + (result.type == ResultType::none ? "" : key) + placeholder(result.type) + comma,
                    described(result_words(result.type)));
        return;
    }
    if (is_object && result.inner.empty()) {
        columns.add(blanks + key + "{}", described("empty JSON object"));
        return;
    }
    columns.add(blanks + key + (is_array ? "[" : "{"), described(result_words(result.type)));
    for (const RpcResult& inner : result.inner) add_result(columns, inner, indent + 2, is_array ? Within::array : Within::object);
    const bool open_ended = (result.type == ResultType::array && !(!result.inner.empty() && result.inner.back().elided)) ||
                            result.type == ResultType::dynamic_object;
    if (open_ended) columns.add(blanks + "  ...");
    else columns.drop_last_comma();
    columns.add(blanks + (is_array ? "]" : "}") + comma);
}

std::string trimmed(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(" \f\n\r\t\v");
    if (begin == std::string::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \f\n\r\t\v") - begin + 1);
}

}  // namespace

std::string RpcMethod::help() const {
    std::string text = name;
    bool within_optional = false;
    for (const RpcArg& arg : args) {
        if (arg.hidden) break;
        text += " ";
        if (arg.is_optional() != within_optional) text += within_optional ? ") " : "( ";
        within_optional = arg.is_optional();
        text += short_form(arg, true);
    }
    if (within_optional) text += " )";
    text += "\n\n" + trimmed(description) + "\n";

    Columns positional, named_only;
    for (std::size_t i = 0; i < args.size() && !args[i].hidden; ++i) {
        positional.add(std::to_string(i + 1) + ". " + args[i].first_name(), describe(args[i], true));
        add_argument(positional, args[i]);
        if (args[i].type != ArgType::named_options) continue;
        for (const RpcArg& inner : args[i].inner) {
            named_only.add(inner.first_name(), describe(inner, true));
            add_argument(named_only, inner);
        }
    }
    if (!positional.empty()) text += "\nArguments:\n" + positional.text();
    if (!named_only.empty()) text += "\nNamed Arguments:\n" + named_only.text();
    for (const RpcResult& result : results) {
        Columns columns;
        add_result(columns, result);
        text += result.condition.empty() ? "\nResult:\n" : "\nResult (" + result.condition + "):\n";
        text += columns.text();
    }
    if (!examples.empty()) text += "\nExamples:\n" + examples;
    return text;
}

}  // namespace cairn::http
