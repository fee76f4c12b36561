#pragma once

#include <rocksdb/options.h>

#include "storage/rocks/rocks_kv.hpp"

namespace cairn::storage::detail {

std::shared_ptr<rocksdb::Cache> make_cache(std::uint64_t bytes);
rocksdb::Options database_options(const RocksOptions& options);
rocksdb::ColumnFamilyOptions family_options(Family family, const RocksOptions& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache);

/// Where tables wait until the database takes them over: on its own file system, so that no copy is needed.
inline std::filesystem::path bulk_directory(const std::filesystem::path& directory) { return directory / "bulk"; }

}  // namespace cairn::storage::detail
