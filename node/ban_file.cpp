#include "node/ban_file.hpp"

#include <univalue.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>

#include "net/io/log.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::node {

namespace fs = std::filesystem;
namespace log = net::log;

namespace {

constexpr int kVersion = 1;

/// nullopt: there is no list, or what there is cannot be one.
std::optional<std::vector<net::Ban>> read(const fs::path& file, std::int64_t now) {
    std::ifstream in(file);
    if (!in) return std::nullopt;
    const auto broken = [&](const char* why) {
        log::warning("Cannot parse banlist {}: {}", file.string(), why);
        return std::nullopt;
    };
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    UniValue json;
    if (!json.read(text) || !json.isObject() || !json["banned_nets"].isArray()) return broken("it is not what it should be");
    std::vector<net::Ban> bans;
    for (const UniValue& entry : json["banned_nets"].getValues()) {
        if (!entry.isObject() || !entry["version"].isNum() || !entry["address"].isStr()) return broken("an entry is not what it should be");
        if (entry["version"].getValStr() != std::to_string(kVersion)) {
            log::info("Dropping entry with unknown version ({}) from ban list", entry["version"].getValStr());
            continue;
        }
        net::Ban ban{entry["address"].get_str(), 0, 0};
        try {
            ban.created = entry["ban_created"].get_int64();
            ban.until = entry["banned_until"].get_int64();
        } catch (const std::runtime_error&) {
            return broken("an entry is not what it should be");
        }
        if (!net::Subnet::parse(ban.subnet)) log::info("Dropping entry with unparseable address or subnet ({}) from ban list", ban.subnet);
        else if (ban.until > now) bans.push_back(std::move(ban));
    }
    return bans;
}

}  // namespace

std::vector<net::Ban> load_bans(const fs::path& file, std::int64_t now) {
    log::info("Loading banlist…");
    if (auto bans = read(file, now)) {
        log::debug(log::Category::net, "Loaded {} banned node addresses/subnets", bans->size());
        return std::move(*bans);
    }
    log::info("Recreating the banlist database");
    write_bans(file, {});
    return {};
}

bool write_bans(const fs::path& file, const std::vector<net::Ban>& bans) {
    UniValue list(UniValue::VARR);
    for (const net::Ban& ban : bans) {
        UniValue entry(UniValue::VOBJ);
        entry.pushKV("version", kVersion);
        entry.pushKV("ban_created", ban.created);
        entry.pushKV("banned_until", ban.until);
        entry.pushKV("address", ban.subnet);
        list.push_back(entry);
    }
    UniValue json(UniValue::VOBJ);
    json.pushKV("banned_nets", list);
    const fs::path fresh = file.string() + ".tmp";
    std::ofstream out(fresh, std::ios::trunc);
    out << json.write(4) << "\n";
    out.close();
    std::error_code error;
    if (out) fs::rename(fresh, file, error);
    if (!out || error) log::error("Unable to write {}: {}", file.string(), error ? error.message() : "write failed");
    return out && !error;
}

}  // namespace cairn::node
