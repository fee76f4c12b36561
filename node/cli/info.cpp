#include <algorithm>

#include <fmt/format.h>

#include "net/http/rpc_params.hpp"
#include "node/cli/client.hpp"

/// The text of -getinfo.
namespace cairn::node {
namespace {

using http::member;

const std::string& text_of(const UniValue& object, const char* name) { return member(object, name).getValStr(); }

std::string progress_bar(double progress) {
    std::string bar;
    if (progress < 0 || progress > 1) return bar;
    constexpr double kStep = 0.05;
    for (int i = 0; i < progress / kStep; ++i) bar += "▒";
    for (int i = 0; i < (1 - progress) / kStep; ++i) bar += "░";
    return bar;
}

/// "127.0.0.1:9050 (ipv4, ipv6), 127.0.0.1:7656 (i2p)" in the order in which they appear.
std::string proxies_of(const UniValue& networks) {
    std::vector<std::pair<std::string, std::string>> groups;
    for (std::size_t i = 0; i < networks.size(); ++i) {
        const std::string& proxy = text_of(networks[i], "proxy");
        if (proxy.empty()) continue;
        const std::string& name = text_of(networks[i], "name");
        bool found = false;
        for (auto& [address, names] : groups) {
            if (address != proxy) continue;
            names += ", " + name;
            found = true;
        }
        if (!found) groups.emplace_back(proxy, name);
    }
    std::string out;
    for (const auto& [address, names] : groups) out += (out.empty() ? "" : ", ") + address + " (" + names + ")";
    return out.empty() ? "n/a" : out;
}

std::string warnings_of(const UniValue& warnings) {
    if (warnings.isStr()) return warnings.getValStr();
    std::string out;
    for (std::size_t i = 0; i < warnings.size(); ++i) out += (i ? ", " : "") + warnings[i].getValStr();
    return out;
}

}  // namespace

UniValue getinfo_request(const std::vector<std::string>& words) {
    if (!words.empty()) throw std::runtime_error("-getinfo takes no arguments");
    UniValue batch(UniValue::VARR);
    int id = 0;
    for (const char* method : {"getnetworkinfo", "getblockchaininfo", "getwalletinfo", "getbalances"}) {
        batch.push_back(make_request(method, UniValue(), UniValue(id++)));
    }
    return batch;
}

std::string getinfo_text(const UniValue& net, const UniValue& chain, const UniValue& wallet, const UniValue& balances,
                         const UniValue& extra_balances, bool colour) {
    const auto paint = [&](const char* code) { return std::string(colour ? code : ""); };
    const std::string reset = paint("\x1B[0m");
    std::string out = fmt::format("{}Chain: {}{}\n", paint("\x1B[34m"), text_of(chain, "chain"), reset);
    out += fmt::format("Blocks: {}\nHeaders: {}\n", text_of(chain, "blocks"), text_of(chain, "headers"));
    const double progress = http::as_real(member(chain, "verificationprogress"));
    std::string bar = progress < 0.99 ? progress_bar(progress) + " " : "";
    out += fmt::format("Verification progress: {}{:.4f}%\n", bar, progress * 100);
    out += fmt::format("Difficulty: {}\n\n", text_of(chain, "difficulty"));
    out += fmt::format("{}Network: in {}, out {}, total {}{}\n", paint("\x1B[32m"), text_of(net, "connections_in"),
                       text_of(net, "connections_out"), text_of(net, "connections"), reset);
    out += fmt::format("Version: {}\nTime offset (s): {}\n", text_of(net, "version"), text_of(net, "timeoffset"));
    out += fmt::format("Proxies: {}\n", proxies_of(member(net, "networks")));
    out += fmt::format("Min tx relay fee rate (BTC/kvB): {}\n\n", text_of(net, "relayfee"));
    if (wallet.isObject()) {
        const std::string& name = text_of(wallet, "walletname");
        out += fmt::format("{}Wallet: {}{}\n", paint("\x1B[35m"), name.empty() ? "\"\"" : name, reset);
        out += fmt::format("Keypool size: {}\n", text_of(wallet, "keypoolsize"));
        if (!member(wallet, "unlocked_until").isNull()) out += fmt::format("Unlocked until: {}\n", text_of(wallet, "unlocked_until"));
    }
    if (balances.isObject()) {
        out += fmt::format("{}Balance:{} {}\n\n", paint("\x1B[36m"), reset, text_of(member(balances, "mine"), "trusted"));
    }
    if (extra_balances.isObject() && !extra_balances.empty()) {
        out += fmt::format("{}Balances{}\n", paint("\x1B[36m"), reset);
        std::size_t width = 10;
        for (const UniValue& balance : extra_balances.getValues()) width = std::max(width, balance.getValStr().size());
        for (std::size_t i = 0; i < extra_balances.size(); ++i) {
            const std::string& name = extra_balances.getKeys()[i];
            out += fmt::format("{:>{}} {}\n", extra_balances.getValues()[i].getValStr(), width, name.empty() ? "\"\"" : name);
        }
        out += "\n";
    }
    const std::string warnings = warnings_of(member(net, "warnings"));
    return out + fmt::format("{}Warnings:{} {}", paint("\x1B[33m"), reset, warnings.empty() ? "(none)" : warnings);
}

}  // namespace cairn::node
