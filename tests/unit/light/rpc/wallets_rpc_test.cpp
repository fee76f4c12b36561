#include <gtest/gtest.h>

#include "tests/support/light_desk.hpp"

/// Wallets, keys at rest, addresses and labels, as JSON-RPC shows them.
namespace cairn {
namespace {

using test::LightRpc;

TEST_F(LightRpc, EveryMethodThatItNamesExistsAndTellsOfItself) {
    for (const char* name : {"createwallet", "loadwallet", "unloadwallet", "listwallets", "listwalletdir", "restorewallet", "backupwallet", "getnewaddress",
                             "getrawchangeaddress", "getaddressinfo", "getbalance", "getbalances", "listunspent", "lockunspent", "listlockunspent", "listtransactions",
                             "listsinceblock", "gettransaction", "sendtoaddress", "sendmany", "send", "sendall", "bumpfee", "psbtbumpfee", "walletcreatefundedpsbt",
                             "walletprocesspsbt", "fundrawtransaction", "signrawtransactionwithwallet", "importdescriptors", "listdescriptors", "createwalletdescriptor",
                             "rescanblockchain", "abortrescan", "setlabel", "listlabels", "encryptwallet", "walletpassphrase", "walletlock", "walletpassphrasechange",
                             "signmessage", "getwalletinfo", "keypoolrefill", "getaddressesbylabel", "getreceivedbyaddress", "getreceivedbylabel", "listreceivedbyaddress",
                             "listreceivedbylabel", "listaddressgroupings", "gethdkeys", "simulaterawtransaction", "abandontransaction", "importprunedfunds",
                             "removeprunedfunds", "setwalletflag", "sendrawtransaction", "createpsbt", "decodepsbt", "combinepsbt", "finalizepsbt", "joinpsbts",
                             "analyzepsbt", "utxoupdatepsbt", "descriptorprocesspsbt", "getdescriptorinfo", "deriveaddresses", "createmultisig", "verifymessage", "validateaddress"}) {
        ASSERT_NE(table_.find(name), nullptr) << name;
        EXPECT_NE(table_.help(name).find("Result"), std::string::npos) << name;
    }
}

TEST_F(LightRpc, RequestsMeanOneWallet) {
    EXPECT_EQ(ask("getbalance", "[]", nullptr).substr(0, 4), "-18:");
    EXPECT_EQ(ask("getbalance"), "-18: Requested wallet does not exist or is not loaded");
    make();
    EXPECT_EQ(ask("getbalance", "[]", nullptr), "0.00000000");
    make("other");
    EXPECT_EQ(ask("getbalance", "[]", nullptr).substr(0, 4), "-19:");
    EXPECT_EQ(ask("getbalance"), "0.00000000");
    EXPECT_EQ(ask("listwallets", "[]", nullptr), R"(["w","other"])");
}

TEST_F(LightRpc, WalletsAreMadeLoadedAndUnloaded) {
    EXPECT_EQ(ask("createwallet", R"(["w",false,false,"",false,false])", nullptr).substr(0, 3), "-4:");
    EXPECT_EQ(ask("createwallet", R"(["w",false,false,"",false,true,null,true])", nullptr).substr(0, 3), "-4:");
    EXPECT_EQ(ask("createwallet", R"(["w",true,false,"secret"])", nullptr).substr(0, 3), "-4:");
    const UniValue made = get("createwallet", R"(["w",false,false,"",false,true,true])", nullptr);
    EXPECT_EQ(made["name"].get_str(), "w");
    EXPECT_EQ(made["warnings"][0].get_str(), "Empty string given as passphrase, wallet will not be encrypted.");
    EXPECT_TRUE(desk_.at_start.contains("w"));
    EXPECT_EQ(ask("createwallet", R"(["w"])", nullptr).substr(0, 4), "-36:");
    EXPECT_EQ(ask("loadwallet", R"(["w"])", nullptr).substr(0, 4), "-35:");
    EXPECT_EQ(ask("loadwallet", R"(["x"])", nullptr).substr(0, 4), "-18:");
    EXPECT_EQ(ask("unloadwallet", "[]", nullptr), "-8: Either the RPC endpoint wallet or the wallet name parameter must be provided");
    EXPECT_EQ(ask("unloadwallet", R"(["x"])"), "-8: The RPC endpoint wallet and the wallet name parameter specify different wallets");
    EXPECT_EQ(ask("unloadwallet", R"(["w",false])", nullptr), "{}");
    EXPECT_FALSE(desk_.at_start.contains("w"));
    EXPECT_EQ(ask("unloadwallet", R"(["w"])", nullptr), "-18: Requested wallet does not exist or is not loaded");
    EXPECT_EQ(get("listwalletdir", "[]", nullptr)["wallets"].size(), 1u);
    EXPECT_EQ(get("loadwallet", R"(["w"])", nullptr)["name"].get_str(), "w");
}

TEST_F(LightRpc, DescriptorsAloneUpdateAndSignPsbts) {
    make();
    const std::string id = fund(100'000'000);
    const std::string inputs = R"([{"txid":")" + id + R"(","vout":0}])", outputs = R"([{")" + foreign() + R"(":0.5}])";
    const std::string bare = get("createpsbt", "[" + inputs + "," + outputs + "]").get_str();
    const auto derivations = [&](const std::string& psbt) {
        const UniValue decoded = get("decodepsbt", "[\"" + psbt + "\"]");
        return decoded["inputs"][0].exists("bip32_derivs");
    };
    const std::string with_coin = get("walletprocesspsbt", "[\"" + bare + "\",false,\"DEFAULT\",false]")["psbt"].get_str();
    EXPECT_FALSE(derivations(with_coin));
    std::string descriptors;
    const UniValue listed = get("listdescriptors", "[true]");
    for (const UniValue& one : listed["descriptors"].getValues()) {
        descriptors += (descriptors.empty() ? "" : ",") + std::string(R"({"range":3,"desc":")") + one["desc"].get_str() + "\"}";
    }
    EXPECT_TRUE(derivations(get("utxoupdatepsbt", "[\"" + with_coin + "\",[" + descriptors + "]]").get_str()));
    EXPECT_FALSE(get("descriptorprocesspsbt", "[\"" + bare + "\",[" + descriptors + "]]")["complete"].get_bool()) << "the coin is not known";
    EXPECT_TRUE(get("descriptorprocesspsbt", "[\"" + with_coin + "\",[" + descriptors + "]]")["complete"].get_bool());
}

TEST_F(LightRpc, BackupsMayBeSealed) {
    make();
    EXPECT_EQ(ask("backupwallet", R"(["/plain"])"), "null");
    EXPECT_EQ(ask("backupwallet", R"(["/sealed","word"])"), "null");
    EXPECT_EQ(ask("backupwallet", R"(["/x"])", "other"), "-18: Requested wallet does not exist or is not loaded");
    EXPECT_EQ(ask("restorewallet", R"(["a","/none"])", nullptr).substr(0, 3), "-8:");
    EXPECT_EQ(ask("restorewallet", R"(["a","/sealed"])", nullptr).substr(0, 4), "-14:");
    EXPECT_EQ(get("restorewallet", R"(["a","/sealed",null,"word"])", nullptr)["name"].get_str(), "a");
    EXPECT_EQ(ask("restorewallet", R"(["a","/plain"])", nullptr).substr(0, 4), "-36:");
}

TEST_F(LightRpc, KeysAreLockedAndUnlocked) {
    make();
    EXPECT_EQ(ask("walletpassphrase", R"(["a",10])"), "-15: Error: running with an unencrypted wallet, but walletpassphrase was called.");
    EXPECT_EQ(ask("walletlock"), "-15: Error: running with an unencrypted wallet, but walletlock was called.");
    EXPECT_EQ(ask("walletpassphrasechange", R"(["a","b"])"), "-15: Error: running with an unencrypted wallet, but walletpassphrasechange was called.");
    EXPECT_EQ(ask("encryptwallet", R"([""])"), "-8: passphrase cannot be empty");
    desk_.rescanning = true;
    EXPECT_EQ(ask("encryptwallet", R"(["secret"])").substr(0, 3), "-4:");
    desk_.rescanning = false;
    make("watch", ",true");
    EXPECT_EQ(ask("encryptwallet", R"(["secret"])", "watch"), "-16: Error: wallet does not contain private keys, nothing to encrypt.");
    EXPECT_EQ(get("getwalletinfo")["unlocked_until"].isNull(), true);

    make("e", R"(,false,false,"secret")");
    EXPECT_EQ(ask("encryptwallet", R"(["again"])", "e"), "-15: Error: running with an encrypted wallet, but encryptwallet was called.");
    EXPECT_EQ(get("getwalletinfo", "[]", "e")["unlocked_until"].get_int64(), 0);
    EXPECT_EQ(ask("walletpassphrase", R"(["secret",-1])", "e"), "-8: Timeout cannot be negative.");
    EXPECT_EQ(ask("walletpassphrase", R"(["",1])", "e"), "-8: passphrase cannot be empty");
    EXPECT_EQ(ask("walletpassphrase", R"(["wrong",10])", "e").substr(0, 4), "-14:");
    // What needs the keys says so.
    const std::string needed = "-13: Error: Please enter the wallet passphrase with walletpassphrase first.";
    const std::string to = foreign();
    EXPECT_EQ(ask("sendtoaddress", "[\"" + to + "\",1]", "e"), needed);
    EXPECT_EQ(ask("signmessage", R"(["x","y"])", "e"), needed);
    EXPECT_EQ(ask("keypoolrefill", "[20]", "e"), needed);
    EXPECT_EQ(ask("importdescriptors", "[[]]", "e"), needed);
    EXPECT_EQ(ask("listdescriptors", "[true]", "e"), needed);
    EXPECT_EQ(ask("gethdkeys", R"({"private":true})", "e"), needed);
    EXPECT_EQ(ask("createwalletdescriptor", R"(["bech32"])", "e"), needed);
    EXPECT_EQ(ask("rescanblockchain", "[]", "e"), needed);
    EXPECT_EQ(ask("bumpfee", "[\"" + std::string(64, '1') + "\"]", "e"), needed);

    EXPECT_EQ(ask("walletpassphrase", R"(["secret",100])", "e"), "null");
    EXPECT_EQ(get("getwalletinfo", "[]", "e")["unlocked_until"].get_int64(), desk_.host.time + 100);
    EXPECT_EQ(ask("keypoolrefill", "[20]", "e"), "null");
    desk_.host.time += 101;
    EXPECT_EQ(get("getwalletinfo", "[]", "e")["unlocked_until"].get_int64(), 0);
    EXPECT_EQ(ask("keypoolrefill", "[20]", "e"), needed);
    EXPECT_EQ(ask("walletpassphrase", R"(["secret",100])", "e"), "null");
    EXPECT_EQ(ask("walletlock", "[]", "e"), "null");
    EXPECT_EQ(ask("keypoolrefill", "[20]", "e"), needed);
    EXPECT_EQ(ask("walletpassphrasechange", R"(["","b"])", "e"), "-8: passphrase cannot be empty");
    EXPECT_EQ(ask("walletpassphrasechange", R"(["wrong","b"])", "e").substr(0, 4), "-14:");
    EXPECT_EQ(ask("walletpassphrasechange", R"(["secret","b"])", "e"), "null");
    EXPECT_EQ(ask("walletpassphrase", R"(["secret",100])", "e").substr(0, 4), "-14:");
    EXPECT_EQ(ask("walletpassphrase", R"(["b",100])", "e"), "null");
}

TEST_F(LightRpc, FlagsThatCanBeChangedAreChanged) {
    make();
    EXPECT_EQ(ask("setwalletflag", R"(["none"])"), "-8: Unknown wallet flag: none");
    EXPECT_EQ(ask("setwalletflag", R"(["disable_private_keys"])"), "-8: Wallet flag is immutable: disable_private_keys");
    EXPECT_EQ(ask("setwalletflag", R"(["avoid_reuse",false])"), "-8: Wallet flag is already set to false: avoid_reuse");
    EXPECT_EQ(ask("getbalance", R"(["*",0,false,true])").substr(0, 3), "-4:");
    const UniValue done = get("setwalletflag", R"(["avoid_reuse"])");
    EXPECT_TRUE(done["flag_state"].get_bool());
    EXPECT_FALSE(done["warnings"].get_str().empty());
    EXPECT_TRUE(get("getwalletinfo")["avoid_reuse"].get_bool());
    EXPECT_FALSE(get("getbalances")["mine"]["used"].isNull());
}

TEST_F(LightRpc, AddressesTellWhatTheWalletKnowsOfThem) {
    make();
    EXPECT_EQ(ask("getnewaddress", R"(["","none"])"), "-5: Unknown address type 'none'");
    EXPECT_EQ(ask("getnewaddress", R"(["*"])"), "-11: Invalid label name");
    EXPECT_EQ(ask("getrawchangeaddress", R"(["none"])"), "-5: Unknown address type 'none'");
    make("blank", ",false,true");
    EXPECT_EQ(ask("getnewaddress", "[]", "blank").substr(0, 4), "-12:");
    EXPECT_EQ(ask("getrawchangeaddress", "[]", "blank").substr(0, 4), "-12:");
    const std::string given = address("bech32", "shop");
    const UniValue info = get("getaddressinfo", "[\"" + given + "\"]");
    EXPECT_TRUE(info["ismine"].get_bool() && info["solvable"].get_bool() && info["iswitness"].get_bool());
    EXPECT_EQ(info["labels"][0].get_str(), "shop");
    EXPECT_FALSE(info["ischange"].get_bool());
    EXPECT_EQ(info["desc"].get_str().substr(0, 5), "wpkh(");
    const std::string change = get("getrawchangeaddress").get_str();
    EXPECT_TRUE(get("getaddressinfo", "[\"" + change + "\"]")["ischange"].get_bool());
    EXPECT_FALSE(get("getaddressinfo", "[\"" + foreign() + "\"]")["ismine"].get_bool());
    EXPECT_EQ(ask("getaddressinfo", R"(["junk"])").substr(0, 3), "-5:");
}

TEST_F(LightRpc, LabelsAreKeptAndListed) {
    make();
    const std::string mine = address("bech32", "shop");
    EXPECT_EQ(ask("setlabel", R"(["junk","x"])"), "-5: Invalid Bitcoin address");
    EXPECT_EQ(ask("setlabel", "[\"" + mine + "\",\"*\"]"), "-11: Invalid label name");
    EXPECT_EQ(ask("setlabel", "[\"" + foreign() + "\",\"friend\"]"), "null");
    EXPECT_EQ(ask("listlabels"), R"(["friend","shop"])");
    EXPECT_EQ(ask("listlabels", R"(["send"])"), R"(["friend"])");
    EXPECT_EQ(ask("listlabels", R"(["none"])").substr(0, 3), "-8:");
    EXPECT_EQ(get("getaddressesbylabel", R"(["shop"])")[mine]["purpose"].get_str(), "receive");
    EXPECT_EQ(ask("getaddressesbylabel", R"(["none"])"), "-11: No addresses with label none");
}

TEST_F(LightRpc, MessagesAreSignedByLegacyAddressesOnly) {
    make();
    EXPECT_EQ(ask("signmessage", R"(["junk","m"])"), "-5: Invalid address");
    EXPECT_EQ(ask("signmessage", "[\"" + address() + "\",\"m\"]"), "-3: Address does not refer to key");
    EXPECT_EQ(ask("signmessage", R"(["mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn","m"])"), "-4: Private key not available");
    const std::string legacy = address("legacy");
    const std::string signature = get("signmessage", "[\"" + legacy + "\",\"m\"]").get_str();
    EXPECT_EQ(ask("verifymessage", "[\"" + legacy + "\",\"" + signature + "\",\"m\"]"), "true");
    make("watch", ",true");
    EXPECT_EQ(ask("keypoolrefill", "[]", "watch"), "-4: Error: Private keys are disabled for this wallet");
    EXPECT_EQ(ask("keypoolrefill", "[-1]"), "-8: Invalid parameter, expected valid size.");
}

TEST_F(LightRpc, DescriptorsAreImportedOneByOne) {
    make("w", ",true");
    const UniValue listed = get("importdescriptors", R"([[
        {"desc":"addr(bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t)#0000000p","timestamp":"now"},
        {"timestamp":0},
        {"desc":"raw(51)#fr6ygx8a","timestamp":0,"active":true},
        {"desc":"raw(51)#fr6ygx8a","timestamp":0,"range":5},
        {"desc":"raw(51)#fr6ygx8a","timestamp":0,"internal":true,"label":"x"}]])");
    ASSERT_EQ(listed.size(), 5u);
    const auto code = [&](std::size_t i) { return listed[i]["error"]["code"].get_int64(); };
    EXPECT_EQ(code(0), -5);  // its checksum
    EXPECT_EQ(listed[1]["error"]["message"].get_str(), "Descriptor not found.");
    EXPECT_EQ(code(1), -8);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_FALSE(listed[i]["success"].get_bool());
    EXPECT_EQ(desk_.rescans, 0);
    EXPECT_EQ(ask("importdescriptors", R"([[{"desc":"x"}]])"), "-3: Missing required timestamp field for key");
    EXPECT_EQ(ask("importdescriptors", R"([[{"desc":"x","timestamp":"then"}]])"), "-3: Expected number or \"now\" timestamp value for key. got type string");
}

