#include <algorithm>
#include <cstring>

#include "consensus/crypto/ecc.hpp"

namespace cairn {
namespace {

/// Walks over BER as tolerantly as the chain's old signatures need: the sequence's length is read and not believed,
/// lengths may be long-form with leading zeros, integers may be padded, empty or "negative", and bytes after S are
/// not looked at.
class LaxReader {
public:
    explicit LaxReader(ByteSpan data) : data_(data) {}

    bool tag(std::uint8_t expected) {
        if (data_.empty() || data_[0] != expected) return false;
        data_ = data_.subspan(1);
        return true;
    }

    /// Passes over the sequence's length bytes, whatever they say.
    bool skip_length() {
        if (data_.empty()) return false;
        const std::uint8_t first = data_[0];
        data_ = data_.subspan(1);
        if ((first & 0x80) == 0) return true;
        const std::size_t count = first & 0x7f;
        if (count > data_.size()) return false;
        data_ = data_.subspan(count);
        return true;
    }

    /// An integer's content bytes.
    std::optional<ByteSpan> integer() {
        if (!tag(0x02)) return std::nullopt;
        const auto size = length();
        if (!size || *size > data_.size()) return std::nullopt;
        const ByteSpan content = data_.first(*size);
        data_ = data_.subspan(*size);
        return content;
    }

private:
    std::optional<std::size_t> length() {
        if (data_.empty()) return std::nullopt;
        const std::uint8_t first = data_[0];
        data_ = data_.subspan(1);
        if ((first & 0x80) == 0) return first;
        std::size_t count = first & 0x7f;
        if (count > data_.size()) return std::nullopt;
        while (count > 0 && data_[0] == 0) {
            data_ = data_.subspan(1);
            --count;
        }
        // Four bytes of length or more cannot be meant: no script is that long.
        if (count >= 4) return std::nullopt;
        std::size_t size = 0;
        for (; count > 0; --count) {
            size = size << 8 | data_[0];
            data_ = data_.subspan(1);
        }
        return size;
    }

    ByteSpan data_;
};

/// Right-aligns a number of at most 32 significant bytes; false when it is longer.
bool place(std::uint8_t* out, ByteSpan number) {
    while (!number.empty() && number[0] == 0) number = number.subspan(1);
    if (number.size() > 32) return false;
    if (!number.empty()) std::memcpy(out + 32 - number.size(), number.data(), number.size());
    return true;
}

bool below_group_order(const std::uint8_t* number) {
    static constexpr std::uint8_t kOrder[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                                0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
    return std::memcmp(number, kOrder, 32) < 0;
}

}  // namespace

std::optional<std::array<std::uint8_t, 64>> parse_ecdsa_lax(ByteSpan signature) {
    LaxReader reader(signature);
    if (!reader.tag(0x30) || !reader.skip_length()) return std::nullopt;
    const auto r = reader.integer();
    if (!r) return std::nullopt;
    const auto s = reader.integer();
    if (!s) return std::nullopt;

    std::array<std::uint8_t, 64> compact{};
    const bool fits = place(compact.data(), *r) && place(compact.data() + 32, *s) &&
                      below_group_order(compact.data()) && below_group_order(compact.data() + 32);
    if (!fits) compact.fill(0);
    return compact;
}

}  // namespace cairn
