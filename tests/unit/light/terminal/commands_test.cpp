#include "light/terminal/commands.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>

#include "consensus/base/hex.hpp"
#include "consensus/rules/params.hpp"
#include "light/descriptors/descriptor.hpp"
#include "light/keys/mnemonic.hpp"
#include "light/signing/silent_payment.hpp"
#include "light/wallet/address_type.hpp"

namespace cairn::light {
namespace {

constexpr const char* kAddress = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
constexpr const char* kWords = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

class FakeConsole final : public Console {
public:
    void show(std::string_view text) override { shown += text; }
    std::optional<std::string> ask(std::string_view question) override {
        shown += question;
        if (answer_words && question.starts_with("Word ")) return word(std::stoi(std::string(question.substr(5))));
        if (answers.empty()) return std::nullopt;
        std::string next = answers.front();
        answers.pop_front();
        return next;
    }
    std::optional<std::string> ask_secret(std::string_view question) override { return ask(question); }
    void clear() override { cleared = true; }
    bool interactive() const override { return true; }
    bool colour() const override { return false; }

    /// The word that was shown under this number.
    std::string word(int number) const {
        const std::string mark = (number < 10 ? " " : "") + std::to_string(number) + ". ";
        const std::size_t at = shown.find(mark);
        if (at == std::string::npos) return "";
        const std::size_t from = at + mark.size();
        return shown.substr(from, shown.find_first_of(" \n", from) - from);
    }

    std::string shown;
    std::deque<std::string> answers;
    bool answer_words = false, cleared = false;
};

/// Answers from a table and writes down what was asked.
class FakeCaller final : public RpcCaller {
public:
    Result<UniValue, CallError> call(const std::string& method, const UniValue& params, const std::optional<std::string>& wallet) override {
        asked.push_back(method + (wallet ? "@" + *wallet : "") + " " + params.write());
        if (const auto refused = refusals.find(method); refused != refusals.end()) return fail(refused->second);
        const auto found = answers.find(method);
        if (found == answers.end()) return fail(CallError{-32601, "Method not found"});
        UniValue value;
        EXPECT_TRUE(value.read(found->second)) << found->second;
        return value;
    }
    bool has_asked(const std::string& begin) const {
        for (const std::string& one : asked) {
            if (one.starts_with(begin)) return true;
        }
        return false;
    }

    std::map<std::string, std::string> answers;
    std::map<std::string, CallError> refusals;
    std::vector<std::string> asked;
};

class Terminal : public ::testing::Test {
protected:
    Terminal() {
        caller_.answers = {{"listwallets", R"(["w"])"}, {"listwalletdir", R"({"wallets":[{"name":"w"}]})"}, {"getwalletinfo", R"({"scanning":false})"}};
    }
    int run(std::vector<std::string> words) { return run_command(words, caller_, params_, console_); }
    void prepare_payment(const std::string& recipient_script) {
        caller_.answers["walletcreatefundedpsbt"] = R"({"psbt":"cHNi","fee":0.00001410,"changepos":1})";
        caller_.answers["decodepsbt"] = R"({"fee":0.00001410,"tx":{"vsize":141,"vout":[{"value":0.50000000,"scriptPubKey":{"hex":")" + recipient_script +
                                        R"("}},{"value":0.25000000,"scriptPubKey":{"hex":"0014ff"}}]}})";
        caller_.answers["walletprocesspsbt"] = R"({"psbt":"cHNi","complete":true,"hex":"0200"})";
        caller_.answers["sendrawtransaction"] = R"("aa55")";
    }
    std::string script() const { return to_hex(*recipient_script(kAddress, params_)); }

    const ChainParamsPtr regtest_ = make_params(Network::regtest);
    const ChainParams& params_ = *regtest_;
    FakeCaller caller_;
    FakeConsole console_;
};

