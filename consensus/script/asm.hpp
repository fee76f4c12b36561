#pragma once

#include <string>
#include <string_view>

#include "consensus/base/bytes.hpp"
#include "consensus/base/result.hpp"

namespace cairn {

/// The script as RPC shows it ("asm"): opcode names, numbers for pushes of up to 4 bytes, hex for longer ones.
/// With `decode_sighash`, what looks like a signature shows its hash type: "3045…[ALL]" (for scriptSig).
std::string script_to_asm(ByteSpan script, bool decode_sighash = false);

/// The script in the notation of Bitcoin Core's vectors, from which parse_script makes the same bytes again.
std::string format_script(ByteSpan script);

/// Reads the notation of Bitcoin Core's vectors: opcode names with or without OP_, decimal numbers, 'text' pushes and
/// 0x… bytes taken as they are. The error says what is wrong.
Result<Bytes, std::string> parse_script(std::string_view text);

/// "ALL", "NONE|ANYONECANPAY", …; empty for an undefined hash type.
std::string_view sighash_name(std::uint8_t hash_type);

}  // namespace cairn
