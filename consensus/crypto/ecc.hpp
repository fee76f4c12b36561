#pragma once

#include <array>
#include <optional>

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"

namespace cairn {

/// A BIP340 signature: R's x coordinate and s.
using SchnorrSignature = std::array<std::uint8_t, 64>;
using CompressedKey = std::array<std::uint8_t, 33>;

/// A point of secp256k1 that is known to lie on the curve.
/// Thread: any (immutable). Cost: parsing a compressed key takes a square root (about 4 µs).
class PublicKey {
public:
    /// 33 bytes (02/03), 65 bytes (04) or a hybrid key (06/07 agreeing with y's parity), as CHECKSIG accepts them.
    /// nullopt: any other length, first byte, or not on the curve.
    static std::optional<PublicKey> parse(ByteSpan bytes);
    /// The point with this x coordinate and even y (BIP340's lift_x).
    static std::optional<PublicKey> from_xonly(const Uint256& x);

    CompressedKey compressed() const;
    std::array<std::uint8_t, 65> uncompressed() const;
    /// The x coordinate, and whether y is odd.
    Uint256 xonly() const;
    bool has_odd_y() const;

    /// This point plus `tweak` times the generator; nullopt when the tweak is not below the group order or the sum is
    /// infinity.
    std::optional<PublicKey> tweak_add(const Uint256& tweak) const;

    bool operator==(const PublicKey& other) const;

    /// libsecp256k1's own form, for the other files of this room.
    const std::array<std::uint8_t, 64>& internal() const { return point_; }
    static PublicKey from_internal(const std::array<std::uint8_t, 64>& point);

private:
    PublicKey() = default;
    std::array<std::uint8_t, 64> point_{};
};

/// ECDSA as CHECKSIG does it: `signature` is read with the tolerance that the chain's signatures before BIP66 need
/// (BER lengths, excess padding, trailing bytes), S is brought to its lower half, then the equation decides.
/// False for bytes in which no signature can be found. `signature` has no sighash byte. Strictness is the caller's.
bool verify_ecdsa(const PublicKey& key, const Uint256& message, ByteSpan signature);
/// The same from a serialised key; false when the key does not parse.
bool verify_ecdsa(ByteSpan key, const Uint256& message, ByteSpan signature);

/// R and S of a DER or BER signature with the tolerance described above, 64 bytes big-endian; nullopt when it cannot be
/// read at all. A number that does not fit makes both zero, which never verifies.
std::optional<std::array<std::uint8_t, 64>> parse_ecdsa_lax(ByteSpan signature);
/// True when S is at most half of the group order, for a signature that parse_ecdsa_lax reads; false when it cannot be
/// read.
bool has_low_s(ByteSpan signature);

/// BIP340. `signature` must be 64 bytes; a message of any length. False when the key is not an x coordinate of the
/// curve.
bool verify_schnorr(const Uint256& xonly_key, ByteSpan message, ByteSpan signature);

/// BIP341's commitment check: `output_key` is the x coordinate of lift_x(internal_key) + tweak * G, whose y has
/// `parity`.
bool check_xonly_tweak(const Uint256& output_key, bool parity, const Uint256& internal_key, const Uint256& tweak);

/// An x-only key together with the parity of its y.
struct XOnlyKey {
    Uint256 x;
    bool odd = false;
};
/// lift_x(internal_key) + tweak * G; nullopt when the key or the tweak is out of range.
std::optional<XOnlyKey> xonly_tweak_add(const Uint256& internal_key, const Uint256& tweak);
/// True when `x` is the x coordinate of a point.
bool is_xonly_key(const Uint256& x);

/// A secret scalar between 1 and the group order. Its memory is wiped when it goes away.
/// Thread: any (immutable).
class PrivateKey {
public:
    /// 32 bytes, big-endian; nullopt for another length, zero or a value not below the group order.
    static std::optional<PrivateKey> parse(ByteSpan bytes);
    /// From the operating system's random numbers.
    static PrivateKey random();

    PrivateKey(const PrivateKey&) = default;
    PrivateKey& operator=(const PrivateKey&) = default;
    ~PrivateKey();

    ByteSpan bytes() const { return scalar_; }
    PublicKey public_key() const;

    /// DER, low S, nonce by RFC6979. With `grind_low_r` extra data is counted up until R takes 32 bytes, so that the
    /// signature is at most 70 bytes (as wallets do).
    Bytes sign_ecdsa(const Uint256& message, bool grind_low_r = true) const;
    /// 64 bytes, R and S, low S, nonce by RFC6979.
    std::array<std::uint8_t, 64> sign_ecdsa_compact(const Uint256& message) const;
    /// 65 bytes: header (27 + recovery id, + 4 for a compressed key), R, S: what signmessage makes.
    std::array<std::uint8_t, 65> sign_recoverable(const Uint256& message, bool compressed) const;
    /// BIP340 with auxiliary randomness.
    SchnorrSignature sign_schnorr(ByteSpan message, const Uint256& aux) const;

    /// This scalar plus `tweak`; nullopt when the tweak is out of range or the sum is zero.
    std::optional<PrivateKey> tweak_add(const Uint256& tweak) const;
    /// The scalar or its negation, whichever has a public key with even y.
    PrivateKey with_even_y() const;
    /// The key that signs for xonly_tweak_add(public key, tweak).
    std::optional<PrivateKey> xonly_tweak_add(const Uint256& tweak) const;
    /// x coordinate of this scalar times `other`.
    Uint256 ecdh_x(const PublicKey& other) const;

private:
    PrivateKey() = default;
    std::array<std::uint8_t, 32> scalar_{};
};

/// The key that made a recoverable signature of 65 bytes (as sign_recoverable gives); nullopt when there is none.
struct RecoveredKey {
    PublicKey key;
    bool compressed = true;
};
std::optional<RecoveredKey> recover_public_key(const Uint256& message, ByteSpan signature);

}  // namespace cairn
