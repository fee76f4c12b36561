#include <chrono>
#include <condition_variable>

#include "net/io/clock.hpp"
#include "net/io/log.hpp"
#include "node/acceptance/mempool_file.hpp"
#include "node/acceptance/mempool_service.hpp"

namespace cairn::node {

namespace log = net::log;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kInFlight = 1024;  // read from the file and not yet judged

struct Counts {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t in_flight = 0;
    std::uint64_t taken = 0, failed = 0, known = 0;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Result<void, std::string> MempoolService::save(const fs::path& path) {
    const auto start = std::chrono::steady_clock::now();
    StoredMempool stored;
    {
        const std::shared_lock lock(mutex_);
        const auto entries = pool_.ordered();
        stored.transactions.reserve(entries.size());
        stored.fee_deltas = pool_.fee_deltas();
        for (const MempoolEntry* entry : entries) {
            stored.transactions.push_back({entry->tx, entry->time, entry->fee_delta});
            stored.fee_deltas.erase(entry->txid());
        }
        stored.unbroadcast = pool_.unbroadcast();
    }
    const double copied = seconds_since(start);
    log::info("Writing {} mempool transactions to file...", stored.transactions.size());
    log::info("Writing {} unbroadcast transactions to file.", stored.unbroadcast.size());
    const std::lock_guard lock(file_mutex_);
    const auto written = write_mempool_file(path, stored, pool_.options().persist_v1);
    if (!written) {
        log::info("Failed to dump mempool: {}. Continuing anyway.", written.error());
        return fail(written.error());
    }
    log::info("Dumped mempool: {:.3f}s to copy, {:.3f}s to dump, {} bytes dumped to file", copied, seconds_since(start) - copied, *written);
    return {};
}

Result<void, std::string> MempoolService::import(const fs::path& path, ImportOptions options) {
    const auto reader = MempoolFileReader::open(path);
    if (!reader) {
        log::info("Failed to open mempool file. Continuing anyway.");
        return fail(std::string("cannot open the file"));
    }
    const auto unreadable = [](const std::string& why) {
        log::info("Failed to deserialize mempool data on file: {}. Continuing anyway.", why);
        return fail(why);
    };
    const auto count = reader->read_count();
    if (!count) return fail(std::string("not a mempool file"));
    log::info("Loading {} mempool transactions from file...", *count);

    const std::int64_t now = clock_.now();
    const auto counts = std::make_shared<Counts>();
    std::uint64_t expired = 0;
    int tenths = 0;
    Result<void, std::string> result;
    for (std::uint64_t tried = 0; tried < *count; ++tried) {
        const int percent = static_cast<int>(100.0 * static_cast<double>(tried) / static_cast<double>(*count));
        if (tenths < percent / 10) {
            log::info("Progress loading mempool transactions from file: {}% (tried {}, {} remaining)", percent, tried, *count - tried);
            tenths = percent / 10;
        }
        if (stopping_) return fail(std::string("the node is stopping"));
        auto stored = reader->next();
        if (!stored) {
            result = fail(stored.error());
            break;
        }
        if (stored->fee_delta != 0 && options.apply_fee_delta) prioritise(stored->tx->tx().txid, stored->fee_delta);
        const std::int64_t time = options.use_current_time ? now : stored->time;
        if (time <= now - pool_.options().expiry_seconds) {
            ++expired;
            continue;
        }
        {
            std::unique_lock lock(counts->mutex);
            counts->changed.wait(lock, [&] { return counts->in_flight < kInFlight; });
            ++counts->in_flight;
        }
        TxSubmission submission;
        submission.time = time;
        submission.announce = false;
        submit(std::move(stored->tx), submission, [counts](const TxVerdict& verdict) {
            const std::lock_guard lock(counts->mutex);
            --counts->in_flight;
            if (verdict.accepted()) ++counts->taken;
            else if (verdict.reject_reason == "txn-already-in-mempool" || verdict.reject_reason == "txn-same-nonwitness-data-in-mempool")
                ++counts->known;
            else ++counts->failed;
            counts->changed.notify_all();
        });
    }
    {
        std::unique_lock lock(counts->mutex);
        counts->changed.wait(lock, [&] { return counts->in_flight == 0; });
    }
    if (stopping_) return fail(std::string("the node is stopping"));
    if (!result) return unreadable(result.error());
    const auto deltas = reader->read_fee_deltas();
    if (!deltas) return unreadable(deltas.error());
    if (options.apply_fee_delta) {
        for (const auto& [txid, delta] : *deltas) prioritise(txid, delta);
    }
    const auto unbroadcast = reader->read_unbroadcast();
    if (!unbroadcast) return unreadable(unbroadcast.error());
    if (options.apply_unbroadcast) {
        run_on_chain([&] {
            const std::unique_lock lock(mutex_);
            for (const Txid& txid : *unbroadcast) {
                if (pool_.find(txid)) pool_.add_unbroadcast(txid);
            }
        });
    }
    log::info("Imported mempool transactions from file: {} succeeded, {} failed, {} expired, {} already there, {} waiting for initial broadcast",
              counts->taken, counts->failed, expired, counts->known, options.apply_unbroadcast ? unbroadcast->size() : 0);
    return {};
}

void MempoolService::load(const fs::path& path) {
    // Blocks that are still being read would take out or refuse what is stored.
    while (!stopping_ && chain_.view()->importing) {
        chain_.wait_for([](const ChainView& view) { return !view.importing; }, 200);
        if (chain_.view()->importing) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (stopping_) return;
    (void)import(path, {.use_current_time = false, .apply_fee_delta = true, .apply_unbroadcast = true});
    if (!stopping_) loaded_ = true;
}

}  // namespace cairn::node
