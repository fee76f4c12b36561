#pragma once

#include <string_view>
#include <vector>

#include "consensus/base/bytes.hpp"

namespace cairn {

/// The shapes of output that wallets and RPC know.
enum class OutputType : std::uint8_t {
    nonstandard,
    anchor,
    pubkey,
    pubkeyhash,
    scripthash,
    multisig,
    nulldata,
    witness_v0_keyhash,
    witness_v0_scripthash,
    witness_v1_taproot,
    witness_unknown,
};

/// As RPC shows it: "pubkeyhash", "witness_v1_taproot", …
std::string_view to_string(OutputType type);

/// An output script taken apart.
struct Solution {
    OutputType type = OutputType::nonstandard;
    /// pubkey: the key; *hash: the hash; multisig: the keys; witness_*: the program. Spans into the script.
    std::vector<ByteSpan> parts;
    int required = 0;         ///< multisig: signatures needed
    int witness_version = 0;  ///< witness_*
};

Solution solve(ByteSpan script);

/// The type alone, without allocating.
OutputType classify(ByteSpan script);

}  // namespace cairn
