#include "storage/rocks/detail/options.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>

namespace cairn::storage::detail {

namespace {

constexpr std::uint64_t kMiB = 1u << 20;

rocksdb::BlockBasedTableOptions table_options(const std::shared_ptr<rocksdb::Cache>& cache) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.cache_index_and_filter_blocks = true;  // or their memory has no bound
    table.cache_index_and_filter_blocks_with_high_priority = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.pin_top_level_index_and_filter = true;
    table.format_version = 5;
    table.checksum = rocksdb::kXXH3;
    return table;
}

/// Small keys and values, looked up one by one, created and erased by the million.
void tune_coins(rocksdb::ColumnFamilyOptions& family, rocksdb::BlockBasedTableOptions& table, bool filter_all_levels) {
    table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
    table.data_block_hash_table_util_ratio = 0.75;
    table.block_size = 4096;
    // Bloom, not Ribbon: building Ribbon takes four times the processor, which the flush would wait for.
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.whole_key_filtering = true;
    // In parts, or a look-up in a cold file would load megabytes of index and filter.
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.partition_filters = true;
    table.metadata_block_size = 4096;
    family.optimize_filters_for_hits = !filter_all_levels;
    family.write_buffer_size = 32 * kMiB;
    family.target_file_size_base = 64 * kMiB;
    family.max_bytes_for_level_base = 512 * kMiB;
    // A flush brings one large sorted file, so many files at the top are rare and a slow-down would only hurt blocks.
    family.level0_file_num_compaction_trigger = 4;
    family.level0_slowdown_writes_trigger = 48;
    family.level0_stop_writes_trigger = 96;
}

/// Twenty bytes a row under keys without order, written once, looked up now and then, hardly ever in vain.
void tune_places(rocksdb::ColumnFamilyOptions& family, rocksdb::BlockBasedTableOptions& table) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.partition_filters = true;
    table.metadata_block_size = 4096;
    family.optimize_filters_for_hits = true;
    family.write_buffer_size = 32 * kMiB;
    family.target_file_size_base = 64 * kMiB;
    family.max_bytes_for_level_base = 512 * kMiB;
}

/// Values of up to megabytes that are written once and never compacted.
void tune_blobs(rocksdb::ColumnFamilyOptions& family, std::uint64_t write_buffer_bytes) {
    family.enable_blob_files = true;
    family.min_blob_size = 512;
    family.blob_file_size = 128 * kMiB;
    family.blob_compression_type = rocksdb::kNoCompression;
    // Blocks are erased in the order in which they came: files become empty as a whole and need no rewriting.
    family.enable_blob_garbage_collection = false;
    family.write_buffer_size = write_buffer_bytes;
    family.target_file_size_base = 8 * kMiB;
}

}  // namespace

std::shared_ptr<rocksdb::Cache> make_cache(std::uint64_t bytes) {
    return rocksdb::NewLRUCache(bytes, 4, false, 0.5);
}

rocksdb::Options database_options(const RocksOptions& options) {
    rocksdb::Options db;
    db.create_if_missing = options.create;
    db.create_missing_column_families = true;
    db.atomic_flush = true;  // without the log, only this keeps the families together
    db.paranoid_checks = true;
    db.max_background_jobs = options.background_jobs;
    db.max_open_files = options.max_open_files;
    db.max_file_opening_threads = 2;
    db.skip_stats_update_on_db_open = true;
    db.skip_checking_sst_file_sizes_on_db_open = true;
    db.bytes_per_sync = kMiB;
    db.wal_bytes_per_sync = kMiB;
    db.max_total_wal_size = 128 * kMiB;
    db.max_manifest_file_size = 16 * kMiB;
    db.max_bgerror_resume_count = 0;  // a failed write is for the node to handle, not to be tried behind its back
    db.keep_log_file_num = 3;
    db.max_log_file_size = kMiB;
    db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
    db.stats_dump_period_sec = 0;
    db.stats_persist_period_sec = 0;
    return db;
}

rocksdb::ColumnFamilyOptions family_options(Family family, const RocksOptions& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
    rocksdb::ColumnFamilyOptions result;
    rocksdb::BlockBasedTableOptions table = table_options(cache);
    result.compression = rocksdb::kNoCompression;
    result.level_compaction_dynamic_level_bytes = true;
    result.max_write_buffer_number = 3;
    const std::uint64_t block_buffer = std::clamp<std::uint64_t>(2 * options.block_cache_bytes, 16 * kMiB, 64 * kMiB);
    // Debt of compaction in one family would slow the writes to all of them.
    result.soft_pending_compaction_bytes_limit = 0;
    result.hard_pending_compaction_bytes_limit = 0;
    result.level0_slowdown_writes_trigger = 200;
    result.level0_stop_writes_trigger = 400;
    switch (family) {
        case Family::meta: result.write_buffer_size = kMiB; break;
        case Family::headers: result.write_buffer_size = 16 * kMiB; break;
        // Every write-out makes a file of blobs: the larger the buffer, the fewer files.
        case Family::blocks: tune_blobs(result, block_buffer); break;
        case Family::undo: tune_blobs(result, block_buffer / 2); break;
        case Family::coins: tune_coins(result, table, options.filter_all_levels); break;
        case Family::tx_places:
        case Family::spend_places: tune_places(result, table); break;
        case Family::filters: tune_blobs(result, 16 * kMiB); break;
        case Family::filter_headers:
        case Family::coin_stats: result.write_buffer_size = 4 * kMiB; break;
    }
    if (options.write_buffer_bytes != 0) result.write_buffer_size = std::min<std::size_t>(result.write_buffer_size, options.write_buffer_bytes);
    result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    return result;
}

}  // namespace cairn::storage::detail
