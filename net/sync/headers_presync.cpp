#include "net/sync/headers_presync.hpp"

#include <fmt/core.h>

#include "consensus/base/check.hpp"
#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/header_rules.hpp"

namespace cairn::net {

HeadersPresync::HeadersPresync(const ChainParams& params, const HeaderNode* start, const Arith256& required_work,
                               std::int64_t now_s, Random& random)
    : params_(params),
      start_(start),
      required_work_(required_work),
      salt_(random.uint256()),
      offset_(static_cast<std::int64_t>(random.below(params.headers_sync.commitment_period))),
      work_(start->chain_work),
      height_(start->height),
      last_hash_(start->hash),
      last_bits_(start->header.bits),
      last_time_(start->header.time) {
    const std::int64_t seconds = std::max<std::int64_t>(0, now_s - start->median_time_past() + rules::kMaxFutureBlockTime);
    max_bits_ = static_cast<std::size_t>(6 * seconds) / params.headers_sync.commitment_period;
}

bool HeadersPresync::bit_of(const BlockHash& hash) const {
    Bytes text;
    Writer writer(text);
    writer.uint256(salt_);
    writer.uint256(hash);
    return sha256(text).data()[0] & 1;
}

void HeadersPresync::finish() {
    phase_ = Phase::done;
    bits_ = {};
    buffer_ = {};
}

std::optional<std::string> HeadersPresync::presync_one(const BlockHeader& header, const BlockHash& hash) {
    const std::int64_t height = height_ + 1;
    if (!rules::permitted_difficulty_transition(params_, height, last_bits_, header.bits))
        return fmt::format("invalid difficulty transition at height={} (presync phase)", height);
    if (height % static_cast<std::int64_t>(params_.headers_sync.commitment_period) == offset_) {
        bits_.push_back(bit_of(hash));
        if (bits_.size() > max_bits_) return fmt::format("exceeded max commitments at height={} (presync phase)", height);
    }
    work_ += block_work(header.bits);
    height_ = height;
    last_hash_ = hash;
    last_bits_ = header.bits;
    last_time_ = header.time;
    return std::nullopt;
}

std::optional<std::string> HeadersPresync::redownload_one(const BlockHeader& header, const BlockHash& hash) {
    const std::int64_t height = buffer_height_ + 1;
    if (header.previous != buffer_last_hash_) return fmt::format("non-continuous headers at height={} (redownload phase)", height);
    const std::uint32_t old_bits = buffer_.empty() ? start_->header.bits : buffer_.back().bits;
    if (!rules::permitted_difficulty_transition(params_, height, old_bits, header.bits))
        return fmt::format("invalid difficulty transition at height={} (redownload phase)", height);
    second_work_ += block_work(header.bits);
    if (second_work_ >= required_work_) release_all_ = true;
    if (!release_all_ && height % static_cast<std::int64_t>(params_.headers_sync.commitment_period) == offset_) {
        if (bits_.empty()) return fmt::format("commitment overrun at height={} (redownload phase)", height);
        if (bits_.front() != bit_of(hash)) return fmt::format("commitment mismatch at height={} (redownload phase)", height);
        bits_.pop_front();
    }
    buffer_.push_back({header.version, header.merkle_root, header.time, header.bits, header.nonce});
    buffer_height_ = height;
    buffer_last_hash_ = hash;
    return std::nullopt;
}

std::vector<BlockHeader> HeadersPresync::release() {
    std::vector<BlockHeader> released;
    while (!buffer_.empty() && (release_all_ || buffer_.size() > params_.headers_sync.redownload_buffer_size)) {
        const Compressed& next = buffer_.front();
        released.push_back({next.version, buffer_first_parent_, next.merkle_root, next.time, next.bits, next.nonce});
        buffer_first_parent_ = released.back().hash();
        buffer_.pop_front();
    }
    return released;
}

HeadersPresync::Step HeadersPresync::on_headers(std::span<const BlockHeader> headers, bool full) {
    CAIRN_CHECK(phase_ != Phase::done && !headers.empty());
    Step step;
    std::optional<std::string> fault;
    if (phase_ == Phase::presync) {
        if (headers[0].previous != last_hash_)
            fault = fmt::format("non-continuous headers at height={} (presync phase)", height_);
        for (std::size_t i = 0; !fault && i < headers.size(); ++i) fault = presync_one(headers[i], headers[i].hash());
        if (!fault && work_ >= required_work_) {
            phase_ = Phase::redownload;
            buffer_height_ = start_->height;
            buffer_first_parent_ = buffer_last_hash_ = start_->hash;
            second_work_ = start_->chain_work;
            step.note = fmt::format("transition: reached sufficient work at height={}, redownloading from height={}", height_, buffer_height_);
        }
        step.request_more = !fault && (full || phase_ == Phase::redownload);
        if (!fault && !step.request_more) step.note = fmt::format("aborted: incomplete headers message at height={} (presync phase)", height_);
    } else {
        for (std::size_t i = 0; !fault && i < headers.size(); ++i) fault = redownload_one(headers[i], headers[i].hash());
        if (!fault) {
            step.released = release();
            if (buffer_.empty() && release_all_)
                step.note = fmt::format("complete: releasing all at height={} (redownload phase)", buffer_height_);
            else if (full)
                step.request_more = true;
            else
                step.note = fmt::format("aborted: incomplete headers message at height={} (redownload phase)", buffer_height_);
        }
    }
    step.ok = !fault;
    if (fault) step.note = "aborted: " + *fault;
    if (!step.request_more) finish();
    return step;
}

std::vector<BlockHash> HeadersPresync::next_locator() const {
    CAIRN_CHECK(phase_ != Phase::done);
    std::vector<BlockHash> locator{phase_ == Phase::presync ? last_hash_ : buffer_last_hash_};
    const std::vector<BlockHash> known = make_locator(start_);
    locator.insert(locator.end(), known.begin(), known.end());
    return locator;
}

}  // namespace cairn::net
