#pragma once

#include <memory>
#include <span>
#include <variant>

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"

namespace cairn {

/// One ECDSA check: what CHECKSIG has in hand. The spans are the caller's and must outlive verify().
struct EcdsaRow {
    ByteSpan key;        ///< as serialised in the script: 33 or 65 bytes, hybrid keys too
    Uint256 message;     ///< signature hash
    ByteSpan signature;  ///< DER or what passed for it before BIP66, without the sighash byte
};

/// One BIP340 check over a 32-byte message.
struct SchnorrRow {
    Uint256 key;         ///< x coordinate
    Uint256 message;     ///< signature hash
    ByteSpan signature;  ///< 64 bytes, without the sighash byte
};

using SignatureRow = std::variant<EcdsaRow, SchnorrRow>;

/// Verifies many signatures that do not depend on each other. The one interface behind which faster machinery (vector
/// lanes, a graphics card) can stand.
///
/// Contract:
/// - verdicts[i] becomes 1 when rows[i] is valid and 0 when it is not; both spans have the same length. Nothing else is
///   read or kept, rows may be of both kinds in any order, malformed keys and signatures are simply not valid.
/// - The verdict is libsecp256k1's. An accelerated implementation may decide "valid" itself; a row that it finds not
///   valid, or cannot handle, it gives to libsecp256k1 and reports that answer. So an error of the accelerator can cost
///   time but never reject a valid signature; false accepts are excluded by sampling rows into libsecp256k1 and by
///   differential tests, and one switch makes libsecp256k1 decide every row.
/// - A verdict of 0 is an answer, not a broken script: CHECKSIG may be allowed to fail. The caller runs the input in
/// the
///   interpreter to learn what it means.
/// Thread: verify() may be called from many threads at once. Cost: about 35 µs a row on one core with libsecp256k1.
class SignatureVerifier {
public:
    virtual ~SignatureVerifier() = default;

    virtual void verify(std::span<const SignatureRow> rows, std::span<std::uint8_t> verdicts) const = 0;
};

/// One row after the other with libsecp256k1.
class SecpSignatureVerifier final : public SignatureVerifier {
public:
    void verify(std::span<const SignatureRow> rows, std::span<std::uint8_t> verdicts) const override;
};

/// The verifier that every component uses unless it is given another.
const SignatureVerifier& default_signature_verifier();

}  // namespace cairn
