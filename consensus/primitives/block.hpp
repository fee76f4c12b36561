#pragma once

#include <memory>

#include "consensus/primitives/header.hpp"
#include "consensus/primitives/transaction.hpp"

namespace cairn {

class Block;
using BlockPtr = std::shared_ptr<const Block>;

/// What becomes of bytes after a block. Peers and files may send some, and they say nothing about the block: `drop`
/// leaves a block that holds exactly its own bytes.
enum class TrailingBytes { refuse, drop };

/// A block as it was read: one buffer of bytes, one arena of rows, each transaction hashed once.
/// Thread: any (immutable).
class Block {
public:
    /// Reads all of `raw`. No rule is checked here.
    static Result<BlockPtr, DecodeError> parse(Bytes raw, TrailingBytes trailing = TrailingBytes::refuse);

    /// Puts a block together from a header and transactions that were read before: their bytes are copied, their hashes
    /// taken over. Nothing says that they belong together.
    static BlockPtr assemble(const BlockHeader& header, std::span<const Transaction* const> txs);

    const BlockHeader& header() const { return header_; }
    const BlockHash& hash() const { return hash_; }
    std::span<const Transaction> txs() const { return txs_; }
    ByteSpan raw() const { return raw_; }

    /// Bytes without any witness.
    std::size_t stripped_size() const { return stripped_size_; }
    std::int64_t weight() const {
        return static_cast<std::int64_t>(stripped_size_) * (kWitnessScaleFactor - 1) + static_cast<std::int64_t>(raw_.size());
    }
    /// The whole block without witnesses, for peers that did not ask for them.
    Bytes serialize_stripped() const;
    /// Memory held: bytes and rows.
    std::size_t memory_usage() const { return raw_.capacity() + arena_.capacity(); }

private:
    explicit Block(Bytes raw) : raw_(std::move(raw)), arena_(raw_.size() / 2 + 1024) {}

    Bytes raw_;
    Arena arena_;
    BlockHeader header_;
    BlockHash hash_;
    std::span<const Transaction> txs_;
    std::size_t stripped_size_ = 0;
};

}  // namespace cairn
