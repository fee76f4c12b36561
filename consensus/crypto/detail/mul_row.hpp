#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::detail {

/// sum[0..47] += factors[0..47] * factor; what runs over is returned.
using MulAddRow48 = std::uint64_t (*)(std::uint64_t* sum, const std::uint64_t* factors, std::uint64_t factor);

std::uint64_t mul_add_row48_portable(std::uint64_t* sum, const std::uint64_t* factors, std::uint64_t factor);
/// With MULX and two carry chains (BMI2 and ADX).
std::uint64_t mul_add_row48_adx(std::uint64_t* sum, const std::uint64_t* factors, std::uint64_t factor);

/// The fastest that this machine can run.
MulAddRow48 mul_add_row48();

}  // namespace cairn::detail
