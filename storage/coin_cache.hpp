#pragma once

#include <memory>
#include <optional>

#include "consensus/chain/coin.hpp"
#include "consensus/primitives/arena.hpp"
#include "storage/kv.hpp"
#include "storage/schema.hpp"

namespace cairn::storage {

/// A coin that owns nothing.
struct CoinView {
    TxOutput output;
    CoinOrigin origin;

    Coin to_coin() const { return {output.value, to_bytes(output.script_pubkey), origin.height, origin.coinbase}; }
};

/// Unspent outputs in memory, in front of the coins on disk: what is read often, and what is not yet written.
///
/// An entry is *dirty* when the disk does not agree with it, and *fresh* when the disk surely has no such coin. A fresh
/// coin that is spent leaves without a trace, so what one block creates and another spends before a flush never reaches
/// the disk. Any other spent coin stays as a tombstone until the flush erases it.
///
/// Shape: an open-addressing table of 8-byte slots (32 bits of keyed hash, 32 bits of position) over records in large
/// chunks; each record holds the full outpoint and the coin in its compact form. About 45 bytes a coin beside its script.
/// The cache never reads the disk: a miss is answered by the owner through CoinStore and insert_from_disk().
/// Attacker: outpoints are hashed with a random key, so nobody can aim at one slot.
/// Owner: chain thread. Nothing here may run beside anything else here, the look-ups neither.
class CoinCache {
public:
    enum class Lookup : std::uint8_t {
        unknown,  ///< the disk decides
        unspent,
        spent,    ///< certainly gone, whatever the disk says
    };

    /// A hashed outpoint. prepare() starts loading its slot, touch() its record: calling them some outpoints ahead hides
    /// the memory's latency. Good at any later time.
    struct Probe {
        std::uint64_t hash = 0;
    };

    CoinCache();
    ~CoinCache();
    CoinCache(const CoinCache&) = delete;
    CoinCache& operator=(const CoinCache&) = delete;

    Probe prepare(const OutPoint& outpoint) const;
    void touch(Probe probe) const;

    Lookup contains(const OutPoint& outpoint) const { return contains(outpoint, prepare(outpoint)); }
    Lookup contains(const OutPoint& outpoint, Probe probe) const;
    /// The coin when it is here and unspent.
    std::optional<Coin> find(const OutPoint& outpoint) const { return find(outpoint, prepare(outpoint)); }
    std::optional<Coin> find(const OutPoint& outpoint, Probe probe) const;
    /// The same with the script's bytes in `arena`.
    std::optional<CoinView> find(const OutPoint& outpoint, Probe probe, Arena& arena) const;

    /// A coin that a block creates. `possibly_on_disk`: the disk may hold an unspent coin of this name (a disconnected
    /// block gives it back, or a BIP30 duplicate overwrites it); then it is not fresh.
    /// Replaces what is here. Limits: the script may have up to 1 MiB; unspendable outputs do not belong here.
    void add(const OutPoint& outpoint, Probe probe, const CoinView& coin, bool possibly_on_disk = false);
    void add(const OutPoint& outpoint, const CoinView& coin, bool possibly_on_disk = false) {
        add(outpoint, prepare(outpoint), coin, possibly_on_disk);
    }
    void add(const OutPoint& outpoint, const Coin& coin, bool possibly_on_disk = false) {
        add(outpoint, prepare(outpoint), {coin.output(), coin.origin()}, possibly_on_disk);
    }

    /// Takes the coin out, for the undo record. nullopt: not here unspent (ask contains() which: unknown or spent).
    std::optional<Coin> spend(const OutPoint& outpoint) { return spend(outpoint, prepare(outpoint)); }
    std::optional<Coin> spend(const OutPoint& outpoint, Probe probe);
    /// The same with the script's bytes in `arena`.
    std::optional<CoinView> spend(const OutPoint& outpoint, Probe probe, Arena& arena);
    /// Makes the disk's coin (if any) go at the next flush, without having read it: for disconnecting an output that is not here.
    void erase_blind(const OutPoint& outpoint);

    /// What the disk said, as a clean entry. Does nothing when the cache knows better, or when `epoch` is not epoch(): the
    /// answer is older than the last flush then and may no longer be true; ask again.
    /// True when the entry is here now.
    bool insert_from_disk(const OutPoint& outpoint, const Coin& coin, std::uint64_t epoch);
    /// Changes with every flush that wrote something. Take it before reading the disk on another thread: what the disk said,
    /// "no such coin" too, holds only while it stays the same.
    std::uint64_t epoch() const { return epoch_; }

    std::size_t size() const;          ///< entries, tombstones too
    std::size_t dirty_count() const;
    /// Bytes held from the operating system: records, free records, table, lists.
    std::size_t memory_usage() const;
    /// The most that it can manage, whatever the machine has: flush when live_bytes() comes near it.
    static constexpr std::size_t kMostBytes = std::size_t{15} << 30;
    /// Bytes that entries need of it. What grows towards the -dbcache limit.
    std::size_t live_bytes() const;

    /// Appends every dirty entry to `batch` in key order, with `best` as the best-block marker, and marks them clean.
    /// The caller writes the batch at once; when that fails the cache is of no use any more and the node stops.
    /// For up to some hundred thousand entries; the batch is a copy.
    void flush(WriteBatch& batch, const BestBlock& best);
    /// The same for any number: streams into a bulk of `store` and commits it with `batch` (headers, undo and whatever else
    /// belongs to the same moment) and the marker in one atomic, durable step.
    /// `keep_bytes`: about so many bytes of the youngest coins stay, clean; 0 drops all.
    Stored<void> flush_all(KvStore& store, WriteBatch& batch, const BestBlock& best, std::size_t keep_bytes);

    /// Forgets the clean entries but for about `keep_bytes` of the youngest coins. Dirty ones stay.
    void evict(std::size_t keep_bytes);
    /// Forgets everything, dirty too: as after a crash.
    void reset();

    /// Aborts when the structure contradicts itself. Slow: for tests.
    void check_consistency() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
    std::uint64_t epoch_ = 1;
};

}  // namespace cairn::storage
