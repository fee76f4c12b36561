#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "node/mempool/mempool_port.hpp"

namespace cairn::node {

/// How far back an estimate looks: confirmations within 12, 48 or 1008 blocks, with data that loses half its weight in about
/// 18 blocks, a day or a week.
enum class FeeHorizon : std::uint8_t { short_term, medium_term, long_term };
inline constexpr std::array kFeeHorizons{FeeHorizon::short_term, FeeHorizon::medium_term, FeeHorizon::long_term};
/// "short", "medium", "long".
std::string_view to_string(FeeHorizon horizon);

/// A range of fee rates (sat/kvB) and how the transactions in it fared. Counts are averages over blocks and so no whole numbers.
struct FeeRange {
    double start = -1;
    double end = -1;
    double within_target = 0;
    double total_confirmed = 0;
    double in_mempool = 0;    ///< waiting for at least the target now
    double left_mempool = 0;  ///< left unconfirmed after the target
};

/// What an estimate was worked out from.
struct FeeEvidence {
    FeeRange pass;      ///< the lowest rates that met the threshold
    FeeRange fail;      ///< the highest that did not; start -1: none
    double decay = 0;
    unsigned scale = 0; ///< blocks in a period
};

/// An estimate; rate 0: there is none.
struct SmartFee {
    FeeRate rate;
    int target = 0;  ///< blocks that it holds for
};

class ConfirmStats;

/// Estimates which fee rate gets a transaction into one of the next blocks, from how long those seen before took.
///
/// Transactions that enter the mempool by themselves (no parents there, not in a package, while the node is up to date) are
/// sorted by fee rate into buckets 5 % apart. When a block comes it is counted for each bucket how many blocks its transactions
/// took; counts fade with each block, at three speeds. An estimate is the lowest range of buckets of which a high enough share
/// confirmed within the target, all higher ranges having passed, too.
/// The numbers (buckets, decays, thresholds) and the file are Bitcoin Core's, so that files may be moved between both.
/// Thread: any; one mutex. The observers' calls come from the chain thread and take microseconds.
class FeeEstimator final : public MempoolObserver {
public:
    /// Reads `file` when it is there and not older than 60 hours; `accept_stale`: whatever its age. What cannot be read is
    /// logged and left aside.
    explicit FeeEstimator(std::filesystem::path file, bool accept_stale = false);
    ~FeeEstimator() override;
    FeeEstimator(const FeeEstimator&) = delete;
    FeeEstimator& operator=(const FeeEstimator&) = delete;

    void on_added(const AddedTransaction& added) override;
    void on_removed(const RemovedEntry& removed) override;
    void on_block_removed(const std::vector<RemovedEntry>& removed, const HeaderNode* block) override;

    /// The rate that is likely to confirm within `target` blocks (1 to highest_target(long_term)): the highest of 60 % within half of it, 85 % within it
    /// and 95 % within twice; `conservative`: the last one over the longer horizons, too. The target is lowered to what there is data for.
    SmartFee smart_fee(int target, bool conservative) const;
    /// One horizon with a threshold of one's own. Rate 0: no answer.
    FeeRate raw_fee(int target, double threshold, FeeHorizon horizon, FeeEvidence* evidence = nullptr) const;
    int highest_target(FeeHorizon horizon) const;

    /// Writes the file when an hour passed since it was written last. `steady_s`: seconds of a clock that only runs forward.
    void flush_when_due(std::int64_t steady_s);
    /// Writes it now, atomically.
    void flush();
    /// What still waits counts as not confirmed; then flush().
    void finish();

private:
    struct Tracked {
        unsigned height = 0;
        unsigned bucket = 0;
    };
    struct Book;

    bool untrack(const Txid& txid, bool in_block);
    void read_file(bool accept_stale);
    unsigned block_span() const;
    unsigned historical_span() const;
    unsigned usable_target() const;
    double combined(unsigned target, double threshold, bool check_shorter) const;
    double conservative(unsigned double_target) const;

    const std::filesystem::path file_;
    mutable std::mutex mutex_;
    std::unique_ptr<Book> book_;
    std::int64_t last_flush_s_ = -1;
};

}  // namespace cairn::node
