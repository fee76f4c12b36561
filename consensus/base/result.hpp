#pragma once

#include <tl/expected.hpp>

namespace cairn {

/// A value or the reason why there is none. The one alias behind which the implementation may change.
template <class T, class E>
using Result = tl::expected<T, E>;

/// `return fail(error);` in a function that returns a Result.
template <class E>
[[nodiscard]] constexpr tl::unexpected<std::decay_t<E>> fail(E&& error) {
    return tl::unexpected<std::decay_t<E>>(std::forward<E>(error));
}

}  // namespace cairn
