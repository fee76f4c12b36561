#include "consensus/crypto/bip324.hpp"

#include <string_view>

#include "consensus/base/check.hpp"
#include "consensus/crypto/hmac.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn {

Bip324Cipher::Bip324Cipher(NetworkMagic magic)
    : magic_(magic), key_(PrivateKey::random()), our_key_(ellswift_create(*key_, random_uint256())) {}

Bip324Cipher::Bip324Cipher(NetworkMagic magic, const PrivateKey& key, const EllSwiftKey& encoded)
    : magic_(magic), key_(key), our_key_(encoded) {}

void Bip324Cipher::initialize(const EllSwiftKey& their_key, bool initiating, bool swap_directions) {
    CAIRN_CHECK(key_ && !keys_);
    const Uint256 secret = ellswift_bip324_ecdh(*key_, our_key_, their_key, initiating);
    key_.reset();

    Bytes salt = to_bytes(as_bytes("bitcoin_v2_shared_secret"));
    salt.insert(salt.end(), magic_.begin(), magic_.end());
    const HkdfSha256 hkdf(secret.span(), salt);
    const auto derive = [&](std::string_view name) { return hkdf.expand(as_bytes(name)); };

    const bool send_as_initiator = initiating != swap_directions;
    const Uint256 initiator_length = derive("initiator_L"), initiator_packet = derive("initiator_P");
    const Uint256 responder_length = derive("responder_L"), responder_packet = derive("responder_P");
    const auto& send_length = send_as_initiator ? initiator_length : responder_length;
    const auto& send_packet = send_as_initiator ? initiator_packet : responder_packet;
    const auto& receive_length = send_as_initiator ? responder_length : initiator_length;
    const auto& receive_packet = send_as_initiator ? responder_packet : initiator_packet;
    keys_.emplace(Keys{{send_length.span(), kRekeyInterval},
                       {receive_length.span(), kRekeyInterval},
                       {send_packet.span(), kRekeyInterval},
                       {receive_packet.span(), kRekeyInterval}});

    const Uint256 terminators = derive("garbage_terminators");
    GarbageTerminator& of_initiator = initiating ? send_terminator_ : receive_terminator_;
    GarbageTerminator& of_responder = initiating ? receive_terminator_ : send_terminator_;
    std::copy_n(terminators.data(), kGarbageTerminatorSize, of_initiator.begin());
    std::copy_n(terminators.data() + kGarbageTerminatorSize, kGarbageTerminatorSize, of_responder.begin());
    session_id_ = derive("session_id");
}

void Bip324Cipher::encrypt(ByteSpan contents, ByteSpan aad, bool ignore, MutableByteSpan out) { encrypt({}, contents, aad, ignore, out); }

void Bip324Cipher::encrypt(ByteSpan first, ByteSpan second, ByteSpan aad, bool ignore, MutableByteSpan out) {
    const std::size_t size = first.size() + second.size();
    CAIRN_CHECK(keys_ && out.size() == size + kExpansion && size < 1u << 24 && first.size() <= kMaxFirst);
    const std::uint8_t length[kLengthSize] = {static_cast<std::uint8_t>(size), static_cast<std::uint8_t>(size >> 8),
                                              static_cast<std::uint8_t>(size >> 16)};
    std::array<std::uint8_t, kHeaderSize + kMaxFirst> head;
    head[0] = ignore ? kIgnoreBit : std::uint8_t{0};
    std::copy(first.begin(), first.end(), head.begin() + kHeaderSize);
    keys_->send_length.crypt(length, out.first(kLengthSize));
    keys_->send_packet.encrypt(ByteSpan(head).first(kHeaderSize + first.size()), second, aad, out.subspan(kLengthSize));
}

std::uint32_t Bip324Cipher::decrypt_length(ByteSpan encrypted) {
    CAIRN_CHECK(keys_ && encrypted.size() == kLengthSize);
    std::uint8_t length[kLengthSize];
    keys_->receive_length.crypt(encrypted, length);
    return length[0] | static_cast<std::uint32_t>(length[1]) << 8 | static_cast<std::uint32_t>(length[2]) << 16;
}

bool Bip324Cipher::decrypt(ByteSpan sealed, ByteSpan aad, bool& ignore, MutableByteSpan contents) {
    return decrypt(sealed, aad, ignore, {}, contents);
}

bool Bip324Cipher::decrypt(ByteSpan sealed, ByteSpan aad, bool& ignore, MutableByteSpan first, MutableByteSpan second) {
    CAIRN_CHECK(keys_ && sealed.size() == first.size() + second.size() + kExpansion - kLengthSize && first.size() <= kMaxFirst);
    std::array<std::uint8_t, kHeaderSize + kMaxFirst> head;
    const MutableByteSpan wanted = MutableByteSpan(head).first(kHeaderSize + first.size());
    if (!keys_->receive_packet.decrypt(sealed, aad, wanted, second)) return false;
    ignore = (head[0] & kIgnoreBit) != 0;
    std::copy(wanted.begin() + kHeaderSize, wanted.end(), first.begin());
    return true;
}

void Bip324Cipher::seal(MutableByteSpan head, MutableByteSpan second, bool ignore, MutableByteSpan tag) {
    CAIRN_CHECK(keys_ && head.size() >= kLengthSize + kHeaderSize);
    const std::size_t size = head.size() - kLengthSize - kHeaderSize + second.size();
    CAIRN_CHECK(size < 1u << 24);
    const std::uint8_t length[kLengthSize] = {static_cast<std::uint8_t>(size), static_cast<std::uint8_t>(size >> 8),
                                              static_cast<std::uint8_t>(size >> 16)};
    head[kLengthSize] = ignore ? kIgnoreBit : std::uint8_t{0};
    keys_->send_length.crypt(length, head.first(kLengthSize));
    keys_->send_packet.seal(head.subspan(kLengthSize), second, {}, tag);
}

bool Bip324Cipher::open(MutableByteSpan head, MutableByteSpan second, ByteSpan tag, ByteSpan aad, bool& ignore) {
    CAIRN_CHECK(keys_ && !head.empty());
    if (!keys_->receive_packet.open(head, second, tag, aad)) return false;
    ignore = (head[0] & kIgnoreBit) != 0;
    return true;
}

}  // namespace cairn
