#include "consensus/crypto/musig.hpp"

#include "consensus/crypto/dleq.hpp"
#include "tests/support/csv.hpp"
#include "tests/vectors/consensus/crypto/support.hpp"

namespace cairn {
namespace {

using test::hex;
using test::lower;
using test::word;

template <std::size_t N>
std::array<std::uint8_t, N> array(const UniValue& value) {
    return test::array<N>(value.get_str());
}

/// An index.
std::size_t number(const UniValue& value) {
    return static_cast<std::size_t>(value.get_int64());
}

/// Calls `check` with every row of a list of the files of that pattern.
template <class Check>
std::size_t for_each_row(const std::string& pattern, const char* list, Check&& check) {
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", pattern)) {
        const UniValue json = test::read_json(path);
        if (!json.exists(list)) continue;
        for (const auto& row : json[list].getValues()) {
            SCOPED_TRACE(row.write());
            check(json, row);
            ++count;
        }
    }
    return count;
}

/// The elements of `all` that the row's indices name.
template <std::size_t N>
std::vector<std::array<std::uint8_t, N>> pick(const UniValue& all, const UniValue& indices) {
    std::vector<std::array<std::uint8_t, N>> picked;
    for (const auto& index : indices.getValues()) picked.push_back(array<N>(all[number(index)]));
    return picked;
}

std::vector<MusigTweak> pick_tweaks(const UniValue& json, const UniValue& row) {
    std::vector<MusigTweak> tweaks;
    if (!row.exists("tweak_indices")) return tweaks;
    for (std::size_t i = 0; i < row["tweak_indices"].size(); ++i) {
        tweaks.push_back({word(json["tweaks"][number(row["tweak_indices"][i])]), row["is_xonly"][i].get_bool()});
    }
    return tweaks;
}

/// An aggregate nonce: one of a list, the only one of the file, or the row's own.
MusigPublicNonce aggregate_nonce(const UniValue& json, const UniValue& row) {
    if (row.exists("aggnonce")) return array<66>(row["aggnonce"]);
    if (row.exists("aggnonce_index")) return array<66>(json["aggnonces"][number(row["aggnonce_index"])]);
    return array<66>(json["aggnonce"]);
}

Bytes message_of(const UniValue& json, const UniValue& row) {
    return row.exists("msg_index") ? hex(json["msgs"][number(row["msg_index"])]) : hex(json["msg"]);
}

MusigSecretNonce secret_nonce_of(const UniValue& json, const UniValue& row) {
    if (row.exists("secnonce_index")) return array<97>(json["secnonces"][number(row["secnonce_index"])]);
    return array<97>(json.exists("secnonces") ? json["secnonces"][0] : json["secnonce"]);
}

MusigSession session_of(const UniValue& json, const UniValue& row) {
    return {aggregate_nonce(json, row), pick<33>(json["pubkeys"], row["key_indices"]), pick_tweaks(json, row),
            message_of(json, row)};
}

void expect_error(const MusigError& error, const UniValue& row) {
    const UniValue& expected = row["error"];
    if (expected["type"].get_str() == "value") {
        EXPECT_EQ(error.kind, MusigError::Kind::invalid_value);
        EXPECT_EQ(error.what, expected["message"].get_str());
        return;
    }
    EXPECT_EQ(error.kind, MusigError::Kind::invalid_contribution);
    EXPECT_EQ(error.what, expected["contrib"].get_str());
    EXPECT_EQ(error.signer.has_value(), !expected["signer"].isNull());
    if (error.signer && !expected["signer"].isNull()) {
        EXPECT_EQ(*error.signer, number(expected["signer"]));
    }
}

Result<MusigKey, MusigError> aggregate(const std::vector<CompressedKey>& keys, const std::vector<MusigTweak>& tweaks) {
    auto key = MusigKey::aggregate(keys);
    for (const auto& tweak : tweaks) {
        if (key) key = key->tweak(tweak);
    }
    return key;
}

TEST(MusigVectors, KeyAggregation) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count =
        for_each_row("bip327_key_agg*.json", "valid_test_cases", [](const UniValue& json, const UniValue& row) {
            const auto key = aggregate(pick<33>(json["pubkeys"], row["key_indices"]), pick_tweaks(json, row));
            ASSERT_TRUE(key);
            EXPECT_EQ(to_hex(key->key.xonly().span()), lower(row["expected"].get_str()));
        });
    count += for_each_row("bip327_key_agg*.json", "error_test_cases", [](const UniValue& json, const UniValue& row) {
        const auto key = aggregate(pick<33>(json["pubkeys"], row["key_indices"]), pick_tweaks(json, row));
        ASSERT_FALSE(key);
        expect_error(key.error(), row);
    });
    test::report("MuSig2 key aggregation", count);
}

