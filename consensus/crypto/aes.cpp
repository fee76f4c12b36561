#include "consensus/crypto/aes.hpp"

#include <openssl/evp.h>

#include "consensus/base/check.hpp"
#include "consensus/crypto/chacha20.hpp"

namespace cairn {
namespace {

std::optional<Bytes> run(const EVP_CIPHER* method, ByteSpan key, const std::uint8_t* iv, ByteSpan data, bool pad,
                         bool encrypt) {
    CAIRN_CHECK(key.size() == 32);
    if (!(pad && encrypt) && data.size() % kAesBlockSize != 0) return std::nullopt;
    const detail::CipherContext context(EVP_CIPHER_CTX_new());
    CAIRN_CHECK(context != nullptr);
    CAIRN_CHECK(EVP_CipherInit_ex2(context.get(), method, key.data(), iv, encrypt ? 1 : 0, nullptr) == 1);
    CAIRN_CHECK(EVP_CIPHER_CTX_set_padding(context.get(), pad ? 1 : 0) == 1);
    Bytes out(data.size() + kAesBlockSize);
    int head = 0, tail = 0;
    CAIRN_CHECK(EVP_CipherUpdate(context.get(), out.data(), &head, data.data(), static_cast<int>(data.size())) == 1);
    if (EVP_CipherFinal_ex(context.get(), out.data() + head, &tail) != 1) return std::nullopt;
    out.resize(static_cast<std::size_t>(head + tail));
    return out;
}

std::array<std::uint8_t, kAesBlockSize> run_block(ByteSpan key, ByteSpan block, bool encrypt) {
    CAIRN_CHECK(block.size() == kAesBlockSize);
    const auto out = run(EVP_aes_256_ecb(), key, nullptr, block, false, encrypt);
    CAIRN_CHECK(out && out->size() == kAesBlockSize);
    std::array<std::uint8_t, kAesBlockSize> result;
    std::copy(out->begin(), out->end(), result.begin());
    return result;
}

}  // namespace

std::array<std::uint8_t, kAesBlockSize> aes256_encrypt_block(ByteSpan key, ByteSpan block) {
    return run_block(key, block, true);
}

std::array<std::uint8_t, kAesBlockSize> aes256_decrypt_block(ByteSpan key, ByteSpan block) {
    return run_block(key, block, false);
}

std::optional<Bytes> aes256_cbc_encrypt(ByteSpan key, ByteSpan iv, ByteSpan data, bool pad) {
    CAIRN_CHECK(iv.size() == kAesBlockSize);
    return run(EVP_aes_256_cbc(), key, iv.data(), data, pad, true);
}

std::optional<Bytes> aes256_cbc_decrypt(ByteSpan key, ByteSpan iv, ByteSpan data, bool pad) {
    CAIRN_CHECK(iv.size() == kAesBlockSize);
    return run(EVP_aes_256_cbc(), key, iv.data(), data, pad, false);
}

}  // namespace cairn
