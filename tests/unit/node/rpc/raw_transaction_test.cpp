#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/script/script.hpp"
#include "node/rpc/decode_transaction.hpp"
#include "node/rpc/methods.hpp"
#include "tests/support/rpc_desk.hpp"
#include "tests/support/scripted_chain.hpp"

namespace cairn::node {
namespace {

const std::string kTxid = "1d1d4e24ed99057e84c3f80fd8fbec79ed9e1acee37da269356ecea000000000";

/// createrawtransaction and its kin on regtest, without a mempool.
class RawTransactions : public ::testing::Test, protected test::RpcDesk {
protected:
    RawTransactions() : params_(make_params(Network::regtest)), chain_(*params_) {
        context_.params = params_.get();
        context_.chain = &chain_;
        add_raw_signing_methods(table_, context_);
        open();
    }

    std::string create(const std::string& params) { return ask("createrawtransaction", params); }
    TransactionPtr created(const std::string& params) {
        const std::string text = create(params);
        const TransactionPtr tx = decode_transaction(text.substr(1, text.size() - 2), true, true);
        EXPECT_TRUE(tx) << text;
        return tx;
    }
    UniValue sign(const std::string& params) { return parsed("signrawtransactionwithkey", params); }
    std::string input() const { return "{\"txid\":\"" + kTxid + "\",\"vout\":9}"; }
    std::string address(std::uint8_t number) const { return encode_address(PayToWitnessPubkeyHash{hash160(Bytes{number})}, params_->addresses); }
    std::string pay(std::uint8_t number, const std::string& amount) const { return "{\"" + address(number) + "\":" + amount + "}"; }

    ChainParamsPtr params_;
    test::ScriptedChain chain_;
};

TEST_F(RawTransactions, AreCreatedFromObjectsAndArrays) {
    EXPECT_EQ(create("[[],{}]"), "\"02000000000000000000\"");
    EXPECT_EQ(create("[[],[]]"), "\"02000000000000000000\"");
    const std::string one = create("[[" + input() + "]," + pay(1, "99") + "]");
    EXPECT_EQ(one, create("[[" + input() + "],[" + pay(1, "\"99\"") + "]]"));
    const auto tx = created("[[" + input() + "],[" + pay(1, "99") + "," + pay(2, "0.5") + ",{\"data\":\"99\"}]]");
    ASSERT_EQ((*tx)->outputs.size(), 3u);
    EXPECT_EQ((*tx)->outputs[0].value, 99 * kCoin);
    EXPECT_EQ((*tx)->outputs[1].value, kCoin / 2);
    EXPECT_EQ(to_hex((*tx)->outputs[2].script_pubkey), "6a0199");
    EXPECT_EQ((*tx)->inputs[0].prevout, (OutPoint{*Txid::from_display_hex(kTxid), 9}));
}

TEST_F(RawTransactions, ChooseSequenceNumbers) {
    const auto sequence = [&](const std::string& in, const std::string& rest) {
        return (*created("[[" + in + "],[]" + rest + "]"))->inputs[0].sequence;
    };
    EXPECT_EQ(sequence(input(), ""), 0xfffffffd);
    EXPECT_EQ(sequence(input(), ",0,true"), 0xfffffffd);
    EXPECT_EQ(sequence(input(), ",0,false"), 0xffffffff);
    EXPECT_EQ(sequence(input(), ",5,false"), 0xfffffffe);
    const std::string given = "{\"txid\":\"" + kTxid + "\",\"vout\":9,\"sequence\":4294967294}";
    EXPECT_EQ(sequence(given, ""), 0xfffffffe);
    EXPECT_EQ(create("[[" + given + "],[],0,true]"), "-8: Invalid parameter combination: Sequence number(s) contradict replaceable option");
    EXPECT_EQ(create("[[{\"txid\":\"" + kTxid + "\",\"vout\":9,\"sequence\":4294967296}],[]]"),
              "-8: Invalid parameter, sequence number is out of range");
    EXPECT_EQ(create("[[{\"txid\":\"" + kTxid + "\",\"vout\":9,\"sequence\":-1}],[]]"), "-8: Invalid parameter, sequence number is out of range");
}

TEST_F(RawTransactions, HaveTheVersionThatIsAskedFor) {
    for (const std::uint32_t version : {1u, 2u, 3u}) {
        EXPECT_EQ((*created("[[" + input() + "],[],0,true," + std::to_string(version) + "]"))->version, version);
    }
    EXPECT_EQ(create("[[],{},0,true,0]"), "-8: Invalid parameter, version out of range(1~3)");
    EXPECT_EQ(create("[[],{},0,true,4]"), "-8: Invalid parameter, version out of range(1~3)");
}

TEST_F(RawTransactions, SayWhatIsWrongWithInputs) {
    EXPECT_EQ(create("[[{}],{}]"), "-3: JSON value of type null is not of expected type string");
    EXPECT_EQ(create("[[{\"txid\":\"foo\"}],{}]"), "-8: txid must be of length 64 (not 3, for 'foo')");
    const std::string bad(64, 'Z');
    EXPECT_EQ(create("[[{\"txid\":\"" + bad + "\"}],{}]"), "-8: txid must be hexadecimal string (not '" + bad + "')");
    EXPECT_EQ(create("[[{\"txid\":\"" + kTxid + "\"}],{}]"), "-8: Invalid parameter, missing vout key");
    EXPECT_EQ(create("[[{\"txid\":\"" + kTxid + "\",\"vout\":\"foo\"}],{}]"), "-8: Invalid parameter, missing vout key");
    EXPECT_EQ(create("[[{\"txid\":\"" + kTxid + "\",\"vout\":-1}],{}]"), "-8: Invalid parameter, vout cannot be negative");
    EXPECT_EQ(create("[[],{},-1]"), "-8: Invalid parameter, locktime out of range");
    EXPECT_EQ(create("[[],{},4294967296]"), "-8: Invalid parameter, locktime out of range");
}

TEST_F(RawTransactions, SayWhatIsWrongWithOutputs) {
    EXPECT_EQ(create("[[],null]"), "-8: Invalid parameter, output argument must be non-null");
    EXPECT_EQ(create("[[],\"foo\"]"), "-3: JSON value of type string is not of expected type array");
    EXPECT_EQ(create("[[],[\"foo\"]]"), "-8: Invalid parameter, key-value pair not an object as expected");
    EXPECT_EQ(create("[[],[{\"a\":1,\"b\":2}]]"), "-8: Invalid parameter, key-value pair must contain exactly one key");
    EXPECT_EQ(create("[[],{\"data\":\"foo\"}]"), "-8: Data must be hexadecimal string (not 'foo')");
    EXPECT_EQ(create("[[],[{\"data\":\"aa\"},{\"data\":\"bb\"}]]"), "-8: Invalid parameter, duplicate key: data");
    EXPECT_EQ(create("[[],{\"foo\":0}]"), "-5: Invalid Bitcoin address: foo");
    EXPECT_EQ(create("[[]," + pay(1, "\"foo\"") + "]"), "-3: Invalid amount");
    EXPECT_EQ(create("[[]," + pay(1, "-1") + "]"), "-3: Amount out of range");
    EXPECT_EQ(create("[[],[" + pay(1, "1") + "," + pay(1, "1") + "]]"), "-8: Invalid parameter, duplicated address: " + address(1));
}

/// A key, an output that it can spend, and an unsigned transaction that does.
struct Spend {
    WalletKey key{PrivateKey::parse(Bytes(32, 7)).value(), true};
    Bytes pubkey = to_bytes(key.key.public_key().compressed());

