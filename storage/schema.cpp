#include "storage/schema.hpp"

#include "consensus/base/codec.hpp"

namespace cairn::storage {

namespace {

constexpr std::string_view kVersionKey = "version";
constexpr std::string_view kNetworkKey = "network";
constexpr std::string_view kBestBlockKey = "best_block";
constexpr std::string_view kFactPrefix = "fact/";

Bytes fact_key(std::string_view name) {
    return to_bytes(as_bytes(std::string(kFactPrefix) + std::string(name)));
}

Bytes number(std::uint64_t value) {
    Bytes bytes;
    Writer(bytes).u64(value);
    return bytes;
}

Bytes identity(const NetworkIdentity& network) {
    Bytes bytes;
    Writer writer(bytes);
    writer.bytes(network.magic);
    writer.uint256(network.genesis);
    return bytes;
}

StorageError error(StorageError::Kind kind, std::string message) { return {kind, std::move(message)}; }

/// True when any family has a key.
Stored<bool> holds_anything(const KvStore& store) {
    for (std::size_t i = 0; i < kFamilyCount; ++i) {
        const auto it = store.iterate(static_cast<Family>(i));
        it->seek({});
        if (it->valid()) return true;
        if (auto status = it->status(); !status) return fail(status.error());
    }
    return false;
}

}  // namespace

Stored<void> open_schema(KvStore& store, const NetworkIdentity& network) {
    auto version = store.get(Family::meta, as_bytes(kVersionKey));
    if (!version) return fail(version.error());
    if (!*version) {
        const auto anything = holds_anything(store);
        if (!anything) return fail(anything.error());
        if (*anything) {
            return fail(error(StorageError::Kind::foreign, "The database was not made by this program: it has no version."));
        }
        WriteBatch batch;
        batch.put(Family::meta, as_bytes(kVersionKey), number(kSchemaVersion));
        batch.put(Family::meta, as_bytes(kNetworkKey), identity(network));
        if (auto written = store.write(batch); !written) return written;
        return store.flush();
    }
    Reader reader(**version);
    const std::uint64_t found = reader.u64();
    reader.expect_end();
    if (!reader.ok() || found == 0) {
        return fail(error(StorageError::Kind::corruption, "The database's version cannot be read."));
    }
    if (found > kSchemaVersion) {
        return fail(error(StorageError::Kind::newer_format,
                          "The database has format " + std::to_string(found) + "; this program knows formats up to " +
                              std::to_string(kSchemaVersion) + ". Use a newer program or another data directory."));
    }
    const auto stored = store.get(Family::meta, as_bytes(kNetworkKey));
    if (!stored) return fail(stored.error());
    if (!*stored) return fail(error(StorageError::Kind::corruption, "The database does not say which network it belongs to."));
    if (**stored != identity(network)) {
        return fail(error(StorageError::Kind::foreign, "The database belongs to another network than " + network.name +
                                                           " (its message start or genesis block differ)."));
    }
    return {};
}

void put_best_block(WriteBatch& batch, const BestBlock& best) {
    Bytes value;
    Writer writer(value);
    writer.uint256(best.hash);
    writer.i32(best.height);
    batch.put(Family::meta, as_bytes(kBestBlockKey), value);
}

void erase_best_block(WriteBatch& batch) { batch.erase(Family::meta, as_bytes(kBestBlockKey)); }

Stored<std::optional<BestBlock>> read_best_block(const KvStore& store, const KvSnapshot* at) {
    const auto value = store.get(Family::meta, as_bytes(kBestBlockKey), at);
    if (!value) return fail(value.error());
    if (!*value) return std::nullopt;
    Reader reader(**value);
    BestBlock best;
    best.hash = BlockHash(reader.uint256());
    best.height = reader.i32();
    reader.expect_end();
    if (!reader.ok() || best.height < 0) {
        return fail(error(StorageError::Kind::corruption, "The best-block marker cannot be read."));
    }
    return best;
}

void put_fact(WriteBatch& batch, std::string_view name, std::uint64_t value) {
    batch.put(Family::meta, fact_key(name), number(value));
}

Stored<std::optional<std::uint64_t>> read_fact(const KvStore& store, std::string_view name) {
    const auto value = store.get(Family::meta, fact_key(name));
    if (!value) return fail(value.error());
    if (!*value) return std::nullopt;
    Reader reader(**value);
    const std::uint64_t result = reader.u64();
    reader.expect_end();
    if (!reader.ok()) {
        return fail(error(StorageError::Kind::corruption, "The database's entry \"" + std::string(name) + "\" cannot be read."));
    }
    return result;
}

}  // namespace cairn::storage
