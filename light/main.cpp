#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "light/light_client.hpp"
#include "light/terminal/commands.hpp"
#include "net/io/log.hpp"
#include "node/config/identity.hpp"

/// cairn-light: the light client as a program.
namespace {

using namespace cairn;
namespace log = cairn::net::log;

int complain(const std::string& text) {
    log::error("{}", text);
    std::fprintf(stderr, "Error: %s\n", text.c_str());
    return EXIT_FAILURE;
}

bool answer_and_leave(const node::Args& args) {
    if (args.is_set("-commands")) {
        std::cout << light::commands_help();
        return true;
    }
    const bool version = args.get_bool("-version", false);
    if (!version && !args.is_set("-?") && !args.is_set("-help")) return false;
    std::cout << node::kClientName << " light client version v" << node::kClientVersion << "\n";
    if (!version) std::cout << "\nFollows the Bitcoin chain by headers and compact filters, with no server to trust.\n\nUsage: cairn-light [options]              (runs the client)\n"
                                 "or:    cairn-light [options] <command>    (while it runs)\n\n" << light::commands_help() << "\n" << args.help(false);
    return true;
}

/// A command for people: a call or a few to the client that runs.
int run_command(const node::Args& args, const light::LightSettings& settings) {
    light::HttpCaller caller({settings.http.binds.front().first, settings.http.binds.front().second, settings.cookie_file, ""});
    light::TerminalConsole console;
    return light::run_command(args.words(), caller, *settings.params, console);
}

int run(node::Args& args) {
    auto settings = light::make_settings(args);
    if (!settings) return complain(settings.error());
    if (!args.words().empty()) return run_command(args, *settings);
    for (const std::string& category : args.list("-debug"))
        if (!log::enable_category(category)) return complain("Unsupported logging category -debug=" + category + ".");
    if (auto opened = log::start(settings->log); !opened) return complain(opened.error());
    log::info("{} light client version v{}", node::kClientName, node::kClientVersion);
    for (const std::string& line : args.describe()) log::info("{}", line);

    // The signals that end the program are waited for here; all threads made from now on leave them alone.
    sigset_t stop_signals;
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGTERM);
    sigaddset(&stop_signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
    signal(SIGPIPE, SIG_IGN);

    light::LightClient client(std::move(*settings), [] { kill(getpid(), SIGTERM); });
    if (auto started = client.start(); !started) {
        client.stop();
        const int result = complain(started.error());
        log::stop();
        return result;
    }
    int caught = 0;
    sigwait(&stop_signals, &caught);
    const bool failed = client.failed();
    client.stop();
    log::stop();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char* argv[]) {
    umask(077);
    log::name_thread("init");
    node::Args args;
    args.add_all(light::light_options());
    if (auto parsed = args.parse_command_line(argc, argv); !parsed) return complain(parsed.error());
    if (answer_and_leave(args)) return EXIT_SUCCESS;
    try {
        return run(args);
    } catch (const std::exception& e) {
        return complain(e.what());
    }
}
