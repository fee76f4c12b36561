#pragma once

#include <filesystem>

#include "consensus/base/bytes.hpp"
#include "storage/storage_error.hpp"

namespace cairn::storage {

/// Puts these bytes where `file` is: afterwards, whatever crashes, either the old file is there or the new one, whole. It is written
/// beside it as "<file>.new", brought to the disk, renamed, and the folder is brought to the disk too. Only its owner may read it.
/// Limits: the folder exists. Thread: any, one at a time for each file.
Stored<void> write_file_atomically(const std::filesystem::path& file, ByteSpan bytes);

/// The whole file. Errors: not_found, io (also when it has more than `max_bytes`), permission.
Stored<Bytes> read_whole_file(const std::filesystem::path& file, std::size_t max_bytes);

}  // namespace cairn::storage
