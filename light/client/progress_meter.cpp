#include "light/client/progress_meter.hpp"

#include <algorithm>

namespace cairn::light {

std::string_view to_string(Phase phase) {
    switch (phase) {
        case Phase::connecting: return "connecting";
        case Phase::headers: return "headers";
        case Phase::filter_headers: return "filter headers";
        case Phase::scanning: return "scanning";
        case Phase::synced: return "synced";
    }
    return "";
}

void ProgressMeter::sample(Phase phase, std::int64_t done, std::int64_t total, std::int64_t now_us) {
    if (phase != phase_ || (!samples_.empty() && (done < samples_.back().done || now_us < samples_.back().at_us))) samples_.clear();
    phase_ = phase;
    total_ = std::max(total, done);
    if (samples_.empty() || now_us - samples_.back().at_us >= kSpan_us / 20) samples_.push_back({now_us, done});
    else if (samples_.size() > 1) samples_.back().done = done;
    while (samples_.size() > 2 && now_us - samples_.front().at_us > kSpan_us) samples_.pop_front();
}

double ProgressMeter::rate() const {
    if (samples_.size() < 2) return 0;
    const double seconds = static_cast<double>(samples_.back().at_us - samples_.front().at_us) / 1e6;
    return static_cast<double>(samples_.back().done - samples_.front().done) / seconds;
}

double ProgressMeter::progress() const {
    if (phase_ == Phase::synced) return 1;
    if (samples_.empty() || total_ == 0) return 0;
    return static_cast<double>(samples_.back().done) / static_cast<double>(total_);
}

std::optional<std::int64_t> ProgressMeter::eta_s() const {
    if (phase_ == Phase::synced) return 0;
    if (rate() <= 0) return std::nullopt;
    return static_cast<std::int64_t>(static_cast<double>(total_ - samples_.back().done) / rate());
}

}  // namespace cairn::light
