#include "light/descriptors/miniscript_decode.hpp"

#include <algorithm>

#include "consensus/script/number.hpp"
#include "consensus/script/script.hpp"

namespace cairn::light::miniscript {
namespace {

constexpr std::size_t kMaxScriptBytes = 400'000;  ///< more than any context allows
constexpr std::size_t kKeyHashSize = 20;
constexpr std::size_t kMaxKeysPerMultiA = 999;
constexpr int kMaxDepth = 400;

struct Step {
    Opcode opcode;
    Bytes data;
};

/// The opcode that `opcode` does before it verifies; nullopt when it is not one of those.
std::optional<Opcode> without_verify(Opcode opcode) {
    switch (opcode) {
        case Opcode::op_checksigverify: return Opcode::op_checksig;
        case Opcode::op_checkmultisigverify: return Opcode::op_checkmultisig;
        case Opcode::op_equalverify: return Opcode::op_equal;
        case Opcode::op_numequalverify: return Opcode::op_numequal;
        default: return std::nullopt;
    }
}

bool has_verify_form(Opcode opcode) {
    return opcode == Opcode::op_checksig || opcode == Opcode::op_checkmultisig || opcode == Opcode::op_equal ||
           opcode == Opcode::op_numequal;
}

/// The script's steps from its end to its beginning, each verify on its own; nullopt when it is not encoded the only
/// way allowed.
std::optional<std::vector<Step>> backward_steps(ByteSpan script) {
    std::vector<Step> steps;
    ScriptReader reader(script);
    Instruction instruction;
    while (reader.next(instruction)) {
        const Opcode opcode = instruction.opcode;
        if (const auto plain = without_verify(opcode)) {
            steps.push_back({*plain, {}});
            steps.push_back({Opcode::op_verify, {}});
            continue;
        }
        if (is_push_data(opcode) && !is_minimal_push(instruction.data, opcode)) return std::nullopt;
        if (has_verify_form(opcode) && reader.position() < script.size() &&
            script[reader.position()] == static_cast<std::uint8_t>(Opcode::op_verify)) {
            return std::nullopt;
        }
        Bytes data = to_bytes(instruction.data);
        if (is_small_integer(opcode)) data.assign(1, static_cast<std::uint8_t>(small_integer(opcode)));
        steps.push_back({opcode, std::move(data)});
    }
    if (reader.malformed()) return std::nullopt;
    std::reverse(steps.begin(), steps.end());
    return steps;
}

std::optional<std::int64_t> number_of(const Step& step) {
    if (step.opcode == Opcode::op_0) return 0;
    if (step.data.empty()) return std::nullopt;
    return decode_script_number(step.data, true);
}

std::vector<NodePtr> parts(NodePtr a) {
    std::vector<NodePtr> result;
    result.push_back(std::move(a));
    return result;
}
std::vector<NodePtr> parts(NodePtr a, NodePtr b) {
    auto result = parts(std::move(a));
    result.push_back(std::move(b));
    return result;
}

/// Reads an expression from its last step to its first. Every function gives null when the steps are no miniscript.
class Decoder {
public:
    Decoder(std::vector<Step> steps, Context context, const KeyByHash& key_by_hash)
        : steps_(std::move(steps)), context_(context), key_by_hash_(key_by_hash) {}

    NodePtr decode() {
        NodePtr node = sequence(0);
        return at_ == steps_.size() ? std::move(node) : nullptr;
    }

    std::vector<Bytes> take_keys() { return std::move(keys_); }

private:
    NodePtr make(Fragment fragment, std::vector<NodePtr> subs = {}, std::uint32_t number = 0, std::vector<std::size_t> keys = {},
                 Bytes hash = {}) const {
        return make_node(context_, fragment, std::move(subs), number, std::move(keys), std::move(hash));
    }
    bool in_tapscript() const { return context_ == Context::tapscript; }
    std::size_t key_size() const { return in_tapscript() ? 32 : 33; }
    std::size_t add_key(Bytes key) {
        keys_.push_back(std::move(key));
        return keys_.size() - 1;
    }

    bool is(std::size_t ahead, Opcode opcode) const {
        return at_ + ahead < steps_.size() && steps_[at_ + ahead].opcode == opcode;
    }
    std::size_t left() const { return steps_.size() - at_; }
    bool take(Opcode opcode) {
        if (!is(0, opcode)) return false;
        ++at_;
        return true;
    }

    NodePtr wrap(Fragment fragment, NodePtr node) {
        return node ? make(fragment, parts(std::move(node))) : nullptr;
    }
    NodePtr pair(Fragment fragment, NodePtr first, NodePtr second) {
        return first && second ? make(fragment, parts(std::move(first), std::move(second))) : nullptr;
    }

