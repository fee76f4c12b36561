#include "node/index/marker.hpp"

#include "consensus/base/codec.hpp"

namespace cairn::node {

namespace {

Bytes marker_key(std::string_view index) {
    return to_bytes(as_bytes("index/" + std::string(index)));
}

}  // namespace

void put_index_marker(storage::WriteBatch& batch, std::string_view index, const IndexMarker& marker) {
    Bytes value;
    Writer writer(value);
    writer.uint256(marker.best.hash);
    writer.i32(marker.best.height);
    writer.bytes(marker.state);
    batch.put(storage::Family::meta, marker_key(index), value);
}

storage::Stored<std::optional<IndexMarker>> read_index_marker(const storage::KvStore& store, std::string_view index) {
    const auto value = store.get(storage::Family::meta, marker_key(index));
    if (!value) return fail(value.error());
    if (!*value) return std::nullopt;
    Reader reader(**value);
    IndexMarker marker;
    marker.best.hash = BlockHash(reader.uint256());
    marker.best.height = reader.i32();
    if (!reader.ok() || marker.best.height < 0) {
        return fail(storage::StorageError{storage::StorageError::Kind::corruption, "The marker of " + std::string(index) + " cannot be read."});
    }
    marker.state = to_bytes(ByteSpan(**value).subspan(reader.position()));
    return marker;
}

}  // namespace cairn::node
