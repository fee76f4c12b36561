#pragma once

#include "consensus/crypto/ecc.hpp"

namespace cairn {

/// A public key as 64 bytes that look random (BIP324).
using EllSwiftKey = std::array<std::uint8_t, 64>;

/// An encoding of the key's public key; `aux` is random and decides which of the many.
EllSwiftKey ellswift_create(const PrivateKey& key, const Uint256& aux);
/// The point that 64 bytes stand for; every 64 bytes stand for one.
PublicKey ellswift_decode(const EllSwiftKey& encoded);
/// BIP324's shared secret of our key and their encoding. `initiating`: we opened the connection.
Uint256 ellswift_bip324_ecdh(const PrivateKey& key, const EllSwiftKey& ours, const EllSwiftKey& theirs,
                             bool initiating);

/// The t for which (u, t) decodes to x, for one of eight cases; nullopt when that case has none.
/// Source: BIP324, XSwiftECInv. Not in constant time: for tests and public keys.
std::optional<Uint256> xswiftec_inverse(const Uint256& x, const Uint256& u, unsigned which);

}  // namespace cairn
