#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"

namespace cairn {

inline constexpr std::uint8_t kTaprootLeafMask = 0xfe;
inline constexpr std::uint8_t kTapscriptLeafVersion = 0xc0;
inline constexpr std::size_t kControlBaseSize = 33;
inline constexpr std::size_t kControlNodeSize = 32;
inline constexpr std::size_t kControlMaxNodes = 128;
inline constexpr std::size_t kControlMaxSize = kControlBaseSize + kControlNodeSize * kControlMaxNodes;
inline constexpr std::uint8_t kAnnexTag = 0x50;

/// BIP341's hash of a leaf.
Uint256 tapleaf_hash(std::uint8_t leaf_version, ByteSpan script);
/// BIP341's hash of two branches, in either order.
Uint256 tapbranch_hash(const Uint256& a, const Uint256& b);
/// The root that a control block's path gives for a leaf. Shape: is_valid_control_size(control.size()).
Uint256 taproot_merkle_root(ByteSpan control, const Uint256& leaf_hash);
/// What is added to the internal key: hash of the 32-byte key and the root, if there is one.
Uint256 taptweak_hash(ByteSpan internal_key, const std::optional<Uint256>& merkle_root);

constexpr bool is_valid_control_size(std::size_t size) {
    return size >= kControlBaseSize && size <= kControlMaxSize && (size - kControlBaseSize) % kControlNodeSize == 0;
}

/// True when `program` is the control block's internal key tweaked by the root of its path. Sizes are valid.
bool verify_taproot_commitment(ByteSpan control, ByteSpan program, const Uint256& leaf_hash);

/// The annex of a witness (BIP341), without looking at anything else; empty when there is none.
std::optional<ByteSpan> witness_annex(std::span<const ByteSpan> witness);
/// SHA-256 of the annex with its length.
Uint256 annex_hash(ByteSpan annex);

/// A tree of scripts, for making outputs and the control blocks that spend them.
struct TapTree {
    std::uint8_t leaf_version = kTapscriptLeafVersion;
    Bytes script;                          ///< of a leaf
    std::unique_ptr<TapTree> left, right;  ///< both or none

    bool is_leaf() const { return left == nullptr; }
    Uint256 hash() const;
};

/// A taproot output and everything needed to spend it by script.
struct TaprootOutput {
    struct Leaf {
        Uint256 hash;
        std::uint8_t leaf_version = 0;
        Bytes script;
        Bytes control_block;
    };
    std::array<std::uint8_t, 32> output_key{};
    bool parity = false;  ///< the output key has an odd Y
    std::optional<Uint256> merkle_root;
    Uint256 tweak;
    std::vector<Leaf> leaves;  ///< from left to right
};

/// nullopt when the internal key (32 bytes) is none or the tweak is out of range. `tree` may be null.
std::optional<TaprootOutput> make_taproot_output(ByteSpan internal_key, const TapTree* tree);

}  // namespace cairn
