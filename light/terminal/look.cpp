// Looking at a wallet, and keeping a copy of it.
#include <chrono>
#include <ctime>
#include <filesystem>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "light/terminal/detail/session.hpp"
#include "net/http/rpc_params.hpp"

namespace cairn::light::terminal {
namespace {

using http::member;

/// Names that others chose must not reach the terminal as escape sequences.
std::string printable(const std::string& text) {
    std::string out;
    for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return out;
}

std::string what_happened(const UniValue& entry) {
    const std::string category = member(entry, "category").get_str();
    const std::int64_t confirmations = member(entry, "confirmations").isNum() ? member(entry, "confirmations").get_int64() : 0;
    if (member(entry, "abandoned").isTrue()) return "abandoned";
    if (confirmations < 0) return "conflicted";
    if (category == "immature") return "mined, not yet spendable";
    if (category == "orphan") return "mined, lost";
    if (confirmations == 0) return "waiting";
    return fmt::format("{} confirmation{}", confirmations, confirmations == 1 ? "" : "s");
}

std::string progress_text(const UniValue& chain, const UniValue& info) {
    const std::string height = member(chain, "blocks").getValStr();
    const UniValue& scanning = member(info, "scanning");
    if (scanning.isObject()) {
        return fmt::format("Old blocks are being looked at: {:.1f} %. More payments may appear.", 100 * member(scanning, "progress").get_real());
    }
    if (member(chain, "initialblockdownload").isTrue()) {
        return fmt::format("Catching up with the chain: {} of {} blocks. More payments may appear.", height, member(chain, "headers").getValStr());
    }
    return "Up to date with block " + height + ".";
}

}  // namespace

void balance(Session& session) {
    const std::string wallet = session.wallet();
    const UniValue balances = session.call("getbalances", UniValue(UniValue::VARR), wallet);
    const UniValue& mine = member(balances, "mine");
    session.console.show(fmt::format("{:>16} BTC   can be spent\n", amount_text(amount_of(member(mine, "trusted")))));
    const auto show = [&](const char* key, const char* words) {
        const UniValue& value = member(mine, key);
        if (value.isNum() && amount_of(value) != 0) session.console.show(fmt::format("{:>16} BTC   {}\n", amount_text(amount_of(value)), words));
    };
    show("untrusted_pending", "on its way");
    show("immature", "mined, not yet spendable");
    show("used", "at addresses that were used before");
    const UniValue info = session.call("getwalletinfo", UniValue(UniValue::VARR), wallet);
    session.console.show(progress_text(session.call("getblockchaininfo"), info) + "\n");
}

void history(Session& session) {
    const std::string wallet = session.wallet();
    const std::string count = session.option("count", "20");
    if (count.empty() || count.size() > 6 || count.find_first_not_of("0123456789") != std::string::npos || std::stoi(count) == 0) {
        throw Refusal{"--count takes a number from 1"};
    }
    const UniValue entries = session.call("listtransactions", Named().set("label", "*").set("count", std::stoi(count)), wallet);
    if (entries.empty()) return session.console.show("No payments yet.\n");
    for (const UniValue& entry : entries.getValues()) {
        const std::time_t when = member(entry, "time").get_int64();
        std::tm local{};
        localtime_r(&when, &local);
        const UniValue& silent = member(entry, "silent_payment_address");
        const UniValue& address = silent.isStr() ? silent : member(entry, "address");
        const UniValue& label = member(entry, "label");
        session.console.show(fmt::format("{:%Y-%m-%d %H:%M}  {:>16} BTC  {:<24} {}{}\n                   {}\n", local,
                                         amount_text(amount_of(member(entry, "amount"))), what_happened(entry),
                                         address.isStr() ? address.get_str() : "", label.isStr() && !label.get_str().empty() ? "  \"" + printable(label.get_str()) + "\"" : "",
                                         member(entry, "txid").get_str()));
    }
}

void backup(Session& session) {
    const std::string wallet = session.wallet();
    const auto path = std::filesystem::absolute(session.words.front());
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) throw Refusal{path.string() + " exists already. Choose another name"};
    const std::string passphrase = session.ask_new_passphrase("Passphrase for the file, which restoring will ask for (empty: none): ");
    Named arguments;
    arguments.set("destination", path.string());
    if (!passphrase.empty()) arguments.set("passphrase", passphrase);
    session.call("backupwallet", arguments, wallet);
    session.console.show("The wallet \"" + wallet + "\" is in " + path.string() +
                         (passphrase.empty() ? ". Whoever has this file sees what the wallet has; to spend it, they need the wallet's passphrase, if it has one.\n"
                                             : ". The file is of no use without its passphrase.\n"));
}

}  // namespace cairn::light::terminal
