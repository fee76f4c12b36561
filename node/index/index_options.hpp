#pragma once

namespace cairn::node {

/// Which indexes are kept.
struct IndexOptions {
    bool txs = false;         ///< -txindex
    bool filters = false;     ///< -blockfilterindex=basic
    bool coin_stats = false;  ///< -coinstatsindex
    bool spenders = false;    ///< -txospenderindex

    bool any() const { return txs || filters || coin_stats || spenders; }
};

}  // namespace cairn::node
