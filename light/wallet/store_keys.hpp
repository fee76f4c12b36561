#pragma once

#include <algorithm>

#include "consensus/base/codec.hpp"
#include "consensus/primitives/ids.hpp"

/// The records of a wallet: the first byte of a key says what it is. All lie in the store's first family.
namespace cairn::light::store {

inline constexpr std::uint8_t kInfo = 'i';        ///< alone: name, network, options, tip, counters
inline constexpr std::uint8_t kDescriptor = 'd';  ///< number, big-endian
inline constexpr std::uint8_t kScript = 's';      ///< number of the descriptor, index, position: big-endian
inline constexpr std::uint8_t kTransaction = 't'; ///< txid
inline constexpr std::uint8_t kLock = 'l';        ///< outpoint
inline constexpr std::uint8_t kAddress = 'a';     ///< script
inline constexpr std::uint8_t kSecret = 'v';      ///< key of the vault's record
inline constexpr std::uint8_t kNote = 'n';        ///< the host's name for it

inline Bytes key(std::uint8_t kind) { return Bytes{kind}; }
inline Bytes key(std::uint8_t kind, ByteSpan rest) {
    Bytes made(1 + rest.size(), kind);
    std::copy(rest.begin(), rest.end(), made.begin() + 1);
    return made;
}
inline void append_be(Bytes& key, std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<std::uint8_t>(number >> shift));
}
inline std::uint32_t read_be(ByteSpan key, std::size_t at) {
    return std::uint32_t{key[at]} << 24 | std::uint32_t{key[at + 1]} << 16 | std::uint32_t{key[at + 2]} << 8 | key[at + 3];
}
inline Bytes descriptor_key(std::uint32_t number) {
    Bytes made{kDescriptor};
    append_be(made, number);
    return made;
}
inline Bytes script_key(std::uint32_t number, std::uint32_t index, std::uint32_t position) {
    Bytes made{kScript};
    append_be(made, number);
    append_be(made, index);
    append_be(made, position);
    return made;
}
inline Bytes transaction_key(const Txid& txid) { return key(kTransaction, txid.span()); }
inline Bytes lock_key(const OutPoint& outpoint) {
    Bytes made = key(kLock, outpoint.txid.span());
    append_be(made, outpoint.index);
    return made;
}

}  // namespace cairn::light::store
