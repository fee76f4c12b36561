#pragma once

#include <string_view>

#include "consensus/base/uint256.hpp"

namespace cairn::light {

/// What is signed to show that one holds the key of an address: a hash that no transaction can have. Source: Bitcoin Core's signmessage.
Uint256 signed_message_hash(std::string_view message);

}  // namespace cairn::light
