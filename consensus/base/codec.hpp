#pragma once

#include <array>
#include <bit>
#include <cstring>

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"

namespace cairn {

/// Why bytes from outside could not be read as what they should be.
enum class DecodeError : std::uint8_t {
    none,
    truncated,            ///< the data ended too early
    non_canonical_size,   ///< a compact size written longer than needed
    size_too_large,       ///< a compact size beyond its limit
    superfluous_witness,  ///< BIP144 marker, but every witness is empty
    unknown_flags,        ///< BIP144 flag other than 1
    trailing_bytes,       ///< data left after the end
    bad_value,            ///< a field that cannot have this value
};

const char* to_string(DecodeError error);

/// The largest length that a compact size may announce: 32 MiB, the network's serialisation limit.
inline constexpr std::uint64_t kMaxSerializedSize = 0x02000000;

/// Reads little-endian fields off bytes it does not own. After the first error everything reads as zero or empty
/// and error() tells the first reason, so that a caller checks once at the end.
/// Thread: any (a value).
class Reader {
public:
    explicit Reader(ByteSpan data) : data_(data) {}

    std::uint8_t u8() { return number<std::uint8_t>(); }
    std::uint16_t u16() { return number<std::uint16_t>(); }
    std::uint16_t u16_be() { const auto v = u16(); return static_cast<std::uint16_t>(v << 8 | v >> 8); }
    std::uint32_t u32() { return number<std::uint32_t>(); }
    std::uint64_t u64() { return number<std::uint64_t>(); }
    std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
    std::int64_t i64() { return static_cast<std::int64_t>(u64()); }

    Uint256 uint256() {
        const ByteSpan field = bytes(Uint256::kSize);
        return field.size() == Uint256::kSize ? Uint256(field) : Uint256();
    }

    /// The next `count` bytes, not copied; empty when there are fewer.
    ByteSpan bytes(std::uint64_t count) {
        if (count > remaining()) {
            fail(DecodeError::truncated);
            return {};
        }
        const ByteSpan field = data_.subspan(position_, static_cast<std::size_t>(count));
        position_ += static_cast<std::size_t>(count);
        return field;
    }

    /// A compact size (BIP: "variable length integer") in its shortest form, at most `limit`.
    std::uint64_t compact_size(std::uint64_t limit = kMaxSerializedSize);

    /// A compact size and that many bytes.
    ByteSpan var_bytes(std::uint64_t limit = kMaxSerializedSize) { return bytes(compact_size(limit)); }

    void fail(DecodeError error) {
        if (error_ == DecodeError::none) error_ = error;
        position_ = data_.size();
    }
    /// Reports trailing_bytes unless everything was read.
    void expect_end() {
        if (ok() && remaining() != 0) fail(DecodeError::trailing_bytes);
    }

    bool ok() const { return error_ == DecodeError::none; }
    DecodeError error() const { return error_; }
    std::size_t position() const { return position_; }
    std::size_t remaining() const { return data_.size() - position_; }
    /// All the bytes given, from the start.
    ByteSpan data() const { return data_; }

private:
    template <class T>
    T number() {
        static_assert(std::endian::native == std::endian::little);
        if (remaining() < sizeof(T)) {
            fail(DecodeError::truncated);
            return 0;
        }
        T value;
        std::memcpy(&value, data_.data() + position_, sizeof value);
        position_ += sizeof value;
        return value;
    }

    ByteSpan data_;
    std::size_t position_ = 0;
    DecodeError error_ = DecodeError::none;
};

/// Appends little-endian fields to bytes it does not own.
class Writer {
public:
    explicit Writer(Bytes& out) : out_(out) {}

    void u8(std::uint8_t value) { out_.push_back(value); }
    void u16(std::uint16_t value) { number(value); }
    void u16_be(std::uint16_t value) { number(static_cast<std::uint16_t>(value << 8 | value >> 8)); }
    void u32(std::uint32_t value) { number(value); }
    void u64(std::uint64_t value) { number(value); }
    void i32(std::int32_t value) { number(value); }
    void i64(std::int64_t value) { number(value); }
    void bytes(ByteSpan value) {
        if (value.empty()) return;
        const std::size_t end = out_.size();
        out_.resize(end + value.size());  // insert() draws false overflow warnings from gcc 12
        std::memcpy(out_.data() + end, value.data(), value.size());
    }
    void uint256(const Uint256& value) { bytes(value.span()); }
    void compact_size(std::uint64_t value);
    void var_bytes(ByteSpan value) {
        compact_size(value.size());
        bytes(value);
    }

private:
    template <class T>
    void number(T value) {
        std::array<std::uint8_t, sizeof(T)> field;
        std::memcpy(field.data(), &value, sizeof value);
        bytes(field);
    }

    Bytes& out_;
};

/// Bytes that Writer::compact_size writes for `value`.
constexpr std::size_t compact_size_length(std::uint64_t value) {
    return value < 253 ? 1 : value <= 0xffff ? 3 : value <= 0xffffffff ? 5 : 9;
}

}  // namespace cairn
