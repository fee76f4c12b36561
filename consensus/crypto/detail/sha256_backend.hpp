#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cairn::detail {

using Sha256State = std::array<std::uint32_t, 8>;

inline constexpr Sha256State kSha256Init = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

inline constexpr std::uint32_t kSha256Round[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// Takes `blocks` blocks of 64 bytes into the state.
using Sha256Compress = void (*)(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks);
/// SHA-256d of a fixed number of 64-byte inputs; `out` may be `in`.
using Sha256Double64 = void (*)(std::uint8_t* out, const std::uint8_t* in);

/// What one instruction set offers. A lane count of zero: no function for many inputs at once.
struct Sha256Backend {
    const char* name = "";
    Sha256Compress compress = nullptr;
    Sha256Double64 double64_wide = nullptr;
    std::size_t lanes = 0;  ///< inputs that double64_wide takes
};

/// Backends that this machine can run and that agree with the portable one, the portable one first.
std::span<const Sha256Backend> sha256_backends();
/// The one in use.
const Sha256Backend& sha256_backend();
/// sha256d_64_many through a chosen backend.
void sha256d_64_many(const Sha256Backend& backend, std::uint8_t* out, const std::uint8_t* in, std::size_t count);

void sha256_compress_portable(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks);
/// CPUID says SHA extensions and SSE4.1.
bool cpu_has_shani();
void sha256_compress_shani(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks);
void sha256d_64_shani_2way(std::uint8_t* out, const std::uint8_t* in);
void sha256d_64_avx2_8way(std::uint8_t* out, const std::uint8_t* in);

}  // namespace cairn::detail
