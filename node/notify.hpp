#pragma once

#include <string>

namespace cairn::node {

/// Runs a shell command and waits for its end; a failure is logged. Thread: any.
void run_command(const std::string& command);
/// Runs it on a thread of its own and does not wait.
void run_command_detached(std::string command);
/// Replaces every "%s".
std::string with_argument(std::string command, const std::string& argument);
/// Text for a shell within single quotes: only harmless characters stay.
std::string shell_safe(const std::string& text);

}  // namespace cairn::node
