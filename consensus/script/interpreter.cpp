#include "consensus/script/interpreter.hpp"

#include <algorithm>

#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/ripemd160.hpp"
#include "consensus/crypto/sha1.hpp"
#include "consensus/script/detail/condition_stack.hpp"
#include "consensus/script/number.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/signature_encoding.hpp"

namespace cairn {
namespace {

using enum Opcode;

constexpr std::int64_t kWeightPerSignature = 50;                      // BIP342
constexpr std::int64_t kSequenceDisableFlag = std::int64_t{1} << 31;  // BIP112

constexpr std::uint8_t kTrueByte[] = {1};

StackItem bool_item(bool value) {
    return value ? StackItem::view(kTrueByte) : StackItem();
}
StackItem number_item(std::int64_t value) {
    return StackItem::copy(encode_script_number(value).span());
}

/// CVE-2010-5137: these fail a script even where they are not reached (outside tapscript, where most are op_success).
constexpr bool is_disabled(Opcode opcode) {
    switch (opcode) {
        case op_cat:
        case op_substr:
        case op_left:
        case op_right:
        case op_invert:
        case op_and:
        case op_or:
        case op_xor:
        case op_2mul:
        case op_2div:
        case op_mul:
        case op_div:
        case op_mod:
        case op_lshift:
        case op_rshift: return true;
        default: return false;
    }
}

/// Items that opcodes of stack, comparison, arithmetic and hashing need before they look at anything.
constexpr std::size_t needed_items(Opcode opcode) {
    switch (opcode) {
        case op_2over:
        case op_2swap: return 4;
        case op_2rot: return 6;
        case op_3dup:
        case op_rot:
        case op_within: return 3;
        case op_2drop:
        case op_2dup:
        case op_nip:
        case op_over:
        case op_pick:
        case op_roll:
        case op_swap:
        case op_tuck:
        case op_equal:
        case op_equalverify: return 2;
        case op_fromaltstack:
        case op_depth: return 0;
        default: return opcode >= op_add && opcode <= op_max ? 2 : 1;
    }
}

class Interpreter {
public:
    Interpreter(ScriptStack& stack, ByteSpan script, ScriptFlags flags, const SignatureChecker& checker,
                SigVersion version, TaprootContext& context)
        : stack_(stack),
          script_(script),
          reader_(script),
          flags_(flags),
          checker_(checker),
          version_(version),
          context_(context),
          minimal_(flags.has(ScriptFlag::minimaldata)) {}

    ScriptError run();

private:
    bool tapscript() const { return version_ == SigVersion::tapscript; }

    // Counted from the top: 1 is the top.
    StackItem& top(std::size_t depth) { return stack_[stack_.size() - depth]; }
    auto at(std::size_t depth) { return stack_.end() - static_cast<std::ptrdiff_t>(depth); }
    std::optional<std::int64_t> number(std::size_t depth, std::size_t max_size = kScriptNumberSize) {
        return decode_script_number(top(depth).span(), minimal_, max_size);
    }
    void push(const StackItem& item) { stack_.push_back(item); }
    void pop(std::size_t count = 1) { stack_.resize(stack_.size() - count); }
    /// Leaves the answer on the stack, or for a …VERIFY opcode fails with `error` when it is no.
    ScriptError conclude(bool answer, bool verify, ScriptError error) {
        if (!verify) push(bool_item(answer));
        return !verify || answer ? ScriptError::ok : error;
    }

    ScriptError step(const Instruction& instruction);
    ScriptError execute(Opcode opcode, bool executing);
    ScriptError run_flow(Opcode opcode, bool executing);
    ScriptError run_if(Opcode opcode, bool executing);
    ScriptError run_lock_time();
    ScriptError run_sequence();
    ScriptError run_stack(Opcode opcode);
    ScriptError run_pick(bool roll);
    ScriptError run_unary(Opcode opcode);
    ScriptError run_binary(Opcode opcode);
    ScriptError run_within();
    ScriptError run_hash(Opcode opcode);
    ScriptError run_checksig(bool verify);
    ScriptError run_checksigadd();
    ScriptError run_multisig(bool verify);

