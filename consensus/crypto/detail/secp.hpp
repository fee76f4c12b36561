#pragma once

#include <cstring>

#include <secp256k1.h>

#include "consensus/crypto/ecc.hpp"

/// Shared by this room's files that call libsecp256k1; only .cpp files include this.
namespace cairn::detail {

/// For verification, parsing and everything without secrets: created once.
const secp256k1_context* secp_context();
/// For secret keys: created once and blinded with random bytes.
const secp256k1_context* secp_signing_context();

inline const secp256k1_pubkey* secp_key(const PublicKey& key) {
    static_assert(sizeof(secp256k1_pubkey) == sizeof(std::array<std::uint8_t, 64>));
    return reinterpret_cast<const secp256k1_pubkey*>(key.internal().data());
}

inline PublicKey from_secp(const secp256k1_pubkey& point) {
    std::array<std::uint8_t, 64> bytes;
    std::memcpy(bytes.data(), point.data, sizeof point.data);
    return PublicKey::from_internal(bytes);
}

/// Overwrites secrets in a way that the compiler keeps.
inline void wipe(void* memory, std::size_t size) {
    std::memset(memory, 0, size);
    __asm__ __volatile__("" : : "r"(memory) : "memory");
}

}  // namespace cairn::detail
