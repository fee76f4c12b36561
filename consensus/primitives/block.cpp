#include "consensus/primitives/block.hpp"

#include "consensus/crypto/hash.hpp"

namespace cairn {
namespace {

// Version, input count, output count and lock time: the least that a transaction takes on the wire.
constexpr std::size_t kMinTransactionSize = 4 + 1 + 1 + 4;

}  // namespace

Result<BlockPtr, DecodeError> Block::parse(Bytes raw, TrailingBytes trailing) {
    std::shared_ptr<Block> block(new Block(std::move(raw)));
    Reader reader(block->raw_);
    block->header_ = BlockHeader::read(reader);
    const std::uint64_t count = reader.compact_size();
    if (count > reader.remaining() / kMinTransactionSize) reader.fail(DecodeError::truncated);
    if (!reader.ok()) return fail(reader.error());

    block->hash_ = BlockHash(hash256(ByteSpan(block->raw_).first(BlockHeader::kSize)));
    const auto txs = block->arena_.make_row<Transaction>(static_cast<std::size_t>(count));
    std::size_t stripped = reader.position();
    for (Transaction& tx : txs) {
        tx = Transaction::read(reader, block->arena_);
        if (!reader.ok()) return fail(reader.error());
        stripped += tx.stripped_size;
    }
    if (trailing == TrailingBytes::drop) block->raw_.resize(reader.position());  // smaller: nothing moves
    else reader.expect_end();
    if (!reader.ok()) return fail(reader.error());
    block->txs_ = txs;
    block->stripped_size_ = stripped;
    return block;
}

BlockPtr Block::assemble(const BlockHeader& header, std::span<const Transaction* const> txs) {
    std::size_t size = BlockHeader::kSize + compact_size_length(txs.size());
    for (const Transaction* tx : txs) size += tx->raw.size();
    Bytes raw;
    raw.reserve(size);
    Writer writer(raw);
    header.write(writer);
    writer.compact_size(txs.size());
    for (const Transaction* tx : txs) raw.insert(raw.end(), tx->raw.begin(), tx->raw.end());

    std::shared_ptr<Block> block(new Block(std::move(raw)));
    Reader reader(block->raw_);
    block->header_ = BlockHeader::read(reader);
    reader.compact_size();
    block->hash_ = BlockHash(hash256(ByteSpan(block->raw_).first(BlockHeader::kSize)));
    const auto rows = block->arena_.make_row<Transaction>(txs.size());
    std::size_t stripped = reader.position();
    for (std::size_t i = 0; i < txs.size(); ++i) {
        rows[i] = Transaction::read_copy(reader, block->arena_, *txs[i]);
        stripped += rows[i].stripped_size;
    }
    block->txs_ = rows;
    block->stripped_size_ = stripped;
    return block;
}

Bytes Block::serialize_stripped() const {
    Bytes out;
    out.reserve(stripped_size_);
    Writer writer(out);
    writer.bytes(ByteSpan(raw_).first(BlockHeader::kSize));
    writer.compact_size(txs_.size());
    for (const Transaction& tx : txs_) tx.write_stripped(writer);
    return out;
}

}  // namespace cairn
