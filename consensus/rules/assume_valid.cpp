#include "consensus/rules/assume_valid.hpp"

#include "consensus/rules/difficulty.hpp"

namespace cairn::rules {

std::optional<std::string_view> script_check_reason(const HeaderNode& node, const AssumeValid& assume, const ChainParams& params) {
    constexpr std::int64_t kTwoWeeks = 14 * 86'400;
    if (assume.block.is_null()) return "assumevalid=0 (always verify)";
    if (assume.assumed == nullptr) return "assumevalid hash not in headers";
    if (assume.assumed->ancestor(node.height) != &node) {
        return node.height > assume.assumed->height ? "block height above assumevalid height" : "block not in assumevalid chain";
    }
    const HeaderNode* best = assume.best_header;
    if (best == nullptr || best->ancestor(node.height) != &node) return "block not in best header chain";
    if (best->chain_work < assume.minimum_chain_work) return "best header chainwork below minimumchainwork";
    // Only what is buried deep is skipped: no one can be talked into skipping a block that miners made a moment ago.
    if (equivalent_time(*best, node, *best, params) <= kTwoWeeks) return "block too recent relative to best header";
    return std::nullopt;
}

}  // namespace cairn::rules
