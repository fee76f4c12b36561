#include "consensus/primitives/block_filter.hpp"

#include <algorithm>
#include <bit>

#include "consensus/base/codec.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn {
namespace {

constexpr std::uint8_t kOpReturn = 0x6a;
constexpr std::size_t kSmallestElementBits = gcs::kBits + 1;
constexpr std::size_t kFewScripts = 8;  ///< elements of a filter for each watched script, from where on sorting is cheaper than a table

/// A uniform value in [0, range) from a uniform hash, by multiplication.
std::uint64_t reduce(std::uint64_t hash, std::uint64_t range) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(hash) * range) >> 64);
}

class BitWriter {
public:
    explicit BitWriter(Bytes& out) : out_(out) {}
    /// The low `count` bits, highest first; at most 32.
    void write(std::uint64_t bits, int count) {
        held_ = held_ << count | (bits & ((std::uint64_t{1} << count) - 1));
        held_bits_ += count;
        while (held_bits_ >= 8) {
            held_bits_ -= 8;
            out_.push_back(static_cast<std::uint8_t>(held_ >> held_bits_));
        }
    }
    void unary(std::uint64_t value) {
        for (; value >= 32; value -= 32) write(0xffffffff, 32);
        write((std::uint64_t{1} << (value + 1)) - 2, static_cast<int>(value) + 1);
    }
    void finish() {
        if (held_bits_ > 0) write(0, 8 - held_bits_);
    }

private:
    Bytes& out_;
    std::uint64_t held_ = 0;
    int held_bits_ = 0;
};

/// Takes Golomb-coded steps apart.
class StepReader {
public:
    explicit StepReader(ByteSpan data) : data_(data) {}

    /// Calls `take(value)` for `count` values, ascending. False: the data end before.
    template <class Take>
    bool read(std::uint64_t count, Take&& take) {
        std::uint64_t value = 0;
        while (count >= 2) {
            // A word from the right byte on holds 57 bits, enough for two steps nearly always.
            std::uint64_t word = window();
            const int ones = std::countl_one(word);
            word <<= (ones + 1) & 63;
            const std::uint64_t remainder = word >> (64 - gcs::kBits);
            word <<= gcs::kBits;
            const int more_ones = std::countl_one(word);
            if (ones + more_ones + kFixedBits * 2 > kWindowBits) {
                if (!read_long(value)) return false;
                take(value);
                --count;
                continue;
            }
            word <<= (more_ones + 1) & 63;
            value += static_cast<std::uint64_t>(ones) << gcs::kBits | remainder;
            const std::uint64_t second = value + (static_cast<std::uint64_t>(more_ones) << gcs::kBits | word >> (64 - gcs::kBits));
            position_ += static_cast<std::size_t>(ones + more_ones + kFixedBits * 2);
            if (position_ > data_.size() * 8) return false;
            take(value);
            take(second);
            value = second;
            count -= 2;
        }
        if (count == 0) return true;
        if (!read_long(value)) return false;
        take(value);
        return true;
    }

private:
    static constexpr int kWindowBits = 57;
    static constexpr int kFixedBits = gcs::kBits + 1;  ///< of a step: all but the ones

    /// The next bits from the top of a word, at least kWindowBits of them valid; zeros follow the end of the data.
    std::uint64_t window() const {
        const std::size_t byte = position_ / 8;
        std::uint64_t word = 0;
        if (byte + 8 <= data_.size()) [[likely]] {
            std::memcpy(&word, data_.data() + byte, 8);
            word = __builtin_bswap64(word);
        } else {
            for (std::size_t i = 0; i < 8 && byte + i < data_.size(); ++i) word |= std::uint64_t{data_[byte + i]} << (56 - 8 * i);
        }
        return word << (position_ % 8);
    }

    /// One step of any length.
    bool read_long(std::uint64_t& value) {
        std::uint64_t quotient = 0;
        int ones = std::countl_one(window());
        while (ones >= 32) {
            quotient += 32;
            position_ += 32;
            ones = std::countl_one(window());
        }
        quotient += static_cast<std::uint64_t>(ones);
        position_ += static_cast<std::size_t>(ones) + 1;
        value += quotient << gcs::kBits | window() >> (64 - gcs::kBits);
        position_ += gcs::kBits;
        return position_ <= data_.size() * 8;
    }

    ByteSpan data_;
    std::size_t position_ = 0;
};

/// The number of elements in a filter and where they begin.
struct Opened {
    std::uint64_t count;
    ByteSpan coded;
};
Result<Opened, DecodeError> open_filter(ByteSpan filter) {
    Reader reader(filter);
    const std::uint64_t count = reader.compact_size(~std::uint64_t{0} >> 20);
    if (!reader.ok()) return fail(reader.error());
    const ByteSpan coded = filter.subspan(reader.position());
    if (count > coded.size() * 8 / kSmallestElementBits) return fail(DecodeError::truncated);
    return Opened{count, coded};
}

