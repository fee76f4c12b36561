#pragma once

#include <optional>

#include "consensus/crypto/ecc.hpp"

namespace cairn {

/// A proof that A = a * G and C = a * B have the same a (BIP374).
using DleqProof = std::array<std::uint8_t, 64>;

/// The point every key is a multiple of: what `generator` is unless a protocol says otherwise.
PublicKey secp256k1_generator();

/// nullopt when `a` is zero or not below the group order. `random` should be fresh, `message` binds the proof to a
/// purpose.
std::optional<DleqProof> dleq_prove(const Uint256& a, const PublicKey& b, const Uint256& random,
                                    const PublicKey& generator, const std::optional<Uint256>& message);

bool dleq_verify(const PublicKey& a, const PublicKey& b, const PublicKey& c, const DleqProof& proof,
                 const PublicKey& generator, const std::optional<Uint256>& message);

}  // namespace cairn
