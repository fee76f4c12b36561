#include "node/chain/script_cache.hpp"

#include <cstdlib>

#include "consensus/crypto/random.hpp"

namespace cairn::node {

ScriptCache::ScriptCache(std::size_t bytes) : key_{random_u64(), random_u64()}, buckets_(bytes / sizeof(Bucket)) {
    // Zeroed pages of the operating system: an all-zero bucket is an empty one.
    static_assert(std::is_trivially_copyable_v<Bucket>);
    if (buckets_ > 0) table_ = static_cast<Bucket*>(std::calloc(buckets_, sizeof(Bucket)));
    if (!table_) buckets_ = 0;
    written_ = std::vector<std::atomic<bool>>(buckets_ * sizeof(Bucket) / kPageBytes + 1);
}

ScriptCache::~ScriptCache() { std::free(table_); }

std::size_t ScriptCache::bytes() const { return buckets_ * sizeof(Bucket); }

void ScriptCache::add(const Wtxid& wtxid, ScriptFlags flags) {
    if (buckets_ == 0 || flags.empty()) return;
    const std::size_t at = bucket_of(wtxid);
    const std::lock_guard lock(locks_[at % kLocks]);
    Bucket& bucket = table_[at];
    // A page that is read before it is written costs a second fault, which stops every other core for a moment.
    const bool fresh = !written_[page_of(at)].exchange(true, std::memory_order_relaxed);
    if (fresh) {
        bucket.entries[0] = {wtxid, flags.bits()};
        bucket.next = 1;
        return;
    }
    for (Entry& entry : bucket.entries) {
        if (entry.flags == 0 || entry.wtxid != wtxid) continue;
        // Two sets that each hold say nothing of their union: the wider one is kept.
        if (flags.contains(ScriptFlags::from_bits(entry.flags))) entry.flags = flags.bits();
        return;
    }
    bucket.entries[bucket.next] = {wtxid, flags.bits()};
    bucket.next = (bucket.next + 1) % kWays;
}

bool ScriptCache::holds(const Wtxid& wtxid, ScriptFlags flags) const {
    if (buckets_ == 0) return false;
    const std::size_t at = bucket_of(wtxid);
    const std::lock_guard lock(locks_[at % kLocks]);
    if (!written_[page_of(at)].load(std::memory_order_relaxed)) return false;
    for (const Entry& entry : table_[at].entries) {
        if (entry.flags != 0 && entry.wtxid == wtxid) return ScriptFlags::from_bits(entry.flags).contains(flags);
    }
    return false;
}

}  // namespace cairn::node
