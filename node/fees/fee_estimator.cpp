#include "node/fees/fee_estimator.hpp"

#include <algorithm>
#include <cmath>
#include <chrono>
#include <fstream>
#include <unordered_map>

#include "consensus/crypto/random.hpp"
#include "net/io/log.hpp"
#include "node/fees/confirm_stats.hpp"

namespace cairn::node {

namespace fs = std::filesystem;
namespace log = net::log;

namespace {

constexpr std::int32_t kFileVersion = 309900;
constexpr std::uintmax_t kMaxFileBytes = 64 << 20;
constexpr std::size_t kMaxFileBuckets = 1000;
constexpr std::int64_t kMaxFileAgeHours = 60;
constexpr std::int64_t kFlushSeconds = 3600;
constexpr unsigned kOldestHistory = 6 * 1008;  // blocks

constexpr ConfirmStats::Shape kShortShape{12, 0.962, 1};
constexpr ConfirmStats::Shape kMediumShape{24, 0.9952, 2};
constexpr ConfirmStats::Shape kLongShape{42, 0.99931, 24};

constexpr double kHalfThreshold = 0.6;
constexpr double kThreshold = 0.85;
constexpr double kDoubleThreshold = 0.95;
// Transactions a block that a range of buckets must have; more where fewer blocks count.
constexpr double kSufficient = 0.1;
constexpr double kSufficientShort = 0.5;

/// Ids are chosen by those who send transactions; what they collide with here is not.
struct SaltedHash {
    std::uint64_t factor = random_u64() | 1;
    std::size_t operator()(const Txid& txid) const noexcept { return (txid.low64() * factor) >> 20; }
};

double rate_of(Amount fee, std::int64_t vsize) { return static_cast<double>(FeeRate::of(fee, vsize).per_kvb); }

}  // namespace

std::string_view to_string(FeeHorizon horizon) {
    switch (horizon) {
        case FeeHorizon::short_term: return "short";
        case FeeHorizon::medium_term: return "medium";
        case FeeHorizon::long_term: break;
    }
    return "long";
}

/// All that the estimator knows. The file holds it but for what waits.
struct FeeEstimator::Book {
    FeeBuckets buckets;
    // By horizon.
    std::array<ConfirmStats, 3> stats{ConfirmStats(kShortShape, buckets.size()), ConfirmStats(kMediumShape, buckets.size()),
                                      ConfirmStats(kLongShape, buckets.size())};
    unsigned best_height = 0;
    unsigned first_recorded = 0;                       // height of the first block that had data; 0: none yet
    unsigned historical_first = 0, historical_best = 0;  // what the file that was read covers
    std::unordered_map<Txid, Tracked, SaltedHash> waiting;
    unsigned tracked = 0, untracked = 0;               // since the last block

    ConfirmStats& of(FeeHorizon horizon) { return stats[static_cast<std::size_t>(horizon)]; }
    double estimate(FeeHorizon horizon, unsigned target, double threshold, FeeEvidence* evidence = nullptr) const {
        const double sufficient = horizon == FeeHorizon::short_term ? kSufficientShort : kSufficient;
        return stats[static_cast<std::size_t>(horizon)].estimate(target, sufficient, threshold, best_height, buckets, evidence);
    }
    unsigned max_target(FeeHorizon horizon) const { return stats[static_cast<std::size_t>(horizon)].max_target(); }

