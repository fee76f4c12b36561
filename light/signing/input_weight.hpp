#pragma once

#include <cstdint>
#include <optional>

#include "light/keys/script_keys.hpp"

namespace cairn::light {

/// How large an input will be once it is signed.
struct InputWeight {
    std::size_t script_sig_bytes = 0;  ///< without its length
    std::size_t witness_bytes = 0;     ///< with the number of items and their lengths; 0: there is no witness

    /// Of the whole input, the witness' item count always included, as in a transaction where another input has one.
    std::int64_t weight() const;
};

/// The most that spending `script_pubkey` may take, with what `keys` tell of it; private ones are not needed. Time locks count as met,
/// preimages as known; taproot: by its key if that is known, by the largest leaf otherwise. nullopt: it is not known how to spend it.
/// `low_r`: signatures are made by somebody who grinds for a low R, as Cairn does.
std::optional<InputWeight> largest_input_weight(ByteSpan script_pubkey, const ScriptKeys& keys, bool low_r = true);

}  // namespace cairn::light
