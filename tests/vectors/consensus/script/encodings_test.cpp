#include <iostream>
#include <numeric>

#include "consensus/primitives/bip69.hpp"
#include "consensus/script/number.hpp"
#include "consensus/script/signature_encoding.hpp"
#include "tests/support/json.hpp"

namespace cairn {
namespace {

/// Checks every hex string of an array against the strict form; other strings describe.
int check_signatures(const std::string& pattern, bool canonical) {
    int cases = 0;
    for (const auto& path : test::vector_files("script", pattern)) {
        const UniValue json = test::load_json(path);
        for (const UniValue& item : json.getValues()) {
            const auto signature = from_hex(item.get_str());
            if (!signature) continue;
            EXPECT_EQ(check_signature_encoding(*signature, ScriptFlag::strictenc) == ScriptError::ok, canonical)
                << item.get_str();
            ++cases;
        }
    }
    return cases;
}

TEST(SignatureVectors, StrictFormIsTheOneOfBip66) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const int canonical = check_signatures("sig_canonical*.json", true);
    const int others = check_signatures("sig_noncanonical*.json", false);
    std::cout << "signatures: " << canonical << " canonical, " << others << " not\n";
    if (canonical + others == 0) GTEST_SKIP() << "no such files among these vectors";
}

TEST(NumberVectors, NumbersAreReadAndWrittenAsTheVectorSays) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    int cases = 0;
    for (const auto& path : test::vector_files("script", "*script_number*.json")) {
        const UniValue json = test::load_json(path);
        for (const UniValue& c : json.getValues()) {
            const Bytes bytes = test::hex_of(c["hex"]);
            const std::int64_t number = c["number"].get_int64();
            const std::size_t size =
                c.exists("bytes") ? static_cast<std::size_t>(c["bytes"].get_int()) : kScriptNumberSize;
            EXPECT_EQ(decode_script_number(bytes, true, size), number) << c["hex"].get_str();
            EXPECT_EQ(to_hex(encode_script_number(number).span()), c["hex"].get_str());
            ++cases;
        }
    }
    std::cout << "script numbers: " << cases << " cases\n";
    if (cases == 0) GTEST_SKIP() << "no such files among these vectors";
}

/// The order in which `less` puts `count` things, as indexes.
template <class Less>
std::vector<int> sorted_indexes(std::size_t count, Less less) {
    std::vector<int> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), less);
    return order;
}

std::vector<int> expected_order(const UniValue& c) {
    std::vector<int> order;
    for (const UniValue& index : c["expected"].getValues()) order.push_back(index.get_int());
    return order;
}

TEST(Bip69Vectors, InputsAndOutputsAreSortedAsTheVectorSays) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    int cases = 0;
    for (const auto& path : test::vector_files("script", "bip69*.json")) {
        const UniValue json = test::load_json(path);
        for (const UniValue& c : json["inputs"].getValues()) {
            std::vector<OutPoint> inputs;
            for (const UniValue& input : c["inputs"].getValues()) {
                inputs.push_back({Txid::from_display_hex(input["txId"].get_str()).value(),
                                  static_cast<std::uint32_t>(input["vout"].get_int64())});
            }
            EXPECT_EQ(
                sorted_indexes(inputs.size(), [&](int a, int b) { return bip69_input_less(inputs[a], inputs[b]); }),
                expected_order(c))
                << c["description"].get_str();
            ++cases;
        }
        for (const UniValue& c : json["outputs"].getValues()) {
            std::vector<std::pair<Amount, Bytes>> outputs;
            for (const UniValue& output : c["outputs"].getValues()) {
                outputs.emplace_back(output["value"].get_int64(), test::hex_of(output["script"]));
            }
            const auto less = [&](int a, int b) {
                return bip69_output_less(outputs[a].first, outputs[a].second, outputs[b].first, outputs[b].second);
            };
            EXPECT_EQ(sorted_indexes(outputs.size(), less), expected_order(c)) << c["description"].get_str();
            ++cases;
        }
    }
    std::cout << "bip69: " << cases << " cases\n";
    if (cases == 0) GTEST_SKIP() << "no such files among these vectors";
}

}  // namespace
}  // namespace cairn
