#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "consensus/rules/params.hpp"
#include "node/config/args.hpp"
#include "node/mempool/options.hpp"
#include "node/mining/options.hpp"

namespace cairn::node {

/// What the options say about transactions that wait. Errors: Bitcoin Core's sentence, for "Error: ...".
Result<MempoolOptions, std::string> make_mempool_options(const Args& args, const ChainParams& params);

/// What the options say about blocks that are made here. Errors likewise.
Result<MiningOptions, std::string> make_mining_options(const Args& args);

/// An amount in bitcoins as options take it: digits, then at most eight after a point, whitespace around; nullopt for everything
/// else and beyond 21 million.
std::optional<Amount> parse_money(std::string_view text);

}  // namespace cairn::node
