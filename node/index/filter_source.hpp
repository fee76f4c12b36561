#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "consensus/chain/header_tree.hpp"

namespace cairn::node {

/// Basic compact filters (BIP158) of blocks by their place in the tree, as those who serve them want them.
/// Thread: any. Everything reads the disk: not for the net thread. nullopt: a block of the range is not indexed (yet), or the
/// disk failed.
class FilterSource {
public:
    struct Row {
        Uint256 hash;    ///< of the filter
        Uint256 header;  ///< commits to it and to all before
    };

    virtual ~FilterSource() = default;
    virtual std::optional<Bytes> filter(const HeaderNode* node) const = 0;
    virtual std::optional<Row> row(const HeaderNode* node) const = 0;
    /// Of the blocks from `start` up to `stop`, on its branch.
    virtual std::optional<std::vector<Row>> rows(Height start, const HeaderNode* stop) const = 0;
    /// Runs `work` on a thread that may read the disk. False: it never runs.
    virtual bool post(std::function<void()> work) const = 0;
};

}  // namespace cairn::node
