// Real invalid blocks, headers and coinbases of the folder "invalid", and the headers of stale blocks.
#include <gtest/gtest.h>

#include <set>
#include <unordered_map>

#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/sigops.hpp"
#include "tests/support/block_vectors.hpp"
#include "tests/support/chain_builder.hpp"
#include "tests/support/csv.hpp"

namespace cairn {
namespace {

using test::PretendParent;

/// Bitcoin Core's reject reason for a block of which the name of its file tells the height, as far as the block alone can
/// show it; "valid" when it cannot.
std::string judge_alone(const BlockPtr& block, Height height, const ChainParams& params) {
    const auto checked = rules::check_block(block, params);
    if (!checked) return checked.error().reject_reason();
    PretendParent parent(height - 1, block->header().time - 1, block->header().bits);
    if (const auto context = rules::check_block_context(*checked, &parent.node(), params); !context) return context.error().reject_reason();

    // Outputs of this block may only be spent after they are made. Other coins are taken on trust.
    std::unordered_map<Txid, std::size_t> position;
    const auto txs = block->txs();
    for (std::size_t i = 0; i < txs.size(); ++i) position.emplace(txs[i].txid, i);
    std::int64_t sigops = 0;
    for (std::size_t i = 0; i < txs.size(); ++i) {
        std::vector<TxOutput> outputs;
        for (const TxInput& input : txs[i].inputs) {
            const auto made = position.find(input.prevout.txid);
            if (made != position.end() && made->second >= i) return "bad-txns-inputs-missingorspent";
            outputs.push_back(made == position.end() ? TxOutput{} : txs[made->second].outputs[input.prevout.index]);
        }
        const std::vector<CoinOrigin> origins(outputs.size());
        sigops += rules::sigop_cost(txs[i], {outputs, origins}, kMandatoryScriptFlags, checked->facts()[i].legacy_sigops);
    }
    std::printf("height %d: sigop cost without foreign coins %lld\n", height, static_cast<long long>(sigops));
    return "valid";
}

TEST(InvalidVectors, BlocksAreRefusedForTheirReason) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    // The reasons stand in the folder's manifest. These may not show without coins from other blocks.
    const std::set<std::string> needs_coins{"bad-blk-sigops",         "bad-cb-amount", "bad-txns-in-belowout", "bad-txns-BIP30",
                                            "bad-txns-premature-spend-of-coinbase", "bad-txns-nonfinal",
                                            "block-script-verify-flag-failed"};
    std::string manifest;
    for (const auto& path : test::vector_files("invalid", "MANIFEST.md")) manifest += test::read_text(path);
    std::size_t count = 0;
    for (const auto& path : test::vector_files("invalid", "*_*_*.blk")) {
        const auto name = test::parse_block_file_name(path);
        ASSERT_TRUE(name) << path;
        const auto block = Block::parse(test::read_file(path));
        ASSERT_TRUE(block) << path;
        const std::size_t line = manifest.find(name->hash_tail);
        if (line == std::string::npos) continue;
        const std::size_t stated = manifest.find("reject reason ", line) + 14;
        const std::string reason = manifest.substr(stated, manifest.find_first_of(". ", stated) - stated);
        const std::string found = judge_alone(*block, name->height, *test::params_of(name->network));
        EXPECT_TRUE(found == reason || (found == "valid" && needs_coins.contains(reason))) << path << ": " << found;
        ++count;
    }
    std::printf("%zu blocks\n", count);
}

TEST(InvalidVectors, HeadersAreRefusedForTheirReason) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const ChainParams& params = *test::params_of(Network::mainnet);
    std::size_t count = 0;
    for (const auto& path : test::vector_files("invalid", "invalid_headers*.json")) {
        const UniValue rows = test::load_json(path);
        for (std::size_t i = 0; i < rows.size(); ++i, ++count) {
            const UniValue& row = rows[i];
            const Bytes raw = test::hex_of(row["header"]);
            Reader reader(raw);
            const BlockHeader header = BlockHeader::read(reader);
            const Height height = row["height"].get_int();
            EXPECT_EQ(header.hash().to_display_hex(), row["hash"].get_str());
            const std::uint32_t parent_time =
                row["parent_mtp"].isNum() ? static_cast<std::uint32_t>(row["parent_mtp"].get_int64()) : header.time - 1;
            // A retarget needs the period before; one that took exactly two weeks would keep the bits.
            const std::uint32_t period_start = parent_time - 14 * 86'400 + 3'000;
            PretendParent parent(height - 1, parent_time, header.bits, period_start);
            const auto checked = rules::check_header(header, header.hash(), parent.node(), header.time, params);
            ASSERT_FALSE(checked) << height;
            EXPECT_EQ(to_string(checked.error()), row["reject"].get_str()) << height;
        }
    }
    std::printf("%zu headers\n", count);
}