    /// One expression, or several of which all but the last are verified (and_v).
    NodePtr sequence(int depth) {
        NodePtr node = single(depth);
        if (!node || left() == 0) return node;
        for (const Opcode end :
             {Opcode::op_if, Opcode::op_else, Opcode::op_notif, Opcode::op_toaltstack, Opcode::op_swap}) {
            if (is(0, end)) return node;
        }
        return pair(Fragment::and_v, sequence(depth + 1), std::move(node));
    }

    NodePtr aside(int depth) {
        if (take(Opcode::op_fromaltstack)) {
            NodePtr node = sequence(depth + 1);
            return take(Opcode::op_toaltstack) ? wrap(Fragment::wrap_a, std::move(node)) : nullptr;
        }
        NodePtr node = sequence(depth + 1);
        return take(Opcode::op_swap) ? wrap(Fragment::wrap_s, std::move(node)) : nullptr;
    }

    NodePtr single(int depth) {
        if (left() == 0 || depth > kMaxDepth) return nullptr;
        if (take(Opcode::op_1)) return make(Fragment::just_1, {});
        if (take(Opcode::op_0)) return make(Fragment::just_0, {});
        if (steps_[at_].data.size() == key_size()) return key();
        if (is(0, Opcode::op_checksequenceverify)) return lock(Fragment::older);
        if (is(0, Opcode::op_checklocktimeverify)) return lock(Fragment::after);
        if (is_key_hash()) return key_hash();
        if (is_hash_lock()) return hash_lock();
        if (is(0, Opcode::op_checkmultisig)) return multi();
        if (left() >= 4 && is(0, Opcode::op_numequal)) return multi_a();
        if (take(Opcode::op_checksig)) return wrap(Fragment::wrap_c, single(depth + 1));
        if (take(Opcode::op_verify)) return wrap(Fragment::wrap_v, single(depth + 1));
        if (take(Opcode::op_0notequal)) return wrap(Fragment::wrap_n, single(depth + 1));
        if (left() >= 3 && is(0, Opcode::op_equal) && number_of(steps_[at_ + 1])) return threshold(depth);
        if (take(Opcode::op_endif)) return conditional(depth);
        if (take(Opcode::op_booland)) return both(Fragment::and_b, depth);
        if (take(Opcode::op_boolor)) return both(Fragment::or_b, depth);
        return nullptr;
    }

    NodePtr both(Fragment fragment, int depth) {
        NodePtr second = aside(depth + 1);
        if (!second) return nullptr;
        return pair(fragment, single(depth + 1), std::move(second));
    }

    bool is_key(const Bytes& key) const { return key.size() == key_size() && (in_tapscript() || key[0] == 2 || key[0] == 3); }

    NodePtr key() {
        Bytes bytes = steps_[at_++].data;
        if (!is_key(bytes)) return nullptr;
        return make(Fragment::pk_k, {}, 0, {add_key(std::move(bytes))});
    }

    bool is_key_hash() const {
        return left() >= 5 && is(0, Opcode::op_verify) && is(1, Opcode::op_equal) && is(3, Opcode::op_hash160) && is(4, Opcode::op_dup) &&
               steps_[at_ + 2].data.size() == kKeyHashSize;
    }
    NodePtr key_hash() {
        auto known = key_by_hash_ ? key_by_hash_(steps_[at_ + 2].data) : std::nullopt;
        if (!known || !is_key(*known)) return nullptr;
        at_ += 5;
        return make(Fragment::pk_h, {}, 0, {add_key(std::move(*known))});
    }

    NodePtr lock(Fragment fragment) {
        if (left() < 2) return nullptr;
        const auto number = number_of(steps_[at_ + 1]);
        if (!number || *number < 1 || *number > 0x7fffffff) return nullptr;
        at_ += 2;
        return make(fragment, {}, static_cast<std::uint32_t>(*number));
    }

    bool is_hash_lock() const {
        return left() >= 7 && is(0, Opcode::op_equal) && is(3, Opcode::op_verify) && is(4, Opcode::op_equal) &&
               number_of(steps_[at_ + 5]) == 32 && is(6, Opcode::op_size);
    }
    NodePtr hash_lock() {
        const Step& image = steps_[at_ + 1];
        const Opcode opcode = steps_[at_ + 2].opcode;
        Fragment fragment;
        std::size_t size = 32;
        switch (opcode) {
            case Opcode::op_sha256: fragment = Fragment::sha256; break;
            case Opcode::op_hash256: fragment = Fragment::hash256; break;
            case Opcode::op_ripemd160: fragment = Fragment::ripemd160, size = 20; break;
            case Opcode::op_hash160: fragment = Fragment::hash160, size = 20; break;
            default: return nullptr;
        }
        if (image.data.size() != size) return nullptr;
        at_ += 7;
        return make(fragment, {}, 0, {}, image.data);
    }

