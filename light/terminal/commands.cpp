#include "light/terminal/commands.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "light/terminal/detail/session.hpp"
#include "net/http/rpc_error.hpp"
#include "net/http/rpc_params.hpp"

namespace cairn::light {
namespace terminal {
namespace {

using http::member;

struct Command {
    const char* name;
    const char* arguments;
    const char* words;
    std::size_t fewest, most;
    std::set<std::string> options;
    void (*run)(Session&);
};

const std::vector<Command>& commands() {
    static const std::vector<Command> all = {
        {"init", "[<wallet>] [--words=12|24] [--no-passphrase]",
         "Make a new wallet. Shows the words that are the wallet: whoever has them has the money, and without them it is lost with this computer.",
         0, 1, {"words", "no-passphrase", "yes"}, init},
        {"restore", "[<wallet>] [--since=<date or height>] [--no-passphrase] [--from=<file>] [--extra-passphrase]",
         "Bring a wallet back from its words, or from a file that backup wrote. With a date like 2024-05-01 (or a height) it need not look at older blocks.",
         0, 1, {"since", "no-passphrase", "from", "extra-passphrase"}, restore},
        {"receive", "[--amount=<bitcoins>] [--label=<text>] [--type=bech32|bech32m|p2sh-segwit|legacy]",
         "Show a new address to be paid at, and its QR code.", 0, 0, {"amount", "label", "type", "no-qr"}, receive},
        {"send", "<address> <bitcoins>|all [--fee=<satoshis per vbyte>] [--target=<blocks>] [--subtract-fee] [--yes]",
         "Pay. Shows what leaves the wallet and what it costs, and asks before anything is sent.", 2, 2,
         {"fee", "target", "subtract-fee", "yes"}, send},
        {"history", "[--count=<n>]", "Show the newest payments, the last one last (default: 20).", 0, 0, {"count"}, history},
        {"balance", "", "Show what the wallet holds, and how far blocks were looked at.", 0, 0, {}, balance},
        {"backup", "<file> [--no-passphrase]", "Write the wallet to a file that restore reads. Labels are in there, which the words know nothing of.", 1, 1,
         {"no-passphrase"}, backup},
    };
    return all;
}

const Command* find(std::string_view name) {
    for (const Command& command : commands()) {
        if (command.name == name) return &command;
    }
    return nullptr;
}

std::string usage(const Command& command) {
    return fmt::format("cairn-light [options] {}{}{}", command.name, *command.arguments ? " " : "", command.arguments);
}

/// Sorts what was typed into words and --options.
void take_words(Session& session, const Command& command, const std::vector<std::string>& typed) {
    for (std::size_t i = 1; i < typed.size(); ++i) {
        if (!typed[i].starts_with("--")) {
            session.words.push_back(typed[i]);
            continue;
        }
        const std::size_t equals = typed[i].find('=');
        const std::string name = typed[i].substr(2, equals == std::string::npos ? equals : equals - 2);
        if (name != "wallet" && !command.options.contains(name)) throw Refusal{fmt::format("{} has no option --{}\nUsage: {}", command.name, name, usage(command))};
        session.options[name] = equals == std::string::npos ? "" : typed[i].substr(equals + 1);
    }
    if (session.words.size() < command.fewest || session.words.size() > command.most) throw Refusal{"Usage: " + usage(command)};
}

std::string join(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) out += (out.empty() ? "" : ", ") + (name.empty() ? "\"\"" : name);
    return out;
}

}  // namespace

UniValue Session::call(const std::string& method, const UniValue& params_json, const std::optional<std::string>& wallet) {
    auto result = caller.call(method, params_json, wallet);
    if (!result && result.error().message.starts_with("Fee estimation failed")) {
        throw Refusal{"No fee rate is known. Say which one: --fee=<satoshis per virtual byte>"};
    }
    if (!result) throw Refusal{result.error().message};
    return std::move(*result);
}

std::string Session::wallet() {
    std::vector<std::string> loaded, stored;
    const UniValue answer = call("listwallets");
    for (const UniValue& name : answer.getValues()) loaded.push_back(name.get_str());
    const bool chosen = has("wallet");
    const std::string wanted = option("wallet");
    if (chosen && std::find(loaded.begin(), loaded.end(), wanted) != loaded.end()) return wanted;
    if (!chosen && loaded.size() == 1) return loaded.front();
    if (!chosen && loaded.size() > 1) throw Refusal{"There are several wallets; say which with --wallet=<name>: " + join(loaded)};
    const UniValue folder = call("listwalletdir");
    for (const UniValue& entry : member(folder, "wallets").getValues()) stored.push_back(member(entry, "name").get_str());
    if (!chosen && stored.empty()) throw Refusal{"There is no wallet. Make one with: cairn-light init"};
    if (!chosen && stored.size() > 1) throw Refusal{"There are several wallets; say which with --wallet=<name>: " + join(stored)};
    const std::string name = chosen ? wanted : stored.front();
    call("loadwallet", Named().set("filename", name));
    return name;
}

std::string Session::ask(const std::string& question) {
    auto answer = console.ask(question);
    if (!answer) throw Refusal{"Nothing was done: the input ended"};
    return std::move(*answer);
}

std::string Session::ask_secret(const std::string& question) {
    auto answer = console.ask_secret(question);
    if (!answer) throw Refusal{"Nothing was done: the input ended"};
    return std::move(*answer);
}

void Session::confirm(const std::string& question) {
    if (has("yes")) return;
    const auto answer = console.ask(question + " Type yes to go on: ");
    if (!answer || (*answer != "yes" && *answer != "YES" && *answer != "Yes")) throw Refusal{"Nothing was sent"};
}

std::string Session::ask_new_passphrase(const std::string& question) {
    if (has("no-passphrase")) return "";
    for (int attempt = 0; attempt < 3; ++attempt) {
        const std::string first = ask_secret(question);
        if (first.empty()) return "";
        if (ask_secret("The same again: ") == first) return first;
        console.show("The two differ.\n");
    }
    throw Refusal{"Nothing was done: no passphrase was chosen"};
}

Unlocked::Unlocked(Session& session, std::string wallet) : session_(session), wallet_(std::move(wallet)) {
    const UniValue info = session_.call("getwalletinfo", UniValue(UniValue::VARR), wallet_);
    const UniValue& until = member(info, "unlocked_until");
    if (!until.isNum() || until.get_int64() != 0) return;
    unlock(session_.ask_secret("Passphrase of the wallet: "));
}

Unlocked::Unlocked(Session& session, std::string wallet, const std::string& passphrase) : session_(session), wallet_(std::move(wallet)) {
    if (!passphrase.empty()) unlock(passphrase);
}

void Unlocked::unlock(const std::string& passphrase) {
    constexpr int kSeconds = 120;
    session_.call("walletpassphrase", Named().set("passphrase", passphrase).set("timeout", kSeconds), wallet_);
    lock_again_ = true;
}

Unlocked::~Unlocked() {
    // Should this fail, the timeout locks it.
    if (lock_again_) (void)session_.caller.call("walletlock", UniValue(UniValue::VARR), wallet_);
}

Amount parse_amount(const std::string& text) {
    std::int64_t amount = 0;
    if (!http::parse_fixed_point(text, 8, amount)) throw Refusal{"\"" + text + "\" is no amount of bitcoins, such as 0.015"};
    if (amount <= 0 || !money_range(amount)) throw Refusal{"An amount of " + text + " bitcoins cannot be paid"};
    return amount;
}

Amount amount_of(const UniValue& number) {
    std::int64_t amount = 0;
    if (!number.isNum() || !http::parse_fixed_point(number.getValStr(), 8, amount)) throw Refusal{"The answer has no proper amount"};
    return amount;
}

std::string amount_text(Amount amount) {
    const Amount size = amount < 0 ? -amount : amount;
    return fmt::format("{}{}.{:08}", amount < 0 ? "-" : "", size / kCoin, size % kCoin);
}

}  // namespace terminal

bool is_command(std::string_view word) { return word == "help" || terminal::find(word) != nullptr; }

std::string commands_help() {
    std::string out = "Commands for people, while cairn-light runs (each takes --wallet=<name> where there are several):\n";
    for (const auto& command : terminal::commands()) out += fmt::format("\n  {} {}\n       {}\n", command.name, command.arguments, command.words);
    return out;
}

int run_command(const std::vector<std::string>& words, RpcCaller& caller, const ChainParams& params, Console& console) {
    if (words.empty() || words.front() == "help") {
        console.show(commands_help());
        return 0;
    }
    const auto* command = terminal::find(words.front());
    if (!command) {
        console.show("There is no command \"" + words.front() + "\"\n\n" + commands_help());
        return 1;
    }
    terminal::Session session{caller, params, console, {}, {}};
    try {
        terminal::take_words(session, *command, words);
        command->run(session);
        return 0;
    } catch (const terminal::Refusal& refusal) {
        console.show(refusal.message + "\n");
    } catch (const http::RpcError& error) {
        console.show(error.message + "\n");
    } catch (const std::exception& error) {
        console.show(std::string("The answer of cairn-light was not understood: ") + error.what() + "\n");
    }
    return 1;
}

}  // namespace cairn::light
