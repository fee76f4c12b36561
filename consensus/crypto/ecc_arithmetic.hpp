#pragma once

#include <optional>
#include <span>

#include "consensus/crypto/ecc.hpp"

/// Sums and products of points and secret scalars, for protocols between two sides (silent payments).
namespace cairn {

/// nullopt: there are none, or they add up to infinity.
std::optional<PublicKey> sum_of(std::span<const PublicKey> points);
PublicKey negated(const PublicKey& point);
/// nullopt when the factor is zero or not below the group order. Not in constant time: for factors that are no secret.
std::optional<PublicKey> product(const PublicKey& point, const Uint256& factor);
/// Scalar times point, in constant time.
PublicKey product(const PublicKey& point, const PrivateKey& scalar);
/// nullopt: there are none, or they add up to zero modulo the group order.
std::optional<PrivateKey> sum_of(std::span<const PrivateKey> scalars);
/// nullopt when the factor is zero or not below the group order.
std::optional<PrivateKey> product(const PrivateKey& scalar, const Uint256& factor);

}  // namespace cairn
