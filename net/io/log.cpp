#include "net/io/log.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <ctime>
#include <deque>
#include <fstream>
#include <optional>
#include <memory>
#include <mutex>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "net/io/log_control.hpp"

namespace cairn::net::log {
namespace {

struct NamedCategory {
    const char* name;
    Category flag;
};

// In alphabetical order.
constexpr NamedCategory kCategories[] = {
    {"addrman", Category::addrman},         {"bench", Category::bench},
    {"blockstorage", Category::blockstorage}, {"cmpctblock", Category::cmpctblock},
    {"coindb", Category::coindb},           {"estimatefee", Category::estimatefee},
    {"http", Category::http},               {"i2p", Category::i2p},
    {"ipc", Category::ipc},                 {"kernel", Category::kernel},
    {"leveldb", Category::leveldb},         {"mempool", Category::mempool},
    {"mempoolrej", Category::mempoolrej},   {"net", Category::net},
    {"privatebroadcast", Category::privatebroadcast}, {"proxy", Category::proxy},
    {"prune", Category::prune},             {"qt", Category::qt},
    {"rand", Category::rand},               {"reindex", Category::reindex},
    {"rpc", Category::rpc},                 {"scan", Category::scan},
    {"selectcoins", Category::selectcoins}, {"tor", Category::tor},
    {"txpackages", Category::txpackages},   {"txreconciliation", Category::txreconciliation},
    {"validation", Category::validation},   {"walletdb", Category::walletdb},
    {"zmq", Category::zmq},
};
constexpr std::array<std::string_view, 5> kLevels = {"trace", "debug", "info", "warning", "error"};

constexpr std::size_t kEarlyLines = 10'000;  // kept in memory until the sinks are open
constexpr std::uintmax_t kShrinkAbove = 11'000'000, kShrinkTo = 10'000'000;
constexpr std::uint8_t kNoOwnLevel = 0xff;

std::size_t bit_of(Category category) {
    return static_cast<std::size_t>(std::countr_zero(static_cast<std::uint32_t>(category) | 0x80000000u));
}

struct State {
    std::atomic<std::uint32_t> categories{0};
    std::atomic<std::uint8_t> level{static_cast<std::uint8_t>(Level::debug)};
    std::array<std::atomic<std::uint8_t>, 32> category_level;
    std::atomic<bool> reopen{false};
    std::atomic<std::int64_t> mock_time{0};

    std::mutex mutex;
    bool started = false;
    Options options;
    std::deque<std::pair<std::chrono::system_clock::time_point, std::string>> early;  // text from the prefix on
    std::size_t early_dropped = 0;
    std::shared_ptr<spdlog::sinks::sink> file, console;

    State() {
        for (auto& own : category_level) own = kNoOwnLevel;
    }
};

/// Never destroyed, so that late destructors may still log.
State& state() {
    static State* instance = new State;
    return *instance;
}

std::string& thread_name() {
    thread_local std::string name;
    return name;
}

const NamedCategory* find_category(std::string_view name) {
    for (const NamedCategory& category : kCategories) {
        if (name == category.name) return &category;
    }
    return nullptr;
}

std::string iso_time(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    gmtime_r(&time, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return text;
}

std::string timestamp(const Options& options, std::chrono::system_clock::time_point when, std::int64_t mock) {
    if (!options.timestamps) return {};
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
    std::string text = iso_time(us / 1'000'000);
    if (options.microseconds) text += fmt::format(".{:06}", us % 1'000'000);
    text += 'Z';
    if (mock > 0) text += " (mocktime: " + iso_time(mock) + "Z)";
    return text + ' ';
}

/// "[net:trace] ", "[warning] ", or nothing for a plain line.
std::string prefix(bool always, Category category, Level level) {
    const bool has_category = category != Category::none && category != Category::all;
    if (!always && !has_category && level == Level::info) return {};
    std::string text = "[";
    if (has_category || always) {
        const auto it = std::find_if(std::begin(kCategories), std::end(kCategories), [&](const auto& c) { return c.flag == category; });
        text += it == std::end(kCategories) ? "all" : it->name;
    }
    if (always || !has_category || level != Level::debug) {
        if (has_category || always) text += ':';
        text += kLevels[static_cast<std::size_t>(level)];
    }
    return text + "] ";
}

/// Control characters could play tricks with a terminal.
std::string escaped(std::string_view text) {
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte >= 32 && byte != 0x7f) || c == '\n') out += c;
        else out += fmt::format("\\x{:02x}", byte);
    }
    return out;
}

void emit(State& s, const std::string& line) {
    const spdlog::details::log_msg message("", spdlog::level::info, line);
    if (s.file && s.reopen.exchange(false)) {
        try {
            auto fresh = std::make_shared<spdlog::sinks::basic_file_sink_st>(s.options.file.string());
            fresh->set_pattern("%v");
            s.file = std::move(fresh);
        } catch (const spdlog::spdlog_ex&) {
            // The old file stays in use.
        }
    }
    try {
        if (s.console) {
            s.console->log(message);
            s.console->flush();
        }
        if (s.file) {
            s.file->log(message);
            s.file->flush();
        }
    } catch (const spdlog::spdlog_ex&) {
        // A full disk must not bring the node down by way of its log.
    }
}

