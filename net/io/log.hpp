#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/core.h>

namespace cairn::net::log {

/// The categories of `-debug=`, named as bitcoind names them.
enum class Category : std::uint32_t {
    none = 0,
    net = 1u << 0, tor = 1u << 1, mempool = 1u << 2, http = 1u << 3, bench = 1u << 4, zmq = 1u << 5,
    walletdb = 1u << 6, rpc = 1u << 7, estimatefee = 1u << 8, addrman = 1u << 9, selectcoins = 1u << 10,
    reindex = 1u << 11, cmpctblock = 1u << 12, rand = 1u << 13, prune = 1u << 14, proxy = 1u << 15,
    mempoolrej = 1u << 16, libevent = 1u << 17, coindb = 1u << 18, qt = 1u << 19, leveldb = 1u << 20,
    validation = 1u << 21, i2p = 1u << 22, ipc = 1u << 23, lock = 1u << 24, blockstorage = 1u << 25,
    txreconciliation = 1u << 26, scan = 1u << 27, txpackages = 1u << 28, kernel = 1u << 29, privatebroadcast = 1u << 30,
    all = 0xffffffffu,
};

enum class Level : std::uint8_t { trace, debug, info, warning, error };

/// True when a line of this category and level would be written: ask before making an expensive text.
bool enabled(Category category, Level level);
/// Writes one line to debug.log and, when asked for, to the console. Thread: any.
void write(Category category, Level level, std::string_view text);

/// Unconditional lines: `log::info("UpdateTip: new best={} height={}", hash, height)`.
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    write(Category::none, Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
    write(Category::none, Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    write(Category::none, Level::error, fmt::format(format, std::forward<Args>(args)...));
}
/// Lines for those who asked for their category with `-debug`.
template <class... Args>
void debug(Category category, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(category, Level::debug)) write(category, Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void trace(Category category, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(category, Level::trace)) write(category, Level::trace, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace cairn::net::log
