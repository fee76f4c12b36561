#pragma once

#include <functional>

#include "consensus/chain/coin.hpp"
#include "storage/kv.hpp"
#include "storage/schema.hpp"

namespace cairn::storage {

/// The txid and the index in one byte (up to 0xfc), or in two or four, most significant first, behind 0xfd or 0xfe: keys
/// sort by txid and then by index.
class CoinKey {
public:
    explicit CoinKey(const OutPoint& outpoint);
    ByteSpan span() const { return {bytes_.data(), size_}; }
    /// nullopt: no key of ours.
    static std::optional<OutPoint> parse(ByteSpan key);

private:
    std::array<std::uint8_t, 37> bytes_;
    std::uint8_t size_;
};

/// The unspent outputs on disk, as of best_block().
/// Shape: README.md. Thread: reads from any; erase_all from the writer.
class CoinStore {
public:
    explicit CoinStore(KvStore& store) : store_(store) {}

    /// nullopt: no such coin. Errors: corruption.
    Stored<std::optional<Coin>> get(const OutPoint& outpoint) const;
    /// One answer for each outpoint, in their order. Sorts inside; give it hundreds at a time.
    Stored<std::vector<std::optional<Coin>>> multi_get(std::span<const OutPoint> outpoints) const;
    /// True when no coin was ever written, so that every look-up would miss. Cost: one look-up; ask after a flush.
    Stored<bool> empty() const;

    Stored<std::optional<BestBlock>> best_block() const { return read_best_block(store_); }

    /// All coins of one moment, ordered by txid and then index: what UTXO set hashes and dumps need.
    /// `visit` returns false to end early, which is no error. Runs beside writes; takes its picture when called.
    Stored<void> for_each(const std::function<bool(const OutPoint&, const Coin&)>& visit) const;
    /// The same from a picture taken earlier.
    Stored<void> for_each(const KvSnapshot& at, const std::function<bool(const OutPoint&, const Coin&)>& visit) const;

    /// Forgets every coin and the best-block marker, for rebuilding them from the blocks. Durable when it returns; the
    /// space follows later.
    Stored<void> erase_all();

    std::uint64_t approximate_size() const { return store_.approximate_size(Family::coins); }

private:
    KvStore& store_;
};

}  // namespace cairn::storage