    NodePtr multi() {
        if (in_tapscript()) return nullptr;
        const auto count = left() >= 3 ? number_of(steps_[at_ + 1]) : std::nullopt;
        if (!count || *count < 1 || *count > kMaxPubkeysPerMultisig || left() < 3 + static_cast<std::size_t>(*count))
            return nullptr;
        const auto n = static_cast<std::size_t>(*count);
        std::vector<std::size_t> keys;
        for (std::size_t i = n; i-- > 0;) {
            if (!is_key(steps_[at_ + 2 + i].data)) return nullptr;
            keys.push_back(add_key(steps_[at_ + 2 + i].data));
        }
        const auto required = number_of(steps_[at_ + 2 + n]);
        if (!required || *required < 1 || *required > *count) return nullptr;
        at_ += 3 + n;
        return make(Fragment::multi, {}, static_cast<std::uint32_t>(*required), std::move(keys));
    }

    NodePtr multi_a() {
        if (!in_tapscript()) return nullptr;
        const auto required = number_of(steps_[at_ + 1]);
        if (!required) return nullptr;
        at_ += 2;
        std::vector<std::size_t> keys;
        while (left() >= 2 && is_key(steps_[at_ + 1].data)) {
            const bool first = is(0, Opcode::op_checksig);
            if (!first && !is(0, Opcode::op_checksigadd)) return nullptr;
            keys.push_back(add_key(steps_[at_ + 1].data));
            at_ += 2;
            if (!first) continue;
            if (keys.size() > kMaxKeysPerMultiA || *required < 1 || *required > static_cast<std::int64_t>(keys.size())) return nullptr;
            std::reverse(keys.begin(), keys.end());
            return make(Fragment::multi_a, {}, static_cast<std::uint32_t>(*required), std::move(keys));
        }
        return nullptr;
    }

    NodePtr threshold(int depth) {
        const auto required = number_of(steps_[at_ + 1]);
        if (*required < 1) return nullptr;
        at_ += 2;
        std::vector<NodePtr> subs;
        while (take(Opcode::op_add)) {
            subs.push_back(aside(depth + 1));
            if (!subs.back()) return nullptr;
        }
        subs.push_back(single(depth + 1));
        if (!subs.back() || *required > static_cast<std::int64_t>(subs.size())) return nullptr;
        std::reverse(subs.begin(), subs.end());
        return make(Fragment::thresh, std::move(subs), static_cast<std::uint32_t>(*required));
    }

    /// What ends with endif: or_i, andor, or_c, or_d, d: and j:.
    NodePtr conditional(int depth) {
        NodePtr last = sequence(depth + 1);
        if (!last) return nullptr;
        if (take(Opcode::op_else)) {
            NodePtr middle = sequence(depth + 1);
            if (!middle) return nullptr;
            if (take(Opcode::op_if)) return pair(Fragment::or_i, std::move(middle), std::move(last));
            if (!take(Opcode::op_notif)) return nullptr;
            NodePtr first = single(depth + 1);
            if (!first) return nullptr;
            auto subs = parts(std::move(first), std::move(last));
            subs.push_back(std::move(middle));
            return make(Fragment::andor, std::move(subs));
        }
        if (take(Opcode::op_if)) {
            if (take(Opcode::op_dup)) return wrap(Fragment::wrap_d, std::move(last));
            if (take(Opcode::op_0notequal) && take(Opcode::op_size)) return wrap(Fragment::wrap_j, std::move(last));
            return nullptr;
        }
        if (!take(Opcode::op_notif)) return nullptr;
        const Fragment fragment = take(Opcode::op_ifdup) ? Fragment::or_d : Fragment::or_c;
        return pair(fragment, single(depth + 1), std::move(last));
    }

    std::vector<Step> steps_;
    Context context_;
    const KeyByHash& key_by_hash_;
    std::vector<Bytes> keys_;
    std::size_t at_ = 0;
};

}  // namespace

std::optional<Decoded> decode(ByteSpan script, Context context, const KeyByHash& key_by_hash) {
    if (script.size() > kMaxScriptBytes) return std::nullopt;
    auto steps = backward_steps(script);
    if (!steps) return std::nullopt;
    Decoder decoder(std::move(*steps), context, key_by_hash);
    NodePtr node = decoder.decode();
    if (!node || !node->is_valid() || !node->type.has("B")) return std::nullopt;
    return Decoded{std::move(node), decoder.take_keys()};
}

}  // namespace cairn::light::miniscript
