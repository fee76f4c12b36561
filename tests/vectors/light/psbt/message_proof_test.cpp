#include "light/psbt/message_proof.hpp"

#include <algorithm>
#include <iostream>

#include <gtest/gtest.h>

#include "consensus/crypto/hash.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/solver.hpp"
#include "tests/support/json.hpp"

/// BIP322: hashes, and signatures of other programs.
namespace cairn::light {
namespace {

using test::hex_of;

struct Counts {
    std::size_t files = 0, hashes = 0, valid = 0, refused = 0, made = 0, same = 0;
};

Bytes script_of(const UniValue& test) {
    const auto destination = decode_address(test["address"].get_str(), kMainAddresses);
    EXPECT_TRUE(destination.has_value());
    return script_for(*destination);
}

std::uint32_t number(const UniValue& test, const char* name) {
    return test[name].isNull() ? 0 : static_cast<std::uint32_t>(test[name].get_int64());
}

void check_hashes(const UniValue& test, Counts& counts) {
    const std::string message = test["message"].get_str();
    const Bytes script = script_of(test);
    EXPECT_EQ(to_hex(generic_message_hash(message).span()), test["message_hash"].get_str());
    const Txid to_spend = message_to_spend(message, script).finish()->tx().txid;
    EXPECT_EQ(to_spend.to_display_hex(), test["to_spend_tx_hash"].get_str());
    EXPECT_EQ(message_to_sign(to_spend).finish()->tx().txid.to_display_hex(), test["to_sign_tx_hash"].get_str());
    ++counts.hashes;
}

ScriptKeys keys_of(const UniValue& test) {
    ScriptKeys keys;
    for (const UniValue& wif : test["private_keys"].getValues()) {
        const auto key = decode_wif(wif.get_str(), kMainAddresses);
        EXPECT_TRUE(key.has_value());
        keys.add(*key);
        keys.add_script(make_witness_program(0, hash160(written_public_key(*key))));
        keys.add_taproot({key->key.public_key().xonly(), {}, {}});
    }
    for (const char* name : {"witness_script", "sig_script"}) {
        if (test[name].isNull() || test[name].get_str().empty()) continue;
        const Bytes script = hex_of(test[name]);
        keys.add_script(script);
        keys.add_script(make_witness_program(0, sha256(script).span()));
    }
    return keys;
}

void check_signed(const UniValue& test, Counts& counts) {
    const std::string message = test["message"].get_str();
    const Bytes script = script_of(test);
    for (const UniValue& signature : test["bip322_signatures"].getValues()) {
        const MessageCheck check = verify_message(message, script, signature.get_str());
        EXPECT_EQ(check.state, MessageState::valid) << check.reason << "\n" << test.write().substr(0, 300);
        EXPECT_EQ(check.lock_time, number(test, "lock_time"));
        EXPECT_EQ(check.sequence, number(test, "sequence"));
        std::size_t claims = 0;
        if (!test["additional_inputs"].isNull())
            for (const UniValue& from_one : test["additional_inputs"].getValues()) claims += from_one.size();
        EXPECT_EQ(check.claims.size(), claims);
        EXPECT_NE(verify_message(message + "x", script, signature.get_str()).state, MessageState::valid);
        ++counts.valid;
    }
    if (!test["additional_inputs"].isNull()) return;
    const MessageOptions options{{number(test, "tx_version"), number(test, "lock_time"), number(test, "sequence")}, {}};
    const auto ours = sign_message(message, script, keys_of(test), options);
    if (!ours) {
        std::cout << "not signed by us: " << test["type"].get_str() << ": " << ours.error() << "\n";
        return;
    }
    const MessageCheck check = verify_message(message, script, *ours);
    EXPECT_EQ(check.state, MessageState::valid) << check.reason;
    ++counts.made;
    const auto& known = test["bip322_signatures"].getValues();
    if (std::any_of(known.begin(), known.end(), [&](const UniValue& one) { return one.get_str() == *ours; })) ++counts.same;
}

TEST(MessageVectors, AgreeWithTheStandard) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    Counts counts;
    for (const auto& path : test::vector_files("wallet", "bip322*.json")) {
        ++counts.files;
        const UniValue file = test::load_json(path);
        for (const char* list : {"tx_hashes", "simple", "full", "proof_of_funds", "error"}) {
            if (file[list].isNull()) continue;
            for (const UniValue& test : file[list].getValues()) {
                SCOPED_TRACE(list + (": " + test["message"].get_str()));
                if (std::string_view(list) == "tx_hashes") {
                    check_hashes(test, counts);
                } else if (std::string_view(list) != "error") {
                    check_signed(test, counts);
                } else {
                    SCOPED_TRACE(test["description"].get_str());
                    const MessageCheck check = verify_message(test["message"].get_str(), script_of(test), test["signature"].get_str());
                    EXPECT_EQ(check.state, MessageState::invalid);
                    EXPECT_FALSE(check.reason.empty());
                    ++counts.refused;
                }
            }
        }
    }
    std::cout << "signed messages: " << counts.files << " files, " << counts.hashes << " hashes, " << counts.valid << " valid, " << counts.refused
              << " refused; signed by us " << counts.made << ", of them as the vector says " << counts.same << "\n";
    EXPECT_GT(counts.hashes + counts.valid + counts.refused, 0u);
}

}  // namespace
}  // namespace cairn::light
