#include "consensus/primitives/merkle_proof.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn {

namespace {

/// A block's weight limit over that of the smallest transaction that is valid (60 bytes).
constexpr std::uint32_t kMaxLeaves = 4'000'000 / (4 * 60);

Uint256 parent(const Uint256& left, const Uint256& right) { return hash256(left.span(), right.span()); }

}  // namespace

/// One pass over a proof, from the root down. Levels count from the leaves.
struct MerkleProof::Walk {
    const MerkleProof& proof;
    std::size_t flags_used = 0;
    std::size_t hashes_used = 0;
    bool bad = false;
    std::vector<Leaf> leaves{};

    Uint256 node(int level, std::uint32_t position) {
        if (bad || flags_used == proof.flags_.size()) return fail();
        const bool wanted_below = proof.flags_[flags_used++];
        if (level == 0 || !wanted_below) {
            if (hashes_used == proof.hashes_.size()) return fail();
            const Uint256& hash = proof.hashes_[hashes_used++];
            if (wanted_below) leaves.push_back({hash, position});
            return hash;
        }
        const Uint256 left = node(level - 1, position * 2);
        if (position * 2 + 1 >= proof.width(level - 1)) return parent(left, left);
        const Uint256 right = node(level - 1, position * 2 + 1);
        if (left == right) return fail();
        return parent(left, right);
    }
    Uint256 fail() {
        bad = true;
        return {};
    }
};

std::uint32_t MerkleProof::width(int level) const {
    return static_cast<std::uint32_t>((static_cast<std::uint64_t>(leaf_count_) + (1ull << level) - 1) >> level);
}

int MerkleProof::height() const {
    int level = 0;
    while (width(level) > 1) ++level;
    return level;
}

MerkleProof MerkleProof::make(const std::vector<Uint256>& leaves, const std::vector<bool>& wanted) {
    CAIRN_CHECK(leaves.size() == wanted.size());
    CAIRN_CHECK(!leaves.empty());
    MerkleProof proof;
    proof.leaf_count_ = static_cast<std::uint32_t>(leaves.size());
    // Whole levels from the leaves up: their hashes, and whether something wanted lies below.
    std::vector<std::vector<Uint256>> hashes{leaves};
    std::vector<std::vector<bool>> marks{wanted};
    while (hashes.back().size() > 1) {
        const std::vector<Uint256>& below = hashes.back();
        const std::vector<bool>& below_marks = marks.back();
        std::vector<Uint256> level;
        std::vector<bool> level_marks;
        for (std::size_t i = 0; i < below.size(); i += 2) {
            const std::size_t right = std::min(i + 1, below.size() - 1);
            level.push_back(parent(below[i], below[right]));
            level_marks.push_back(below_marks[i] || below_marks[right]);
        }
        hashes.push_back(std::move(level));
        marks.push_back(std::move(level_marks));
    }
    const auto visit = [&](const auto& self, std::size_t level, std::size_t position) -> void {
        const bool wanted_below = marks[level][position];
        proof.flags_.push_back(wanted_below);
        if (level == 0 || !wanted_below) {
            proof.hashes_.push_back(hashes[level][position]);
            return;
        }
        self(self, level - 1, position * 2);
        if (position * 2 + 1 < hashes[level - 1].size()) self(self, level - 1, position * 2 + 1);
    };
    visit(visit, hashes.size() - 1, 0);
    return proof;
}

MerkleProof MerkleProof::read(Reader& reader) {
    MerkleProof proof;
    proof.leaf_count_ = reader.u32();
    const std::uint64_t count = reader.compact_size();
    if (count > reader.remaining() / Uint256::kSize) {
        reader.fail(DecodeError::truncated);
        return proof;
    }
    proof.hashes_.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) proof.hashes_.push_back(reader.uint256());
    for (const std::uint8_t byte : reader.var_bytes()) {
        for (int bit = 0; bit < 8; ++bit) proof.flags_.push_back((byte >> bit & 1) != 0);
    }
    return proof;
}

void MerkleProof::write(Writer& writer) const {
    writer.u32(leaf_count_);
    writer.compact_size(hashes_.size());
    for (const Uint256& hash : hashes_) writer.uint256(hash);
    Bytes packed((flags_.size() + 7) / 8);
    for (std::size_t i = 0; i < flags_.size(); ++i) {
        if (flags_[i]) packed[i / 8] = static_cast<std::uint8_t>(packed[i / 8] | 1 << i % 8);
    }
    writer.var_bytes(packed);
}

std::optional<MerkleProof::Shown> MerkleProof::show() const {
    if (leaf_count_ == 0 || leaf_count_ > kMaxLeaves) return std::nullopt;
    if (hashes_.size() > leaf_count_ || flags_.size() < hashes_.size()) return std::nullopt;
    Walk walk{*this};
    const Uint256 root = walk.node(height(), 0);
    if (walk.bad || walk.hashes_used != hashes_.size()) return std::nullopt;
    // Flags come in whole bytes: the last one may be filled up.
    if ((walk.flags_used + 7) / 8 != (flags_.size() + 7) / 8) return std::nullopt;
    return Shown{root, std::move(walk.leaves)};
}

MerkleBlock MerkleBlock::read(Reader& reader) {
    MerkleBlock block;
    block.header = BlockHeader::read(reader);
    block.proof = MerkleProof::read(reader);
    return block;
}

void MerkleBlock::write(Writer& writer) const {
    header.write(writer);
    proof.write(writer);
}

}  // namespace cairn
