// Walks every rule table: each rule must have a case here that is refused under the rule's name.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "consensus/rules/connect.hpp"
#include "consensus/rules/header_rules.hpp"
#include "tests/support/chain_builder.hpp"

namespace cairn {
namespace {

using test::BlockDraft;
using test::ChainBuilder;
using test::TestCoin;

/// For each rule's name what is judged, giving the reject token.
using Cases = std::map<std::string, std::function<std::string()>>;

template <class Table>
void expect_every_rule_rejects(const Table& table, const Cases& cases) {
    for (const auto& rule : table) {
        const auto found = cases.find(std::string(rule.name));
        ASSERT_NE(found, cases.end()) << "no case is refused under the name " << rule.name;
        EXPECT_EQ(found->second(), rule.name);
        EXPECT_FALSE(rule.source.empty()) << rule.name;
    }
    EXPECT_EQ(cases.size(), table.size()) << "a case names no rule";
}

// --- headers

std::string judge_header(const BlockHeader& header, const HeaderNode& parent, const ChainParams& params, std::int64_t now = 0) {
    const auto checked = rules::check_header(header, header.hash(), parent, now != 0 ? now : header.time, params);
    return checked ? "valid" : to_string(checked.error());
}

/// A header on the tip changed by `change` and mined again.
std::string judge_changed_header(ChainBuilder& chain, const std::function<void(BlockHeader&)>& change) {
    BlockDraft draft = chain.draft(chain.tip());
    change(draft.header);
    return judge_header(draft.mine(chain.params()).header, *chain.tip(), chain.params());
}

TEST(RuleTables, EveryHeaderRuleRejects) {
    ChainBuilder chain;
    chain.mine_many(20);
    const Cases cases{
        {"high-hash",
         [&] {
             BlockHeader header = chain.draft(chain.tip()).header;
             while (rules::check_proof_of_work(header.hash(), header.bits, chain.params())) ++header.nonce;
             return judge_header(header, *chain.tip(), chain.params());
         }},
        {"bad-diffbits", [&] { return judge_changed_header(chain, [](BlockHeader& header) { header.bits = 0x207ffffe; }); }},
        {"time-too-old",
         [&] {
             const auto median = static_cast<std::uint32_t>(chain.tip()->median_time_past());
             return judge_changed_header(chain, [=](BlockHeader& header) { header.time = median; });
         }},
        {"time-timewarp-attack",
         [] {
             ChainBuilder bip94(make_params(Network::regtest, {.enforce_bip94 = true}));
             while (bip94.tip()->height < 142) bip94.mine();
             // The last block of the period lies far ahead of the median.
             BlockDraft last = bip94.draft(bip94.tip());
             last.header.time += 10'000;
             bip94.add(last.mine(bip94.params()).finish());
             const std::uint32_t limit = bip94.tip()->header.time - 600;
             const auto at = [&](std::uint32_t time) {
                 return judge_changed_header(bip94, [=](BlockHeader& header) { header.time = time; });
             };
             EXPECT_EQ(at(limit), "valid");
             return at(limit - 1);
         }},
        {"time-too-new",
         [&] {
             const BlockHeader header = chain.draft(chain.tip()).header;
             EXPECT_EQ(judge_header(header, *chain.tip(), chain.params(), header.time - 7200), "valid");
             return judge_header(header, *chain.tip(), chain.params(), header.time - 7201);
         }},
        {"bad-version", [&] { return judge_changed_header(chain, [](BlockHeader& header) { header.version = 3; }); }},
    };
    expect_every_rule_rejects(rules::header_rules(), cases);
}

TEST(HeaderRules, DemandVersionsFromTheirHeightsOn) {
    ChainBuilder chain(make_params(Network::regtest, {.activation_heights = {{BuriedDeployment::bip34, 2},
                                                                             {BuriedDeployment::bip66, 3},
                                                                             {BuriedDeployment::bip65, 4}}}));
    const auto judge = [&](std::int32_t version) {
        return judge_changed_header(chain, [=](BlockHeader& header) { header.version = version; });
    };
    for (const std::int32_t oldest : {-5, 2, 3, 4}) {
        EXPECT_EQ(judge(oldest), "valid");
        if (oldest > 0) {
            EXPECT_EQ(judge(oldest - 1), "bad-version");
        }
        chain.mine();
    }
    EXPECT_EQ(judge(-1), "bad-version");
    EXPECT_EQ(reject_reason(HeaderError::bad_version, 3), "bad-version(0x00000003)");
    EXPECT_EQ(debug_message(HeaderError::bad_version, -1), "rejected nVersion=0xffffffff block");
}

TEST(HeaderRules, AreCheckedInOrder) {
    ChainBuilder chain;
    chain.mine_many(12);
    BlockHeader header = chain.draft(chain.tip()).header;
    header.bits = 0x207ffffe;
    header.time = 1;
    header.version = 1;
    while (!rules::check_proof_of_work(header.hash(), header.bits, chain.params())) ++header.nonce;
    EXPECT_EQ(judge_header(header, *chain.tip(), chain.params()), "bad-diffbits");
}

// --- transactions

MutableTransaction plain_tx() {
    MutableTransaction tx;
    tx.inputs.push_back({.prevout = {Txid(Uint256(Bytes(32, 1))), 0}});
    tx.outputs.push_back({1, {0x51}});
    return tx;
}

MutableTransaction coinbase_tx(std::size_t script_size) {
    MutableTransaction tx = plain_tx();
    tx.inputs[0].prevout = {};
    tx.inputs[0].script_sig = Bytes(script_size, 0);
    return tx;
}

std::string judge_tx(const MutableTransaction& tx) {
    const auto checked = rules::check_transaction(tx.finish()->tx());
    return checked ? "valid" : std::string(to_string(checked.error()));
}

std::string judge_outputs(const std::vector<Amount>& values) {
    MutableTransaction tx = plain_tx();
    tx.outputs.clear();
    for (const Amount value : values) tx.outputs.push_back({value, {}});
    return judge_tx(tx);
}

std::string judge_inputs(const std::vector<OutPoint>& prevouts) {
    MutableTransaction tx = plain_tx();
    tx.inputs.clear();
    for (const OutPoint& prevout : prevouts) tx.inputs.push_back({.prevout = prevout});
    return judge_tx(tx);
}

OutPoint outpoint(std::uint32_t index) { return {Txid(Uint256(Bytes(32, 1))), index}; }

TEST(RuleTables, EveryTransactionRuleRejects) {
    EXPECT_EQ(judge_tx(plain_tx()), "valid");
    const Cases cases{
        {"bad-txns-vin-empty", [] { return judge_inputs({}); }},
        {"bad-txns-vout-empty", [] { return judge_outputs({}); }},
        {"bad-txns-oversize",
         [] {
             MutableTransaction tx = plain_tx();
             tx.outputs[0].script_pubkey = Bytes(1'000'000 - 64, 0x6a);  // 64 bytes around it
             EXPECT_EQ(judge_tx(tx), "valid");
             tx.inputs[0].witness = {Bytes(100'000, 0)};
             EXPECT_EQ(judge_tx(tx), "valid");
             tx.outputs[0].script_pubkey.push_back(0);
             return judge_tx(tx);
         }},
        {"bad-txns-vout-negative", [] { return judge_outputs({5, -1, kMaxMoney + 1}); }},
        {"bad-txns-vout-toolarge", [] { return judge_outputs({5, kMaxMoney + 1, -1}); }},
        {"bad-txns-txouttotal-toolarge",
         [] {
             EXPECT_EQ(judge_outputs({kMaxMoney - 1, 1}), "valid");
             return judge_outputs({kMaxMoney, 1, -1});
         }},
        {"bad-txns-inputs-duplicate", [] { return judge_inputs({outpoint(3), outpoint(1), outpoint(3)}); }},
        {"bad-cb-length",
         [] {
             EXPECT_EQ(judge_tx(coinbase_tx(2)), "valid");
             EXPECT_EQ(judge_tx(coinbase_tx(100)), "valid");
             EXPECT_EQ(judge_tx(coinbase_tx(101)), "bad-cb-length");
             return judge_tx(coinbase_tx(1));
         }},
        {"bad-txns-prevout-null", [] { return judge_inputs({outpoint(1), OutPoint{}}); }},
    };
    expect_every_rule_rejects(rules::tx_rules(), cases);
}

TEST(TxRules, FindDuplicatesAmongManyInputs) {
    for (const std::size_t count : {2u, 15u, 16u, 17u, 18u, 1000u}) {
        std::vector<OutPoint> prevouts;
        for (std::size_t i = 0; i < count; ++i) {
            Bytes hash(32, 7);
            hash[31] = static_cast<std::uint8_t>(i % 251);  // equal in what a cheap key looks at
            prevouts.push_back({Txid(Uint256(hash)), static_cast<std::uint32_t>(i / 251 + 1)});
        }
        EXPECT_EQ(judge_inputs(prevouts), "valid") << count;
        std::swap(prevouts.front(), prevouts[count / 2]);
        prevouts.back() = prevouts.front();
        EXPECT_EQ(judge_inputs(prevouts), "bad-txns-inputs-duplicate") << count;
    }
}

// --- spending

std::string judge_spend(const std::vector<Coin>& coins, Amount value_out, Height height = 500) {
    MutableTransaction tx = plain_tx();
    tx.inputs.clear();
    std::vector<TxOutput> outputs;
    std::vector<CoinOrigin> origins;
    for (std::size_t i = 0; i < coins.size(); ++i) {
        tx.inputs.push_back({.prevout = outpoint(static_cast<std::uint32_t>(i))});
        outputs.push_back(coins[i].output());
        origins.push_back(coins[i].origin());
    }
    const TransactionPtr finished = tx.finish();
    const auto fee = rules::check_tx_inputs(finished->tx(), {outputs, origins}, height, value_out);
    return fee ? "valid" : std::string(fee.error().reject_reason());
}

const Coin kMissing{kMissingCoinValue, {}, 0, false};

TEST(RuleTables, EverySpendRuleRejects) {
    const Cases cases{
        {"bad-txns-inputs-missingorspent", [] { return judge_spend({{10, {}, 450, true}, kMissing}, 1); }},
        {"bad-txns-premature-spend-of-coinbase",
         [] {
             EXPECT_EQ(judge_spend({{10, {}, 400, true}}, 1), "valid");
             EXPECT_EQ(judge_spend({{10, {}, 401, false}}, 1), "valid");
             return judge_spend({{10, {}, 401, true}}, 1);
         }},
        {"bad-txns-inputvalues-outofrange",
         [] {
             EXPECT_EQ(judge_spend({{kMaxMoney + 1, {}, 1, false}}, 1), "bad-txns-inputvalues-outofrange");
             EXPECT_EQ(judge_spend({{kMaxMoney - 1, {}, 1, false}, {1, {}, 1, false}}, 1), "valid");
             return judge_spend({{kMaxMoney, {}, 1, false}, {1, {}, 1, false}}, 1);
         }},
        {"bad-txns-in-belowout",
         [] {
             EXPECT_EQ(judge_spend({{10, {}, 1, false}}, 10), "valid");
             return judge_spend({{10, {}, 1, false}}, 11);
         }},
        // Cannot happen behind the rules before it: outputs would have to be worth less than nothing.
        {"bad-txns-fee-outofrange", [] { return judge_spend({{kMaxMoney, {}, 1, false}}, -1); }},
    };
    expect_every_rule_rejects(rules::spend_rules(), cases);
}

TEST(SpendRules, SayWhatIsWrong) {
    MutableTransaction tx = plain_tx();
    const TransactionPtr finished = tx.finish();
    const auto debug_of = [&](const TxOutput& output, CoinOrigin origin) {
        const auto fee = rules::check_tx_inputs(finished->tx(), {{&output, 1}, {&origin, 1}}, 50, 150'000'000);
        return fee ? std::string("valid") : fee.error().debug;
    };
    EXPECT_EQ(debug_of({kMissingCoinValue, {}}, {}), "CheckTxInputs: inputs missing/spent");
    EXPECT_EQ(debug_of({1, {}}, {7, true}), "tried to spend coinbase at depth 43");
    EXPECT_EQ(debug_of({100'000'010, {}}, {7, false}), "value in (1.0000001) < value out (1.50)");
    EXPECT_EQ(rules::format_money(0), "0.00");
    EXPECT_EQ(rules::format_money(1), "0.00000001");
    EXPECT_EQ(rules::format_money(-kCoin), "-1.00");
}

// --- blocks

std::string judge_block(const BlockDraft& draft, const ChainParams& params, rules::CheckOptions options = {}) {
    const auto checked = rules::check_block(draft.finish(), params, options);
    return checked ? "valid" : checked.error().reject_reason();
}

/// A block on the tip changed by `change`, with merkle root and proof of work made again.
std::string judge_changed(ChainBuilder& chain, const std::function<void(BlockDraft&)>& change) {
    BlockDraft draft = chain.draft(chain.tip());
    change(draft);
    if (!draft.txs.empty()) draft.fix_merkle_root();
    return judge_block(draft.mine(chain.params()), chain.params());
}

TEST(RuleTables, EveryBlockRuleRejects) {
    ChainBuilder chain;
    chain.mine_many(3);
    EXPECT_EQ(judge_changed(chain, [](BlockDraft&) {}), "valid");
    const Cases cases{
        {"high-hash",
         [&] {
             BlockDraft draft = chain.draft(chain.tip());
             while (rules::check_proof_of_work(draft.header.hash(), draft.header.bits, chain.params())) ++draft.header.nonce;
             EXPECT_EQ(judge_block(draft, chain.params(), {.proof_of_work = false}), "valid");
             return judge_block(draft, chain.params());
         }},
        {"bad-signet-blksig",
         [&] {
             // Nothing meets a challenge of op_false; everything one of op_true.
             const auto judge = [&](Bytes challenge) {
                 ChainParams params = *make_params(Network::signet, {.signet_challenge = std::move(challenge)});
                 params.pow_limit = make_params(Network::regtest)->pow_limit;
                 return judge_block(chain.draft(chain.tip()), params);
             };
             EXPECT_EQ(judge({0x51}), "valid");
             return judge({0x00});
         }},
        {"bad-txnmrklroot",
         [&] {
             BlockDraft draft = chain.draft(chain.tip());
             draft.header.merkle_root.data()[0] ^= 1;
             draft.mine(chain.params());
             EXPECT_EQ(judge_block(draft, chain.params(), {.merkle_root = false}), "valid");
             return judge_block(draft, chain.params());
         }},
        {"bad-txns-duplicate",
         [&] {
             BlockDraft draft = chain.draft(chain.tip());
             draft.txs.push_back(plain_tx());
             draft.txs.push_back(plain_tx());
             draft.txs[2].lock_time = 9;
             draft.fix_merkle_root().mine(chain.params());
             EXPECT_EQ(judge_block(draft, chain.params()), "valid");
             draft.txs.push_back(draft.txs.back());
             return judge_block(draft, chain.params());
         }},
        {"bad-blk-length",
         [&] {
             EXPECT_EQ(judge_changed(chain,
                                     [](BlockDraft& draft) {
                                         draft.txs.clear();
                                         draft.header.merkle_root = {};
                                     }),
                       "bad-blk-length");
             const auto judge_size = [&](std::size_t size) {
                 return judge_changed(chain, [=](BlockDraft& draft) {
                     draft.txs.push_back(plain_tx());
                     Bytes& script = draft.txs[1].outputs[0].script_pubkey;
                     script = Bytes(900'000, 0x6a);
                     script.resize(script.size() + size - draft.finish()->stripped_size());
                     EXPECT_EQ(draft.finish()->stripped_size(), size);
                 });
             };
             EXPECT_EQ(judge_size(1'000'000), "valid");
             return judge_size(1'000'001);
         }},
        {"bad-cb-missing", [&] { return judge_changed(chain, [](BlockDraft& draft) { draft.txs = {plain_tx()}; }); }},
        {"bad-cb-multiple", [&] { return judge_changed(chain, [](BlockDraft& draft) { draft.txs.push_back(coinbase_tx(5)); }); }},
        {"bad-txns",
         [&] {
             const auto bad = [](BlockDraft& draft) { draft.txs.push_back(coinbase_tx(5)), draft.txs[1].inputs.push_back({}); };
             EXPECT_EQ(judge_changed(chain, bad), "bad-txns-inputs-duplicate");
             BlockDraft draft = chain.draft(chain.tip());
             bad(draft);
             const auto checked = rules::check_block(draft.fix_merkle_root().mine(chain.params()).finish(), chain.params());
             EXPECT_EQ(checked.error().debug,
                       "Transaction check failed (tx hash " + draft.txs[1].finish()->tx().txid.to_display_hex() + ") ");
             return std::string(to_string(checked.error().error));
         }},
        {"bad-blk-sigops",
         [&] {
             const auto judge_sigops = [&](std::size_t count) {
                 return judge_changed(chain, [=](BlockDraft& draft) {
                     draft.txs.push_back(plain_tx());
                     draft.txs[1].outputs[0].script_pubkey = Bytes(count, 0xac);
                 });
             };
             EXPECT_EQ(judge_sigops(20'000), "valid");
             return judge_sigops(20'001);
         }},
    };
    expect_every_rule_rejects(rules::block_rules(), cases);
}

// --- blocks against the headers before them

std::string judge_context(const BlockDraft& draft, const HeaderNode* parent, const ChainParams& params) {
    const auto checked = rules::check_block(draft.finish(), params, {.proof_of_work = false});
    if (!checked) return "alone: " + checked.error().reject_reason();
    const auto context = rules::check_block_context(*checked, parent, params);
    return context ? "valid" : context.error().reject_reason();
}

std::string judge_changed_context(ChainBuilder& chain, const std::function<void(BlockDraft&)>& change, bool commit = true) {
    BlockDraft draft = chain.draft(chain.tip());
    change(draft);
    if (commit) draft.commit_to_witnesses();
    return judge_context(draft.fix_merkle_root(), chain.tip(), chain.params());
}

TEST(RuleTables, EveryContextRuleRejects) {
    ChainBuilder chain;
    chain.mine_many(30);
    EXPECT_EQ(judge_changed_context(chain, [](BlockDraft&) {}), "valid");
    const auto judge_lock_time = [&](std::uint32_t lock_time, std::uint32_t sequence) {
        return judge_changed_context(chain, [=](BlockDraft& draft) {
            draft.txs.push_back(plain_tx());
            draft.txs[1].lock_time = lock_time;
            draft.txs[1].inputs[0].sequence = sequence;
        });
    };
    const Cases cases{
        {"bad-txns-nonfinal",
         [&] {
             const auto median = static_cast<std::uint32_t>(chain.tip()->median_time_past());
             EXPECT_EQ(judge_lock_time(30, 0), "valid");
             EXPECT_EQ(judge_lock_time(31, 0xffffffff), "valid");
             EXPECT_EQ(judge_lock_time(median - 1, 0), "valid");
             EXPECT_EQ(judge_lock_time(median, 0), "bad-txns-nonfinal");
             return judge_lock_time(31, 0);
         }},
        {"bad-cb-height",
         [&] {
             return judge_changed_context(chain, [](BlockDraft& draft) {
                 draft.txs[0].inputs[0].script_sig = ScriptBuilder().number(32).number(77).take();
             });
         }},
        {"bad-witness-nonce-size",
         [&] {
             const auto with_witness = [&](std::vector<Bytes> items) {
                 return judge_changed_context(chain, [&](BlockDraft& draft) { draft.txs[0].inputs[0].witness = items; }, false);
             };
             EXPECT_EQ(with_witness({}), "bad-witness-nonce-size");
             EXPECT_EQ(with_witness({Bytes(32, 0), Bytes(1, 0)}), "bad-witness-nonce-size");
             return with_witness({Bytes(33, 0)});
         }},
        {"bad-witness-merkle-match",
         [&] {
             return judge_changed_context(chain, [](BlockDraft& draft) { draft.txs[0].inputs[0].witness[0][0] = 1; }, false);
         }},
        {"unexpected-witness",
         [&] {
             return judge_changed_context(chain, [](BlockDraft& draft) { draft.txs[0].outputs.pop_back(); }, false);
         }},
        {"bad-blk-weight",
         [&] {
             const auto judge_weight = [&](std::int64_t weight) {
                 return judge_changed_context(chain, [=](BlockDraft& draft) {
                     draft.txs.push_back(plain_tx());
                     draft.txs[1].inputs[0].witness = {Bytes(1'000'000, 0)};
                     const std::int64_t missing = weight - draft.finish()->weight();
                     draft.txs[1].inputs[0].witness[0].resize(static_cast<std::size_t>(1'000'000 + missing));
                     EXPECT_EQ(draft.finish()->weight(), weight);
                 });
             };
             EXPECT_EQ(judge_weight(4'000'000), "valid");
             return judge_weight(4'000'001);
         }},
    };
    expect_every_rule_rejects(rules::context_rules(), cases);
}

TEST(BlockRules, TakeTheLastOfSeveralCommitments) {
    ChainBuilder chain;
    chain.mine();
    const Bytes wrong{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                      0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    const auto judge = [&](bool first) {
        BlockDraft draft = chain.draft(chain.tip());
        auto& outputs = draft.txs[0].outputs;
        outputs.insert(first ? outputs.begin() : outputs.end(), {0, wrong});
        return judge_context(draft.fix_merkle_root(), chain.tip(), chain.params());
    };
    EXPECT_EQ(judge(true), "valid");
    EXPECT_EQ(judge(false), "bad-witness-merkle-match");
}

TEST(BlockRules, IgnoreCommitmentsBeforeSegwit) {
    ChainBuilder chain(make_params(Network::regtest, {.activation_heights = {{BuriedDeployment::segwit, 10}}}));
    BlockDraft draft = chain.draft(chain.tip());
    EXPECT_FALSE(draft.txs[0].has_witness());
    EXPECT_EQ(judge_context(draft, chain.tip(), chain.params()), "valid");
    draft.commit_to_witnesses().fix_merkle_root();
    EXPECT_EQ(judge_context(draft, chain.tip(), chain.params()), "unexpected-witness");
    draft.txs[0].inputs[0].witness.clear();
    draft.txs[0].outputs.back().script_pubkey[9] ^= 1;
    EXPECT_EQ(judge_context(draft.fix_merkle_root(), chain.tip(), chain.params()), "valid");
}

TEST(BlockRules, CompareLockTimesWithTheBlocksOwnTimeBeforeBip113) {
    ChainBuilder chain(make_params(Network::regtest, {.activation_heights = {{BuriedDeployment::csv, 100}}}));
    chain.mine_many(20);
    BlockDraft draft = chain.draft(chain.tip());
    draft.txs.push_back(plain_tx());
    draft.txs[1].inputs[0].sequence = 0;
    draft.txs[1].lock_time = draft.header.time - 1;
    EXPECT_EQ(judge_context(draft.commit_to_witnesses().fix_merkle_root(), chain.tip(), chain.params()), "valid");
    draft.txs[1].lock_time = draft.header.time;
    EXPECT_EQ(judge_context(draft.commit_to_witnesses().fix_merkle_root(), chain.tip(), chain.params()), "bad-txns-nonfinal");
}

TEST(BlockRules, AcceptEveryGenesisBlock) {
    for (const Network network : {Network::mainnet, Network::testnet3, Network::testnet4, Network::signet, Network::regtest}) {
        const ChainParamsPtr params = make_params(network, {.activation_heights = {{BuriedDeployment::csv, 0}}});
        const auto checked = rules::check_block(params->genesis, *params);
        ASSERT_TRUE(checked) << params->name();
        EXPECT_TRUE(rules::check_block_context(*checked, nullptr, *params)) << params->name();
    }
}

TEST(BlockRules, SeeMutationsThatBlameNoHeader) {
    ChainBuilder chain;
    chain.mine_many(101);
    const TransactionPtr spend = chain.spend({chain.coin(1)}, 0);
    const BlockDraft draft = chain.draft(chain.tip(), {spend});
    const auto reason = [](const BlockDraft& of) {
        const auto mutation = rules::find_mutation(*of.finish(), true);
        return mutation ? mutation->reject_reason() : std::string();
    };
    EXPECT_EQ(reason(draft), "");
    BlockDraft changed = draft;
    changed.txs[1].lock_time = 1;
    EXPECT_EQ(reason(changed), "bad-txnmrklroot");
    changed = draft;
    changed.txs[1].inputs[0].witness[0][20] ^= 1;
    EXPECT_EQ(reason(changed), "bad-witness-merkle-match");
    EXPECT_EQ(rules::find_mutation(*changed.finish(), false)->reject_reason(), "unexpected-witness") << "before segwit";
    changed = draft;
    changed.txs[1].inputs[0].witness.clear();
    EXPECT_EQ(reason(changed), "bad-witness-merkle-match");
    // A transaction of 64 bytes in front could be an inner node of the tree.
    changed = draft;
    changed.txs = {plain_tx()};
    EXPECT_FALSE(rules::is_block_mutated(*changed.fix_merkle_root().finish(), true));
    changed.txs[0].outputs[0].script_pubkey.resize(4);
    EXPECT_EQ(changed.finish()->txs()[0].stripped_size, 64u);
    EXPECT_TRUE(rules::is_block_mutated(*changed.fix_merkle_root().finish(), true));
}

}  // namespace
}  // namespace cairn
