#include <iostream>

#include "consensus/base/hex.hpp"
#include "consensus/script/sighash.hpp"
#include "tests/support/json.hpp"

namespace cairn {
namespace {

/// Reads, writes again, and hashes for a few inputs what their signatures sign.
void check_transaction_bytes(const Bytes& raw) {
    const auto holder = TransactionHolder::parse(raw);
    ASSERT_TRUE(holder.has_value()) << to_string(holder.error());
    const Transaction& tx = (*holder)->tx();
    EXPECT_EQ(MutableTransaction(tx).serialize(), raw);
    const std::size_t step = tx.inputs.size() / 64 + 1;
    for (std::size_t i = 0; i < tx.inputs.size(); i += step) {
        EXPECT_FALSE(ecdsa_sighash(tx, i, tx.inputs[i].script_sig, kSighashAll, 0, SigVersion::base).is_null());
        EXPECT_FALSE(ecdsa_sighash(tx, i, tx.inputs[i].script_sig, kSighashAll, 0, SigVersion::witness_v0).is_null());
    }
}

TEST(LargeTransactions, RealOnesAreReadAndWrittenAgain) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    int transactions = 0;
    for (const auto& path : test::vector_files("script", "mainnet_tx_*.bin")) {
        SCOPED_TRACE(path.string());
        const Bytes raw = test::read_file(path);
        check_transaction_bytes(raw);
        const std::string name = path.filename().string().substr(std::string("mainnet_tx_").size());
        const std::string start_of_txid = name.substr(0, name.find('.'));
        const std::string txid = TransactionHolder::parse(raw).value()->tx().txid.to_display_hex();
        EXPECT_EQ(txid.substr(0, start_of_txid.size()), start_of_txid);
        ++transactions;
    }
    for (const auto& path : test::vector_files("script", "*.hex")) {
        SCOPED_TRACE(path.string());
        const auto lines = test::read_lines(path);
        ASSERT_EQ(lines.size(), 1u);
        const auto raw = from_hex(lines[0]);
        ASSERT_TRUE(raw.has_value());
        if (path.filename().string().starts_with("btcd_many_inputs")) {
            // Decred's format (trees, versions, expiry, witness behind): its start reads like Bitcoin's, the rest must
            // not.
            EXPECT_FALSE(TransactionHolder::parse(*raw).has_value());
            continue;
        }
        check_transaction_bytes(*raw);
        ++transactions;
    }
    for (const auto& path : test::vector_files("script/bcoin_tx", "*.raw")) {
        if (path.filename().string().find("-undo") != std::string::npos) continue;
        SCOPED_TRACE(path.string());
        check_transaction_bytes(test::read_file(path));
        ++transactions;
    }
    std::cout << "large and real transactions: " << transactions << "\n";
    if (transactions == 0) GTEST_SKIP() << "no such files among these vectors";
}

}  // namespace
}  // namespace cairn
