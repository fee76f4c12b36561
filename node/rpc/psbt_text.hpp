#pragma once

#include <univalue.h>

#include <optional>
#include <string>

#include "light/psbt/psbt.hpp"

namespace cairn::node {

/// A PSBT in base64. Throws http::RpcError in Bitcoin Core's words.
light::Psbt read_psbt(const UniValue& text);
std::string psbt_text(const light::Psbt& psbt);

/// "ALL|ANYONECANPAY" and its like; nullopt for null. Throws http::RpcError for what is no hash type.
std::optional<int> read_hash_type(const UniValue& value);
/// The name of a hash type; empty when it has none.
std::string_view hash_type_name(std::uint8_t hash_type);

}  // namespace cairn::node
