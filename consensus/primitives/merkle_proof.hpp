#pragma once

#include <optional>
#include <vector>

#include "consensus/base/codec.hpp"
#include "consensus/primitives/header.hpp"

namespace cairn {

/// A merkle tree of which only the ways from some leaves to the root are there (BIP37, "partial merkle tree").
///
/// Depth first from the root: one bit for each node that is visited, set when a wanted leaf lies below; a hash for every
/// node that is not descended into, and for the wanted leaves themselves.
/// Source: BIP37, "Partial Merkle branch format".
class MerkleProof {
public:
    /// `wanted` has one flag for each leaf.
    static MerkleProof make(const std::vector<Uint256>& leaves, const std::vector<bool>& wanted);

    /// Reads the BIP37 form: count of transactions, hashes, flag bytes. Check reader.ok().
    static MerkleProof read(Reader& reader);
    void write(Writer& writer) const;

    /// A leaf that the proof shows, and its place in the block.
    struct Leaf {
        Uint256 hash;
        std::uint32_t position = 0;
    };
    struct Shown {
        Uint256 root;
        std::vector<Leaf> leaves;
    };
    /// The root and the wanted leaves. nullopt when the proof is not a tree of that size: more transactions than a block can
    /// hold, hashes or flags too many or too few, or two equal neighbours, which one root could stand for twice (CVE-2012-2459).
    /// The caller compares the root with the header's, and leaf_count() with the block's number of transactions: an inner node
    /// may pass for a leaf of a smaller tree (CVE-2017-12842).
    std::optional<Shown> show() const;

    std::uint32_t leaf_count() const { return leaf_count_; }

private:
    struct Walk;
    std::uint32_t width(int height) const;
    int height() const;

    std::uint32_t leaf_count_ = 0;
    std::vector<Uint256> hashes_;
    std::vector<bool> flags_;
};

/// A header and what it commits to (BIP37's merkleblock message).
struct MerkleBlock {
    BlockHeader header;
    MerkleProof proof;

    static MerkleBlock read(Reader& reader);
    void write(Writer& writer) const;
};

}  // namespace cairn
