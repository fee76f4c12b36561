#pragma once

#include <functional>
#include <optional>

#include "light/descriptors/miniscript_node.hpp"

namespace cairn::light::miniscript {

/// An expression with the keys that its numbers mean: 33 bytes each, or 32 in tapscript.
struct Decoded {
    NodePtr node;
    std::vector<Bytes> keys;
};
/// The key behind a hash of 20 bytes; nullopt when it is not known.
using KeyByHash = std::function<std::optional<Bytes>(ByteSpan hash)>;

/// The expression that `script` is the encoding of, when it is a valid one that may stand alone; whether it is sane is another question.
/// Without `key_by_hash` scripts with pk_h() are not understood. Limits: scripts of the context's size; depth of 400. Source: BIP379.
std::optional<Decoded> decode(ByteSpan script, Context context, const KeyByHash& key_by_hash = {});

}  // namespace cairn::light::miniscript
