#include "consensus/crypto/bip324.hpp"
#include "consensus/crypto/ecc.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/signature_verifier.hpp"
#include "tests/support/csv.hpp"
#include "tests/vectors/consensus/crypto/support.hpp"

namespace cairn {
namespace {

using test::hex;
using test::lower;
using test::word;

bool verify_one(const SignatureRow& row) {
    std::uint8_t verdict = 2;
    default_signature_verifier().verify({&row, 1}, {&verdict, 1});
    EXPECT_LE(verdict, 1);
    return verdict == 1;
}

TEST(CryptoVectors, Bip340) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "bip340*.csv")) {
        for (auto& row : test::read_csv(path)) {
            SCOPED_TRACE(row["index"] + " " + row["comment"]);
            const Uint256 key = word(row["public key"]);
            const Bytes message = hex(row["message"]), signature = hex(row["signature"]);
            const bool expected = row["verification result"] == "TRUE";
            EXPECT_EQ(verify_schnorr(key, message, signature), expected);
            if (message.size() == 32) {
                EXPECT_EQ(verify_one(SchnorrRow{key, Uint256(message), signature}), expected);
            }
            if (!row["secret key"].empty()) {
                const auto secret = PrivateKey::parse(hex(row["secret key"]));
                ASSERT_TRUE(secret);
                EXPECT_EQ(secret->public_key().xonly(), key);
                EXPECT_EQ(to_hex(secret->sign_schnorr(message, word(row["aux_rand"]))), lower(row["signature"]));
            }
            ++count;
        }
    }
    test::report("BIP340", count);
}

/// A positive integer in its shortest form, at most 33 bytes.
bool is_strict_integer(ByteSpan& rest) {
    if (rest.size() < 3 || rest[0] != 0x02) return false;
    const std::size_t size = rest[1];
    if (size == 0 || size > 33 || size + 2 > rest.size()) return false;
    if (rest[2] & 0x80) return false;
    if (size > 1 && rest[2] == 0 && !(rest[3] & 0x80)) return false;
    rest = rest.subspan(size + 2);
    return true;
}

bool is_strict_der(ByteSpan signature) {
    if (signature.size() < 8 || signature[0] != 0x30 || signature[1] != signature.size() - 2) return false;
    ByteSpan rest = signature.subspan(2);
    return is_strict_integer(rest) && is_strict_integer(rest) && rest.empty();
}

TEST(CryptoVectors, WycheproofEcdsa) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "wycheproof_ecdsa*.json")) {
        const UniValue json = test::read_json(path);
        for (const auto& group : json["testGroups"].getValues()) {
            const UniValue& named = group.exists("publicKey") ? group["publicKey"] : group["key"];
            const Bytes serialized = hex(named["uncompressed"]);
            const auto key = PublicKey::parse(serialized);
            ASSERT_TRUE(key);
            for (const auto& row : group["tests"].getValues()) {
                SCOPED_TRACE(row["tcId"].getValStr() + " " + row["comment"].get_str());
                const Uint256 message = sha256(hex(row["msg"]));
                const Bytes signature = hex(row["sig"]);
                const bool valid = row["result"].get_str() == "valid";
                const bool lax = verify_ecdsa(*key, message, signature);
                // The set asks for strict DER and low S on top of the equation, as policy does.
                EXPECT_EQ(lax && is_strict_der(signature) && has_low_s(signature), valid);
                EXPECT_EQ(verify_one(EcdsaRow{serialized, message, signature}), lax);
                EXPECT_EQ(verify_ecdsa(key->compressed(), message, signature), lax);
                ++count;
            }
        }
    }
    test::report("Wycheproof ECDSA", count);
}

/// The point in a SubjectPublicKeyInfo for secp256k1 in its one canonical form; nullopt for any other bytes.
std::optional<PublicKey> parse_spki(const Bytes& der) {
    for (const char* prefix :
         {"3056301006072a8648ce3d020106052b8104000a034200", "3036301006072a8648ce3d020106052b8104000a032200"}) {
        const Bytes head = hex(std::string(prefix));
        if (der.size() > head.size() && std::equal(head.begin(), head.end(), der.begin()) &&
            der[1] + 2u == der.size()) {
            return PublicKey::parse(ByteSpan(der).subspan(head.size()));
        }
    }
    return std::nullopt;
}

TEST(CryptoVectors, WycheproofEcdh) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0, accepted = 0;
    for (const auto& path : test::vector_files("crypto", "wycheproof_ecdh*.json")) {
        const UniValue json = test::read_json(path);
        for (const auto& group : json["testGroups"].getValues()) {
            for (const auto& row : group["tests"].getValues()) {
                SCOPED_TRACE(row["tcId"].getValStr() + " " + row["comment"].get_str());
                ++count;
                const std::string result = row["result"].get_str();
                Bytes secret = hex(row["private"]);
                while (secret.size() > 32 && secret[0] == 0) secret.erase(secret.begin());
                while (secret.size() < 32) secret.insert(secret.begin(), 0);
                const auto ours = PrivateKey::parse(secret);
                const auto theirs = parse_spki(hex(row["public"]));
                if (!ours || !theirs) {
                    EXPECT_NE(result, "valid");
                    continue;
                }
                EXPECT_NE(result, "invalid");
                EXPECT_EQ(to_hex(ours->ecdh_x(*theirs).span()), row["shared"].get_str());
                ++accepted;
            }
        }
    }
    std::cout << "Wycheproof ECDH: " << accepted << " shared secrets\n";
    test::report("Wycheproof ECDH", count);
}

