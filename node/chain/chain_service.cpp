#include "node/chain/chain_service.hpp"

#include "node/chain/chain_core.hpp"
#include "node/chain/utxo_stats.hpp"

namespace cairn::node {

struct ChainService::Parts {
    ChainCore core;
};

namespace {

CommandError stopped() { return {"The node is stopping"}; }

// Runs a command on the chain thread and brings its result back.
template <class T, class Work>
Result<T, CommandError> command(ChainCore& core, Work&& work) {
    std::optional<Result<T, CommandError>> result;
    if (!core.run_and_wait([&] { result.emplace(work()); }) && !result) return fail(stopped());
    return std::move(*result);
}

// The coins as of the tip, which is given, as a snapshot of the store.
Result<const HeaderNode*, CommandError> take_picture(ChainCore& core, std::unique_ptr<storage::KvSnapshot>& picture) {
    return command<const HeaderNode*>(core, [&]() -> Result<const HeaderNode*, CommandError> {
        core.drain();
        if (!core.flush_coins()) return fail(CommandError{"Unable to read UTXO set"});
        picture = core.kv().snapshot();
        return core.tip();
    });
}

}  // namespace

ChainService::ChainService(ChainServiceOptions options, ChainParamsPtr params, storage::KvStore& kv, const net::Clock& clock, ChainHooks hooks)
    : parts_(new Parts{ChainCore(std::move(options), std::move(params), kv, clock, std::move(hooks))}) {}

ChainService::~ChainService() { stop(); }

Result<void, ChainStartError> ChainService::start() {
    auto opened = parts_->core.open();
    if (opened) parts_->core.start_threads();
    return opened;
}

void ChainService::stop() { parts_->core.stop(); }

bool ChainService::prune_mode() const { return options().prune; }
bool ChainService::prune_automatic() const { return options().prune && options().prune_target > 0; }
std::uint64_t ChainService::prune_target() const { return options().prune_target; }
ChainThread& ChainService::thread() { return parts_->core; }
const ChainServiceOptions& ChainService::options() const { return parts_->core.options(); }
const ChainParams& ChainService::params() const { return *parts_->core.params(); }
std::vector<std::string> ChainService::warnings() const { return parts_->core.warnings(); }
double ChainService::verification_progress(const HeaderNode* node) const { return parts_->core.progress(node); }

void ChainService::end_waiting() { parts_->core.board().close(); }

std::shared_ptr<const ChainView> ChainService::view() const { return parts_->core.board().view(); }
const HeaderTree& ChainService::headers() const { return parts_->core.gate().tree(); }

BlockFacts ChainService::facts(const HeaderNode* node) const {
    const BlockStatus& status = std::as_const(parts_->core).gate().status()[node];
    const std::uint32_t flags = status.flags.load(std::memory_order_acquire);
    BlockFacts facts;
    facts.have_data = flags & BlockStatus::have_data;
    facts.have_undo = flags & BlockStatus::have_undo;
    facts.scripts_valid = flags & BlockStatus::scripts_valid;
    facts.failed = flags & BlockStatus::failed;
    facts.failed_ancestor = flags & BlockStatus::failed_ancestor;
    facts.tx_count = status.tx_count;
    facts.chain_tx_count = status.chain_tx_count;
    facts.checked = (flags & BlockStatus::checked) && facts.chain_tx_count != 0;
    return facts;
}

std::vector<const HeaderNode*> ChainService::branch_tips() const { return parts_->core.gate().tips(); }
std::size_t ChainService::pending_bytes() const { return parts_->core.pending_bytes(); }

Result<const HeaderNode*, HeaderError> ChainService::accept_headers(std::span<const BlockHeader> headers, bool minimum_work_shown) {
    return parts_->core.accept_headers(headers, minimum_work_shown);
}

void ChainService::submit_block(BlockSubmission submission) { parts_->core.submit(std::move(submission)); }

Result<Bytes, ReadError> ChainService::read_block(const HeaderNode* node) const { return parts_->core.read_block(node); }
Result<BlockUndo, ReadError> ChainService::read_undo(const HeaderNode* node) const { return parts_->core.read_undo(node); }

void ChainService::read_block_async(const HeaderNode* node, std::function<void(Result<Bytes, ReadError>)> done) const {
    parts_->core.workers().post([this, node, done = std::move(done)] { done(parts_->core.read_block_unverified(node)); }, Workers::Priority::urgent);
}

std::uint64_t ChainService::size_on_disk() const { return parts_->core.stored_bytes(); }

std::optional<Coin> ChainService::coin(const OutPoint& outpoint) {
    std::optional<Coin> coin;
    parts_->core.run_and_wait([&] { coin = parts_->core.coin(outpoint); });
    return coin;
}

Result<UtxoStats, CommandError> ChainService::utxo_stats(UtxoHash hash, const std::function<bool()>& keep_going) {
    ChainCore& core = parts_->core;
    std::unique_ptr<storage::KvSnapshot> picture;
    const auto at = take_picture(core, picture);
    if (!at) return fail(at.error());
    const auto stats = count_coins(core.coins().store(), *picture, hash, core.workers(), [&] { return !core.stopping() && (!keep_going || keep_going()); });
    if (!stats || !*stats) return fail(CommandError{"Unable to read UTXO set"});
    UtxoStats result = **stats;
    result.at = *at;
    return result;
}

Result<const HeaderNode*, CommandError> ChainService::scan_coins(const std::function<bool(const OutPoint&, const Coin&)>& visit) {
    ChainCore& core = parts_->core;
    std::unique_ptr<storage::KvSnapshot> picture;
    const auto at = take_picture(core, picture);
    if (!at) return fail(at.error());
    const auto visited = core.coins().store().for_each(*picture, [&](const OutPoint& outpoint, const Coin& coin) {
        return !core.stopping() && visit(outpoint, coin);
    });
    if (!visited) return fail(CommandError{"Unable to read UTXO set"});
    return *at;
}

Result<void, CommandError> ChainService::invalidate_block(const HeaderNode* node) {
    return command<void>(parts_->core, [&] { return parts_->core.invalidate(node); });
}
Result<void, CommandError> ChainService::reconsider_block(const HeaderNode* node) {
    return command<void>(parts_->core, [&] { return parts_->core.reconsider(node); });
}
Result<void, CommandError> ChainService::precious_block(const HeaderNode* node) {
    return command<void>(parts_->core, [&] { return parts_->core.precious(node); });
}
Result<Height, CommandError> ChainService::prune_to(Height height) {
    return command<Height>(parts_->core, [&] { return parts_->core.prune_to(height); });
}
Result<bool, CommandError> ChainService::verify_chain(int level, int blocks) {
    return command<bool>(parts_->core, [&] { return parts_->core.verify(level, blocks); });
}

Result<void, BlockVerdict> ChainService::test_block(const Block& block, bool check_pow) {
    std::optional<Result<void, BlockVerdict>> result;
    parts_->core.run_and_wait([&] { result.emplace(parts_->core.test_block(block, check_pow)); });
    if (result) return std::move(*result);
    BlockVerdict verdict;
    verdict.hash = block.hash();
    return fail(std::move(verdict));
}

Result<void, CommandError> ChainService::flush() {
    return command<void>(parts_->core, [&]() -> Result<void, CommandError> {
        parts_->core.drain();
        if (!parts_->core.flush_all()) return fail(CommandError{"Could not write to disk"});
        return {};
    });
}

std::shared_ptr<const ChainView> ChainService::wait_for(const std::function<bool(const ChainView&)>& wanted, std::optional<std::int64_t> timeout_ms) {
    return parts_->core.board().wait_for(wanted, timeout_ms);
}

void ChainService::drain_events() {
    parts_->core.run_and_wait([&] { parts_->core.settle(); });
}

void ChainService::subscribe(ChainObserver* observer) { parts_->core.set_observer(observer, true); }
void ChainService::unsubscribe(ChainObserver* observer) { parts_->core.set_observer(observer, false); }

}  // namespace cairn::node
