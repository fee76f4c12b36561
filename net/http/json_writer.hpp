#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"
#include "consensus/primitives/amount.hpp"

namespace cairn::http {

/// Appends `text` as a JSON string with its quotes. Bytes of UTF-8 pass through; control characters and quotes are escaped.
void append_json_string(std::string& out, std::string_view text);

/// Writes JSON as text, from left to right, without ever building a tree.
///
/// Shape: `w.begin_object(); w.field("height", 5); w.key("tx"); w.begin_array(); w.string("ab"); w.end_array(); w.end_object();`
/// Commas and colons come by themselves. Writing a value where a key belongs is a bug of ours and aborts.
/// Thread: the one that made it.
class JsonWriter {
public:
    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();
    JsonWriter& key(std::string_view name);

    JsonWriter& null();
    JsonWriter& boolean(bool value);
    JsonWriter& string(std::string_view text);
    template <std::integral T>
    JsonWriter& number(T value) {
        if constexpr (std::signed_integral<T>) return signed_number(value);
        else return unsigned_number(value);
    }
    /// A floating point number with up to 16 significant digits, as Bitcoin Core prints difficulty.
    JsonWriter& number(double value);
    /// Satoshis as bitcoins with eight decimals: 0.00000001.
    JsonWriter& amount(Amount satoshis);
    /// Bytes as a string of lower-case hexadecimal.
    JsonWriter& hex(ByteSpan bytes);
    /// A hash in display order.
    JsonWriter& hash(const Uint256& value);
    /// Text that is JSON already.
    JsonWriter& raw(std::string_view json);

    JsonWriter& value(bool b) { return boolean(b); }
    JsonWriter& value(std::string_view text) { return string(text); }
    JsonWriter& value(const std::string& text) { return string(text); }
    JsonWriter& value(const char* text) { return string(text); }
    JsonWriter& value(double d) { return number(d); }
    JsonWriter& value(const Uint256& h) { return hash(h); }
    template <std::integral T>
        requires(!std::same_as<T, bool>)
    JsonWriter& value(T v) { return number(v); }

    /// key + value.
    template <class T>
    JsonWriter& field(std::string_view name, const T& v) { return key(name).value(v); }
    JsonWriter& amount_field(std::string_view name, Amount satoshis) { return key(name).amount(satoshis); }
    JsonWriter& hex_field(std::string_view name, ByteSpan bytes) { return key(name).hex(bytes); }

    /// Everything written so far; complete JSON once every begin has its end.
    const std::string& text() const { return out_; }
    std::string take() { return std::move(out_); }
    bool complete() const { return stack_.empty() && !out_.empty(); }

    /// A place to come back to when what follows turns out not to be wanted.
    struct Mark {
        std::size_t size;
        bool top_empty, top_key_written;
        std::size_t depth;
    };
    Mark mark() const;
    void roll_back(const Mark& mark);
    std::size_t depth() const { return stack_.size(); }

private:
    JsonWriter& signed_number(std::int64_t value);
    JsonWriter& unsigned_number(std::uint64_t value);
    void before_value();
    void close(char kind, char bracket);

    struct Level {
        char kind;            ///< '{' or '['
        bool empty = true;
        bool key_written = false;
    };
    std::string out_;
    std::vector<Level> stack_;
};

}  // namespace cairn::http