std::string with_checksum(const std::string& text) { return text + "#" + light::descriptor_checksum(text); }

constexpr const char* kXpub =
    "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B";

TEST_F(LightRpc, ImportsSayWhatIsOddAboutThem) {
    make("w", ",true");
    const auto import = [&](const std::string& desc, const std::string& more) {
        return get("importdescriptors", "[[{\"desc\":\"" + with_checksum(desc) + "\",\"timestamp\":1" + more + "}]]")[std::size_t{0}];
    };
    const std::string ranged = std::string("wpkh(") + kXpub + "/0/*)", several = std::string("wpkh(") + kXpub + "/<0;1>/*)";
    const auto message = [&](const std::string& desc, const std::string& more) { return import(desc, more)["error"]["message"].getValStr(); };
    EXPECT_EQ(import(ranged, "")["warnings"][0].get_str(), "Range not given, using default keypool range");
    EXPECT_EQ(message(ranged, R"(,"label":"x")"), "Ranged descriptors should not have a label");
    EXPECT_EQ(message(several, R"(,"label":"x")"), "Multipath descriptors should not have a label");
    EXPECT_EQ(message(several, R"(,"internal":true)"), "Cannot have multipath descriptor while also specifying 'internal'");
    EXPECT_EQ(message("raw(51)", R"(,"active":true)"), "Active descriptors must be ranged");
    EXPECT_EQ(message("raw(51)", R"(,"range":5)"), "Range should not be specified for an un-ranged descriptor");
    EXPECT_EQ(message("raw(51)", R"(,"internal":true,"label":"x")"), "Internal addresses should not have a label");
    EXPECT_EQ(message("raw(51)", R"(,"label":"*")"), "Invalid label name");
    EXPECT_EQ(message(std::string("combo(") + kXpub + "/*)", R"(,"active":true,"range":5)"), "Combo descriptors cannot be set to active");
    EXPECT_EQ(message(ranged, R"(,"range":[5,3])"), "Range specified as [begin,end] must not have begin after end");
    EXPECT_EQ(message(ranged, R"(,"range":[-1,3])"), "Range should be greater or equal than 0");
    EXPECT_EQ(message(ranged, R"(,"range":[0,3,4])"), "Range must have exactly two elements");
    EXPECT_EQ(message(ranged, R"(,"range":[0,1000000])"), "Range is too large");
    EXPECT_EQ(message(ranged, R"(,"range":[0,9999999999])"), "End of range is too high");
    EXPECT_EQ(message(ranged, R"(,"range":[5,9],"next_index":10)"), "next_index is out of range");
    EXPECT_EQ(message(ranged, R"(,"range":[5,9],"next_index":4)"), "next_index is out of range");
    make("keys");
    const UniValue refused = get("importdescriptors", "[[{\"desc\":\"" + with_checksum(ranged) + "\",\"timestamp\":1}]]", "keys");
    EXPECT_EQ(refused[std::size_t{0}]["error"]["message"].get_str(), "Cannot import descriptor without private keys to a wallet with private keys enabled");
}

