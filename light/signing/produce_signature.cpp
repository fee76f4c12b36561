#include "light/signing/produce_signature.hpp"

#include <algorithm>

#include "consensus/base/codec.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/solver.hpp"
#include "consensus/script/verify.hpp"
#include "light/descriptors/miniscript_decode.hpp"
#include "light/descriptors/miniscript_satisfy.hpp"

namespace cairn::light {
namespace {

using miniscript::Availability;
using Stack = std::vector<Bytes>;

Hash160 as_hash160(ByteSpan bytes) {
    Hash160 hash{};
    std::copy(bytes.begin(), bytes.end(), hash.begin());
    return hash;
}

/// Pushes in the shortest form, numbers as numbers.
Bytes push_all(const Stack& items) {
    ScriptBuilder builder;
    for (const Bytes& item : items) {
        if (item.size() == 1 && item[0] >= 1 && item[0] <= 16) builder.number(item[0]);
        else if (item.size() == 1 && item[0] == 0x81) builder.number(-1);
        else builder.push(item);
    }
    return builder.take();
}

std::size_t serialized_size(const Stack& items) {
    std::size_t size = compact_size_length(items.size());
    for (const Bytes& item : items) size += compact_size_length(item.size()) + item.size();
    return size;
}

/// As many items and bytes as the largest satisfaction has, whichever keys sign and locks are met; false when there is none.
bool largest_stack(const miniscript::Node& node, Stack& stack) {
    const auto items = node.witness_items(), bytes = node.witness_bytes.satisfied;
    if (!items || !bytes) return false;
    if (*items <= 0) return true;
    // One item takes what the others, which are empty, leave.
    constexpr int kShortest = 253, kShortLength = 1, kLongLength = 3;
    const int left = std::max(*bytes - (*items - 1), 1), size = left - kShortLength < kShortest ? left - kShortLength : std::max(left - kLongLength, kShortest);
    stack.assign(static_cast<std::size_t>(*items), Bytes());
    stack.back().resize(static_cast<std::size_t>(size));
    return true;
}

/// What an output script comes to with what is known.
struct Step {
    OutputType type = OutputType::nonstandard;
    bool solved = false;
    Stack stack;  ///< for scripts behind hashes: the script
};

/// Solves one input.
class InputSolver {
public:
    InputSolver(const ScriptKeys& keys, const SignatureMaker& maker, InputSignatures& data) : keys_(keys), maker_(maker), data_(data) {}

    bool solve_input(ByteSpan script_pubkey);

private:
    friend class WitnessScriptProvisions;
    friend class LeafProvisions;

    Step solve_script(ByteSpan script, SigVersion version);
    void multisig(const Solution& solution, ByteSpan script, SigVersion version, Step& step);
    /// `step` found the program: signs what stands behind it. Moves on `step.solved`.
    void witness_program(Step& step, Stack& witness);
    bool satisfy_witness_script(ByteSpan script, Stack& witness);

    std::optional<Stack> taproot(const Uint256& output_key);
    void learn_taproot(const Uint256& output_key);
    std::optional<Bytes> key_path(const Uint256& output_key);
    bool measures_leaves() const;
    std::optional<Stack> leaf(const TapLeafScript& leaf_script);

    std::optional<Bytes> ecdsa(ByteSpan pubkey, ByteSpan script, SigVersion version);
    std::optional<Bytes> leaf_signature(const Bytes& key, const Uint256& leaf_hash);
    std::optional<Bytes> public_key(const Hash160& id);
    std::optional<Bytes> xonly_key(const Hash160& id);
    void learn_tap_key(const Uint256& key, const Uint256* leaf_hash);

    const ScriptKeys& keys_;
    const SignatureMaker& maker_;
    InputSignatures& data_;
};

/// What a miniscript may use; keys and signatures come from a subclass.
class InputProvisions : public miniscript::Provisions {
public:
    InputProvisions(const std::vector<Bytes>& keys, const SignatureMaker& maker, const InputSignatures& data)
        : keys_(keys), maker_(maker), data_(data) {}

