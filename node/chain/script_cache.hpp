#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "consensus/crypto/siphash.hpp"
#include "consensus/primitives/ids.hpp"
#include "consensus/script/flags.hpp"

namespace cairn::node {

/// Remembers transactions all of whose scripts held, so that a block which brings them needs no second look at their signatures.
///
/// Why that is sound: a wtxid commits to the inputs with their scripts and witnesses, to the outputs, lock time and version; each
/// outpoint names its transaction by the txid, which commits to the script and the amount that is spent. So nothing that a
/// script sees is left open. Every flag only takes scripts away (see ScriptFlag): what holds under a set of flags holds under
/// each of its subsets. An entry therefore answers for the flags that it was made with and all subsets; any other question
/// is a miss and the scripts run. Whether the coins exist, are unspent and ripe is not said here and is always checked.
///
/// Shape: a table of fixed size in buckets of a few entries, each with the whole wtxid, so that nothing is ever mistaken for
/// something else; a full bucket forgets its oldest entry. Memory is touched as it fills.
/// Attacker: buckets are chosen with a random key, so nobody can aim at one.
/// Thread: any.
class ScriptCache {
public:
    /// `bytes`: at most so much memory; 0: remembers nothing.
    explicit ScriptCache(std::size_t bytes);
    ~ScriptCache();
    ScriptCache(const ScriptCache&) = delete;
    ScriptCache& operator=(const ScriptCache&) = delete;

    /// All scripts of this transaction held under `flags`.
    void add(const Wtxid& wtxid, ScriptFlags flags);
    /// Is it known that all scripts hold under `flags`?
    bool holds(const Wtxid& wtxid, ScriptFlags flags) const;

    std::size_t capacity() const { return buckets_ * kWays; }
    std::size_t bytes() const;

private:
    static constexpr std::size_t kWays = 4;
    static constexpr std::size_t kLocks = 64;
    static constexpr std::size_t kPageBytes = 4096;
    struct Entry {
        Wtxid wtxid;
        std::uint32_t flags = 0;  ///< 0: free
    };
    struct Bucket {
        std::array<Entry, kWays> entries;
        std::uint32_t next = 0;   ///< the entry that goes first
    };
    std::size_t bucket_of(const Wtxid& wtxid) const { return siphash13_jumbo(key_, wtxid) % buckets_; }

    /// Where the bucket ends.
    static std::size_t page_of(std::size_t bucket) { return ((bucket + 1) * sizeof(Bucket) - 1) / kPageBytes; }

    SipKey key_;
    std::size_t buckets_ = 0;
    Bucket* table_ = nullptr;
    std::vector<std::atomic<bool>> written_;  ///< by page: something was put there; others are not even looked at
    mutable std::array<std::mutex, kLocks> locks_;  ///< bucket i is guarded by lock i % kLocks
};

}  // namespace cairn::node
