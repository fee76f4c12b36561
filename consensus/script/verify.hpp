#pragma once

#include "consensus/script/interpreter.hpp"

namespace cairn {

/// Whether `script_sig` and `witness` satisfy `script_pubkey`. `flags` must be consistent (is_consistent).
/// Errors: the first rule broken.
/// Source: BIP16, BIP141, BIP341, BIP342 and Bitcoin's own behaviour.
ScriptError verify_script(ByteSpan script_sig, ByteSpan script_pubkey, std::span<const ByteSpan> witness,
                          ScriptFlags flags, const SignatureChecker& checker);

/// verify_script for input `index` of `tx`, which spends precomputed.spent_outputs()[index].
ScriptError verify_input(const Transaction& tx, std::size_t index, ScriptFlags flags,
                         const PrecomputedTxData& precomputed,
                         const SignatureOracle& oracle = SignatureOracle::plain());

}  // namespace cairn
