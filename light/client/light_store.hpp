#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "light/client/filter_fetch.hpp"
#include "light/client/ports.hpp"
#include "storage/kv.hpp"

namespace cairn::light {

/// How far blocks were looked at, and for which scripts.
struct ScanProgress {
    BlockHash block;             ///< looked at up to this one
    BlockHash reached;           ///< the last block that the sink was told of: above `block` while a rescan is under way
    std::uint64_t revision = 0;  ///< of the WatchSet
};

/// A filter header and the block it is of.
struct FilterHeaderRow {
    BlockHash block;
    Uint256 header;
};

/// What a light client keeps: headers in the order in which they were accepted (so that a parent always comes first, on
/// whatever branch), agreed filter headers by height, checked filters by height and block, and how far it scanned.
/// Each write is one atomic batch that survives the end of the process at once; a crash of the machine leaves a prefix.
/// Thread: the one of Jobs::run_in_order; reading at the start, before it runs, from any.
class LightStore {
public:
    /// `kv` is used for nothing else and outlives this object. Errors: foreign, when it belongs to another network.
    static storage::Stored<std::unique_ptr<LightStore>> open(storage::KvStore& kv, const ChainParams& params);

    // --- at the start
    /// Headers that do not fit are where the trust ends: they and all after them are forgotten. Gives how many were kept.
    /// `now_and_then` is called after each kPiece of them.
    storage::Stored<std::uint32_t> load_headers(HeaderChain& chain, const std::function<void()>& now_and_then = {});
    /// Filter headers of the best chain from block 1 up, to `take`, one after the other; the rest is forgotten. Gives how many there were.
    storage::Stored<Height> load_filter_headers(const HeaderChain& chain, const std::function<void(const Uint256&)>& take,
                                                const std::function<void()>& now_and_then = {});
    static constexpr std::uint32_t kPiece = 50'000;
    storage::Stored<std::optional<ScanProgress>> load_progress() const;
    /// How many peers agreed on the newest filter header.
    storage::Stored<int> load_voters() const;

    // --- while running
    storage::Stored<void> put_headers(const std::vector<const HeaderNode*>& nodes);
    /// Replaces all from `first` up.
    storage::Stored<void> put_filter_headers(Height first, const std::vector<FilterHeaderRow>& rows, int voters);
    /// Forgets filter headers and filters above `height`.
    storage::Stored<void> cut_filters(Height height);
    struct FilterRow {
        Height height;
        BlockHash block;
        FilterBytes filter;
    };
    storage::Stored<void> put_filters(const std::vector<FilterRow>& rows);
    /// Null: it is not here.
    storage::Stored<FilterBytes> filter(Height height, const BlockHash& block) const;
    /// Forgets the filters of blocks below `height`, on all branches; whoever wants one of them fetches it again.
    storage::Stored<void> drop_filters_below(Height height);
    storage::Stored<void> put_progress(const ScanProgress& progress);

private:
    explicit LightStore(storage::KvStore& kv) : kv_(kv) {}
    storage::KvStore& kv_;
};

}  // namespace cairn::light