TEST_F(Terminal, SendsOnlyAfterAYes) {
    prepare_payment(script());
    console_.answers = {"y"};
    EXPECT_EQ(run({"send", kAddress, "0.5"}), 1);
    EXPECT_FALSE(caller_.has_asked("walletprocesspsbt"));
    EXPECT_FALSE(caller_.has_asked("sendrawtransaction"));
    EXPECT_NE(console_.shown.find("Nothing was sent"), std::string::npos);

    console_.answers = {"yes"};
    EXPECT_EQ(run({"send", kAddress, "0.5", "--fee=10"}), 0) << console_.shown;
    EXPECT_TRUE(caller_.has_asked(R"(walletcreatefundedpsbt@w {"inputs":[],"outputs":[{"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080":0.50000000}],"options":{"fee_rate":10},"psbt_version":0})"));
    EXPECT_TRUE(caller_.has_asked(R"(sendrawtransaction {"hexstring":"0200"})"));
    for (const char* part : {"0.50000000 BTC   to bcrt1q", "0.00001410 BTC", "0.50001410 BTC", "0.25000000 BTC   as change", "Sent: aa55"}) {
        EXPECT_NE(console_.shown.find(part), std::string::npos) << part << console_.shown;
    }
}

TEST_F(Terminal, EndOfInputSendsNothing) {
    prepare_payment(script());
    EXPECT_EQ(run({"send", kAddress, "0.5"}), 1);
    EXPECT_FALSE(caller_.has_asked("sendrawtransaction"));
}

TEST_F(Terminal, RefusesBadPaymentsBeforeAskingAnyone) {
    for (const auto& [words, reason] : std::vector<std::pair<std::vector<std::string>, std::string>>{
             {{"send", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "1"}, "The address belongs to the main network"},
             {{"send", "nonsense", "1"}, "nvalid"},
             {{"send", kAddress, "0"}, "cannot be paid"},
             {{"send", kAddress, "-1"}, "cannot be paid"},
             {{"send", kAddress, "1,5"}, "no amount of bitcoins"},
             {{"send", kAddress, "0.000000001"}, "no amount of bitcoins"},
             {{"send", kAddress, "21000001"}, "cannot be paid"},
             {{"send", kAddress}, "Usage:"},
             {{"send", kAddress, "1", "--feee=3"}, "no option --feee"}}) {
        console_.shown.clear();
        EXPECT_EQ(run(words), 1);
        EXPECT_NE(console_.shown.find(reason), std::string::npos) << console_.shown;
    }
    EXPECT_TRUE(caller_.asked.empty());
}

TEST_F(Terminal, UnlocksForTheSignatureAndLocksAgain) {
    prepare_payment(script());
    caller_.answers["getwalletinfo"] = R"({"unlocked_until":0})";
    caller_.answers["walletpassphrase"] = "null";
    caller_.answers["walletlock"] = "null";
    console_.answers = {"secret"};
    EXPECT_EQ(run({"send", kAddress, "0.5", "--yes"}), 0) << console_.shown;
    EXPECT_TRUE(caller_.has_asked(R"(walletpassphrase@w {"passphrase":"secret","timeout":120})"));
    EXPECT_EQ(caller_.asked.end()[-2], "walletlock@w []");  // and only then it is sent
}