TEST(CryptoVectors, EllSwiftDecode) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "*ellswift_decode*.csv")) {
        for (auto& row : test::read_csv(path)) {
            EXPECT_EQ(ellswift_decode(test::array<64>(row["ellswift"])).xonly(), word(row["x"])) << row["comment"];
            ++count;
        }
    }
    test::report("ElligatorSwift decoding", count);
}

TEST(CryptoVectors, XSwiftEcInverse) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "*xswiftec_inv*.csv")) {
        for (auto& row : test::read_csv(path)) {
            const Uint256 u = word(row["u"]), x = word(row["x"]);
            for (unsigned which = 0; which < 8; ++which) {
                const std::string expected = row["case" + std::to_string(which) + "_t"];
                const auto t = xswiftec_inverse(x, u, which);
                EXPECT_EQ(t ? to_hex(t->span()) : "", expected) << row["u"] << " case " << which;
                if (t) {
                    EllSwiftKey encoded;
                    std::copy_n(u.data(), 32, encoded.begin());
                    std::copy_n(t->data(), 32, encoded.begin() + 32);
                    EXPECT_EQ(ellswift_decode(encoded).xonly(), x);
                }
            }
            ++count;
        }
    }
    test::report("ElligatorSwift inverses", count);
}

using Csv = std::map<std::string, std::string>;

Bip324Cipher make_cipher(Csv& row, bool initiating, bool swapped) {
    const auto key = PrivateKey::parse(hex(row["in_priv_ours"]));
    Bip324Cipher cipher({0xf9, 0xbe, 0xb4, 0xd9}, key.value(), test::array<64>(row["in_ellswift_ours"]));
    EXPECT_FALSE(cipher.is_ready());
    cipher.initialize(test::array<64>(row["in_ellswift_theirs"]), initiating, swapped);
    EXPECT_TRUE(cipher.is_ready());
    return cipher;
}

void check_handshake(Csv& row, const Bip324Cipher& cipher) {
    const auto key = PrivateKey::parse(hex(row["in_priv_ours"]));
    const auto ours = test::array<64>(row["in_ellswift_ours"]), theirs = test::array<64>(row["in_ellswift_theirs"]);
    EXPECT_EQ(ellswift_decode(ours).xonly(), word(row["mid_x_ours"]));
    EXPECT_EQ(ellswift_decode(theirs).xonly(), word(row["mid_x_theirs"]));
    EXPECT_EQ(key->ecdh_x(ellswift_decode(theirs)), word(row["mid_x_shared"]));
    EXPECT_EQ(ellswift_bip324_ecdh(*key, ours, theirs, row["in_initiating"] == "1"), word(row["mid_shared_secret"]));
    EXPECT_EQ(cipher.session_id(), word(row["out_session_id"]));
    EXPECT_EQ(to_hex(cipher.send_garbage_terminator()), row["mid_send_garbage_terminator"]);
    EXPECT_EQ(to_hex(cipher.receive_garbage_terminator()), row["mid_recv_garbage_terminator"]);
}

TEST(CryptoVectors, Bip324Packets) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "*packet_encoding*.csv")) {
        for (auto& row : test::read_csv(path)) {
            SCOPED_TRACE("packet " + row["in_idx"]);
            const bool initiating = row["in_initiating"] == "1", ignore = row["in_ignore"] == "1";
            Bip324Cipher cipher = make_cipher(row, initiating, false), receiver = make_cipher(row, initiating, true);
            check_handshake(row, cipher);

            const unsigned long index = std::stoul(row["in_idx"]);
            const auto pass = [&](ByteSpan contents, ByteSpan aad, bool flag) {
                Bytes packet(contents.size() + Bip324Cipher::kExpansion);
                cipher.encrypt(contents, aad, flag, packet);
                EXPECT_EQ(receiver.decrypt_length(ByteSpan(packet).first(3)), contents.size());
                Bytes opened(contents.size());
                bool opened_flag = !flag;
                EXPECT_TRUE(receiver.decrypt(ByteSpan(packet).subspan(3), aad, opened_flag, opened));
                EXPECT_EQ(opened_flag, flag);
                EXPECT_TRUE(std::ranges::equal(opened, contents));
                return packet;
            };
            for (unsigned long i = 0; i < index; ++i) pass({}, {}, true);

            const Bytes unit = hex(row["in_contents"]);
            Bytes contents;
            for (unsigned long i = 0; i < std::stoul(row["in_multiply"]); ++i) {
                contents.insert(contents.end(), unit.begin(), unit.end());
            }
            const std::string packet = to_hex(pass(contents, hex(row["in_aad"]), ignore));
            EXPECT_TRUE(row["out_ciphertext"].empty() || packet == row["out_ciphertext"]) << packet;
            EXPECT_TRUE(packet.ends_with(row["out_ciphertext_endswith"]));
            ++count;
        }
    }
    test::report("BIP324 packets", count);
}

}  // namespace
}  // namespace cairn
