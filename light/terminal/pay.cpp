// Receiving and sending.
#include <algorithm>

#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "light/qr/qr_code.hpp"
#include "light/terminal/detail/session.hpp"
#include "net/http/rpc_params.hpp"
#include "light/signing/silent_payment.hpp"
#include "light/wallet/address_type.hpp"

namespace cairn::light::terminal {
namespace {

using http::member;

/// A payment that was put together.
struct Draft {
    std::string psbt;
    std::string hex;  ///< signed already; empty: not yet
    std::vector<std::int64_t> silent_outputs;  ///< which outputs pay a silent payment address
    Amount paid = 0;  ///< to the recipient
    Amount fee = 0;
    Amount change = 0;
    std::int64_t vsize = 0;  ///< without its signatures
};

void add_fee_choice(Session& session, UniValue& options) {
    if (session.has("fee") && session.has("target")) throw Refusal{"Give --fee or --target, not both"};
    if (session.has("fee")) {
        UniValue rate;
        const std::string text = session.option("fee");
        if (!rate.setNumStr(text)) throw Refusal{"--fee takes satoshis per virtual byte, such as 2.5"};
        options.pushKV("fee_rate", rate);
    }
    if (session.has("target")) {
        const std::string text = session.option("target");
        if (text.empty() || text.size() > 4 || text.find_first_not_of("0123456789") != std::string::npos) {
            throw Refusal{"--target takes a number of blocks from 1 to 1008"};
        }
        options.pushKV("conf_target", std::stoi(text));
    }
}

UniValue one_output(const std::string& address, Amount amount) {
    UniValue number, output(UniValue::VOBJ), outputs(UniValue::VARR);
    number.setNumStr(amount_text(amount));
    output.pushKV(address, number);
    outputs.push_back(output);
    return outputs;
}

Draft draft_amount(Session& session, const std::string& wallet, const std::string& address, Amount amount) {
    UniValue options(UniValue::VOBJ);
    add_fee_choice(session, options);
    if (session.has("subtract-fee")) {
        UniValue which(UniValue::VARR);
        which.push_back(0);
        options.pushKV("subtractFeeFromOutputs", which);
    }
    const UniValue made = session.call("walletcreatefundedpsbt",
                                       Named().set("inputs", UniValue(UniValue::VARR)).set("outputs", one_output(address, amount)).set("options", options).set("psbt_version", 0), wallet);
    return {member(made, "psbt").get_str(), {}, {}};
}

/// A silent payment depends on the keys of its inputs, so that it is signed as it is put together; nothing is sent yet.
Draft draft_silent(Session& session, const std::string& wallet, const std::string& address, std::optional<Amount> amount) {
    UniValue options(UniValue::VOBJ), recipients(UniValue::VARR);
    add_fee_choice(session, options);
    options.pushKV("add_to_wallet", false);
    if (amount && session.has("subtract-fee")) {
        UniValue which(UniValue::VARR);
        which.push_back(0);
        options.pushKV("subtract_fee_from_outputs", which);
    }
    recipients.push_back(address);
    const UniValue made = amount ? session.call("send", Named().set("outputs", one_output(address, *amount)).set("options", options), wallet)
                                 : session.call("sendall", Named().set("recipients", recipients).set("options", options), wallet);
    if (!member(made, "complete").isTrue() || !member(made, "hex").isStr()) throw Refusal{"This wallet alone cannot sign the payment"};
    Draft draft{member(made, "psbt").get_str(), member(made, "hex").get_str(), {}};
    for (const UniValue& one : member(made, "silent_payments").getValues()) draft.silent_outputs.push_back(member(one, "vout").get_int64());
    return draft;
}

Draft draft_all(Session& session, const std::string& wallet, const std::string& address) {
    UniValue options(UniValue::VOBJ), recipients(UniValue::VARR);
    add_fee_choice(session, options);
    options.pushKV("add_to_wallet", false);
    options.pushKV("psbt", true);
    recipients.push_back(address);
    const UniValue made = session.call("sendall", Named().set("recipients", recipients).set("options", options), wallet);
    return {member(made, "psbt").get_str(), {}, {}};
}

/// Reads off the draft itself what it does, whatever it was asked to do.
void examine(Session& session, Draft& draft, const std::string& wallet, const std::string& address) {
    std::string wanted;
    if (draft.silent_outputs.empty()) {
        const auto script = recipient_script(address, session.params);
        if (!script) throw Refusal{script.error()};
        wanted = to_hex(*script);
    }
    const UniValue decoded = session.call("decodepsbt", Named().set("psbt", draft.psbt), wallet);
    draft.fee = amount_of(member(decoded, "fee"));
    const UniValue& tx = member(decoded, "tx");
    draft.vsize = member(tx, "vsize").get_int64();
    std::int64_t index = 0;
    for (const UniValue& output : member(tx, "vout").getValues()) {
        const Amount value = amount_of(member(output, "value"));
        const bool silent = std::count(draft.silent_outputs.begin(), draft.silent_outputs.end(), index++) > 0;
        (silent || member(member(output, "scriptPubKey"), "hex").get_str() == wanted ? draft.paid : draft.change) += value;
    }
}

std::string preview(const Draft& draft, const std::string& address) {
    std::string text = fmt::format("\n  pays          {:>16} BTC   to {}\n  fee           {:>16} BTC", amount_text(draft.paid), address, amount_text(draft.fee));
    if (draft.paid > 0) text += fmt::format("   ({:.2f} % of it)", 100.0 * static_cast<double>(draft.fee) / static_cast<double>(draft.paid));
    text += fmt::format("\n  leaves you    {:>16} BTC\n", amount_text(draft.paid + draft.fee));
    if (draft.change > 0) text += fmt::format("  comes back    {:>16} BTC   as change\n", amount_text(draft.change));
    return text + "\n";
}

}  // namespace

void receive(Session& session) {
    const std::string wallet = session.wallet();
    const Amount amount = session.has("amount") ? parse_amount(session.option("amount")) : 0;
    Named arguments;
    arguments.set("label", session.option("label"));
    if (session.has("type")) arguments.set("address_type", session.option("type"));
    const std::string address = session.call("getnewaddress", arguments, wallet).get_str();
    const std::string uri = payment_uri(address, amount, session.option("label"));
    session.console.show(address + "\n");
    if (session.has("no-qr")) return;  // for scripts: the address alone
    if (uri != "bitcoin:" + address) session.console.show(uri + "\n");
    if (const auto code = make_qr_code(uri)) session.console.show("\n" + draw_for_terminal(*code, session.console.colour()));
}

void send(Session& session) {
    const std::string& address = session.words[0];
    const bool everything = session.words[1] == "all";
    const Amount amount = everything ? 0 : parse_amount(session.words[1]);
    const bool silent = looks_like_silent_address(address);
    if (silent) {
        if (const auto parsed = SilentAddress::parse(address, session.params); !parsed) throw Refusal{parsed.error()};
    } else if (const auto script = recipient_script(address, session.params); !script) {
        throw Refusal{script.error()};
    }
    const std::string wallet = session.wallet();
    Draft draft;
    if (silent) {
        const Unlocked unlocked(session, wallet);
        draft = draft_silent(session, wallet, address, everything ? std::nullopt : std::optional(amount));
    } else {
        draft = everything ? draft_all(session, wallet, address) : draft_amount(session, wallet, address, amount);
    }
    examine(session, draft, wallet, address);
    session.console.show(preview(draft, address));
    session.confirm("Send this payment?");
    if (draft.hex.empty()) {
        const Unlocked unlocked(session, wallet);
        const UniValue signed_psbt = session.call("walletprocesspsbt", Named().set("psbt", draft.psbt), wallet);
        const UniValue& hex = member(signed_psbt, "hex");
        if (!member(signed_psbt, "complete").isTrue() || !hex.isStr()) {
            throw Refusal{"This wallet alone cannot sign the payment. What it signed, for the others:\n" + member(signed_psbt, "psbt").get_str()};
        }
        draft.hex = hex.get_str();
    }
    const std::string txid = session.call("sendrawtransaction", Named().set("hexstring", draft.hex)).get_str();
    session.console.show("Sent: " + txid + "\n");
}

}  // namespace cairn::light::terminal
