#pragma once

#include <algorithm>

#include "consensus/primitives/transaction.hpp"

namespace cairn {

/// BIP69's order of inputs: by txid as shown to people, then by index.
inline bool bip69_input_less(const OutPoint& a, const OutPoint& b) {
    const ByteSpan x = a.txid.span();
    const ByteSpan y = b.txid.span();
    const auto [at, other] = std::mismatch(x.rbegin(), x.rend(), y.rbegin());
    return at == x.rend() ? a.index < b.index : *at < *other;
}

/// BIP69's order of outputs: by value, then by script.
inline bool bip69_output_less(Amount value_a, ByteSpan script_a, Amount value_b, ByteSpan script_b) {
    if (value_a != value_b) return value_a < value_b;
    return std::lexicographical_compare(script_a.begin(), script_a.end(), script_b.begin(), script_b.end());
}

/// Brings inputs and outputs into the order of BIP69, so that it tells nothing about who made the transaction.
inline void sort_bip69(MutableTransaction& tx) {
    std::stable_sort(tx.inputs.begin(), tx.inputs.end(),
                     [](const auto& a, const auto& b) { return bip69_input_less(a.prevout, b.prevout); });
    std::stable_sort(tx.outputs.begin(), tx.outputs.end(), [](const auto& a, const auto& b) {
        return bip69_output_less(a.value, a.script_pubkey, b.value, b.script_pubkey);
    });
}

}  // namespace cairn
