#include "node/chain/text.hpp"

#include <chrono>
#include <cmath>
#include <ctime>

namespace cairn::node {

std::string iso_time(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    gmtime_r(&time, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

double log2_work(const HeaderNode* node) { return std::log(node->chain_work.to_double()) / std::log(2.0); }


std::int64_t steady_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace cairn::node
