#include <gtest/gtest.h>

#include "consensus/primitives/merkle_proof.hpp"
#include "tests/support/light_desk.hpp"

/// Coins, payments and history, as JSON-RPC shows them.
namespace cairn {
namespace {

using test::LightRpc;

/// "[a,b,…]" of JSON texts.
template <class... Parts>
std::string list(const Parts&... parts) {
    std::string text = "[";
    ((text += std::string(parts) + ","), ...);
    text.back() = ']';
    return text;
}
std::string quoted(const std::string& text) { return "\"" + text + "\""; }

TEST_F(LightRpc, CoinsAreListedWithinBounds) {
    make();
    const std::string first = fund(kCoin, "bech32", "shop"), second = fund(2 * kCoin, "bech32m");
    EXPECT_EQ(get("listunspent").size(), 2u);
    EXPECT_EQ(get("listunspent", "[2]").size(), 1u);
    EXPECT_EQ(get("listunspent", "[2]")[std::size_t{0}]["txid"].get_str(), first);
    EXPECT_EQ(get("listunspent", R"({"query_options":{"minimumAmount":1.5}})").size(), 1u);
    EXPECT_EQ(get("listunspent", R"({"query_options":{"maximumAmount":1.5}})").size(), 1u);
    EXPECT_EQ(get("listunspent", R"({"query_options":{"maximumCount":1}})").size(), 1u);
    const UniValue coin = get("listunspent", "[2]")[std::size_t{0}];
    for (const char* key : {"txid", "vout", "address", "label", "scriptPubKey", "amount", "confirmations", "spendable", "solvable", "desc", "parent_descs", "safe"}) {
        EXPECT_FALSE(coin[key].isNull()) << key;
    }
    const std::string at = coin["address"].get_str();
    EXPECT_EQ(get("listunspent", "[0,99," + list(quoted(at)) + "]").size(), 1u);
    EXPECT_EQ(ask("listunspent", "[0,99," + list(quoted(at), quoted(at)) + "]"), "-8: Invalid parameter, duplicated address: " + at);
    EXPECT_EQ(ask("listunspent", R"([0,99,["junk"]])"), "-5: Invalid Bitcoin address: junk");
    EXPECT_EQ(ask("getbalance", R"(["x"])"), "-32: dummy first argument must be excluded or set to \"*\".");
    EXPECT_EQ(ask("getbalance", R"(["*",2])"), "1.00000000");
}

TEST_F(LightRpc, CoinsAreLockedAndUnlocked) {
    make();
    const std::string txid = fund(kCoin);
    const auto coin = [&](const std::string& id, int index) { return "[{\"txid\":\"" + id + "\",\"vout\":" + std::to_string(index) + "}]"; };
    EXPECT_EQ(ask("lockunspent", "[false," + coin(txid, -1) + "]"), "-8: Invalid parameter, vout cannot be negative");
    EXPECT_EQ(ask("lockunspent", "[false," + coin(std::string(64, '1'), 0) + "]"), "-8: Invalid parameter, unknown transaction");
    EXPECT_EQ(ask("lockunspent", "[false," + coin(txid, 1) + "]"), "-8: Invalid parameter, vout index out of bounds");
    EXPECT_EQ(ask("lockunspent", "[true," + coin(txid, 0) + "]"), "-8: Invalid parameter, expected locked output");
    EXPECT_EQ(ask("lockunspent", "[false," + coin(txid, 0) + "]"), "true");
    EXPECT_EQ(ask("lockunspent", "[false," + coin(txid, 0) + "]"), "-8: Invalid parameter, output already locked");
    EXPECT_EQ(ask("lockunspent", "[false," + coin(txid, 0) + ",true]"), "true");
    EXPECT_EQ(get("listlockunspent").size(), 1u);
    EXPECT_EQ(get("listunspent").size(), 0u);
    EXPECT_EQ(ask("sendtoaddress", list(quoted(foreign()), "0.1")).substr(0, 3), "-6:");
    EXPECT_EQ(ask("lockunspent", "[true]"), "true");
    EXPECT_EQ(get("listlockunspent").size(), 0u);
    get("sendtoaddress", list(quoted(foreign()), "0.1"));
    EXPECT_EQ(ask("lockunspent", "[false," + coin(txid, 0) + "]"), "-8: Invalid parameter, expected unspent output");
}

TEST_F(LightRpc, WhatWasReceivedIsTold) {
    make();
    const std::string shop = address("bech32", "shop");
    desk_.mine({payment(shop, kCoin)});
    desk_.mine({payment(shop, 2 * kCoin)});
    const std::string empty = address("bech32", "empty");
    EXPECT_EQ(ask("getreceivedbyaddress", list(quoted(shop))), "3.00000000");
    EXPECT_EQ(ask("getreceivedbyaddress", list(quoted(shop), "2")), "1.00000000");
    EXPECT_EQ(ask("getreceivedbyaddress", R"(["junk"])"), "-5: Invalid Bitcoin address");
    EXPECT_EQ(ask("getreceivedbyaddress", list(quoted(foreign()))), "-4: Address not found in wallet");
    EXPECT_EQ(ask("getreceivedbylabel", R"(["shop"])"), "3.00000000");
    EXPECT_EQ(ask("getreceivedbylabel", R"(["none"])"), "-4: Label not found in wallet");
    EXPECT_EQ(ask("getreceivedbylabel", R"(["*"])"), "-11: Invalid label name");
    const UniValue listed = get("listreceivedbyaddress");
    ASSERT_EQ(listed.size(), 1u);
    EXPECT_EQ(listed[std::size_t{0}]["txids"].size(), 2u);
    EXPECT_EQ(listed[std::size_t{0}]["confirmations"].get_int64(), 1);
    EXPECT_EQ(get("listreceivedbyaddress", "[1,true]").size(), 2u);
    EXPECT_EQ(get("listreceivedbyaddress", "[1,true,true," + quoted(empty) + "]")[std::size_t{0}]["label"].get_str(), "empty");
    EXPECT_EQ(ask("listreceivedbyaddress", R"([1,true,true,"junk"])"), "-4: address_filter parameter was invalid");
    EXPECT_EQ(ask("listreceivedbylabel"), R"([{"amount":3.00000000,"confirmations":1,"label":"shop"}])");
    EXPECT_EQ(get("listreceivedbylabel", "[1,true]").size(), 2u);
    // Coinbases count once they may be spent.
    desk_.mine({}, script_of(empty));
    EXPECT_EQ(ask("getreceivedbylabel", R"(["empty"])"), "0.00000000");
    EXPECT_EQ(ask("getreceivedbylabel", R"(["empty",1,true])"), "50.00000000");
}

TEST_F(LightRpc, AddressesThatWereSpentTogetherAreOneGroup) {
    make();
    fund(kCoin, "bech32", "a");
    fund(kCoin, "bech32", "b");
    EXPECT_EQ(get("listaddressgroupings").size(), 2u);
    get("sendtoaddress", list(quoted(foreign()), "1.5"));
    desk_.mine({desk_.sent.back()});
    const UniValue groups = get("listaddressgroupings");
    ASSERT_EQ(groups.size(), 1u);
    ASSERT_EQ(groups[std::size_t{0}].size(), 3u);  // and the change
    Amount sum = 0;
    for (const UniValue& one : groups[std::size_t{0}].getValues()) sum += http::as_amount(one[1]);
    EXPECT_EQ(sum, http::as_amount(get("getbalance")));
}

TEST_F(LightRpc, PaymentsAreRefusedWithReasons) {
    make();
    fund(kCoin);
    EXPECT_EQ(ask("sendtoaddress", R"(["junk",1])"), "-5: Invalid Bitcoin address: junk");
    EXPECT_EQ(ask("sendtoaddress", list(quoted(foreign()), "-1")), "-3: Amount out of range");
    EXPECT_EQ(ask("sendtoaddress", list(quoted(foreign()), "0.00000001")).substr(0, 3), "-6:");
    EXPECT_EQ(ask("sendtoaddress", list(quoted(foreign()), "5")), "-6: Insufficient funds");
    EXPECT_EQ(ask("sendtoaddress", R"({"address":")" + foreign() + R"(","amount":0.1,"conf_target":0})"), "-8: Invalid conf_target, must be between 1 and 1008");
    EXPECT_EQ(ask("sendtoaddress", R"({"address":")" + foreign() + R"(","amount":0.1,"estimate_mode":"x"})").substr(0, 3), "-8:");
    EXPECT_EQ(ask("sendtoaddress", R"({"address":")" + foreign() + R"(","amount":0.1,"fee_rate":1,"conf_target":6})").substr(0, 3), "-8:");
    EXPECT_EQ(ask("sendtoaddress", R"({"address":")" + foreign() + R"(","amount":0.1,"fee_rate":1,"estimate_mode":"economical"})"),
              "-8: Cannot specify both estimate_mode and fee_rate");
    EXPECT_EQ(ask("sendtoaddress", R"({"address":")" + foreign() + R"(","amount":0.1,"fee_rate":1000000})").substr(0, 3), "-6:");
    EXPECT_EQ(ask("sendmany", R"(["x",{}])"), "-8: Dummy value must be set to \"\"");
    EXPECT_EQ(ask("sendmany", R"(["",{")" + foreign() + R"(":1,")" + foreign() + R"(":1}])"), "-8: Invalid parameter, duplicated address: " + foreign());
    const std::string one = R"(["",{")" + foreign() + R"(":0.1},1,"",)";
    EXPECT_EQ(ask("sendmany", one + "[1]]"), "-8: Invalid parameter 'subtract fee from output', position too large: 1");
    EXPECT_EQ(ask("sendmany", one + "[-1]]"), "-8: Invalid parameter 'subtract fee from output', negative position: -1");
    EXPECT_EQ(ask("sendmany", one + "[0,0]]"), "-8: Invalid parameter 'subtract fee from output', duplicated position: 0");
    EXPECT_EQ(ask("sendmany", one + "[true]]"), "-8: Invalid parameter 'subtract fee from output', invalid value type: bool");
    EXPECT_EQ(ask("sendmany", one + "[\"junk\"]]"), "-8: Invalid parameter 'subtract fee from output', destination junk not found in tx outputs");
    make("watch", ",true");
    EXPECT_EQ(ask("sendtoaddress", list(quoted(foreign()), "1"), "watch"), "-4: Error: Private keys are disabled for this wallet");
    desk_.host.rate.reset();
    EXPECT_EQ(ask("sendtoaddress", list(quoted(foreign()), "0.1")).substr(0, 3), "-6:");
    EXPECT_TRUE(desk_.sent.empty());
}

TEST_F(LightRpc, PaymentsTellWhereTheirRateCameFrom) {
    make();
    fund(kCoin);
    const auto reason = [&](const std::string& more) { return get("sendtoaddress", R"({"address":")" + foreign() + R"(","amount":0.01,"verbose":true)" + more + "}")["fee_reason"].get_str(); };
    EXPECT_EQ(reason(""), "Target 85% Threshold");
    EXPECT_EQ(reason(R"(,"estimate_mode":"conservative")"), "Conservative Double Target longer horizon");
    EXPECT_EQ(reason(R"(,"fee_rate":3)"), "None");
    desk_.host.rate = light::FeeRate{10};
    EXPECT_EQ(reason(""), "Minimum Required Fee");
    desk_.host.rate.reset();
    light::SpendPolicy policy = wallet().policy();
    policy.fallback_fee = {5'000};
    wallet().set_policy(policy);
    EXPECT_EQ(reason(""), "Fallback fee");
    EXPECT_EQ(desk_.sent.size(), 5u);
}

TEST_F(LightRpc, SendTakesOptionsAndRefusesOldOnes) {
    make();
    const std::string txid = fund(kCoin);
    const std::string to = R"([{")" + foreign() + R"(":0.1}])";
    const auto send = [&](const std::string& options) { return ask("send", "{\"outputs\":" + to + ",\"options\":" + options + "}"); };
    EXPECT_EQ(send(R"({"feeRate":1})"), "-8: Use fee_rate (sat/vB) instead of feeRate");
    EXPECT_EQ(send(R"({"changeAddress":"x"})"), "-8: Use change_address instead of changeAddress");
    EXPECT_EQ(send(R"({"changePosition":1})"), "-8: Use change_position instead of changePosition");
    EXPECT_EQ(send(R"({"lockUnspents":true})"), "-8: Use lock_unspents instead of lockUnspents");
    EXPECT_EQ(send(R"({"subtractFeeFromOutputs":[]})"), "-8: Use subtract_fee_from_outputs instead of subtractFeeFromOutputs");
    EXPECT_EQ(send(R"({"conf_target":6})"), "-8: Specify estimate_mode");
    EXPECT_EQ(send(R"({"change_position":2})"), "-8: changePosition out of bounds");
    EXPECT_EQ(send(R"({"change_address":"junk"})"), "-5: Change address must be a valid bitcoin address");
    EXPECT_EQ(send(R"({"change_type":"x"})"), "-5: Unknown change type 'x'");
    EXPECT_EQ(send(R"({"change_type":"bech32","change_address":")" + foreign(2) + "\"}"), "-8: Cannot specify both change address and address type options");
    EXPECT_EQ(send(R"({"minconf":-1})"), "-8: Negative minconf");
    EXPECT_EQ(send(R"({"minconf":5,"maxconf":3})"), "-8: maxconf can't be lower than minconf: 3 < 5");
    EXPECT_EQ(send(R"({"locktime":-1})"), "-8: Invalid parameter, locktime out of range");
    EXPECT_EQ(send(R"({"inputs":[{"txid":")" + txid + R"("}]})"), "-8: Invalid parameter, missing vout key");
    EXPECT_EQ(send(R"({"inputs":[{"txid":")" + txid + R"(","vout":-1}]})"), "-8: Invalid parameter, vout cannot be negative");
    EXPECT_EQ(send(R"({"inputs":[{"txid":")" + txid + R"(","vout":0,"sequence":-1}]})"), "-8: Invalid parameter, sequence number is out of range");
    EXPECT_EQ(send(R"({"inputs":[{"txid":")" + txid + R"(","vout":0,"weight":100}]})").substr(0, 54), "-8: Invalid parameter, weight cannot be less than 165 ");
    EXPECT_EQ(send(R"({"inputs":[{"txid":")" + std::string(64, '1') + R"(","vout":0}]})").substr(0, 3), "-4:");
    EXPECT_EQ(ask("send", "{\"outputs\":" + to + R"(,"fee_rate":2,"options":{"fee_rate":2}})"), "-8: Pass the fee_rate either as an argument, or in the options object, but not both");
    EXPECT_EQ(ask("send", "{\"outputs\":" + to + R"(,"conf_target":2,"options":{"estimate_mode":"economical"}})"),
              "-8: Pass conf_target and estimate_mode either as arguments or in the options object, but not both");
    EXPECT_EQ(ask("send", R"([[{"a":1,"b":2}]])"), "-8: Invalid parameter, key-value pair must contain exactly one key");
    EXPECT_EQ(send(R"({"unknown":1})"), "-3: Unexpected key unknown");
    EXPECT_EQ(ask("send", "[[]]"), "-8: TX must have at least one output");
    EXPECT_EQ(ask("send", R"([["a"]])"), "-8: Invalid parameter, key-value pair not an object as expected");
    // Shown, then sent.
    UniValue shown;
    ASSERT_TRUE(shown.read(send(R"({"add_to_wallet":false,"lock_unspents":true,"fee_rate":2,"change_position":0})")));
    EXPECT_TRUE(shown["complete"].get_bool());
    EXPECT_FALSE(shown["psbt"].isNull() || shown["hex"].isNull());
    EXPECT_EQ(get("listlockunspent").size(), 1u);
    EXPECT_TRUE(desk_.sent.empty());
    EXPECT_EQ(ask("lockunspent", "[true]"), "true");
    ASSERT_TRUE(shown.read(send("{}")));
    EXPECT_TRUE(shown["hex"].isNull());
    ASSERT_EQ(desk_.sent.size(), 1u);
    EXPECT_EQ(desk_.sent[0]->tx().txid.to_display_hex(), shown["txid"].get_str());
}

TEST_F(LightRpc, SendallSendsAllOrSaysWhyNot) {
    make();
    const std::string to = quoted(foreign());
    EXPECT_EQ(ask("sendall", list(list(to))).substr(0, 3), "-6:");
    const std::string txid = fund(kCoin);
    fund(kCoin);
    EXPECT_EQ(ask("sendall", R"([[{")" + foreign() + R"(":0.1}]])"), "-8: Must provide at least one address without a specified amount");
    const std::string input = R"({"txid":")" + txid + R"(","vout":0})";
    EXPECT_EQ(ask("sendall", "{\"recipients\":" + list(to) + ",\"options\":{\"send_max\":true,\"inputs\":[" + input + "]}}"),
              "-8: Cannot combine send_max with specific inputs.");
    EXPECT_EQ(ask("sendall", "{\"recipients\":" + list(to) + ",\"options\":{\"minconf\":1,\"inputs\":[" + input + "]}}"),
              "-8: Cannot combine minconf or maxconf with specific inputs.");
    EXPECT_TRUE(get("sendall", "{\"recipients\":" + list(to) + ",\"options\":{\"inputs\":[" + input + "]}}")["complete"].get_bool());
    EXPECT_EQ(ask("sendall", "{\"recipients\":" + list(to) + ",\"options\":{\"inputs\":[" + input + "]}}"),
              "-8: Input not available. UTXO (" + txid + ":0) was already spent.");
    EXPECT_EQ(ask("sendall", "{\"recipients\":" + list(to) + R"(,"options":{"inputs":[{"txid":")" + std::string(64, '1') + R"(","vout":0}]}})"),
              "-8: Input not found. UTXO (" + std::string(64, '1') + ":0) is not part of wallet.");
    EXPECT_EQ(desk_.sent.back()->tx().inputs.size(), 1u);
    EXPECT_TRUE(get("sendall", list(list(to)))["complete"].get_bool());
    EXPECT_EQ(ask("getbalance"), "0.00000000");
}

TEST_F(LightRpc, PaymentsAreReplaced) {
    make();
    fund(kCoin);
    EXPECT_EQ(ask("bumpfee", list(quoted(std::string(64, '1')))), "-5: Invalid or non-wallet transaction id");
    const std::string first = get("sendtoaddress", R"({"address":")" + foreign() + R"(","amount":0.1,"fee_rate":2})").get_str();
    const auto bump = [&](const std::string& more, const std::string& method = "bumpfee") { return ask(method, "{\"txid\":\"" + first + "\"" + more + "}"); };
    EXPECT_EQ(bump(R"(,"outputs":[])"), "-8: Invalid parameter, output argument cannot be an empty array");
    EXPECT_EQ(bump(R"(,"original_change_index":5)"), "-8: Change position is out of range");
    EXPECT_EQ(bump(R"(,"original_change_index":0,"outputs":[{")" + foreign(2) + R"(":0.2}])").substr(0, 3), "-8:");
    EXPECT_EQ(bump(R"(,"fee_rate":1)").substr(0, 3), "-8:");
    EXPECT_EQ(bump(R"(,"psbt_version":1)", "psbtbumpfee"), "-8: The PSBT version can only be 2 or 0");
    UniValue psbt;
    ASSERT_TRUE(psbt.read(bump(R"(,"psbt_version":0)", "psbtbumpfee")));
    EXPECT_FALSE(psbt["psbt"].isNull());
    UniValue bumped;
    const std::string text = bump(R"(,"fee_rate":20,"outputs":[{")" + foreign(2) + R"(":0.2}])");
    ASSERT_TRUE(bumped.read(text)) << text;
    EXPECT_GT(http::as_amount(bumped["fee"]), http::as_amount(bumped["origfee"]));
    const Transaction& tx = desk_.sent.back()->tx();
    EXPECT_EQ(tx.txid.to_display_hex(), bumped["txid"].get_str());
    EXPECT_TRUE(std::any_of(tx.outputs.begin(), tx.outputs.end(), [](const TxOutput& one) { return one.value == kCoin / 5; }));
    EXPECT_TRUE(std::none_of(tx.outputs.begin(), tx.outputs.end(), [](const TxOutput& one) { return one.value == kCoin / 10; }));
    EXPECT_EQ(get("gettransaction", list(quoted(first)))["replaced_by_txid"].get_str(), bumped["txid"].get_str());
    EXPECT_EQ(bump("").substr(0, 3), "-4:");  // bumped already
    desk_.mine({desk_.sent.back()});
    const std::string mined = ask("bumpfee", list(quoted(bumped["txid"].get_str())));
    EXPECT_EQ(mined.substr(0, 4), "-1: ");
    EXPECT_NE(mined.find(":0 is already spent"), std::string::npos);
    EXPECT_EQ(bump(R"(,"unknown":1)"), "-8: Unknown named parameter unknown");
    make("watch", ",true");
    EXPECT_EQ(ask("bumpfee", list(quoted(first)), "watch"), "-4: bumpfee is not available with wallets that have private keys disabled. Use psbtbumpfee instead.");
}

TEST_F(LightRpc, TheOutputThatIsSaidToBeChangePaysTheHigherFee) {
    make();
    fund(kCoin);
    const std::string sent = get("send", "{\"outputs\":[{\"" + foreign() + "\":0.3}],\"options\":{\"fee_rate\":2,\"change_position\":1}}")["txid"].get_str();
    const UniValue bumped = get("bumpfee", "{\"txid\":\"" + sent + "\",\"original_change_index\":0,\"fee_rate\":10}");
    const Transaction& tx = desk_.sent.back()->tx();
    const Bytes paid = script_of(foreign());
    const auto found = std::find_if(tx.outputs.begin(), tx.outputs.end(), [&](const TxOutput& one) { return to_bytes(one.script_pubkey) == paid; });
    ASSERT_NE(found, tx.outputs.end());
    EXPECT_EQ(found->value, 3 * kCoin / 10 - (http::as_amount(bumped["fee"]) - http::as_amount(bumped["origfee"])));
}

TEST_F(LightRpc, PsbtsAreFundedAndSigned) {
    make();
    fund(kCoin);
    const auto create = [&](const std::string& options) { return ask("walletcreatefundedpsbt", R"([[],[{")" + foreign() + R"(":0.1}],0,)" + options + "]"); };
    EXPECT_EQ(create(R"({"fee_rate":1,"feeRate":1})"), "-8: Cannot specify both fee_rate (sat/vB) and feeRate (BTC/kvB)");
    EXPECT_EQ(create(R"({"feeRate":1,"conf_target":1})").substr(0, 3), "-8:");
    EXPECT_EQ(create(R"({"feeRate":1,"estimate_mode":"unset"})"), "-8: Cannot specify both estimate_mode and feeRate");
    EXPECT_EQ(create(R"({"solving_data":{"pubkeys":["zz"]}})").substr(0, 3), "-5:");
    EXPECT_EQ(create(R"({"solving_data":{"scripts":["zz"]}})"), "-5: 'zz' is not hex");
    EXPECT_EQ(create(R"({"solving_data":{"descriptors":["zz"]}})").substr(0, 3), "-8:");
    EXPECT_EQ(create(R"({"fee_rate":1},true,2,1)"), "-8: The PSBT version can only be 2 or 0");
    EXPECT_EQ(ask("walletcreatefundedpsbt", R"([[],[{")" + foreign() + R"(":5}]])"), "-4: Insufficient funds");
    UniValue made;
    ASSERT_TRUE(made.read(create(R"({"fee_rate":0.5,"lockUnspents":true},true,2,0)")));
    EXPECT_EQ(get("listlockunspent").size(), 1u);
    EXPECT_EQ(ask("walletprocesspsbt", R"(["junk"])").substr(0, 4), "-22:");
    EXPECT_EQ(ask("walletprocesspsbt", "[" + quoted(made["psbt"].get_str()) + ",true,\"NONSENSE\"]").substr(0, 3), "-8:");
    const UniValue unsigned_form = get("walletprocesspsbt", "[" + quoted(made["psbt"].get_str()) + ",false]");
    EXPECT_FALSE(unsigned_form["complete"].get_bool());
    const UniValue done = get("walletprocesspsbt", "[" + quoted(made["psbt"].get_str()) + "]");
    EXPECT_TRUE(done["complete"].get_bool());
    EXPECT_EQ(get("finalizepsbt", "[" + quoted(done["psbt"].get_str()) + "]")["hex"].get_str(), done["hex"].get_str());
}

TEST_F(LightRpc, RawTransactionsAreFundedSignedAndWeighed) {
    make();
    const std::string txid = fund(kCoin);
    const std::string bare = get("createrawtransaction", R"([[],[{")" + foreign() + R"(":0.1}]])").get_str();
    EXPECT_EQ(ask("fundrawtransaction", R"(["junk"])"), "-22: TX decode failed");
    EXPECT_EQ(ask("fundrawtransaction", "[" + quoted(get("createrawtransaction", "[[],[]]").get_str()) + "]").substr(0, 3), "-8:");
    const auto fund_with = [&](const std::string& options) { return ask("fundrawtransaction", "[" + quoted(bare) + "," + options + "]"); };
    EXPECT_EQ(fund_with(R"({"changePosition":2})"), "-8: changePosition out of bounds");
    EXPECT_EQ(fund_with(R"({"input_weights":[{"txid":")" + txid + R"(","vout":0}]})"), "-8: Invalid parameter, missing weight key");
    EXPECT_EQ(fund_with(R"({"subtractFeeFromOutputs":[1]})"), "-8: Invalid parameter 'subtract fee from output', position too large: 1");
    EXPECT_EQ(fund_with(R"({"minconf":100})"), "-4: Insufficient funds");
    UniValue funded;
    ASSERT_TRUE(funded.read(fund_with(R"({"changePosition":0,"fee_rate":3})")));
    EXPECT_EQ(funded["changepos"].get_int64(), 0);
    EXPECT_EQ(ask("signrawtransactionwithwallet", R"(["junk"])"), "-22: TX decode failed. Make sure the tx has at least one input.");
    const UniValue signed_form = get("signrawtransactionwithwallet", "[" + quoted(funded["hex"].get_str()) + "]");
    ASSERT_TRUE(signed_form["complete"].get_bool());
    const std::string hex = quoted(signed_form["hex"].get_str());
    const UniValue change = get("simulaterawtransaction", "[[" + hex + "]]")["balance_change"];
    EXPECT_NEAR(change.get_real(), -0.1 - funded["fee"].get_real(), 1e-9);
    EXPECT_EQ(ask("simulaterawtransaction", "[[" + hex + "," + hex + "]]"), "-8: Transaction(s) are spending the same output more than once");
    EXPECT_EQ(ask("simulaterawtransaction", R"([["junk"]])"), "-22: Transaction hex string decoding failure.");
    EXPECT_EQ(ask("sendrawtransaction", R"(["junk"])").substr(0, 4), "-22:");
    const std::string sent = get("sendrawtransaction", "[" + hex + "]").get_str();
    ASSERT_EQ(desk_.sent.size(), 1u);
    EXPECT_EQ(sent, desk_.sent.back()->tx().txid.to_display_hex());
    EXPECT_EQ(ask("simulaterawtransaction", "[[" + hex + "]]"), "-8: One or more transaction inputs are missing or have been spent already");
    // Inputs of others stay unsigned and are told.
    const std::string foreign_input = get("createrawtransaction", R"([[{"txid":")" + std::string(64, '1') + R"(","vout":0}],[{")" + foreign() + R"(":0.1}]])").get_str();
    const UniValue incomplete = get("signrawtransactionwithwallet", "[" + quoted(foreign_input) + "]");
    EXPECT_FALSE(incomplete["complete"].get_bool());
    EXPECT_EQ(incomplete["errors"].size(), 1u);
}

TEST_F(LightRpc, HistoryTellsWhatReorganisationsTookBack) {
    make();
    const std::string kept = fund(kCoin);
    const std::string fork = desk_.tip()->hash.to_display_hex();
    const TransactionPtr taken = payment(address(), 2 * kCoin);
    const std::string stale = desk_.mine({taken})->hash.to_display_hex();
    EXPECT_EQ(get("listsinceblock", "[" + quoted(fork) + "]")["transactions"].size(), 1u);
    desk_.undo(1);
    desk_.mine();
    desk_.mine();
    const UniValue since = get("listsinceblock", "[" + quoted(stale) + "]");
    ASSERT_EQ(since["removed"].size(), 1u);
    EXPECT_EQ(since["removed"][0]["txid"].get_str(), taken->tx().txid.to_display_hex());
    EXPECT_EQ(since["removed"][0]["confirmations"].get_int64(), 0);
    EXPECT_EQ(get("listsinceblock", "[" + quoted(fork) + "]")["removed"].size(), 0u);
    EXPECT_TRUE(get("listsinceblock", "[" + quoted(stale) + ",1,false,false]")["removed"].isNull());
    EXPECT_EQ(since["lastblock"].get_str(), desk_.tip()->hash.to_display_hex());
    EXPECT_EQ(get("listsinceblock", "[\"\",2]")["lastblock"].get_str(), desk_.tip()->parent->hash.to_display_hex());
    EXPECT_EQ(ask("listsinceblock", "[" + quoted(std::string(64, '1')) + "]"), "-5: Block not found");
    EXPECT_EQ(ask("listsinceblock", "[\"\",0]"), "-8: Invalid parameter");
    // The same after the wallet was opened again.
    EXPECT_EQ(ask("unloadwallet", "[]"), "{}");
    get("loadwallet", R"(["w"])", nullptr);
    EXPECT_EQ(get("listsinceblock", "[" + quoted(stale) + "]")["removed"].size(), 1u);
}

TEST_F(LightRpc, HistoryIsListedFromOldToNew) {
    make();
    const std::string first = fund(kCoin, "bech32", "shop"), second = fund(2 * kCoin);
    EXPECT_EQ(get("listtransactions").size(), 2u);
    EXPECT_EQ(get("listtransactions", R"(["*",1])")[std::size_t{0}]["txid"].get_str(), second);
    EXPECT_EQ(get("listtransactions", R"(["*",1,1])")[std::size_t{0}]["txid"].get_str(), first);
    EXPECT_EQ(get("listtransactions", R"(["shop"])").size(), 1u);
    EXPECT_EQ(ask("listtransactions", R"([""])"), "-8: Label argument must be a valid label name or \"*\".");
    EXPECT_EQ(ask("listtransactions", R"(["*",-1])"), "-8: Negative count");
    EXPECT_EQ(ask("listtransactions", R"(["*",1,-1])"), "-8: Negative from");
    EXPECT_EQ(ask("gettransaction", "[" + quoted(std::string(64, '1')) + "]"), "-5: Invalid or non-wallet transaction id");
    EXPECT_EQ(ask("gettransaction", R"(["12"])").substr(0, 3), "-8:");
    const UniValue one = get("gettransaction", "[" + quoted(first) + ",false,true]");
    EXPECT_EQ(one["decoded"]["txid"].get_str(), first);
    EXPECT_EQ(one["details"].size(), 1u);
}

TEST_F(LightRpc, TransactionsThatAreGivenUpFreeTheirCoins) {
    make();
    fund(kCoin);
    EXPECT_EQ(ask("abandontransaction", "[" + quoted(std::string(64, '1')) + "]"), "-5: Invalid or non-wallet transaction id");
    const std::string sent = get("sendtoaddress", list(quoted(foreign()), "0.5")).get_str();
    EXPECT_EQ(ask("abandontransaction", "[" + quoted(sent) + "]"), "-5: Transaction not eligible for abandonment");
    ASSERT_TRUE(wallet().leave_transaction(desk_.sent.back()->tx().txid));
    EXPECT_EQ(ask("abandontransaction", "[" + quoted(sent) + "]"), "null");
    EXPECT_EQ(ask("getbalance"), "1.00000000");
    EXPECT_TRUE(get("listtransactions", R"(["*",1])")[std::size_t{0}]["abandoned"].get_bool());
}

TEST_F(LightRpc, ProofsBringInTransactions) {
    make();
    make("watch", ",true");
    const TransactionPtr tx = payment(address(), kCoin);
    desk_.mine({tx});
    const Block& block = *desk_.last_block();
    std::vector<Uint256> leaves;
    for (const Transaction& one : block.txs()) leaves.push_back(one.txid);
    const auto proof_of = [&](std::size_t wanted) {
        std::vector<bool> flags(leaves.size());
        flags[wanted] = true;
        Bytes raw;
        Writer writer(raw);
        MerkleBlock{block.header(), MerkleProof::make(leaves, flags)}.write(writer);
        return quoted(to_hex(raw));
    };
    const std::string hex = quoted(to_hex(tx->tx().raw));
    EXPECT_EQ(ask("importprunedfunds", "[" + quoted("00") + "," + proof_of(1) + "]").substr(0, 4), "-22:");
    EXPECT_EQ(ask("importprunedfunds", "[" + hex + "," + quoted("00") + "]"), "-5: Something wrong with merkleblock");
    EXPECT_EQ(ask("importprunedfunds", "[" + hex + "," + proof_of(0) + "]"), "-5: Transaction given doesn't exist in proof");
    EXPECT_EQ(ask("importprunedfunds", "[" + hex + "," + proof_of(1) + "]", "watch"), "-5: No addresses in wallet correspond to included transaction");
    EXPECT_EQ(ask("importprunedfunds", "[" + hex + "," + proof_of(1) + "]"), "null");
    desk_.undo(1);
    EXPECT_EQ(ask("importprunedfunds", "[" + hex + "," + proof_of(1) + "]"), "-5: Block not found in chain");
    EXPECT_EQ(ask("removeprunedfunds", "[" + quoted(tx->tx().txid.to_display_hex()) + "]").substr(0, 4), "-32:");
}

}  // namespace
}  // namespace cairn
