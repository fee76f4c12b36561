#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "consensus/base/bytes.hpp"

namespace cairn {

/// Base 58 without a checksum.
std::string encode_base58(ByteSpan data);
/// nullopt for a character outside the alphabet (white space around the text is passed over) or more than `max_size`
/// bytes. Cost: text length times `max_size`.
std::optional<Bytes> decode_base58(std::string_view text, std::size_t max_size);

/// Base 58 with the first four bytes of the data's double SHA-256 behind it.
std::string encode_base58_check(ByteSpan data);
/// The data without its checksum, at most `max_size` bytes; nullopt when it is not that.
std::optional<Bytes> decode_base58_check(std::string_view text, std::size_t max_size);

}  // namespace cairn
