#include "light/signing/input_signer.hpp"

#include <algorithm>

#include "consensus/crypto/hash.hpp"
#include "consensus/script/interpreter.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/verify.hpp"

namespace cairn::light {
namespace {

/// Remembers every signature that it finds valid.
class Extractor final : public SignatureChecker {
public:
    Extractor(const SignatureChecker& inner, InputSignatures& data) : inner_(inner), data_(data) {}

    bool check_ecdsa(ByteSpan signature, ByteSpan pubkey, ByteSpan script_code, SigVersion version) const override {
        if (!inner_.check_ecdsa(signature, pubkey, script_code, version)) return false;
        data_.signatures.emplace(hash160(pubkey), InputSignatures::Signature{to_bytes(pubkey), to_bytes(signature)});
        return true;
    }
    ScriptError check_schnorr(ByteSpan signature, ByteSpan pubkey, SigVersion version, const TaprootContext& context) const override {
        return inner_.check_schnorr(signature, pubkey, version, context);
    }
    bool check_lock_time(std::int64_t lock_time) const override { return inner_.check_lock_time(lock_time); }
    bool check_sequence(std::int64_t sequence) const override { return inner_.check_sequence(sequence); }

private:
    const SignatureChecker& inner_;
    InputSignatures& data_;
};

std::vector<ByteSpan> spans(const std::vector<Bytes>& items) { return {items.begin(), items.end()}; }

/// What the input script leaves on the stack, as far as it runs.
std::vector<Bytes> run(ByteSpan script_sig) {
    ScriptStack stack;
    TaprootContext context;
    eval_script(stack, script_sig, ScriptFlag::strictenc, SignatureChecker{}, SigVersion::base, context);
    std::vector<Bytes> items;
    for (const StackItem& item : stack) items.push_back(to_bytes(item.span()));
    return items;
}

/// Pushes in the shortest form, numbers as numbers.
Bytes push_all(const std::vector<Bytes>& items) {
    ScriptBuilder builder;
    for (const Bytes& item : items) {
        if (item.size() == 1 && item[0] >= 1 && item[0] <= 16) builder.number(item[0]);
        else if (item.size() == 1 && item[0] == 0x81) builder.number(-1);
        else builder.push(item);
    }
    return builder.take();
}

Hash160 as_hash160(ByteSpan bytes) {
    Hash160 hash{};
    std::copy(bytes.begin(), bytes.end(), hash.begin());
    return hash;
}

}  // namespace

void InputSignatures::merge(InputSignatures other) {
    if (complete) return;
    if (other.complete) {
        *this = std::move(other);
        return;
    }
    if (redeem_script.empty()) redeem_script = std::move(other.redeem_script);
    if (witness_script.empty()) witness_script = std::move(other.witness_script);
    signatures.merge(other.signatures);
}

ScriptError InputSigner::verify(ByteSpan script_sig, const std::vector<Bytes>& witness) const {
    return verify_script(script_sig, spent_.script_pubkey, spans(witness), kStandardScriptFlags, checker_);
}

InputSignatures InputSigner::extract(ByteSpan script_sig, const std::vector<Bytes>& witness) const {
    InputSignatures data;
    data.script_sig = to_bytes(script_sig);
    data.witness = witness;
    const Extractor extractor(checker_, data);
    if (verify_script(script_sig, spent_.script_pubkey, spans(witness), kStandardScriptFlags, extractor) == ScriptError::ok) {
        data.complete = true;
        return data;
    }
    Stack stack = run(script_sig), witness_stack = witness;
    Bytes script = to_bytes(spent_.script_pubkey);
    OutputType type = classify(script);
    SigVersion version = SigVersion::base;
    if (type == OutputType::scripthash && !stack.empty() && !stack.back().empty()) {
        data.redeem_script = script = stack.back();
        stack.pop_back();
        type = classify(script);
    }
    if (type == OutputType::witness_v0_scripthash && !witness_stack.empty() && !witness_stack.back().empty()) {
        data.witness_script = script = witness_stack.back();
        witness_stack.pop_back();
        stack = std::move(witness_stack);
        type = classify(script);
        version = SigVersion::witness_v0;
    }
    if (type == OutputType::multisig) extract_multisig(stack, script, version, data);
    return data;
}

void InputSigner::extract_multisig(const Stack& stack, ByteSpan script, SigVersion version, InputSignatures& data) const {
    const Solution solution = solve(script);
    const Extractor extractor(checker_, data);
    std::size_t next = 0;  // signatures come in the order of their keys
    for (const Bytes& signature : stack) {
        for (std::size_t i = next; i < solution.parts.size(); ++i) {
            if (!data.signatures.contains(hash160(solution.parts[i])) &&
                !extractor.check_ecdsa(signature, solution.parts[i], script, version)) {
                continue;
            }
            next = i + 1;
            break;
        }
    }
}

std::optional<Bytes> InputSigner::ecdsa(ByteSpan pubkey, ByteSpan script, SigVersion version, Context& context) const {
    const Hash160 id = hash160(pubkey);
    if (const auto known = context.data.signatures.find(id); known != context.data.signatures.end()) return known->second.signature;
    const WalletKey* key = context.keys.find(id);
    if (!key) return std::nullopt;
    if (version == SigVersion::witness_v0 && (!key->compressed || !money_range(spent_.value))) return std::nullopt;
    const int hash_type = context.hash_type == kSighashDefault ? kSighashAll : context.hash_type;
    const Uint256 message = ecdsa_sighash(tx_, index_, script, hash_type, spent_.value, version, &precomputed_);
    Bytes signature = key->key.sign_ecdsa(message);
    signature.push_back(static_cast<std::uint8_t>(hash_type));
    context.data.signatures.emplace(id, InputSignatures::Signature{to_bytes(pubkey), signature});
    return signature;
}

std::optional<Bytes> InputSigner::schnorr(const Uint256& output_key, const Context& context) const {
    if (!precomputed_.bip341_ready()) return std::nullopt;
    const auto key = context.keys.taproot_signer(output_key);
    if (!key) return std::nullopt;
    const auto hash_type = static_cast<std::uint8_t>(context.hash_type);
    const auto message = taproot_sighash(tx_, index_, hash_type, SigVersion::taproot, TaprootContext{}, precomputed_);
    if (!message) return std::nullopt;
    Bytes signature = to_bytes(key->sign_schnorr(message->span(), Uint256()));
    if (hash_type != kSighashDefault) signature.push_back(hash_type);
    return signature;
}

/// As many signatures as can be had; missing ones are empty.
void InputSigner::sign_multisig(const Solution& solution, ByteSpan script, SigVersion version, Context& context, Step& step) const {
    const std::size_t size = static_cast<std::size_t>(solution.required) + 1;
    step.stack.emplace_back();  // op_checkmultisig takes one item more than it needs
    for (const ByteSpan pubkey : solution.parts) {
        auto signature = ecdsa(pubkey, script, version, context);
        if (signature && step.stack.size() < size) step.stack.push_back(std::move(*signature));
    }
    step.solved = step.stack.size() == size;
    step.stack.resize(size);
}

InputSigner::Step InputSigner::solve_script(ByteSpan script, SigVersion version, Context& context) const {
    const Solution solution = solve(script);
    Step step{solution.type, false, {}};
    const auto give = [&](std::optional<Bytes> item) {
        if (!item) return;
        step.stack.push_back(std::move(*item));
        step.solved = true;
    };
    const auto give_script = [&](const Bytes* known, const Bytes& carried, bool matches) {
        if (known) give(*known);
        else if (matches) give(carried);
    };
    InputSignatures& data = context.data;
    switch (solution.type) {
        case OutputType::pubkey: give(ecdsa(solution.parts[0], script, version, context)); break;
        case OutputType::pubkeyhash: {
            const Hash160 id = as_hash160(solution.parts[0]);
            const auto signature = data.signatures.find(id);
            const WalletKey* key = context.keys.find(id);
            if (signature == data.signatures.end() && !key) break;
            const Bytes pubkey = signature != data.signatures.end() ? signature->second.pubkey : written_public_key(*key);
            give(ecdsa(pubkey, script, version, context));
            if (step.solved) step.stack.push_back(pubkey);
            break;
        }
        case OutputType::scripthash: {
            const Hash160 id = as_hash160(solution.parts[0]);
            give_script(context.keys.find_script(id), data.redeem_script, hash160(data.redeem_script) == id);
            break;
        }
        case OutputType::witness_v0_scripthash: {
            const Uint256 id(solution.parts[0]);
            give_script(context.keys.find_witness_script(id), data.witness_script, sha256(data.witness_script) == id);
            break;
        }
        case OutputType::multisig: sign_multisig(solution, script, version, context, step); break;
        case OutputType::witness_v0_keyhash: give(to_bytes(solution.parts[0])); break;
        case OutputType::witness_v1_taproot: give(schnorr(Uint256(solution.parts[0]), context)); break;
        case OutputType::anchor: step.solved = true; break;
        case OutputType::nonstandard:
        case OutputType::nulldata:
        case OutputType::witness_unknown: break;
    }
    return step;
}

/// `step` found the program: signs what stands behind it. Moves on `step.solved`.
void InputSigner::sign_witness_script(Step& step, Context& context, Stack& witness) const {
    const bool by_key = step.type == OutputType::witness_v0_keyhash;
    const Bytes script = by_key ? make_p2pkh(step.stack[0]) : step.stack[0];
    Step inner = solve_script(script, SigVersion::witness_v0, context);
    step.solved = inner.solved && inner.type != OutputType::scripthash && inner.type != OutputType::witness_v0_scripthash &&
                  inner.type != OutputType::witness_v0_keyhash;
    witness = std::move(inner.stack);
    if (by_key) return;
    context.data.witness_script = script;
    witness.push_back(script);
}

void InputSigner::produce(InputSignatures& data, const ScriptKeys& keys, int hash_type) const {
    if (data.complete) return;
    Context context{data, keys, hash_type};
    Step step = solve_script(spent_.script_pubkey, SigVersion::base, context);
    const bool p2sh = step.solved && step.type == OutputType::scripthash;
    if (p2sh) {
        data.redeem_script = step.stack[0];
        step = solve_script(data.redeem_script, SigVersion::base, context);
        if (step.type == OutputType::scripthash) step.solved = false;
    }
    Stack witness;
    bool keeps_witness = false;
    if (step.solved && (step.type == OutputType::witness_v0_keyhash || step.type == OutputType::witness_v0_scripthash)) {
        sign_witness_script(step, context, witness);
        step.stack.clear();
    } else if (step.type == OutputType::witness_v1_taproot && !p2sh) {
        if (step.solved) witness = std::move(step.stack);
        else keeps_witness = true;  // one that it has may be by script
        step.stack.clear();
    }
    if (!keeps_witness) data.witness = std::move(witness);
    if (p2sh) step.stack.push_back(data.redeem_script);
    data.script_sig = push_all(step.stack);
    data.complete = step.solved && verify(data.script_sig, data.witness) == ScriptError::ok;
}

}  // namespace cairn::light
