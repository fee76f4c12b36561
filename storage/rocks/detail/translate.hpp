#pragma once

#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include "consensus/base/bytes.hpp"
#include "storage/storage_error.hpp"

namespace cairn::storage::detail {

inline rocksdb::Slice slice(ByteSpan bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline ByteSpan span(const rocksdb::Slice& bytes) {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

/// What a failed call means to people; `doing` begins the sentence.
StorageError translate(const rocksdb::Status& status, const std::string& doing);

}  // namespace cairn::storage::detail
