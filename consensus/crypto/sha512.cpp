#include "consensus/crypto/sha512.hpp"

#include <openssl/evp.h>

#include "consensus/base/check.hpp"

namespace cairn {

std::array<std::uint8_t, 64> sha512(ByteSpan data) {
    static EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA512", nullptr);
    CAIRN_CHECK(method != nullptr);
    std::array<std::uint8_t, 64> digest;
    unsigned size = 0;
    CAIRN_CHECK(EVP_Digest(data.data(), data.size(), digest.data(), &size, method, nullptr) == 1 &&
                size == digest.size());
    return digest;
}

}  // namespace cairn
