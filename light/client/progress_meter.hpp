#pragma once

#include <deque>
#include <optional>

#include "light/client/ports.hpp"

namespace cairn::light {

/// How fast a phase goes, from samples of the last kSpan_us.
/// Owner: one thread.
class ProgressMeter {
public:
    static constexpr std::int64_t kSpan_us = 10'000'000;

    /// `done` of `total` blocks of this phase.
    void sample(Phase phase, std::int64_t done, std::int64_t total, std::int64_t now_us);
    double rate() const;                      ///< blocks a second
    double progress() const;                  ///< 0 to 1
    std::optional<std::int64_t> eta_s() const;  ///< none: nothing moves

private:
    struct Sample {
        std::int64_t at_us, done;
    };
    Phase phase_ = Phase::connecting;
    std::deque<Sample> samples_;
    std::int64_t total_ = 0;
};

}  // namespace cairn::light
