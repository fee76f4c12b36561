#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <univalue.h>

namespace cairn::node {

/// Words of a command line as an array of positional arguments: numbers, booleans, objects where the method wants them, text
/// otherwise. Throws std::runtime_error "Error parsing JSON: x".
UniValue to_rpc_params(const std::string& method, const std::vector<std::string>& words);

/// The same for -named: name=value pairs as an object; words without a name are gathered under "args".
///
/// A word with '=' whose name the method does not know is a positional one when the next position takes JSON and the word parses
/// as JSON, or when the next position takes text.
UniValue to_named_rpc_params(const std::string& method, const std::vector<std::string>& words);

/// How an argument reaches the server.
enum class ArgumentForm { text, json, json_or_text };
struct ConvertedArgument {
    int position;
    std::string name;
    ArgumentForm form;
};
/// What the client knows of a method's arguments; empty when all of them are text.
const std::vector<ConvertedArgument>& converted_arguments(std::string_view method);
/// All methods that it knows something of.
std::vector<std::string> converted_methods();

}  // namespace cairn::node
