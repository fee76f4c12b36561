#include "consensus/crypto/muhash.hpp"

#include "consensus/base/check.hpp"
#include "consensus/crypto/chacha20.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn {
namespace {

/// SHA-256 of the element keys a ChaCha20 stream, whose first 384 bytes are the number.
Num3072 number_of(ByteSpan element) {
    thread_local ChaCha20 cipher(Uint256().span());
    cipher.set_key(sha256(element).span());
    std::array<std::uint8_t, Num3072::kBytes> bytes;
    cipher.keystream(bytes);
    return Num3072(ByteSpan(bytes));
}

}  // namespace

MuHash3072& MuHash3072::insert(ByteSpan element) {
    numerator_ *= number_of(element);
    return *this;
}

MuHash3072& MuHash3072::remove(ByteSpan element) {
    denominator_ *= number_of(element);
    return *this;
}

MuHash3072& MuHash3072::operator*=(const MuHash3072& other) {
    numerator_ *= other.numerator_;
    denominator_ *= other.denominator_;
    return *this;
}

MuHash3072& MuHash3072::operator/=(const MuHash3072& other) {
    numerator_ *= other.denominator_;
    denominator_ *= other.numerator_;
    return *this;
}

void MuHash3072::normalize() {
    if (!denominator_.is_one()) {
        numerator_ *= denominator_.inverse();
        denominator_ = Num3072();
    }
    numerator_ = Num3072(ByteSpan(numerator_.to_bytes()));
}

Uint256 MuHash3072::finish() const {
    MuHash3072 copy = *this;
    copy.normalize();
    return sha256(copy.numerator_.to_bytes());
}

Bytes MuHash3072::serialize() const {
    Bytes bytes;
    bytes.reserve(kSerializedSize);
    for (const auto* number : {&numerator_, &denominator_}) {
        const auto part = number->to_bytes();
        bytes.insert(bytes.end(), part.begin(), part.end());
    }
    return bytes;
}

MuHash3072 MuHash3072::deserialize(ByteSpan bytes) {
    CAIRN_CHECK(bytes.size() == kSerializedSize);
    MuHash3072 set;
    set.numerator_ = Num3072(bytes.first(Num3072::kBytes));
    set.denominator_ = Num3072(bytes.subspan(Num3072::kBytes));
    return set;
}

}  // namespace cairn
