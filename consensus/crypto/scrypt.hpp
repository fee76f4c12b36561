#pragma once

#include <cstdint>

#include "consensus/base/bytes.hpp"
#include "consensus/crypto/locked_memory.hpp"

namespace cairn {

/// How dear a guess at a passphrase is made (RFC 7914): N = 2^log_n, block size r, parallelisation p.
/// Memory: 128 * N * r bytes, one after the other for each of p. Time grows with N * r * p.
struct ScryptCost {
    std::uint32_t log_n = 0, r = 0, p = 0;

    bool operator==(const ScryptCost&) const = default;
    /// Within what scrypt() takes: costs that come from a file could ask for any amount of memory and time. The bounds are 256 MiB and
    /// some 30 times the default's time.
    bool is_sane() const;
};

/// 64 MiB and about 0.3 s on a core of 2020.
inline constexpr ScryptCost kDefaultScryptCost{16, 8, 2};

/// `size` bytes of key out of a password. `cost` is sane. Aborts when there is no memory.
SecretBytes scrypt(ByteSpan password, ByteSpan salt, const ScryptCost& cost, std::size_t size);

}  // namespace cairn
