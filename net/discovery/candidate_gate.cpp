#include "net/discovery/candidate_gate.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kHour_us = 3'600'000'000;

}  // namespace

std::vector<Endpoint> CandidateGate::pass(const std::vector<Endpoint>& found, std::int64_t now_us) {
    if (now_us < hour_began_us_ || now_us - hour_began_us_ >= kHour_us || hour_began_us_ == 0) {
        hour_began_us_ = now_us;
        this_hour_.clear();
        by_group_.clear();
    }
    std::vector<Endpoint> passed;
    for (const Endpoint& endpoint : found) {
        if (this_hour_.contains(endpoint)) continue;
        if (!endpoint.address.is_routable() || endpoint.port == 0 || this_hour_.size() >= kPerHour) {
            ++refused_;
            continue;
        }
        std::size_t& of_group = by_group_[groups_.group(endpoint.address)];
        if (of_group >= kPerGroup) {
            ++refused_;
            continue;
        }
        ++of_group;
        ++passed_;
        this_hour_.insert(endpoint);
        passed.push_back(endpoint);
    }
    return passed;
}

}  // namespace cairn::net
