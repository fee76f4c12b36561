#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <univalue.h>

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"
#include "consensus/primitives/amount.hpp"

/// Taking values out of a request. Each throws RpcError with Bitcoin Core's code and words when the value is not of that kind.
namespace cairn::http {

/// null, object, array, string, number or bool.
const char* type_name(UniValue::VType type);

const std::string& as_string(const UniValue& value);
bool as_bool(const UniValue& value);
double as_real(const UniValue& value);
/// The value itself, once it is known to be an array (or object).
const UniValue& as_array(const UniValue& value);
const UniValue& as_object(const UniValue& value);
/// A whole number within [low, high], "JSON integer out of range" otherwise.
std::int64_t as_integer(const UniValue& value, std::int64_t low, std::int64_t high);
/// `as_int<int>(value)`.
template <class T>
T as_int(const UniValue& value) {
    static_assert(std::numeric_limits<T>::digits <= 63);
    return static_cast<T>(as_integer(value, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}
std::uint64_t as_uint64(const UniValue& value);

/// A member of an object, or null when it has none of that name.
const UniValue& member(const UniValue& object, const std::string& name);

/// 64 hex digits in display order; `name` appears in the error text.
Uint256 as_hash(const UniValue& value, std::string_view name);
/// An even number of hex digits, at least two; `name` appears in the error text.
Bytes as_hex_bytes(const UniValue& value, std::string_view name);
/// Bitcoins (number or string) as satoshis: "Amount is not a number or string", "Invalid amount", "Amount out of range".
Amount as_amount(const UniValue& value, int decimals = 8);
/// Verbosity levels that began as a boolean. A bool where none is allowed: "Verbosity was boolean but only integer allowed".
int as_verbosity(const UniValue& value, int default_verbosity, bool allow_bool);

/// What one member of an object must be.
struct ExpectedType {
    std::string name;
    UniValue::VType type = UniValue::VNULL;
    bool any = false;
};
/// Checks the members of `object`. `strict`: no other keys ("Unexpected key x"); `allow_null`: a member may be absent.
void check_object_types(const UniValue& object, const std::vector<ExpectedType>& expected, bool allow_null, bool strict);

/// Like Bitcoin Core's ParseFixedPoint: decimal text to an integer scaled by 10^decimals; false when it is no such number.
bool parse_fixed_point(std::string_view text, int decimals, std::int64_t& out);

}  // namespace cairn::http
