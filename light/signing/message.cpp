#include "light/signing/message.hpp"

#include <vector>

#include "consensus/crypto/sha256.hpp"
#include "consensus/rules/tx_rules.hpp"
#include "consensus/script/opcode.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/sighash.hpp"
#include "consensus/script/solver.hpp"
#include "consensus/script/taproot.hpp"
#include "consensus/script/verify.hpp"
#include "light/signing/signature_maker.hpp"

namespace cairn::light {
namespace {

constexpr std::uint8_t kReturn = static_cast<std::uint8_t>(Opcode::op_return);

/// BIP322's required rules, besides those of blocks.
constexpr ScriptFlags kRequired = kMandatoryScriptFlags | ScriptFlags{ScriptFlag::const_scriptcode, ScriptFlag::low_s, ScriptFlag::strictenc,
                                                                      ScriptFlag::nullfail, ScriptFlag::minimaldata, ScriptFlag::cleanstack,
                                                                      ScriptFlag::minimalif};
/// And what leaves room for later rules.
constexpr ScriptFlags kUpgradeable{ScriptFlag::discourage_upgradable_nops, ScriptFlag::discourage_upgradable_witness_program,
                                   ScriptFlag::discourage_upgradable_taproot_version, ScriptFlag::discourage_op_success,
                                   ScriptFlag::discourage_upgradable_pubkeytype};

/// Takes only signatures that cover the whole transaction.
class WholeChecker final : public InputChecker {
public:
    using InputChecker::InputChecker;

    bool check_ecdsa(ByteSpan signature, ByteSpan pubkey, ByteSpan script_code, SigVersion version) const override {
        if (!signature.empty() && signature.back() != kSighashAll) return false;
        return InputChecker::check_ecdsa(signature, pubkey, script_code, version);
    }
    ScriptError check_schnorr(ByteSpan signature, ByteSpan pubkey, SigVersion version, const TaprootContext& context) const override {
        if (signature.size() == 65 && signature.back() != kSighashAll) return ScriptError::schnorr_sig_hashtype;
        return InputChecker::check_schnorr(signature, pubkey, version, context);
    }
};

bool has_code_separator(ByteSpan script) {
    ScriptReader reader(script);
    Instruction instruction;
    while (reader.next(instruction))
        if (instruction.opcode == Opcode::op_codeseparator) return true;
    return false;
}

/// The script that a witness carries: of P2WSH (in P2SH too), or of a taproot leaf; empty when there is none.
ByteSpan witness_script_of(ByteSpan spent_script, ByteSpan script_sig, std::span<const ByteSpan> witness) {
    if (witness.empty()) return {};
    OutputType type = classify(spent_script);
    if (type == OutputType::scripthash && !script_sig.empty()) type = classify(script_sig.subspan(1));
    if (type == OutputType::witness_v0_scripthash) return witness.back();
    if (type != OutputType::witness_v1_taproot) return {};
    if (witness_annex(witness)) witness = witness.first(witness.size() - 1);
    return witness.size() < 2 ? ByteSpan{} : witness[witness.size() - 2];
}

MessageVerdict refuse(std::string reason) { return {MessageState::invalid, std::move(reason)}; }

}  // namespace

Uint256 generic_message_hash(std::string_view message) {
    return tagged_hash("BIP0322-signed-message", {reinterpret_cast<const std::uint8_t*>(message.data()), message.size()});
}

MutableTransaction message_to_spend(std::string_view message, ByteSpan script) {
    MutableTransaction tx;
    tx.version = 0;
    MutableTransaction::Input input;
    input.sequence = 0;
    input.script_sig = {0, Uint256::kSize};
    const Uint256 hash = generic_message_hash(message);
    input.script_sig.insert(input.script_sig.end(), hash.span().begin(), hash.span().end());
    tx.inputs.push_back(std::move(input));
    tx.outputs.push_back({0, to_bytes(script)});
    return tx;
}

MutableTransaction message_to_sign(const Txid& to_spend, const MessageLocks& locks) {
    MutableTransaction tx;
    tx.version = locks.version;
    tx.lock_time = locks.lock_time;
    MutableTransaction::Input input;
    input.prevout = {to_spend, 0};
    input.sequence = locks.sequence;
    tx.inputs.push_back(std::move(input));
    tx.outputs.push_back({0, {kReturn}});
    return tx;
}

std::string_view to_string(MessageState state) {
    switch (state) {
        case MessageState::valid: return "valid";
        case MessageState::inconclusive: return "inconclusive";
        case MessageState::invalid: return "invalid";
    }
    return "invalid";
}

MessageVerdict verify_to_sign(const MutableTransaction& to_sign, std::string_view message, ByteSpan script, std::span<const TxOutput> others) {
    const TransactionPtr to_spend = message_to_spend(message, script).finish();
    const OutPoint first{to_spend->tx().txid, 0};
    if (to_sign.inputs.empty() || to_sign.inputs[0].prevout != first) return refuse("the signature is not for this message and address");
    if (to_sign.inputs.size() != others.size() + 1) return refuse("an output that it claims is not known");
    const bool one_output = to_sign.outputs.size() == 1 && to_sign.outputs[0].value == 0 && to_sign.outputs[0].script_pubkey == Bytes{kReturn};
    if (!one_output) return refuse("its output is not the one that signed messages have");

    const TransactionPtr whole = to_sign.finish();
    const Transaction& tx = whole->tx();
    if (const auto good = rules::check_transaction(tx); !good) return refuse("it is not a valid transaction");
    if (tx.weight() > rules::kMaxBlockWeight) return refuse("it is too large");
    std::vector<TxOutput> spent{to_spend->tx().outputs[0]};
    spent.insert(spent.end(), others.begin(), others.end());
    for (const TxOutput& output : spent)
        if (output.value < 0 || output.value > kMaxMoney) return refuse("an output that it claims has an impossible value");

    const PrecomputedTxData precomputed(tx, spent, true);
    std::string later;
    for (std::size_t i = 0; i < spent.size(); ++i) {
        const TxInput& input = tx.inputs[i];
        const auto run = [&](ScriptFlags flags) {
            const WholeChecker checker(tx, i, spent[i].value, precomputed);
            return verify_script(input.script_sig, spent[i].script_pubkey, input.witness, flags, checker);
        };
        const std::string where = "input " + std::to_string(i) + ": ";
        if (const ScriptError error = run(kRequired); error != ScriptError::ok) return refuse(where + std::string(to_string(error)));
        if (has_code_separator(witness_script_of(spent[i].script_pubkey, input.script_sig, input.witness)))
            return refuse(where + std::string(to_string(ScriptError::op_codeseparator)));
        if (!later.empty()) continue;
        if (const ScriptError error = run(kRequired | kUpgradeable); error != ScriptError::ok) later = where + std::string(to_string(error));
    }
    if (later.empty() && tx.version != 0 && tx.version != 2) later = "its version has no meaning yet";
    MessageVerdict verdict{MessageState::valid, {}, tx.lock_time, tx.inputs[0].sequence};
    if (!later.empty()) verdict = {MessageState::inconclusive, later, tx.lock_time, tx.inputs[0].sequence};
    return verdict;
}

}  // namespace cairn::light