    std::string wif(const ChainParams& params) const { return "[\"" + encode_wif(key, params.addresses) + "\"]"; }
    static std::string prevtx(const Bytes& script, const std::string& more = "") {
        return "[{\"txid\":\"" + kTxid + "\",\"vout\":9,\"scriptPubKey\":\"" + to_hex(script) + "\"" + more + "}]";
    }
};

TEST_F(RawTransactions, AreSignedWithKeysAndPreviousOutputs) {
    const Spend s;
    const std::string raw = create("[[" + input() + "],[" + pay(1, "0.9") + "]]");
    const Bytes witness_script = make_p2pk(s.pubkey), program = make_witness_program(0, sha256(witness_script).span());
    const std::vector<std::pair<Bytes, std::string>> cases{
        {make_p2pkh(hash160(s.pubkey)), ""},
        {make_witness_program(0, hash160(s.pubkey)), ",\"amount\":1"},
        {make_witness_program(1, s.key.key.public_key().xonly().span()), ",\"amount\":1"},
        {make_p2sh(hash160(make_witness_program(0, hash160(s.pubkey)))),
         ",\"amount\":1,\"redeemScript\":\"" + to_hex(make_witness_program(0, hash160(s.pubkey))) + "\""},
        {program, ",\"amount\":1,\"witnessScript\":\"" + to_hex(witness_script) + "\""},
        {program, ",\"amount\":1,\"redeemScript\":\"" + to_hex(witness_script) + "\""},
        {make_p2sh(hash160(program)), ",\"amount\":1,\"redeemScript\":\"" + to_hex(witness_script) + "\""},
        {make_p2sh(hash160(program)),
         ",\"amount\":1,\"redeemScript\":\"" + to_hex(program) + "\",\"witnessScript\":\"" + to_hex(witness_script) + "\""},
    };
    for (const auto& [script, more] : cases) {
        const UniValue answer = sign("[" + raw + "," + s.wif(*params_) + "," + Spend::prevtx(script, more) + "]");
        EXPECT_TRUE(answer["complete"].isTrue()) << answer.write();
        EXPECT_FALSE(answer.exists("errors"));
    }
}

TEST_F(RawTransactions, TellWhichInputsAreNotSigned) {
    const Spend s;
    const std::string raw = create("[[" + input() + "],[" + pay(1, "0.9") + "]]");
    UniValue answer = sign("[" + raw + ",[]]");
    EXPECT_TRUE(answer["complete"].isFalse());
    const UniValue& error = answer["errors"][0];
    EXPECT_EQ(error["error"].get_str(), "Input not found or already spent");
    EXPECT_EQ(error["txid"].get_str(), kTxid);
    EXPECT_EQ(error["vout"].get_int(), 9);
    EXPECT_EQ(error["sequence"].get_int64(), 0xfffffffd);
    EXPECT_EQ(error["scriptSig"].get_str(), "");
    EXPECT_TRUE(error["witness"].isArray());
    answer = sign("[" + raw + ",[]," + Spend::prevtx(make_p2pkh(hash160(s.pubkey))) + "]");
    EXPECT_EQ(answer["errors"][0]["error"].get_str(), "Unable to sign input, invalid stack size (possibly missing key)");
}

TEST_F(RawTransactions, RefuseWhatContradictsItself) {
    const Spend s;
    const std::string raw = create("[[" + input() + "],[" + pay(1, "0.9") + "]]");
    const auto ask_with = [&](const std::string& rest) { return ask("signrawtransactionwithkey", "[" + raw + "," + s.wif(*params_) + "," + rest + "]"); };
    const Bytes key_program = make_witness_program(0, hash160(s.pubkey));
    EXPECT_EQ(ask_with(Spend::prevtx(key_program)), "-3: Missing amount for CTxOut(nValue=21000000.00000000, scriptPubKey=" +
                                                        to_hex(key_program).substr(0, 30) + ")");
    const Bytes script = make_p2pk(s.pubkey), nested = make_p2sh(hash160(script));
    EXPECT_EQ(ask_with(Spend::prevtx(nested)), "-8: Missing redeemScript/witnessScript");
    EXPECT_EQ(ask_with(Spend::prevtx(nested, ",\"redeemScript\":\"51\"")), "-8: redeemScript/witnessScript does not match scriptPubKey");
    EXPECT_EQ(ask_with(Spend::prevtx(nested, ",\"redeemScript\":\"51\",\"witnessScript\":\"" + to_hex(script) + "\"")),
              "-8: redeemScript does not correspond to witnessScript");
    EXPECT_EQ(ask_with("[{\"txid\":\"" + kTxid + "\",\"vout\":9}]"), "-3: Missing scriptPubKey");
    EXPECT_EQ(ask_with("[{\"txid\":\"" + kTxid + "\",\"vout\":-1,\"scriptPubKey\":\"51\"}]"), "-22: vout cannot be negative");
    EXPECT_EQ(ask_with("[" + Spend::prevtx({0x51}).substr(1, Spend::prevtx({0x51}).size() - 2) + "," + Spend::prevtx({0x52}).substr(1)),
              "-22: Previous output scriptPubKey mismatch:\n1\nvs:\n2");
    EXPECT_EQ(ask_with("null,\"all\""), "-8: 'all' is not a valid sighash parameter.");
    EXPECT_EQ(ask("signrawtransactionwithkey", "[" + raw + ",[\"123\"]]"), "-5: Invalid private key");
    EXPECT_EQ(ask("signrawtransactionwithkey", "[\"" + raw.substr(1, raw.size() - 2) + "00\",[]]"),
              "-22: TX decode failed. Make sure the tx has at least one input.");
}

TEST_F(RawTransactions, AreCombinedOnlyWhenTheyAreTheSame) {
    const std::string raw = create("[[" + input() + "],[" + pay(1, "0.9") + "]]"), other = create("[[" + input() + "],[" + pay(1, "0.8") + "]]");
    EXPECT_EQ(ask("combinerawtransaction", "[[" + raw + "]]"), "-22: Missing transactions. At least two transactions required.");
    EXPECT_EQ(ask("combinerawtransaction", "[[" + raw + ",\"00\"]]"), "-22: TX decode failed for tx 1. Make sure the tx has at least one input.");
    EXPECT_EQ(ask("combinerawtransaction", "[[" + raw + "," + other + "]]"), "-8: Transaction number 2 not compatible with first transaction");
    EXPECT_EQ(ask("combinerawtransaction", "[[" + raw + "," + raw + "]]"), "-25: Input not found or already spent");
}

}  // namespace
}  // namespace cairn::node
