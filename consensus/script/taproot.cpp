#include "consensus/script/taproot.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "consensus/base/codec.hpp"
#include "consensus/crypto/ecc.hpp"
#include "consensus/crypto/sha256.hpp"
#include "consensus/script/detail/hash_writer.hpp"

namespace cairn {
namespace {

/// A leaf on its way to the root: which one, and the hashes beside the way so far.
struct PendingLeaf {
    const TapTree* leaf;
    Uint256 hash;
    std::vector<Uint256> path;
};

/// Hash of `tree`; appends its leaves from left to right.
Uint256 collect_leaves(const TapTree& tree, std::vector<PendingLeaf>& leaves) {
    if (tree.is_leaf()) {
        const Uint256 hash = tapleaf_hash(tree.leaf_version, tree.script);
        leaves.push_back({&tree, hash, {}});
        return hash;
    }
    const std::size_t first = leaves.size();
    const Uint256 left = collect_leaves(*tree.left, leaves);
    const std::size_t middle = leaves.size();
    const Uint256 right = collect_leaves(*tree.right, leaves);
    for (std::size_t i = first; i < leaves.size(); ++i) leaves[i].path.push_back(i < middle ? right : left);
    return tapbranch_hash(left, right);
}

Bytes make_control_block(ByteSpan internal_key, bool parity, const PendingLeaf& leaf) {
    Bytes control;
    Writer writer(control);
    writer.u8(static_cast<std::uint8_t>(leaf.leaf->leaf_version | (parity ? 1 : 0)));
    writer.bytes(internal_key);
    for (const Uint256& node : leaf.path) writer.uint256(node);
    return control;
}

}  // namespace

Uint256 tapleaf_hash(std::uint8_t leaf_version, ByteSpan script) {
    static const Sha256 start = tagged_hasher("TapLeaf");
    Sha256 hasher = start;
    HashWriter writer(hasher);
    writer.u8(leaf_version);
    writer.var_bytes(script);
    return hasher.finish();
}

Uint256 tapbranch_hash(const Uint256& a, const Uint256& b) {
    static const Sha256 start = tagged_hasher("TapBranch");
    Sha256 hasher = start;
    const auto& [low, high] = std::minmax(a, b);
    return hasher.write(low).write(high).finish();
}

Uint256 taproot_merkle_root(ByteSpan control, const Uint256& leaf_hash) {
    CAIRN_CHECK(is_valid_control_size(control.size()));
    Uint256 root = leaf_hash;
    for (std::size_t i = kControlBaseSize; i < control.size(); i += kControlNodeSize) {
        root = tapbranch_hash(root, Uint256(control.subspan(i, kControlNodeSize)));
    }
    return root;
}

Uint256 taptweak_hash(ByteSpan internal_key, const std::optional<Uint256>& merkle_root) {
    static const Sha256 start = tagged_hasher("TapTweak");
    Sha256 hasher = start;
    hasher.write(internal_key);
    if (merkle_root) hasher.write(*merkle_root);
    return hasher.finish();
}

bool verify_taproot_commitment(ByteSpan control, ByteSpan program, const Uint256& leaf_hash) {
    CAIRN_CHECK(program.size() == Uint256::kSize);
    const ByteSpan internal_key = control.subspan(1, kControlBaseSize - 1);
    const Uint256 tweak = taptweak_hash(internal_key, taproot_merkle_root(control, leaf_hash));
    return check_xonly_tweak(Uint256(program), (control[0] & 1) != 0, Uint256(internal_key), tweak);
}

std::optional<ByteSpan> witness_annex(std::span<const ByteSpan> witness) {
    if (witness.size() < 2 || witness.back().empty() || witness.back()[0] != kAnnexTag) return std::nullopt;
    return witness.back();
}

Uint256 annex_hash(ByteSpan annex) {
    Sha256 hasher;
    HashWriter(hasher).var_bytes(annex);
    return hasher.finish();
}

Uint256 TapTree::hash() const {
    return is_leaf() ? tapleaf_hash(leaf_version, script) : tapbranch_hash(left->hash(), right->hash());
}

std::optional<TaprootOutput> make_taproot_output(ByteSpan internal_key, const TapTree* tree) {
    if (internal_key.size() != Uint256::kSize) return std::nullopt;
    TaprootOutput output;
    std::vector<PendingLeaf> leaves;
    if (tree != nullptr) output.merkle_root = collect_leaves(*tree, leaves);
    output.tweak = taptweak_hash(internal_key, output.merkle_root);
    const auto key = xonly_tweak_add(Uint256(internal_key), output.tweak);
    if (!key) return std::nullopt;
    std::copy_n(key->x.data(), Uint256::kSize, output.output_key.begin());
    output.parity = key->odd;
    for (const PendingLeaf& leaf : leaves) {
        if (leaf.path.size() > kControlMaxNodes) return std::nullopt;
        output.leaves.push_back({leaf.hash, leaf.leaf->leaf_version, leaf.leaf->script,
                                 make_control_block(internal_key, output.parity, leaf)});
    }
    return output;
}

}  // namespace cairn
