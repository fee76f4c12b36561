#include "consensus/crypto/dleq.hpp"

#include <secp256k1_ecdh.h>

#include "consensus/base/check.hpp"
#include "consensus/crypto/detail/curve.hpp"
#include "consensus/crypto/detail/secp.hpp"
#include "consensus/crypto/sha256.hpp"

namespace cairn {
namespace {

using detail::Point;
using detail::Scalar;

/// A secret times a point in constant time: through ECDH, which gives both coordinates away when asked.
Point times(const Uint256& secret, const PublicKey& point) {
    const auto copy_point = [](unsigned char* out, const unsigned char* x, const unsigned char* y, void*) {
        out[0] = static_cast<unsigned char>(2 + (y[31] & 1));
        std::memcpy(out + 1, x, 32);
        return 1;
    };
    CompressedKey product;
    CAIRN_CHECK(secp256k1_ecdh(detail::secp_context(), product.data(), detail::secp_key(point), secret.data(),
                               copy_point, nullptr) == 1);
    return *PublicKey::parse(product);
}

Uint256 challenge(const Point& a, const PublicKey& b, const Point& c, const PublicKey& generator, const Point& r1,
                  const Point& r2, const std::optional<Uint256>& message) {
    Sha256 hasher = tagged_hasher("BIP0374/challenge");
    hasher.write(a.compressed()).write(b.compressed()).write(c.compressed()).write(generator.compressed());
    hasher.write(r1.compressed()).write(r2.compressed());
    if (message) hasher.write(*message);
    return hasher.finish();
}

}  // namespace

PublicKey secp256k1_generator() {
    return Point::generator().key();
}

std::optional<DleqProof> dleq_prove(const Uint256& a, const PublicKey& b, const Uint256& random,
                                    const PublicKey& generator, const std::optional<Uint256>& message) {
    const auto secret = Scalar::parse(a.span());
    if (!secret || secret->is_zero()) return std::nullopt;
    const Point big_a = times(a, generator), c = times(a, b);
    Uint256 masked = tagged_hash("BIP0374/aux", random.span());
    for (std::size_t i = 0; i < 32; ++i) masked.data()[i] ^= a.data()[i];
    Sha256 hasher = tagged_hasher("BIP0374/nonce");
    hasher.write(masked).write(big_a.compressed()).write(c.compressed());
    if (message) hasher.write(*message);
    detail::wipe(masked.data(), 32);
    const Scalar k = Scalar::reduced(hasher.finish().span());
    if (k.is_zero()) return std::nullopt;
    const Uint256 e = challenge(big_a, b, c, generator, times(k.bytes(), generator), times(k.bytes(), b), message);
    const Scalar s = k + Scalar::reduced(e.span()) * *secret;

    DleqProof proof;
    std::memcpy(proof.data(), e.data(), 32);
    std::memcpy(proof.data() + 32, s.bytes().data(), 32);
    if (!dleq_verify(big_a.key(), b, c.key(), proof, generator, message)) return std::nullopt;
    return proof;
}

bool dleq_verify(const PublicKey& a, const PublicKey& b, const PublicKey& c, const DleqProof& proof,
                 const PublicKey& generator, const std::optional<Uint256>& message) {
    const Uint256 e_bytes(ByteSpan(proof).first(32));
    const Scalar e = Scalar::reduced(e_bytes.span());
    const auto s = Scalar::parse(ByteSpan(proof).subspan(32));
    if (!s) return false;
    const Point r1 = Point(generator) * *s + -(Point(a) * e);
    const Point r2 = Point(b) * *s + -(Point(c) * e);
    if (r1.is_infinity() || r2.is_infinity()) return false;
    return challenge(Point(a), b, Point(c), generator, r1, r2, message) == e_bytes;
}

}  // namespace cairn
