#pragma once

#include <array>
#include <unordered_map>
#include <vector>

#include "consensus/base/check.hpp"
#include "consensus/primitives/ids.hpp"
#include "storage/detail/huge_memory.hpp"

namespace cairn::storage::detail {

/// One record of the cache: flags, outpoint, packed coin. A view; copy freely.
///   2 bytes  flags and the coin's size     2 bytes  index     32 bytes  txid
///   only when `wide`: 4 bytes index, 4 bytes size                              then the coin
class CoinRecord {
public:
    enum Flag : std::uint16_t {
        dirty = 1,    // the disk does not agree
        fresh = 2,    // the disk has no coin of this name
        spent = 4,    // a tombstone
        wide = 8,     // index or size do not fit the narrow fields
        listed = 16,  // its position is in the list of dirty ones; stays with the place, not with the coin
        vacant = 32,  // waits in a free list
    };
    static constexpr std::size_t kNarrowHeader = 36;
    static constexpr std::size_t kWideHeader = 44;

    explicit CoinRecord(std::uint8_t* at) : at_(at) {}

    static bool needs_wide(std::uint32_t index, std::size_t coin_size) { return index > 0xffff || coin_size > kNarrowSize; }
    static std::size_t total_size(std::uint32_t index, std::size_t coin_size) {
        return (needs_wide(index, coin_size) ? kWideHeader : kNarrowHeader) + coin_size;
    }

    void format(std::uint16_t flags, const OutPoint& outpoint, std::size_t coin_size) {
        const bool is_wide = needs_wide(outpoint.index, coin_size);
        set16(0, static_cast<std::uint16_t>(flags | (is_wide ? std::size_t{wide} : coin_size << kSizeShift)));
        set16(2, is_wide ? 0 : static_cast<std::uint16_t>(outpoint.index));
        std::memcpy(at_ + 4, outpoint.txid.data(), Uint256::kSize);
        if (is_wide) {
            set32(kNarrowHeader, outpoint.index);
            set32(kNarrowHeader + 4, static_cast<std::uint32_t>(coin_size));
        }
    }

    std::uint16_t flags() const { return get16(0) & kFlagMask; }
    bool has(Flag flag) const { return (get16(0) & flag) != 0; }
    void set(std::uint16_t bits) { set16(0, static_cast<std::uint16_t>(get16(0) | bits)); }
    void clear(std::uint16_t bits) { set16(0, static_cast<std::uint16_t>(get16(0) & ~bits)); }

    const std::uint8_t* txid() const { return at_ + 4; }
    std::uint32_t index() const { return has(wide) ? get32(kNarrowHeader) : get16(2); }
    OutPoint outpoint() const { return {Txid(ByteSpan(txid(), Uint256::kSize)), index()}; }
    bool is(const OutPoint& outpoint) const {
        return std::memcmp(txid(), outpoint.txid.data(), Uint256::kSize) == 0 && index() == outpoint.index;
    }
    std::size_t coin_size() const { return has(wide) ? get32(kNarrowHeader + 4) : get16(0) >> kSizeShift; }
    std::uint8_t* coin_data() const { return at_ + (has(wide) ? kWideHeader : kNarrowHeader); }
    ByteSpan coin() const { return {coin_data(), coin_size()}; }
    std::size_t size() const { return (has(wide) ? kWideHeader : kNarrowHeader) + coin_size(); }

    /// The next of a free list, kept where a txid was.
    std::uint32_t next_vacant() const { return get32(4); }
    void set_next_vacant(std::uint32_t position) { set32(4, position); }
    void prefetch() const {
        __builtin_prefetch(at_);
        __builtin_prefetch(at_ + 64);
    }

private:
    static constexpr unsigned kSizeShift = 6;
    static constexpr std::uint16_t kFlagMask = (1u << kSizeShift) - 1;
    static constexpr std::size_t kNarrowSize = 0xffff >> kSizeShift;

