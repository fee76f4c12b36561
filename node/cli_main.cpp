#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "net/http/rpc_error.hpp"
#include "net/http/rpc_params.hpp"
#include "net/io/clock.hpp"
#include "node/cli/client.hpp"
#include "node/cli/convert.hpp"
#include "node/config/options.hpp"
#include "node/config/identity.hpp"

/// cairn-cli: one call to the node, as bitcoin-cli makes it.
namespace {

using namespace cairn;
using namespace cairn::node;
using http::member;

/// Output, error output and exit code of a call.
struct Outcome {
    std::string out;
    std::string error;
    int code = EXIT_SUCCESS;
};

/// Keeps a password off the screen while it is typed.
class NoEcho {
public:
    NoEcho() : active_(isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before_) == 0) {
        if (!active_) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    }
    ~NoEcho() {
        if (active_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }
    NoEcho(const NoEcho&) = delete;
    NoEcho& operator=(const NoEcho&) = delete;

private:
    termios before_{};
    bool active_;
};

bool input_ready() {
    if (!isatty(STDIN_FILENO)) return true;
    pollfd descriptor{STDIN_FILENO, POLLIN, 0};
    return poll(&descriptor, 1, 0) != 0;
}

std::string read_secret(const char* prompt, const char* option) {
    const NoEcho quiet;
    if (!input_ready()) std::fprintf(stderr, "%s> ", prompt);
    std::string line;
    if (!std::getline(std::cin, line)) throw std::runtime_error(std::string(option) + " specified but failed to read from standard input");
    if (isatty(STDIN_FILENO)) std::fputc('\n', stdout);
    return line;
}

std::optional<std::string> wallet_of(const Args& args) {
    if (args.is_negated("-rpcwallet")) return std::nullopt;
    return args.get("-rpcwallet");
}

/// An error object as people read it; the exit code is the error's number without its sign.
Outcome error_outcome(const UniValue& error) {
    Outcome outcome;
    if (!error.isObject()) {
        outcome.error = "error: " + error.write();
        outcome.code = EXIT_FAILURE;
        return outcome;
    }
    const UniValue& code = member(error, "code");
    const UniValue& message = member(error, "message");
    if (!code.isNull()) outcome.error = "error code: " + code.getValStr() + "\n";
    if (message.isStr()) outcome.error += "error message:\n" + message.getValStr();
    constexpr int kWalletNotSpecified = -19;
    const int number = code.isNum() ? http::as_int<int>(code) : 1;
    if (number == kWalletNotSpecified) {
        outcome.error += " Or for the CLI, specify the \"-rpcwallet=<walletname>\" option before the command (run \"bitcoin-cli -h\" for help or "
                         "\"bitcoin-cli listwallets\" to see which wallets are currently loaded).";
    }
    outcome.code = std::abs(number);
    return outcome;
}

Outcome result_outcome(const UniValue& result) {
    Outcome outcome;
    if (!result.isNull()) outcome.out = result.isStr() ? result.getValStr() : result.write(2);
    return outcome;
}

Outcome reply_outcome(const UniValue& reply) {
    const UniValue& error = member(reply, "error");
    return error.isNull() ? result_outcome(member(reply, "result")) : error_outcome(error);
}

/// Balances of all wallets when more than one is loaded.
UniValue wallet_balances(const RpcClient& client) {
    UniValue balances(UniValue::VOBJ);
    const UniValue wallets = client.call(make_request("listwallets", UniValue(UniValue::VARR), UniValue(1)));
    const UniValue& names = member(wallets, "result");
    if (!member(wallets, "error").isNull() || names.size() <= 1) return balances;
    for (const UniValue& name : names.getValues()) {
        const UniValue reply = client.call(make_request("getbalances", UniValue(UniValue::VARR), UniValue(1)), name.getValStr());
        balances.pushKV(name.getValStr(), member(member(member(reply, "result"), "mine"), "trusted"));
    }
    return balances;
}

bool wants_colour(const Args& args) {
    const std::string when = args.get("-color", "auto");
    if (when == "always") return true;
    if (when == "never") return false;
    if (when != "auto") throw std::runtime_error("Invalid value for -color option. Valid values: always, auto, never.");
    return isatty(STDOUT_FILENO);
}

Outcome getinfo(const Args& args, const RpcClient& client, const std::vector<std::string>& words) {
    const auto wallet = wallet_of(args);
    const auto batch = sort_batch(client.call(getinfo_request(words), wallet));
    for (const std::size_t needed : {0, 1}) {
        if (!member(batch.at(needed), "error").isNull()) return reply_outcome(batch[needed]);
    }
    const UniValue extra = wallet ? UniValue() : wallet_balances(client);
    Outcome outcome;
    outcome.out = getinfo_text(member(batch[0], "result"), member(batch[1], "result"), member(batch.at(2), "result"),
                               member(batch.at(3), "result"), extra, wants_colour(args));
    return outcome;
}

Outcome netinfo(const Args& args, const RpcClient& client, const std::vector<std::string>& words) {
    Outcome outcome;
    if (!words.empty() && (words[0] == "h" || words[0] == "help")) {
        outcome.out = netinfo_help();
        return outcome;
    }
    const NetinfoOptions options = parse_netinfo(words);
    UniValue request(UniValue::VARR);
    request.push_back(make_request("getpeerinfo", UniValue(), UniValue(0)));
    request.push_back(make_request("getnetworkinfo", UniValue(), UniValue(1)));
    const auto batch = sort_batch(client.call(request));
    for (const UniValue& reply : batch) {
        if (!member(reply, "error").isNull()) return reply_outcome(reply);
    }
    outcome.out = netinfo_text(member(batch.at(0), "result"), member(batch.at(1), "result"), options, args.network(), net::Clock::system_now());
    return outcome;
}

Outcome addrinfo(const RpcClient& client, const std::vector<std::string>& words) {
    if (!words.empty()) throw std::runtime_error("-addrinfo takes no arguments");
    const UniValue reply = client.call(make_request("getaddrmaninfo", UniValue(), UniValue(1)));
    if (const UniValue& error = member(reply, "error"); !error.isNull()) {
        if (member(error, "code").getValStr() == std::to_string(http::rpc_code::kMethodNotFound)) {
            throw std::runtime_error("-addrinfo requires bitcoind v26.0 or later which supports getaddrmaninfo RPC. Please upgrade your node or "
                                     "use bitcoin-cli from the same version.");
        }
        return reply_outcome(reply);
    }
    const UniValue& networks = member(reply, "result");
    UniValue counts(UniValue::VOBJ);
    for (std::size_t i = 0; i < networks.size(); ++i) {
        const std::string& name = networks.getKeys()[i];
        counts.pushKV(name == "all_networks" ? "total" : name, member(networks.getValues()[i], "total"));
    }
    UniValue result(UniValue::VOBJ);
    result.pushKV("addresses_known", counts);
    return result_outcome(result);
}

/// getnewaddress, then generatetoaddress.
Outcome generate(const Args& args, const RpcClient& client, std::vector<std::string> words) {
    const auto wallet = wallet_of(args);
    const UniValue address = client.call(make_request("getnewaddress", UniValue(UniValue::VARR), UniValue(1)), wallet);
    if (!member(address, "error").isNull()) return reply_outcome(address);
    if (words.size() > 2) throw std::runtime_error("too many arguments (maximum 2 for nblocks and maxtries)");
    if (words.empty()) words.emplace_back("1");
    else if (words[0] == "0") {
        throw std::runtime_error("the first argument (number of blocks to generate, default: 1) must be an integer value greater than zero");
    }
    const std::string to = member(address, "result").getValStr();
    words.insert(words.begin() + 1, to);
    const UniValue reply = client.call(make_request("generatetoaddress", to_rpc_params("generatetoaddress", words), UniValue(1)), wallet);
    if (!member(reply, "error").isNull()) return reply_outcome(reply);
    UniValue result(UniValue::VOBJ);
    result.pushKV("address", to);
    result.pushKV("blocks", member(reply, "result"));
    return result_outcome(result);
}

Outcome plain_call(const Args& args, const RpcClient& client, std::vector<std::string> words) {
    if (words.empty()) throw std::runtime_error("too few parameters (need at least command)");
    const std::string method = words.front();
    words.erase(words.begin());
    const UniValue params = args.get_bool("-named", false) ? to_named_rpc_params(method, words) : to_rpc_params(method, words);
    return reply_outcome(client.call(make_request(method, params, UniValue(args.get("-rpcid", "1"))), wallet_of(args)));
}

std::vector<std::string> gather_words(Args& args) {
    std::vector<std::string> words = args.words();
    if (args.get_bool("-stdinrpcpass", false)) args.force_set("-rpcpassword", read_secret("RPC password", "-stdinrpcpass"));
    if (args.get_bool("-stdinwalletpassphrase", false)) {
        if (words.empty() || !words[0].starts_with("walletpassphrase")) {
            throw std::runtime_error("-stdinwalletpassphrase is only applicable for walletpassphrase(change)");
        }
        words.insert(words.begin() + 1, read_secret("Wallet passphrase", "-stdinwalletpassphrase"));
    }
    if (args.get_bool("-stdin", false)) {
        std::string line;
        while (std::getline(std::cin, line)) words.push_back(line);
        if (isatty(STDIN_FILENO)) std::fputc('\n', stdout);
    }
    return words;
}

Outcome run(Args& args) {
    const std::vector<std::string> words = gather_words(args);
    std::string several;
    int given = 0;
    for (const char* command : {"-addrinfo", "-generate", "-getinfo", "-netinfo"}) {
        if (!args.is_set(command)) continue;
        several += (given++ ? ", " : "") + std::string(command);
    }
    if (given > 1) throw std::runtime_error("Only one of " + several + " may be specified.");
    if (args.is_set("-ipcconnect") && args.get("-ipcconnect") != "0" && args.get("-ipcconnect") != "auto") {
        throw std::runtime_error("bitcoin-cli was not built with IPC support");
    }
    const RpcClient client(args);
    if (args.get_bool("-getinfo", false)) return getinfo(args, client, words);
    if (args.get_bool("-netinfo", false)) return netinfo(args, client, words);
    if (args.get_bool("-generate", false)) return generate(args, client, words);
    if (args.get_bool("-addrinfo", false)) return addrinfo(client, words);
    return plain_call(args, client, words);
}

void print_usage(const Args& args, bool version) {
    std::cout << kCompatibleName << " RPC client version v31.0.0 (" << kClientName << " v" << kClientVersion << ")\n";
    if (version) {
        std::cout << "\nThis is free software under the MIT licence, without any warranty.\n";
        return;
    }
    std::cout << "\nSends one call to a running node and prints its answer. \"help\" lists all methods, \"help <method>\" tells about one.\n\n"
                 "Usage: cairn-cli [options] <command> [params]\n"
                 "or:    cairn-cli [options] -named <command> [name=value]...\n"
                 "or:    cairn-cli [options] help\n"
                 "or:    cairn-cli [options] help <command>\n\n\n"
              << args.help(false);
}

int fail_with(const std::string& text) {
    std::cerr << text << std::endl;
    return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char* argv[]) {
    Args args;
    args.add_all(client_options());
    if (auto parsed = args.parse_command_line(argc, argv); !parsed) return fail_with(parsed.error());
    const bool version = args.get_bool("-version", false);
    if (argc < 2 || version || args.is_set("-?") || args.is_set("-h") || args.is_set("-help")) {
        print_usage(args, version);
        return argc < 2 ? fail_with("Error: too few parameters") : EXIT_SUCCESS;
    }
    if (args.get_bool("-light", false)) {
        const char* home = std::getenv("HOME");
        args.soft_set("-datadir", (std::filesystem::path(home ? home : "/") / kLightDataDir).string());
        std::error_code error;
        if (std::filesystem::exists(args.data_dir() / kLightConfigFile, error)) args.soft_set("-conf", kLightConfigFile);
    }
    if (!args.data_dir_exists()) return fail_with("Error: Specified data directory \"" + args.get("-datadir", "") + "\" does not exist.");
    try {
        if (auto read = args.read_config_files(); !read) return fail_with("Error reading configuration file: " + read.error());
        if (auto network = args.select_network(); !network) return fail_with("Error: " + network.error());
        const Outcome outcome = run(args);
        if (!outcome.error.empty()) std::cerr << outcome.error << std::endl;
        else if (!outcome.out.empty()) std::cout << outcome.out << std::endl;
        return outcome.code;
    } catch (const http::RpcError& e) {
        return fail_with("error: " + e.message);
    } catch (const std::exception& e) {
        return fail_with(std::string("error: ") + e.what());
    }
}
