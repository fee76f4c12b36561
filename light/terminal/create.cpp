// A wallet from words: new ones, or those that somebody kept.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "consensus/crypto/random.hpp"
#include "light/descriptors/descriptor.hpp"
#include "light/keys/extended_key.hpp"
#include "light/keys/mnemonic.hpp"
#include "light/terminal/detail/session.hpp"
#include "net/http/rpc_params.hpp"
#include "light/wallet/address_type.hpp"

namespace cairn::light::terminal {
namespace {

using http::member;

constexpr const char* kDefaultName = "wallet";

std::vector<std::string> split(const std::string& sentence) {
    std::istringstream in(sentence);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

std::string wanted_name(const Session& session) {
    return session.words.empty() ? session.option("wallet", kDefaultName) : session.words.front();
}

bool is_stored(Session& session, const std::string& name) {
    const UniValue folder = session.call("listwalletdir");
    const auto& wallets = member(folder, "wallets").getValues();
    return std::any_of(wallets.begin(), wallets.end(), [&](const UniValue& entry) { return member(entry, "name").get_str() == name; });
}

Refusal taken(const std::string& name) { return {"There is a wallet \"" + name + "\" already. Choose another name"}; }

std::string new_name(Session& session) {
    const std::string name = wanted_name(session);
    if (is_stored(session, name)) throw taken(name);
    return name;
}

/// Receiving and change of the four kinds of account.
UniValue import_requests(const ExtendedKey& master, const ChainParams& params, const UniValue& timestamp) {
    UniValue requests(UniValue::VARR);
    for (const AddressType type : kAddressTypes) {
        for (const bool internal : {false, true}) {
            UniValue request(UniValue::VOBJ);
            request.pushKV("desc", account_descriptor(master, type, params, 0, internal));
            request.pushKV("timestamp", timestamp);
            request.pushKV("active", true);
            request.pushKV("internal", internal);
            requests.push_back(request);
        }
    }
    return requests;
}

ExtendedKey master_of(const std::string& sentence, const std::string& extra) {
    const auto seed = seed_of_mnemonic(sentence, extra);
    auto master = ExtendedKey::from_seed(seed);
    if (!master) throw Refusal{"These words give no key"};
    return std::move(*master);
}

void import_accounts(Session& session, const std::string& name, const UniValue& requests) {
    const UniValue results = session.call("importdescriptors", Named().set("requests", requests).set("wait", false), name);
    for (const UniValue& result : results.getValues()) {
        if (!member(result, "success").isTrue()) {
            throw Refusal{"The wallet was made, but its keys were not taken: " + member(member(result, "error"), "message").getValStr()};
        }
    }
}

/// Makes the wallet and gives it the accounts of the words.
void create(Session& session, const std::string& name, const ExtendedKey& master, const std::string& passphrase, const UniValue& timestamp) {
    Named arguments;
    arguments.set("wallet_name", name).set("blank", true).set("descriptors", true).set("load_on_startup", true);
    if (!passphrase.empty()) arguments.set("passphrase", passphrase);
    session.call("createwallet", arguments);
    const Unlocked unlocked(session, name, passphrase);
    import_accounts(session, name, import_requests(master, session.params, timestamp));
}

/// What a restore that was cut off left behind: a wallet with fewer accounts than the words have.
struct Begun {
    std::set<std::string> accounts;  ///< that it has, without private keys
    bool encrypted = false;
};

/// nullopt: there is no wallet of this name. Throws Refusal when there is a whole one.
std::optional<Begun> find_begun(Session& session, const std::string& name) {
    if (!is_stored(session, name)) return std::nullopt;
    const UniValue loaded = session.call("listwallets");
    const auto& names = loaded.getValues();
    if (std::none_of(names.begin(), names.end(), [&](const UniValue& one) { return one.get_str() == name; })) {
        // A folder that does not load holds a wallet that is damaged, or none yet; createwallet tells them apart.
        if (!session.caller.call("loadwallet", Named().set("filename", name).set("load_on_startup", true))) return std::nullopt;
    }
    const UniValue info = session.call("getwalletinfo", UniValue(UniValue::VARR), name);
    const UniValue listed = session.call("listdescriptors", UniValue(UniValue::VARR), name);
    const auto& descriptors = member(listed, "descriptors").getValues();
    if (descriptors.size() >= 2 * kAddressTypes.size() || !member(info, "private_keys_enabled").isTrue()) throw taken(name);
    Begun begun;
    begun.encrypted = !member(info, "unlocked_until").isNull();
    for (const UniValue& one : descriptors) begun.accounts.insert(member(one, "desc").get_str());
    return begun;
}

/// Gives it the accounts that it has not yet. It keeps its passphrase, if it has one.
void finish_begun(Session& session, const std::string& name, const Begun& begun, const ExtendedKey& master, const UniValue& timestamp) {
    const UniValue requests = import_requests(master, session.params, timestamp);
    std::set<std::string> strange = begun.accounts;
    for (const UniValue& request : requests.getValues()) {
        const auto account = parse_descriptor(member(request, "desc").get_str(), session.params, true);
        if (const auto text = account ? account->to_string(DescriptorForm::normalized) : std::nullopt) strange.erase(*text);
    }
    if (!strange.empty()) throw taken(name);
    std::string passphrase;
    if (!begun.encrypted) passphrase = session.ask_new_passphrase();
    if (!passphrase.empty()) session.call("encryptwallet", Named().set("passphrase", passphrase), name);
    std::optional<Unlocked> unlocked;
    if (begun.encrypted) unlocked.emplace(session, name);
    else unlocked.emplace(session, name, passphrase);
    import_accounts(session, name, requests);
}

void show_words(Session& session, const std::vector<std::string>& words) {
    std::string text = "\nThese words are your wallet. Write them on paper, in this order. They are shown this once, and kept nowhere.\n\n";
    const std::size_t rows = (words.size() + 3) / 4;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t i = row; i < words.size(); i += rows) text += fmt::format("  {:2}. {:<14}", i + 1, words[i]);
        text += '\n';
    }
    session.console.show(text + "\nWhoever reads them can take the money; whoever loses them may lose it.\n\n");
}

/// Has the person type a few of the words, off the paper.
void check_paper(Session& session, const std::vector<std::string>& words) {
    session.ask("Press Enter when they are on paper. ");
    session.console.clear();
    std::array<std::uint8_t, 3> random{};
    fill_random(random);
    const std::size_t third = words.size() / 3;
    for (std::size_t i = 0; i < random.size(); ++i) {
        const std::size_t index = i * third + random[i] % third;
        for (int attempt = 0;; ++attempt) {
            if (session.ask(fmt::format("Word {}: ", index + 1)) == words[index]) break;
            if (attempt == 2) throw Refusal{"That is not what was shown. Nothing was made; begin again with new words"};
            session.console.show("That is another word.\n");
        }
    }
}

/// When the wallet began: a height is not what importdescriptors takes, so its block's time is looked up.
UniValue birthday(Session& session) {
    const std::string since = session.option("since");
    if (since.empty()) return UniValue(0);
    std::tm date{};
    int used = 0;
    if (std::sscanf(since.c_str(), "%4d-%2d-%2d%n", &date.tm_year, &date.tm_mon, &date.tm_mday, &used) == 3 &&
        static_cast<std::size_t>(used) == since.size()) {
        const std::chrono::year_month_day day{std::chrono::year(date.tm_year), std::chrono::month(static_cast<unsigned>(date.tm_mon)),
                                              std::chrono::day(static_cast<unsigned>(date.tm_mday))};
        if (!day.ok()) throw Refusal{"There is no day " + since};
        return UniValue(std::chrono::sys_seconds(std::chrono::sys_days(day)).time_since_epoch().count());
    }
    std::int64_t height = 0;
    const auto [end, error] = std::from_chars(since.data(), since.data() + since.size(), height);
    if (error != std::errc{} || end != since.data() + since.size()) {
        throw Refusal{"--since takes a date such as 2024-05-01, or the height of a block"};
    }
    const UniValue hash = session.call("getblockhash", Named().set("height", height));
    return member(session.call("getblockheader", Named().set("blockhash", hash)), "time");
}

void restore_file(Session& session, const std::string& name) {
    const auto path = std::filesystem::absolute(session.option("from"));
    constexpr int kPassphraseNeeded = -14;
    Named arguments;
    arguments.set("wallet_name", name).set("backup_file", path.string()).set("load_on_startup", true);
    auto result = session.caller.call("restorewallet", arguments);
    if (!result && result.error().code == kPassphraseNeeded) {
        arguments.set("passphrase", session.ask_secret("Passphrase of the file: "));
        result = session.caller.call("restorewallet", arguments);
    }
    if (!result) throw Refusal{"Nothing was restored: " + result.error().message};
    session.console.show("The wallet \"" + name + "\" is back, as it was when " + path.string() + " was written.\n");
}

}  // namespace

