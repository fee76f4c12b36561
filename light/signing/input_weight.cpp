#include "light/signing/input_weight.hpp"

#include <algorithm>

#include "consensus/base/codec.hpp"
#include "light/signing/produce_signature.hpp"

namespace cairn::light {

std::int64_t InputWeight::weight() const {
    constexpr std::size_t kOutpointAndSequence = 36 + 4, kWitnessScale = 4;
    const std::size_t base = kOutpointAndSequence + compact_size_length(script_sig_bytes) + script_sig_bytes;
    return static_cast<std::int64_t>(base * kWitnessScale + std::max<std::size_t>(witness_bytes, 1));
}

std::optional<InputWeight> largest_input_weight(ByteSpan script_pubkey, const ScriptKeys& keys, bool low_r) {
    using Size = DummySignatureMaker::Size;
    InputSignatures data;
    if (!produce_signature(script_pubkey, keys, DummySignatureMaker(low_r ? Size::usual : Size::largest, true), data)) return std::nullopt;
    InputWeight size{data.script_sig.size(), 0};
    if (data.witness.empty()) return size;
    size.witness_bytes = compact_size_length(data.witness.size());
    for (const Bytes& item : data.witness) size.witness_bytes += compact_size_length(item.size()) + item.size();
    return size;
}

}  // namespace cairn::light