    std::uint16_t get16(std::size_t offset) const { return load<std::uint16_t>(offset); }
    std::uint32_t get32(std::size_t offset) const { return load<std::uint32_t>(offset); }
    void set16(std::size_t offset, std::uint16_t value) { std::memcpy(at_ + offset, &value, sizeof value); }
    void set32(std::size_t offset, std::uint32_t value) { std::memcpy(at_ + offset, &value, sizeof value); }
    template <class T>
    T load(std::size_t offset) const {
        T value;
        std::memcpy(&value, at_ + offset, sizeof value);
        return value;
    }

    std::uint8_t* at_;
};

/// Places for records in chunks of 4 MiB. A position counts units of 4 bytes over all chunks; a place keeps its size for
/// ever and is given out again to records that need just as much.
class CoinRecords {
public:
    /// Positions are 32 bits wide: no more bytes than this.
    static constexpr std::size_t kMostBytes = std::size_t{16} << 30;
    static constexpr std::size_t kLargestRecord = std::size_t{2} << 20;

    CoinRecord at(std::uint32_t position) const {
        return CoinRecord(chunks_[position >> kChunkBits].data() + std::size_t{position & kChunkMask} * kUnit);
    }

    /// A place for `bytes`. Its flags are 0 but for `listed` when an earlier record left it there.
    std::uint32_t take(std::size_t bytes) {
        const std::uint32_t units = to_units(bytes);
        live_units_ += units;
        std::uint32_t& head = list(units);
        if (head == 0) return take_new(units);
        const std::uint32_t position = head;
        head = at(position).next_vacant();
        return position;
    }

    void give_back(std::uint32_t position) {
        CoinRecord record = at(position);
        const std::uint32_t units = to_units(record.size());
        record.clear(CoinRecord::dirty | CoinRecord::fresh | CoinRecord::spent);
        record.set(CoinRecord::vacant);
        std::uint32_t& head = list(units);
        record.set_next_vacant(head);
        head = position;
        live_units_ -= units;
    }

    static bool same_place(std::size_t bytes, std::size_t other) { return to_units(bytes) == to_units(other); }
    /// Bytes handed out so far, given back or not.
    std::size_t held_bytes() const { return used_units_ * kUnit; }
    std::size_t live_bytes() const { return live_units_ * kUnit; }

    void reset() { *this = CoinRecords(); }

private:
    static constexpr std::size_t kUnit = 4;
    static constexpr unsigned kChunkBits = 20;
    static constexpr std::uint32_t kChunkMask = (1u << kChunkBits) - 1;
    static constexpr std::uint32_t kShortLists = 256;  // up to 1 KiB

    static std::uint32_t to_units(std::size_t bytes) { return static_cast<std::uint32_t>((bytes + kUnit - 1) / kUnit); }
    std::uint32_t& list(std::uint32_t units) { return units < kShortLists ? short_lists_[units] : long_lists_[units]; }

    std::uint32_t take_new(std::uint32_t units) {
        CAIRN_CHECK(units <= kLargestRecord / kUnit);
        if (chunks_.empty() || next_ + units > kChunkMask + 1) {
            CAIRN_CHECK(chunks_.size() < kMostBytes >> (kChunkBits + 2));
            if (!chunks_.empty()) used_units_ += kChunkMask + 1 - next_;  // the rest of the chunk is lost
            chunks_.emplace_back((std::size_t{kChunkMask} + 1) * kUnit);
            next_ = chunks_.size() == 1 ? 1 : 0;  // position 0 means none
        }
        const auto position = static_cast<std::uint32_t>((chunks_.size() - 1) << kChunkBits | next_);
        next_ += units;
        used_units_ += units;
        // Written before anything is read: a read would make the kernel map a page of zeros first and replace it later.
        std::memset(chunks_.back().data() + std::size_t{position & kChunkMask} * kUnit, 0, sizeof(std::uint16_t));
        return position;
    }

    std::vector<HugeMemory> chunks_;
    std::uint32_t next_ = 0;  // first unit never given out, in the last chunk
    std::size_t used_units_ = 0;
    std::size_t live_units_ = 0;
    std::array<std::uint32_t, kShortLists> short_lists_{};
    std::unordered_map<std::uint32_t, std::uint32_t> long_lists_;
};

}  // namespace cairn::storage::detail
