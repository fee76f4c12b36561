#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/bytes.hpp"

namespace cairn {

enum class Bech32Encoding : std::uint8_t {
    bech32,   ///< BIP173: witness version 0
    bech32m,  ///< BIP350: later versions
};

/// Longest text for which the checksum keeps its promises.
inline constexpr std::size_t kMaxBech32Size = 90;

struct Bech32Text {
    Bech32Encoding encoding = Bech32Encoding::bech32;
    std::string prefix;  ///< human-readable part, lower case
    Bytes data;          ///< numbers below 32, without the checksum
};

/// `prefix` is lower case, `data` are numbers below 32.
std::string encode_bech32(Bech32Encoding encoding, std::string_view prefix, ByteSpan data);
/// nullopt when it is not Bech32 or Bech32m, or longer than `max_size`: addresses of two keys are.
std::optional<Bech32Text> decode_bech32(std::string_view text, std::size_t max_size = kMaxBech32Size);

/// Why a text is not Bech32, and where. Up to two wrong characters are found by the code behind the checksum.
struct Bech32Fault {
    std::string message;         ///< Bitcoin Core's words; empty when there is no fault
    std::vector<int> positions;  ///< indices into the text, ascending
};
Bech32Fault locate_bech32_fault(std::string_view text);

/// Groups of eight bits as groups of five, the last one filled up with zeros.
Bytes to_base32_groups(ByteSpan bytes);
/// The way back; nullopt when what fills up the last group is five bits or more, or not zero.
std::optional<Bytes> from_base32_groups(ByteSpan groups);

}  // namespace cairn