    ScriptError check_signature(ByteSpan signature, ByteSpan pubkey, bool& valid);
    ScriptError check_tapscript_signature(ByteSpan signature, ByteSpan pubkey, bool& valid);
    ScriptError delete_signature(ByteSpan signature, ByteSpan& script_code, Bytes& storage) const;
    ScriptError match_multisig(std::size_t signature, std::size_t signatures, std::size_t key, std::size_t keys,
                               ByteSpan script_code, bool& valid);

    ScriptStack& stack_;
    ByteSpan script_;
    ScriptReader reader_;
    ScriptFlags flags_;
    const SignatureChecker& checker_;
    SigVersion version_;
    TaprootContext& context_;
    bool minimal_;

    ScriptStack alt_stack_;
    ConditionStack conditions_;
    std::size_t code_start_ = 0;  // behind the last op_codeseparator that ran
    std::uint32_t position_ = 0;  // index of the current opcode
    int op_count_ = 0;
};

ScriptError Interpreter::run() {
    if (!tapscript() && script_.size() > kMaxScriptSize) return ScriptError::script_size;
    context_.codeseparator_position = 0xffffffff;
    Instruction instruction;
    for (; !reader_.at_end(); ++position_) {
        if (!reader_.next(instruction)) return ScriptError::bad_opcode;
        if (const ScriptError error = step(instruction); error != ScriptError::ok) return error;
        if (stack_.size() + alt_stack_.size() > kMaxStackSize) return ScriptError::stack_size;
    }
    return conditions_.empty() ? ScriptError::ok : ScriptError::unbalanced_conditional;
}

ScriptError Interpreter::step(const Instruction& instruction) {
    const Opcode opcode = instruction.opcode;
    const bool executing = conditions_.all_true();
    if (instruction.data.size() > kMaxScriptElementSize) return ScriptError::push_size;
    if (!tapscript() && opcode > op_16 && ++op_count_ > kMaxOpsPerScript) return ScriptError::op_count;
    if (is_disabled(opcode)) return ScriptError::disabled_opcode;
    if (opcode == op_codeseparator && version_ == SigVersion::base && flags_.has(ScriptFlag::const_scriptcode)) {
        return ScriptError::op_codeseparator;
    }
    if (is_push_data(opcode)) {
        if (!executing) return ScriptError::ok;
        if (minimal_ && !is_minimal_push(instruction.data, opcode)) return ScriptError::minimaldata;
        push(StackItem::view(instruction.data));
        return ScriptError::ok;
    }
    if (!executing && (opcode < op_if || opcode > op_endif)) return ScriptError::ok;
    return execute(opcode, executing);
}

ScriptError Interpreter::execute(Opcode opcode, bool executing) {
    switch (opcode) {
        case op_codeseparator:
            code_start_ = reader_.position();
            context_.codeseparator_position = position_;
            return ScriptError::ok;
        case op_checksig:
        case op_checksigverify: return run_checksig(opcode == op_checksigverify);
        case op_checksigadd: return run_checksigadd();
        case op_checkmultisig:
        case op_checkmultisigverify: return run_multisig(opcode == op_checkmultisigverify);
        case op_1negate: push(number_item(-1)); return ScriptError::ok;
        case op_checklocktimeverify: return run_lock_time();
        case op_checksequenceverify: return run_sequence();
        default: break;
    }
    if (is_small_integer(opcode)) {
        push(number_item(small_integer(opcode)));
        return ScriptError::ok;
    }
    if (opcode >= op_nop && opcode <= op_return) return run_flow(opcode, executing);
    if (opcode >= op_nop1 && opcode <= op_nop10) {
        return flags_.has(ScriptFlag::discourage_upgradable_nops) ? ScriptError::discourage_upgradable_nops
                                                                  : ScriptError::ok;
    }
    if (opcode < op_toaltstack || opcode > op_hash256 || opcode == op_reserved1 || opcode == op_reserved2) {
        return ScriptError::bad_opcode;
    }
    if (stack_.size() < needed_items(opcode)) return ScriptError::invalid_stack_operation;
    if (opcode <= op_equalverify) return run_stack(opcode);
    if (opcode <= op_0notequal) return run_unary(opcode);
    if (opcode <= op_max) return run_binary(opcode);
    return opcode == op_within ? run_within() : run_hash(opcode);
}

ScriptError Interpreter::run_flow(Opcode opcode, bool executing) {
    switch (opcode) {
        case op_nop: return ScriptError::ok;
        case op_if:
        case op_notif: return run_if(opcode, executing);
        case op_else:
            if (conditions_.empty()) return ScriptError::unbalanced_conditional;
            conditions_.toggle();
            return ScriptError::ok;
        case op_endif:
            if (conditions_.empty()) return ScriptError::unbalanced_conditional;
            conditions_.pop();
            return ScriptError::ok;
        case op_verify:
            if (stack_.empty()) return ScriptError::invalid_stack_operation;
            if (!cast_to_bool(top(1).span())) return ScriptError::verify;
            pop();
            return ScriptError::ok;
        case op_return: return ScriptError::op_return;
        default: return ScriptError::bad_opcode;
    }
}

ScriptError Interpreter::run_if(Opcode opcode, bool executing) {
    bool value = false;
    if (executing) {
        if (stack_.empty()) return ScriptError::invalid_stack_operation;
        const ByteSpan condition = top(1).span();
        const bool minimal = condition.empty() || (condition.size() == 1 && condition[0] == 1);
        if (!minimal && tapscript()) return ScriptError::tapscript_minimalif;
        if (!minimal && version_ == SigVersion::witness_v0 && flags_.has(ScriptFlag::minimalif))
            return ScriptError::minimalif;
        value = cast_to_bool(condition) == (opcode == op_if);
        pop();
    }
    conditions_.push(value);
    return ScriptError::ok;
}

ScriptError Interpreter::run_lock_time() {
    if (!flags_.has(ScriptFlag::checklocktimeverify)) return ScriptError::ok;
    if (stack_.empty()) return ScriptError::invalid_stack_operation;
    const auto lock_time = number(1, kLockTimeNumberSize);
    if (!lock_time) return ScriptError::scriptnum;
    if (*lock_time < 0) return ScriptError::negative_locktime;
    return checker_.check_lock_time(*lock_time) ? ScriptError::ok : ScriptError::unsatisfied_locktime;
}

ScriptError Interpreter::run_sequence() {
    if (!flags_.has(ScriptFlag::checksequenceverify)) return ScriptError::ok;
    if (stack_.empty()) return ScriptError::invalid_stack_operation;
    const auto sequence = number(1, kLockTimeNumberSize);
    if (!sequence) return ScriptError::scriptnum;
    if (*sequence < 0) return ScriptError::negative_locktime;
    if ((*sequence & kSequenceDisableFlag) != 0) return ScriptError::ok;
    return checker_.check_sequence(*sequence) ? ScriptError::ok : ScriptError::unsatisfied_locktime;
}

ScriptError Interpreter::run_stack(Opcode opcode) {
    switch (opcode) {
        case op_toaltstack:
            alt_stack_.push_back(top(1));
            pop();
            break;
        case op_fromaltstack:
            if (alt_stack_.empty()) return ScriptError::invalid_altstack_operation;
            push(alt_stack_.back());
            alt_stack_.pop_back();
            break;
        case op_2drop: pop(2); break;
        case op_2dup:
        case op_3dup: {
            const std::size_t count = opcode == op_2dup ? 2 : 3;
            for (std::size_t i = 0; i < count; ++i) push(StackItem(top(count)));
            break;
        }
        case op_2over:
            for (int i = 0; i < 2; ++i) push(StackItem(top(4)));
            break;
        case op_2rot: std::rotate(at(6), at(4), at(0)); break;
        case op_2swap: std::rotate(at(4), at(2), at(0)); break;
        case op_ifdup:
            if (cast_to_bool(top(1).span())) push(StackItem(top(1)));
            break;
        case op_depth: push(number_item(static_cast<std::int64_t>(stack_.size()))); break;
        case op_drop: pop(); break;
        case op_dup: push(StackItem(top(1))); break;
        case op_nip: stack_.erase(at(2)); break;
        case op_over: push(StackItem(top(2))); break;
        case op_pick:
        case op_roll: return run_pick(opcode == op_roll);
        case op_rot: std::rotate(at(3), at(2), at(0)); break;
        case op_swap: std::swap(top(1), top(2)); break;
        case op_tuck: stack_.insert(at(2), StackItem(top(1))); break;
        case op_size: push(number_item(static_cast<std::int64_t>(top(1).size()))); break;
        case op_equal:
        case op_equalverify: {
            const bool equal = std::ranges::equal(top(1).span(), top(2).span());
            pop(2);
            return conclude(equal, opcode == op_equalverify, ScriptError::equalverify);
        }
        default: return ScriptError::bad_opcode;
    }
    return ScriptError::ok;
}

ScriptError Interpreter::run_pick(bool roll) {
    const auto depth = number(1);
    if (!depth) return ScriptError::scriptnum;
    pop();
    if (*depth < 0 || *depth >= static_cast<std::int64_t>(stack_.size())) return ScriptError::invalid_stack_operation;
    const auto place = at(static_cast<std::size_t>(*depth) + 1);
    const StackItem item = *place;
    if (roll) stack_.erase(place);
    push(item);
    return ScriptError::ok;
}

ScriptError Interpreter::run_unary(Opcode opcode) {
    const auto operand = number(1);
    if (!operand) return ScriptError::scriptnum;
    std::int64_t value = *operand;
    switch (opcode) {
        case op_1add: ++value; break;
        case op_1sub: --value; break;
        case op_negate: value = -value; break;
        case op_abs: value = value < 0 ? -value : value; break;
        case op_not: value = value == 0; break;
        case op_0notequal: value = value != 0; break;
        default: return ScriptError::bad_opcode;
    }
    top(1) = number_item(value);
    return ScriptError::ok;
}

ScriptError Interpreter::run_binary(Opcode opcode) {
    const auto first = number(2);
    const auto second = number(1);
    if (!first || !second) return ScriptError::scriptnum;
    const std::int64_t a = *first;
    const std::int64_t b = *second;
    std::int64_t value = 0;
    switch (opcode) {
        case op_add: value = a + b; break;
        case op_sub: value = a - b; break;
        case op_booland: value = a != 0 && b != 0; break;
        case op_boolor: value = a != 0 || b != 0; break;
        case op_numequal:
        case op_numequalverify: value = a == b; break;
        case op_numnotequal: value = a != b; break;
        case op_lessthan: value = a < b; break;
        case op_greaterthan: value = a > b; break;
        case op_lessthanorequal: value = a <= b; break;
        case op_greaterthanorequal: value = a >= b; break;
        case op_min: value = std::min(a, b); break;
        case op_max: value = std::max(a, b); break;
        default: return ScriptError::bad_opcode;
    }
    pop(2);
    if (opcode == op_numequalverify) return conclude(value != 0, true, ScriptError::numequalverify);
    push(number_item(value));
    return ScriptError::ok;
}

ScriptError Interpreter::run_within() {
    const auto value = number(3);
    const auto low = number(2);
    const auto high = number(1);
    if (!value || !low || !high) return ScriptError::scriptnum;
    pop(3);
    push(bool_item(*low <= *value && *value < *high));
    return ScriptError::ok;
}

ScriptError Interpreter::run_hash(Opcode opcode) {
    const ByteSpan input = top(1).span();
    StackItem output;
    switch (opcode) {
        case op_ripemd160: output = StackItem::copy(ripemd160(input)); break;
        case op_sha1: output = StackItem::copy(sha1(input)); break;
        case op_sha256: output = StackItem::copy(sha256(input).span()); break;
        case op_hash160: output = StackItem::copy(hash160(input)); break;
        case op_hash256: output = StackItem::copy(hash256(input).span()); break;
        default: return ScriptError::bad_opcode;
    }
    top(1) = output;
    return ScriptError::ok;
}

ScriptError Interpreter::delete_signature(ByteSpan signature, ByteSpan& script_code, Bytes& storage) const {
    if (version_ != SigVersion::base) return ScriptError::ok;
    const std::size_t size_before = script_code.size();
    // A push of the signature cannot stand in a script shorter than itself; most scripts are.
    if (signature.size() >= size_before) return ScriptError::ok;
    script_code = find_and_delete(script_code, ScriptBuilder().push(signature).script(), storage);
    const bool found = script_code.size() != size_before;
    return found && flags_.has(ScriptFlag::const_scriptcode) ? ScriptError::sig_findanddelete : ScriptError::ok;
}

ScriptError Interpreter::check_signature(ByteSpan signature, ByteSpan pubkey, bool& valid) {
    if (tapscript()) return check_tapscript_signature(signature, pubkey, valid);
    ByteSpan script_code = script_.subspan(code_start_);
    Bytes storage;
    if (const auto error = delete_signature(signature, script_code, storage); error != ScriptError::ok) return error;
    if (const auto error = check_signature_encoding(signature, flags_); error != ScriptError::ok) return error;
    if (const auto error = check_pubkey_encoding(pubkey, flags_, version_); error != ScriptError::ok) return error;
    valid = checker_.check_ecdsa(signature, pubkey, script_code, version_);
    return !valid && !signature.empty() && flags_.has(ScriptFlag::nullfail) ? ScriptError::sig_nullfail
                                                                            : ScriptError::ok;
}

/// BIP342: the budget comes first, then the kind of key; a signature that is not empty must be valid.
ScriptError Interpreter::check_tapscript_signature(ByteSpan signature, ByteSpan pubkey, bool& valid) {
    valid = !signature.empty();
    if (valid) {
        context_.validation_weight_left -= kWeightPerSignature;
        if (context_.validation_weight_left < 0) return ScriptError::tapscript_validation_weight;
    }
    if (pubkey.empty()) return ScriptError::tapscript_empty_pubkey;
    if (pubkey.size() == 32)
        return valid ? checker_.check_schnorr(signature, pubkey, version_, context_) : ScriptError::ok;
    return flags_.has(ScriptFlag::discourage_upgradable_pubkeytype) ? ScriptError::discourage_upgradable_pubkeytype
                                                                    : ScriptError::ok;
}

ScriptError Interpreter::run_checksig(bool verify) {
    if (stack_.size() < 2) return ScriptError::invalid_stack_operation;
    bool valid = false;
    const ScriptError error = check_signature(top(2).span(), top(1).span(), valid);
    if (error != ScriptError::ok) return error;
    pop(2);
    return conclude(valid, verify, ScriptError::checksigverify);
}

ScriptError Interpreter::run_checksigadd() {
    if (!tapscript()) return ScriptError::bad_opcode;
    if (stack_.size() < 3) return ScriptError::invalid_stack_operation;
    const auto count = number(2);
    if (!count) return ScriptError::scriptnum;
    bool valid = false;
    const ScriptError error = check_signature(top(3).span(), top(1).span(), valid);
    if (error != ScriptError::ok) return error;
    pop(3);
    push(number_item(*count + (valid ? 1 : 0)));
    return ScriptError::ok;
}

/// Stack from the top: number of keys, keys, number of signatures, signatures, and one more item that a bug of old
/// eats.
ScriptError Interpreter::run_multisig(bool verify) {
    if (tapscript()) return ScriptError::tapscript_checkmultisig;
    if (stack_.empty()) return ScriptError::invalid_stack_operation;
    const auto key_count = number(1);
    if (!key_count) return ScriptError::scriptnum;
    if (*key_count < 0 || *key_count > kMaxPubkeysPerMultisig) return ScriptError::pubkey_count;
    op_count_ += static_cast<int>(*key_count);
    if (op_count_ > kMaxOpsPerScript) return ScriptError::op_count;
    const auto keys = static_cast<std::size_t>(*key_count);
    constexpr std::size_t first_key = 2;
    const std::size_t signature_count_at = first_key + keys;
    if (stack_.size() < signature_count_at) return ScriptError::invalid_stack_operation;

    const auto signature_count = number(signature_count_at);
    if (!signature_count) return ScriptError::scriptnum;
    if (*signature_count < 0 || *signature_count > *key_count) return ScriptError::sig_count;
    const auto signatures = static_cast<std::size_t>(*signature_count);
    const std::size_t first_signature = signature_count_at + 1;
    const std::size_t dummy_at = first_signature + signatures;
    if (stack_.size() < dummy_at - 1) return ScriptError::invalid_stack_operation;

    ByteSpan script_code = script_.subspan(code_start_);
    Bytes storage;
    for (std::size_t i = 0; i < signatures; ++i) {
        const ScriptError error = delete_signature(top(first_signature + i).span(), script_code, storage);
        if (error != ScriptError::ok) return error;
    }
    bool valid = true;
    const ScriptError error = match_multisig(first_signature, signatures, first_key, keys, script_code, valid);
    if (error != ScriptError::ok) return error;

    if (!valid && flags_.has(ScriptFlag::nullfail)) {
        for (std::size_t i = 0; i < signatures; ++i) {
            if (!top(first_signature + i).empty()) return ScriptError::sig_nullfail;
        }
    }
    if (stack_.size() < dummy_at) return ScriptError::invalid_stack_operation;
    if (flags_.has(ScriptFlag::nulldummy) && !top(dummy_at).empty()) return ScriptError::sig_nulldummy;
    pop(dummy_at);
    return conclude(valid, verify, ScriptError::checkmultisigverify);
}

/// Each signature must fit a key, in order; keys may be left over. Which keys are looked at can be seen from outside
/// (their form may fail the script), so the order is fixed: from the top of the stack, one try a key.
ScriptError Interpreter::match_multisig(std::size_t signature, std::size_t signatures, std::size_t key,
                                        std::size_t keys, ByteSpan script_code, bool& valid) {
    valid = true;
    while (valid && signatures > 0) {
        const ByteSpan signature_bytes = top(signature).span();
        const ByteSpan pubkey = top(key).span();
        if (const auto error = check_signature_encoding(signature_bytes, flags_); error != ScriptError::ok)
            return error;
        if (const auto error = check_pubkey_encoding(pubkey, flags_, version_); error != ScriptError::ok) return error;
        if (checker_.check_ecdsa(signature_bytes, pubkey, script_code, version_)) {
            ++signature;
            --signatures;
        }
        ++key;
        --keys;
        valid = signatures <= keys;
    }
    return ScriptError::ok;
}

}  // namespace

bool cast_to_bool(ByteSpan value) {
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] != 0) return i + 1 != value.size() || value[i] != 0x80;
    }
    return false;
}

ScriptError eval_script(ScriptStack& stack, ByteSpan script, ScriptFlags flags, const SignatureChecker& checker,
                        SigVersion version, TaprootContext& context) {
    CAIRN_CHECK(version != SigVersion::taproot);
    return Interpreter(stack, script, flags, checker, version, context).run();
}

}  // namespace cairn
