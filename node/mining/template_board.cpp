#include "node/mining/template_board.hpp"

#include <future>
#include <stdexcept>

#include "consensus/primitives/block.hpp"
#include "consensus/rules/subsidy.hpp"
#include "net/io/clock.hpp"
#include "net/io/log.hpp"
#include "node/mining/block_builder.hpp"

namespace cairn::node {

namespace log = net::log;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kMaxAge = 5;        // seconds that a template may lag behind the mempool
constexpr std::int64_t kRenewAge = 4;      // the thread is a little earlier
constexpr auto kLookEvery = 500ms;
constexpr auto kTrialDelay = 1s;           // after a tip miners ask for templates: the machine has better to do
constexpr auto kInterest = 10min;          // how long one call keeps the thread at work
// Trying a block of so few transactions takes about a millisecond.
constexpr std::size_t kSmall = 200;
// The mempool follows the tip within microseconds of its being shown; these waits are for a machine that stalls.
constexpr std::int64_t kCatchUpMs = 10;
constexpr int kCatchUpTries = 300;

constexpr std::uint8_t kAnyoneCanSpend[] = {0x51};

}  // namespace

TemplateBoard::TemplateBoard(ChainPort& chain, MempoolPort* pool, ChainParamsPtr params, const net::Clock& clock, MiningOptions options)
    : chain_(chain), pool_(pool), params_(std::move(params)), clock_(clock), options_(std::move(options)), states_(params_) {}

TemplateBoard::~TemplateBoard() { stop(); }

void TemplateBoard::start() {
    chain_.subscribe(this);
    if (pool_) pool_->subscribe(this);
    thread_ = std::thread([this] { run(); });
}

