#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <univalue.h>

#include "consensus/primitives/amount.hpp"
#include "consensus/rules/params.hpp"
#include "light/terminal/console.hpp"
#include "light/terminal/rpc_caller.hpp"

namespace cairn::light::terminal {

/// Ends a command; the sentence is shown. Never leaves this room.
struct Refusal {
    std::string message;
};

/// One command while it runs.
struct Session {
    RpcCaller& caller;
    const ChainParams& params;
    Console& console;
    std::vector<std::string> words;              ///< arguments without the command's name
    std::map<std::string, std::string> options;  ///< --name=value; "" for --name

    bool has(const std::string& option) const { return options.contains(option); }
    std::string option(const std::string& name, std::string fallback = {}) const {
        const auto found = options.find(name);
        return found == options.end() ? fallback : found->second;
    }

    /// The result of a call. Throws Refusal with the server's sentence.
    UniValue call(const std::string& method, const UniValue& params_json = UniValue(UniValue::VARR),
                  const std::optional<std::string>& wallet = {});
    /// The wallet that is meant: --wallet, the only one that is loaded, the only one there is (which is loaded then).
    std::string wallet();
    /// A yes, or --yes. Without either: throws Refusal.
    void confirm(const std::string& question);
    /// What a person typed. Throws Refusal at the end of the input.
    std::string ask(const std::string& question);
    std::string ask_secret(const std::string& question);
    /// A new passphrase, typed twice; empty: none is wanted.
    std::string ask_new_passphrase(const std::string& question = "Passphrase that locks the wallet on this computer (empty: none): ");
};

/// An unlocked wallet; locked again when this goes away, if it was locked before.
class Unlocked {
public:
    /// Asks for the passphrase when the wallet is encrypted and locked. Throws Refusal.
    Unlocked(Session& session, std::string wallet);
    /// With a passphrase that is known already.
    Unlocked(Session& session, std::string wallet, const std::string& passphrase);
    ~Unlocked();
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;

private:
    void unlock(const std::string& passphrase);
    Session& session_;
    std::string wallet_;
    bool lock_again_ = false;
};

/// Arguments by name.
class Named {
public:
    Named& set(const std::string& name, const UniValue& value) {
        object_.pushKV(name, value);
        return *this;
    }
    operator const UniValue&() const { return object_; }

private:
    UniValue object_{UniValue::VOBJ};
};

/// Bitcoins as typed. Throws Refusal.
Amount parse_amount(const std::string& text);
/// Of a number in an answer.
Amount amount_of(const UniValue& number);
/// "0.00012345".
std::string amount_text(Amount amount);

void init(Session& session);
void restore(Session& session);
void receive(Session& session);
void send(Session& session);
void history(Session& session);
void balance(Session& session);
void backup(Session& session);

}  // namespace cairn::light::terminal
