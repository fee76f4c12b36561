#include "consensus/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace cairn::detail {

void check_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: internal error, this does not hold: %s\n", file, line, expression);
    std::fflush(stderr);
    std::abort();
}

}  // namespace cairn::detail