TEST(MusigVectors, KeySorting) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "bip327_key_sort*.json")) {
        const UniValue json = test::read_json(path);
        std::vector<CompressedKey> keys, expected;
        for (const auto& key : json["pubkeys"].getValues()) keys.push_back(array<33>(key));
        for (const auto& key : json["sorted_pubkeys"].getValues()) expected.push_back(array<33>(key));
        musig_sort_keys(keys);
        EXPECT_EQ(keys, expected);
        ++count;
    }
    test::report("MuSig2 key sorting", count);
}

TEST(MusigVectors, NonceAggregation) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count =
        for_each_row("bip327_nonce_agg*.json", "valid_test_cases", [](const UniValue& json, const UniValue& row) {
            const auto nonce = musig_aggregate_nonces(pick<66>(json["pnonces"], row["pnonce_indices"]));
            ASSERT_TRUE(nonce);
            EXPECT_EQ(to_hex(*nonce), lower(row["expected"].get_str()));
        });
    count += for_each_row("bip327_nonce_agg*.json", "error_test_cases", [](const UniValue& json, const UniValue& row) {
        const auto nonce = musig_aggregate_nonces(pick<66>(json["pnonces"], row["pnonce_indices"]));
        ASSERT_FALSE(nonce);
        expect_error(nonce.error(), row);
    });
    test::report("MuSig2 nonce aggregation", count);
}

TEST(MusigVectors, NonceGeneration) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const std::size_t count =
        for_each_row("bip327_nonce_gen*.json", "test_cases", [](const UniValue&, const UniValue& row) {
            MusigNonceSource source;
            source.random = word(row["rand_"]);
            source.public_key = array<33>(row["pk"]);
            if (!row["sk"].isNull()) source.secret_key = word(row["sk"]);
            if (!row["aggpk"].isNull()) source.aggregate_key = word(row["aggpk"]);
            const Bytes message = row["msg"].isNull() ? Bytes() : hex(row["msg"]);
            if (!row["msg"].isNull()) source.message = ByteSpan(message);
            const Bytes extra = row["extra_in"].isNull() ? Bytes() : hex(row["extra_in"]);
            source.extra = extra;
            const auto nonce = musig_make_nonce(source);
            ASSERT_TRUE(nonce);
            EXPECT_EQ(to_hex(nonce->secret), lower(row["expected_secnonce"].get_str()));
            EXPECT_EQ(to_hex(nonce->public_nonce), lower(row["expected_pubnonce"].get_str()));
        });
    test::report("MuSig2 nonce generation", count);
}

/// sign_verify and tweak files have the same shape.
TEST(MusigVectors, SigningAndVerifying) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const char* pattern : {"bip327_sign_verify*.json", "bip327_tweak*.json"}) {
        count += for_each_row(pattern, "valid_test_cases", [](const UniValue& json, const UniValue& row) {
            const MusigSession session = session_of(json, row);
            const auto nonces = pick<66>(json["pnonces"], row["nonce_indices"]);
            const auto signer = number(row["signer_index"]);
            EXPECT_EQ(musig_aggregate_nonces(nonces).value(), session.aggregate_nonce);
            MusigSecretNonce nonce = secret_nonce_of(json, row);
            const auto signature = musig_sign(nonce, word(json["sk"]), session);
            ASSERT_TRUE(signature) << signature.error().what;
            EXPECT_EQ(to_hex(*signature), lower(row["expected"].get_str()));
            EXPECT_TRUE(musig_verify_partial(*signature, nonces, session.keys, session.tweaks, session.message, signer)
                            .value());
            EXPECT_FALSE(musig_sign(nonce, word(json["sk"]), session)) << "the nonce was not wiped";
        });
        for (const char* list : {"sign_error_test_cases", "error_test_cases"}) {
            count += for_each_row(pattern, list, [](const UniValue& json, const UniValue& row) {
                MusigSecretNonce nonce = secret_nonce_of(json, row);
                const auto signature = musig_sign(nonce, word(json["sk"]), session_of(json, row));
                ASSERT_FALSE(signature);
                expect_error(signature.error(), row);
            });
        }
        const auto verify = [](const UniValue& json, const UniValue& row) {
            return musig_verify_partial(array<32>(row["sig"]), pick<66>(json["pnonces"], row["nonce_indices"]),
                                        pick<33>(json["pubkeys"], row["key_indices"]), pick_tweaks(json, row),
                                        message_of(json, row), number(row["signer_index"]));
        };
        count += for_each_row(pattern, "verify_fail_test_cases", [&](const UniValue& json, const UniValue& row) {
            EXPECT_FALSE(verify(json, row).value());
        });
        count += for_each_row(pattern, "verify_error_test_cases", [&](const UniValue& json, const UniValue& row) {
            const auto verdict = verify(json, row);
            ASSERT_FALSE(verdict);
            expect_error(verdict.error(), row);
        });
    }
    test::report("MuSig2 signing", count);
}

