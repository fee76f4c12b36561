#pragma once

#include <array>
#include <cstring>

#include "consensus/chain/coin.hpp"
#include "consensus/chain/coin_codec.hpp"

namespace cairn::storage::detail {

/// The disk form of a coin (coin_codec.hpp) made and taken apart without allocating, for the cache. It differs in one
/// point: P2PK scripts with an uncompressed key keep all their bytes, so that no point has to be computed to read one.
struct PackedCoin {
    std::array<std::uint8_t, 28> prefix;  // height and coinbase, amount, kind of script
    std::size_t prefix_size = 0;
    ByteSpan body;                        // what remains of the script

    std::size_t size() const { return prefix_size + body.size(); }
    void copy_to(std::uint8_t* out) const {
        std::memcpy(out, prefix.data(), prefix_size);
        if (!body.empty()) std::memcpy(out + prefix_size, body.data(), body.size());
    }
};

inline constexpr std::uint32_t kPackedSpecialScripts = 6;
inline constexpr std::uint32_t kPackedP2pkh = 0;
inline constexpr std::uint32_t kPackedP2sh = 1;

/// Base 128 with continuations counted from one, most significant digit first: the numbers of coin_codec.hpp.
inline std::size_t pack_number(std::uint8_t* out, std::uint64_t value) {
    std::uint8_t digits[10];
    std::size_t first = 9;
    digits[first] = value & 0x7f;
    while (value > 0x7f) {
        value = (value >> 7) - 1;
        digits[--first] = static_cast<std::uint8_t>((value & 0x7f) | 0x80);
    }
    std::memcpy(out, digits + first, 10 - first);
    return 10 - first;
}

inline std::uint64_t unpack_number(const std::uint8_t*& at) {
    std::uint64_t value = 0;
    while (true) {
        const std::uint8_t digit = *at++;
        value = value << 7 | (digit & 0x7f);
        if ((digit & 0x80) == 0) return value;
        ++value;
    }
}

inline PackedCoin pack(Amount value, ByteSpan script, Height height, bool coinbase) {
    PackedCoin packed;
    std::uint8_t* out = packed.prefix.data();
    out += pack_number(out, static_cast<std::uint64_t>(height) << 1 | (coinbase ? 1 : 0));
    out += pack_number(out, compress_amount(static_cast<std::uint64_t>(value)));
    const std::uint8_t* s = script.data();
    if (script.size() == 25 && s[0] == 0x76 && s[1] == 0xa9 && s[2] == 20 && s[23] == 0x88 && s[24] == 0xac) {
        *out++ = kPackedP2pkh;
        packed.body = script.subspan(3, 20);
    } else if (script.size() == 23 && s[0] == 0xa9 && s[1] == 20 && s[22] == 0x87) {
        *out++ = kPackedP2sh;
        packed.body = script.subspan(2, 20);
    } else if (script.size() == 35 && s[0] == 33 && (s[1] == 2 || s[1] == 3) && s[34] == 0xac) {
        *out++ = s[1];
        packed.body = script.subspan(2, 32);
    } else {
        out += pack_number(out, script.size() + kPackedSpecialScripts);
        packed.body = script;
    }
    packed.prefix_size = static_cast<std::size_t>(out - packed.prefix.data());
    return packed;
}

/// A packed coin taken apart; `body` points into it.
struct UnpackedCoin {
    Amount value = 0;
    CoinOrigin origin;
    std::uint32_t kind = 0;
    ByteSpan body;

    explicit UnpackedCoin(ByteSpan packed) {
        const std::uint8_t* at = packed.data();
        const std::uint64_t code = unpack_number(at);
        origin = {static_cast<Height>(code >> 1), (code & 1) != 0};
        value = static_cast<Amount>(decompress_amount(unpack_number(at)));
        kind = static_cast<std::uint32_t>(unpack_number(at));
        body = packed.subspan(static_cast<std::size_t>(at - packed.data()));
    }

    std::size_t script_size() const {
        return kind >= kPackedSpecialScripts ? body.size() : kind == kPackedP2pkh ? 25 : kind == kPackedP2sh ? 23 : 35;
    }
    void write_script(std::uint8_t* out) const {
        if (kind >= kPackedSpecialScripts) {
            if (!body.empty()) std::memcpy(out, body.data(), body.size());
        } else if (kind == kPackedP2pkh) {
            out[0] = 0x76, out[1] = 0xa9, out[2] = 20;
            std::memcpy(out + 3, body.data(), 20);
            out[23] = 0x88, out[24] = 0xac;
        } else if (kind == kPackedP2sh) {
            out[0] = 0xa9, out[1] = 20;
            std::memcpy(out + 2, body.data(), 20);
            out[22] = 0x87;
        } else {
            out[0] = 33, out[1] = static_cast<std::uint8_t>(kind);
            std::memcpy(out + 2, body.data(), 32);
            out[34] = 0xac;
        }
    }
    /// True when the disk form may be shorter than this one.
    bool may_be_uncompressed_key() const {
        return body.size() == 67 && kind >= kPackedSpecialScripts && body[0] == 65 && body[1] == 4 && body[66] == 0xac;
    }
};

inline Height packed_height(const std::uint8_t* packed) { return static_cast<Height>(unpack_number(packed) >> 1); }

}  // namespace cairn::storage::detail
