#pragma once

#include <string>

#include "consensus/chain/header_tree.hpp"

namespace cairn::node {

/// "2026-01-31T23:59:59Z"
std::string iso_time(std::int64_t seconds);
/// Base-2 logarithm of the chain's work, as the log shows it.
double log2_work(const HeaderNode* node);

/// Seconds of a clock that only goes forward, whatever time is mocked.
std::int64_t steady_seconds();

}  // namespace cairn::node
