#include "node/acceptance/fifo.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

namespace cairn::node {
namespace {

TEST(Fifo, GivesBackInOrderWhateverTheTurns) {
    Fifo<std::unique_ptr<int>> fifo;
    std::deque<int> model;
    unsigned state = 7;
    int next = 0;
    for (int step = 0; step < 200'000; ++step) {
        state = state * 1'103'515'245 + 12'345;
        // Long stretches of growing and of shrinking, down to nothing now and then.
        const bool growing = step / 20'000 % 2 == 0;
        if ((state >> 16) % 10 < (growing ? 7u : 3u)) {
            fifo.push_back(std::make_unique<int>(next));
            model.push_back(next++);
        } else if (!model.empty()) {
            ASSERT_EQ(*fifo.front(), model.front());
            ASSERT_EQ(*fifo.take(), model.front());
            model.pop_front();
        }
        ASSERT_EQ(fifo.size(), model.size());
        ASSERT_EQ(fifo.empty(), model.empty());
    }
}

}  // namespace
}  // namespace cairn::node