TEST_F(LightRpc, ImportsAnswerOnceBlocksWereLookedAt) {
    make("other");
    make("w", ",true");
    const std::string address = get("getnewaddress", "[]", "other").get_str();
    desk_.mine({payment(address, kCoin)});
    EXPECT_EQ(ask("getbalance"), "0.00000000");
    const std::string desc = with_checksum("addr(" + address + ")");
    const std::string request = "[[{\"desc\":\"" + desc + "\",\"timestamp\":0}]]";
    EXPECT_EQ(ask("importdescriptors", request), R"([{"success":true}])");
    EXPECT_EQ(desk_.rescans, 1);
    EXPECT_EQ(ask("getbalance"), "1.00000000");
    EXPECT_EQ(ask("importdescriptors", "{\"requests\":[{\"desc\":\"" + desc + "\",\"timestamp\":0}],\"wait\":false}"), R"([{"success":true}])");
    EXPECT_EQ(desk_.rescans_behind, 1);

    desk_.rescan_end = light::WalletDesk::Rescan::End::aborted;
    EXPECT_EQ(ask("importdescriptors", request), "-1: Rescan aborted by user.");
    EXPECT_EQ(ask("rescanblockchain"), "-1: Rescan aborted.");
    desk_.rescan_end = light::WalletDesk::Rescan::End::no_peers;
    EXPECT_EQ(get("importdescriptors", request)[std::size_t{0}]["warnings"].size(), 1u);
    EXPECT_EQ(ask("rescanblockchain").substr(0, 3), "-9:");
    desk_.rescan_end = light::WalletDesk::Rescan::End::done;
    desk_.rescanning = true;
    const std::string busy = "-4: Wallet is currently rescanning. Abort existing rescan or wait.";
    EXPECT_EQ(ask("importdescriptors", request), busy);
    EXPECT_EQ(ask("rescanblockchain"), busy);
    EXPECT_EQ(get("getwalletinfo")["scanning"]["duration"].get_int64(), 3);
    EXPECT_EQ(ask("abortrescan"), "true");
    EXPECT_EQ(ask("abortrescan"), "false");
    EXPECT_FALSE(get("getwalletinfo")["scanning"].get_bool());
}