    static Result<Book, std::string> read(Reader& reader);
    void write(Writer& writer, unsigned first, unsigned best) const;
};

Result<FeeEstimator::Book, std::string> FeeEstimator::Book::read(Reader& reader) {
    const std::int32_t version = reader.i32();
    if (version > kFileVersion) return fail(fmt::format("File version ({}) too high to be read.", version));
    if (version < kFileVersion) return fail(fmt::format("File version ({}) incompatible: Too old to be read", version));
    Book book;
    book.best_height = reader.u32();
    book.historical_first = reader.u32();
    book.historical_best = reader.u32();
    if (book.historical_first > book.historical_best || book.historical_best > book.best_height) {
        return fail(std::string("Corrupt estimates file. Historical block range for estimates is invalid"));
    }
    std::vector<double> ends = read_doubles(reader, kMaxFileBuckets);
    if (ends.size() <= 1) return fail(std::string("Corrupt estimates file. Must have between 2 and 1000 feerate buckets"));
    if (!std::is_sorted(ends.begin(), ends.end(), std::less_equal<>())) {
        return fail(std::string("Corrupt estimates file. Feerate buckets must rise"));
    }
    book.buckets = FeeBuckets(std::move(ends));
    for (const FeeHorizon horizon : {FeeHorizon::medium_term, FeeHorizon::short_term, FeeHorizon::long_term}) {
        auto stats = ConfirmStats::read(reader, book.buckets.size());
        if (!stats) return fail(stats.error());
        book.of(horizon) = std::move(*stats);
    }
    return book;
}

void FeeEstimator::Book::write(Writer& writer, unsigned first, unsigned best) const {
    writer.i32(kFileVersion);
    writer.u32(best_height);
    writer.u32(first);
    writer.u32(best);
    write_doubles(writer, buckets.ends());
    for (const FeeHorizon horizon : {FeeHorizon::medium_term, FeeHorizon::short_term, FeeHorizon::long_term}) {
        stats[static_cast<std::size_t>(horizon)].write(writer);
    }
}

FeeEstimator::FeeEstimator(fs::path file, bool accept_stale) : file_(std::move(file)), book_(std::make_unique<Book>()) {
    read_file(accept_stale);
}

FeeEstimator::~FeeEstimator() = default;

void FeeEstimator::read_file(bool accept_stale) {
    std::ifstream in(file_, std::ios::binary);
    if (!in) {
        log::info("{} is not found. Continue anyway.", file_.string());
        return;
    }
    std::error_code error;
    const auto written = fs::last_write_time(file_, error);
    const auto age = std::chrono::duration_cast<std::chrono::hours>(fs::file_time_type::clock::now() - written).count();
    if (!error && age > kMaxFileAgeHours && !accept_stale) {
        log::warning("Fee estimation file {} too old (age={} > {} hours) and will not be used to avoid serving stale estimates.",
                     file_.string(), age, kMaxFileAgeHours);
        return;
    }
    const auto refuse = [this](const std::string& why) {
        log::warning("Unable to read policy estimator data (non-fatal): {}", why);
        log::warning("Failed to read fee estimates from {}. Continue anyway.", file_.string());
    };
    if (error || fs::file_size(file_, error) > kMaxFileBytes || error) return refuse("The file is too large");
    const Bytes bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    Reader reader(bytes);
    auto book = Book::read(reader);
    if (!book) return refuse(book.error());
    *book_ = std::move(*book);
}

// ---------------------------------------------------------------------------------------------- watching

void FeeEstimator::on_added(const AddedTransaction& added) {
    const std::lock_guard lock(mutex_);
    Book& book = *book_;
    const Txid& txid = added.tx->tx().txid;
    const auto height = static_cast<unsigned>(added.height);
    // Side chains say nothing, and before the first block there is nothing to count from.
    if (book.waiting.contains(txid) || height != book.best_height) return;
    // Only what had to compete by its own fee, with a node that sees the competition.
    if (added.limits_bypassed || added.in_package || !added.chain_current || !added.no_parents_here) {
        ++book.untracked;
        return;
    }
    ++book.tracked;
    const unsigned bucket = book.buckets.of(rate_of(added.fee, added.vsize));
    book.waiting.emplace(txid, Tracked{height, bucket});
    for (ConfirmStats& stats : book.stats) stats.waits(height, bucket);
}

/// False: it was not followed.
bool FeeEstimator::untrack(const Txid& txid, bool in_block) {
    Book& book = *book_;
    const auto found = book.waiting.find(txid);
    if (found == book.waiting.end()) return false;
    for (ConfirmStats& stats : book.stats) stats.leaves(found->second.height, book.best_height, found->second.bucket, in_block);
    book.waiting.erase(found);
    return true;
}

void FeeEstimator::on_removed(const RemovedEntry& removed) {
    const std::lock_guard lock(mutex_);
    untrack(removed.entry.txid(), false);
}

void FeeEstimator::on_block_removed(const std::vector<RemovedEntry>& removed, const HeaderNode* block) {
    const std::lock_guard lock(mutex_);
    Book& book = *book_;
    const auto height = static_cast<unsigned>(block->height);
    if (height <= book.best_height) return;  // a side chain: its times are not to be trusted
    book.best_height = height;
    for (ConfirmStats& stats : book.stats) stats.begin_block(height);
    unsigned counted = 0;
    for (const RemovedEntry& one : removed) {
        const MempoolEntry& entry = one.entry;
        if (!untrack(entry.txid(), true)) continue;
        const auto entered = static_cast<unsigned>(entry.height);
        if (entered >= height) continue;
        const double rate = rate_of(entry.fee, entry.vsize());
        const unsigned bucket = book.buckets.of(rate);
        for (ConfirmStats& stats : book.stats) stats.confirmed(height - entered, bucket, rate);
        ++counted;
    }
    if (book.first_recorded == 0 && counted > 0) {
        book.first_recorded = height;
        log::debug(log::Category::estimatefee, "Blockpolicy first recorded height {}", height);
    }
    log::debug(log::Category::estimatefee,
               "Blockpolicy estimates updated by {} of {} block txs, since last block {} of {} tracked, mempool map size {}, max target {} "
               "from {}",
               counted, removed.size(), book.tracked, book.tracked + book.untracked, book.waiting.size(), usable_target(),
               historical_span() > block_span() ? "historical" : "current");
    book.tracked = book.untracked = 0;
}

// ---------------------------------------------------------------------------------------------- estimates

unsigned FeeEstimator::block_span() const { return book_->first_recorded == 0 ? 0 : book_->best_height - book_->first_recorded; }

unsigned FeeEstimator::historical_span() const {
    const Book& book = *book_;
    if (book.historical_first == 0 || book.best_height - book.historical_best > kOldestHistory) return 0;
    return book.historical_best - book.historical_first;
}

/// Targets beyond half of what was watched have too few chances to fail.
unsigned FeeEstimator::usable_target() const {
    return std::min(book_->max_target(FeeHorizon::long_term), std::max(block_span(), historical_span()) / 2);
}

/// From the shortest horizon that covers the target; `check_shorter`: or a shorter one's longest target, when that asks for less.
double FeeEstimator::combined(unsigned target, double threshold, bool check_shorter) const {
    const Book& book = *book_;
    const unsigned short_max = book.max_target(FeeHorizon::short_term), medium_max = book.max_target(FeeHorizon::medium_term);
    if (target < 1 || target > book.max_target(FeeHorizon::long_term)) return -1;
    const FeeHorizon horizon = target <= short_max    ? FeeHorizon::short_term
                               : target <= medium_max ? FeeHorizon::medium_term
                                                      : FeeHorizon::long_term;
    double best = book.estimate(horizon, target, threshold);
    if (!check_shorter) return best;
    const auto offer = [&](FeeHorizon shorter, unsigned reach) {
        if (target <= reach) return;
        const double rate = book.estimate(shorter, reach, threshold);
        if (rate > 0 && (best == -1 || rate < best)) best = rate;
    };
    offer(FeeHorizon::medium_term, medium_max);
    offer(FeeHorizon::short_term, short_max);
    return best;
}

/// The strictest threshold over the horizons longer than the target's own.
double FeeEstimator::conservative(unsigned double_target) const {
    const Book& book = *book_;
    double best = -1;
    if (double_target <= book.max_target(FeeHorizon::short_term)) {
        best = book.estimate(FeeHorizon::medium_term, double_target, kDoubleThreshold);
    }
    if (double_target <= book.max_target(FeeHorizon::medium_term)) {
        best = std::max(best, book.estimate(FeeHorizon::long_term, double_target, kDoubleThreshold));
    }
    return best;
}

SmartFee FeeEstimator::smart_fee(int target, bool conservative_wanted) const {
    const std::lock_guard lock(mutex_);
    SmartFee answer{{0}, target};
    if (target <= 0 || static_cast<unsigned>(target) > book_->max_target(FeeHorizon::long_term)) return answer;
    // One block cannot be promised: the next one may be found before the transaction is known everywhere.
    const unsigned blocks = std::min(static_cast<unsigned>(std::max(target, 2)), usable_target());
    answer.target = static_cast<int>(blocks);
    if (blocks <= 1) return answer;
    double rate = combined(blocks / 2, kHalfThreshold, true);
    rate = std::max(rate, combined(blocks, kThreshold, true));
    rate = std::max(rate, combined(2 * blocks, kDoubleThreshold, !conservative_wanted));
    if (conservative_wanted || rate == -1) rate = std::max(rate, conservative(2 * blocks));
    if (rate >= 0) answer.rate.per_kvb = std::llround(rate);
    return answer;
}

FeeRate FeeEstimator::raw_fee(int target, double threshold, FeeHorizon horizon, FeeEvidence* evidence) const {
    const std::lock_guard lock(mutex_);
    if (target <= 0 || static_cast<unsigned>(target) > book_->max_target(horizon) || threshold > 1) return {0};
    const double rate = book_->estimate(horizon, static_cast<unsigned>(target), threshold, evidence);
    return {rate < 0 ? 0 : std::llround(rate)};
}

int FeeEstimator::highest_target(FeeHorizon horizon) const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(book_->max_target(horizon));
}

