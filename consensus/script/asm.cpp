#include "consensus/script/asm.hpp"

#include <algorithm>
#include <charconv>

#include "consensus/base/hex.hpp"
#include "consensus/script/number.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/signature_encoding.hpp"

namespace cairn {
namespace {

constexpr std::size_t kLargestPushShownAsNumber = 4;
constexpr std::int64_t kLargestParsedNumber = 0xffffffff;
constexpr std::string_view kSeparators = " \t\n";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_decimal(std::string_view word) {
    if (word.size() > 1 && word[0] == '-') word.remove_prefix(1);
    return !word.empty() && std::all_of(word.begin(), word.end(), is_digit);
}

void append_push(std::string& out, ByteSpan data, bool decode_sighash) {
    if (data.size() <= kLargestPushShownAsNumber) {
        out += std::to_string(*decode_script_number(data, false));
        return;
    }
    std::string_view hash_type;
    if (decode_sighash && check_signature_encoding(data, ScriptFlag::strictenc) == ScriptError::ok) {
        hash_type = sighash_name(data.back());
        if (!hash_type.empty()) data = data.first(data.size() - 1);
    }
    append_hex(out, data);
    if (!hash_type.empty()) out.append("[").append(hash_type).append("]");
}

Result<void, std::string> parse_word(std::string_view word, ScriptBuilder& out) {
    if (is_decimal(word)) {
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        if (error != std::errc() || number > kLargestParsedNumber || number < -kLargestParsedNumber) {
            return fail(
                std::string("script parse error: decimal numeric value only allowed in the "
                            "range -0xFFFFFFFF...0xFFFFFFFF"));
        }
        out.number(number);
        return {};
    }
    if (word.starts_with("0x") && is_hex(word.substr(2))) {
        out.raw(*from_hex(word.substr(2)));
        return {};
    }
    if (word.size() >= 2 && word.front() == '\'' && word.back() == '\'') {
        out.push(as_bytes(word.substr(1, word.size() - 2)));
        return {};
    }
    const auto opcode = opcode_by_name(word);
    if (!opcode) return fail(std::string("script parse error: unknown opcode"));
    out.op(*opcode);
    return {};
}

}  // namespace

std::string script_to_asm(ByteSpan script, bool decode_sighash) {
    // Data behind op_return may look like a signature but is none.
    decode_sighash = decode_sighash && !is_unspendable(script);
    std::string out;
    ScriptReader reader(script);
    Instruction instruction;
    while (!reader.at_end()) {
        if (!out.empty()) out += ' ';
        if (!reader.next(instruction)) return out += "[error]";
        if (is_push_data(instruction.opcode)) {
            append_push(out, instruction.data, decode_sighash);
        } else {
            out += opcode_name(instruction.opcode);
        }
    }
    return out;
}

std::string format_script(ByteSpan script) {
    std::string out;
    const auto append_raw = [&](ByteSpan bytes) {
        out += "0x";
        append_hex(out, bytes);
    };
    ScriptReader reader(script);
    Instruction instruction;
    while (!reader.at_end()) {
        const std::size_t start = reader.position();
        if (!out.empty()) out += ' ';
        if (!reader.next(instruction)) {
            append_raw(script.subspan(start));
            break;
        }
        const std::string_view name = opcode_name(instruction.opcode);
        if (instruction.opcode == Opcode::op_0 || instruction.opcode == Opcode::op_1negate ||
            is_small_integer(instruction.opcode)) {
            out += name;
        } else if (instruction.opcode >= Opcode::op_nop && instruction.opcode <= Opcode::op_nop10) {
            out += name.substr(3);
        } else {
            const std::size_t prefix = reader.position() - start - instruction.data.size();
            append_raw(script.subspan(start, prefix));
            if (instruction.data.empty()) continue;
            out += ' ';
            append_raw(instruction.data);
        }
    }
    return out;
}

Result<Bytes, std::string> parse_script(std::string_view text) {
    ScriptBuilder builder;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(kSeparators), text.size());
        if (end > 0) {
            if (auto parsed = parse_word(text.substr(0, end), builder); !parsed) return fail(parsed.error());
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return builder.take();
}

std::string_view sighash_name(std::uint8_t hash_type) {
    switch (hash_type) {
        case kSighashAll: return "ALL";
        case kSighashNone: return "NONE";
        case kSighashSingle: return "SINGLE";
        case kSighashAll | kSighashAnyoneCanPay: return "ALL|ANYONECANPAY";
        case kSighashNone | kSighashAnyoneCanPay: return "NONE|ANYONECANPAY";
        case kSighashSingle | kSighashAnyoneCanPay: return "SINGLE|ANYONECANPAY";
        default: return {};
    }
}

}  // namespace cairn
