#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "light/terminal/console.hpp"
#include "light/terminal/rpc_caller.hpp"

namespace cairn {
struct ChainParams;
}

/// The commands of cairn-light for people.
namespace cairn::light {

/// Is this word one of the commands ("init", "send" …)?
bool is_command(std::string_view word);
/// What there is and how it is used, for -help and `cairn-light help`.
std::string commands_help();

/// Runs one command: its name, its arguments and its --options. Shows what came of it, errors too; gives the exit code.
/// Thread: main.
int run_command(const std::vector<std::string>& words, RpcCaller& caller, const ChainParams& params, Console& console);

}  // namespace cairn::light
