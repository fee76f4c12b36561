#include <fcntl.h>
#include <unistd.h>

#include "consensus/rules/difficulty.hpp"
#include "net/io/log.hpp"
#include "node/chain/block_file.hpp"
#include "node/chain/chain_core.hpp"

namespace cairn::node {

namespace log = net::log;

namespace {

std::string remaining_time(std::chrono::steady_clock::time_point start, std::uint64_t done, std::uint64_t total) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (done == 0) return "unknown";
    return fmt::format("{:.0f} s", seconds * static_cast<double>(total - done) / static_cast<double>(done));
}

}  // namespace

// The import thread: -reindex, bootstrap.dat, -loadblock, then whatever the store holds and is not connected yet.
void ChainCore::import() {
    log::info("initload thread start");
    if (hold_) {
        import_store();
        if (stopping()) return;
    }
    const std::filesystem::path bootstrap = options_.datadir / "bootstrap.dat";
    std::error_code ignored;
    if (!options_.datadir.empty() && std::filesystem::exists(bootstrap, ignored)) {
        import_file(bootstrap);
        if (stopping()) return;
        std::filesystem::rename(bootstrap, options_.datadir / "bootstrap.dat.old", ignored);
    }
    for (const std::filesystem::path& path : options_.load_blocks) {
        import_file(path);
        if (stopping()) return;
    }
    import_done_ = true;
    mailbox_.post([] {});
}

// Sleeps while enough blocks are on their way. False when the node stops.
bool ChainCore::wait_for_room() {
    while (!stopping() && pending_bytes() > options_.pending_limit) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return !stopping();
}

