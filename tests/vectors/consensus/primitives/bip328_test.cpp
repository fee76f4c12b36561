#include <univalue.h>

#include <iostream>

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/musig.hpp"
#include "consensus/primitives/address.hpp"
#include "consensus/primitives/base58.hpp"
#include "tests/support/vectors.hpp"

namespace cairn {
namespace {

CompressedKey to_key(const std::string& text) {
    const Bytes bytes = from_hex(text).value();
    CompressedKey key{};
    std::copy_n(bytes.begin(), std::min(bytes.size(), key.size()), key.begin());
    return key;
}

/// The extended key that stands for an aggregate key: a chain code fixed by the BIP, no parent.
std::string synthetic_xpub(const MusigKey& key) {
    Bytes data = to_bytes(kMainAddresses.extended_public);
    data.resize(data.size() + 9);  // depth, fingerprint, child number
    const Bytes chain_code = from_hex("868087ca02a6f974c4598924c36b57762d32cb45717167e300622c7167e38965").value();
    data.insert(data.end(), chain_code.begin(), chain_code.end());
    const auto point = key.key.compressed();
    data.insert(data.end(), point.begin(), point.end());
    return encode_base58_check(data);
}

TEST(MusigVectors, SyntheticExtendedKeys) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "bip328*.json")) {
        UniValue json;
        ASSERT_TRUE(json.read(test::read_text(path)));
        for (const auto& row : json.getValues()) {
            std::vector<CompressedKey> keys;
            for (const auto& key : row["keys"].getValues()) keys.push_back(to_key(key.get_str()));
            const auto key = MusigKey::aggregate(keys);
            ASSERT_TRUE(key);
            EXPECT_EQ(to_hex(key->key.compressed()), row["aggregate_pubkey"].get_str());
            EXPECT_EQ(synthetic_xpub(*key), row["xpub"].get_str());
            ++count;
        }
    }
    std::cout << "BIP328: " << count << " cases\n";
    if (count == 0) GTEST_SKIP() << "no vectors of this kind";
}

}  // namespace
}  // namespace cairn
