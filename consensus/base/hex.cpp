#include "consensus/base/hex.hpp"

#include <array>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace cairn {
namespace {

constexpr std::array<std::int8_t, 256> make_digit_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (int i = 0; i < 10; ++i) values['0' + i] = static_cast<std::int8_t>(i);
    for (int i = 0; i < 6; ++i) {
        values['a' + i] = static_cast<std::int8_t>(10 + i);
        values['A' + i] = static_cast<std::int8_t>(10 + i);
    }
    return values;
}

constexpr auto kDigitValues = make_digit_values();

int digit_value(char digit) { return kDigitValues[static_cast<unsigned char>(digit)]; }

}  // namespace

void write_hex(ByteSpan bytes, char* to) {
    constexpr char digits[] = "0123456789abcdef";
    std::size_t at = 0;
#ifdef __SSE2__
    const __m128i low_bits = _mm_set1_epi8(15), nine = _mm_set1_epi8(9), zero_digit = _mm_set1_epi8('0');
    const __m128i to_letter = _mm_set1_epi8('a' - '0' - 10);
    const auto as_digits = [&](__m128i nibbles) {
        return _mm_add_epi8(_mm_add_epi8(nibbles, zero_digit), _mm_and_si128(_mm_cmpgt_epi8(nibbles, nine), to_letter));
    };
    for (; at + 16 <= bytes.size(); at += 16, to += 32) {
        const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + at));
        const __m128i high = as_digits(_mm_and_si128(_mm_srli_epi16(block, 4), low_bits));
        const __m128i low = as_digits(_mm_and_si128(block, low_bits));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_unpacklo_epi8(high, low));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16), _mm_unpackhi_epi8(high, low));
    }
#endif
    for (; at < bytes.size(); ++at) {
        *to++ = digits[bytes[at] >> 4];
        *to++ = digits[bytes[at] & 15];
    }
}

void append_hex(std::string& out, ByteSpan bytes) {
    const std::size_t start = out.size();
    out.resize(start + bytes.size() * 2);
    write_hex(bytes, out.data() + start);
}

std::string to_hex(ByteSpan bytes) {
    std::string out;
    append_hex(out, bytes);
    return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    Bytes bytes(text.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = digit_value(text[2 * i]);
        const int low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return bytes;
}

bool is_hex(std::string_view text) {
    if (text.empty() || text.size() % 2 != 0) return false;
    for (char digit : text) {
        if (digit_value(digit) < 0) return false;
    }
    return true;
}

}  // namespace cairn
