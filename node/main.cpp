#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "net/io/clock.hpp"
#include "net/io/log.hpp"
#include "net/io/log_control.hpp"
#include "node/daemon.hpp"
#include "node/node.hpp"
#include "node/config/options.hpp"
#include "node/progress.hpp"
#include "node/settings.hpp"
#include "node/shutdown.hpp"

/// cairnd: the full node as a program.
namespace {

using namespace cairn;
using namespace cairn::node;
namespace log = cairn::net::log;

ShutdownSignal* g_shutdown = nullptr;

void on_stop_signal(int) { g_shutdown->request(); }
void on_hangup(int) { log::request_reopen(); }

void catch_signals() {
    struct sigaction action {};
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_stop_signal;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    action.sa_handler = on_hangup;
    sigaction(SIGHUP, &action, nullptr);
    signal(SIGPIPE, SIG_IGN);
}

/// Buffers of the size of blocks come and go all the time: kept in the heap, they need not be cleared by the kernel every time.
void keep_large_buffers() {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}

int init_error(const std::string& text) {
    std::string trimmed = text;
    while (!trimmed.empty() && trimmed.back() == '\n') trimmed.pop_back();
    log::error("{}", trimmed);
    std::fprintf(stderr, "Error: %s\n", trimmed.c_str());
    return EXIT_FAILURE;
}

void init_warning(const std::string& text) {
    std::string trimmed = text;
    while (!trimmed.empty() && trimmed.back() == '\n') trimmed.pop_back();
    log::warning("{}", trimmed);
    std::fprintf(stderr, "Warning: %s\n", trimmed.c_str());
}

std::string version_line() { return std::string(kClientName) + " daemon version v" + kClientVersion; }

/// -help and -version; true when there is nothing more to do.
bool answer_and_leave(const Args& args) {
    const bool version = args.get_bool("-version", false);
    const bool help = args.is_set("-?") || args.is_set("-h") || args.is_set("-help") || args.is_set("-help-debug");
    if (!version && !help) return false;
    std::cout << version_line() << "\n";
    if (version) {
        std::cout << "\nThis is free software under the MIT licence, without any warranty.\n";
    } else {
        std::cout << "\nA Bitcoin full node: it validates every block itself, keeps the ledger and answers bitcoind's RPC.\n\n"
                     "Usage: cairnd [options]\n\n"
                  << args.help(args.get_bool("-help-debug", false));
    }
    return true;
}

void log_beginning(const Args& args, const NodeSettings& settings, bool timestamps) {
    if (!timestamps) log::info("Startup time: {}", net::Clock::system_now());
    log::info("Default data directory {}", default_data_dir().string());
    log::info("Using data directory {}", settings.data_dir.string());
    std::error_code error;
    const auto config = args.config_file();
    if (args.is_negated("-conf")) log::info("Config file: <disabled>");
    else if (std::filesystem::exists(config, error)) log::info("Config file: {}", config.string());
    else log::info("Config file: {} (not found, skipping)", config.string());
    for (const std::string& line : args.describe()) log::info("{}", line);
    if (args.is_set("-datadir") && !args.path("-datadir").is_absolute()) {
        log::warning("Relative datadir option '{}' specified, which will be interpreted relative to the current working directory '{}'. "
                     "This is fragile, because if bitcoin is started in the future from a different location, it will be unable to locate "
                     "the current data files. There could also be data loss if bitcoin is started while in a temporary directory.",
                     args.get("-datadir", ""), std::filesystem::current_path(error).string());
    }
    log::info("Using at most {} automatic connections", settings.net.max_connections);
    std::string idle;
    for (const std::string& name : args.without_effect()) idle += (idle.empty() ? "" : ", ") + name;
    if (!idle.empty()) log::warning("These options are accepted but have no effect in this version: {}", idle);
}

/// Runs until someone asks for an end. At a terminal a line shows the progress, unless the log goes there.
void run(Node& node, ShutdownSignal& shutdown, bool show_progress) {
    ProgressLine progress;
    std::size_t shown = 0;
    while (!shutdown.wait_for(std::chrono::milliseconds(show_progress ? 1000 : 250))) {
        node.tick();
        if (!show_progress) continue;
        std::string text = progress.update(node.status(), std::chrono::steady_clock::now());
        const std::size_t length = text.size();
        if (length < shown) text.append(shown - length, ' ');
        shown = length;
        std::printf("\r%s", text.c_str());
        std::fflush(stdout);
    }
    if (show_progress) std::printf("\nStopping ...\n");
}

/// Settings that make no sense are an end that the log tells of, too, unless another process writes it.
int refuse_settings(const Args& args, const std::string& text) {
    const auto directory = args.network_data_dir();
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error || !storage::refuse_foreign(directory, directory / "blocks")) return init_error(text);
    const auto lock = storage::DirectoryLock::acquire(directory, kCompatibleName);
    if (!lock || !log::start(log_options(args))) return init_error(text);
    const int code = init_error(text);
    log::stop();
    return code;
}