TEST(InvalidVectors, CoinbasesWithAWrongHeightAreRefused) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("invalid", "invalid_bip34_coinbases*.json")) {
        const UniValue rows = test::load_json(path);
        for (std::size_t i = 0; i < rows.size(); ++i, ++count) {
            const Height height = rows[i]["height"].get_int();
            test::BlockDraft draft;
            MutableTransaction& coinbase = draft.txs.emplace_back();
            coinbase.inputs.push_back({.script_sig = test::hex_of(rows[i]["coinbase_scriptsig"])});
            coinbase.outputs.push_back({0, {0x51}});
            draft.fix_merkle_root();
            const ChainParams& params = *test::params_of(Network::mainnet);
            const auto checked = rules::check_block(draft.finish(), params, {.proof_of_work = false});
            ASSERT_TRUE(checked);
            PretendParent parent(height - 1, 1, 0x1d00ffff);
            const auto context = rules::check_block_context(*checked, &parent.node(), params);
            ASSERT_FALSE(context) << height;
            EXPECT_EQ(context.error().reject_reason(), rows[i]["reject"].get_str());
        }
    }
    std::printf("%zu coinbases\n", count);
}

TEST(InvalidVectors, TheForkOfJuly2015IsRefusedAtItsFirstHeader) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const ChainParams& params = *test::params_of(Network::mainnet);
    std::size_t count = 0;
    for (const auto& path : test::vector_files("invalid", "*headers_*_*.bin")) {
        const Bytes raw = test::read_file(path);
        const std::string name = path.filename().string();
        const Height first = std::atoi(name.c_str() + name.find("headers_") + 8);
        Reader reader(raw);
        std::vector<BlockHeader> headers;
        while (reader.remaining() >= BlockHeader::kSize) headers.push_back(BlockHeader::read(reader));
        EXPECT_TRUE(rules::headers_are_continuous(headers));
        EXPECT_TRUE(rules::headers_have_valid_work(headers, params));
        PretendParent parent(first - 1, headers[0].time - 1, headers[0].bits);
        const auto checked = rules::check_header(headers[0], headers[0].hash(), parent.node(), headers[0].time, params);
        ASSERT_FALSE(checked);
        EXPECT_EQ(reject_reason(checked.error(), headers[0].version), "bad-version(0x00000002)");
        count += headers.size();
    }
    // The blocks behind it hold every rule but that one.
    for (const auto& path : test::vector_files("invalid", "36373?.blk")) {
        const auto block = Block::parse(test::read_file(path));
        ASSERT_TRUE(block) << path;
        EXPECT_TRUE(rules::check_block(*block, params)) << path;
        ++count;
    }
    std::printf("%zu headers and blocks\n", count);
}

TEST(InvalidVectors, TransactionsBeforeBip16FailWithIt) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("invalid", "bip16_violation_*_tx.json")) {
        const UniValue file = test::load_json(path);
        const auto tx = TransactionHolder::parse(test::hex_of(file["tx"]));
        ASSERT_TRUE(tx) << path;
        EXPECT_EQ((*tx)->tx().txid.to_display_hex(), file["txid"].get_str());
        ScriptReader pushes((*tx)->tx().inputs[0].script_sig);
        Instruction push;
        ASSERT_TRUE(pushes.next(push));
        const Bytes script_pubkey = make_p2sh(hash160(push.data));
        const TxOutput spent{(*tx)->tx().outputs[0].value, script_pubkey};
        const PrecomputedTxData precomputed((*tx)->tx(), {&spent, 1});
        EXPECT_EQ(verify_input((*tx)->tx(), 0, {}, precomputed), ScriptError::ok);
        EXPECT_NE(verify_input((*tx)->tx(), 0, ScriptFlag::p2sh, precomputed), ScriptError::ok);
        ++count;
    }
    std::printf("%zu transactions\n", count);
}

TEST(StaleVectors, HeadersHaveProofOfWork) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const ChainParams& params = *test::params_of(Network::mainnet);
    std::size_t count = 0;
    for (const auto& path : test::vector_files("stale", "stale-blocks*.csv")) {
        for (const std::string& line : test::read_lines(path)) {
            const auto fields = test::split_csv(line);
            if (fields.size() < 3 || fields[2].size() != 2 * BlockHeader::kSize) continue;
            const Bytes raw = *from_hex(fields[2]);
            Reader reader(raw);
            const BlockHeader header = BlockHeader::read(reader);
            EXPECT_EQ(header.hash().to_display_hex(), fields[1]);
            EXPECT_TRUE(rules::check_proof_of_work(header.hash(), header.bits, params)) << fields[0];
            ++count;
        }
    }
    std::printf("%zu headers\n", count);
}

}  // namespace
}  // namespace cairn
