#include "consensus/crypto/scrypt.hpp"

#include <memory>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "consensus/base/check.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t kMaxMemory = std::uint64_t{256} << 20;
constexpr std::uint64_t kMaxWork = std::uint64_t{1} << 25;  // N * r * p; the default's is 2^20

struct ContextDeleter {
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

/// OpenSSL takes no null pointer, not even for nothing.
OSSL_PARAM octets(const char* name, ByteSpan bytes) {
    static std::uint8_t nothing = 0;
    std::uint8_t* data = bytes.empty() ? &nothing : const_cast<std::uint8_t*>(bytes.data());
    return OSSL_PARAM_construct_octet_string(name, data, bytes.size());
}

}  // namespace

bool ScryptCost::is_sane() const {
    if (log_n < 1 || log_n > 24 || r < 1 || r > 64 || p < 1 || p > 64) return false;
    const std::uint64_t n = std::uint64_t{1} << log_n;
    if (log_n >= 16 * r) return false;  // RFC 7914, section 2
    return 128 * n * r <= kMaxMemory && n * r * p <= kMaxWork;
}

SecretBytes scrypt(ByteSpan password, ByteSpan salt, const ScryptCost& cost, std::size_t size) {
    CAIRN_CHECK(cost.is_sane() && size > 0);
    static EVP_KDF* const method = EVP_KDF_fetch(nullptr, "SCRYPT", nullptr);
    CAIRN_CHECK(method != nullptr);
    const std::unique_ptr<EVP_KDF_CTX, ContextDeleter> context(EVP_KDF_CTX_new(method));
    CAIRN_CHECK(context != nullptr);
    std::uint64_t n = std::uint64_t{1} << cost.log_n, memory = kMaxMemory + (std::uint64_t{1} << 20);
    std::uint32_t r = cost.r, p = cost.p;
    const OSSL_PARAM parameters[] = {octets(OSSL_KDF_PARAM_PASSWORD, password),
                                     octets(OSSL_KDF_PARAM_SALT, salt),
                                     OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
                                     OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
                                     OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
                                     OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
                                     OSSL_PARAM_construct_end()};
    SecretBytes key(size);
    CAIRN_CHECK(EVP_KDF_derive(context.get(), key.data(), key.size(), parameters) == 1);
    return key;
}

}  // namespace cairn
