#include "node/chain/utxo_stats.hpp"

#include "consensus/chain/coin_codec.hpp"
#include "consensus/crypto/muhash.hpp"
#include "consensus/crypto/sha256.hpp"

namespace cairn::node {

namespace {

constexpr std::size_t kBatchCoins = 2048;
constexpr std::size_t kAskEvery = 8192;

// Elements of a set, cut into batches that workers hash side by side; the caller hashes too when they are behind.
class ParallelMuHash {
public:
    explicit ParallelMuHash(Workers& workers) : workers_(workers) {}
    ~ParallelMuHash() { wait(); }

    void add(ByteSpan element) {
        batch_.bytes.insert(batch_.bytes.end(), element.begin(), element.end());
        batch_.ends.push_back(batch_.bytes.size());
        if (batch_.ends.size() == kBatchCoins) send();
    }
    Uint256 finish() {
        hash(batch_);
        batch_ = {};
        wait();
        return total_.finish();
    }

private:
    struct Batch {
        Bytes bytes;
        std::vector<std::size_t> ends;
    };

    void send() {
        auto batch = std::make_shared<const Batch>(std::exchange(batch_, {}));
        std::unique_lock lock(mutex_);
        if (running_ >= workers_.size()) {
            lock.unlock();
            return hash(*batch);
        }
        ++running_;
        lock.unlock();
        // The last reference to the job tells that it ended, whether it ran or was dropped.
        std::shared_ptr<void> ended(nullptr, [this](void*) {
            std::lock_guard done(mutex_);
            --running_;
            idle_.notify_all();
        });
        workers_.post([this, batch, ended] { hash(*batch); });
    }
    void hash(const Batch& batch) {
        MuHash3072 part;
        std::size_t begin = 0;
        for (const std::size_t end : batch.ends) {
            part.insert(ByteSpan(batch.bytes).subspan(begin, end - begin));
            begin = end;
        }
        std::lock_guard lock(mutex_);
        total_ *= part;
    }
    void wait() {
        std::unique_lock lock(mutex_);
        idle_.wait(lock, [this] { return running_ == 0; });
    }

    Workers& workers_;
    Batch batch_;
    std::mutex mutex_;
    std::condition_variable idle_;
    int running_ = 0;
    MuHash3072 total_;
};

}  // namespace

storage::Stored<std::optional<UtxoStats>> count_coins(const storage::CoinStore& store, const storage::KvSnapshot& at, UtxoHash hash,
                                                      Workers& workers, const std::function<bool()>& keep_going) {
    UtxoStats stats;
    Sha256 serialized;
    ParallelMuHash muhash(workers);
    Txid last;
    Bytes element;
    bool interrupted = false;
    const auto visited = store.for_each(at, [&](const OutPoint& outpoint, const Coin& coin) {
        if (stats.coins % kAskEvery == 0 && keep_going && !keep_going()) {
            interrupted = true;
            return false;
        }
        if (stats.coins == 0 || outpoint.txid != last) ++stats.transactions;
        last = outpoint.txid;
        ++stats.coins;
        stats.total_amount += coin.value;
        stats.bogo_size += bogo_size(coin.script_pubkey.size());
        if (hash == UtxoHash::none) return true;
        element.clear();
        Writer writer(element);
        write_commitment(writer, outpoint, coin.output(), coin.origin());
        if (hash == UtxoHash::serialized_3) serialized.write(element);
        else muhash.add(element);
        return true;
    });
    if (!visited) return fail(visited.error());
    if (interrupted) return std::optional<UtxoStats>();
    stats.disk_size = store.approximate_size();
    if (hash == UtxoHash::serialized_3) stats.hash = serialized.finish_double();
    if (hash == UtxoHash::muhash) stats.hash = muhash.finish();
    return std::optional<UtxoStats>(stats);
}

}  // namespace cairn::node
