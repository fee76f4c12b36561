#include "light/signing/input_weight.hpp"

#include <gtest/gtest.h>

#include "consensus/crypto/hash.hpp"
#include "consensus/script/script.hpp"

namespace cairn::light {
namespace {

Bytes pubkey(std::uint8_t number) { return to_bytes(PrivateKey::parse(Bytes(32, number)).value().public_key().compressed()); }

TEST(InputWeight, OfUsualOutputsIsWhatWalletsKnow) {
    const Bytes key = pubkey(1);
    ScriptKeys keys;
    EXPECT_FALSE(largest_input_weight(make_p2pkh(hash160(key)), keys).has_value());
    keys.add_public(key);
    const Bytes segwit = make_witness_program(0, hash160(key));
    keys.add_script(segwit);
    EXPECT_EQ(largest_input_weight(make_p2pkh(hash160(key)), keys)->weight(), 148 * 4 - 4 + 1);  // 147 bytes: a low R saves one
    EXPECT_EQ(largest_input_weight(segwit, keys)->weight(), 41 * 4 + 107);
    EXPECT_EQ(largest_input_weight(segwit, keys, false)->weight(), 41 * 4 + 108);
    EXPECT_EQ(largest_input_weight(make_p2sh(hash160(segwit)), keys)->weight(), 64 * 4 + 107);
    EXPECT_EQ(largest_input_weight(make_witness_program(1, ByteSpan(key).last(32)), keys)->weight(), 41 * 4 + 66);
}

TEST(InputWeight, OfMultisigCountsTheSignaturesThatAreNeeded) {
    const Bytes a = pubkey(1), b = pubkey(2), c = pubkey(3);
    const Bytes script = make_multisig(2, std::array<ByteSpan, 3>{a, b, c});
    ScriptKeys keys;
    keys.add_script(script);
    EXPECT_EQ(largest_input_weight(make_witness_program(0, sha256(script).span()), keys)->witness_bytes, 1 + 1 + 2 * 72 + 1 + script.size());
}

}  // namespace
}  // namespace cairn::light
