#include "light/psbt/message_proof.hpp"

#include <algorithm>

#include "consensus/base/codec.hpp"
#include "consensus/script/number.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/solver.hpp"
#include "light/psbt/base64.hpp"
#include "light/psbt/roles.hpp"
#include "light/signing/signed_message.hpp"

namespace cairn::light {
namespace {

constexpr std::string_view kSimple = "smp", kFull = "ful", kProof = "pof";
const Bytes kMessageField{0x09};  ///< PSBT_GLOBAL_GENERIC_SIGNED_MESSAGE
constexpr std::size_t kMaxText = 6'000'000;  ///< a transaction as large as a block in base 64

bool is_witness_program(ByteSpan script) { return witness_program(script).has_value(); }

Bytes witness_bytes(const std::vector<Bytes>& witness) {
    Bytes bytes;
    Writer out(bytes);
    out.compact_size(witness.size());
    for (const Bytes& item : witness) out.var_bytes(item);
    return bytes;
}

std::optional<std::vector<Bytes>> read_witness(ByteSpan bytes) {
    Reader in(bytes);
    std::vector<Bytes> witness;
    for (std::uint64_t left = in.compact_size(bytes.size()); left > 0 && in.ok(); --left) witness.push_back(to_bytes(in.var_bytes()));
    in.expect_end();
    if (!in.ok()) return std::nullopt;
    return witness;
}

MessageCheck refused(MessageCheck::Form form, std::string reason) {
    MessageCheck check;
    check.form = form;
    check.reason = std::move(reason);
    return check;
}

MessageCheck judged(MessageCheck::Form form, MessageVerdict verdict) {
    MessageCheck check;
    static_cast<MessageVerdict&>(check) = std::move(verdict);
    check.form = form;
    return check;
}

MessageCheck verify_simple(std::string_view message, ByteSpan script, ByteSpan bytes) {
    auto witness = read_witness(bytes);
    if (!witness) return refused(MessageCheck::Form::simple, "the signature is not a witness stack");
    MutableTransaction to_sign = message_to_sign(message_to_spend(message, script).finish()->tx().txid);
    to_sign.inputs[0].witness = std::move(*witness);
    return judged(MessageCheck::Form::simple, verify_to_sign(to_sign, message, script));
}

MessageCheck verify_full(std::string_view message, ByteSpan script, Bytes bytes) {
    const auto form = MessageCheck::Form::full;
    const auto parsed = TransactionHolder::parse(std::move(bytes));
    if (!parsed) return refused(form, "the signature is not a transaction");
    const MutableTransaction to_sign((*parsed)->tx());
    if (to_sign.inputs.size() > 1) return refused(form, "it claims outputs, but does not say what they are");
    return judged(form, verify_to_sign(to_sign, message, script));
}

/// What input `index` says that it spends. A signature of before segwit does not cover it, so the whole transaction must be there.
Result<MutableTransaction::Output, std::string> claimed_output(const Psbt& psbt, std::size_t index) {
    const PsbtInput& input = psbt.inputs[index];
    TransactionPtr transaction = input.non_witness_utxo;
    for (std::size_t i = 0; !transaction && i < index; ++i)
        if (psbt.inputs[i].prevout.txid == input.prevout.txid) transaction = psbt.inputs[i].non_witness_utxo;
    if (transaction) {
        const Transaction& tx = transaction->tx();
        if (tx.txid != input.prevout.txid || input.prevout.index >= tx.outputs.size()) return fail(std::string("it claims an output that is not there"));
        const TxOutput& output = tx.outputs[input.prevout.index];
        return MutableTransaction::Output{output.value, to_bytes(output.script_pubkey)};
    }
    if (!input.witness_utxo) return fail(std::string("an output that it claims is not known"));
    const Bytes& script = input.witness_utxo->script_pubkey;
    const bool nested = classify(script) == OutputType::scripthash && !input.final_witness.empty();
    if (!nested && !is_witness_program(script)) return fail(std::string("it lacks the transaction with an output that it claims"));
    return *input.witness_utxo;
}

MessageCheck verify_proof(std::string_view message, ByteSpan script, ByteSpan bytes) {
    const auto form = MessageCheck::Form::proof_of_funds;
    const auto psbt = Psbt::parse(bytes);
    if (!psbt) return refused(form, "the signature is not a PSBT: " + psbt.error());
    auto to_sign = psbt->unsigned_tx();
    if (!to_sign) return refused(form, "the PSBT has no lock time that suits all inputs");
    std::vector<MessageCheck::Claim> claims;
    for (std::size_t i = 0; i < psbt->inputs.size(); ++i) {
        to_sign->inputs[i].script_sig = psbt->inputs[i].final_script_sig;
        to_sign->inputs[i].witness = psbt->inputs[i].final_witness;
        if (i == 0) continue;
        auto output = claimed_output(*psbt, i);
        if (!output) return refused(form, output.error());
        claims.push_back({psbt->inputs[i].prevout, std::move(*output), to_sign->inputs[i].sequence});
    }
    std::vector<TxOutput> others;
    for (const MessageCheck::Claim& claim : claims) others.push_back({claim.spent.value, claim.spent.script_pubkey});
    MessageCheck check = judged(form, verify_to_sign(*to_sign, message, script, others));
    if (check.state != MessageState::invalid) check.claims = std::move(claims);
    return check;
}

// --- lock times that a script asks for

constexpr std::size_t kMostLocks = 8;  ///< of a kind that are tried

struct AskedLocks {
    std::vector<std::uint32_t> times, ages;  ///< of CHECKLOCKTIMEVERIFY and CHECKSEQUENCEVERIFY
};

void add_lock(std::vector<std::uint32_t>& to, std::int64_t number) {
    if (number <= 0 || number > std::int64_t{UINT32_MAX} || to.size() >= kMostLocks) return;
    const auto lock = static_cast<std::uint32_t>(number);
    if (std::find(to.begin(), to.end(), lock) == to.end()) to.push_back(lock);
}

void read_locks(ByteSpan script, AskedLocks& asked) {
    ScriptReader reader(script);
    std::optional<std::int64_t> number;
    for (Instruction step; reader.next(step);) {
        if (number && step.opcode == Opcode::op_checklocktimeverify) add_lock(asked.times, *number);
        if (number && step.opcode == Opcode::op_checksequenceverify) add_lock(asked.ages, *number);
        number.reset();
        const auto code = static_cast<int>(step.opcode);
        if (const int small = code - static_cast<int>(Opcode::op_1) + 1; small >= 1 && small <= 16) number = small;
        else if (!step.data.empty() && step.data.size() <= 5) number = decode_script_number(step.data, true, 5);
    }
}

AskedLocks locks_of(ByteSpan script, const ScriptKeys& keys) {
    AskedLocks asked;
    const Solution solution = solve(script);
    const auto hash_of = [](ByteSpan bytes) {
        Hash160 hash;
        std::copy_n(bytes.begin(), hash.size(), hash.begin());
        return hash;
    };
    switch (solution.type) {
        case OutputType::scripthash:
            if (const Bytes* redeem = keys.find_script(hash_of(solution.parts[0]))) {
                if (classify(*redeem) == OutputType::witness_v0_scripthash) return locks_of(*redeem, keys);
                read_locks(*redeem, asked);
            }
            break;
        case OutputType::witness_v0_scripthash:
            if (const Bytes* inner = keys.find_witness_script(Uint256(solution.parts[0]))) read_locks(*inner, asked);
            break;
        case OutputType::witness_v1_taproot:
            if (const TaprootSpend* spend = keys.find_taproot(Uint256(solution.parts[0]))) {
                for (const TaprootSpend::Leaf& leaf : spend->leaves) read_locks(leaf.script, asked);
            }
            break;
        default: read_locks(script, asked);
    }
    return asked;
}

/// What the second transaction may have to say, the least first.
std::vector<MessageLocks> lock_choices(ByteSpan script, const ScriptKeys& keys) {
    AskedLocks asked = locks_of(script, keys);
    for (auto* kind : {&asked.times, &asked.ages}) {
        kind->push_back(0);
        std::sort(kind->begin(), kind->end());
    }
    std::vector<MessageLocks> choices;
    for (const std::uint32_t age : asked.ages) {
        for (const std::uint32_t time : asked.times) {
            if (age != 0 || time != 0) choices.push_back({age != 0 ? 2u : 0u, time, age});
        }
    }
    return choices;
}

Result<std::string, std::string> sign_once(std::string_view message, ByteSpan script, const ScriptKeys& keys, const MessageOptions& options) {
    auto psbt = make_message_psbt(message, script, options);
    if (!psbt) return fail(psbt.error());
    const auto transaction = PsbtTransaction::make(*psbt);
    for (std::size_t i = 0; transaction && i < psbt->inputs.size(); ++i)
        if (const PsbtStatus status = sign_psbt_input(*psbt, i, keys, *transaction); status != PsbtStatus::complete)
            return fail(std::string(to_string(status)));
    auto text = finish_message_psbt(*psbt);
    if (!text) return fail(std::string(to_string(PsbtStatus::incomplete)));
    return std::move(*text);
}

MessageCheck verify_legacy(std::string_view message, ByteSpan key_hash, ByteSpan bytes) {
    Hash160 hash;
    std::copy_n(key_hash.begin(), hash.size(), hash.begin());
    if (!is_signed_by(message, bytes, hash)) return refused(MessageCheck::Form::legacy, "the signature is not of this message and address");
    return judged(MessageCheck::Form::legacy, {MessageState::valid, {}});
}

}  // namespace

Result<Psbt, std::string> make_message_psbt(std::string_view message, ByteSpan script, const MessageOptions& options) {
    const TransactionPtr to_spend = message_to_spend(message, script).finish();
    MutableTransaction tx = message_to_sign(to_spend->tx().txid, options.locks);
    for (const ProofInput& proof : options.proof) {
        MutableTransaction::Input input;
        input.prevout = proof.prevout;
        input.sequence = proof.sequence;
        tx.inputs.push_back(std::move(input));
    }
    Psbt psbt = Psbt::create(tx, 0);
    psbt.unknown.emplace(kMessageField, Bytes(message.begin(), message.end()));
    if (is_witness_program(script)) {
        psbt.inputs[0].witness_utxo = MutableTransaction::Output{0, to_bytes(script)};
    } else {
        psbt.inputs[0].non_witness_utxo = to_spend;
    }
    for (std::size_t i = 0; i < options.proof.size(); ++i) {
        const ProofInput& proof = options.proof[i];
        PsbtInput& input = psbt.inputs[i + 1];
        const bool program = is_witness_program(proof.spent.script_pubkey);
        if (!program && !proof.transaction && classify(proof.spent.script_pubkey) != OutputType::scripthash)
            return fail(std::string("The transaction with an output that is claimed is needed"));
        if (!program) input.non_witness_utxo = proof.transaction;
        if (!input.non_witness_utxo) input.witness_utxo = proof.spent;
        const auto spent = input.spent();
        if (!spent || spent->value != proof.spent.value || to_bytes(spent->script_pubkey) != proof.spent.script_pubkey)
            return fail(std::string("The transaction does not have the output that is claimed"));
    }
    return psbt;
}

std::optional<PsbtMessage> message_of_psbt(const Psbt& psbt) {
    const auto field = psbt.unknown.find(kMessageField);
    if (field == psbt.unknown.end() || psbt.inputs.empty()) return std::nullopt;
    const auto spent = psbt.inputs[0].spent();
    const auto tx = psbt.unsigned_tx();
    if (!spent || !tx) return std::nullopt;
    PsbtMessage found{{field->second.begin(), field->second.end()}, to_bytes(spent->script_pubkey)};
    const Txid to_spend = message_to_spend(found.message, found.script).finish()->tx().txid;
    const MutableTransaction expected = message_to_sign(to_spend);
    if (tx->inputs[0].prevout != expected.inputs[0].prevout || tx->outputs.size() != 1) return std::nullopt;
    if (tx->outputs[0].value != 0 || tx->outputs[0].script_pubkey != expected.outputs[0].script_pubkey) return std::nullopt;
    return found;
}

std::optional<std::string> finish_message_psbt(Psbt& psbt) {
    const auto message = message_of_psbt(psbt);
    const auto tx = extract_transaction(psbt);
    if (!message || !tx) return std::nullopt;
    if (tx->inputs.size() > 1) return std::string(kProof) + to_base64(psbt.serialize());
    const MessageLocks locks{tx->version, tx->lock_time, tx->inputs[0].sequence};
    const bool simple = is_witness_program(message->script) && locks == MessageLocks{};
    return simple ? std::string(kSimple) + to_base64(witness_bytes(tx->inputs[0].witness)) : std::string(kFull) + to_base64(tx->serialize());
}

Result<std::string, std::string> sign_message(std::string_view message, ByteSpan script, const ScriptKeys& keys, const MessageOptions& options) {
    auto text = sign_once(message, script, keys, options);
    if (text || options.locks != MessageLocks{}) return text;
    MessageOptions locked = options;
    for (const MessageLocks& locks : lock_choices(script, keys)) {
        locked.locks = locks;
        if (auto later = sign_once(message, script, keys, locked)) return later;
    }
    return text;
}

MessageCheck verify_message(std::string_view message, ByteSpan script, std::string_view signature) {
    using Form = MessageCheck::Form;
    if (signature.size() > kMaxText) return refused(Form::unknown, "the signature is too long");
    const Form form = signature.starts_with(kSimple)  ? Form::simple
                      : signature.starts_with(kFull)  ? Form::full
                      : signature.starts_with(kProof) ? Form::proof_of_funds
                                                      : Form::unknown;
    auto bytes = from_base64(form == Form::unknown ? signature : signature.substr(kSimple.size()));
    if (!bytes) return refused(form, "the signature is not base64");
    if (bytes->empty()) return refused(form, "the signature is empty");
    const Solution solution = solve(script);
    switch (form) {
        case Form::full: return verify_full(message, script, std::move(*bytes));
        case Form::proof_of_funds: return verify_proof(message, script, *bytes);
        case Form::unknown:
            if (solution.type == OutputType::pubkeyhash) return verify_legacy(message, solution.parts[0], *bytes);
            [[fallthrough]];
        default: return verify_simple(message, script, *bytes);
    }
}

}  // namespace cairn::light
