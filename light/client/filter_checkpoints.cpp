#include "light/client/filter_checkpoints.hpp"

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

}  // namespace

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
