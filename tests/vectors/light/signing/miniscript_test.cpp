#include <algorithm>
#include <iostream>
#include <regex>

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/ripemd160.hpp"
#include "consensus/rules/params.hpp"
#include "light/descriptors/descriptor.hpp"
#include "light/signing/input_weight.hpp"
#include "light/signing/produce_signature.hpp"
#include "tests/support/vectors.hpp"

/// Every expression of the lists that may be used is spent, in P2WSH or in a leaf of taproot, with all keys and preimages at hand.
namespace cairn::light {
namespace {

const ChainParams& params() {
    static const ChainParamsPtr regtest = make_params(Network::regtest);
    return *regtest;
}
const Bytes kPreimage(32, 0x42);

/// Letters become private keys, hashes such that their preimages are known.
std::string with_secrets(const std::string& expression) {
    static const std::pair<std::regex, std::string> kHashes[] = {
        {std::regex("sha256\\([0-9a-f]{64}\\)"), "sha256(" + to_hex(sha256(kPreimage).span()) + ")"},
        {std::regex("hash256\\([0-9a-f]{64}\\)"), "hash256(" + to_hex(hash256(kPreimage).span()) + ")"},
        {std::regex("ripemd160\\([0-9a-f]{40}\\)"), "ripemd160(" + to_hex(ripemd160(kPreimage)) + ")"},
        {std::regex("hash160\\([0-9a-f]{40}\\)"), "hash160(" + to_hex(hash160(kPreimage)) + ")"},
    };
    std::string text = expression;
    for (const auto& [pattern, replacement] : kHashes)
        if (text.find(replacement.substr(0, replacement.find('('))) != std::string::npos) text = std::regex_replace(text, pattern, replacement);
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool alone = i > 0 && i + 1 < text.size() && (text[i - 1] == '(' || text[i - 1] == ',') && (text[i + 1] == ')' || text[i + 1] == ',');
        if (alone && text[i] >= 'A' && text[i] <= 'Z') {
            const Bytes secret(32, static_cast<std::uint8_t>(text[i] - 'A' + 1));
            out += encode_wif({PrivateKey::parse(secret).value(), true}, params().addresses);
        } else {
            out += text[i];
        }
    }
    return out;
}

InputSignatures with_preimages() {
    InputSignatures data;
    data.sha256_preimages[to_bytes(sha256(kPreimage).span())] = kPreimage;
    data.hash256_preimages[to_bytes(hash256(kPreimage).span())] = kPreimage;
    data.ripemd160_preimages[to_bytes(ripemd160(kPreimage))] = kPreimage;
    data.hash160_preimages[to_bytes(hash160(kPreimage))] = kPreimage;
    return data;
}

std::int64_t actual_weight(const InputSignatures& data) {
    std::size_t witness = compact_size_length(data.witness.size());
    for (const Bytes& item : data.witness) witness += compact_size_length(item.size()) + item.size();
    return InputWeight{data.script_sig.size(), witness}.weight();
}

/// With one of the kinds of lock times: blocks or seconds, relative or absolute.
bool is_spent(const Bytes& script, const ScriptKeys& keys, const std::string& what) {
    const auto most = largest_input_weight(script, keys);
    EXPECT_TRUE(most.has_value()) << what;
    for (const std::uint32_t sequence : {0x0000ffffu, 0x0040ffffu}) {
        for (const std::uint32_t lock_time : {499'999'999u, 2'147'483'647u}) {
            MutableTransaction tx;
            tx.lock_time = lock_time;
            tx.inputs.push_back({OutPoint{Txid(Uint256(Bytes(32, 9))), 1}, {}, sequence, {}});
            tx.outputs.push_back({40'000, Bytes{0x51}});
            const std::vector<TxOutput> spent{{50'000, script}};
            const TransactionPtr bare = tx.finish();
            const PrecomputedTxData precomputed(bare->tx(), spent, true);
            InputSignatures data = with_preimages();
            if (!produce_signature(script, keys, TransactionSignatureMaker(bare->tx(), 0, 50'000, precomputed, kSighashDefault), data)) continue;
            EXPECT_TRUE(!most || actual_weight(data) <= most->weight()) << what << ": " << actual_weight(data) << " > " << most->weight();
            return true;
        }
    }
    return false;
}

void spend_list(const char* pattern, const std::string& before, const std::string& after) {
    for (const auto& path : test::vector_files("descriptors/miniscript", pattern)) {
        std::size_t spent = 0, refused = 0;
        for (const std::string& line : test::read_lines(path)) {
            const std::string expression = line.substr(0, line.find_first_of(" \t"));
            const auto descriptor = parse_descriptor(before + with_secrets(expression) + after, params(), false);
            if (!descriptor) {
                ++refused;
                continue;
            }
            ScriptKeys keys;
            const auto scripts = descriptor->scripts(0, &keys);
            ASSERT_TRUE(scripts.has_value()) << line;
            EXPECT_TRUE(is_spent(scripts->front(), keys, expression)) << expression;
            ++spent;
        }
        std::cout << path.filename().string() << ": " << spent << " spent, " << refused << " that must not be used\n";
    }
}

TEST(MiniscriptSpending, InP2wsh) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    spend_list("valid_from*.txt", "wsh(", ")");
    spend_list("edge_cases.txt", "wsh(", ")");
}

TEST(MiniscriptSpending, InTapscript) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    // The internal key is one that nobody has the secret of.
    spend_list("scripts_*_tap.tsv", "tr(50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0,", ")");
    spend_list("edge_cases.txt", "tr(50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0,", ")");
}

}  // namespace
}  // namespace cairn::light
