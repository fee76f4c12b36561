#include "consensus/chain/coin_codec.hpp"

#include <array>

#include "consensus/crypto/ecc.hpp"

namespace cairn {
namespace {

// First byte of a script's compressed form. Any other value is the script's length plus kSpecialScripts.
constexpr std::uint64_t kP2pkh = 0;
constexpr std::uint64_t kP2sh = 1;
constexpr std::uint64_t kKeyEven = 2;              ///< P2PK of a compressed key with even y; 3: odd
constexpr std::uint64_t kUncompressedKeyEven = 4;  ///< P2PK of an uncompressed key with even y; 5: odd
constexpr std::uint64_t kSpecialScripts = 6;

constexpr std::size_t kHashSize = 20;
constexpr std::size_t kXSize = 32;
constexpr std::size_t kMaxScriptSize = 10'000;  ///< longer outputs cannot be spent

constexpr std::uint8_t kOpReturn = 0x6a;
constexpr std::uint8_t kOpDup = 0x76;
constexpr std::uint8_t kOpEqual = 0x87;
constexpr std::uint8_t kOpEqualVerify = 0x88;
constexpr std::uint8_t kOpHash160 = 0xa9;
constexpr std::uint8_t kOpCheckSig = 0xac;

bool is_p2pkh_shape(ByteSpan s) {
    return s.size() == 25 && s[0] == kOpDup && s[1] == kOpHash160 && s[2] == kHashSize && s[23] == kOpEqualVerify && s[24] == kOpCheckSig;
}

bool is_p2sh_shape(ByteSpan s) { return s.size() == 23 && s[0] == kOpHash160 && s[1] == kHashSize && s[22] == kOpEqual; }

bool is_compressed_p2pk_shape(ByteSpan s) {
    return s.size() == 35 && s[0] == 33 && (s[1] == 2 || s[1] == 3) && s[34] == kOpCheckSig;
}

bool is_uncompressed_p2pk_shape(ByteSpan s) {
    return s.size() == 67 && s[0] == 65 && s[1] == 4 && s[66] == kOpCheckSig && PublicKey::parse(s.subspan(1, 65)).has_value();
}

Bytes hash_script(std::initializer_list<std::uint8_t> before, ByteSpan hash, std::initializer_list<std::uint8_t> after) {
    Bytes script(before);
    script.insert(script.end(), hash.begin(), hash.end());
    script.insert(script.end(), after);
    return script;
}

Bytes key_script(ByteSpan key) { return hash_script({static_cast<std::uint8_t>(key.size())}, key, {kOpCheckSig}); }

/// The script of an uncompressed key, whose y is found again from x; fails the reader when there is none.
Bytes uncompressed_key_script(Reader& reader, std::uint64_t kind, ByteSpan x) {
    std::array<std::uint8_t, 1 + kXSize> compressed;
    compressed[0] = static_cast<std::uint8_t>(kind - kUncompressedKeyEven + kKeyEven);
    std::copy(x.begin(), x.end(), compressed.begin() + 1);
    const auto key = PublicKey::parse(compressed);
    if (!key) {
        reader.fail(DecodeError::bad_value);
        return {};
    }
    return key_script(key->uncompressed());
}

}  // namespace

void write_varint(Writer& writer, std::uint64_t value) {
    std::array<std::uint8_t, 10> digits;
    std::size_t first = digits.size() - 1;
    digits[first] = value & 0x7f;
    while (value > 0x7f) {
        value = (value >> 7) - 1;
        digits[--first] = static_cast<std::uint8_t>((value & 0x7f) | 0x80);
    }
    writer.bytes(ByteSpan(digits).subspan(first));
}

std::uint64_t read_varint(Reader& reader) {
    std::uint64_t value = 0;
    while (true) {
        const std::uint8_t digit = reader.u8();
        if (!reader.ok()) return 0;
        if (value > std::numeric_limits<std::uint64_t>::max() >> 7) break;
        value = value << 7 | (digit & 0x7f);
        if ((digit & 0x80) == 0) return value;
        if (value == std::numeric_limits<std::uint64_t>::max()) break;
        ++value;
    }
    reader.fail(DecodeError::size_too_large);
    return 0;
}

std::uint64_t compress_amount(std::uint64_t amount) {
    if (amount == 0) return 0;
    // Split off trailing zeros of the decimal form, at most nine; unless it is nine, the last digit is then 1 to 9.
    unsigned zeros = 0;
    for (; amount % 10 == 0 && zeros < 9; ++zeros) amount /= 10;
    if (zeros == 9) return 1 + (amount - 1) * 10 + 9;
    const std::uint64_t digit = amount % 10;
    return 1 + (amount / 10 * 9 + digit - 1) * 10 + zeros;
}

std::uint64_t decompress_amount(std::uint64_t code) {
    if (code == 0) return 0;
    --code;
    const unsigned zeros = code % 10;
    code /= 10;
    std::uint64_t amount = zeros == 9 ? code + 1 : code / 9 * 10 + code % 9 + 1;
    for (unsigned i = 0; i < zeros && amount <= std::uint64_t{kMaxMoney}; ++i) amount *= 10;
    return amount;
}

void write_compressed_script(Writer& writer, ByteSpan script) {
    if (is_p2pkh_shape(script)) {
        writer.u8(kP2pkh);
        writer.bytes(script.subspan(3, kHashSize));
    } else if (is_p2sh_shape(script)) {
        writer.u8(kP2sh);
        writer.bytes(script.subspan(2, kHashSize));
    } else if (is_compressed_p2pk_shape(script)) {
        writer.bytes(script.subspan(1, 1 + kXSize));
    } else if (is_uncompressed_p2pk_shape(script)) {
        writer.u8(static_cast<std::uint8_t>(kUncompressedKeyEven + (script[65] & 1)));
        writer.bytes(script.subspan(2, kXSize));
    } else {
        write_varint(writer, script.size() + kSpecialScripts);
        writer.bytes(script);
    }
}

Bytes read_compressed_script(Reader& reader) {
    const std::uint64_t kind = read_varint(reader);
    if (!reader.ok()) return {};
    if (kind >= kSpecialScripts) {
        const ByteSpan script = reader.bytes(kind - kSpecialScripts);
        return script.size() > kMaxScriptSize ? Bytes{kOpReturn} : to_bytes(script);
    }
    const ByteSpan rest = reader.bytes(kind <= kP2sh ? kHashSize : kXSize);
    if (!reader.ok()) return {};
    if (kind == kP2pkh) return hash_script({kOpDup, kOpHash160, kHashSize}, rest, {kOpEqualVerify, kOpCheckSig});
    if (kind == kP2sh) return hash_script({kOpHash160, kHashSize}, rest, {kOpEqual});
    if (kind >= kUncompressedKeyEven) return uncompressed_key_script(reader, kind, rest);
    std::array<std::uint8_t, 1 + kXSize> key;
    key[0] = static_cast<std::uint8_t>(kind);
    std::copy(rest.begin(), rest.end(), key.begin() + 1);
    return key_script(key);
}

void write_coin(Writer& writer, const TxOutput& output, CoinOrigin origin) {
    write_varint(writer, static_cast<std::uint64_t>(origin.height) << 1 | (origin.coinbase ? 1 : 0));
    write_varint(writer, compress_amount(static_cast<std::uint64_t>(output.value)));
    write_compressed_script(writer, output.script_pubkey);
}

Coin read_coin(Reader& reader) {
    Coin coin;
    const std::uint64_t code = read_varint(reader);
    if (code >> 32 != 0) reader.fail(DecodeError::bad_value);
    coin.height = static_cast<Height>(code >> 1);
    coin.coinbase = (code & 1) != 0;
    coin.value = static_cast<Amount>(decompress_amount(read_varint(reader)));
    if (!money_range(coin.value)) reader.fail(DecodeError::bad_value);
    coin.script_pubkey = read_compressed_script(reader);
    return coin;
}

Result<Coin, DecodeError> parse_coin(ByteSpan data) {
    Reader reader(data);
    Coin coin = read_coin(reader);
    reader.expect_end();
    if (!reader.ok()) return fail(reader.error());
    return coin;
}

void write_commitment(Writer& writer, const OutPoint& outpoint, const TxOutput& output, CoinOrigin origin) {
    writer.uint256(outpoint.txid);
    writer.u32(outpoint.index);
    writer.u32(static_cast<std::uint32_t>(origin.height) << 1 | (origin.coinbase ? 1 : 0));
    writer.i64(output.value);
    writer.var_bytes(output.script_pubkey);
}

std::uint64_t bogo_size(std::size_t script_size) {
    constexpr std::uint64_t kFixed = 32 + 4 + 4 + 8 + 2;  // txid, index, height, amount, script length
    return kFixed + script_size;
}

}  // namespace cairn
