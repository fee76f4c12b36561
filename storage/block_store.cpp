#include "storage/block_store.hpp"

#include "consensus/crypto/siphash.hpp"
#include "storage/codec.hpp"

namespace cairn::storage {

namespace {

constexpr std::size_t kChecksumSize = 8;

std::uint64_t undo_checksum(const BlockHash& hash, ByteSpan undo) {
    Reader reader(hash.span());
    const std::uint64_t k0 = reader.u64();
    return siphash(SipKey{k0, reader.u64()}, undo);
}

StorageError damaged(const char* what, const BlockKey& key) {
    return {StorageError::Kind::corruption, std::string(what) + " of block " +
                                                describe_key(HeightKey(key.height, key.hash).span()) + " cannot be read."};
}

}  // namespace

Bytes seal_undo(const BlockHash& hash, Bytes undo) {
    const std::uint64_t checksum = undo_checksum(hash, undo);
    Writer(undo).u64(checksum);
    return undo;
}

std::optional<ByteSpan> open_undo(const BlockHash& hash, ByteSpan sealed) {
    if (sealed.size() < kChecksumSize) return std::nullopt;
    const ByteSpan undo = sealed.first(sealed.size() - kChecksumSize);
    if (Reader(sealed.last(kChecksumSize)).u64() != undo_checksum(hash, undo)) return std::nullopt;
    return undo;
}

void BlockStore::put_block(WriteBatch& batch, const BlockKey& key, ByteSpan raw) {
    batch.put_borrowed(Family::blocks, HeightKey(key.height, key.hash).span(), raw);
}

std::size_t BlockStore::put_undo(WriteBatch& batch, const BlockKey& key, const SpentByBlock& spent) {
    Bytes undo;
    write_undo(undo, spent);
    return put_undo(batch, key, std::move(undo));
}

std::size_t BlockStore::put_undo(WriteBatch& batch, const BlockKey& key, Bytes undo) {
    const Bytes sealed = seal_undo(key.hash, std::move(undo));
    batch.put(Family::undo, HeightKey(key.height, key.hash).span(), sealed);
    return sealed.size();
}

void BlockStore::erase_block(WriteBatch& batch, const BlockKey& key) {
    batch.erase(Family::blocks, HeightKey(key.height, key.hash).span());
}

void BlockStore::erase_undo(WriteBatch& batch, const BlockKey& key) {
    batch.erase(Family::undo, HeightKey(key.height, key.hash).span());
}

Stored<std::optional<Bytes>> BlockStore::read_block(const BlockKey& key) const {
    return store_.get(Family::blocks, HeightKey(key.height, key.hash).span());
}

Stored<std::optional<Bytes>> BlockStore::read_block_unverified(const BlockKey& key) const {
    return store_.get_unverified(Family::blocks, HeightKey(key.height, key.hash).span());
}

Stored<std::optional<SpentByBlock>> BlockStore::read_undo(const BlockKey& key) const {
    const auto sealed = store_.get(Family::undo, HeightKey(key.height, key.hash).span());
    if (!sealed) return fail(sealed.error());
    if (!*sealed) return std::nullopt;
    const auto undo = open_undo(key.hash, **sealed);
    if (!undo) return fail(damaged("The undo data", key));
    auto spent = cairn::read_undo(*undo);
    if (!spent) return fail(damaged("The undo data", key));
    return std::move(*spent);
}

bool BlockStore::has_block(const BlockKey& key) const {
    const auto it = store_.iterate(Family::blocks);
    const HeightKey wanted(key.height, key.hash);
    it->seek(wanted.span());
    return it->valid() && std::ranges::equal(it->key(), wanted.span());
}

Stored<void> BlockStore::reclaim_up_to(Height height) {
    const HeightKey begin = HeightKey::lowest(0);
    const HeightKey end = HeightKey::lowest(height + 1);
    return store_.reclaim({Family::blocks, Family::undo}, begin.span(), end.span());
}

std::uint64_t BlockStore::approximate_size() const {
    return store_.approximate_size(Family::blocks) + store_.approximate_size(Family::undo);
}

}  // namespace cairn::storage