TEST_F(LightRpc, RescansHaveBounds) {
    make();
    for (int i = 0; i < 5; ++i) desk_.mine();
    EXPECT_EQ(ask("rescanblockchain"), R"({"start_height":0,"stop_height":5})");
    EXPECT_EQ(ask("rescanblockchain", "[2,4]"), R"({"start_height":2,"stop_height":4})");
    EXPECT_EQ(ask("rescanblockchain", "[-1]"), "-8: Invalid start_height");
    EXPECT_EQ(ask("rescanblockchain", "[6]"), "-8: Invalid start_height");
    EXPECT_EQ(ask("rescanblockchain", "[2,6]"), "-8: Invalid stop_height");
    EXPECT_EQ(ask("rescanblockchain", "[2,1]"), "-8: stop_height must be greater than start_height");
    EXPECT_EQ(ask("rescanblockchain", "[2,null,false]"), R"({"start_height":2,"stop_height":null})");
    EXPECT_EQ(ask("abortrescan", "[]", "none").substr(0, 4), "-18:");
}

TEST_F(LightRpc, ExtendedKeysAreListedAndUsedForNewDescriptors) {
    make("w", ",false,true");
    const std::string desc = with_checksum("wpkh(tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK/84h/1h/0h/0/*)");
    EXPECT_EQ(ask("createwalletdescriptor", R"(["bech32"])"), "-5: Unable to determine which HD key to use from active descriptors. Please specify with 'hdkey'");
    ASSERT_TRUE(get("importdescriptors", "[[{\"desc\":\"" + desc + "\",\"timestamp\":\"now\",\"active\":true,\"range\":5}]]")[std::size_t{0}]["success"].get_bool());
    const UniValue keys = get("gethdkeys");
    ASSERT_EQ(keys.size(), 1u);
    EXPECT_EQ(keys[std::size_t{0}]["xpub"].get_str(), kXpub);
    EXPECT_TRUE(keys[std::size_t{0}]["has_private"].get_bool());
    EXPECT_TRUE(keys[std::size_t{0}]["xprv"].isNull());
    EXPECT_EQ(keys[std::size_t{0}]["descriptors"].size(), 1u);
    EXPECT_EQ(get("gethdkeys", R"({"private":true})")[std::size_t{0}]["xprv"].get_str().substr(0, 4), "tprv");
    EXPECT_EQ(ask("createwalletdescriptor", R"(["none"])"), "-5: Unknown address type 'none'");
    EXPECT_EQ(ask("createwalletdescriptor", R"({"type":"bech32","hdkey":"junk"})"), "-5: Unable to parse HD key. Please provide a valid xpub");
    EXPECT_EQ(ask("createwalletdescriptor", R"({"type":"bech32","internal":false})"), "-4: Descriptor already exists");
    EXPECT_EQ(get("createwalletdescriptor", R"({"type":"bech32","internal":true})")["descs"].size(), 1u);
    const UniValue made = get("createwalletdescriptor", R"(["bech32m"])");
    ASSERT_EQ(made["descs"].size(), 2u);
    EXPECT_NE(made["descs"][0].get_str().find("/86h/1h/0h]"), std::string::npos);
    EXPECT_EQ(get("gethdkeys")[std::size_t{0}]["descriptors"].size(), 4u);
    EXPECT_EQ(address("bech32m").substr(0, 6), "bcrt1p");
    const UniValue listed = get("listdescriptors");
    EXPECT_EQ(listed["descriptors"].size(), 4u);
    EXPECT_EQ(get("listdescriptors", "[true]")["descriptors"][0]["desc"].get_str().find("tpub"), std::string::npos);
    make("watch", ",true");
    EXPECT_EQ(ask("listdescriptors", "[true]", "watch"), "-4: Can't get private descriptor string for watch-only wallets");
}

}  // namespace
}  // namespace cairn