void ChainCore::import_file(const std::filesystem::path& path) {
    auto file = BlockFile::open(path, params_->magic);
    if (!file) {
        log::warning("Could not open blocks file {}", path.string());
        return;
    }
    log::info("Importing blocks file {}...", path.string());
    const auto start = std::chrono::steady_clock::now();

    // First the headers: so the best chain is known before its first block is checked, and blocks can come in any order.
    struct Found {
        const HeaderNode* node;
        std::uint64_t offset;
        std::uint32_t size;
    };
    std::vector<Found> found;
    std::unordered_multimap<BlockHash, std::pair<std::uint64_t, std::uint32_t>> orphans;  // by parent
    const auto take = [&](const BlockHeader& header, std::uint64_t offset, std::uint32_t size) -> const HeaderNode* {
        if (header.hash() == params_->genesis_hash()) return gate_.tree().genesis();
        const auto node = accept_headers({&header, 1}, true);
        if (!node) {
            if (node.error() == HeaderError::missing_parent) {
                log::debug(log::Category::reindex, "LoadExternalBlockFile: Out of order block {}, parent {} not known",
                           header.hash().to_display_hex(), header.previous.to_display_hex());
                orphans.emplace(header.previous, std::pair(offset, size));
            }
            return nullptr;
        }
        found.push_back({*node, offset, size});
        return *node;
    };
    const bool scanned = file->scan([&](const BlockHeader& header, std::uint64_t offset, std::uint32_t size) {
        if (!rules::check_proof_of_work(header.hash(), header.bits, *params_)) return BlockFile::Next::search;
        const HeaderNode* node = take(header, offset, size);
        for (std::vector<const HeaderNode*> parents; node != nullptr;) {
            const auto [begin, end] = orphans.equal_range(node->hash);
            std::vector<std::pair<std::uint64_t, std::uint32_t>> children;
            for (auto it = begin; it != end; ++it) children.push_back(it->second);
            orphans.erase(begin, end);
            for (const auto& [at, bytes] : children) {
                const auto child = file->read_header(at);
                if (!child) continue;
                log::debug(log::Category::reindex, "LoadExternalBlockFile: Processing out of order child {} of {}", child->hash().to_display_hex(),
                           node->hash.to_display_hex());
                if (const HeaderNode* accepted = take(*child, at, bytes)) parents.push_back(accepted);
            }
            node = nullptr;
            if (!parents.empty()) {
                node = parents.back();
                parents.pop_back();
            }
        }
        return stopping() ? BlockFile::Next::stop : BlockFile::Next::skip;
    });
    if (stopping()) return;
    if (!scanned) log::warning("Reading blocks file {} failed", path.string());

    std::ranges::stable_sort(found, {}, [](const Found& entry) { return entry.node->height; });
    std::uint64_t loaded = 0, done_bytes = 0, total_bytes = 0;
    for (const Found& entry : found) total_bytes += entry.size;
    auto reported = start;
    const auto unanswered = std::make_shared<std::atomic<std::size_t>>(0);
    for (const Found& entry : found) {
        done_bytes += entry.size;
        if (gate_.status()[entry.node].has(BlockStatus::have_data)) continue;
        if (!wait_for_room()) return;
        auto raw = file->read(entry.offset, entry.size);
        if (!raw) {
            log::warning("Reading blocks file {} failed at {}", path.string(), entry.offset);
            break;
        }
        BlockSubmission submission;
        submission.raw = std::move(*raw);
        submission.force = submission.header_checked = true;
        ++*unanswered;
        submission.done = [unanswered](const BlockVerdict&) { --*unanswered; };
        submit(std::move(submission));
        ++loaded;
        const auto now = std::chrono::steady_clock::now();
        if (now - reported >= std::chrono::seconds(10)) {
            reported = now;
            log::info("Importing blocks file {}: {}% done, {} left", path.filename().string(), done_bytes * 100 / total_bytes,
                      remaining_time(start, done_bytes, total_bytes));
        }
    }
    // Blocks are judged before the next file, or the end, is reported.
    while (!stopping() && *unanswered != 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (stopping()) return;
    run_and_wait([this] { settle(); });
    log::info("Loaded {} blocks from external file in {}ms", loaded,
              std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count());
}

// -reindex: reads every stored block, lowest height first, and enters it into the new index. Connecting comes after.
void ChainCore::import_store() {
    const auto start = std::chrono::steady_clock::now();
    auto reported = start;
    const std::uint64_t total = std::max<std::uint64_t>(1, kv_.approximate_size(storage::Family::blocks));
    std::uint64_t done = 0, count = 0;
    log::info("Reindexing stored blocks (0% complete)...");
    const auto it = kv_.iterate(storage::Family::blocks);
    for (it->seek({}); it->valid(); it->next()) {
        if (!wait_for_room()) {
            log::info("Interrupt requested. Exit reindexing.");
            return;
        }
        BlockSubmission submission;
        submission.raw = to_bytes(it->value());
        submission.force = submission.header_checked = true;
        done += submission.raw.size();
        ++count;
        // The header goes in at once, in the order of the heights; the block follows when a worker has looked at it.
        Reader reader(submission.raw);
        const BlockHeader header = BlockHeader::read(reader);
        if (reader.ok() && header.hash() != params_->genesis_hash()) (void)accept_headers({&header, 1}, true);
        submit(std::move(submission), true);
        const auto now = std::chrono::steady_clock::now();
        if (now - reported >= std::chrono::seconds(10)) {
            reported = now;
            log::info("Reindexing stored blocks ({}% complete), {} left...", std::min<std::uint64_t>(99, done * 100 / total),
                      remaining_time(start, std::min(done, total), total));
        }
    }
    if (!it->status()) log::warning("Reading the stored blocks failed: {}", it->status().error().message);
    while (!stopping() && pending_bytes() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    run_and_wait([this, count] {
        hold_ = false;
        storage::WriteBatch batch;
        append_index(batch);
        storage::put_fact(batch, "reindexing", 0);
        if (auto written = kv_.write(batch); !written) return fatal(written.error(), "System error while reindexing");
        log::info("Reindexing finished");
        log::debug(log::Category::reindex, "Indexed {} blocks", count);
    });
}

}  // namespace cairn::node
