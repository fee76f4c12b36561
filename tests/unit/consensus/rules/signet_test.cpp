#include "consensus/rules/signet.hpp"

#include <gtest/gtest.h>

#include "consensus/rules/block_rules.hpp"
#include "consensus/script/script.hpp"
#include "tests/support/chain_builder.hpp"

namespace cairn {
namespace {

using test::BlockDraft;

/// A signet on which one key signs the blocks, with easy work.
class SignetTest : public testing::Test {
protected:
    SignetTest()
        : challenge_(ScriptBuilder().push(key_.key().public_key().compressed()).op(Opcode::op_checksig).take()),
          params_(*make_params(Network::signet, {.signet_challenge = challenge_})) {
        params_.pow_limit = make_params(Network::regtest)->pow_limit;
    }

    BlockDraft unsigned_block() {
        BlockDraft draft;
        draft.header.version = 0x20000000;
        draft.header.previous = params_.genesis_hash();
        draft.header.time = params_.genesis->header().time + 600;
        draft.header.bits = 0x207fffff;
        MutableTransaction& coinbase = draft.txs.emplace_back();
        coinbase.inputs.push_back({.script_sig = {0x51, 0x00}});
        coinbase.outputs.push_back({50 * kCoin, {0x51}});
        draft.commit_to_witnesses();
        return draft;
    }

    /// Adds the solution's push to the commitment output.
    static void put_solution(BlockDraft& draft, const Bytes& solution) {
        Bytes push{0xec, 0xc7, 0xda, 0xa2};
        push.insert(push.end(), solution.begin(), solution.end());
        Bytes& script = draft.txs[0].outputs.back().script_pubkey;
        const Bytes pushed = ScriptBuilder().push(push).take();
        script.insert(script.end(), pushed.begin(), pushed.end());
    }

    BlockPtr signed_block() {
        BlockDraft draft = unsigned_block();
        // What is signed is the block with the solution's header alone.
        BlockDraft with_header = draft;
        put_solution(with_header, {});
        with_header.fix_merkle_root();
        const auto txs = rules::make_signet_txs(*with_header.finish(), challenge_);
        const Uint256 hash = ecdsa_sighash(txs->to_sign->tx(), 0, challenge_, kSighashAll, 0, SigVersion::base);
        Bytes signature = key_.key().sign_ecdsa(hash);
        signature.push_back(kSighashAll);
        Bytes solution;
        Writer writer(solution);
        writer.var_bytes(ScriptBuilder().push(signature).take());
        writer.compact_size(0);
        put_solution(draft, solution);
        return draft.fix_merkle_root().mine(params_).finish();
    }

    test::TestKey key_;
    Bytes challenge_;
    ChainParams params_;
};

TEST_F(SignetTest, AcceptsASignedBlock) {
    const BlockPtr block = signed_block();
    EXPECT_TRUE(rules::check_signet_solution(*block, params_));
    EXPECT_TRUE(rules::check_block(block, params_));
}

TEST_F(SignetTest, AcceptsItsGenesisBlockAsItIs) { EXPECT_TRUE(rules::check_signet_solution(*params_.genesis, params_)); }

TEST_F(SignetTest, RefusesWhatWasChangedAfterSigning) {
    const BlockPtr block = signed_block();
    BlockDraft later(*block);
    later.header.time += 1;
    EXPECT_FALSE(rules::check_signet_solution(*later.finish(), params_));
    BlockDraft richer(*block);
    richer.txs[0].outputs[0].value += 1;
    EXPECT_FALSE(rules::check_signet_solution(*richer.fix_merkle_root().finish(), params_));
    BlockDraft nonce(*block);  // the nonce is found after signing
    nonce.header.nonce += 1;
    EXPECT_TRUE(rules::check_signet_solution(*nonce.finish(), params_));
}

TEST_F(SignetTest, RefusesMissingAndMalformedSolutions) {
    EXPECT_FALSE(rules::check_signet_solution(*unsigned_block().finish(), params_));
    BlockDraft no_commitment = unsigned_block();
    no_commitment.txs[0].outputs.pop_back();
    EXPECT_FALSE(rules::check_signet_solution(*no_commitment.finish(), params_));
    for (const Bytes& solution : {Bytes{0x05}, Bytes{0x00}, Bytes{0x00, 0x00, 0x00}, Bytes{0x00, 0xff}}) {
        BlockDraft draft = unsigned_block();
        put_solution(draft, solution);
        EXPECT_FALSE(rules::make_signet_txs(*draft.finish(), challenge_)) << solution.size();
    }
    BlockDraft empty = unsigned_block();
    put_solution(empty, {0x00, 0x00});
    EXPECT_TRUE(rules::make_signet_txs(*empty.finish(), challenge_));
    EXPECT_FALSE(rules::check_signet_solution(*empty.finish(), params_));
}

}  // namespace
}  // namespace cairn
