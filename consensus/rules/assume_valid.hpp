#pragma once

#include <string_view>

#include "consensus/rules/params.hpp"

namespace cairn::rules {

/// What decides whether a block's scripts may go unverified.
struct AssumeValid {
    BlockHash block;                          ///< whose ancestors are assumed valid; null: none
    const HeaderNode* assumed = nullptr;      ///< its header; null while it is unknown
    const HeaderNode* best_header = nullptr;  ///< valid header with most work
    Arith256 minimum_chain_work;
};

/// Why the scripts of `node` must be verified, in Bitcoin Core's words for the log; nullopt when they need not: it is an
/// ancestor of the assumed-valid block and of the best header, whose chain has the minimum work, and is buried under two
/// weeks' worth of work.
std::optional<std::string_view> script_check_reason(const HeaderNode& node, const AssumeValid& assume, const ChainParams& params);

}  // namespace cairn::rules
