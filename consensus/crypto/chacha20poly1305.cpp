#include "consensus/crypto/chacha20poly1305.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

#include "consensus/base/check.hpp"
#include "consensus/crypto/detail/bits.hpp"

namespace cairn {
namespace {

struct NonceBytes {
    std::uint8_t bytes[12];
    explicit NonceBytes(Nonce96 nonce) {
        detail::store_le32(bytes, nonce.first);
        detail::store_le64(bytes + 4, nonce.second);
    }
};

/// So much is enciphered and then authenticated while it lies in the cache.
constexpr std::size_t kStep = 32 * 1024;

void update(EVP_CIPHER_CTX* context, std::uint8_t* to, ByteSpan from) {
    int done = 0;
    for (std::size_t at = 0; at < from.size(); at += kStep) {
        const std::size_t count = std::min(kStep, from.size() - at);
        CAIRN_CHECK(EVP_CipherUpdate(context, to ? to + at : nullptr, &done, from.data() + at, static_cast<int>(count)) == 1);
    }
}

}  // namespace

std::array<std::uint8_t, 16> poly1305(ByteSpan key, ByteSpan message) {
    static EVP_MAC* const method = EVP_MAC_fetch(nullptr, "POLY1305", nullptr);
    CAIRN_CHECK(method != nullptr && key.size() == 32);
    EVP_MAC_CTX* context = EVP_MAC_CTX_new(method);
    std::array<std::uint8_t, 16> tag;
    std::size_t size = 0;
    const bool done = context != nullptr && EVP_MAC_init(context, key.data(), key.size(), nullptr) == 1 &&
                      EVP_MAC_update(context, message.data(), message.size()) == 1 &&
                      EVP_MAC_final(context, tag.data(), &size, tag.size()) == 1;
    EVP_MAC_CTX_free(context);
    CAIRN_CHECK(done && size == tag.size());
    return tag;
}

ChaCha20Poly1305::ChaCha20Poly1305(ByteSpan key) : context_(EVP_CIPHER_CTX_new()), stream_(key) {
    static EVP_CIPHER* const method = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
    CAIRN_CHECK(method != nullptr && context_ != nullptr);
    CAIRN_CHECK(EVP_CipherInit_ex2(context_.get(), method, nullptr, nullptr, 1, nullptr) == 1);
    set_key(key);
}

void ChaCha20Poly1305::set_key(ByteSpan key) {
    CAIRN_CHECK(key.size() == kKeySize);
    CAIRN_CHECK(EVP_CipherInit_ex2(context_.get(), nullptr, key.data(), nullptr, 1, nullptr) == 1);
    stream_.set_key(key);
}

void ChaCha20Poly1305::encrypt(ByteSpan first, ByteSpan second, ByteSpan aad, Nonce96 nonce, MutableByteSpan out) {
    CAIRN_CHECK(out.size() == first.size() + second.size() + kExpansion);
    auto* context = context_.get();
    int done = 0;
    CAIRN_CHECK(EVP_CipherInit_ex2(context, nullptr, nullptr, NonceBytes(nonce).bytes, 1, nullptr) == 1);
    update(context, nullptr, aad);
    update(context, out.data(), first);
    update(context, out.data() + first.size(), second);
    CAIRN_CHECK(EVP_CipherFinal_ex(context, out.data() + out.size() - kExpansion, &done) == 1);
    CAIRN_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kExpansion, out.data() + out.size() - kExpansion) ==
                1);
}