void shrink(const std::filesystem::path& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error || size <= kShrinkAbove) return;
    std::string tail(kShrinkTo, '\0');
    std::ifstream in(path, std::ios::binary);
    in.seekg(-static_cast<std::streamoff>(kShrinkTo), std::ios::end);
    in.read(tail.data(), static_cast<std::streamsize>(tail.size()));
    if (!in) return;
    in.close();
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(tail.data(), static_cast<std::streamsize>(tail.size()));
}

}  // namespace

bool enabled(Category category, Level level) {
    if (level >= Level::info) return true;
    State& s = state();
    if (!(s.categories.load(std::memory_order_relaxed) & static_cast<std::uint32_t>(category))) return false;
    const std::uint8_t own = s.category_level[bit_of(category)].load(std::memory_order_relaxed);
    const std::uint8_t least = own != kNoOwnLevel ? own : s.level.load(std::memory_order_relaxed);
    return static_cast<std::uint8_t>(level) >= least;
}

void write(Category category, Level level, std::string_view text) {
    State& s = state();
    const auto now = std::chrono::system_clock::now();
    const std::string name = thread_name().empty() ? "unknown" : thread_name();
    const std::lock_guard lock(s.mutex);
    std::string body;
    if (s.options.thread_names) body += "[" + name + "] ";
    body += prefix(s.options.level_always, category, level) + escaped(text);
    if (!s.started) {
        if (s.early.size() >= kEarlyLines) {
            s.early.pop_front();
            ++s.early_dropped;
        }
        s.early.emplace_back(now, std::move(body));
        return;
    }
    emit(s, timestamp(s.options, now, s.mock_time) + body);
}

Result<void, std::string> start(const Options& options) {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    s.options = options;
    try {
        if (options.print_to_file) {
            if (options.shrink_file) shrink(options.file);
            // Probed first: the library's sink would make missing folders, which a misspelt path does not want.
            if (!std::ofstream(options.file, std::ios::app)) return fail("Could not open debug log file " + options.file.string());
            s.file = std::make_shared<spdlog::sinks::basic_file_sink_st>(options.file.string());
            s.file->set_pattern("%v");
        }
        if (options.print_to_console) {
            s.console = std::make_shared<spdlog::sinks::stdout_sink_st>();
            s.console->set_pattern("%v");
        }
    } catch (const spdlog::spdlog_ex&) {
        return fail("Could not open debug log file " + options.file.string());
    }
    if (s.file) s.file->log(spdlog::details::log_msg("", spdlog::level::info, "\n\n\n\n"));
    s.started = true;
    if (s.early_dropped) emit(s, fmt::format("Early logging buffer overflowed, {} log lines discarded.", s.early_dropped));
    for (const auto& [when, body] : s.early) emit(s, timestamp(options, when, 0) + body);
    s.early.clear();
    return {};
}

void stop() {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    if (s.file) s.file->flush();
    if (s.console) s.console->flush();
}

void request_reopen() { state().reopen = true; }

void set_mock_time(std::int64_t seconds) { state().mock_time = seconds; }

void name_thread(std::string_view name) {
    thread_name() = std::string(name);
    pthread_setname_np(pthread_self(), ("c-" + std::string(name.substr(0, 13))).c_str());
}

std::vector<std::string> category_names() {
    std::vector<std::string> names;
    for (const NamedCategory& category : kCategories) names.emplace_back(category.name);
    return names;
}

std::vector<std::pair<std::string, bool>> category_states() {
    const std::uint32_t on = state().categories;
    std::vector<std::pair<std::string, bool>> states;
    for (const NamedCategory& category : kCategories) {
        states.emplace_back(category.name, (on & static_cast<std::uint32_t>(category.flag)) != 0);
    }
    return states;
}

namespace {

/// The bits that a name of -debug means; nullopt when it means nothing.
std::optional<std::uint32_t> mask_of(std::string_view name) {
    if (name.empty() || name == "1" || name == "all") return static_cast<std::uint32_t>(Category::all);
    if (name == "libevent" || name == "lock") {
        warning("The logging category `{}` is deprecated, does nothing, and will be removed in a future version", name);
        return 0;
    }
    const NamedCategory* category = find_category(name);
    if (!category) return std::nullopt;
    return static_cast<std::uint32_t>(category->flag);
}

std::optional<std::uint8_t> level_of(std::string_view name) {
    const auto it = std::find(kLevels.begin(), kLevels.end(), name);
    if (it == kLevels.end()) return std::nullopt;
    return static_cast<std::uint8_t>(it - kLevels.begin());
}

}  // namespace

bool enable_category(std::string_view name) {
    const auto mask = mask_of(name);
    if (mask) state().categories |= *mask;
    return mask.has_value();
}

bool disable_category(std::string_view name) {
    const auto mask = mask_of(name);
    if (mask) state().categories &= ~*mask;
    return mask.has_value();
}

bool set_level(std::string_view level) {
    const auto value = level_of(level);
    // Warnings and errors are always written, so only the levels up to info can be a threshold.
    if (!value || *value > static_cast<std::uint8_t>(Level::info)) return false;
    state().level = *value;
    return true;
}

bool set_category_level(std::string_view category, std::string_view level) {
    const NamedCategory* found = find_category(category);
    const auto value = level_of(level);
    if (!found || !value || *value > static_cast<std::uint8_t>(Level::info)) return false;
    state().category_level[bit_of(found->flag)] = *value;
    return true;
}

std::filesystem::path file_path() {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    return s.options.print_to_file ? s.options.file : std::filesystem::path();
}

}  // namespace cairn::net::log
