#include "consensus/script/sighash.hpp"

#include <iostream>

#include "tests/support/json.hpp"

namespace cairn {
namespace {

TEST(SighashVectors, LegacyHashIsWhatTheVectorSays) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    int cases = 0;
    for (const auto& path : test::vector_files("script", "sighash*.json")) {
        const UniValue rows = test::load_json(path);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const UniValue& row = rows[i];
            if (row.size() < 5) continue;  // a comment
            SCOPED_TRACE(row.write());
            const auto tx = TransactionHolder::parse(test::hex_of(row[0]));
            ASSERT_TRUE(tx.has_value()) << to_string(tx.error());
            const Bytes script = test::hex_of(row[1]);
            const auto index = static_cast<std::size_t>(row[2].get_int());
            const auto hash_type = static_cast<std::int32_t>(row[3].get_int64());
            SighashCache cache;
            for (int round = 0; round < 2; ++round) {  // the second from the midstate
                const Uint256 hash =
                    ecdsa_sighash((*tx)->tx(), index, script, hash_type, 0, SigVersion::base, nullptr, &cache);
                EXPECT_EQ(hash.to_display_hex(), row[4].get_str());
            }
            ++cases;
        }
    }
    std::cout << "sighash: " << cases << " cases\n";
    if (cases == 0) GTEST_SKIP() << "no such files among these vectors";
}

}  // namespace
}  // namespace cairn
