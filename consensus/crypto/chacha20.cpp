#include "consensus/crypto/chacha20.hpp"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "consensus/base/check.hpp"
#include "consensus/crypto/detail/bits.hpp"

namespace cairn {

void detail::CipherDeleter::operator()(evp_cipher_ctx_st* context) const {
    EVP_CIPHER_CTX_free(context);
}

ChaCha20::ChaCha20(ByteSpan key) : context_(EVP_CIPHER_CTX_new()) {
    static EVP_CIPHER* const method = EVP_CIPHER_fetch(nullptr, "ChaCha20", nullptr);
    CAIRN_CHECK(method != nullptr && context_ != nullptr);
    CAIRN_CHECK(EVP_EncryptInit_ex2(context_.get(), method, nullptr, nullptr, nullptr) == 1);
    set_key(key);
}

void ChaCha20::set_key(ByteSpan key) {
    static constexpr std::uint8_t kStart[16] = {};
    CAIRN_CHECK(key.size() == kKeySize);
    CAIRN_CHECK(EVP_EncryptInit_ex2(context_.get(), nullptr, key.data(), kStart, nullptr) == 1);
}

void ChaCha20::seek(Nonce96 nonce, std::uint32_t block) {
    std::uint8_t start[16];
    detail::store_le32(start, block);
    detail::store_le32(start + 4, nonce.first);
    detail::store_le64(start + 8, nonce.second);
    CAIRN_CHECK(EVP_EncryptInit_ex2(context_.get(), nullptr, nullptr, start, nullptr) == 1);
}

void ChaCha20::crypt(ByteSpan in, MutableByteSpan out) {
    CAIRN_CHECK(in.size() == out.size());
    while (!in.empty()) {
        const std::size_t take = std::min<std::size_t>(in.size(), 1u << 30);
        int done = 0;
        CAIRN_CHECK(EVP_EncryptUpdate(context_.get(), out.data(), &done, in.data(), static_cast<int>(take)) == 1);
        in = in.subspan(take);
        out = out.subspan(take);
    }
}

void ChaCha20::keystream(MutableByteSpan out) {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    crypt(out, out);
}

FsChaCha20::FsChaCha20(ByteSpan key, std::uint32_t rekey_interval) : cipher_(key), rekey_interval_(rekey_interval) {
    CAIRN_CHECK(rekey_interval != 0);
}

void FsChaCha20::crypt(ByteSpan in, MutableByteSpan out) {
    cipher_.crypt(in, out);
    if (++messages_ < rekey_interval_) return;
    std::uint8_t key[ChaCha20::kKeySize];
    cipher_.keystream(key);
    cipher_.set_key(key);
    OPENSSL_cleanse(key, sizeof key);
    cipher_.seek({0, ++rekeys_}, 0);
    messages_ = 0;
}

}  // namespace cairn
