#include <iostream>

#include "consensus/crypto/hash.hpp"
#include "consensus/script/script.hpp"
#include "tests/support/json.hpp"
#include "tests/support/script_spend.hpp"

namespace cairn {
namespace {

/// A real transaction with everything it spends.
struct RealSpend {
    TransactionPtr tx;
    std::vector<Bytes> scripts;
    std::vector<TxOutput> spent;
};

void check_valid(const RealSpend& spend, ScriptFlags flags) {
    ASSERT_EQ(spend.tx->tx().inputs.size(), spend.spent.size());
    const PrecomputedTxData precomputed(spend.tx->tx(), spend.spent);
    for (std::size_t i = 0; i < spend.spent.size(); ++i) {
        const ScriptError error = verify_input(spend.tx->tx(), i, flags, precomputed);
        EXPECT_EQ(error, ScriptError::ok) << "input " << i << ": " << to_string(error);
        test::expect_rows_agree(spend.tx->tx(), i, flags, precomputed, error);
    }
}

/// Changing one output invalidates every signature over all outputs.
void check_changed_output_fails(const RealSpend& spend, ScriptFlags flags) {
    MutableTransaction changed(spend.tx->tx());
    changed.outputs[0].value ^= 1;
    const TransactionPtr tx = changed.finish();
    const PrecomputedTxData precomputed(tx->tx(), spend.spent);
    for (std::size_t i = 0; i < spend.spent.size(); ++i) {
        EXPECT_NE(verify_input(tx->tx(), i, flags, precomputed), ScriptError::ok);
        EXPECT_EQ(test::verify_by_rows(tx->tx(), i, flags, precomputed), test::RowsVerdict::unknown);
    }
}

TEST(RealSpends, MainnetSpendsOfEveryKindAreValid) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    int spends = 0;
    for (const auto& path : test::vector_files("script/real_spends", "*.json")) {
        SCOPED_TRACE(path.string());
        const UniValue json = test::load_json(path);
        RealSpend spend;
        spend.tx = TransactionHolder::parse(test::hex_of(json["tx_hex"])).value();
        EXPECT_EQ(spend.tx->tx().txid.to_display_hex(), json["txid"].get_str());
        EXPECT_EQ(spend.tx->tx().wtxid.to_display_hex(), json["wtxid"].get_str());
        for (const UniValue& prevout : json["prevouts"].getValues()) {
            spend.scripts.push_back(test::hex_of(prevout["script_hex"]));
            spend.spent.push_back({prevout["amount_sat"].get_int64(), spend.scripts.back()});
        }
        const ScriptFlags flags = parse_script_flags(json["flags"].get_str()).value();
        check_valid(spend, flags);
        check_changed_output_fails(spend, flags);
        ++spends;
    }
    std::cout << "real_spends: " << spends << " transactions\n";
    if (spends == 0) GTEST_SKIP() << "no such files among these vectors";
}

TEST(RealSpends, TransactionsWithUndoDataAreValid) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    int spends = 0;
    for (const auto& path : test::vector_files("script/bcoin_tx", "*-undo.raw")) {
        SCOPED_TRACE(path.string());
        const std::string undo_name = path.filename().string();
        const auto tx_path = path.parent_path() / (undo_name.substr(0, undo_name.find("-undo")) + ".raw");
        const Bytes undo = test::read_file(path);
        RealSpend spend;
        spend.tx = TransactionHolder::parse(test::read_file(tx_path)).value();
        Reader reader(undo);
        while (reader.ok() && reader.remaining() > 0) {
            const Amount value = reader.i64();
            spend.spent.push_back({value, reader.var_bytes()});
        }
        ASSERT_TRUE(reader.ok());
        check_valid(spend, ScriptFlag::p2sh);  // the rules of their time; one uses NOP2 before it meant anything
        ++spends;
    }
    std::cout << "bcoin_tx: " << spends << " transactions with undo data\n";
    if (spends == 0) GTEST_SKIP() << "no such files among these vectors";
}

TEST(RealSpends, Bip16ViolationIsValidOnlyWithoutP2sh) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    int spends = 0;
    for (const auto& path : test::vector_files("invalid", "bip16_violation*_tx.json")) {
        const UniValue json = test::load_json(path);
        RealSpend spend;
        spend.tx = TransactionHolder::parse(test::hex_of(json["tx"])).value();
        EXPECT_EQ(spend.tx->tx().txid.to_display_hex(), json["txid"].get_str());
        for (const TxInput& input : spend.tx->tx().inputs) {
            ScriptReader reader(input.script_sig);
            Instruction instruction;
            while (reader.next(instruction)) {
            }
            spend.scripts.push_back(make_p2sh(hash160(instruction.data)));
            spend.spent.push_back({0, spend.scripts.back()});
        }
        check_valid(spend, {});
        const PrecomputedTxData precomputed(spend.tx->tx(), spend.spent);
        for (std::size_t i = 0; i < spend.spent.size(); ++i) {
            EXPECT_NE(verify_input(spend.tx->tx(), i, ScriptFlag::p2sh, precomputed), ScriptError::ok);
        }
        ++spends;
    }
    std::cout << "bip16 violations: " << spends << "\n";
    if (spends == 0) GTEST_SKIP() << "no such files among these vectors";
}

}  // namespace
}  // namespace cairn
