#include "node/notify.hpp"

#include <cstdlib>
#include <thread>

#include "net/io/log.hpp"

namespace cairn::node {

void run_command(const std::string& command) {
    if (command.empty()) return;
    const int error = std::system(command.c_str());
    if (error != 0) net::log::error("runCommand error: system({}) returned {}", command, error);
}

void run_command_detached(std::string command) {
    if (command.empty()) return;
    std::thread([command = std::move(command)] { run_command(command); }).detach();
}

std::string with_argument(std::string command, const std::string& argument) {
    for (std::size_t at = 0; (at = command.find("%s", at)) != std::string::npos; at += argument.size()) command.replace(at, 2, argument);
    return command;
}

std::string shell_safe(const std::string& text) {
    static constexpr std::string_view kSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,;-_/:?@()";
    std::string out = "'";
    for (const char c : text) {
        if (kSafe.find(c) != std::string_view::npos) out += c;
    }
    return out + "'";
}

}  // namespace cairn::node
