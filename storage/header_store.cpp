#include "storage/header_store.hpp"

#include "consensus/chain/coin_codec.hpp"
#include "storage/codec.hpp"

namespace cairn::storage {

namespace {

constexpr std::size_t kKeySize = 4 + Uint256::kSize;

StorageError damaged(ByteSpan key) {
    return {StorageError::Kind::corruption, "The record of header " + describe_key(key) + " cannot be read."};
}

std::optional<HeaderRecord> decode(ByteSpan key, ByteSpan value) {
    if (key.size() != kKeySize) return std::nullopt;
    HeaderRecord record;
    record.height = read_height_be(key);
    record.hash = BlockHash(key.subspan(4));
    Reader reader(value);
    record.header = BlockHeader::read(reader);
    record.status = static_cast<std::uint32_t>(read_varint(reader));
    record.tx_count = static_cast<std::uint32_t>(read_varint(reader));
    record.data_size = read_varint(reader);
    record.undo_size = read_varint(reader);
    reader.expect_end();
    if (!reader.ok() || record.height < 0) return std::nullopt;
    return record;
}

}  // namespace

void HeaderStore::put(WriteBatch& batch, const HeaderRecord& record) {
    Bytes value;
    value.reserve(BlockHeader::kSize + 20);
    Writer writer(value);
    record.header.write(writer);
    write_varint(writer, record.status);
    write_varint(writer, record.tx_count);
    write_varint(writer, record.data_size);
    write_varint(writer, record.undo_size);
    batch.put(Family::headers, HeightKey(record.height, record.hash).span(), value);
}

void HeaderStore::erase(WriteBatch& batch, Height height, const BlockHash& hash) {
    batch.erase(Family::headers, HeightKey(height, hash).span());
}

Stored<std::optional<HeaderRecord>> HeaderStore::get(Height height, const BlockHash& hash) const {
    const HeightKey key(height, hash);
    const auto value = store_.get(Family::headers, key.span());
    if (!value) return fail(value.error());
    if (!*value) return std::nullopt;
    auto record = decode(key.span(), **value);
    if (!record) return fail(damaged(key.span()));
    return record;
}

Stored<void> HeaderStore::for_each(const std::function<bool(const HeaderRecord&)>& visit) const {
    const auto it = store_.iterate(Family::headers);
    for (it->seek({}); it->valid(); it->next()) {
        const auto record = decode(it->key(), it->value());
        if (!record) return fail(damaged(it->key()));
        if (!visit(*record)) return {};
    }
    return it->status();
}

}  // namespace cairn::storage
