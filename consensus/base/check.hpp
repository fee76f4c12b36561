#pragma once

namespace cairn::detail {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}

/// Aborts, in release builds too, when our own logic is broken. Never for bad input from outside.
#define CAIRN_CHECK(condition)                                                      \
    do {                                                                            \
        if (!(condition)) [[unlikely]]                                              \
            ::cairn::detail::check_failed(#condition, __FILE__, __LINE__);          \
    } while (false)
