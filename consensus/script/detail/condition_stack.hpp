#pragma once

#include <cstdint>

#include "consensus/base/check.hpp"

namespace cairn {

/// The nesting of op_if. What can be asked is only whether every level is on its true side, so a depth and the place of
/// the first false level are enough: constant time for any depth.
class ConditionStack {
public:
    bool empty() const { return depth_ == 0; }
    bool all_true() const { return first_false_ == kNone; }
    void push(bool value) {
        if (!value && all_true()) first_false_ = depth_;
        ++depth_;
    }
    void pop() {
        CAIRN_CHECK(depth_ > 0);
        --depth_;
        if (first_false_ == depth_) first_false_ = kNone;
    }
    /// op_else: turns the innermost level around. Below an earlier false level that makes no difference.
    void toggle() {
        CAIRN_CHECK(depth_ > 0);
        if (all_true()) {
            first_false_ = depth_ - 1;
        } else if (first_false_ == depth_ - 1) {
            first_false_ = kNone;
        }
    }

private:
    static constexpr std::uint32_t kNone = 0xffffffff;
    std::uint32_t depth_ = 0;
    std::uint32_t first_false_ = kNone;
};

}  // namespace cairn
