#include <iostream>

#include "tests/support/json.hpp"
#include "tests/support/script_spend.hpp"

namespace cairn {
namespace {

/// Every set of consensus flags that can be.
std::vector<ScriptFlags> consensus_flag_sets() {
    std::vector<ScriptFlags> sets;
    for (std::uint32_t bits = 0; bits <= kMandatoryScriptFlags.bits(); ++bits) {
        const ScriptFlags flags = ScriptFlags::from_bits(bits);
        const bool taproot_alone = flags.has(ScriptFlag::taproot) && !flags.has(ScriptFlag::witness);
        if (kMandatoryScriptFlags.contains(flags) && is_consistent(flags) && !taproot_alone) sets.push_back(flags);
    }
    return sets;
}

class AssetCase {
public:
    explicit AssetCase(const UniValue& json) : json_(json), index_(static_cast<std::size_t>(json["index"].get_int())) {
        for (const UniValue& prevout : json["prevouts"].getValues()) prevouts_.push_back(test::hex_of(prevout));
        for (const Bytes& raw : prevouts_) {
            Reader reader(raw);
            const Amount value = reader.i64();
            spent_.push_back({value, reader.var_bytes()});
            reader.expect_end();
            EXPECT_TRUE(reader.ok());
        }
        flags_ = parse_script_flags(json["flags"].get_str()).value();
    }

    /// Runs the spend of one side under every flag set for which it says something.
    int check(const char* side, const std::vector<ScriptFlags>& flag_sets) const {
        const bool success = std::string_view(side) == "success";
        const TransactionPtr tx = spend_with(json_[side]);
        const PrecomputedTxData precomputed(tx->tx(), spent_);
        const test::MemoOracle oracle;
        const bool is_final = json_.exists("final") && json_["final"].isTrue();
        int runs = 0;
        for (const ScriptFlags flags : flag_sets) {
            if (success ? !is_final && !flags_.contains(flags) : !flags.contains(flags_)) continue;
            const ScriptError error = verify_input(tx->tx(), index_, flags, precomputed, oracle);
            EXPECT_EQ(error == ScriptError::ok, success)
                << side << ", flags " << flags.bits() << ": " << to_string(error);
            if (flags == flags_) test::expect_rows_agree(tx->tx(), index_, flags, precomputed, error);
            ++runs;
        }
        return runs;
    }

private:
    TransactionPtr spend_with(const UniValue& side) const {
        const auto bare = TransactionHolder::parse(test::hex_of(json_["tx"])).value();
        MutableTransaction tx(bare->tx());
        auto& input = tx.inputs.at(index_);
        input.script_sig = test::hex_of(side["scriptSig"]);
        input.witness.clear();
        for (const UniValue& item : side["witness"].getValues()) input.witness.push_back(test::hex_of(item));
        return tx.finish();
    }

    const UniValue& json_;
    std::size_t index_;
    ScriptFlags flags_;
    std::vector<Bytes> prevouts_;
    std::vector<TxOutput> spent_;
};

TEST(TaprootAssets, EverySpendEndsAsTheVectorSays) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const auto flag_sets = consensus_flag_sets();
    int cases = 0;
    int runs = 0;
    for (const auto& path : test::vector_files("script", "taproot_script_assets*.jsonl")) {
        for (const std::string& line : test::read_lines(path)) {
            UniValue json;
            ASSERT_TRUE(json.read(line));
            SCOPED_TRACE(json["comment"].getValStr());
            const AssetCase asset(json);
            runs += asset.check("success", flag_sets);
            if (json.exists("failure")) runs += asset.check("failure", flag_sets);
            ++cases;
        }
    }
    std::cout << "taproot_script_assets: " << cases << " cases, " << runs << " runs\n";
    if (cases == 0) GTEST_SKIP() << "no such files among these vectors";
}

}  // namespace
}  // namespace cairn
