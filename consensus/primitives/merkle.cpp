#include "consensus/primitives/merkle.hpp"

#include "consensus/base/check.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/sha256.hpp"

namespace cairn {
namespace {

/// Replaces a level by the one above it; the level's length is made even first.
void hash_level(std::vector<Uint256>& level) {
    if (level.size() % 2 != 0) level.push_back(level.back());
    const std::size_t pairs = level.size() / 2;
    static_assert(sizeof(Uint256) == Uint256::kSize);
    sha256d_64_many(level.front().data(), level.front().data(), pairs);
    level.resize(pairs);
}

bool has_equal_neighbours(const std::vector<Uint256>& level) {
    for (std::size_t i = 0; i + 1 < level.size(); i += 2) {
        if (level[i] == level[i + 1]) return true;
    }
    return false;
}

}  // namespace

MerkleRoot merkle_root(std::vector<Uint256> leaves) {
    if (leaves.empty()) return {};
    bool mutated = false;
    while (leaves.size() > 1) {
        mutated = mutated || has_equal_neighbours(leaves);
        hash_level(leaves);
    }
    return {leaves.front(), mutated};
}

MerkleRoot block_merkle_root(std::span<const Transaction> txs) {
    std::vector<Uint256> leaves;
    leaves.reserve(txs.size() + 1);
    for (const Transaction& tx : txs) leaves.push_back(tx.txid);
    return merkle_root(std::move(leaves));
}

Uint256 witness_merkle_root(std::span<const Transaction> txs) {
    std::vector<Uint256> leaves;
    leaves.reserve(txs.size() + 1);
    for (const Transaction& tx : txs) leaves.push_back(leaves.empty() ? Uint256() : Uint256(tx.wtxid));
    return merkle_root(std::move(leaves)).root;
}

std::vector<Uint256> merkle_branch(std::vector<Uint256> leaves, std::size_t position) {
    CAIRN_CHECK(position < leaves.size());
    std::vector<Uint256> branch;
    while (leaves.size() > 1) {
        const std::size_t sibling = position ^ 1;
        branch.push_back(sibling < leaves.size() ? leaves[sibling] : leaves[position]);
        hash_level(leaves);
        position /= 2;
    }
    return branch;
}

Uint256 merkle_root_of_branch(const Uint256& leaf, std::span<const Uint256> branch, std::size_t position) {
    Uint256 hash = leaf;
    for (const Uint256& sibling : branch) {
        hash = position % 2 != 0 ? hash256(sibling.span(), hash.span()) : hash256(hash.span(), sibling.span());
        position /= 2;
    }
    return hash;
}

}  // namespace cairn
