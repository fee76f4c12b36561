#pragma once

#include "consensus/base/codec.hpp"
#include "consensus/base/result.hpp"
#include "consensus/chain/coin.hpp"

namespace cairn {

/// A number in base 128, most significant digit first; every byte but the last has its top bit set, and each
/// continuation counts from one, so that every number has exactly one form.
void write_varint(Writer& writer, std::uint64_t value);
std::uint64_t read_varint(Reader& reader);

/// Amounts with few significant decimal digits become small numbers. For amounts up to kMaxMoney; a code of none of them
/// decompresses to a number beyond it.
std::uint64_t compress_amount(std::uint64_t amount);
std::uint64_t decompress_amount(std::uint64_t code);

/// Appends a script: the shapes P2PKH, P2SH and P2PK in 21 to 33 bytes, any other with its length in front. A P2PK of
/// an uncompressed key is only shortened when the key is a point of the curve, because it must be found again.
void write_compressed_script(Writer& writer, ByteSpan script);
/// Reads what write_compressed_script wrote. A script longer than any that can be spent comes back as one that cannot.
Bytes read_compressed_script(Reader& reader);

/// The disk form of a coin, mostly 20 to 45 bytes: height and coinbase flag, amount, script.
void write_coin(Writer& writer, const TxOutput& output, CoinOrigin origin);
inline void write_coin(Writer& writer, const Coin& coin) { write_coin(writer, coin.output(), coin.origin()); }
/// Check reader.ok().
Coin read_coin(Reader& reader);
Result<Coin, DecodeError> parse_coin(ByteSpan data);

/// The form of a coin that commitments to the whole set hash (hash_serialized_3, muhash): outpoint, height and coinbase
/// flag in 4 bytes, output.
void write_commitment(Writer& writer, const OutPoint& outpoint, const TxOutput& output, CoinOrigin origin);
/// Size of a coin in gettxoutsetinfo's measure that does not depend on a database.
std::uint64_t bogo_size(std::size_t script_size);

}  // namespace cairn
