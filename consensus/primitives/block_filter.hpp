#pragma once

#include <optional>
#include <span>
#include <vector>

#include "consensus/base/result.hpp"
#include "consensus/crypto/siphash_rows.hpp"
#include "consensus/primitives/block.hpp"

namespace cairn {

/// Compact block filters: a block's scripts as a Golomb-coded set, small enough to be sent to everybody, by which a light
/// client finds out whether a block concerns it without saying what it looks for. Source: BIP158.
namespace gcs {

inline constexpr int kBits = 19;                     ///< P of basic filters: bits of a remainder
inline constexpr std::uint64_t kFalsePositive = 784931;  ///< M of basic filters: one in so many does not belong

/// The filter of some elements: their number as a compact size, then the coded set. Doubles count once.
Bytes encode(SipKey key, std::vector<ByteSpan> elements);

/// The hashed values in a filter, ascending. Errors: the count does not fit the bytes, or they end too early.
/// Limits: memory of 8 bytes for each 20 bits of the filter.
Result<std::vector<std::uint64_t>, DecodeError> decode(ByteSpan filter);

}  // namespace gcs

/// The key of a block's filter: the first 16 bytes of its hash.
SipKey filter_key(const BlockHash& hash);

/// The basic filter of a block: the scripts of its outputs (without empty ones and OP_RETURN) and of the outputs that it spends
/// (without empty ones). `spent`: scripts of all outputs that the block spends, in any order.
Bytes basic_filter(const Block& block, std::span<const ByteSpan> spent);

/// Hash of a filter, and the filter header that commits to it and all filters before (BIP157). The header before the first
/// block's is zero.
Uint256 filter_hash(ByteSpan filter);
Uint256 filter_header(const Uint256& filter_hash, const Uint256& previous_header);

/// Scripts to look for in many filters.
/// Thread: any (constant once made); match() keeps work space for each thread: 16 to 24 bytes for each element of the largest filter.
class FilterWatch {
public:
    void add(ByteSpan script) {
        if (!script.empty()) scripts_.add(script);
    }
    std::size_t size() const { return scripts_.size(); }

    /// Is one of the scripts in the filter, or seems to be? Errors: see gcs::decode.
    /// Cost: a few nanoseconds for each script and for each element of the filter.
    Result<bool, DecodeError> match(SipKey key, ByteSpan filter) const { return match(key, filter, SipRows::backend()); }
    /// The same by way of a chosen backend.
    Result<bool, DecodeError> match(SipKey key, ByteSpan filter, SipRows::Backend with) const;

private:
    SipRows scripts_;
};

}  // namespace cairn
