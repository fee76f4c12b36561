#pragma once

#include <optional>
#include <string>

#include "consensus/base/bytes.hpp"

namespace cairn::light {

/// The miniscript expression that a P2WSH witness script is the encoding of, when it is a sane one: correctly typed,
/// not malleable, needing a signature, without repeated keys or mixed kinds of time locks, within the limits of
/// scripts. Keys are shown as they are; pkh() is not found, because its key is not in the script. Limits: scripts of up
/// to 3600 bytes. Source: BIP379.
std::optional<std::string> infer_miniscript(ByteSpan script);

}  // namespace cairn::light
