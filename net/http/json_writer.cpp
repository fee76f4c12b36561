#include "net/http/json_writer.hpp"

#include <charconv>
#include <cstdio>

#include "consensus/base/check.hpp"
#include "consensus/base/hex.hpp"

namespace cairn::http {

namespace {

constexpr std::size_t kLargeText = 100'000, kRoomAfterLargeText = 8'000;

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\b': out += "\\b"; break;
            case '\f': out += "\\f"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (byte < 0x20 || byte == 0x7f) {
                    out += "\\u00";
                    out += kDigits[byte >> 4];
                    out += kDigits[byte & 15];
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

void JsonWriter::before_value() {
    if (stack_.empty()) return;
    Level& level = stack_.back();
    if (level.kind == '{') {
        CAIRN_CHECK(level.key_written);
        level.key_written = false;
    } else {
        if (!level.empty) out_ += ',';
        level.empty = false;
    }
}

void JsonWriter::close(char kind, char bracket) {
    CAIRN_CHECK(!stack_.empty() && stack_.back().kind == kind && !stack_.back().key_written);
    stack_.pop_back();
    out_ += bracket;
}

JsonWriter& JsonWriter::begin_object() {
    before_value();
    out_ += '{';
    stack_.push_back({'{'});
    return *this;
}

JsonWriter& JsonWriter::end_object() {
    close('{', '}');
    return *this;
}

JsonWriter& JsonWriter::begin_array() {
    before_value();
    out_ += '[';
    stack_.push_back({'['});
    return *this;
}

JsonWriter& JsonWriter::end_array() {
    close('[', ']');
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    CAIRN_CHECK(!stack_.empty() && stack_.back().kind == '{' && !stack_.back().key_written);
    Level& level = stack_.back();
    if (!level.empty) out_ += ',';
    level.empty = false;
    level.key_written = true;
    append_json_string(out_, name);
    out_ += ':';
    return *this;
}

JsonWriter& JsonWriter::null() { return raw("null"); }

JsonWriter& JsonWriter::boolean(bool value) { return raw(value ? "true" : "false"); }

JsonWriter& JsonWriter::string(std::string_view text) {
    before_value();
    append_json_string(out_, text);
    return *this;
}

JsonWriter& JsonWriter::number(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.16g", value);
    return raw(text);
}

JsonWriter& JsonWriter::signed_number(std::int64_t value) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    return raw({text, static_cast<std::size_t>(end - text)});
}

JsonWriter& JsonWriter::unsigned_number(std::uint64_t value) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    return raw({text, static_cast<std::size_t>(end - text)});
}

JsonWriter& JsonWriter::amount(Amount satoshis) {
    const bool negative = satoshis < 0;
    const std::uint64_t magnitude = negative ? 0 - static_cast<std::uint64_t>(satoshis) : static_cast<std::uint64_t>(satoshis);
    char text[40];
    std::snprintf(text, sizeof text, "%s%llu.%08llu", negative ? "-" : "",
                  static_cast<unsigned long long>(magnitude / kCoin), static_cast<unsigned long long>(magnitude % kCoin));
    return raw(text);
}

JsonWriter& JsonWriter::hex(ByteSpan bytes) {
    before_value();
    out_.reserve(out_.size() + bytes.size() * 2 + 2);
    out_ += '"';
    append_hex(out_, bytes);
    out_ += '"';
    return *this;
}

JsonWriter& JsonWriter::hash(const Uint256& value) { return string(value.to_display_hex()); }

JsonWriter& JsonWriter::raw(std::string_view json) {
    before_value();
    // What follows a large text must not make it move once more.
    if (json.size() >= kLargeText) out_.reserve(out_.size() + json.size() + kRoomAfterLargeText);
    out_ += json;
    return *this;
}

JsonWriter::Mark JsonWriter::mark() const {
    if (stack_.empty()) return {out_.size(), true, false, 0};
    return {out_.size(), stack_.back().empty, stack_.back().key_written, stack_.size()};
}

void JsonWriter::roll_back(const Mark& mark) {
    CAIRN_CHECK(mark.size <= out_.size() && mark.depth <= stack_.size());
    out_.resize(mark.size);
    stack_.resize(mark.depth, Level{'['});
    if (stack_.empty()) return;
    stack_.back().empty = mark.top_empty;
    stack_.back().key_written = mark.top_key_written;
}

}  // namespace cairn::http
