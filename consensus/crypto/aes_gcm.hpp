#pragma once

#include <array>

#include "consensus/base/bytes.hpp"

/// AES-256 in Galois/counter mode: encryption that shows every change (NIST SP 800-38D), with nonces of 12 bytes and tags of 16.
namespace cairn {

inline constexpr std::size_t kGcmKeySize = 32, kGcmNonceSize = 12, kGcmTagSize = 16;

/// `out` has data.size() + kGcmTagSize bytes and shares none with the others. No nonce may be used twice with one key.
void aes256_gcm_seal(ByteSpan key, ByteSpan nonce, ByteSpan aad, ByteSpan data, MutableByteSpan out);
/// `out` has sealed.size() - kGcmTagSize bytes. False: it is not authentic (or shorter than a tag), and `out` was wiped.
[[nodiscard]] bool aes256_gcm_open(ByteSpan key, ByteSpan nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out);

}  // namespace cairn