    Bytes key_bytes(std::size_t key) const override { return keys_[key]; }
    Availability preimage(miniscript::Fragment kind, const Bytes& hash, Bytes& preimage) const override {
        const Preimages& known = preimages(kind);
        if (const auto found = known.find(hash); found != known.end()) {
            preimage = found->second;
            return Availability::yes;
        }
        return Availability::no;
    }
    bool meets_older(std::uint32_t sequence) const override { return maker_.checker().check_sequence(sequence); }
    bool meets_after(std::uint32_t lock_time) const override { return maker_.checker().check_lock_time(lock_time); }

protected:
    Availability give(std::optional<Bytes> made, Bytes& signature) const {
        if (!made) return Availability::no;
        signature = std::move(*made);
        return Availability::yes;
    }
    const std::vector<Bytes>& keys_;

private:
    const Preimages& preimages(miniscript::Fragment kind) const {
        switch (kind) {
            case miniscript::Fragment::sha256: return data_.sha256_preimages;
            case miniscript::Fragment::hash256: return data_.hash256_preimages;
            case miniscript::Fragment::ripemd160: return data_.ripemd160_preimages;
            default: return data_.hash160_preimages;
        }
    }

    const SignatureMaker& maker_;
    const InputSignatures& data_;
};

class WitnessScriptProvisions final : public InputProvisions {
public:
    WitnessScriptProvisions(InputSolver& solver, const std::vector<Bytes>& keys, ByteSpan script)
        : InputProvisions(keys, solver.maker_, solver.data_), solver_(solver), script_(script) {}
    Availability sign(std::size_t key, Bytes& signature) const override {
        return give(solver_.ecdsa(keys_[key], script_, SigVersion::witness_v0), signature);
    }

private:
    InputSolver& solver_;
    ByteSpan script_;
};

class LeafProvisions final : public InputProvisions {
public:
    LeafProvisions(InputSolver& solver, const std::vector<Bytes>& keys, const Uint256& leaf_hash)
        : InputProvisions(keys, solver.maker_, solver.data_), solver_(solver), leaf_hash_(leaf_hash) {}
    Availability sign(std::size_t key, Bytes& signature) const override { return give(solver_.leaf_signature(keys_[key], leaf_hash_), signature); }

private:
    InputSolver& solver_;
    Uint256 leaf_hash_;
};

std::optional<Bytes> InputSolver::ecdsa(ByteSpan pubkey, ByteSpan script, SigVersion version) {
    const Hash160 id = hash160(pubkey);
    if (const auto known = data_.signatures.find(id); known != data_.signatures.end()) return known->second.signature;
    if (const auto* info = keys_.find_public(id); info && info->origin) data_.known_keys.try_emplace(id, to_bytes(pubkey), *info->origin);
    auto signature = maker_.ecdsa(keys_, id, script, version);
    if (signature) data_.signatures.emplace(id, InputSignatures::Signature{to_bytes(pubkey), *signature});
    else data_.missing.signatures.push_back(id);
    return signature;
}

std::optional<Bytes> InputSolver::public_key(const Hash160& id) {
    if (const auto found = data_.signatures.find(id); found != data_.signatures.end()) return found->second.pubkey;
    if (const auto found = data_.known_keys.find(id); found != data_.known_keys.end()) return found->second.pubkey;
    if (const auto* found = keys_.find_public(id)) return found->key;
    data_.missing.keys.push_back(id);
    return std::nullopt;
}

std::optional<Bytes> InputSolver::xonly_key(const Hash160& id) {
    for (const auto& [key, origin] : data_.tap_keys)
        if (hash160(key) == id) return key;
    if (const auto* found = keys_.find_public_xonly_hash(id)) return Bytes(found->key.begin() + 1, found->key.end());
    data_.missing.keys.push_back(id);
    return std::nullopt;
}

/// As many signatures as can be had, of all keys that can sign; missing ones are empty.
void InputSolver::multisig(const Solution& solution, ByteSpan script, SigVersion version, Step& step) {
    const std::size_t size = static_cast<std::size_t>(solution.required) + 1;
    step.stack.emplace_back();  // op_checkmultisig takes one item more than it needs
    for (const ByteSpan pubkey : solution.parts) {
        auto signature = ecdsa(pubkey, script, version);
        if (signature && step.stack.size() < size) step.stack.push_back(std::move(*signature));
    }
    step.solved = step.stack.size() == size;
    step.stack.resize(size);
}

Step InputSolver::solve_script(ByteSpan script, SigVersion version) {
    const Solution solution = solve(script);
    Step step{solution.type, false, {}};
    const auto give = [&](std::optional<Bytes> item) {
        if (!item) return;
        step.stack.push_back(std::move(*item));
        step.solved = true;
    };
    switch (solution.type) {
        case OutputType::pubkey: give(ecdsa(solution.parts[0], script, version)); break;
        case OutputType::pubkeyhash: {
            const auto pubkey = public_key(as_hash160(solution.parts[0]));
            if (!pubkey) break;
            give(ecdsa(*pubkey, script, version));
            if (step.solved) step.stack.push_back(*pubkey);
            break;
        }
        case OutputType::scripthash: {
            const Hash160 id = as_hash160(solution.parts[0]);
            if (const Bytes* known = keys_.find_script(id)) give(*known);
            else if (hash160(data_.redeem_script) == id) give(data_.redeem_script);
            else data_.missing.redeem_script = id;
            break;
        }
        case OutputType::witness_v0_scripthash: {
            const Uint256 id(solution.parts[0]);
            if (const Bytes* known = keys_.find_witness_script(id)) give(*known);
            else if (sha256(data_.witness_script) == id) give(data_.witness_script);
            else data_.missing.witness_script = id;
            break;
        }
        case OutputType::multisig: multisig(solution, script, version, step); break;
        case OutputType::witness_v0_keyhash: give(to_bytes(solution.parts[0])); break;
        case OutputType::witness_v1_taproot:
            if (auto stack = taproot(Uint256(solution.parts[0]))) step = {solution.type, true, std::move(*stack)};
            break;
        case OutputType::anchor: step.solved = true; break;
        case OutputType::nonstandard:
        case OutputType::nulldata:
        case OutputType::witness_unknown: break;
    }
    return step;
}

void InputSolver::witness_program(Step& step, Stack& witness) {
    const bool by_key = step.type == OutputType::witness_v0_keyhash;
    const Bytes script = by_key ? make_p2pkh(step.stack[0]) : step.stack[0];
    if (!by_key) data_.witness_script = script;
    Step inner = solve_script(script, SigVersion::witness_v0);
    step.solved = inner.solved && inner.type != OutputType::scripthash && inner.type != OutputType::witness_v0_scripthash &&
                  inner.type != OutputType::witness_v0_keyhash;
    witness = std::move(inner.stack);
    if (by_key) return;
    // A multisig that is not complete leaves what it has; everything else may be a miniscript.
    if (!step.solved && witness.empty()) step.solved = satisfy_witness_script(script, witness);
    witness.push_back(script);
}

bool InputSolver::satisfy_witness_script(ByteSpan script, Stack& witness) {
    const auto decoded = miniscript::decode(script, miniscript::Context::p2wsh, [&](ByteSpan hash) { return public_key(as_hash160(hash)); });
    if (!decoded) return false;
    if (maker_.measures()) return largest_stack(*decoded->node, witness);
    auto found = miniscript::satisfy(*decoded->node, WitnessScriptProvisions(*this, decoded->keys, script));
    witness = std::move(found.stack);
    return found.available == Availability::yes;
}

void InputSolver::learn_tap_key(const Uint256& key, const Uint256* leaf_hash) {
    const auto* info = keys_.find_public_xonly(key);
    if (!info || !info->origin) return;
    TapKeyOrigin& known = data_.tap_keys.try_emplace(to_bytes(key.span()), TapKeyOrigin{{}, *info->origin}).first->second;
    if (leaf_hash) known.leaves.insert(*leaf_hash);
}

void InputSolver::learn_taproot(const Uint256& output_key) {
    InputSignatures::Taproot& known = data_.taproot;
    if (const TaprootSpend* spend = keys_.find_taproot(output_key)) {
        if (!known.internal_key) known.internal_key = spend->internal_key;
        if (!known.merkle_root) known.merkle_root = spend->merkle_root;
        std::vector<TapTreeLeaf> tree;
        for (const TaprootSpend::Leaf& leaf : spend->leaves) {
            known.scripts[{leaf.script, leaf.version}].insert(leaf.control_block);
            tree.push_back({leaf.depth, leaf.version, leaf.script});
        }
        if (!tree.empty()) known.tree = std::move(tree);
    }
    if (known.internal_key) learn_tap_key(*known.internal_key, nullptr);
    learn_tap_key(output_key, nullptr);
}

std::optional<Bytes> InputSolver::key_path(const Uint256& output_key) {
    if (!data_.tap_key_sig.empty()) return data_.tap_key_sig;
    std::optional<Bytes> signature;
    if (const auto& internal = data_.taproot.internal_key) {
        const Uint256 tweak = taptweak_hash(internal->span(), data_.taproot.merkle_root);
        const auto tweaked = xonly_tweak_add(*internal, tweak);
        if (tweaked && tweaked->x == output_key) signature = maker_.schnorr_key_path(keys_, *internal, tweak);
    }
    if (!signature) signature = maker_.schnorr_key_path(keys_, output_key, std::nullopt);
    if (signature) data_.tap_key_sig = *signature;
    return signature;
}

/// When sizes are measured and nobody says how it will be spent: by a leaf, if the key is not among those that are at hand.
bool InputSolver::measures_leaves() const {
    // BIP341's point that nobody has the key of.
    static const Uint256 kNobody(*from_hex("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"));
    if (!maker_.measures() || data_.taproot.scripts.empty() || !data_.taproot.internal_key) return false;
    if (*data_.taproot.internal_key == kNobody) return true;
    return keys_.has_private_keys() ? !keys_.find_xonly(*data_.taproot.internal_key) : !keys_.find_public_xonly(*data_.taproot.internal_key);
}

std::optional<Bytes> InputSolver::leaf_signature(const Bytes& key, const Uint256& leaf_hash) {
    const Uint256 x(key);
    learn_tap_key(x, &leaf_hash);
    const auto place = std::pair(key, leaf_hash);
    if (const auto known = data_.tap_script_sigs.find(place); known != data_.tap_script_sigs.end()) return known->second;
    auto signature = maker_.schnorr_leaf(keys_, x, leaf_hash);
    if (signature) data_.tap_script_sigs[place] = *signature;
    return signature;
}

std::optional<Stack> InputSolver::leaf(const TapLeafScript& leaf_script) {
    const auto& [script, version] = leaf_script;
    if (version != kTapscriptLeafVersion) return std::nullopt;
    const auto decoded = miniscript::decode(script, miniscript::Context::tapscript, [&](ByteSpan hash) { return xonly_key(as_hash160(hash)); });
    if (!decoded) return std::nullopt;
    const Uint256 leaf_hash = tapleaf_hash(static_cast<std::uint8_t>(version), script);
    if (Stack stack; maker_.measures()) return largest_stack(*decoded->node, stack) ? std::optional(std::move(stack)) : std::nullopt;
    auto found = miniscript::satisfy(*decoded->node, LeafProvisions(*this, decoded->keys, leaf_hash));
    return found.available == Availability::yes ? std::optional(std::move(found.stack)) : std::nullopt;
}

std::optional<Stack> InputSolver::taproot(const Uint256& output_key) {
    learn_taproot(output_key);
    if (!measures_leaves()) {
        if (auto signature = key_path(output_key)) return Stack{std::move(*signature)};
    }
    std::optional<Stack> best;
    for (const auto& [script, control_blocks] : data_.taproot.scripts) {
        auto stack = leaf(script);
        if (!stack || control_blocks.empty()) continue;
        stack->push_back(script.first);
        stack->push_back(*control_blocks.begin());
        const bool better = !best || (maker_.measures() ? serialized_size(*stack) > serialized_size(*best) : serialized_size(*stack) < serialized_size(*best));
        if (better) best = std::move(stack);
    }
    return best;
}

bool InputSolver::solve_input(ByteSpan script_pubkey) {
    if (data_.complete) return true;
    Step step = solve_script(script_pubkey, SigVersion::base);
    const bool p2sh = step.solved && step.type == OutputType::scripthash;
    if (p2sh) {
        data_.redeem_script = step.stack[0];
        step = solve_script(data_.redeem_script, SigVersion::base);
        if (step.type == OutputType::scripthash) step.solved = false;
    }
    if (step.solved && (step.type == OutputType::witness_v0_keyhash || step.type == OutputType::witness_v0_scripthash)) {
        data_.signs_witness = true;
        Stack witness;
        witness_program(step, witness);
        data_.witness = std::move(witness);
        step.stack.clear();
    } else if (step.type == OutputType::witness_v1_taproot && !p2sh) {
        data_.signs_witness = true;
        if (step.solved) data_.witness = std::move(step.stack);  // else one that it has may be good
        step.stack.clear();
    }
    if (!data_.signs_witness) data_.witness.clear();
    if (p2sh) step.stack.push_back(data_.redeem_script);
    data_.script_sig = push_all(step.stack);
    const std::vector<ByteSpan> witness(data_.witness.begin(), data_.witness.end());
    data_.complete = step.solved && (maker_.measures() || verify_script(data_.script_sig, script_pubkey, witness, kStandardScriptFlags,
                                                                        maker_.checker()) == ScriptError::ok);
    return data_.complete;
}

}  // namespace

bool produce_signature(ByteSpan script_pubkey, const ScriptKeys& keys, const SignatureMaker& maker, InputSignatures& data) {
    return InputSolver(keys, maker, data).solve_input(script_pubkey);
}

}  // namespace cairn::light
