#pragma once

#include "net/core/random.hpp"

namespace cairn::net {

/// A random interval with this mean, as between events that know nothing of each other: never negative.
std::int64_t exponential_interval(Random& random, std::int64_t mean_us);

}  // namespace cairn::net
