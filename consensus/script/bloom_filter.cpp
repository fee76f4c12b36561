#include "consensus/script/bloom_filter.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "consensus/crypto/murmur3.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/solver.hpp"

namespace cairn {
namespace {

constexpr std::uint32_t kSeedStep = 0xfba4c795;  // between the seeds of two functions (BIP37)
constexpr std::uint8_t kUpdateMask = 3;

Bytes serialized(const OutPoint& outpoint) {
    Bytes bytes;
    Writer writer(bytes);
    writer.uint256(outpoint.txid);
    writer.u32(outpoint.index);
    return bytes;
}

}  // namespace

BloomFilter BloomFilter::sized(std::uint32_t elements, double false_positives, std::uint32_t tweak, std::uint8_t flags) {
    using std::numbers::ln2;
    const double wanted_bits = -1 / (ln2 * ln2) * elements * std::log(false_positives);
    const auto bits = static_cast<std::size_t>(std::clamp(wanted_bits, 0.0, static_cast<double>(kMaxBytes * 8)));
    const std::size_t bytes = bits / 8;
    const double wanted_functions = static_cast<double>(bytes * 8 / elements) * ln2;
    const auto functions = static_cast<std::uint32_t>(std::min(wanted_functions, static_cast<double>(kMaxFunctions)));
    return {Bytes(bytes), functions, tweak, flags};
}

std::size_t BloomFilter::place(std::uint32_t function, ByteSpan element) const {
    return murmur3(function * kSeedStep + tweak_, element) % (bits_.size() * 8);
}

void BloomFilter::insert(ByteSpan element) {
    if (bits_.empty()) return;
    for (std::uint32_t i = 0; i < functions_; ++i) {
        const std::size_t bit = place(i, element);
        bits_[bit / 8] = static_cast<std::uint8_t>(bits_[bit / 8] | 1u << bit % 8);
    }
}

void BloomFilter::insert(const OutPoint& outpoint) { insert(serialized(outpoint)); }

bool BloomFilter::contains(ByteSpan element) const {
    if (bits_.empty()) return true;
    for (std::uint32_t i = 0; i < functions_; ++i) {
        const std::size_t bit = place(i, element);
        if ((bits_[bit / 8] >> bit % 8 & 1) == 0) return false;
    }
    return true;
}

bool BloomFilter::contains(const OutPoint& outpoint) const { return contains(serialized(outpoint)); }

/// The script pushes something that is in the filter, before it is cut off.
bool BloomFilter::contains_push(ByteSpan script) const {
    ScriptReader reader(script);
    Instruction instruction;
    while (reader.next(instruction))
        if (!instruction.data.empty() && contains(instruction.data)) return true;
    return false;
}

bool BloomFilter::updates_on(ByteSpan script) const {
    const auto update = static_cast<Update>(flags_ & kUpdateMask);
    if (update == Update::all) return true;
    if (update != Update::pubkey_only) return false;
    const OutputType type = classify(script);
    return type == OutputType::pubkey || type == OutputType::multisig;
}

bool BloomFilter::match(const Transaction& tx) {
    if (bits_.empty()) return true;
    bool found = contains(tx.txid.span());
    for (std::size_t i = 0; i < tx.outputs.size(); ++i) {
        const ByteSpan script = tx.outputs[i].script_pubkey;
        if (!contains_push(script)) continue;
        found = true;
        if (updates_on(script)) insert(OutPoint{tx.txid, static_cast<std::uint32_t>(i)});
    }
    return found || std::any_of(tx.inputs.begin(), tx.inputs.end(), [this](const TxInput& input) {
        return contains(input.prevout) || contains_push(input.script_sig);
    });
}

void BloomFilter::merge(const BloomFilter& other) {
    if (other.bits_.size() != bits_.size()) return;
    std::transform(bits_.begin(), bits_.end(), other.bits_.begin(), bits_.begin(),
                   [](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(a | b); });
}

}  // namespace cairn
