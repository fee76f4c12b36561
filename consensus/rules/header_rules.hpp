#pragma once

#include "consensus/base/result.hpp"
#include "consensus/rules/error.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/rules/rule.hpp"

namespace cairn::rules {

inline constexpr std::int64_t kMaxFutureBlockTime = 2 * 60 * 60;  ///< seconds ahead of our clock
inline constexpr std::int64_t kMaxTimewarp = 600;                 ///< seconds (BIP94)

/// A header and what its rules look at.
struct HeaderSubject {
    const BlockHeader& header;
    const BlockHash& hash;
    const HeaderNode& parent;
    std::int64_t now;  ///< adjusted time, seconds
    const ChainParams& params;

    Height height() const { return parent.height + 1; }
};

using HeaderRule = Rule<HeaderSubject, HeaderError>;

/// The rules of a header whose parent is known, in Bitcoin Core's order.
std::span<const HeaderRule> header_rules();

/// Checks all header rules; the header's parent is `parent`, which is itself valid.
Result<void, HeaderError> check_header(const BlockHeader& header, const BlockHash& hash, const HeaderNode& parent, std::int64_t now,
                                       const ChainParams& params);
/// The same without proof of work, for block templates.
Result<void, HeaderError> check_header_context(const BlockHeader& header, const BlockHash& hash, const HeaderNode& parent,
                                               std::int64_t now, const ChainParams& params);

/// True when every header meets its own target. Cost: one hash a header.
bool headers_have_valid_work(std::span<const BlockHeader> headers, const ChainParams& params);
/// True when each header names the one before it as its parent.
bool headers_are_continuous(std::span<const BlockHeader> headers);
/// The work that the headers claim; proof of work is not checked.
Arith256 claimed_work(std::span<const BlockHeader> headers);

}  // namespace cairn::rules
