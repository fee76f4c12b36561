#pragma once

#include <atomic>
#include <map>

#include "consensus/primitives/block_filter.hpp"
#include "light/client/bloom_scan.hpp"
#include "light/client/light_store.hpp"

namespace cairn::light {

/// Looks at every block that can concern the watched scripts, in order: filters from the store or the network, matching on
/// workers, blocks of matches from random peers, and all of it handed to the sink on its own thread.
///
/// Several thousand blocks are on the way at a time; the sink gets them one batch after the other, and a slow sink holds
/// back the scan and nothing else. When the sink, having seen a block, watches more scripts, all filters behind that block
/// are matched anew. Scripts that ask for it make the scan begin again at their birthday; where it stands is stored with
/// the revision it stands for, so that a rescan goes on after a restart and none is begun twice.
/// Limits: filters of kWindowBytes, or kSmallestWindow of them; kBlocksAhead blocks.
/// Owner: net thread. Jobs report back through `post`.
class Scanner {
public:
    static constexpr std::size_t kWindowBytes = 24u << 20;
    static constexpr std::size_t kSmallestWindow = 64, kLargestWindow = 4000;  ///< filters
    static constexpr std::size_t kBlocksAhead = 16;
    static constexpr std::size_t kFiltersOfJob = 64;
    static constexpr std::size_t kBatch = 500;  ///< blocks handed to the sink at a time

    struct Parts {
        const HeaderChain& chain;
        const FilterHeaders& headers;
        FilterFetch& fetch;
        BlockRequests& blocks;
        LightStore& store;
        Jobs& jobs;
        ScriptSource& source;
        BlockSink& sink;
        std::function<void(std::function<void()>)> post;      ///< runs a task on the net thread; thread: any
        std::function<void(const storage::StorageError&)> fatal;  ///< thread: any
        BloomScan* bloom = nullptr;  ///< says which blocks match instead of compact filters; null: those do
    };
    /// `progress`: of an earlier run.
    Scanner(Parts parts, std::optional<ScanProgress> progress);
    ~Scanner();

    /// The source may have something new.
    void on_watch_changed();
    /// Additions up to this revision need no second look at blocks that were looked at before. Those that came later do, and so do
    /// filters that were lies.
    void give_up(std::uint64_t revision) { give_up_ = revision; }
    void on_filter(const HeaderNode* node, FilterBytes filter);
    /// What peers said of a block by bloom filters.
    void on_bloom_result(const HeaderNode* node, bool matches);
    /// Agreed filter headers above `height` are void.
    void cut(Height height);
    /// `headers_done`: the best chain is known, so that birthdays mean a height.
    void tick(bool headers_done);

    /// Up to here everything was looked at, for all scripts; null: nothing was yet.
    const HeaderNode* scanned() const { return scanned_; }
    /// The first block that this scan looks at.
    Height began() const { return began_; }
    std::uint64_t revision() const { return watch_ ? watch_->revision : 0; }
    std::uint64_t matched() const { return matched_; }
    std::shared_ptr<const WatchSet> watch() const { return watch_; }
    /// Nothing is left to do up to this block.
    bool done(const HeaderNode* tip) const { return watch_ && scanned_ == tip && !busy_ && !restart_ && !asking_; }

private:
    enum class Match : std::uint8_t { unknown, running, no, yes };
    struct Slot {
        const HeaderNode* node = nullptr;
        FilterBytes filter;
        bool asked_store = false;
        Match match = Match::unknown;
        bool block_wanted = false;
        BlockPtr block;
    };
    struct Item {
        ScanPlace place;
        BlockPtr block;
    };

    void take_watch(std::shared_ptr<const WatchSet> watch);
    Height birthday(const Birthday& day) const;
    Height first_height() const;
    void begin();
    void restart(Height first);
    void ask_for_restart(std::uint64_t after_revision);
    void finish_giving_up(std::uint64_t revision);
    void tell_search(Height next);
    Height handed_over() const;
    void fill_window();
    void load_filters();
    void ask_by_bloom();
    void forget_wanted();
    /// Up to here it can be said which blocks match.
    const HeaderNode* limit() const { return parts_.bloom ? parts_.chain.tip() : parts_.headers.tip(); }
    void match_filters();
    void on_matched(std::uint64_t revision, const std::vector<std::pair<const HeaderNode*, bool>>& results);
    void want_blocks();
    void deliver();
    void disconnect_stale();
    void in_order(std::function<std::function<void()>()> job);
    void check(const storage::Stored<void>& done) const;

    Parts parts_;
    std::optional<ScanProgress> progress_;  ///< of an earlier run, until begin()
    Height trusted_ = 0;                    ///< up to here filter headers were agreed in that run
    std::shared_ptr<const WatchSet> watch_;
    std::shared_ptr<const FilterWatch> filter_watch_;
    const HeaderNode* scanned_ = nullptr;
    const HeaderNode* reached_ = nullptr;   ///< the last block that the sink was told of; scanned_ is it or an ancestor
    Height began_ = 0;
    std::map<Height, Slot> slots_;          ///< from the next block to hand over, without gaps
    std::vector<LightStore::FilterRow> unsaved_;
    bool begun_ = false;
    bool busy_ = false;                     ///< the sink has something to do
    bool asking_ = false;                   ///< the source is being asked
    bool ask_again_ = false;                ///< it changed meanwhile
    std::optional<Height> restart_;         ///< once the sink is free
    std::optional<Height> owed_;            ///< from here on filters were lies: to be looked at again, whatever is given up
    std::optional<std::uint64_t> give_up_;  ///< once the sink is free
    Height delivering_ = -1;                ///< the last block that the sink is busy with
    std::uint64_t matched_ = 0;
    double mean_bytes_ = 2000;
    std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(true);
};

}  // namespace cairn::light