TEST(MusigVectors, DeterministicSigning) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const auto sign = [](const UniValue& json, const UniValue& row) {
        const auto keys = pick<33>(json["pubkeys"], row["key_indices"]);
        std::vector<MusigTweak> tweaks;
        for (std::size_t i = 0; i < row["tweaks"].size(); ++i) {
            tweaks.push_back({word(row["tweaks"][i]), row["is_xonly"][i].get_bool()});
        }
        std::optional<Uint256> random;
        if (!row["rand"].isNull()) random = word(row["rand"]);
        return musig_sign_deterministically(word(json["sk"]), array<66>(row["aggothernonce"]), keys, tweaks,
                                            message_of(json, row), random);
    };
    std::size_t count =
        for_each_row("bip327_det_sign*.json", "valid_test_cases", [&](const UniValue& json, const UniValue& row) {
            const auto signature = sign(json, row);
            ASSERT_TRUE(signature);
            EXPECT_EQ(to_hex(signature->public_nonce), lower(row["expected"][0].get_str()));
            EXPECT_EQ(to_hex(signature->signature), lower(row["expected"][1].get_str()));
        });
    count += for_each_row("bip327_det_sign*.json", "error_test_cases", [&](const UniValue& json, const UniValue& row) {
        const auto signature = sign(json, row);
        ASSERT_FALSE(signature);
        expect_error(signature.error(), row);
    });
    test::report("MuSig2 deterministic signing", count);
}

TEST(MusigVectors, SignatureAggregation) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const auto run = [](const UniValue& json, const UniValue& row) {
        const MusigSession session = session_of(json, row);
        EXPECT_EQ(musig_aggregate_nonces(pick<66>(json["pnonces"], row["nonce_indices"])).value(),
                  session.aggregate_nonce);
        return musig_aggregate_signatures(pick<32>(json["psigs"], row["psig_indices"]), session);
    };
    std::size_t count =
        for_each_row("bip327_sig_agg*.json", "valid_test_cases", [&](const UniValue& json, const UniValue& row) {
            const auto signature = run(json, row);
            ASSERT_TRUE(signature);
            EXPECT_EQ(to_hex(*signature), lower(row["expected"].get_str()));
            const MusigSession session = session_of(json, row);
            const auto key = aggregate(session.keys, session.tweaks);
            EXPECT_TRUE(verify_schnorr(key->key.xonly(), session.message, *signature));
        });
    count += for_each_row("bip327_sig_agg*.json", "error_test_cases", [&](const UniValue& json, const UniValue& row) {
        const auto signature = run(json, row);
        ASSERT_FALSE(signature);
        expect_error(signature.error(), row);
    });
    test::report("MuSig2 signature aggregation", count);
}

/// A point of a BIP374 row; nullopt for the text INFINITY and what is no point.
std::optional<PublicKey> point(const std::string& text) {
    if (!is_hex(text)) return std::nullopt;
    return PublicKey::parse(hex(text));
}

std::optional<Uint256> optional_word(const std::string& text) {
    if (text.empty()) return std::nullopt;
    return word(text);
}

TEST(DleqVectors, Proving) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "bip374_generate*.csv")) {
        for (auto& row : test::read_csv(path)) {
            SCOPED_TRACE(row["comment"]);
            const auto generator = point(row["point_G"]), b = point(row["point_B"]);
            std::optional<DleqProof> proof;
            if (generator && b) {
                proof = dleq_prove(word(row["scalar_a"]), *b, word(row["auxrand_r"]), *generator,
                                   optional_word(row["message"]));
            }
            EXPECT_EQ(proof ? to_hex(*proof) : "INVALID", row["result_proof"]);
            ++count;
        }
    }
    test::report("BIP374 proofs made", count);
}

TEST(DleqVectors, Verifying) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "bip374_verify*.csv")) {
        for (auto& row : test::read_csv(path)) {
            SCOPED_TRACE(row["comment"]);
            const auto generator = point(row["point_G"]), a = point(row["point_A"]);
            const auto b = point(row["point_B"]), c = point(row["point_C"]);
            const bool valid =
                generator && a && b && c &&
                dleq_verify(*a, *b, *c, test::array<64>(row["proof"]), *generator, optional_word(row["message"]));
            EXPECT_EQ(valid, row["result_success"] == "TRUE");
            ++count;
        }
    }
    test::report("BIP374 proofs verified", count);
}

}  // namespace
}  // namespace cairn