// ---------------------------------------------------------------------------------------------- keeping

void FeeEstimator::flush_when_due(std::int64_t steady_s) {
    {
        const std::lock_guard lock(mutex_);
        if (last_flush_s_ < 0) last_flush_s_ = steady_s;
        if (steady_s - last_flush_s_ < kFlushSeconds) return;
        last_flush_s_ = steady_s;
    }
    flush();
}

void FeeEstimator::flush() {
    Bytes bytes;
    {
        const std::lock_guard lock(mutex_);
        const Book& book = *book_;
        const bool own = block_span() > historical_span() / 2;
        Writer writer(bytes);
        book.write(writer, own ? book.first_recorded : book.historical_first, own ? book.best_height : book.historical_best);
    }
    fs::path fresh = file_;
    fresh += ".new";
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.close();
    std::error_code error;
    if (out) fs::rename(fresh, file_, error);
    if (!out || error) {
        log::warning("Failed to write fee estimates to {}. Continue anyway.", file_.string());
        fs::remove(fresh, error);
        return;
    }
    log::debug(log::Category::estimatefee, "Flushed fee estimates to {}.", file_.string());
}

void FeeEstimator::finish() {
    const auto start = std::chrono::steady_clock::now();
    {
        const std::lock_guard lock(mutex_);
        const std::size_t count = book_->waiting.size();
        while (!book_->waiting.empty()) untrack(Txid(book_->waiting.begin()->first), false);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        log::debug(log::Category::estimatefee, "Recorded {} unconfirmed txs from mempool in {:.3f}s", count, took.count());
    }
    flush();
}

}  // namespace cairn::node
