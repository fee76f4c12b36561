#include "consensus/crypto/hmac.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "consensus/base/check.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn {

HmacSha256::HmacSha256(ByteSpan key) {
    std::array<std::uint8_t, Sha256::kBlockSize> pad{};
    if (key.size() <= pad.size()) {
        if (!key.empty()) std::memcpy(pad.data(), key.data(), key.size());
    } else {
        const Uint256 hash = sha256(key);
        std::memcpy(pad.data(), hash.data(), 32);
    }
    for (auto& byte : pad) byte ^= 0x36;
    inner_.write(pad);
    for (auto& byte : pad) byte ^= 0x36 ^ 0x5c;
    outer_.write(pad);
}

Uint256 hmac_sha256(ByteSpan key, ByteSpan data) {
    return HmacSha256(key).write(data).finish();
}

std::array<std::uint8_t, 64> hmac_sha512(ByteSpan key, ByteSpan data) {
    static constexpr std::uint8_t kNothing = 0;  // OpenSSL takes a null key for "the one from before"
    std::array<std::uint8_t, 64> code;
    unsigned size = 0;
    const auto* done = HMAC(EVP_sha512(), key.empty() ? &kNothing : key.data(), static_cast<int>(key.size()),
                            data.data(), data.size(), code.data(), &size);
    CAIRN_CHECK(done != nullptr && size == code.size());
    return code;
}

bool equal_in_constant_time(ByteSpan a, ByteSpan b) {
    return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

Uint256 HkdfSha256::expand(ByteSpan info) const {
    static constexpr std::uint8_t kFirst[1] = {1};
    return HmacSha256(key_.span()).write(info).write(kFirst).finish();
}

std::array<std::uint8_t, 64> pbkdf2_sha512(ByteSpan password, ByteSpan salt, unsigned iterations) {
    std::array<std::uint8_t, 64> key;
    const auto text = as_text(password);
    CAIRN_CHECK(PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()), salt.data(),
                                  static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha512(),
                                  static_cast<int>(key.size()), key.data()) == 1);
    return key;
}

}  // namespace cairn
