#include "light/signing/signed_message.hpp"

#include "consensus/base/codec.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn::light {

Uint256 signed_message_hash(std::string_view message) {
    const auto bytes_of = [](std::string_view text) { return ByteSpan(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()); };
    Bytes data;
    Writer out(data);
    out.var_bytes(bytes_of("Bitcoin Signed Message:\n"));
    out.var_bytes(bytes_of(message));
    return hash256(data);
}

}  // namespace cairn::light
