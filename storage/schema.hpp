#pragma once

#include <string>
#include <string_view>

#include "consensus/primitives/ids.hpp"
#include "storage/kv.hpp"

namespace cairn::storage {

/// Raised by one whenever an older program could misread what this one writes.
inline constexpr std::uint32_t kSchemaVersion = 1;

/// What tells one network's data from another's.
struct NetworkIdentity {
    std::array<std::uint8_t, 4> magic{};
    BlockHash genesis;
    std::string name;  ///< "main", "regtest", ... for messages only
};

/// Writes version and network into an empty store, compares them otherwise.
/// Errors: newer_format, foreign (another network, or data without a version), corruption, and those of the store.
Stored<void> open_schema(KvStore& store, const NetworkIdentity& network);

/// The block up to which the coins on disk have been brought.
struct BestBlock {
    BlockHash hash;
    std::int32_t height = 0;

    bool operator==(const BestBlock&) const = default;
};

/// Part of every batch that changes coins.
void put_best_block(WriteBatch& batch, const BestBlock& best);
void erase_best_block(WriteBatch& batch);
/// nullopt: no coin was ever written.
Stored<std::optional<BestBlock>> read_best_block(const KvStore& store, const KvSnapshot* at = nullptr);

/// Small facts by name, such as "prune_height".
void put_fact(WriteBatch& batch, std::string_view name, std::uint64_t value);
Stored<std::optional<std::uint64_t>> read_fact(const KvStore& store, std::string_view name);

}  // namespace cairn::storage
