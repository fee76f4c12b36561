#pragma once

#include "light/signing/input_signatures.hpp"
#include "light/signing/signature_maker.hpp"

namespace cairn::light {

/// Fills in the script and witness that spend `script_pubkey`, from signatures that are known and those that `maker` makes with `keys`:
/// P2PK(H), multisig, P2WPKH, P2WSH with any miniscript, taproot by key or by the cheapest leaf. What was learned on the way stays in
/// `data`: signatures, scripts, origins of keys, and what is missing. True: complete, and accepted by the maker's checker under the
/// standard flags. Cost: for taproot every leaf is tried.
bool produce_signature(ByteSpan script_pubkey, const ScriptKeys& keys, const SignatureMaker& maker, InputSignatures& data);

}  // namespace cairn::light
