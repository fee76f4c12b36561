#include "light/client/filter_checkpoints.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "consensus/base/check.hpp"

namespace cairn::light {
namespace {

struct Row {
    Network network;
    Height height;
    std::string_view header;  ///< in display order
};

constexpr Row kRows[] = {
#include "light/client/detail/filter_checkpoints.inc"
};

/// Names of networks as the table spells them.
constexpr std::array<std::pair<std::string_view, Network>, 5> kNames{{{"mainnet", Network::mainnet},
                                                                      {"testnet3", Network::testnet3},
                                                                      {"testnet4", Network::testnet4},
                                                                      {"signet", Network::signet},
                                                                      {"regtest", Network::regtest}}};

/// Cuts off `text` what lies before `mark`, and the mark. nullopt: it is not there.
std::optional<std::string_view> cut(std::string_view& text, std::string_view mark) {
    const std::size_t at = text.find(mark);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view before = text.substr(0, at);
    text.remove_prefix(at + mark.size());
    return before;
}

/// {Network::NAME, HEIGHT, "HEADER"},
std::optional<std::pair<Network, FilterCheckpoint>> parse_row(std::string_view line) {
    const auto nothing = cut(line, "{Network::");
    const auto name = cut(line, ", "), height = cut(line, ", \""), header = cut(line, "\"},");
    if (!nothing || !nothing->empty() || !name || !height || !header || !line.empty()) return std::nullopt;
    const auto known = std::ranges::find(kNames, *name, [](const auto& entry) { return entry.first; });
    const auto hash = Uint256::from_display_hex(*header);
    FilterCheckpoint point;
    const auto [end, error] = std::from_chars(height->data(), height->data() + height->size(), point.height);
    if (known == kNames.end() || !hash || error != std::errc() || end != height->data() + height->size() || point.height < 1) return std::nullopt;
    point.header = *hash;
    return std::pair(known->second, point);
}

}  // namespace

Result<std::vector<FilterCheckpoint>, std::string> read_filter_checkpoints(const std::filesystem::path& file, Network network) {
    std::ifstream input(file);
    if (!input) return fail("Cannot read " + file.string());
    std::vector<FilterCheckpoint> points;
    int number = 0;
    for (std::string line; std::getline(input, line);) {
        ++number;
        if (line.empty()) continue;
        const auto row = parse_row(line);
        if (!row) return fail(file.string() + ", line " + std::to_string(number) + ": not a row that make_filter_checkpoints.py writes");
        if (row->first == network) points.push_back(row->second);
    }
    std::ranges::sort(points, {}, &FilterCheckpoint::height);
    return points;
}

std::vector<FilterCheckpoint> filter_checkpoints(Network network) {
    std::vector<FilterCheckpoint> points;
    for (const Row& row : kRows) {
        if (row.network != network) continue;
        const auto header = Uint256::from_display_hex(row.header);
        CAIRN_CHECK(header.has_value());
        points.push_back({row.height, *header});
    }
    return points;
}

}  // namespace cairn::light
