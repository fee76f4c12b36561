#pragma once

#include "consensus/base/bytes.hpp"
#include "consensus/script/error.hpp"
#include "consensus/script/flags.hpp"
#include "consensus/script/sighash.hpp"

namespace cairn {

/// True for a DER signature with its hash type byte behind it, in the one form BIP66 allows.
bool is_strict_der(ByteSpan signature);
/// True when the last byte is a hash type that has a meaning.
bool has_defined_hash_type(ByteSpan signature);
/// Checks the form of a signature as dersig, low_s and strictenc demand; an empty one is always well formed.
ScriptError check_signature_encoding(ByteSpan signature, ScriptFlags flags);

/// True when the first byte fits the length (02, 03: 33 bytes; 04, 06, 07: 65): what may be tried as a key at all.
bool is_plausible_pubkey(ByteSpan pubkey);
/// True for 02 and 03 with 33 bytes.
bool is_compressed_pubkey(ByteSpan pubkey);
/// Checks the form of a key as strictenc and witness_pubkeytype demand.
ScriptError check_pubkey_encoding(ByteSpan pubkey, ScriptFlags flags, SigVersion version);

}  // namespace cairn
