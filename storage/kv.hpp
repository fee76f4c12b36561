#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "consensus/base/bytes.hpp"
#include "storage/storage_error.hpp"

namespace cairn::storage {

/// One key space of the store. A new one goes at the end and gets a name; an older datadir receives it when it is opened.
enum class Family : std::uint8_t {
    meta,     ///< schema, network, best-block marker: few, tiny
    headers,  ///< one record a header
    blocks,   ///< raw blocks
    undo,     ///< what each block spent
    coins,    ///< unspent outputs
    // Of the optional indexes:
    tx_places,       ///< where each transaction is
    spend_places,    ///< where each spent output was spent
    filters,         ///< compact filters of blocks
    filter_headers,  ///< their hashes and headers
    coin_stats,      ///< sums over the coin set as of each block
};
inline constexpr std::size_t kFamilyCount = 10;
/// The names on disk, in the order of the enumeration.
inline constexpr std::array<const char*, kFamilyCount> kFamilyNames{
    "default", "headers", "blocks", "undo", "coins", "tx_places", "spend_places", "filters", "filter_headers", "coin_stats"};

/// Changes that are applied together or not at all, in the order in which they were added.
/// Thread: one at a time.
class WriteBatch {
public:
    struct Operation {
        enum class Kind : std::uint8_t { put, erase, erase_range };
        Kind kind;
        Family family;
        ByteSpan key;
        ByteSpan value;  ///< of a range: its end, exclusive
    };

    void put(Family family, ByteSpan key, ByteSpan value) { add(Operation::Kind::put, family, key, value, false); }
    /// As put, but keeps only a reference: the bytes of `value` must live until the batch was written or cleared.
    void put_borrowed(Family family, ByteSpan key, ByteSpan value) { add(Operation::Kind::put, family, key, value, true); }
    void erase(Family family, ByteSpan key) { add(Operation::Kind::erase, family, key, {}, false); }
    /// Every key k with begin <= k < end.
    void erase_range(Family family, ByteSpan begin, ByteSpan end) {
        add(Operation::Kind::erase_range, family, begin, end, false);
    }

    bool empty() const { return rows_.empty(); }
    std::size_t count() const { return rows_.size(); }
    /// Bytes of keys and values, borrowed ones too.
    std::size_t size_bytes() const { return size_bytes_; }
    void clear();

    Operation operation(std::size_t position) const;

private:
    struct Row {
        Operation::Kind kind;
        Family family;
        std::uint32_t key_size;
        std::size_t offset;            // of the key, and of the value behind it unless borrowed
        const std::uint8_t* borrowed;  // null: the value lies in data_
        std::size_t value_size;
    };
    void add(Operation::Kind kind, Family family, ByteSpan key, ByteSpan value, bool borrow);

    Bytes data_;
    std::vector<Row> rows_;
    std::size_t size_bytes_ = 0;
};

/// What must be true when a write returns.
enum class Durability : std::uint8_t {
    /// Nothing survives a crash before the next flush(), but what survives is always a prefix of the writes.
    flush_only,
    /// A write survives the end of the process at once, and that of the machine after flush(). A crash leaves a prefix.
    write_ahead,
};

/// A frozen picture of the store. Thread: any. Must go before the store does.
class KvSnapshot {
public:
    virtual ~KvSnapshot() = default;
};

/// Walks one family in key order. Thread: one at a time. Must go before the store does.
/// `for (it->seek(k); it->valid(); it->next())`, then ask status(): an iterator that failed is not valid either.
class KvIterator {
public:
    virtual ~KvIterator() = default;
    /// To the first key not below `key`; an empty key is the first of all.
    virtual void seek(ByteSpan key) = 0;
    virtual bool valid() const = 0;
    virtual void next() = 0;
    /// Good until next() or seek().
    virtual ByteSpan key() const = 0;
    virtual ByteSpan value() const = 0;
    virtual Stored<void> status() const = 0;
};

/// Any number of changes to one family, streamed in strictly ascending key order, that take effect together with one
/// batch for other families. Memory stays bounded however many there are, and nothing passes through the log.
/// Nothing happened when it is dropped before commit(). Thread: the writer's.
class KvBulk {
public:
    virtual ~KvBulk() = default;
    virtual Stored<void> put(ByteSpan key, ByteSpan value) = 0;
    virtual Stored<void> erase(ByteSpan key) = 0;
    /// Makes all earlier writes durable, then, in one atomic step, what was streamed and `batch`, durable too.
    /// `batch` must not touch the bulk's family and may hold each key once and no ranges.
    virtual Stored<void> commit(const WriteBatch& batch) = 0;
};

/// An ordered map from bytes to bytes in several families, changed by atomic batches.
/// Thread: reads from any; writes, bulks, flush and set_durability from one owner (the chain thread).
class KvStore {
public:
    virtual ~KvStore() = default;

    /// nullopt: there is no such key.
    virtual Stored<std::optional<Bytes>> get(Family family, ByteSpan key, const KvSnapshot* at = nullptr) const = 0;
    /// The same without looking at the store's checksums, for bytes that somebody else will check; has `kSpare` bytes of room behind them.
    virtual Stored<std::optional<Bytes>> get_unverified(Family family, ByteSpan key) const { return get(family, key); }
    static constexpr std::size_t kSpare = 32;
    /// One answer for each key, in their order. Cost: least when the keys are sorted ascending; they need not be.
    virtual Stored<std::vector<std::optional<Bytes>>> multi_get(Family family, std::span<const ByteSpan> keys) const = 0;
    virtual std::unique_ptr<KvSnapshot> snapshot() const = 0;
    virtual std::unique_ptr<KvIterator> iterate(Family family, const KvSnapshot* at = nullptr) const = 0;

    /// Applies the batch. How durable it is says the mode.
    virtual Stored<void> write(const WriteBatch& batch) = 0;
    virtual std::unique_ptr<KvBulk> start_bulk(Family family) = 0;
    /// Everything written so far survives a crash of the machine when this returns.
    virtual Stored<void> flush() = 0;
    /// The mode of the writes that follow; a new store begins with flush_only. A change to write_ahead flushes.
    virtual Stored<void> set_durability(Durability mode) = 0;

    /// Estimated bytes on disk of one family.
    virtual std::uint64_t approximate_size(Family family) const = 0;
    /// Gives the space of erased keys in [begin, end] of these families back to the file system. Returns at once and works
    /// on behind; what is asked for while earlier ranges are being worked on waits until the next call.
    virtual Stored<void> reclaim(std::initializer_list<Family> families, ByteSpan begin, ByteSpan end) = 0;
    /// One line on memory and files for the log.
    virtual std::string describe() const = 0;
};

}  // namespace cairn::storage
