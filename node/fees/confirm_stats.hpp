#pragma once

#include <span>
#include <string>
#include <vector>

#include "consensus/base/codec.hpp"
#include "consensus/base/result.hpp"
#include "node/fees/fee_estimator.hpp"

namespace cairn::node {

/// Upper ends (inclusive) of the ranges of fee rates into which transactions are sorted, rising; sat/kvB.
class FeeBuckets {
public:
    /// 100 sat/kvB, each 5 % above the one before, up to 0.1 BTC/kvB, and one for the rest.
    FeeBuckets();
    explicit FeeBuckets(std::vector<double> ends) : ends_(std::move(ends)) {}

    std::size_t size() const { return ends_.size(); }
    /// The bucket of a rate; rates above the last end belong to the last.
    unsigned of(double rate) const;
    const std::vector<double>& ends() const { return ends_; }
    double lower(unsigned bucket) const { return bucket == 0 ? 0 : ends_[bucket - 1]; }
    double upper(unsigned bucket) const { return ends_[bucket]; }

private:
    std::vector<double> ends_;
};

/// One horizon: for each bucket, how many transactions confirmed within 1, 2, ... periods, how many gave up after so many,
/// and how many wait since when. A period is `scale` blocks.
/// Thread: its owner's.
class ConfirmStats {
public:
    struct Shape {
        unsigned periods = 0;
        double decay = 0;  ///< what a count keeps of itself with each block
        unsigned scale = 1;
    };
    ConfirmStats(Shape shape, std::size_t buckets);

    /// Blocks over which confirmation is followed.
    unsigned max_target() const { return shape_.scale * shape_.periods; }

    // --- in a block's order: begin_block, confirmed...
    /// Transactions that have waited for max_target() blocks are counted as old; all averages fade.
    void begin_block(unsigned height);
    /// `blocks`: taken to confirm, from 1.
    void confirmed(unsigned blocks, unsigned bucket, double rate);

    void waits(unsigned height, unsigned bucket);
    /// One that waited since `entered` leaves. `best`: the newest height seen, 0 for none.
    void leaves(unsigned entered, unsigned best, unsigned bucket, bool in_block);

    /// The average rate of the lowest range of buckets that confirms in `target` blocks with at least the share `threshold`, when all higher
    /// ranges do, too; -1: none. A range has enough data with `sufficient` transactions a block. 1 <= target <= max_target().
    double estimate(unsigned target, double sufficient, double threshold, unsigned height, const FeeBuckets& buckets,
                    FeeEvidence* evidence) const;

    void write(Writer& writer) const;
    /// Errors: the sentence for the log.
    static Result<ConfirmStats, std::string> read(Reader& reader, std::size_t buckets);

private:
    struct Sums;

    void make_waiting();
    std::vector<int> waiting_for(unsigned target, unsigned height) const;
    double median_rate(unsigned low, unsigned high) const;
    std::size_t at(std::size_t row, unsigned bucket) const { return row * buckets_ + bucket; }

    Shape shape_;
    std::size_t buckets_;
    std::vector<double> confirmed_;     ///< [period][bucket]: confirmed within so many periods
    std::vector<double> failed_;        ///< [period][bucket]: left unconfirmed after so many
    std::vector<double> count_;         ///< [bucket]: confirmed at all
    std::vector<double> rate_sum_;      ///< [bucket]
    std::vector<int> waiting_;          ///< [height modulo max_target()][bucket]
    std::vector<int> waiting_long_;     ///< [bucket]: for max_target() blocks or longer
};

/// Doubles as their 64 bits, with a compact size before: how the file holds them.
void write_doubles(Writer& writer, std::span<const double> values);
/// At most `limit` of them, all finite; fails the reader otherwise.
std::vector<double> read_doubles(Reader& reader, std::size_t limit);

}  // namespace cairn::node
