#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "consensus/crypto/siphash.hpp"

namespace cairn {

/// Messages that are hashed by SipHash-2-4 again and again, with another key each time: cut into words once and laid out so
/// that eight or sixteen are hashed side by side where the machine can (AVX2, AVX-512).
///
/// A message takes as many steps as it has words of eight bytes, the last of which holds the rest and the length; those with
/// equally many steps lie together, whatever their length. Memory: 8 bytes for each word.
/// Thread: any once everything is added.
class SipRows {
public:
    /// What computes the hashes. All give the same; a machine may lack the faster ones.
    enum class Backend : std::uint8_t { portable, avx2, avx512 };
    static constexpr std::size_t kBlock = 8;  ///< messages that lie side by side

    void add(ByteSpan message);
    std::size_t size() const { return size_; }

    /// The hashes of all messages, in pieces of at most kPiece, to `piece(std::span<const std::uint64_t>)`, until it gives
    /// false. Their order is always the same, but not that of add().
    template <class Piece>
    void hash(SipKey key, Piece&& piece) const {
        hash(key, backend(), piece);
    }
    template <class Piece>
    void hash(SipKey key, Backend with, Piece&& piece) const {
        std::uint64_t hashes[kPiece];
        for (const Group& group : groups_) {
            for (std::size_t first = 0; first < group.count; first += kPiece) {
                const std::size_t count = std::min(kPiece, group.count - first);
                hash_blocks(key, with, group.words.data() + first * group.steps, group.steps, (count + kBlock - 1) / kBlock, hashes);
                if (!piece(std::span<const std::uint64_t>(hashes, count))) return;
            }
        }
    }
    static constexpr std::size_t kPiece = 256;

    /// The best that this machine can run, and whether it can run one.
    static Backend backend();
    static bool supports(Backend backend);

private:
    struct Group {
        std::size_t steps = 0;             ///< words of each message
        std::size_t count = 0;             ///< messages
        std::vector<std::uint64_t> words;  ///< [block][word][message]; a block that is not full ends with zeros
    };
    static void hash_blocks(SipKey key, Backend with, const std::uint64_t* words, std::size_t steps, std::size_t blocks, std::uint64_t* out);

    std::vector<Group> groups_;  ///< few: scripts have few lengths
    std::size_t size_ = 0;
};

}  // namespace cairn
