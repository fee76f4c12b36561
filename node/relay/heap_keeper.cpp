#include "node/relay/heap_keeper.hpp"

#include <cstdlib>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace cairn::node {

namespace {

constexpr std::uint64_t kMany = 16;
constexpr std::int64_t kCalm_us = 1'000'000, kRest_us = 30'000'000;

void give_back() {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

}  // namespace

bool HeapKeeper::tick(std::uint64_t departures, std::int64_t now_us) {
    if (departures != seen_) {
        seen_ = departures;
        changed_us_ = now_us;
    }
    if (seen_ - served_ < kMany || now_us - changed_us_ < kCalm_us) return false;
    if (served_us_ >= 0 && now_us - served_us_ < kRest_us) return false;
    served_ = seen_;
    served_us_ = now_us;
    working_ = std::async(std::launch::async, give_back);
    return true;
}

}  // namespace cairn::node
