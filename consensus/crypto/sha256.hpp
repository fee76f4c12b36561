#pragma once

#include <array>
#include <string_view>

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"

namespace cairn {

/// SHA-256 of bytes that come in pieces. A copy continues from the same state (a midstate).
/// Thread: one at a time. Cost: one compression per 64 bytes, by the fastest backend of this machine.
/// Source: FIPS 180-4.
class Sha256 {
public:
    static constexpr std::size_t kSize = 32;
    static constexpr std::size_t kBlockSize = 64;

    Sha256();

    Sha256& write(ByteSpan data);
    Sha256& write(const Uint256& hash) { return write(hash.span()); }
    /// The hash of everything written. The object must be reset() before it is used again.
    Uint256 finish();
    /// SHA-256 of finish(): the double hash of everything written.
    Uint256 finish_double();
    void reset();
    /// Bytes written so far.
    std::uint64_t size() const { return size_; }

private:
    std::array<std::uint32_t, 8> state_;
    std::array<std::uint8_t, kBlockSize> buffer_;
    std::uint64_t size_ = 0;
};

/// A hasher that has already taken in SHA-256(tag) twice: what BIP340 calls a tagged hash. Keep one per tag and copy
/// it.
Sha256 tagged_hasher(std::string_view tag);
/// BIP340's hash_tag(data).
Uint256 tagged_hash(std::string_view tag, ByteSpan data);

/// SHA-256d of each of `count` inputs of 64 bytes: one level of a merkle tree.
/// Shape: `in` holds count * 64 bytes, `out` takes count * 32; `out` may be the same memory as `in`.
/// Cost: eight inputs at a time with AVX2, two with SHA-NI.
void sha256d_64_many(std::uint8_t* out, const std::uint8_t* in, std::size_t count);

/// The implementation that was chosen for this machine, such as "x86_shani(1way,2way)", for the log.
std::string_view sha256_backend_name();

}  // namespace cairn
