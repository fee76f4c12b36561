#include "net/core/intervals.hpp"

#include <cmath>

namespace cairn::net {

std::int64_t exponential_interval(Random& random, std::int64_t mean_us) {
    // 53 bits of a number above 0 and at most 1.
    const double uniform = (static_cast<double>(random.u64() >> 11) + 1.0) / 9007199254740992.0;
    return static_cast<std::int64_t>(-std::log(uniform) * static_cast<double>(mean_us) + 0.5);
}

}  // namespace cairn::net
