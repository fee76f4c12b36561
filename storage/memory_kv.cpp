#include "storage/memory_kv.hpp"

#include "consensus/base/check.hpp"

namespace cairn::storage {

namespace {

std::size_t index(Family family) { return static_cast<std::size_t>(family); }

StorageError injected() { return {StorageError::Kind::io, "a write failed on purpose"}; }

}  // namespace

class MemoryKv::Snapshot final : public KvSnapshot {
public:
    explicit Snapshot(const Maps& maps) : maps_(maps) {}
    const Map& map(Family family) const { return maps_[index(family)]; }

private:
    const Maps maps_;
};

class MemoryKv::Iterator final : public KvIterator {
public:
    explicit Iterator(const Map& map) : map_(map), at_(map_.begin()) {}
    void seek(ByteSpan key) override { at_ = map_.lower_bound(to_bytes(key)); }
    bool valid() const override { return at_ != map_.end(); }
    void next() override { ++at_; }
    ByteSpan key() const override { return at_->first; }
    ByteSpan value() const override { return at_->second; }
    Stored<void> status() const override { return {}; }

private:
    const Map map_;
    Map::const_iterator at_;
};

class MemoryBulk final : public KvBulk {
public:
    MemoryBulk(MemoryKv& store, Family family) : store_(store), family_(family) {}

    Stored<void> put(ByteSpan key, ByteSpan value) override {
        ascend(key);
        streamed_.put(family_, key, value);
        return {};
    }
    Stored<void> erase(ByteSpan key) override {
        ascend(key);
        streamed_.erase(family_, key);
        return {};
    }
    Stored<void> commit(const WriteBatch& batch) override {
        for (std::size_t i = 0; i < batch.count(); ++i) {
            const auto operation = batch.operation(i);
            CAIRN_CHECK(operation.family != family_ && operation.kind != WriteBatch::Operation::Kind::erase_range);
        }
        return store_.commit_bulk(streamed_, batch);
    }

private:
    void ascend(ByteSpan key) {
        CAIRN_CHECK(last_.empty() || std::lexicographical_compare(last_.begin(), last_.end(), key.begin(), key.end()));
        last_ = to_bytes(key);
    }

    MemoryKv& store_;
    Family family_;
    WriteBatch streamed_;
    Bytes last_;
};

void MemoryKv::fail_after(std::uint64_t count) {
    const std::lock_guard lock(mutex_);
    fail_in_ = count;
    failing_ = false;
}

void MemoryKv::crash() { crash_losing(pending_writes()); }

void MemoryKv::crash_losing(std::size_t lost) {
    const std::lock_guard lock(mutex_);
    pending_.resize(pending_.size() - std::min(lost, pending_.size()));
    settle();
    live_ = durable_;
    fail_in_ = 0;
    failing_ = false;
    mode_ = Durability::flush_only;
}

std::size_t MemoryKv::pending_writes() const {
    const std::lock_guard lock(mutex_);
    return pending_.size();
}

std::uint64_t MemoryKv::flush_count() const {
    const std::lock_guard lock(mutex_);
    return flushes_;
}

std::vector<MemoryKv::OwnedOperation> MemoryKv::own(const WriteBatch& batch) {
    std::vector<OwnedOperation> operations;
    operations.reserve(batch.count());
    for (std::size_t i = 0; i < batch.count(); ++i) {
        const auto operation = batch.operation(i);
        operations.push_back({operation.kind, operation.family, to_bytes(operation.key), to_bytes(operation.value)});
    }
    return operations;
}

void MemoryKv::apply(Maps& maps, const std::vector<OwnedOperation>& operations) {
    for (const OwnedOperation& operation : operations) {
        Map& map = maps[index(operation.family)];
        switch (operation.kind) {
            case WriteBatch::Operation::Kind::put: map[operation.key] = operation.value; break;
            case WriteBatch::Operation::Kind::erase: map.erase(operation.key); break;
            case WriteBatch::Operation::Kind::erase_range:
                if (operation.key < operation.value) {
                    map.erase(map.lower_bound(operation.key), map.lower_bound(operation.value));
                }
                break;
        }
    }
}

bool MemoryKv::fails_now() {
    if (failing_) return true;
    if (fail_in_ == 0) return false;
    failing_ = --fail_in_ == 0;
    return failing_;
}

void MemoryKv::settle() {
    for (const auto& operations : pending_) apply(durable_, operations);
    pending_.clear();
}

Stored<std::optional<Bytes>> MemoryKv::get(Family family, ByteSpan key, const KvSnapshot* at) const {
    const std::lock_guard lock(mutex_);
    const Map& map = at ? static_cast<const Snapshot*>(at)->map(family) : live_[index(family)];
    const auto found = map.find(to_bytes(key));
    if (found == map.end()) return std::nullopt;
    return found->second;
}

Stored<std::vector<std::optional<Bytes>>> MemoryKv::multi_get(Family family, std::span<const ByteSpan> keys) const {
    std::vector<std::optional<Bytes>> values;
    values.reserve(keys.size());
    for (const ByteSpan key : keys) values.push_back(*get(family, key, nullptr));
    return values;
}

std::unique_ptr<KvSnapshot> MemoryKv::snapshot() const {
    const std::lock_guard lock(mutex_);
    return std::make_unique<Snapshot>(live_);
}

std::unique_ptr<KvIterator> MemoryKv::iterate(Family family, const KvSnapshot* at) const {
    const std::lock_guard lock(mutex_);
    return std::make_unique<Iterator>(at ? static_cast<const Snapshot*>(at)->map(family) : live_[index(family)]);
}

Stored<void> MemoryKv::write(const WriteBatch& batch) {
    const std::lock_guard lock(mutex_);
    if (fails_now()) return fail(injected());
    pending_.push_back(own(batch));
    apply(live_, pending_.back());
    if (mode_ == Durability::write_ahead) settle();
    return {};
}

std::unique_ptr<KvBulk> MemoryKv::start_bulk(Family family) { return std::make_unique<MemoryBulk>(*this, family); }

Stored<void> MemoryKv::commit_bulk(const WriteBatch& streamed, const WriteBatch& batch) {
    const std::lock_guard lock(mutex_);
    if (fails_now()) return fail(injected());
    pending_.push_back(own(streamed));
    apply(live_, pending_.back());
    pending_.push_back(own(batch));
    apply(live_, pending_.back());
    settle();
    ++flushes_;
    return {};
}

Stored<void> MemoryKv::flush() {
    const std::lock_guard lock(mutex_);
    if (fails_now()) return fail(injected());
    settle();
    ++flushes_;
    return {};
}

Stored<void> MemoryKv::set_durability(Durability mode) {
    const std::lock_guard lock(mutex_);
    if (mode == Durability::write_ahead) settle();
    mode_ = mode;
    return {};
}

std::uint64_t MemoryKv::approximate_size(Family family) const {
    const std::lock_guard lock(mutex_);
    std::uint64_t size = 0;
    for (const auto& [key, value] : live_[index(family)]) size += key.size() + value.size();
    return size;
}

Stored<void> MemoryKv::reclaim(std::initializer_list<Family>, ByteSpan, ByteSpan) { return {}; }

std::string MemoryKv::describe() const { return "in memory"; }

}  // namespace cairn::storage
