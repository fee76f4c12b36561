#include "light/signing/input_signer.hpp"

#include <algorithm>

#include "consensus/crypto/hash.hpp"
#include "consensus/script/interpreter.hpp"
#include "consensus/script/solver.hpp"
#include "consensus/script/verify.hpp"
#include "light/signing/produce_signature.hpp"

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
    std::vector<Bytes> stack = run(script_sig), witness_stack = witness;
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

void InputSigner::extract_multisig(const std::vector<Bytes>& stack, ByteSpan script, SigVersion version, InputSignatures& data) const {
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

void InputSigner::produce(InputSignatures& data, const ScriptKeys& keys, int hash_type) const {
    produce_signature(spent_.script_pubkey, keys, TransactionSignatureMaker(tx_, index_, spent_.value, precomputed_, hash_type), data);
}

}  // namespace cairn::light
