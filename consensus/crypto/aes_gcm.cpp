#include "consensus/crypto/aes_gcm.hpp"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "consensus/base/check.hpp"
#include "consensus/crypto/chacha20.hpp"

namespace cairn {
namespace {

/// OpenSSL counts with int.
constexpr std::size_t kMaxPiece = std::size_t{1} << 30;

detail::CipherContext start(ByteSpan key, ByteSpan nonce, ByteSpan aad, bool encrypt) {
    CAIRN_CHECK(key.size() == kGcmKeySize && nonce.size() == kGcmNonceSize);
    detail::CipherContext context(EVP_CIPHER_CTX_new());
    CAIRN_CHECK(context != nullptr);
    CAIRN_CHECK(EVP_CipherInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), nonce.data(), encrypt ? 1 : 0, nullptr) == 1);
    int size = 0;
    if (!aad.empty()) {
        CAIRN_CHECK(aad.size() <= kMaxPiece);
        CAIRN_CHECK(EVP_CipherUpdate(context.get(), nullptr, &size, aad.data(), static_cast<int>(aad.size())) == 1);
    }
    return context;
}

void run(evp_cipher_ctx_st* context, ByteSpan in, MutableByteSpan out) {
    for (std::size_t done = 0; done < in.size();) {
        const std::size_t piece = std::min(kMaxPiece, in.size() - done);
        int size = 0;
        CAIRN_CHECK(EVP_CipherUpdate(context, out.data() + done, &size, in.data() + done, static_cast<int>(piece)) == 1);
        CAIRN_CHECK(static_cast<std::size_t>(size) == piece);
        done += piece;
    }
}

}  // namespace

void aes256_gcm_seal(ByteSpan key, ByteSpan nonce, ByteSpan aad, ByteSpan data, MutableByteSpan out) {
    CAIRN_CHECK(out.size() == data.size() + kGcmTagSize);
    const auto context = start(key, nonce, aad, true);
    run(context.get(), data, out.first(data.size()));
    int size = 0;
    std::uint8_t* const tag = out.data() + data.size();
    CAIRN_CHECK(EVP_CipherFinal_ex(context.get(), tag, &size) == 1 && size == 0);
    CAIRN_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kGcmTagSize), tag) == 1);
}

bool aes256_gcm_open(ByteSpan key, ByteSpan nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) {
    if (sealed.size() < kGcmTagSize) return false;
    CAIRN_CHECK(out.size() == sealed.size() - kGcmTagSize);
    const auto context = start(key, nonce, aad, false);
    run(context.get(), sealed.first(out.size()), out);
    std::array<std::uint8_t, kGcmTagSize> tag;
    std::copy(sealed.end() - kGcmTagSize, sealed.end(), tag.begin());
    CAIRN_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kGcmTagSize), tag.data()) == 1);
    int size = 0;
    std::uint8_t nothing = 0;  // the end of the stream writes nothing, but wants a place to
    if (EVP_CipherFinal_ex(context.get(), &nothing, &size) == 1) return true;
    if (!out.empty()) OPENSSL_cleanse(out.data(), out.size());
    return false;
}

}  // namespace cairn
