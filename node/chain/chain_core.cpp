#include "node/chain/chain_core.hpp"

#include <future>

#include "consensus/base/check.hpp"
#include "consensus/rules/header_rules.hpp"
#include "net/io/clock.hpp"
#include "net/io/log_control.hpp"
#include "node/chain/text.hpp"

namespace cairn::node {

namespace log = net::log;

namespace {

constexpr std::int32_t kSequenceBestChain = 0;  // blocks of the best chain at start win over others of equal work,
constexpr std::int32_t kSequenceLoaded = 1;     // and all that were there over newcomers

ChainStartError start_error(const storage::StorageError& error) {
    return {"Error opening block database: " + error.message, false, error.kind == storage::StorageError::Kind::corruption};
}

ChainStartError corrupted() { return {"Corrupted block database detected", false, true}; }

}  // namespace

ChainCore::ChainCore(ChainServiceOptions options, ChainParamsPtr params, storage::KvStore& kv, const net::Clock& clock, ChainHooks hooks)
    : options_(std::move(options)), params_(std::move(params)), kv_(kv), blocks_(kv), headers_(kv), clock_(clock), hooks_(std::move(hooks)),
      gate_(params_, clock), coins_(kv, params_), script_cache_(options_.script_cache_bytes), deployments_(params_), workers_(std::make_unique<Workers>(worker_count(options_.threads))),
      candidates_(CandidateOrder{&gate_.status()}) {
    assume_valid_ = options_.assume_valid.value_or(params_->default_assume_valid);
    minimum_work_ = options_.minimum_work.value_or(params_->minimum_chain_work);
    tip_ = front_ = gate_.tree().genesis();
    board_.change([this](ChainView& view) { view.tip = view.best_header = tip_; });
}

ChainCore::~ChainCore() { stop(); }

// ---------------------------------------------------------------------------------------------- start

Result<void, ChainStartError> ChainCore::open() {
    if (assume_valid_.is_null()) log::info("Validating signatures for all blocks.");
    else log::info("Assuming ancestors of block {} have valid signatures.", assume_valid_.to_display_hex());
    log::info("Using {} MiB out of {} MiB requested for script execution cache, able to store {} elements", script_cache_.bytes() >> 20,
              options_.script_cache_bytes >> 20, script_cache_.capacity());
    last_flush_ = steady_seconds();
    if (auto schema = storage::open_schema(kv_, {params_->magic, params_->genesis_hash(), std::string(params_->name())}); !schema)
        return fail(ChainStartError{schema.error().message, false, schema.error().kind == storage::StorageError::Kind::corruption});
    const auto reindexing = storage::read_fact(kv_, "reindexing");
    if (!reindexing) return fail(start_error(reindexing.error()));
    hold_ = options_.reindex || reindexing->value_or(0) != 0;
    if (hold_) {
        log::info("Wiping the block index and the chainstate for -reindex");
        storage::WriteBatch batch;
        storage::erase_best_block(batch);
        const Bytes first, last(64, 0xff);
        batch.erase_range(storage::Family::headers, first, last);
        batch.erase_range(storage::Family::undo, first, last);
        // The indexes are made anew with the rest; those that are switched off, too, when they are on again.
        for (const auto family : {storage::Family::tx_places, storage::Family::spend_places, storage::Family::filters,
                                  storage::Family::filter_headers, storage::Family::coin_stats}) {
            batch.erase_range(family, first, last);
        }
        batch.erase_range(storage::Family::meta, as_bytes(std::string_view("index/")), as_bytes(std::string_view("index0")));
        storage::put_fact(batch, "reindexing", 1);
        storage::put_fact(batch, "prune_height", 0);
        storage::put_fact(batch, "pruned", 0);
        if (auto written = kv_.write(batch); !written) return fail(start_error(written.error()));
    }
    if (hold_ || options_.reindex_chainstate) {
        log::info("Wiping the chainstate");
        if (auto erased = coins_.store().erase_all(); !erased) return fail(start_error(erased.error()));
    }
    if (auto loaded = load(); !loaded) return loaded;
    if (auto tip = load_tip(); !tip) return tip;
    if (auto looked = coins_.look_at_disk(); !looked) return fail(start_error(looked.error()));
    importing_ = true;
    publish_state();
    board_.change([this](ChainView& view) {
        view.tip = tip_;
        view.best_header = gate_.best();
        view.importing = true;
        view.initial_block_download = initial_download_;
    });
    if (tip_->header.time > clock_.now() + rules::kMaxFutureBlockTime) {
        return fail(ChainStartError{"The block database contains a block which appears to be from the future. This may be due to your computer's date "
                                    "and time being set incorrectly. Only rebuild the block database if you are sure that your computer's date and "
                                    "time are correct", false, true});
    }
    if (tip_->parent && !hold_ && !options_.reindex_chainstate) {
        const auto good = verify(options_.check_level, options_.check_blocks);
        if (hooks_.interrupted && hooks_.interrupted()) return fail(ChainStartError{"", true, false});
        if (!good || !*good) return fail(corrupted());
    }
    return {};
}

Result<void, ChainStartError> ChainCore::load() {
    bool genesis_stored = false, damaged = false;
    StatusTable& table = gate_.status();
    const auto read = headers_.for_each([&](const storage::HeaderRecord& record) {
        const HeaderNode* node = gate_.restore(record.header, record.hash, record.status & BlockStatus::kStored);
        if (node == nullptr) {
            damaged = true;
            return false;
        }
        genesis_stored = genesis_stored || node->height == 0;
        BlockStatus& status = table[node];
        status.tx_count = record.tx_count;
        status.raw_size = static_cast<std::uint32_t>(record.data_size);
        status.undo_size = static_cast<std::uint32_t>(record.undo_size);
        if (status.has(BlockStatus::have_data)) stored_bytes_ += record.data_size;
        if (status.has(BlockStatus::have_undo)) stored_bytes_ += record.undo_size;
        return (node->id & 0xffff) != 0 || !hooks_.interrupted || !hooks_.interrupted();
    });
    if (!read) return fail(start_error(read.error()));
    if (hooks_.interrupted && hooks_.interrupted()) return fail(ChainStartError{"", true, false});
    if (damaged) return fail(corrupted());
    if (!genesis_stored) {
        if (gate_.tree().size() > 1) return fail(ChainStartError{"Incorrect or no genesis block found. Wrong datadir for network?", false, false});
        if (auto made = make_genesis(); !made) return made;
    }
    const std::uint32_t count = gate_.tree().size();
    for (std::uint32_t id = 0; id < count; ++id) {  // parents first
        const HeaderNode* node = gate_.tree().at(id);
        BlockStatus& status = table[node];
        status.sequence = kSequenceLoaded;
        if (status.invalid()) note_invalid(node);
        if (status.tx_count == 0) continue;
        const std::uint64_t before = node->parent ? table[node->parent].chain_tx_count.load() : 0;
        if (node->parent && before == 0) {
            if (status.has(BlockStatus::have_data)) unlinked_.emplace(node->parent, node);
            continue;
        }
        status.chain_tx_count = before + status.tx_count;
    }
    headers_written_ = count;
    gate_.recalculate_best();
    return {};
}

Result<void, ChainStartError> ChainCore::make_genesis() {
    log::info("Initializing databases...");
    const HeaderNode* node = gate_.tree().genesis();
    BlockStatus& status = gate_.status()[node];
    const Block& block = *params_->genesis;
    status.tx_count = static_cast<std::uint32_t>(block.txs().size());
    status.raw_size = static_cast<std::uint32_t>(block.raw().size());
    status.set(BlockStatus::have_data | BlockStatus::checked | BlockStatus::scripts_valid);
    if (params_->active_at(BuriedDeployment::segwit, node->height)) status.set(BlockStatus::witness_checked);
    stored_bytes_ += status.raw_size;
    storage::WriteBatch batch;
    storage::BlockStore::put_block(batch, key(node), block.raw());
    headers_written_ = 0;
    append_index(batch);
    storage::put_best_block(batch, {node->hash, 0});
    if (auto written = kv_.write(batch); !written) return fail(start_error(written.error()));
    if (auto flushed = kv_.flush(); !flushed) return fail(start_error(flushed.error()));
    return {};
}

Result<void, ChainStartError> ChainCore::load_tip() {
    const auto pruned = storage::read_fact(kv_, "pruned");
    const auto prune_height = storage::read_fact(kv_, "prune_height");
    if (!pruned || !prune_height) return fail(corrupted());
    have_pruned_ = pruned->value_or(0) != 0;
    if (have_pruned_) log::info("Loading block index db: Block files have previously been pruned");
    if (have_pruned_ && !options_.prune) {
        return fail(ChainStartError{"You need to rebuild the database using -reindex to go back to unpruned mode.  This will redownload the entire blockchain",
                                    false, true});
    }
    if (have_pruned_ && options_.reindex_chainstate) {
        return fail(ChainStartError{"Prune mode is incompatible with -reindex-chainstate. Use full -reindex instead.", false, false});
    }
    board_.change([&](ChainView& view) { view.prune_height = static_cast<Height>(prune_height->value_or(0)); });

    const auto best = storage::read_best_block(kv_);
    if (!best) return fail(start_error(best.error()));
    const HeaderNode* tip = gate_.tree().genesis();
    if (*best) {
        tip = gate_.tree().find((*best)->hash);
        if (tip == nullptr || !gate_.status()[tip].linked()) return fail(corrupted());
    }
    tip_ = front_ = flushed_tip_ = tip;
    if (lacks_witness_checks()) {
        return fail(ChainStartError{"Witness data for blocks after height " + std::to_string(params_->deployment_height(BuriedDeployment::segwit)) +
                                        " requires validation. Please restart with -reindex.",
                                    false, true});
    }
    for (const HeaderNode* node = tip; node; node = node->parent) gate_.status()[node].sequence = kSequenceBestChain;
    const std::uint32_t count = gate_.tree().size();
    for (std::uint32_t id = 0; id < count; ++id) add_candidate(gate_.tree().at(id));
    candidates_.insert(tip_);
    log::info("Loaded best chain: hashBestChain={} height={} progress={:f}", tip_->hash.to_display_hex(), tip_->height, progress(tip_));
    return {};
}

// Blocks of the chain were taken in when segwit's rules did not hold at their height, and now they do.
bool ChainCore::lacks_witness_checks() const {
    for (const HeaderNode* node = tip_; node && params_->active_at(BuriedDeployment::segwit, node->height); node = node->parent) {
        if (!gate_.status()[node].has(BlockStatus::witness_checked)) return true;
    }
    return false;
}

void ChainCore::start_threads() {
    running_ = true;
    chain_thread_ = std::thread([this] {
        log::name_thread("chain");
        run();
    });
    import_thread_ = std::thread([this] {
        log::name_thread("initload");
        import();
        log::info("initload thread exit");
    });
}

// ---------------------------------------------------------------------------------------------- the chain thread

// Does what came; waits up to `wait` when nothing did.
void ChainCore::read_mail(std::chrono::milliseconds wait) {
    while (auto message = mailbox_.take(wait)) {
        message();
        wait = std::chrono::milliseconds(0);
    }
}

void ChainCore::run() {
    std::unique_lock duty(duty_);
    while (!stopping()) {
        read_mail(std::chrono::milliseconds(0));
        if (stopping()) break;
        if (step()) continue;
        ChainResident* const resident = !broken_ && idle() ? resident_ : nullptr;
        const auto calm = calm_left();
        duty.unlock();
        if (!resident || !resident->waiting()) mailbox_.await(calm > calm.zero() ? calm : std::chrono::milliseconds(1000));
        duty.lock();
    }
    // The end: workers finish fast, speculation is taken back, what is verified is written.
    for (const auto& block : pending_) block->failed = true;
    workers_->stop(false);
    mailbox_.close();
    read_mail(std::chrono::milliseconds(0));
    roll_back_pending();
    settle_waiting_sources();
    if (!broken_) flush_all();
}

bool ChainCore::step() {
    if (broken_) {
        settle_waiting_sources();  // what still comes in is answered, though never judged
        return resident_ && resident_->on_rest();
    }
    if (advance()) return true;
    on_idle();
    return resident_ && idle() && resident_->on_rest();
}

// Nothing can be done right now. When no verdict is out either, the tip is settled.
void ChainCore::on_idle() {
    if (!idle()) return;
    for (auto it = ahead_.begin(); it != ahead_.end();) {
        const HeaderNode* node = (it++)->first;
        if (gate_.status()[node].linked()) drop_ahead(node);
    }
    if (importing_ && import_done_) end_import();
    publish(true);
    settle_waiting_sources();
    if (hold_ || calm_left() > std::chrono::milliseconds(0)) return;
    flush_if_due(true);
    prune_if_due();
    if (coins_.cache().live_bytes() > options_.cache_bytes) coins_.cache().evict(options_.cache_bytes / 2);
}

bool ChainCore::idle() {
    if (!pending_.empty() || flush_wanted_) return false;
    if (hold_ || halted_) return true;
    const HeaderNode* target = best_candidate();
    return !target || front_->ancestor(target->height) == target;
}

void ChainCore::settle() {
    std::chrono::milliseconds wait{0};
    while (!stopping() && !broken_) {
        read_mail(wait);
        if (advance()) {
            wait = std::chrono::milliseconds(0);
            continue;
        }
        if (idle()) break;
        wait = std::chrono::milliseconds(100);
    }
    if (!broken_) publish(true);
}

void ChainCore::end_import() {
    importing_ = false;
    publish_state();
    if (options_.prune) prune_check_ = true;
}

void ChainCore::stop() {
    stopping_ = true;
    board_.close();
    mailbox_.post([] {});
    if (import_thread_.joinable()) import_thread_.join();
    if (chain_thread_.joinable()) chain_thread_.join();
    mailbox_.close();
    running_ = false;
}

bool ChainCore::run_and_wait(const std::function<void()>& work) {
    auto done = std::make_shared<std::promise<bool>>();
    auto result = done->get_future();
    const bool posted = mailbox_.post([this, done, &work] {
        if (!stopping()) work();
        done->set_value(!stopping());
    });
    return posted && result.get();
}

bool ChainCore::run_at_rest(const std::function<void()>& work) {
    return run_and_wait([&] {
        settle();
        work();
    });
}

ChainThread::Turn ChainCore::try_at_rest(const std::function<void()>& work) {
    const std::unique_lock duty(duty_, std::try_to_lock);
    if (!duty) return Turn::taken;
    if (!running_ || stopping() || broken_ || !mailbox_.empty() || !idle()) return Turn::busy;
    work();
    return Turn::done;
}

void ChainCore::set_resident(ChainResident* resident) {
    if (!running_ || !run_and_wait([&] { resident_ = resident; })) resident_ = resident;
}

void ChainCore::set_companion(LedgerCompanion* companion) {
    if (!running_ || !run_and_wait([&] { companion_ = companion; })) companion_ = companion;
}

bool ChainCore::write_companion(storage::WriteBatch& batch, const std::function<void(const HeaderNode* flushed)>& before) {
    bool written = false;
    auto done = std::make_shared<std::promise<void>>();
    auto result = done->get_future();
    const bool posted = mailbox_.post([&, done] {
        if (!broken_ && check_space(batch.size_bytes())) {
            before(flushed_tip_);
            const auto outcome = kv_.write(batch);
            written = outcome.has_value();
            if (!written) fatal(outcome.error(), "System error while writing an index");
        }
        done->set_value();
    });
    if (posted) result.get();
    return posted && written;
}

void ChainCore::set_observer(ChainObserver* observer, bool on) {
    const auto change = [&] {
        std::erase(observers_, observer);
        if (on) observers_.push_back(observer);
    };
    auto done = std::make_shared<std::promise<void>>();
    auto result = done->get_future();
    if (running_ && mailbox_.post([&change, done] {
            change();
            done->set_value();
        })) {
        result.get();
    } else {
        change();
    }
}

// ---------------------------------------------------------------------------------------------- any thread

Result<const HeaderNode*, HeaderError> ChainCore::accept_headers(std::span<const BlockHeader> headers, bool minimum_work_shown) {
    const HeaderNode* before = gate_.best();
    auto accepted = gate_.accept(headers, minimum_work_shown);
    if (gate_.best() != before) {
        // While files are read the view follows with the next tip: it need not be made anew for every header.
        if (!board_.view()->importing) board_.change([this](ChainView& view) { view.best_header = gate_.best(); });
    }
    return accepted;
}

Result<Bytes, ReadError> ChainCore::read_block(const HeaderNode* node) const {
    const BlockStatus& status = gate_.status()[node];
    if (!status.has(BlockStatus::have_data)) return fail(status.tx_count != 0 ? ReadError::pruned : ReadError::not_stored);
    auto raw = blocks_.read_block(key(node));
    if (!raw) return fail(ReadError::io);
    if (!*raw) return fail(status.has(BlockStatus::have_data) ? ReadError::io : ReadError::pruned);
    return std::move(**raw);
}

Result<Bytes, ReadError> ChainCore::read_block_unverified(const HeaderNode* node) const {
    const BlockStatus& status = gate_.status()[node];
    if (!status.has(BlockStatus::have_data)) return fail(status.tx_count != 0 ? ReadError::pruned : ReadError::not_stored);
    auto raw = blocks_.read_block_unverified(key(node));
    if (!raw) return fail(ReadError::io);
    if (!*raw) return fail(status.has(BlockStatus::have_data) ? ReadError::io : ReadError::pruned);
    return std::move(**raw);
}

Result<BlockUndo, ReadError> ChainCore::read_undo(const HeaderNode* node) const {
    const BlockStatus& status = gate_.status()[node];
    if (!status.has(BlockStatus::have_undo)) return fail(status.has(BlockStatus::scripts_valid) ? ReadError::pruned : ReadError::not_stored);
    auto undo = blocks_.read_undo(key(node));
    if (!undo) return fail(ReadError::io);
    if (!*undo) return fail(status.has(BlockStatus::have_undo) ? ReadError::io : ReadError::pruned);
    return std::move(**undo);
}

double ChainCore::progress(const HeaderNode* node) const {
    const std::uint64_t count = gate_.status()[node].chain_tx_count;
    if (count == 0) return 0;
    const ChainTxData& data = params_->tx_data;
    const std::int64_t now = clock_.now();
    std::int64_t time = node->header.time;
    const HeaderNode* best = gate_.best();
    // Near the tip heights say more than the times that miners set.
    if (std::abs(now - time) <= 2 * 60 * 60 && best->height >= node->height) time = now - (best->height - node->height) * params_->pow_target_spacing;
    const double total = count <= data.tx_count ? static_cast<double>(data.tx_count) + static_cast<double>(now - data.time) * data.tx_rate
                                                : static_cast<double>(count) + static_cast<double>(now - time) * data.tx_rate;
    return std::min(static_cast<double>(count) / total, 1.0);
}

std::vector<std::string> ChainCore::warnings() const {
    std::lock_guard lock(warnings_mutex_);
    std::vector<std::string> texts;
    for (const auto& [name, text] : warnings_) texts.push_back(text);
    return texts;
}

// ---------------------------------------------------------------------------------------------- trouble and warnings

void ChainCore::fatal(const std::string& message) {
    if (broken_) return;
    broken_ = halted_ = true;
    log::error("A fatal internal error occurred, see debug.log for details: {}", message);
    set_warning("fatal", "A fatal internal error occurred, see debug.log for details: " + message);
    if (hooks_.fatal) hooks_.fatal(message);
}

void ChainCore::fatal(const storage::StorageError& error, const std::string& doing) {
    fatal(error.kind == storage::StorageError::Kind::no_space ? "Disk space is too low!" : doing + ": " + error.message);
}

void ChainCore::set_warning(const std::string& name, const std::string& text) {
    {
        std::lock_guard lock(warnings_mutex_);
        if (text.empty() ? warnings_.erase(name) == 0 : std::exchange(warnings_[name], text) == text) return;
    }
    if (!text.empty() && name != "fatal" && hooks_.alert) hooks_.alert(text);
}

void ChainCore::check_fork_warning() {
    const bool large = best_invalid_ && best_invalid_->chain_work > tip_->chain_work + block_work(tip_->header.bits) * 6;
    static constexpr const char* kText =
        "Found invalid chain more than 6 blocks longer than our best chain. This could be due to database corruption or consensus "
        "incompatibility with peers.";
    if (large) log::warning("{}", kText);
    set_warning("large-work-invalid-chain", large ? std::string("Warning: ") + kText : std::string());
}

std::string ChainCore::check_unknown_rules() {
    std::string waiting;
    for (const rules::UnknownActivation& rule : deployments_.unknown_activations(tip_)) {
        const std::string text = "Unknown new rules activated (versionbit " + std::to_string(rule.bit) + ")";
        if (rule.active) set_warning("unknown-new-rules-activated", text);
        else waiting += (waiting.empty() ? "" : ", ") + text;
    }
    return waiting;
}

}  // namespace cairn::node
