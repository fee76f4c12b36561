#include "node/fees/confirm_stats.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace cairn::node {

namespace {

constexpr double kLowestEnd = 100;
constexpr double kHighestEnd = 1e7;
constexpr double kSpacing = 1.05;
constexpr double kNoEnd = 1e99;
constexpr std::size_t kMaxTarget = 6 * 24 * 7;  // a week of blocks

}  // namespace

FeeBuckets::FeeBuckets() {
    for (double end = kLowestEnd; end <= kHighestEnd; end *= kSpacing) ends_.push_back(end);
    ends_.push_back(kNoEnd);
}

unsigned FeeBuckets::of(double rate) const {
    const auto found = std::lower_bound(ends_.begin(), ends_.end() - 1, rate);
    return static_cast<unsigned>(found - ends_.begin());
}

ConfirmStats::ConfirmStats(Shape shape, std::size_t buckets) : shape_(shape), buckets_(buckets) {
    confirmed_.resize(shape_.periods * buckets_);
    failed_.resize(shape_.periods * buckets_);
    count_.resize(buckets_);
    rate_sum_.resize(buckets_);
    make_waiting();
}

void ConfirmStats::make_waiting() {
    waiting_.assign(max_target() * buckets_, 0);
    waiting_long_.assign(buckets_, 0);
}

void ConfirmStats::begin_block(unsigned height) {
    const std::size_t row = height % max_target();
    for (unsigned bucket = 0; bucket < buckets_; ++bucket) {
        waiting_long_[bucket] += std::exchange(waiting_[at(row, bucket)], 0);
    }
    for (auto* averages : {&confirmed_, &failed_, &count_, &rate_sum_}) {
        for (double& average : *averages) average *= shape_.decay;
    }
}

void ConfirmStats::confirmed(unsigned blocks, unsigned bucket, double rate) {
    const unsigned periods = (blocks + shape_.scale - 1) / shape_.scale;
    for (unsigned period = periods; period <= shape_.periods; ++period) ++confirmed_[at(period - 1, bucket)];
    ++count_[bucket];
    rate_sum_[bucket] += rate;
}

void ConfirmStats::waits(unsigned height, unsigned bucket) { ++waiting_[at(height % max_target(), bucket)]; }

void ConfirmStats::leaves(unsigned entered, unsigned best, unsigned bucket, bool in_block) {
    if (best != 0 && best < entered) return;  // entered after the newest block: not of our counting
    const unsigned blocks = best == 0 ? 0 : best - entered;
    int& waiting = blocks >= max_target() ? waiting_long_[bucket] : waiting_[at(entered % max_target(), bucket)];
    if (waiting > 0) --waiting;
    if (in_block) return;
    const unsigned whole_periods = std::min(blocks / shape_.scale, shape_.periods);
    for (unsigned period = 0; period < whole_periods; ++period) ++failed_[at(period, bucket)];
}

/// How many wait for at least `target` blocks, by bucket. Rows are found by unsigned subtraction: near the start of a chain it wraps
/// around, and the rows it meets then are the ones that Bitcoin Core meets.
std::vector<int> ConfirmStats::waiting_for(unsigned target, unsigned height) const {
    std::vector<int> sums = waiting_long_;
    for (unsigned blocks = target; blocks < max_target(); ++blocks) {
        const int* row = &waiting_[at((height - blocks) % max_target(), 0)];
        for (std::size_t bucket = 0; bucket < buckets_; ++bucket) sums[bucket] += row[bucket];
    }
    return sums;
}

/// What a range of buckets adds up to.
struct ConfirmStats::Sums {
    double within = 0, total = 0, failed = 0;
    int waiting = 0;
    unsigned top = 0, bottom = 0;  // buckets

    double share() const { return within / (total + failed + waiting); }
    FeeRange range(const FeeBuckets& buckets) const {
        return {buckets.lower(bottom), buckets.upper(top), within, total, static_cast<double>(waiting), failed};
    }
};

