#include "consensus/rules/difficulty.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"

namespace cairn::rules {
namespace {

/// The most that one retarget may change the target by, either way.
constexpr std::int64_t kMaxAdjustment = 4;

Arith256 target_of(std::uint32_t bits) { return decode_compact(bits).target; }

/// `bits` scaled by timespan, capped at the limit and rounded as compact targets are.
std::uint32_t scaled(std::uint32_t bits, std::int64_t timespan, const ChainParams& params) {
    Arith256 target = target_of(bits);
    target *= static_cast<std::uint64_t>(timespan);
    target /= Arith256(static_cast<std::uint64_t>(params.pow_target_timespan));
    return encode_compact(std::min(target, params.pow_limit));
}

/// Testnet's bits between two retargets: a block 20 minutes late may be of minimum difficulty, and the block after it
/// returns to the difficulty that the last ordinary block had.
std::uint32_t testnet_bits(const HeaderNode& parent, std::uint32_t block_time, const ChainParams& params) {
    const std::uint32_t limit_bits = encode_compact(params.pow_limit);
    if (std::int64_t{block_time} > std::int64_t{parent.header.time} + 2 * params.pow_target_spacing) return limit_bits;
    const HeaderNode* node = &parent;
    while (node->parent != nullptr && node->height % params.difficulty_interval() != 0 && node->header.bits == limit_bits) {
        node = node->parent;
    }
    return node->header.bits;
}

}  // namespace

std::optional<Arith256> derive_target(std::uint32_t bits, const Arith256& pow_limit) {
    const CompactTarget compact = decode_compact(bits);
    if (compact.negative || compact.overflow || compact.target.is_zero() || compact.target > pow_limit) return std::nullopt;
    return compact.target;
}

bool check_proof_of_work(const BlockHash& hash, std::uint32_t bits, const ChainParams& params) {
    const auto target = derive_target(bits, params.pow_limit);
    return target && Arith256(hash) <= *target;
}

std::uint32_t next_work_required(const HeaderNode& parent, std::uint32_t block_time, const ChainParams& params) {
    const int interval = params.difficulty_interval();
    if ((parent.height + 1) % interval != 0) {
        return params.allow_min_difficulty_blocks ? testnet_bits(parent, block_time, params) : parent.header.bits;
    }
    if (params.no_retargeting) return parent.header.bits;
    const HeaderNode* first = parent.ancestor(parent.height - (interval - 1));
    CAIRN_CHECK(first != nullptr);
    // Under BIP94 the first block of the period holds the real difficulty: it cannot be of minimum difficulty.
    const std::uint32_t base_bits = params.enforce_bip94 ? first->header.bits : parent.header.bits;
    return retarget(base_bits, first->header.time, parent.header.time, params);
}

std::uint32_t retarget(std::uint32_t base_bits, std::int64_t first_time, std::int64_t last_time, const ChainParams& params) {
    const std::int64_t timespan = std::clamp(last_time - first_time, params.pow_target_timespan / kMaxAdjustment,
                                             params.pow_target_timespan * kMaxAdjustment);
    return scaled(base_bits, timespan, params);
}

bool permitted_difficulty_transition(const ChainParams& params, std::int64_t height, std::uint32_t old_bits, std::uint32_t new_bits) {
    if (params.allow_min_difficulty_blocks) return true;
    if (height % params.difficulty_interval() != 0) return old_bits == new_bits;
    const Arith256 target = target_of(new_bits);
    return target <= target_of(scaled(old_bits, params.pow_target_timespan * kMaxAdjustment, params)) &&
           target >= target_of(scaled(old_bits, params.pow_target_timespan / kMaxAdjustment, params));
}

std::int64_t equivalent_time(const HeaderNode& to, const HeaderNode& from, const HeaderNode& tip, const ChainParams& params) {
    const bool ahead = to.chain_work > from.chain_work;
    Arith256 seconds = ahead ? to.chain_work - from.chain_work : from.chain_work - to.chain_work;
    seconds *= static_cast<std::uint64_t>(params.pow_target_spacing);
    seconds /= block_work(tip.header.bits);
    const std::int64_t magnitude =
        seconds.bit_length() > 63 ? std::numeric_limits<std::int64_t>::max() : static_cast<std::int64_t>(seconds.low64());
    return ahead ? magnitude : -magnitude;
}

}  // namespace cairn::rules
