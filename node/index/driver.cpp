#include "node/index/driver.hpp"

#include <chrono>

#include <fmt/format.h>

#include "net/io/log_control.hpp"
#include "node/index/marker.hpp"

namespace cairn::node {

namespace log = net::log;

namespace {

constexpr std::size_t kBatchBytes = 2 << 20;
constexpr std::int64_t kBatchSeconds = 2;  // catching up shows at least this often
constexpr std::int64_t kLogSeconds = 30;

std::int64_t steady_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool covers(const HeaderNode* position, const HeaderNode* tip) { return position && tip && position->ancestor(tip->height) == tip; }

}  // namespace

IndexDriver::IndexDriver(Index& index, ChainPort& chain, ChainThread& thread, const storage::KvStore& store, RecentBlocks& recent,
                         std::function<void(const std::string&)> fatal)
    : index_(index), chain_(chain), thread_(thread), store_(store), recent_(recent), fatal_(std::move(fatal)) {}

// ---------------------------------------------------------------------------------------------- start and end

Result<void, std::string> IndexDriver::open() {
    const auto damaged = [this](const std::string& why) {
        log::error("Cannot read current {} state; index may be corrupted{}", index_.name(), why);
        return fail(fmt::format("Cannot read current {} state; index may be corrupted. Please restart with -reindex to rebuild it.", index_.name()));
    };
    const auto marker = read_index_marker(store_, index_.name());
    if (!marker) return damaged(": " + marker.error().message);
    const HeaderNode* at = *marker ? chain_.headers().find((*marker)->best.hash) : nullptr;
    if (*marker && !at) return fail(fmt::format("best block of {} not found. Please rebuild the index.", index_.name()));
    const auto loaded = index_.load(at, *marker ? ByteSpan((*marker)->state) : ByteSpan());
    if (!loaded) return damaged(": " + loaded.error().message);
    if (!*loaded) return damaged("");
    position_ = written_ = done_ = at;
    written_state_ = index_.state();
    synced_ = covers(at, chain_.view()->tip);
    return {};
}

Result<void, std::string> IndexDriver::check_blocks() const {
    const auto view = chain_.view();
    const HeaderNode* from = position_ ? last_common_ancestor(position_, view->tip) : view->at(0);
    if (from->height + 1 >= view->prune_height || view->tip == from) return {};
    return fail(fmt::format("{} best block of the index goes beyond pruned data{}. Please disable the index or reindex (which will download the "
                            "whole blockchain again)",
                            index_.name(), index_.wants_undo() ? " (including undo data)" : ""));
}

void IndexDriver::start() {
    worker_ = std::thread([this] {
        log::name_thread(std::string(index_.thread_name()));
        log::info("{} thread start", index_.thread_name());
        run();
        log::info("{} thread exit", index_.thread_name());
    });
}

void IndexDriver::stop() {
    stopping_ = true;
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    changed_.notify_all();
    if (worker_.joinable()) worker_.join();
}

// ---------------------------------------------------------------------------------------------- any thread

void IndexDriver::wake() {
    {
        const std::lock_guard lock(mutex_);
        woken_ = true;
    }
    changed_.notify_all();
}

bool IndexDriver::wait_until_current() const {
    if (!synced_) return false;
    const HeaderNode* target = chain_.view()->tip;
    std::unique_lock lock(mutex_);
    // A target that the chain has left meanwhile is never reached, but then the chain's new tip is.
    changed_.wait(lock, [&] { return ended_ || covers(done_, target) || covers(done_, chain_.view()->tip); });
    return !ended_;
}

Height IndexDriver::needed_from() const {
    const HeaderNode* at = reached();
    return at ? last_common_ancestor(at, chain_.view()->tip)->height : 0;
}

const HeaderNode* IndexDriver::reached() const {
    const std::lock_guard lock(mutex_);
    return done_;
}

IndexSummary IndexDriver::summary() const {
    const std::lock_guard lock(mutex_);
    return {index_.name(), synced_, done_ ? done_->height : 0};
}

void IndexDriver::add_marker(const HeaderNode* tip, storage::WriteBatch& batch) const {
    if (!written_ || tip->ancestor(written_->height) != written_) return;
    put_index_marker(batch, index_.name(), {{written_->hash, written_->height}, written_state_});
}

// ---------------------------------------------------------------------------------------------- the index's thread

void IndexDriver::run() {
    last_write_ = last_log_ = steady_now();
    while (!stopping_) {
        if (step()) continue;
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return woken_ || ended_ || stopping_; });
        woken_ = false;
    }
    flush();
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