double ConfirmStats::estimate(unsigned target, double sufficient, double threshold, unsigned height, const FeeBuckets& buckets,
                              FeeEvidence* evidence) const {
    const std::vector<int> waiting = waiting_for(target, height);
    const std::size_t row = (target + shape_.scale - 1) / shape_.scale - 1;
    const double enough = sufficient / (1 - shape_.decay);
    Sums sums, passed, refused;
    bool any_passed = false, any_refused = false;
    bool fresh = true;        // the next bucket starts a range
    double unjudged = 0;      // confirmed ones since the last judgement
    for (unsigned bucket = static_cast<unsigned>(buckets_); bucket-- > 0;) {
        if (std::exchange(fresh, false)) {
            sums = {};
            sums.top = bucket;
        }
        sums.bottom = bucket;
        sums.within += confirmed_[at(row, bucket)];
        unjudged += count_[bucket];
        sums.total += count_[bucket];
        sums.failed += failed_[at(row, bucket)];
        sums.waiting += waiting[bucket];
        // Judged by confirmed ones only, so that all targets see the same ranges.
        if (unjudged < enough) continue;
        unjudged = 0;
        if (sums.share() < threshold) {
            // A range that fails grows downwards; lower buckets may still save it. The first failure is the one to show.
            if (!std::exchange(any_refused, true)) refused = sums;
            continue;
        }
        any_refused = false;
        any_passed = true;
        passed = sums;
        fresh = true;
    }
    // The last buckets had too little data to tell.
    if (!any_refused && !fresh) {
        any_refused = true;
        refused = sums;
    }

    const double median = any_passed ? median_rate(passed.bottom, passed.top) : -1;
    if (evidence) {
        *evidence = {.pass = {}, .fail = {}, .decay = shape_.decay, .scale = shape_.scale};
        if (any_passed) evidence->pass = passed.range(buckets);
        if (any_refused) evidence->fail = refused.range(buckets);
    }
    return median;
}

/// The average rate of the bucket in which the range's middle transaction is; -1 when there is none.
double ConfirmStats::median_rate(unsigned low, unsigned high) const {
    double half = 0;
    for (unsigned bucket = low; bucket <= high; ++bucket) half += count_[bucket];
    if (half == 0) return -1;
    half /= 2;
    for (unsigned bucket = low; bucket <= high; ++bucket) {
        if (count_[bucket] >= half) return rate_sum_[bucket] / count_[bucket];
        half -= count_[bucket];
    }
    return -1;
}

void write_doubles(Writer& writer, std::span<const double> values) {
    writer.compact_size(values.size());
    for (const double value : values) writer.u64(std::bit_cast<std::uint64_t>(value));
}

std::vector<double> read_doubles(Reader& reader, std::size_t limit) {
    const std::uint64_t count = reader.compact_size();
    if (count > limit || count > reader.remaining() / sizeof(double)) {
        reader.fail(DecodeError::bad_value);
        return {};
    }
    std::vector<double> values(static_cast<std::size_t>(count));
    for (double& value : values) {
        value = std::bit_cast<double>(reader.u64());
        if (!std::isfinite(value)) reader.fail(DecodeError::bad_value);
    }
    return values;
}

void ConfirmStats::write(Writer& writer) const {
    writer.u64(std::bit_cast<std::uint64_t>(shape_.decay));
    writer.u32(shape_.scale);
    write_doubles(writer, rate_sum_);
    write_doubles(writer, count_);
    for (const auto* table : {&confirmed_, &failed_}) {
        writer.compact_size(shape_.periods);
        for (std::size_t row = 0; row < shape_.periods; ++row) write_doubles(writer, std::span(*table).subspan(at(row, 0), buckets_));
    }
}

Result<ConfirmStats, std::string> ConfirmStats::read(Reader& reader, std::size_t buckets) {
    const auto corrupt = [](const char* what) { return fail(std::string("Corrupt estimates file. ") + what); };
    Shape shape;
    shape.decay = std::bit_cast<double>(reader.u64());
    if (!(shape.decay > 0 && shape.decay < 1)) return corrupt("Decay must be between 0 and 1 (non-inclusive)");
    shape.scale = reader.u32();
    if (shape.scale == 0) return corrupt("Scale must be non-zero");
    std::vector<double> rate_sum = read_doubles(reader, buckets);
    if (rate_sum.size() != buckets) return corrupt("Mismatch in feerate average bucket count");
    std::vector<double> count = read_doubles(reader, buckets);
    if (count.size() != buckets) return corrupt("Mismatch in tx count bucket count");
    const std::uint64_t periods = reader.compact_size();
    if (periods == 0 || periods > kMaxTarget / shape.scale) {
        return corrupt(" Must maintain estimates for between 1 and 1008 (one week) confirms");
    }
    shape.periods = static_cast<unsigned>(periods);
    ConfirmStats stats(shape, buckets);
    stats.rate_sum_ = std::move(rate_sum);
    stats.count_ = std::move(count);
    for (auto* table : {&stats.confirmed_, &stats.failed_}) {
        if (table == &stats.failed_ && reader.compact_size() != periods) return corrupt("Mismatch in confirms tracked for failures");
        for (std::size_t row = 0; row < periods; ++row) {
            const std::vector<double> values = read_doubles(reader, buckets);
            if (values.size() != buckets) return corrupt("Mismatch in feerate conf average bucket count");
            std::copy(values.begin(), values.end(), table->begin() + static_cast<std::ptrdiff_t>(row * buckets));
        }
    }
    if (!reader.ok()) return corrupt("It ends too early or holds what is no number");
    return stats;
}

}  // namespace cairn::node
