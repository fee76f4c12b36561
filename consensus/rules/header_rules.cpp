#include "consensus/rules/header_rules.hpp"

#include <algorithm>

#include "consensus/rules/difficulty.hpp"

namespace cairn::rules {
namespace {

constexpr std::int32_t kBip34Version = 2;
constexpr std::int32_t kBip66Version = 3;
constexpr std::int32_t kBip65Version = 4;

// The hash of a header MUST NOT be above the target that its bits encode, and that target MUST be in the network's range.
bool meets_target(const HeaderSubject& subject) {
    return check_proof_of_work(subject.hash, subject.header.bits, subject.params);
}

// The bits MUST be exactly those that the blocks before demand.
bool has_required_bits(const HeaderSubject& subject) {
    return subject.header.bits == next_work_required(subject.parent, subject.header.time, subject.params);
}

// The time MUST be later than the median of the times of the 11 blocks before.
bool is_after_median_time(const HeaderSubject& subject) { return subject.header.time > subject.parent.median_time_past(); }

// The first block of a retarget period MUST NOT be more than 600 seconds earlier than the block before it.
bool is_no_timewarp(const HeaderSubject& subject) {
    if (!subject.params.enforce_bip94 || subject.height() % subject.params.difficulty_interval() != 0) return true;
    return std::int64_t{subject.header.time} >= std::int64_t{subject.parent.header.time} - kMaxTimewarp;
}

// The time MUST NOT be more than two hours ahead of the node's clock. This may be tried again later.
bool is_not_in_future(const HeaderSubject& subject) {
    return std::int64_t{subject.header.time} <= subject.now + kMaxFutureBlockTime;
}

// The version MUST be at least 2, 3 and 4 once BIP34, BIP66 and BIP65 are in force.
bool has_current_version(const HeaderSubject& subject) {
    const auto outdated = [&subject](std::int32_t needed, BuriedDeployment since) {
        return subject.header.version < needed && subject.params.active_at(since, subject.height());
    };
    return !outdated(kBip34Version, BuriedDeployment::bip34) && !outdated(kBip66Version, BuriedDeployment::bip66) &&
           !outdated(kBip65Version, BuriedDeployment::bip65);
}

constexpr HeaderRule kRules[] = {
    {"high-hash", HeaderError::high_hash, meets_target, "Bitcoin paper, section 4"},
    {"bad-diffbits", HeaderError::bad_difficulty, has_required_bits, "Bitcoin paper, section 4; BIP94"},
    {"time-too-old", HeaderError::time_too_old, is_after_median_time, "original client"},
    {"time-timewarp-attack", HeaderError::time_timewarp, is_no_timewarp, "BIP94"},
    {"time-too-new", HeaderError::time_too_new, is_not_in_future, "original client"},
    {"bad-version", HeaderError::bad_version, has_current_version, "BIP34, BIP66, BIP65; BIP90"},
};

}  // namespace

std::span<const HeaderRule> header_rules() { return kRules; }

Result<void, HeaderError> check_header(const BlockHeader& header, const BlockHash& hash, const HeaderNode& parent, std::int64_t now,
                                       const ChainParams& params) {
    if (const auto error = first_broken(header_rules(), HeaderSubject{header, hash, parent, now, params})) return fail(*error);
    return {};
}

Result<void, HeaderError> check_header_context(const BlockHeader& header, const BlockHash& hash, const HeaderNode& parent,
                                               std::int64_t now, const ChainParams& params) {
    const auto context_only = header_rules().subspan(1);
    if (const auto error = first_broken(context_only, HeaderSubject{header, hash, parent, now, params})) return fail(*error);
    return {};
}

bool headers_have_valid_work(std::span<const BlockHeader> headers, const ChainParams& params) {
    return std::all_of(headers.begin(), headers.end(), [&params](const BlockHeader& header) {
        return check_proof_of_work(header.hash(), header.bits, params);
    });
}

bool headers_are_continuous(std::span<const BlockHeader> headers) {
    for (std::size_t i = 1; i < headers.size(); ++i) {
        if (headers[i].previous != headers[i - 1].hash()) return false;
    }
    return true;
}

Arith256 claimed_work(std::span<const BlockHeader> headers) {
    Arith256 sum;
    for (const BlockHeader& header : headers) sum += block_work(header.bits);
    return sum;
}

}  // namespace cairn::rules