// One block. False: there is nothing to do, or never will be.
bool IndexDriver::step() {
    {
        const std::lock_guard lock(mutex_);
        woken_ = false;
    }
    const auto view = chain_.view();
    const HeaderNode* tip = view->tip;
    if (covers(position_, tip)) {
        if (flush()) enable();
        return false;
    }
    if (position_ && last_common_ancestor(position_, tip) != position_) return take_back();
    const HeaderNode* next = tip->ancestor(position_ ? position_->height + 1 : 0);
    const auto block = fetch(next, index_.wants_undo());
    if (!block) return false;
    if (auto appended = index_.append(*block, batch_); !appended) return give_up(appended.error(), "Indexing");
    position_ = next;
    const std::int64_t now = steady_now();
    if (!synced_ && now - last_log_ >= kLogSeconds) {
        log::info("Syncing {} with block chain from height {}", index_.name(), next->height);
        last_log_ = now;
    }
    if (batch_.size_bytes() >= kBatchBytes || now - last_write_ >= kBatchSeconds) return flush();
    return true;
}

bool IndexDriver::take_back() {
    if (!flush()) return false;
    IndexedBlock block{position_, nullptr, nullptr};
    if (index_.takes_blocks_back()) {
        auto found = fetch(position_, true);
        if (!found) return false;
        block = std::move(*found);
    }
    if (auto taken = index_.take_back(block); !taken) return give_up(taken.error(), "Going back");
    position_ = position_->parent;
    return true;
}

std::optional<IndexedBlock> IndexDriver::fetch(const HeaderNode* node, bool with_undo) {
    if (auto recent = recent_.find(node)) return recent;
    IndexedBlock result{node, nullptr, std::make_shared<const BlockUndo>()};
    auto raw = chain_.read_block(node);
    auto block = raw ? Block::parse(std::move(*raw)) : Result<BlockPtr, DecodeError>(fail(DecodeError::truncated));
    if (!block) {
        give_up(fmt::format("Failed to read block {} from disk", node->hash.to_display_hex()));
        return std::nullopt;
    }
    result.block = std::move(*block);
    if (with_undo && node->parent) {
        auto undo = chain_.read_undo(node);
        if (!undo) {
            give_up(fmt::format("Failed to read undo block data {} from disk", node->hash.to_display_hex()));
            return std::nullopt;
        }
        result.undo = std::make_shared<const BlockUndo>(std::move(*undo));
    }
    return result;
}

// Hands the rows over. False: they were not written.
bool IndexDriver::flush() {
    last_write_ = steady_now();
    {
        const std::lock_guard lock(mutex_);
        if (done_ == position_ && batch_.empty()) return true;
    }
    Bytes state = index_.state();
    const bool written = thread_.write_companion(batch_, [&](const HeaderNode* flushed) {
        written_ = position_;
        written_state_ = std::move(state);
        if (flushed) add_marker(flushed, batch_);
    });
    batch_.clear();
    if (!written) {
        stopping_ = true;  // the chain has ended, in order or not
        return false;
    }
    {
        const std::lock_guard lock(mutex_);
        done_ = position_;
    }
    changed_.notify_all();
    return true;
}

void IndexDriver::enable() {
    if (enabled_) return;
    enabled_ = synced_ = true;
    log::info("{} is enabled at height {}", index_.name(), position_->height);
}

bool IndexDriver::give_up(const std::string& why) {
    if (!stopping_.exchange(true) && fatal_) fatal_(why);
    return false;
}

bool IndexDriver::give_up(const storage::StorageError& error, const char* doing) {
    return give_up(fmt::format("{} {} failed: {}", doing, index_.name(), error.message));
}

}  // namespace cairn::node
