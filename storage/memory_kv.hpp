#pragma once

#include <map>
#include <mutex>

#include "storage/kv.hpp"

namespace cairn::storage {

/// A store in memory for tests and for nodes that live in one: the same promises as the real one, and failures on demand.
/// Thread: any (one mutex).
class MemoryKv final : public KvStore {
public:
    MemoryKv() = default;

    /// The write (or bulk commit, or flush) number `count` from now on fails, changes nothing, and so do all after it;
    /// 1 is the very next. 0: none fails.
    void fail_after(std::uint64_t count);
    /// As if the machine stopped and started again: what was not durable is gone. Later writes work.
    void crash();
    /// A crash in which only the newest `lost` of the writes not yet durable are gone, as if memory had been written out
    /// in between.
    void crash_losing(std::size_t lost);
    /// Writes not yet durable.
    std::size_t pending_writes() const;
    std::uint64_t flush_count() const;

    Stored<std::optional<Bytes>> get(Family family, ByteSpan key, const KvSnapshot* at) const override;
    Stored<std::vector<std::optional<Bytes>>> multi_get(Family family, std::span<const ByteSpan> keys) const override;
    std::unique_ptr<KvSnapshot> snapshot() const override;
    std::unique_ptr<KvIterator> iterate(Family family, const KvSnapshot* at) const override;
    Stored<void> write(const WriteBatch& batch) override;
    std::unique_ptr<KvBulk> start_bulk(Family family) override;
    Stored<void> flush() override;
    Stored<void> set_durability(Durability mode) override;
    std::uint64_t approximate_size(Family family) const override;
    Stored<void> reclaim(std::initializer_list<Family> families, ByteSpan begin, ByteSpan end) override;
    std::string describe() const override;

private:
    friend class MemoryBulk;
    using Map = std::map<Bytes, Bytes>;
    using Maps = std::array<Map, kFamilyCount>;
    struct OwnedOperation {
        WriteBatch::Operation::Kind kind;
        Family family;
        Bytes key;
        Bytes value;
    };
    class Snapshot;
    class Iterator;

    static std::vector<OwnedOperation> own(const WriteBatch& batch);
    static void apply(Maps& maps, const std::vector<OwnedOperation>& operations);
    bool fails_now();  // counts one write; the mutex is held
    void settle();     // everything pending becomes durable; the mutex is held
    Stored<void> commit_bulk(const WriteBatch& streamed, const WriteBatch& batch);

    mutable std::mutex mutex_;
    Maps live_;
    Maps durable_;
    std::vector<std::vector<OwnedOperation>> pending_;  // one entry a write
    Durability mode_ = Durability::flush_only;
    std::uint64_t fail_in_ = 0;
    bool failing_ = false;
    std::uint64_t flushes_ = 0;
};

}  // namespace cairn::storage
