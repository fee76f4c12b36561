#pragma once

#include <cstdint>
#include <string>

namespace cairn {

/// Why a header is refused. The order is the order of the checks.
enum class HeaderError : std::uint8_t {
    high_hash,          ///< proof of work does not meet its own target
    missing_parent,     ///< does not build on a known header: no one's fault
    bad_parent,         ///< builds on an invalid block
    cached_invalid,     ///< this very block is known to be invalid
    bad_difficulty,     ///< bits are not what the retarget demands
    time_too_old,       ///< not after the median time past
    time_timewarp,      ///< BIP94
    bad_version,        ///< obsolete version after BIP34, 66 or 65
    time_too_new,       ///< more than two hours ahead of our clock
    too_little_work,    ///< the chain does not reach the minimum work
    not_continuous,     ///< headers of one message do not build on each other
};

/// Bitcoin Core's reject token: "high-hash", "prev-blk-not-found", "bad-prevblk", "duplicate-invalid", "bad-diffbits",
/// "time-too-old", "time-timewarp-attack", "bad-version(0x…)" (the caller adds the number), "time-too-new", "too-little-chainwork".
std::string to_string(HeaderError error);

}  // namespace cairn
