#pragma once

#include "light/psbt/roles.hpp"

namespace cairn::light {

/// The roles of BIP174, in the order in which a PSBT goes through them.
enum class PsbtRole { creator, updater, signer, finalizer, extractor };
std::string_view to_string(PsbtRole role);

/// Where a PSBT stands, and what it lacks.
struct PsbtAnalysis {
    struct Input {
        bool has_utxo = false;
        bool is_final = false;
        PsbtRole next = PsbtRole::extractor;
        InputSignatures::Missing missing;
    };
    std::vector<Input> inputs;
    PsbtRole next = PsbtRole::extractor;      ///< the earliest of the inputs'
    std::optional<Amount> fee;                ///< when all outputs that are spent are known
    std::optional<std::int64_t> vsize;        ///< signature operations included; when only signatures are unknown
    std::string error;                        ///< not empty: why it can never be valid; then nothing else is told

    /// Satoshis per 1000 bytes, rounded down.
    std::optional<Amount> fee_rate() const;
};

/// `bytes_per_sigop`: as policy counts signature operations.
PsbtAnalysis analyze_psbt(Psbt psbt, unsigned bytes_per_sigop = 20);

}  // namespace cairn::light
