#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consensus/base/result.hpp"
#include "net/io/log.hpp"

/// How lines look, where they go and which are wanted. Thread: any, unless said otherwise.
namespace cairn::net::log {

struct Options {
    bool print_to_console = false;
    bool print_to_file = true;
    std::filesystem::path file;       ///< debug.log
    bool timestamps = true;
    bool microseconds = false;        ///< -logtimemicros
    bool thread_names = false;
    bool source_locations = false;
    bool level_always = false;        ///< -loglevelalways
    bool shrink_file = false;         ///< cut an old file of more than 11 MB to its last 10 MB
};

/// Opens the sinks. Lines written before are kept and come first. Gives the error text when the file cannot be opened.
Result<void, std::string> start(const Options& options);
/// Flushes and closes.
void stop();
/// Opens debug.log again after it was moved away (SIGHUP).
void request_reopen();
/// A mocked clock also shows in the lines, as bitcoind does it; 0 for none.
void set_mock_time(std::int64_t seconds);

/// Names the calling thread in lines (-logthreadnames) and to the system.
void name_thread(std::string_view name);

/// "net", "mempool", ..., in alphabetical order; without none and all.
std::vector<std::string> category_names();
/// Every category and whether it is on.
std::vector<std::pair<std::string, bool>> category_states();
/// "1" and "all" (and "" for enabling) mean every category. False when there is no such category.
bool enable_category(std::string_view name);
bool disable_category(std::string_view name);
/// -loglevel=<level> or <category>:<level>; levels trace debug info warning error. False when it is neither.
bool set_level(std::string_view level);
bool set_category_level(std::string_view category, std::string_view level);

std::filesystem::path file_path();

}  // namespace cairn::net::log
