#pragma once

#include <array>
#include <optional>

#include "consensus/base/bytes.hpp"

namespace cairn {

inline constexpr std::size_t kAesBlockSize = 16;

/// One block with a 32-byte key.
std::array<std::uint8_t, kAesBlockSize> aes256_encrypt_block(ByteSpan key, ByteSpan block);
std::array<std::uint8_t, kAesBlockSize> aes256_decrypt_block(ByteSpan key, ByteSpan block);

/// AES-256 in CBC mode. With `pad` PKCS#7 padding is added and taken off; without it the size must be a multiple of a
/// block. nullopt: a size that cannot be, or padding that is not one.
std::optional<Bytes> aes256_cbc_encrypt(ByteSpan key, ByteSpan iv, ByteSpan data, bool pad);
std::optional<Bytes> aes256_cbc_decrypt(ByteSpan key, ByteSpan iv, ByteSpan data, bool pad);

}  // namespace cairn
