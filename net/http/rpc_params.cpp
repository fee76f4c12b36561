#include "net/http/rpc_params.hpp"

#include <algorithm>
#include <charconv>

#include "consensus/base/hex.hpp"
#include "net/http/rpc_error.hpp"

namespace cairn::http {
namespace {

void expect(const UniValue& value, UniValue::VType type) {
    if (value.getType() == type) return;
    throw RpcError{rpc_code::kType, std::string("JSON value of type ") + type_name(value.getType()) +
                                        " is not of expected type " + type_name(type)};
}

}  // namespace

const char* type_name(UniValue::VType type) {
    switch (type) {
        case UniValue::VNULL: return "null";
        case UniValue::VBOOL: return "bool";
        case UniValue::VOBJ: return "object";
        case UniValue::VARR: return "array";
        case UniValue::VSTR: return "string";
        case UniValue::VNUM: return "number";
    }
    return "unknown";
}

const std::string& as_string(const UniValue& value) {
    expect(value, UniValue::VSTR);
    return value.getValStr();
}

bool as_bool(const UniValue& value) {
    expect(value, UniValue::VBOOL);
    return value.isTrue();
}

double as_real(const UniValue& value) {
    expect(value, UniValue::VNUM);
    const std::string& text = value.getValStr();
    double result = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
    if (error != std::errc{} || end != text.data() + text.size()) throw RpcError{rpc_code::kMisc, "JSON double out of range"};
    return result;
}

const UniValue& as_array(const UniValue& value) {
    expect(value, UniValue::VARR);
    return value;
}

const UniValue& as_object(const UniValue& value) {
    expect(value, UniValue::VOBJ);
    return value;
}

std::int64_t as_integer(const UniValue& value, std::int64_t low, std::int64_t high) {
    expect(value, UniValue::VNUM);
    const std::string& text = value.getValStr();
    std::int64_t result = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
    if (error != std::errc{} || end != text.data() + text.size() || result < low || result > high) {
        throw RpcError{rpc_code::kMisc, "JSON integer out of range"};
    }
    return result;
}

std::uint64_t as_uint64(const UniValue& value) {
    expect(value, UniValue::VNUM);
    const std::string& text = value.getValStr();
    std::uint64_t result = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
    if (error != std::errc{} || end != text.data() + text.size()) throw RpcError{rpc_code::kMisc, "JSON integer out of range"};
    return result;
}

const UniValue& member(const UniValue& object, const std::string& name) {
    static const UniValue kNull;
    if (!object.isObject()) return kNull;
    const auto& keys = object.getKeys();
    const auto it = std::find(keys.begin(), keys.end(), name);
    return it == keys.end() ? kNull : object.getValues()[static_cast<std::size_t>(it - keys.begin())];
}

Uint256 as_hash(const UniValue& value, std::string_view name) {
    const std::string& text = as_string(value);
    if (const auto hash = Uint256::from_display_hex(text)) return *hash;
    const std::string label(name);
    if (text.size() != 64) {
        throw RpcError{rpc_code::kInvalidParameter,
                       label + " must be of length 64 (not " + std::to_string(text.size()) + ", for '" + text + "')"};
    }
    throw RpcError{rpc_code::kInvalidParameter, label + " must be hexadecimal string (not '" + text + "')"};
}

Bytes as_hex_bytes(const UniValue& value, std::string_view name) {
    const std::string text = value.isStr() ? value.getValStr() : "";
    auto bytes = text.empty() ? std::nullopt : from_hex(text);
    if (!bytes) {
        throw RpcError{rpc_code::kInvalidParameter, std::string(name) + " must be hexadecimal string (not '" + text + "')"};
    }
    return std::move(*bytes);
}

bool parse_fixed_point(std::string_view text, int decimals, std::int64_t& out) {
    // [-] digits [. digits] [e [+-] digits], no leading zeros; the result needs at most 18 digits.
    constexpr std::int64_t kUpperBound = 1'000'000'000'000'000'000 - 1;
    std::size_t at = 0;
    const auto digit = [&] { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
    const bool negative = at < text.size() && text[at] == '-';
    if (negative) ++at;
    if (!digit()) return false;
    std::int64_t mantissa = 0;
    std::int64_t exponent = 0;
    std::int64_t point_offset = 0;
    int trailing_zeros = 0;
    const auto push = [&](char c) {
        if (c == '0') {
            ++trailing_zeros;
            return true;
        }
        for (int i = 0; i <= trailing_zeros; ++i) {
            if (mantissa > kUpperBound / 10) return false;
            mantissa *= 10;
        }
        mantissa += c - '0';
        trailing_zeros = 0;
        return true;
    };
    if (text[at] == '0') {
        ++at;
    } else {
        while (digit()) {
            if (!push(text[at])) return false;
            ++at;
        }
    }
    if (at < text.size() && text[at] == '.') {
        ++at;
        if (!digit()) return false;
        while (digit()) {
            if (!push(text[at])) return false;
            ++at;
            ++point_offset;
        }
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        bool exponent_negative = false;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) exponent_negative = text[at++] == '-';
        if (!digit()) return false;
        while (digit()) {
            if (exponent > kUpperBound / 10) return false;
            exponent = exponent * 10 + (text[at++] - '0');
        }
        if (exponent_negative) exponent = -exponent;
    }
    if (at != text.size()) return false;
    exponent = exponent - point_offset + trailing_zeros + decimals;
    if (negative) mantissa = -mantissa;
    if (exponent < 0 || exponent >= 18) return false;
    for (std::int64_t i = 0; i < exponent; ++i) {
        if (mantissa > kUpperBound / 10 || mantissa < -(kUpperBound / 10)) return false;
        mantissa *= 10;
    }
    if (mantissa > kUpperBound || mantissa < -kUpperBound) return false;
    out = mantissa;
    return true;
}

Amount as_amount(const UniValue& value, int decimals) {
    if (!value.isNum() && !value.isStr()) throw RpcError{rpc_code::kType, "Amount is not a number or string"};
    std::int64_t amount = 0;
    if (!parse_fixed_point(value.getValStr(), decimals, amount)) throw RpcError{rpc_code::kType, "Invalid amount"};
    if (!money_range(amount)) throw RpcError{rpc_code::kType, "Amount out of range"};
    return amount;
}

int as_verbosity(const UniValue& value, int default_verbosity, bool allow_bool) {
    if (value.isNull()) return default_verbosity;
    if (!value.isBool()) return as_int<int>(value);
    if (!allow_bool) throw RpcError{rpc_code::kType, "Verbosity was boolean but only integer allowed"};
    return value.isTrue() ? 1 : 0;
}

void check_object_types(const UniValue& object, const std::vector<ExpectedType>& expected, bool allow_null, bool strict) {
    for (const ExpectedType& wanted : expected) {
        const UniValue& found = member(object, wanted.name);
        if (!allow_null && found.isNull()) throw RpcError{rpc_code::kType, "Missing " + wanted.name};
        if (wanted.any || found.getType() == wanted.type || (allow_null && found.isNull())) continue;
        throw RpcError{rpc_code::kType, "JSON value of type " + std::string(type_name(found.getType())) + " for field " +
                                            wanted.name + " is not of expected type " + type_name(wanted.type)};
    }
    if (!strict) return;
    for (const std::string& key : object.getKeys()) {
        const bool known = std::any_of(expected.begin(), expected.end(), [&](const auto& e) { return e.name == key; });
        if (!known) throw RpcError{rpc_code::kType, "Unexpected key " + key};
    }
}

}  // namespace cairn::http
