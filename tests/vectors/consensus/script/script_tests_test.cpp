#include <cmath>
#include <iostream>
#include <random>

#include "consensus/script/asm.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/taproot.hpp"
#include "tests/support/json.hpp"
#include "tests/support/script_spend.hpp"

namespace cairn {
namespace {

// The x coordinate of the generator: the internal key for control blocks that a vector leaves to be made.
constexpr std::string_view kInternalKey = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

struct Case {
    std::vector<Bytes> witness;
    Amount amount = 0;
    Bytes script_sig, script_pubkey;
    ScriptFlags flags;
    ScriptError expected = ScriptError::unknown_error;
};

Bytes parse(const std::string& text) {
    auto script = parse_script(text);
    EXPECT_TRUE(script.has_value()) << text;
    return script.value_or(Bytes{});
}

/// The witness in front of a case; fills in `output` when it makes a control block.
void read_witness(const UniValue& row, Case& out, std::optional<TaprootOutput>& output) {
    constexpr std::string_view script_tag = "#SCRIPT#";
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
        const std::string& item = row[i].get_str();
        if (item.starts_with(script_tag)) {
            out.witness.push_back(parse(item.substr(script_tag.size())));
        } else if (item == "#CONTROLBLOCK#") {
            TapTree leaf;
            leaf.script = out.witness.back();
            output = make_taproot_output(*from_hex(kInternalKey), &leaf);
            out.witness.push_back(output->leaves[0].control_block);
        } else {
            out.witness.push_back(test::hex_of(row[i]));
        }
    }
    out.amount = std::llround(std::stod(row[row.size() - 1].getValStr()) * kCoin);
}

std::optional<Case> read_case(const UniValue& row) {
    Case out;
    std::optional<TaprootOutput> output;
    std::size_t at = 0;
    if (row.size() > 0 && row[0].isArray()) read_witness(row[at++], out, output);
    if (row.size() < at + 4) {
        EXPECT_EQ(row.size(), 1u) << row.write();
        return std::nullopt;  // a comment
    }
    out.script_sig = parse(row[at].get_str());
    const std::string& script_pubkey = row[at + 1].get_str();
    out.script_pubkey = script_pubkey == "0x51 0x20 #TAPROOTOUTPUT#"
                            ? make_witness_program(1, output.value().output_key)
                            : parse(script_pubkey);
    const auto flags = parse_script_flags(row[at + 2].get_str());
    const auto expected = script_error_by_name(row[at + 3].get_str());
    EXPECT_TRUE(flags && expected) << row.write();
    if (!flags || !expected) return std::nullopt;
    out.flags = *flags;
    if (out.flags.has(ScriptFlag::cleanstack)) out.flags = fill_flags(out.flags);
    out.expected = *expected;
    return out;
}

void check_case(const Case& c, std::mt19937& random) {
    const test::MemoOracle oracle;
    const test::ScriptSpend spend(c.script_sig, c.script_pubkey, c.witness, c.amount);
    const ScriptError error = spend.verify(c.flags, oracle);
    EXPECT_EQ(script_error_name(error), script_error_name(c.expected));
    test::expect_rows_agree(spend.tx->tx(), 0, c.flags, spend.precomputed, error);

    // Fewer flags never make a valid spend invalid, more flags never an invalid one valid.
    for (int i = 0; i < 256; ++i) {
        const ScriptFlags extra = ScriptFlags::from_bits(random());
        const ScriptFlags flags = c.expected == ScriptError::ok ? c.flags & ~extra : c.flags | extra;
        if (!is_consistent(flags)) continue;
        const ScriptError other = spend.verify(flags, oracle);
        EXPECT_EQ(other == ScriptError::ok, c.expected == ScriptError::ok) << "flags " << flags.bits();
    }
}

TEST(ScriptTests, EveryCaseEndsAsTheVectorSays) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::mt19937 random(1);
    int cases = 0;
    for (const auto& path : test::vector_files("script", "script_tests*.json")) {
        const UniValue rows = test::load_json(path);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto c = read_case(rows[i]);
            if (!c) continue;
            SCOPED_TRACE(rows[i].write());
            check_case(*c, random);
            ++cases;
        }
    }
    std::cout << "script_tests: " << cases << " cases\n";
    if (cases == 0) GTEST_SKIP() << "no such files among these vectors";
}

TEST(ScriptTests, ScriptsSurviveBeingWrittenAndReadAgain) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    int scripts = 0;
    for (const auto& path : test::vector_files("script", "script_tests*.json")) {
        const UniValue rows = test::load_json(path);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto c = read_case(rows[i]);
            if (!c) continue;
            for (const Bytes& script : {c->script_sig, c->script_pubkey}) {
                EXPECT_EQ(parse_script(format_script(script)).value_or(Bytes{}), script) << rows[i].write();
                ++scripts;
            }
        }
    }
    std::cout << "script text: " << scripts << " scripts\n";
}

}  // namespace
}  // namespace cairn
