#include "light/descriptors/miniscript.hpp"

#include "consensus/base/hex.hpp"
#include "light/descriptors/miniscript_decode.hpp"

namespace cairn::light {

std::optional<std::string> infer_miniscript(ByteSpan script) {
    const auto found = miniscript::decode(script, miniscript::Context::p2wsh);
    if (!found || !miniscript::is_sane(*found->node, found->keys)) return std::nullopt;
    return miniscript::to_string(*found->node, [&](std::size_t key) { return to_hex(found->keys[key]); });
}

}  // namespace cairn::light
