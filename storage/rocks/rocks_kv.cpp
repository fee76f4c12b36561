#include "storage/rocks/rocks_kv.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/sst_file_writer.h>

#include <algorithm>
#include <chrono>
#include <future>

#include "consensus/base/check.hpp"
#include "storage/datadir.hpp"
#include "storage/rocks/detail/options.hpp"
#include "storage/rocks/detail/translate.hpp"

namespace cairn::storage {

namespace {

using detail::slice;
using detail::span;
using detail::translate;

class RocksSnapshot final : public KvSnapshot {
public:
    explicit RocksSnapshot(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
    ~RocksSnapshot() override { db_.ReleaseSnapshot(snapshot_); }
    const rocksdb::Snapshot* get() const { return snapshot_; }

private:
    rocksdb::DB& db_;
    const rocksdb::Snapshot* snapshot_;
};

const rocksdb::Snapshot* raw(const KvSnapshot* snapshot) {
    return snapshot ? static_cast<const RocksSnapshot*>(snapshot)->get() : nullptr;
}

class RocksIterator final : public KvIterator {
public:
    explicit RocksIterator(std::unique_ptr<rocksdb::Iterator> it) : it_(std::move(it)) {}
    void seek(ByteSpan key) override { it_->Seek(slice(key)); }
    bool valid() const override { return it_->Valid(); }
    void next() override { it_->Next(); }
    ByteSpan key() const override { return span(it_->key()); }
    ByteSpan value() const override { return span(it_->value()); }
    Stored<void> status() const override {
        const rocksdb::Status status = it_->status();
        if (!status.ok()) return fail(translate(status, "Reading the database"));
        return {};
    }

private:
    std::unique_ptr<rocksdb::Iterator> it_;
};

/// Owner: chain thread for writes; reads from any.
class RocksKv final : public KvStore {
public:
    RocksKv(std::filesystem::path directory, std::unique_ptr<rocksdb::DB> db,
            std::vector<rocksdb::ColumnFamilyHandle*> handles, rocksdb::Options options, std::shared_ptr<rocksdb::Cache> cache)
        : directory_(std::move(directory)), db_(std::move(db)), handles_(std::move(handles)), options_(std::move(options)),
          cache_(std::move(cache)) {}
    ~RocksKv() override;

    Stored<std::optional<Bytes>> get(Family family, ByteSpan key, const KvSnapshot* at) const override;
    Stored<std::optional<Bytes>> get_unverified(Family family, ByteSpan key) const override;
    Stored<std::vector<std::optional<Bytes>>> multi_get(Family family, std::span<const ByteSpan> keys) const override;
    std::unique_ptr<KvSnapshot> snapshot() const override { return std::make_unique<RocksSnapshot>(*db_); }
    std::unique_ptr<KvIterator> iterate(Family family, const KvSnapshot* at) const override;
    Stored<void> write(const WriteBatch& batch) override;
    std::unique_ptr<KvBulk> start_bulk(Family family) override;
    Stored<void> flush() override;
    Stored<void> set_durability(Durability mode) override;
    std::uint64_t approximate_size(Family family) const override;
    Stored<void> reclaim(std::initializer_list<Family> families, ByteSpan begin, ByteSpan end) override;
    std::string describe() const override;

    rocksdb::ColumnFamilyHandle* handle(Family family) const { return handles_[static_cast<std::size_t>(family)]; }
    rocksdb::DB& db() { return *db_; }
    /// Options of the database and of one family together, as files for ingestion want them.
    rocksdb::Options file_options(Family family) const {
        return rocksdb::Options(options_, db_->GetOptions(handle(family)));
    }
    std::filesystem::path new_bulk_file() {
        return detail::bulk_directory(directory_) / (std::to_string(++bulk_files_) + ".sst");
    }
    /// Memory of every family to files, in one atomic step.
    Stored<void> flush_memory();
    Stored<void> forget_old_values(Family family);

private:
    std::filesystem::path directory_;
    std::unique_ptr<rocksdb::DB> db_;
    std::vector<rocksdb::ColumnFamilyHandle*> handles_;
    rocksdb::Options options_;
    std::shared_ptr<rocksdb::Cache> cache_;
    Durability mode_ = Durability::flush_only;
    std::uint64_t bulk_files_ = 0;

