#include <iostream>
#include <map>
#include <random>
#include <set>

#include "consensus/rules/tx_rules.hpp"
#include "consensus/script/asm.hpp"
#include "tests/support/json.hpp"
#include "tests/support/script_spend.hpp"

namespace cairn {
namespace {

/// A transaction with what it spends, as tx_valid and tx_invalid describe it.
struct TxCase {
    TransactionPtr tx;
    std::map<OutPoint, Bytes> scripts;
    std::vector<TxOutput> spent;
    PrecomputedTxData precomputed;
    std::string flags_text;
    test::MemoOracle oracle;

    bool all_inputs_valid(ScriptFlags flags) const {
        for (std::size_t i = 0; i < tx->tx().inputs.size(); ++i) {
            const ScriptError error = verify_input(tx->tx(), i, flags, precomputed, oracle);
            test::expect_rows_agree(tx->tx(), i, flags, precomputed, error);
            if (error != ScriptError::ok) return false;
        }
        return true;
    }
};

/// Null for a comment. A transaction that cannot even be read leaves `tx` null.
std::unique_ptr<TxCase> read_case(const UniValue& row) {
    if (!row[0].isArray()) return nullptr;
    auto c = std::make_unique<TxCase>();
    std::map<OutPoint, Amount> amounts;
    for (const UniValue& prevout : row[0].getValues()) {
        const OutPoint outpoint{Txid::from_display_hex(prevout[0].get_str()).value(),
                                static_cast<std::uint32_t>(prevout[1].get_int64())};
        c->scripts[outpoint] = parse_script(prevout[2].get_str()).value();
        amounts[outpoint] = prevout.size() > 3 ? prevout[3].get_int64() : 0;
    }
    c->flags_text = row[2].get_str();
    auto tx = TransactionHolder::parse(test::hex_of(row[1]));
    if (!tx) return c;
    c->tx = *tx;
    bool complete = true;
    for (const TxInput& input : c->tx->tx().inputs) {
        complete = complete && c->scripts.contains(input.prevout);
        if (complete) c->spent.push_back({amounts[input.prevout], c->scripts[input.prevout]});
    }
    if (complete) c->precomputed = PrecomputedTxData(c->tx->tx(), c->spent);
    return c;
}

/// Consistent sets that lack one flag of `flags`.
std::vector<ScriptFlags> without_one(ScriptFlags flags) {
    std::vector<ScriptFlags> sets;
    for (int i = 0; i < kScriptFlagCount; ++i) {
        const ScriptFlags fewer = trim_flags(flags & ~static_cast<ScriptFlag>(i));
        if (fewer != flags) sets.push_back(fewer);
    }
    return sets;
}

void check_valid(const TxCase& c, std::mt19937& random) {
    ASSERT_TRUE(c.tx != nullptr);
    EXPECT_TRUE(rules::check_transaction(c.tx->tx()).has_value());
    const ScriptFlags excluded = parse_script_flags(c.flags_text).value();
    ASSERT_TRUE(is_consistent(~excluded)) << "the vector names an impossible set of flags";
    EXPECT_TRUE(c.all_inputs_valid(~excluded));
    for (int i = 0; i < kScriptFlagCount; ++i) {
        EXPECT_TRUE(c.all_inputs_valid(trim_flags(~(excluded | static_cast<ScriptFlag>(i))))) << "without flag " << i;
        EXPECT_TRUE(c.all_inputs_valid(trim_flags(~(excluded | ScriptFlags::from_bits(random())))));
    }
    // The excluded flags are needed, each of them.
    for (const ScriptFlags fewer : without_one(excluded)) {
        if (is_consistent(~fewer)) {
            EXPECT_FALSE(c.all_inputs_valid(~fewer)) << "too many flags excluded";
        }
    }
}

void check_invalid(const TxCase& c, std::mt19937& random) {
    if (c.tx == nullptr || !rules::check_transaction(c.tx->tx()).has_value()) {
        EXPECT_EQ(c.flags_text, "BADTX");
        return;
    }
    const auto flags = parse_script_flags(c.flags_text);
    ASSERT_TRUE(flags && is_consistent(*flags)) << c.flags_text;
    EXPECT_FALSE(c.all_inputs_valid(*flags));
    for (int i = 0; i < kScriptFlagCount; ++i) {
        EXPECT_FALSE(c.all_inputs_valid(fill_flags(*flags | static_cast<ScriptFlag>(i)))) << "with flag " << i;
        EXPECT_FALSE(c.all_inputs_valid(fill_flags(*flags | ScriptFlags::from_bits(random()))));
    }
    for (const ScriptFlags fewer : without_one(*flags)) {
        EXPECT_TRUE(c.all_inputs_valid(fewer)) << "too many flags set";
    }
}

template <class Check>
int run_files(const std::string& pattern, Check check) {
    std::mt19937 random(1);
    int cases = 0;
    for (const auto& path : test::vector_files("script", pattern)) {
        const UniValue rows = test::load_json(path);
        for (const UniValue& row : rows.getValues()) {
            const auto c = read_case(row);
            if (!c) continue;
            SCOPED_TRACE(row.write());
            check(*c, random);
            ++cases;
        }
    }
    std::cout << pattern << ": " << cases << " cases\n";
    return cases;
}

TEST(TxVectors, ValidTransactionsAreValidWithAllButTheExcludedFlags) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    if (run_files("tx_valid*.json", check_valid) == 0) GTEST_SKIP() << "no such files among these vectors";
}

TEST(TxVectors, InvalidTransactionsAreInvalidWithTheirFlags) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    if (run_files("tx_invalid*.json", check_invalid) == 0) GTEST_SKIP() << "no such files among these vectors";
}

}  // namespace
}  // namespace cairn
