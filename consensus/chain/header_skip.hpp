#pragma once

#include "consensus/chain/header_tree.hpp"

namespace cairn {

/// Where a child of `parent` should jump to: a skew-binary list, in which two equally long jumps in a row are
/// merged into one. The jump's length depends on the height alone, so it is the same on every branch.
inline const HeaderNode* skip_of_child(const HeaderNode* parent) {
    const HeaderNode* once = parent->skip;
    const HeaderNode* twice = once != nullptr ? once->skip : nullptr;
    if (twice != nullptr && parent->height - once->height == once->height - twice->height) return twice;
    return parent;
}

}  // namespace cairn
