#pragma once

#include <filesystem>

#include "storage/kv.hpp"

namespace cairn::storage {

/// How the database is tuned. The defaults suit a node with -dbcache=450.
struct RocksOptions {
    /// Index, filter and data blocks together: a hard bound. Unwritten blocks take up to twice as much (16 to 64 MiB) in
    /// each buffer, of which there are one or two and at most three.
    std::uint64_t block_cache_bytes = 32u << 20;
    /// The most that one buffer of unwritten rows holds, for programs with little memory; 0: as each family suggests.
    std::uint64_t write_buffer_bytes = 0;
    int max_open_files = 512;
    int background_jobs = 2;
    /// Keep filters for the largest level too: for networks on which most look-ups miss (regtest checks BIP30 always).
    /// Costs ten bits a coin of the cache.
    bool filter_all_levels = false;
    bool create = true;  ///< make it when it is not there
};

/// Opens (or makes) the database in `directory`, with every family.
/// Errors: locked (another process), corruption, newer_format (families or files of a later version), no_space,
/// permission, not_found (with create off), io. Messages name the directory.
Stored<std::unique_ptr<KvStore>> open_rocks(const std::filesystem::path& directory, const RocksOptions& options);

/// Drops from the files and the log every value of this family that was overwritten or erased: for secrets that were stored open before
/// they were sealed. What the disk itself keeps of deleted files is beyond it. Thread: the writer's; no snapshot is open. Cost: rewrites
/// the family. `store` came from open_rocks (others keep no old values, and are left alone).
Stored<void> forget_old_values(KvStore& store, Family family);

/// Deletes the database and all that is in it. Errors: as open_rocks.
Stored<void> destroy_rocks(const std::filesystem::path& directory);

}  // namespace cairn::storage