bool ChaCha20Poly1305::decrypt(ByteSpan sealed, ByteSpan aad, Nonce96 nonce, MutableByteSpan first,
                               MutableByteSpan second) {
    CAIRN_CHECK(sealed.size() == first.size() + second.size() + kExpansion);
    auto* context = context_.get();
    int done = 0;
    std::uint8_t tag[kExpansion];
    std::memcpy(tag, sealed.data() + sealed.size() - kExpansion, kExpansion);
    CAIRN_CHECK(EVP_CipherInit_ex2(context, nullptr, nullptr, NonceBytes(nonce).bytes, 0, nullptr) == 1);
    CAIRN_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kExpansion, tag) == 1);
    update(context, nullptr, aad);
    update(context, first.data(), sealed.first(first.size()));
    update(context, second.data(), sealed.subspan(first.size(), second.size()));
    std::uint8_t nothing[16];
    return EVP_CipherFinal_ex(context, nothing, &done) == 1;
}

void ChaCha20Poly1305::seal(MutableByteSpan first, MutableByteSpan second, ByteSpan aad, Nonce96 nonce, MutableByteSpan tag) {
    CAIRN_CHECK(tag.size() == kExpansion);
    auto* context = context_.get();
    int done = 0;
    CAIRN_CHECK(EVP_CipherInit_ex2(context, nullptr, nullptr, NonceBytes(nonce).bytes, 1, nullptr) == 1);
    update(context, nullptr, aad);
    update(context, first.data(), first);
    update(context, second.data(), second);
    CAIRN_CHECK(EVP_CipherFinal_ex(context, tag.data(), &done) == 1);
    CAIRN_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kExpansion, tag.data()) == 1);
}

bool ChaCha20Poly1305::open(MutableByteSpan first, MutableByteSpan second, ByteSpan tag, ByteSpan aad, Nonce96 nonce) {
    CAIRN_CHECK(tag.size() == kExpansion);
    auto* context = context_.get();
    int done = 0;
    std::uint8_t copy[kExpansion];
    std::memcpy(copy, tag.data(), kExpansion);
    CAIRN_CHECK(EVP_CipherInit_ex2(context, nullptr, nullptr, NonceBytes(nonce).bytes, 0, nullptr) == 1);
    CAIRN_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kExpansion, copy) == 1);
    update(context, nullptr, aad);
    update(context, first.data(), first);
    update(context, second.data(), second);
    std::uint8_t nothing[16];
    return EVP_CipherFinal_ex(context, nothing, &done) == 1;
}

void ChaCha20Poly1305::keystream(Nonce96 nonce, MutableByteSpan out) {
    stream_.seek(nonce, 1);  // block 0 made the Poly1305 key
    stream_.keystream(out);
}

FsChaCha20Poly1305::FsChaCha20Poly1305(ByteSpan key, std::uint32_t rekey_interval)
    : cipher_(key), rekey_interval_(rekey_interval) {
    CAIRN_CHECK(rekey_interval != 0);
}

void FsChaCha20Poly1305::encrypt(ByteSpan first, ByteSpan second, ByteSpan aad, MutableByteSpan out) {
    cipher_.encrypt(first, second, aad, nonce(), out);
    next();
}

bool FsChaCha20Poly1305::decrypt(ByteSpan sealed, ByteSpan aad, MutableByteSpan first, MutableByteSpan second) {
    const bool authentic = cipher_.decrypt(sealed, aad, nonce(), first, second);
    next();
    return authentic;
}

void FsChaCha20Poly1305::seal(MutableByteSpan first, MutableByteSpan second, ByteSpan aad, MutableByteSpan tag) {
    cipher_.seal(first, second, aad, nonce(), tag);
    next();
}

bool FsChaCha20Poly1305::open(MutableByteSpan first, MutableByteSpan second, ByteSpan tag, ByteSpan aad) {
    const bool authentic = cipher_.open(first, second, tag, aad, nonce());
    next();
    return authentic;
}

void FsChaCha20Poly1305::next() {
    if (++messages_ < rekey_interval_) return;
    std::uint8_t key[ChaCha20Poly1305::kKeySize];
    cipher_.keystream({0xffffffff, rekeys_}, key);
    cipher_.set_key(key);
    OPENSSL_cleanse(key, sizeof key);
    messages_ = 0;
    ++rekeys_;
}

}  // namespace cairn
