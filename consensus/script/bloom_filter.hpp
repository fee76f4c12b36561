#pragma once

#include "consensus/primitives/transaction.hpp"

namespace cairn {

/// What a light client that has no better way tells us about its coins (BIP37): a set of bits that each of its keys,
/// hashes and outpoints sets a few of. It matches everything that was put in, and by chance a share of all else.
///
/// An empty filter matches everything, and nothing can be put into it.
/// Units: sizes in bytes. Source: BIP37, "Filter matching algorithm".
/// Thread: one.
class BloomFilter {
public:
    static constexpr std::size_t kMaxBytes = 36'000;
    static constexpr std::uint32_t kMaxFunctions = 50;

    /// Which matched outputs are put into the filter, so that it matches what spends them, too.
    enum class Update : std::uint8_t { none = 0, all = 1, pubkey_only = 2 };  ///< pubkey_only: bare keys and bare multisig

    /// As it came over the network. `flags`: its two lowest bits are the Update.
    BloomFilter(Bytes bits, std::uint32_t functions, std::uint32_t tweak, std::uint8_t flags)
        : bits_(std::move(bits)), functions_(functions), tweak_(tweak), flags_(flags) {}
    /// For `elements` (at least one), of which about `false_positives` (0 to 1) of all else looks like one; as good as the limits allow.
    static BloomFilter sized(std::uint32_t elements, double false_positives, std::uint32_t tweak, std::uint8_t flags);

    void insert(ByteSpan element);
    void insert(const OutPoint& outpoint);
    bool contains(ByteSpan element) const;
    bool contains(const OutPoint& outpoint) const;
    /// Whether the client should see this transaction. Puts outputs of it into the filter as Update says.
    bool match(const Transaction& tx);
    /// Takes in what was put into `other`, which began as a copy of this filter.
    void merge(const BloomFilter& other);

    /// Neither too large nor too slow to be used.
    bool within_limits() const { return bits_.size() <= kMaxBytes && functions_ <= kMaxFunctions; }
    ByteSpan bits() const { return bits_; }
    std::uint32_t functions() const { return functions_; }
    std::uint32_t tweak() const { return tweak_; }
    std::uint8_t flags() const { return flags_; }

private:
    std::size_t place(std::uint32_t function, ByteSpan element) const;
    bool contains_push(ByteSpan script) const;
    bool updates_on(ByteSpan script) const;

    Bytes bits_;
    std::uint32_t functions_ = 0;
    std::uint32_t tweak_ = 0;
    std::uint8_t flags_ = 0;
};

}  // namespace cairn