TEST_F(Terminal, SignsSilentPaymentsAtOnceAndSendsThemAfterAYes) {
    const SilentAddress payee{PrivateKey::parse(Bytes(32, 1))->public_key(), PrivateKey::parse(Bytes(32, 2))->public_key()};
    const std::string address = payee.to_string(params_);
    caller_.answers["getwalletinfo"] = R"({"unlocked_until":0})";
    caller_.answers["walletpassphrase"] = caller_.answers["walletlock"] = "null";
    caller_.answers["send"] = R"({"complete":true,"psbt":"cHNi","hex":"0200","silent_payments":[{"vout":1,"address":"x"}]})";
    caller_.answers["sendall"] = caller_.answers["send"];
    caller_.answers["decodepsbt"] = R"({"fee":0.00001410,"tx":{"vsize":141,"vout":[{"value":0.25000000,"scriptPubKey":{"hex":"5120aa"}},)"
                                    R"({"value":0.50000000,"scriptPubKey":{"hex":"5120bb"}}]}})";
    caller_.answers["sendrawtransaction"] = R"("aa55")";
    console_.answers = {"secret", "no"};
    EXPECT_EQ(run({"send", address, "0.5", "--fee=3", "--subtract-fee"}), 1);
    EXPECT_TRUE(caller_.has_asked("send@w {\"outputs\":[{\"" + address + "\":0.50000000}],\"options\":{\"fee_rate\":3,\"add_to_wallet\":false,"
                                  "\"subtract_fee_from_outputs\":[0]}}")) << caller_.asked.back();
    EXPECT_TRUE(caller_.has_asked("walletlock@w"));
    EXPECT_FALSE(caller_.has_asked("sendrawtransaction"));
    EXPECT_NE(console_.shown.find("0.50000000 BTC   to " + address), std::string::npos) << console_.shown;
    EXPECT_NE(console_.shown.find("0.25000000 BTC   as change"), std::string::npos) << console_.shown;
    console_.answers = {"secret", "yes"};
    EXPECT_EQ(run({"send", address, "all"}), 0) << console_.shown;
    EXPECT_TRUE(caller_.has_asked("sendall@w"));
    EXPECT_TRUE(caller_.has_asked(R"(sendrawtransaction {"hexstring":"0200"})"));
    EXPECT_FALSE(caller_.has_asked("walletprocesspsbt"));

    caller_.asked.clear();
    std::string wrong = address;
    wrong.back() = wrong.back() == 'q' ? 'p' : 'q';
    EXPECT_EQ(run({"send", wrong, "1"}), 1);
    EXPECT_EQ(run({"send", payee.to_string(*make_params(Network::mainnet)), "1"}), 1);
    EXPECT_NE(console_.shown.find("it belongs to the main network; this wallet is on regtest"), std::string::npos) << console_.shown;
    EXPECT_TRUE(caller_.asked.empty());
}

TEST_F(Terminal, AsksForThePassphraseOfABackup) {
    caller_.answers["backupwallet"] = "null";
    console_.answers = {"secret", "secret"};
    EXPECT_EQ(run({"backup", "/nowhere/copy.cairn"}), 0) << console_.shown;
    EXPECT_TRUE(caller_.has_asked(R"(backupwallet@w {"destination":"/nowhere/copy.cairn","passphrase":"secret"})")) << caller_.asked.back();
    EXPECT_EQ(run({"backup", "/nowhere/copy.cairn", "--no-passphrase"}), 0) << console_.shown;
    EXPECT_EQ(caller_.asked.back(), R"(backupwallet@w {"destination":"/nowhere/copy.cairn"})");

    console_.answers = {"wrong"};
    caller_.refusals["restorewallet"] = {-14, "The backup is encrypted: its passphrase is needed"};
    EXPECT_EQ(run({"restore", "copy", "--from=/nowhere/copy.cairn"}), 1);
    EXPECT_EQ(caller_.asked.back(), R"(restorewallet {"wallet_name":"copy","backup_file":"/nowhere/copy.cairn","load_on_startup":true,"passphrase":"wrong"})");
    EXPECT_NE(console_.shown.find("Nothing was restored"), std::string::npos);
}