void TemplateBoard::stop() {
    if (!thread_.joinable()) return;
    if (pool_) pool_->unsubscribe(this);
    chain_.unsubscribe(this);
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

// ---------------------------------------------------------------------------------------------- making

/// Chooses transactions for a block on the tip with which the mempool goes.
void TemplateBoard::select(BlockTemplate& made, bool use_mempool) const {
    SelectionLimits limits;
    limits.max_weight = options_.block_max_weight;
    limits.reserved_weight = options_.block_reserved_weight;
    limits.min_fee_rate = options_.block_min_fee_rate;
    for (int tries = 0;; ++tries) {
        made.parent = chain_.view()->tip;
        made.height = limits.height = made.parent->height + 1;
        made.selection = {};
        made.selection.weight = limits.reserved_weight;
        made.selection.sigop_cost = limits.reserved_sigop_cost;
        limits.lock_time_cutoff = made.parent->median_time_past();
        if (!use_mempool || pool_ == nullptr || broken_ == made.parent || tries == kCatchUpTries) return;
        {
            const MempoolReader pool = pool_->read();
            const HeaderNode* pool_tip = pool_->tip();
            // About to be shown. Any other child of the tip was disconnected just now, and the mempool has yet to follow.
            if (pool_tip && pool_tip == coming_ && pool_tip->parent == made.parent) {
                made.parent = pool_tip;
                made.height = limits.height = pool_tip->height + 1;
                limits.lock_time_cutoff = pool_tip->median_time_past();
            }
            if (pool_tip == nullptr || pool_tip == made.parent) {
                made.changes = pool->changes();
                made.selection = select_for_block(*pool, limits);
                return;
            }
        }
        chain_.wait_for([&made](const ChainView& view) { return view.tip != made.parent; }, kCatchUpMs);
    }
}

void TemplateBoard::complete(BlockTemplate& made) {
    {
        const std::lock_guard lock(states_mutex_);
        made.version = states_.block_version(made.parent);
        for (std::size_t i = 0; i < kSignalledDeployments; ++i) {
            made.deployments[i] = states_.state_after(made.parent, static_cast<SignalledDeployment>(i));
        }
    }
    if (options_.block_version && params_->network == Network::regtest) made.version = *options_.block_version;
    made.segwit = params_->active_at(BuriedDeployment::segwit, made.height);
    made.coinbase_value = rules::block_subsidy(made.height, *params_) + made.selection.fees;
}

/// Hashes the witness commitment. Reads the selection and writes nothing else.
void TemplateBoard::commit(BlockTemplate& made) {
    std::vector<Wtxid> wtxids;
    wtxids.reserve(made.selection.transactions.size());
    for (const SelectedTransaction& one : made.selection.transactions) wtxids.push_back(one.tx->tx().wtxid);
    made.commitment = BlockBuilder::witness_commitment(wtxids);
}

std::shared_ptr<BlockTemplate> TemplateBoard::make(bool use_mempool) {
    auto made = std::make_shared<BlockTemplate>();
    made->made_at = clock_.now();
    select(*made, use_mempool);
    complete(*made);
    const BlockSelection& selection = made->selection;
    log::info("CreateNewBlock(): block weight: {} txs: {} fees: {} sigops {}", selection.weight, selection.transactions.size(),
              selection.fees, selection.sigop_cost);
    if (options_.print_fee_rates) {
        for (const SelectedTransaction& one : selection.transactions) {
            const Amount rate = FeeRate::of(one.modified_fee, one.tx->tx().vsize()).per_kvb;
            log::info("fee rate {}{}.{:08} BTC/kvB txid {}", rate < 0 ? "-" : "", std::abs(rate) / kCoin, std::abs(rate) % kCoin,
                      one.tx->tx().txid.to_display_hex());
        }
    }
    const std::lock_guard lock(mutex_);
    last_ = LastAssembled{selection.weight, static_cast<std::int64_t>(selection.transactions.size())};
    return made;
}

BlockTemplatePtr TemplateBoard::make_for_callers() {
    auto made = make(true);
    // Two halves of about the same size, side by side.
    std::future<void> hashing;
    if (made->selection.transactions.size() > kSmall) hashing = std::async(std::launch::async, [&made] { commit(*made); });
    else commit(*made);
    made->transactions_json = render_transactions(made->selection, made->segwit);
    if (hashing.valid()) hashing.get();
    if (params_->default_consistency_checks && made->selection.transactions.size() <= kSmall) {
        const std::string reason = trial(*made);
        if (!reason.empty()) throw std::runtime_error("TestBlockValidity failed: " + reason);
    }
    return made;
}

BlockTemplatePtr TemplateBoard::fresh(bool use_mempool) {
    auto made = make(use_mempool);
    commit(*made);
    return made;
}

Bytes TemplateBoard::assemble(const BlockTemplate& of, ByteSpan script_pubkey) const {
    std::vector<Transaction> transactions;
    transactions.reserve(of.selection.transactions.size());
    for (const SelectedTransaction& one : of.selection.transactions) transactions.push_back(one.tx->tx());
    return BlockBuilder(chain_, params_, clock_, of.version).assemble(script_pubkey, transactions, of.selection.fees, of.parent);
}

/// Why the block would not connect; empty when it would, or when its tip is gone and it does not matter any more.
std::string TemplateBoard::trial(const BlockTemplate& of) const {
    const auto block = Block::parse(assemble(of, kAnyoneCanSpend));
    if (!block) return "block-decode-failed";
    const auto good = chain_.test_block(**block, false);
    if (good || good.error().kind != BlockVerdict::Kind::invalid || chain_.view()->tip != of.parent) return {};
    const BlockVerdict& verdict = good.error();
    return verdict.reject_reason + (verdict.debug_message.empty() ? "" : ", " + verdict.debug_message);
}

// ---------------------------------------------------------------------------------------------- keeping

/// Under the mutex. May the kept template be given out?
bool TemplateBoard::still_good(std::int64_t max_age_s) const {
    if (!kept_) return false;
    const HeaderNode* const tip = chain_.view()->tip;
    const HeaderNode* const coming = coming_;
    if (kept_->parent != (coming && coming->parent == tip ? coming : tip)) return false;
    // One that was made ahead and that nobody has seen need not lag behind: chains that check themselves, where scripts count
    // on the exact picture, renew it.
    const bool exact = !given_ && params_->default_consistency_checks;
    if (!exact && clock_.now() - kept_->made_at <= max_age_s) return true;
    return mempool_changes() == kept_->changes;
}

/// Replaces the kept template, the mutex let go meanwhile. Nobody else is at it.
void TemplateBoard::renew(std::unique_lock<std::mutex>& lock) {
    making_ = true;
    lock.unlock();
    BlockTemplatePtr made;
    std::exception_ptr error;
    try {
        made = make_for_callers();
    } catch (...) {
        error = std::current_exception();
    }
    lock.lock();
    making_ = false;
    if (!kept_ || !made || made->parent != kept_->parent) first_made_ = Steady::now();
    kept_ = std::move(made);
    given_ = false;
    changed_.notify_all();
    if (error) std::rethrow_exception(error);
}

BlockTemplatePtr TemplateBoard::current() {
    std::unique_lock lock(mutex_);
    const bool first = !wanted();
    last_asked_ = Steady::now();
    changed_.wait(lock, [this] { return !making_; });
    if (!still_good(kMaxAge)) renew(lock);
    given_ = true;
    shown_changes_ = kept_->changes;
    const BlockTemplatePtr given = kept_;
    lock.unlock();
    if (first) changed_.notify_all();
    return given;
}

bool TemplateBoard::wanted() const { return last_asked_ && Steady::now() - *last_asked_ < kInterest; }

std::optional<LastAssembled> TemplateBoard::last_assembled() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

std::uint64_t TemplateBoard::mempool_changes() const { return pool_ == nullptr ? 0 : pool_->read()->changes(); }

std::uint64_t TemplateBoard::shown_changes() const {
    const std::lock_guard lock(mutex_);
    return shown_changes_;
}

void TemplateBoard::on_tip(const std::shared_ptr<const ChainView>&, const HeaderNode*, const HeaderNode*) { wake(nullptr); }

void TemplateBoard::on_block_removed(const std::vector<RemovedEntry>&, const HeaderNode* block) { wake(block); }

void TemplateBoard::wake(const HeaderNode* tip) {
    {
        const std::lock_guard lock(mutex_);
        coming_ = tip;
        woken_ = true;
    }
    changed_.notify_all();
}

// ---------------------------------------------------------------------------------------------- the thread

void TemplateBoard::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        const auto due = [this] { return stopping_ || (woken_ && wanted()); };
        if (wanted()) changed_.wait_for(lock, kLookEvery, due);
        else changed_.wait(lock, [this] { return stopping_ || wanted(); });
        changed_.wait(lock, [this] { return stopping_ || !making_; });
        if (stopping_ || !wanted()) continue;
        woken_ = false;
        if (!still_good(kRenewAge)) {
            try {
                renew(lock);
            } catch (const std::exception& error) {
                log::error("{}", error.what());
            }
        }
        try_first_of_tip(lock);
    }
}

/// Lets the chain connect the kept template on trial, once for each tip, a little after the rush.
void TemplateBoard::try_first_of_tip(std::unique_lock<std::mutex>& lock) {
    const BlockTemplatePtr made = kept_;
    if (stopping_ || !made || made->parent == tried_ || Steady::now() - first_made_ < kTrialDelay) return;
    tried_ = made->parent;
    if (made->selection.transactions.empty()) return;
    lock.unlock();
    const std::string reason = trial(*made);
    lock.lock();
    if (reason.empty()) return;
    log::error("The block template on {} is not valid ({}); it is withdrawn, and empty blocks are offered on this block.",
               made->parent->hash.to_display_hex(), reason);
    broken_ = made->parent;
    kept_ = nullptr;
}

}  // namespace cairn::node
