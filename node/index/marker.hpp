#pragma once

#include <optional>
#include <string_view>

#include "storage/kv.hpp"
#include "storage/schema.hpp"

namespace cairn::node {

/// How far an index reaches on disk, and what it needs to go on from there.
struct IndexMarker {
    storage::BestBlock best;
    Bytes state;
};

/// In the meta family under "index/<name>".
void put_index_marker(storage::WriteBatch& batch, std::string_view index, const IndexMarker& marker);
/// nullopt: there is none. Errors: corruption, and those of the store.
storage::Stored<std::optional<IndexMarker>> read_index_marker(const storage::KvStore& store, std::string_view index);

}  // namespace cairn::node