TEST_F(Terminal, RestoresTheAccountsOfTheWords) {
    caller_.answers["createwallet"] = R"({"name":"old"})";
    caller_.answers["importdescriptors"] = R"([{"success":true}])";
    console_.answers = {kWords, ""};
    EXPECT_EQ(run({"restore", "old", "--since=2024-05-01"}), 0) << console_.shown;
    EXPECT_TRUE(caller_.has_asked(R"(createwallet {"wallet_name":"old","blank":true)"));
    const std::string& import = caller_.asked.back();
    EXPECT_NE(import.find("\"timestamp\":1714521600"), std::string::npos) << import;
    for (const char* part : {"pkh(", "sh(wpkh(", "\"wpkh(", "tr(", "/84h/1h/0h/0/*", "/86h/1h/0h/1/*"}) EXPECT_NE(import.find(part), std::string::npos) << part << import;
    // No call carries the words.
    for (const std::string& one : caller_.asked) EXPECT_EQ(one.find("abandon"), std::string::npos);
    EXPECT_TRUE(console_.cleared);
}

TEST_F(Terminal, FinishesARestoreThatWasCutOff) {
    // One account was taken before the end came.
    const auto master = ExtendedKey::from_seed(seed_of_mnemonic(kWords, ""));
    const auto account = parse_descriptor(account_descriptor(*master, AddressType::bech32, params_, 0, false), params_, true);
    const std::string listed = R"({"descriptors":[{"desc":")" + *account->to_string(DescriptorForm::normalized) + R"("}]})";
    caller_.answers["listwallets"] = "[]";
    caller_.answers["loadwallet"] = R"({"name":"w"})";
    caller_.answers["getwalletinfo"] = R"({"private_keys_enabled":true,"unlocked_until":0})";
    caller_.answers["importdescriptors"] = R"([{"success":true}])";
    caller_.answers["walletpassphrase"] = caller_.answers["walletlock"] = "null";
    for (const std::string& has : {std::string(R"({"descriptors":[]})"), listed}) {
        caller_.answers["listdescriptors"] = has;
        caller_.asked.clear();
        console_.answers = {kWords, "pass"};
        EXPECT_EQ(run({"restore", "w"}), 0) << console_.shown;
        EXPECT_TRUE(caller_.has_asked(R"(loadwallet {"filename":"w","load_on_startup":true})"));
        EXPECT_TRUE(caller_.has_asked(R"(walletpassphrase@w {"passphrase":"pass")"));
        EXPECT_TRUE(caller_.has_asked("importdescriptors@w"));
        EXPECT_FALSE(caller_.has_asked("createwallet"));
    }
    // Other words have no business in it.
    console_.answers = {"legal winner thank year wave sausage worth useful legal winner thank yellow"};
    caller_.asked.clear();
    EXPECT_EQ(run({"restore", "w"}), 1);
    EXPECT_NE(console_.shown.find("There is a wallet \"w\" already"), std::string::npos) << console_.shown;
    EXPECT_FALSE(caller_.has_asked("importdescriptors"));
}

TEST_F(Terminal, EncryptsACutOffRestoreThatHadNoPassphrase) {
    caller_.answers["getwalletinfo"] = R"({"private_keys_enabled":true})";
    caller_.answers["listdescriptors"] = R"({"descriptors":[]})";
    caller_.answers["importdescriptors"] = R"([{"success":true}])";
    caller_.answers["encryptwallet"] = R"("")";
    caller_.answers["walletpassphrase"] = caller_.answers["walletlock"] = "null";
    console_.answers = {kWords, "pass", "pass"};
    EXPECT_EQ(run({"restore", "w"}), 0) << console_.shown;
    EXPECT_TRUE(caller_.has_asked(R"(encryptwallet@w {"passphrase":"pass"})"));
    EXPECT_EQ(caller_.asked.back(), "walletlock@w []");
}

TEST_F(Terminal, RestoresOverNoWholeWallet) {
    std::string eight = R"({"desc":"x"})";
    for (int i = 1; i < 8; ++i) eight += R"(,{"desc":"x"})";
    caller_.answers["getwalletinfo"] = R"({"private_keys_enabled":true})";
    caller_.answers["listdescriptors"] = R"({"descriptors":[)" + eight + "]}";
    EXPECT_EQ(run({"restore", "w"}), 1);
    caller_.answers["getwalletinfo"] = R"({"private_keys_enabled":false})";
    caller_.answers["listdescriptors"] = R"({"descriptors":[]})";
    EXPECT_EQ(run({"restore", "w"}), 1);
    EXPECT_EQ(run({"restore", "w", "--from=/nowhere/copy.cairn"}), 1);
    EXPECT_EQ(run({"init", "w"}), 1);
    EXPECT_EQ(console_.shown.find("The words"), std::string::npos) << console_.shown;
}

