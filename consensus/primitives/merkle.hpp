#pragma once

#include <span>
#include <vector>

#include "consensus/primitives/block.hpp"

namespace cairn {

/// The root of a merkle tree, and whether two neighbours of one level were equal: then a shorter list of leaves has the
/// same root and the list must not be trusted (CVE-2012-2459).
struct MerkleRoot {
    Uint256 root;
    bool mutated = false;
};

/// Root over `leaves`, which are used up as work space; zero for no leaves. A level of odd length repeats its last hash.
MerkleRoot merkle_root(std::vector<Uint256> leaves);

/// Root over the txids of all transactions: what the header commits to.
MerkleRoot block_merkle_root(std::span<const Transaction> txs);
/// Root over the wtxids, with zero in place of the coinbase (BIP141).
Uint256 witness_merkle_root(std::span<const Transaction> txs);

/// The hashes that lead from the leaf at `position` up to the root, lowest first. `position` is a leaf.
std::vector<Uint256> merkle_branch(std::vector<Uint256> leaves, std::size_t position);
/// The root that `branch` leads to from `leaf` at `position`.
Uint256 merkle_root_of_branch(const Uint256& leaf, std::span<const Uint256> branch, std::size_t position);

}  // namespace cairn
