#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

#include "node/node.hpp"

namespace cairn::node {

/// One line that tells a person at a terminal how far the node is: height, date, per cent, speed, time left, peers.
/// Owner: main thread.
class ProgressLine {
public:
    /// The text for this moment; speeds are taken over the last half minute.
    std::string update(const NodeStatus& status, std::chrono::steady_clock::time_point now);

private:
    struct Sample {
        std::chrono::steady_clock::time_point when;
        int height;
        std::uint64_t bytes;
        double progress;
    };
    std::deque<Sample> samples_;
};

}  // namespace cairn::node