TEST_F(Terminal, TellsWhichWordIsWrong) {
    std::string words = kWords;
    words.replace(words.find("about"), 5, "abuot");
    console_.answers = {words};
    EXPECT_EQ(run({"restore", "old"}), 1);
    EXPECT_NE(console_.shown.find("abuot"), std::string::npos) << console_.shown;
    console_.answers = {"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon"};
    EXPECT_EQ(run({"restore", "old"}), 1);
    EXPECT_FALSE(caller_.has_asked("createwallet"));
}

TEST_F(Terminal, NewWordsAreShownOnceAndCheckedOffThePaper) {
    caller_.answers["createwallet"] = R"({"name":"new"})";
    caller_.answers["importdescriptors"] = R"([{"success":true}])";
    console_.answers = {"", "pass", "pass"};
    console_.answer_words = true;
    caller_.answers["walletpassphrase"] = "null";
    caller_.answers["walletlock"] = "null";
    EXPECT_EQ(run({"init", "new"}), 0) << console_.shown;
    EXPECT_TRUE(console_.cleared);
    EXPECT_TRUE(caller_.has_asked("walletpassphrase@new"));
    EXPECT_TRUE(caller_.has_asked("walletlock@new"));

    FakeConsole wrong;
    wrong.answers = {"", "x", "x", "x"};
    caller_.asked.clear();
    EXPECT_EQ(run_command({"init", "other"}, caller_, params_, wrong), 1);
    EXPECT_FALSE(caller_.has_asked("createwallet"));
}

TEST_F(Terminal, SaysWhichWalletsThereAreWhenSeveralAre) {
    caller_.answers["listwallets"] = R"(["a","b"])";
    EXPECT_EQ(run({"balance"}), 1);
    EXPECT_NE(console_.shown.find("--wallet=<name>: a, b"), std::string::npos);
    caller_.answers["getbalances"] = R"({"mine":{"trusted":1.5,"untrusted_pending":0.25,"immature":0}})";
    caller_.answers["getblockchaininfo"] = R"({"blocks":7,"headers":9,"initialblockdownload":true})";
    EXPECT_EQ(run({"balance", "--wallet=b"}), 0);
    EXPECT_TRUE(caller_.has_asked("getbalances@b"));
    EXPECT_NE(console_.shown.find("1.50000000 BTC   can be spent"), std::string::npos);
    EXPECT_NE(console_.shown.find("7 of 9 blocks"), std::string::npos);
}

TEST_F(Terminal, LabelsCannotSteerTheTerminal) {
    caller_.answers["listtransactions"] = R"([{"address":"x","category":"receive","amount":1,"confirmations":0,"time":1,"txid":"aa","label":"a\u001b[2Jb"}])";
    EXPECT_EQ(run({"history"}), 0) << console_.shown;
    EXPECT_EQ(console_.shown.find('\x1b'), std::string::npos);
    EXPECT_NE(console_.shown.find("a?[2Jb"), std::string::npos);
}

TEST_F(Terminal, ReceivesWithAQrCode) {
    caller_.answers["getnewaddress"] = "\"" + std::string(kAddress) + "\"";
    EXPECT_EQ(run({"receive", "--amount=0.1", "--label=rent"}), 0);
    EXPECT_NE(console_.shown.find("bitcoin:" + std::string(kAddress) + "?amount=0.1&label=rent"), std::string::npos);
    EXPECT_NE(console_.shown.find("\u2588"), std::string::npos);
}

}  // namespace
}  // namespace cairn::light