int run_node(Args& args, std::vector<std::string>& warnings) {
    log::info("{} version v{} (release build)", kClientName, kClientVersion);
    for (const std::string& warning : args.warnings()) log::warning("{}", warning);
    args.soft_set("-server", "1");
    apply_interactions(args);
    if (auto done = apply_log_levels(args); !done) return init_error(done.error());
    auto settings = make_settings(args, warnings);
    if (!settings) return refuse_settings(args, settings.error());
    for (const std::string& warning : warnings) init_warning(warning);

    const bool wait = args.get_bool("-daemonwait", false);
    const bool background = wait || args.get_bool("-daemon", false);
    auto log_settings = log_options(args);
    const bool terminal = !background && isatty(STDOUT_FILENO) && !args.is_set("-printtoconsole");
    if (terminal) log_settings.print_to_console = false;
    if (terminal) std::printf("%s, data in %s\n", version_line().c_str(), settings->data_dir.c_str());

    ShutdownSignal shutdown;
    g_shutdown = &shutdown;
    catch_signals();
    const auto file_name = log_settings.file.filename().string();
    const bool timestamps = log_settings.timestamps;
    Daemon daemon;
    // A lock that another process holds is told before the terminal is left; it does not survive the fork, so it is taken again.
    if (auto probe = lock_directories(*settings); !probe) return init_error(probe.error());
    if (background) {
        std::printf("%s starting\n", kClientName);
        std::fflush(stdout);
        if (!daemon.detach(file_name.c_str())) return init_error("fork() failed");
        if (!wait) daemon.report(true);
    }
    auto locks = lock_directories(*settings);
    if (!locks) return init_error(locks.error());
    Node node(args, *settings, std::move(*locks), shutdown);
    if (auto opened = log::start(log_settings); !opened) return init_error(opened.error());
    log_beginning(args, *settings, timestamps);
    bool success = true;
    if (auto started = node.start(); !started) {
        success = started.error().message.empty();
        if (started.error().offers_remedy) {
            log::info("{}", started.error().message);
            std::fprintf(stderr, "%s\n", started.error().message.c_str());
        } else if (!success) {
            init_error(started.error().message);
        }
    } else {
        daemon.report(true);
        run(node, shutdown, terminal);
    }
    success &= !node.failed();
    node.stop();
    log::stop();
    return success ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char* argv[]) {
    umask(077);
    keep_large_buffers();
    log::name_thread("init");
    Args args;
    args.add_all(daemon_options());
    if (auto parsed = args.parse_command_line(argc, argv); !parsed) return init_error(parsed.error());
    if (answer_and_leave(args)) return EXIT_SUCCESS;
    std::vector<std::string> warnings;
    try {
        if (auto loaded = load_configuration(args); !loaded) return init_error(loaded.error());
        return run_node(args, warnings);
    } catch (const std::exception& e) {
        return init_error(e.what());
    }
}
