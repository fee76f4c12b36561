#pragma once

#include <algorithm>
#include <cstdint>

namespace cairn::net {

/// A bucket that fills with time and empties with use.
/// Owner: net thread.
class TokenBucket {
public:
    TokenBucket(double rate_per_second, double capacity, double tokens)
        : rate_(rate_per_second), capacity_(capacity), tokens_(tokens) {}

    /// Lets time pass. A bucket that was filled above its capacity by add() only empties.
    void advance(std::int64_t now_us) {
        if (tokens_ < capacity_ && last_us_ != 0 && now_us > last_us_)
            tokens_ = std::min(capacity_, tokens_ + static_cast<double>(now_us - last_us_) / 1e6 * rate_);
        last_us_ = now_us;
    }
    /// Takes one token if there is one.
    bool take() {
        if (tokens_ < 1.0) return false;
        tokens_ -= 1.0;
        return true;
    }
    void add(double tokens) { tokens_ += tokens; }

private:
    double rate_;
    double capacity_;
    double tokens_;
    std::int64_t last_us_ = 0;
};

}  // namespace cairn::net