/// The values of a filter, made ready to be asked for hashes: a table of 64 to 128 bits for each value, by the share of the
/// range at which it lies. What a hash is reduced to lies at the share that the hash has of all numbers, so its first bits
/// say where to look, and nearly all hashes that are not in the filter are told by that bit.
/// The memory is used again by the next filter. Thread: one at a time.
class ValueTable {
public:
    /// False: the data end too early.
    bool read(std::uint64_t count, ByteSpan coded) {
        range_ = count * gcs::kFalsePositive;
        const int word_bits = std::bit_width(count - 1);
        shift_ = 64 - 6 - word_bits;
        const std::uint64_t slots = std::uint64_t{64} << word_bits;
        bits_.assign(slots / 64 + 1, 0);
        values_.resize(count);
        // Slots are found by multiplication, rounded down and up: a value that may lie in either of two is in both.
        const auto scale = static_cast<std::uint64_t>((static_cast<unsigned __int128>(slots) << 64) / range_);
        const std::uint64_t width = scale + range_ + 1;
        std::uint64_t* const bits = bits_.data();
        std::uint64_t* next = values_.data();
        const auto take = [&](std::uint64_t value) {
            *next++ = value;
            const auto low = static_cast<unsigned __int128>(value) * scale;
            const auto slot = static_cast<std::uint64_t>(low >> 64), last = static_cast<std::uint64_t>((low + width) >> 64);
            if (last > slots) [[unlikely]] return;  // above the range: no hash is reduced to that
            bits[slot / 64] |= std::uint64_t{1} << (slot % 64);
            if (last != slot) [[unlikely]] bits[last / 64] |= std::uint64_t{1} << (last % 64);
        };
        return StepReader(coded).read(count, take);
    }

    bool any_of(std::span<const std::uint64_t> hashes) const {
        const std::uint64_t* const bits = bits_.data();
        for (const std::uint64_t hash : hashes) {
            const std::uint64_t slot = hash >> shift_;
            if ((bits[slot / 64] >> (slot % 64) & 1) != 0 && std::ranges::binary_search(values_, reduce(hash, range_))) return true;
        }
        return false;
    }

private:
    std::uint64_t range_ = 0;
    int shift_ = 0;
    std::vector<std::uint64_t> bits_;  ///< and one word more, for what lies at the very end
    std::vector<std::uint64_t> values_;
};

}  // namespace

namespace gcs {

Bytes encode(SipKey key, std::vector<ByteSpan> elements) {
    std::ranges::sort(elements, [](ByteSpan a, ByteSpan b) { return std::ranges::lexicographical_compare(a, b); });
    elements.erase(std::unique(elements.begin(), elements.end(), [](ByteSpan a, ByteSpan b) { return std::ranges::equal(a, b); }), elements.end());
    Bytes out;
    Writer(out).compact_size(elements.size());
    std::vector<std::uint64_t> values;
    values.reserve(elements.size());
    for (const ByteSpan element : elements) values.push_back(reduce(siphash(key, element), elements.size() * kFalsePositive));
    std::ranges::sort(values);
    BitWriter bits(out);
    std::uint64_t last = 0;
    for (const std::uint64_t value : values) {
        const std::uint64_t step = value - last;
        bits.unary(step >> kBits);
        bits.write(step, kBits);
        last = value;
    }
    bits.finish();
    return out;
}

Result<std::vector<std::uint64_t>, DecodeError> decode(ByteSpan filter) {
    const auto opened = open_filter(filter);
    if (!opened) return fail(opened.error());
    std::vector<std::uint64_t> values(opened->count);
    std::uint64_t* next = values.data();
    if (!StepReader(opened->coded).read(opened->count, [&next](std::uint64_t value) { *next++ = value; })) return fail(DecodeError::truncated);
    return values;
}

}  // namespace gcs

SipKey filter_key(const BlockHash& hash) {
    SipKey key;
    std::memcpy(&key.k0, hash.data(), 8);
    std::memcpy(&key.k1, hash.data() + 8, 8);
    return key;
}

Bytes basic_filter(const Block& block, std::span<const ByteSpan> spent) {
    std::vector<ByteSpan> elements;
    for (const Transaction& tx : block.txs())
        for (const TxOutput& output : tx.outputs)
            if (!output.script_pubkey.empty() && output.script_pubkey[0] != kOpReturn) elements.push_back(output.script_pubkey);
    for (const ByteSpan script : spent)
        if (!script.empty()) elements.push_back(script);
    return gcs::encode(filter_key(block.hash()), std::move(elements));
}

Uint256 filter_hash(ByteSpan filter) { return hash256(filter); }
Uint256 filter_header(const Uint256& hash, const Uint256& previous_header) { return hash256(hash.span(), previous_header.span()); }

Result<bool, DecodeError> FilterWatch::match(SipKey key, ByteSpan filter, SipRows::Backend with) const {
    const auto opened = open_filter(filter);
    if (!opened) return fail(opened.error());
    const std::uint64_t count = opened->count;
    const auto each = [&](auto&& take) { return StepReader(opened->coded).read(count, take); };
    if (count == 0) return false;
    bool found = false;
    if (scripts_.size() < count / kFewScripts) {
        // Few hashes are put in order, and the filter, which is, is read along them once.
        std::vector<std::uint64_t> wanted;
        wanted.reserve(scripts_.size() + 1);
        scripts_.hash(key, with, [&](std::span<const std::uint64_t> hashes) {
            for (const std::uint64_t hash : hashes) wanted.push_back(reduce(hash, count * gcs::kFalsePositive));
            return true;
        });
        std::ranges::sort(wanted);
        wanted.push_back(~std::uint64_t{0});
        const std::uint64_t* next = wanted.data();
        if (!each([&](std::uint64_t value) {
                while (*next < value) ++next;
                found |= *next == value;
            }))
            return fail(DecodeError::truncated);
        return found;
    }
    thread_local ValueTable table;
    if (!table.read(count, opened->coded)) return fail(DecodeError::truncated);
    scripts_.hash(key, with, [&](std::span<const std::uint64_t> hashes) { return !(found = table.any_of(hashes)); });
    return found;
}

}  // namespace cairn
