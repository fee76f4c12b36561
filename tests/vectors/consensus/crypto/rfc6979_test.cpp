#include <cctype>
#include <map>
#include <memory>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/objects.h>

#include "consensus/crypto/hmac.hpp"
#include "tests/vectors/consensus/crypto/support.hpp"

/// Deterministic ECDSA over many curves and hashes. Signatures over secp256k1 come from libsecp256k1; here the recipe
/// is written down once more in general, on this room's HMAC where it has the hash, to show that it gives RFC 6979's
/// numbers.
namespace cairn {
namespace {

struct FreeNumber {
    void operator()(BIGNUM* number) const { BN_free(number); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;

BN_CTX* context() {
    static BN_CTX* const made = BN_CTX_new();
    return made;
}

Number from_text(const std::string& digits) {
    BIGNUM* number = nullptr;
    EXPECT_GT(BN_hex2bn(&number, digits.c_str()), 0) << digits;
    return Number(number);
}

Bytes to_octets(const BIGNUM* number, int size) {
    Bytes bytes(static_cast<std::size_t>(size));
    EXPECT_EQ(BN_bn2binpad(number, bytes.data(), size), size);
    return bytes;
}

/// The leftmost bits of a hash, as many as the group order has.
Number bits_to_number(const Bytes& bytes, int order_bits) {
    Number number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
    const int surplus = static_cast<int>(bytes.size()) * 8 - order_bits;
    if (surplus > 0) BN_rshift(number.get(), number.get(), surplus);
    return number;
}

Bytes code(const EVP_MD* hash, const Bytes& key, const Bytes& data) {
    if (EVP_MD_get_size(hash) == 32) return to_bytes(hmac_sha256(key, data).span());
    if (EVP_MD_get_size(hash) == 64) return to_bytes(hmac_sha512(key, data));
    Bytes out(64);
    unsigned size = 0;
    EXPECT_NE(HMAC(hash, key.data(), static_cast<int>(key.size()), data.data(), data.size(), out.data(), &size),
              nullptr);
    out.resize(size);
    return out;
}

Bytes digest(const EVP_MD* hash, const std::string& message) {
    Bytes out(64);
    unsigned size = 0;
    EXPECT_EQ(EVP_Digest(message.data(), message.size(), out.data(), &size, hash, nullptr), 1);
    out.resize(size);
    return out;
}

Bytes concat(std::initializer_list<Bytes> parts) {
    Bytes whole;
    for (const auto& part : parts) whole.insert(whole.end(), part.begin(), part.end());
    return whole;
}

/// Section 3.2.
Number make_nonce(const EVP_MD* hash, const BIGNUM* order, const BIGNUM* secret, const Bytes& message_hash) {
    const int bits = BN_num_bits(order), octets = (bits + 7) / 8;
    Number reduced = bits_to_number(message_hash, bits);
    BN_mod(reduced.get(), reduced.get(), order, context());
    const Bytes x = to_octets(secret, octets), h = to_octets(reduced.get(), octets);
    Bytes v(message_hash.size(), 1), key(message_hash.size(), 0);
    for (const std::uint8_t step : {std::uint8_t{0}, std::uint8_t{1}}) {
        key = code(hash, key, concat({v, {step}, x, h}));
        v = code(hash, key, v);
    }
    for (;;) {
        Bytes candidate;
        while (static_cast<int>(candidate.size()) * 8 < bits) {
            v = code(hash, key, v);
            candidate.insert(candidate.end(), v.begin(), v.end());
        }
        Number k = bits_to_number(candidate, bits);
        if (!BN_is_zero(k.get()) && BN_cmp(k.get(), order) < 0) return k;
        key = code(hash, key, concat({v, {0}}));
        v = code(hash, key, v);
    }
}

struct KeyPair {
    std::string curve;
    std::map<std::string, std::string> numbers;  // q, x, Ux, Uy
};

void check(const KeyPair& pair, const std::string& hash_name, const std::string& message,
           std::map<std::string, std::string>& expected) {
    SCOPED_TRACE(pair.curve + " " + hash_name + " " + message);
    std::string plain_name = hash_name;
    std::erase(plain_name, '-');
    const EVP_MD* hash = EVP_get_digestbyname(plain_name.c_str());
    ASSERT_NE(hash, nullptr);
    const Number order = from_text(pair.numbers.at("q")), secret = from_text(pair.numbers.at("x"));
    const Bytes message_hash = digest(hash, message);
    const Number k = make_nonce(hash, order.get(), secret.get(), message_hash);
    ASSERT_EQ(BN_cmp(k.get(), from_text(expected["k"]).get()), 0);

    const int nist = EC_curve_nist2nid(pair.curve.c_str());
    EC_GROUP* group = EC_GROUP_new_by_curve_name(nist != NID_undef ? nist : OBJ_txt2nid(pair.curve.c_str()));
    ASSERT_NE(group, nullptr);
    EC_POINT* point = EC_POINT_new(group);
    const Number r(BN_new()), s(BN_new()), x(BN_new()), y(BN_new());
    EC_POINT_mul(group, point, secret.get(), nullptr, nullptr, context());
    EC_POINT_get_affine_coordinates(group, point, x.get(), y.get(), context());
    EXPECT_EQ(BN_cmp(x.get(), from_text(pair.numbers.at("Ux")).get()), 0);
    EXPECT_EQ(BN_cmp(y.get(), from_text(pair.numbers.at("Uy")).get()), 0);
    EC_POINT_mul(group, point, k.get(), nullptr, nullptr, context());
    EC_POINT_get_affine_coordinates(group, point, x.get(), nullptr, context());
    BN_mod(r.get(), x.get(), order.get(), context());
    EXPECT_EQ(BN_cmp(r.get(), from_text(expected["r"]).get()), 0);

    const Number z = bits_to_number(message_hash, BN_num_bits(order.get()));
    const Number inverse(BN_mod_inverse(nullptr, k.get(), order.get(), context()));
    BN_mod_mul(s.get(), secret.get(), r.get(), order.get(), context());
    BN_mod_add(s.get(), s.get(), z.get(), order.get(), context());
    BN_mod_mul(s.get(), s.get(), inverse.get(), order.get(), context());
    EXPECT_EQ(BN_cmp(s.get(), from_text(expected["s"]).get()), 0);
    EC_POINT_free(point);
    EC_GROUP_free(group);
}

std::string trim(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
    return first == text.npos ? "" : text.substr(first, last - first + 1);
}

TEST(CryptoVectors, DeterministicEcdsa) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "*[dD]eterministic*.txt")) {
        KeyPair pair;
        std::map<std::string, std::string> signature;
        std::string hash, message;
        std::string* last = nullptr;  // the number that a line of digits alone continues
        const auto finish = [&] {
            if (hash.empty()) return;
            check(pair, hash, message, signature);
            hash.clear();
            signature.clear();
            ++count;
        };
        for (const auto& untrimmed : test::read_lines(path)) {
            const std::string line = trim(untrimmed);
            const std::size_t equals = line.find(" = ");
            if (line.starts_with("curve: ")) {
                finish();
                pair = {line.substr(line.starts_with("curve: NIST ") ? 12 : 7), {}};
                last = nullptr;
            } else if (line.starts_with("With ")) {
                finish();
                hash = line.substr(5, line.find(',') - 5);
                const std::size_t quote = line.find('"');
                message = line.substr(quote + 1, line.rfind('"') - quote - 1);
                last = nullptr;
            } else if (equals != line.npos && equals <= 2) {
                last = &(hash.empty() ? pair.numbers : signature)[line.substr(0, equals)];
                *last = line.substr(equals + 3);
            } else if (last && !line.empty() &&
                       std::all_of(line.begin(), line.end(), [](unsigned char c) { return std::isxdigit(c) != 0; })) {
                *last += line;
            } else if (!line.empty()) {
                last = nullptr;
            }
        }
        finish();
    }
    test::report("RFC 6979", count);
}

}  // namespace
}  // namespace cairn
