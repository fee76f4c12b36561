#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "consensus/base/bytes.hpp"

namespace cairn::light {

/// The text form in which PSBTs go from hand to hand, with its padding (RFC 4648).
std::string to_base64(ByteSpan bytes);
/// nullopt for anything that to_base64 would not write: other characters, wrong padding, bits that are left over.
std::optional<Bytes> from_base64(std::string_view text);

}  // namespace cairn::light
