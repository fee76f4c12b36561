#pragma once

#include <vector>

#include "consensus/crypto/signature_verifier.hpp"
#include "consensus/script/flags.hpp"
#include "consensus/script/sighash.hpp"

namespace cairn {

/// The short way for the common kinds of input: appends to `rows` the signatures on which the verdict hangs, without
/// running a script. True: the input is valid if every appended row is. When one is not, or on false (then nothing was
/// appended), verify_input alone decides; that is rare, for honest blocks contain none.
///
/// Knows: P2PK, P2PKH, P2WPKH, P2SH-P2WPKH, P2TR by key, and n-of-n multisig, bare, in P2SH, in P2WSH and in both, with
/// all signatures in the order of the keys. Input `index` spends precomputed.spent_outputs()[index].
/// Shape: rows point into `tx` and the spent outputs.
/// Thread: any (pure).
bool collect_rows(const Transaction& tx, std::size_t index, ScriptFlags flags, const PrecomputedTxData& precomputed,
                  std::vector<SignatureRow>& rows);

}  // namespace cairn