void init(Session& session) {
    const std::string count = session.option("words", "12");
    if (count != "12" && count != "24") throw Refusal{"--words takes 12 or 24"};
    const std::string name = new_name(session);
    Bytes entropy(count == "12" ? 16 : 32);
    fill_random(entropy);
    const std::string sentence = mnemonic_from_entropy(entropy);
    const std::vector<std::string> words = split(sentence);
    show_words(session, words);
    if (!session.has("yes")) check_paper(session, words);
    const std::string passphrase = session.ask_new_passphrase();
    create(session, name, master_of(sentence, ""), passphrase, UniValue("now"));
    session.console.show(fmt::format("The wallet \"{}\" is ready{}.\nA first address: cairn-light receive\n", name,
                                     passphrase.empty() ? "; without a passphrase, whoever can read this computer's files can spend from it" : ""));
}

void restore(Session& session) {
    if (session.has("from")) return restore_file(session, new_name(session));
    const std::string name = wanted_name(session);
    const auto begun = find_begun(session, name);
    const UniValue since = birthday(session);
    const std::string sentence = session.ask("The words, with spaces between them: ");
    const auto language = language_of_mnemonic(sentence);
    if (const auto entropy = entropy_of_mnemonic(sentence, language.value_or(Language::english)); !entropy) {
        throw Refusal{entropy.error().to_string()};
    }
    session.console.clear();
    const std::string extra = session.has("extra-passphrase") ? session.ask_secret("The passphrase that belongs to the words (BIP39): ") : "";
    const ExtendedKey master = master_of(sentence, extra);
    if (begun) finish_begun(session, name, *begun, master, since);
    else create(session, name, master, session.ask_new_passphrase(), since);
    session.console.show("The wallet \"" + name + "\" is back. Its payments appear as blocks are looked at: cairn-light balance\n");
}

}  // namespace cairn::light::terminal