    struct Range {
        Family family;
        Bytes begin, end;
    };
    std::vector<Range> to_reclaim_;
    std::future<void> reclaiming_;  // a compaction of erased ranges under way
};

RocksKv::~RocksKv() {
    db_->DisableManualCompaction();
    if (reclaiming_.valid()) reclaiming_.wait();
    for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
    db_->Close().PermitUncheckedError();
}

Stored<std::optional<Bytes>> RocksKv::get(Family family, ByteSpan key, const KvSnapshot* at) const {
    rocksdb::ReadOptions options;
    options.snapshot = raw(at);
    rocksdb::PinnableSlice value;
    const rocksdb::Status status = db_->Get(options, handle(family), slice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return fail(translate(status, "Reading the database"));
    return to_bytes(span(value));
}

Stored<std::optional<Bytes>> RocksKv::get_unverified(Family family, ByteSpan key) const {
    rocksdb::ReadOptions options;
    options.verify_checksums = false;
    rocksdb::PinnableSlice value;
    const rocksdb::Status status = db_->Get(options, handle(family), slice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return fail(translate(status, "Reading the database"));
    const ByteSpan found = span(value);
    Bytes bytes;
    bytes.reserve(found.size() + kSpare);
    bytes.assign(found.begin(), found.end());
    return bytes;
}

Stored<std::vector<std::optional<Bytes>>> RocksKv::multi_get(Family family, std::span<const ByteSpan> keys) const {
    constexpr std::size_t kAtOnce = 256;
    std::vector<std::optional<Bytes>> values(keys.size());
    std::vector<rocksdb::Slice> slices;
    std::array<rocksdb::PinnableSlice, kAtOnce> found;
    std::array<rocksdb::Status, kAtOnce> statuses;
    for (std::size_t begin = 0; begin < keys.size(); begin += kAtOnce) {
        const std::size_t count = std::min(kAtOnce, keys.size() - begin);
        slices.clear();
        for (std::size_t i = 0; i < count; ++i) slices.push_back(slice(keys[begin + i]));
        const bool sorted = std::is_sorted(slices.begin(), slices.end(), [](const auto& a, const auto& b) { return a.compare(b) < 0; });
        db_->MultiGet(rocksdb::ReadOptions(), handle(family), count, slices.data(), found.data(), statuses.data(), sorted);
        for (std::size_t i = 0; i < count; ++i) {
            if (statuses[i].ok()) {
                values[begin + i] = to_bytes(span(found[i]));
            } else if (!statuses[i].IsNotFound()) {
                return fail(translate(statuses[i], "Reading the database"));
            }
            found[i].Reset();
        }
    }
    return values;
}

std::unique_ptr<KvIterator> RocksKv::iterate(Family family, const KvSnapshot* at) const {
    rocksdb::ReadOptions options;
    options.snapshot = raw(at);
    options.fill_cache = false;  // a scan must not push out what look-ups need
    options.readahead_size = 0;
    options.adaptive_readahead = true;
    return std::make_unique<RocksIterator>(std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(options, handle(family))));
}

Stored<void> RocksKv::write(const WriteBatch& batch) {
    rocksdb::WriteBatch native(batch.size_bytes() + batch.count() * 16);
    for (std::size_t i = 0; i < batch.count(); ++i) {
        const auto operation = batch.operation(i);
        rocksdb::ColumnFamilyHandle* family = handle(operation.family);
        rocksdb::Status status;
        switch (operation.kind) {
            case WriteBatch::Operation::Kind::put:
                status = native.Put(family, slice(operation.key), slice(operation.value));
                break;
            case WriteBatch::Operation::Kind::erase: status = native.Delete(family, slice(operation.key)); break;
            case WriteBatch::Operation::Kind::erase_range:
                status = native.DeleteRange(family, slice(operation.key), slice(operation.value));
                break;
        }
        if (!status.ok()) return fail(translate(status, "Writing the database"));
    }
    rocksdb::WriteOptions options;
    options.disableWAL = mode_ == Durability::flush_only;
    if (const auto status = db_->Write(options, &native); !status.ok()) return fail(translate(status, "Writing the database"));
    return {};
}

Stored<void> RocksKv::flush_memory() {
    rocksdb::FlushOptions options;
    options.allow_write_stall = true;  // the owner waits for this flush and writes nothing meanwhile
    if (const auto status = db_->Flush(options, handles_); !status.ok()) {
        return fail(translate(status, "Writing the database"));
    }
    return {};
}

Stored<void> RocksKv::forget_old_values(Family family) {
    // Once the memory of every family is in files, no log is needed and the database deletes it.
    if (auto flushed = flush_memory(); !flushed) return flushed;
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
    options.blob_garbage_collection_age_cutoff = 1.0;
    if (const auto status = db_->CompactRange(options, handle(family), nullptr, nullptr); !status.ok()) {
        return fail(translate(status, "Writing the database"));
    }
    return {};
}

Stored<void> RocksKv::flush() {
    if (mode_ == Durability::flush_only) return flush_memory();
    // Everything since the change of mode is in the log, everything before it in files.
    if (const auto status = db_->FlushWAL(true); !status.ok()) return fail(translate(status, "Writing the database"));
    return {};
}

Stored<void> RocksKv::set_durability(Durability mode) {
    // What a write without the log left in memory must not be missing below what the log brings back.
    if (mode == Durability::write_ahead && mode_ != mode) {
        if (auto flushed = flush_memory(); !flushed) return flushed;
    }
    mode_ = mode;
    return {};
}

std::uint64_t RocksKv::approximate_size(Family family) const {
    std::uint64_t total = 0;
    for (const auto& property : {rocksdb::DB::Properties::kTotalSstFilesSize, rocksdb::DB::Properties::kTotalBlobFileSize,
                                 rocksdb::DB::Properties::kCurSizeActiveMemTable}) {
        std::uint64_t value = 0;
        if (db_->GetIntProperty(handle(family), property, &value)) total += value;
    }
    return total;
}

Stored<void> RocksKv::reclaim(std::initializer_list<Family> families, ByteSpan begin, ByteSpan end) {
    for (const Family family : families) {
        const Range wanted{family, to_bytes(begin), to_bytes(end)};
        // Pruning asks for the same beginning with ever later ends.
        std::erase_if(to_reclaim_, [&](const Range& range) {
            return range.family == family && range.begin == wanted.begin && range.end <= wanted.end;
        });
        to_reclaim_.push_back(wanted);
    }
    if (reclaiming_.valid() && reclaiming_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
    // Off the owner's thread: it would wait for whatever compaction of another family comes first.
    reclaiming_ = std::async(std::launch::async, [this, ranges = std::exchange(to_reclaim_, {})] {
        rocksdb::CompactRangeOptions options;
        options.exclusive_manual_compaction = false;
        options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
        for (const Range& range : ranges) {
            const rocksdb::Slice from = slice(range.begin), to = slice(range.end);
            // Left undone at a stop, and a failing disk shows itself at the next write.
            db_->CompactRange(options, handle(range.family), range.begin.empty() ? nullptr : &from,
                              range.end.empty() ? nullptr : &to)
                .PermitUncheckedError();
        }
    });
    return {};
}

std::string RocksKv::describe() const {
    std::uint64_t memory = 0, files = 0;
    for (rocksdb::ColumnFamilyHandle* family : handles_) {
        std::uint64_t value = 0;
        if (db_->GetIntProperty(family, rocksdb::DB::Properties::kCurSizeAllMemTables, &value)) memory += value;
        if (db_->GetIntProperty(family, rocksdb::DB::Properties::kTotalSstFilesSize, &value)) files += value;
        if (db_->GetIntProperty(family, rocksdb::DB::Properties::kTotalBlobFileSize, &value)) files += value;
    }
    return "RocksDB " + rocksdb::GetRocksVersionAsString() + ": " + std::to_string(memory >> 20) + " MiB unwritten, " +
           std::to_string(cache_->GetUsage() >> 20) + " MiB cached, " + std::to_string(files >> 20) + " MiB in files";
}

/// Writes sorted tables beside the database and lets it take them over, all in one edit of its manifest.
class RocksBulk final : public KvBulk {
public:
    RocksBulk(RocksKv& store, Family family) : store_(store), family_(family) {}
    ~RocksBulk() override {
        writer_.reset();
        for (const Table& table : tables_) {
            std::error_code ignored;
            std::filesystem::remove(table.path, ignored);
        }
    }

    Stored<void> put(ByteSpan key, ByteSpan value) override {
        if (auto ready = prepare(key.size() + value.size()); !ready) return ready;
        return checked(writer_->Put(slice(key), slice(value)));
    }
    Stored<void> erase(ByteSpan key) override {
        if (auto ready = prepare(key.size()); !ready) return ready;
        return checked(writer_->Delete(slice(key)));
    }
    Stored<void> commit(const WriteBatch& batch) override;

private:
    /// A filter needs memory for all keys of its file, so a long stream becomes several files.
    static constexpr std::uint64_t kFileBytes = 512u << 20;

    struct Table {
        Family family;
        std::filesystem::path path;
    };

    static Stored<void> checked(const rocksdb::Status& status) {
        if (!status.ok()) return fail(translate(status, "Writing the database"));
        return {};
    }
    Stored<void> prepare(std::size_t bytes) {
        if (writer_ && written_ < kFileBytes) {
            written_ += bytes;
            return {};
        }
        if (auto finished = finish(); !finished) return finished;
        return begin(family_);
    }
    Stored<void> begin(Family family) {
        tables_.push_back({family, store_.new_bulk_file()});
        const rocksdb::Options options = store_.file_options(family);
        writer_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(options), options, store_.handle(family), false);
        written_ = 0;
        return checked(writer_->Open(tables_.back().path.string()));
    }
    Stored<void> finish() {
        if (!writer_) return {};
        const rocksdb::Status status = writer_->Finish();
        writer_.reset();
        return checked(status);
    }
    Stored<void> add_batch(const WriteBatch& batch);

    RocksKv& store_;
    Family family_;
    std::vector<Table> tables_;
    std::unique_ptr<rocksdb::SstFileWriter> writer_;
    std::uint64_t written_ = 0;
};

Stored<void> RocksBulk::add_batch(const WriteBatch& batch) {
    using Operation = WriteBatch::Operation;
    std::vector<Operation> operations;
    for (std::size_t i = 0; i < batch.count(); ++i) operations.push_back(batch.operation(i));
    std::sort(operations.begin(), operations.end(), [](const Operation& a, const Operation& b) {
        return a.family != b.family ? a.family < b.family : slice(a.key).compare(slice(b.key)) < 0;
    });
    for (std::size_t i = 0; i < operations.size(); ++i) {
        const Operation& operation = operations[i];
        CAIRN_CHECK(operation.family != family_ && operation.kind != Operation::Kind::erase_range);
        if (i == 0 || operation.family != operations[i - 1].family) {
            if (auto finished = finish(); !finished) return finished;
            if (auto begun = begin(operation.family); !begun) return begun;
        }
        const auto status = operation.kind == Operation::Kind::put ? writer_->Put(slice(operation.key), slice(operation.value))
                                                                   : writer_->Delete(slice(operation.key));
        if (auto ok = checked(status); !ok) return ok;
    }
    return finish();
}

Stored<void> RocksBulk::commit(const WriteBatch& batch) {
    if (auto finished = finish(); !finished) return finished;
    if (auto added = add_batch(batch); !added) return added;
    // Whatever the tables build on must be on disk before them.
    if (auto flushed = store_.flush_memory(); !flushed) return flushed;
    std::vector<rocksdb::IngestExternalFileArg> arguments;
    for (const Table& table : tables_) {
        rocksdb::ColumnFamilyHandle* handle = store_.handle(table.family);
        if (arguments.empty() || arguments.back().column_family != handle) {
            arguments.emplace_back();
            arguments.back().column_family = handle;
            arguments.back().options.move_files = true;
            arguments.back().options.write_global_seqno = false;
        }
        arguments.back().external_files.push_back(table.path.string());
    }
    if (arguments.empty()) return {};
    return checked(store_.db().IngestExternalFiles(arguments));
}

std::unique_ptr<KvBulk> RocksKv::start_bulk(Family family) { return std::make_unique<RocksBulk>(*this, family); }

/// Families that this program does not know mean that a later one wrote here.
Stored<void> check_families(const rocksdb::Options& options, const std::filesystem::path& directory) {
    std::vector<std::string> names;
    const rocksdb::Status status = rocksdb::DB::ListColumnFamilies(options, directory.string(), &names);
    if (!status.ok()) return fail(translate(status, "Opening the database in " + directory.string()));
    for (const std::string& name : names) {
        if (std::find(kFamilyNames.begin(), kFamilyNames.end(), name) == kFamilyNames.end()) {
            return fail(StorageError{StorageError::Kind::newer_format,
                                     "The database in " + directory.string() + " was written by a newer program (it has \"" +
                                         name + "\")."});
        }
    }
    return {};
}

}  // namespace

Stored<std::unique_ptr<KvStore>> open_rocks(const std::filesystem::path& directory, const RocksOptions& options) {
    std::error_code code;
    const bool exists = std::filesystem::exists(directory / "CURRENT", code);
    if (!exists && !options.create) {
        return fail(StorageError{StorageError::Kind::not_found, "There is no database in " + directory.string() + "."});
    }
    if (auto made = make_directories(directory); !made) return fail(made.error());

    const auto cache = detail::make_cache(options.block_cache_bytes);
    const rocksdb::Options database = detail::database_options(options);
    if (exists) {
        if (auto known = check_families(database, directory); !known) return fail(known.error());
    }
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (std::size_t i = 0; i < kFamilyCount; ++i) {
        families.emplace_back(kFamilyNames[i], detail::family_options(static_cast<Family>(i), options, cache));
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(database, directory.string(), families, &handles, &db);
    if (!status.ok()) return fail(translate(status, "Opening the database in " + directory.string()));

    // Tables that a crash left behind before they were taken over.
    const auto bulk = detail::bulk_directory(directory);
    std::filesystem::remove_all(bulk, code);
    auto store = std::make_unique<RocksKv>(directory, std::unique_ptr<rocksdb::DB>(db), std::move(handles), database, cache);
    if (auto made = make_directories(bulk); !made) return fail(made.error());
    return store;
}

Stored<void> forget_old_values(KvStore& store, Family family) {
    auto* rocks = dynamic_cast<RocksKv*>(&store);
    if (!rocks) return {};
    return rocks->forget_old_values(family);
}

Stored<void> destroy_rocks(const std::filesystem::path& directory) {
    std::error_code code;
    std::filesystem::remove_all(detail::bulk_directory(directory), code);
    if (!std::filesystem::exists(directory / "CURRENT", code)) return {};
    rocksdb::Options options;
    std::vector<std::string> names;
    if (const auto status = rocksdb::DB::ListColumnFamilies(options, directory.string(), &names); !status.ok()) {
        return fail(translate(status, "Deleting the database in " + directory.string()));
    }
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    const auto status = rocksdb::DestroyDB(directory.string(), options, families);
    if (!status.ok()) return fail(translate(status, "Deleting the database in " + directory.string()));
    return {};
}

}  // namespace cairn::storage
