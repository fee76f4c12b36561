#pragma once

#include <span>

#include "consensus/base/bytes.hpp"
#include "consensus/script/flags.hpp"

namespace cairn {

/// Signature operations in a script. `accurate`: a multisig after op_1 to op_16 counts that many, otherwise every
/// one 20. Counting stops where the script is malformed.
int count_sigops(ByteSpan script, bool accurate);

/// Signature operations in the redeem script of a P2SH input; 0 when `script_pubkey` is not P2SH or `script_sig` not
/// only pushes (BIP16).
int count_p2sh_sigops(ByteSpan script_pubkey, ByteSpan script_sig);

/// Signature operations of a witness program, bare or in P2SH (BIP141), each of weight 1.
int count_witness_sigops(ByteSpan script_sig, ByteSpan script_pubkey, std::span<const ByteSpan> witness,
                         ScriptFlags flags);

}  // namespace cairn
