#include "consensus/script/flags.hpp"

#include <algorithm>
#include <array>

namespace cairn {
namespace {

// In the order of the enumeration.
constexpr auto kNames = std::to_array<std::string_view>({
    "P2SH",
    "STRICTENC",
    "DERSIG",
    "LOW_S",
    "NULLDUMMY",
    "SIGPUSHONLY",
    "MINIMALDATA",
    "DISCOURAGE_UPGRADABLE_NOPS",
    "CLEANSTACK",
    "CHECKLOCKTIMEVERIFY",
    "CHECKSEQUENCEVERIFY",
    "WITNESS",
    "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM",
    "MINIMALIF",
    "NULLFAIL",
    "WITNESS_PUBKEYTYPE",
    "CONST_SCRIPTCODE",
    "TAPROOT",
    "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION",
    "DISCOURAGE_OP_SUCCESS",
    "DISCOURAGE_UPGRADABLE_PUBKEYTYPE",
});

static_assert(kNames.size() == kScriptFlagCount);

std::optional<ScriptFlag> flag_by_name(std::string_view name) {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) return std::nullopt;
    return static_cast<ScriptFlag>(found - kNames.begin());
}

}  // namespace

ScriptFlags trim_flags(ScriptFlags flags) {
    if (!flags.has(ScriptFlag::p2sh)) flags &= ~ScriptFlag::witness;
    if (!flags.has(ScriptFlag::witness)) flags &= ~ScriptFlag::cleanstack;
    return flags;
}

ScriptFlags fill_flags(ScriptFlags flags) {
    if (flags.has(ScriptFlag::cleanstack)) flags |= ScriptFlag::witness;
    if (flags.has(ScriptFlag::witness)) flags |= ScriptFlag::p2sh;
    return flags;
}

std::string_view script_flag_name(ScriptFlag flag) {
    return kNames[static_cast<std::size_t>(flag)];
}

std::vector<std::string_view> script_flag_names(ScriptFlags flags) {
    std::vector<std::string_view> names;
    for (int i = 0; i < kScriptFlagCount; ++i) {
        if (flags.has(static_cast<ScriptFlag>(i))) names.push_back(kNames[static_cast<std::size_t>(i)]);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::optional<ScriptFlags> parse_script_flags(std::string_view list) {
    ScriptFlags flags;
    if (list.empty() || list == "NONE") return flags;
    for (;;) {
        const std::size_t comma = list.find(',');
        const auto flag = flag_by_name(list.substr(0, comma));
        if (!flag) return std::nullopt;
        flags |= *flag;
        if (comma == std::string_view::npos) return flags;
        list.remove_prefix(comma + 1);
    }
}

}  // namespace cairn
