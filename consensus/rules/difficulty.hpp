#pragma once

#include "consensus/rules/params.hpp"

namespace cairn::rules {

/// The target that `bits` mean when they are in range for a network with this limit.
std::optional<Arith256> derive_target(std::uint32_t bits, const Arith256& pow_limit);

/// True when the hash meets the target that the header claims, and the target is in range.
bool check_proof_of_work(const BlockHash& hash, std::uint32_t bits, const ChainParams& params);

/// The bits that the block after `parent` with this time MUST have.
/// Cost: O(1) except on testnet3, where it walks back over minimum-difficulty blocks of one period.
std::uint32_t next_work_required(const HeaderNode& parent, std::uint32_t block_time, const ChainParams& params);

/// The retarget alone: the bits of a new period, given the time of the first and the whole last block of the old one and
/// the bits to start from (those of `last`, under BIP94 those of the period's first block).
std::uint32_t retarget(std::uint32_t base_bits, std::int64_t first_time, std::int64_t last_time, const ChainParams& params);

/// Could a chain have `new_bits` at `height` after `old_bits`, whatever its times? Used before headers are stored.
bool permitted_difficulty_transition(const ChainParams& params, std::int64_t height, std::uint32_t old_bits, std::uint32_t new_bits);

/// Seconds that the work between `from` and `to` would take at the difficulty of `tip`; negative when `to` has less.
std::int64_t equivalent_time(const HeaderNode& to, const HeaderNode& from, const HeaderNode& tip, const ChainParams& params);

}  // namespace cairn::rules
