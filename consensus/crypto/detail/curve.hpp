#pragma once

#include <optional>
#include <span>

#include "consensus/crypto/detail/residue.hpp"
#include "consensus/crypto/ecc.hpp"

namespace cairn::detail {

/// A point of secp256k1 or infinity. Thread: any (immutable).
class Point {
public:
    /// Infinity.
    Point() = default;
    Point(const PublicKey& key) : key_(key) {}  // NOLINT: a public key is a point

    static Point generator();
    /// Scalar times generator, in constant time.
    static Point times_generator(const Scalar& scalar);
    /// 33 bytes with 02 or 03; nullopt when that is no point.
    static std::optional<Point> parse(ByteSpan bytes);
    /// The same, and 33 zero bytes for infinity (BIP327's cpoint_ext).
    static std::optional<Point> parse_extended(ByteSpan bytes);

    bool is_infinity() const { return !key_; }
    /// 33 bytes; zeros for infinity.
    CompressedKey compressed() const { return key_ ? key_->compressed() : CompressedKey{}; }
    /// Not for infinity.
    const PublicKey& key() const { return *key_; }
    Uint256 x() const { return key_->xonly(); }
    bool has_even_y() const { return !key_->has_odd_y(); }

    Point operator+(const Point& other) const;
    Point operator-() const;
    /// Not in constant time: for public scalars.
    Point operator*(const Scalar& scalar) const;
    bool operator==(const Point& other) const { return compressed() == other.compressed(); }

private:
    std::optional<PublicKey> key_;
};

}  // namespace cairn::detail
