#include "consensus/primitives/block_filter.hpp"

#include <algorithm>
#include <bit>

#include "consensus/base/codec.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn {
namespace {

constexpr std::uint8_t kOpReturn = 0x6a;
constexpr std::size_t kSmallestElementBits = gcs::kBits + 1;

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

class BitReader {
public:
    explicit BitReader(ByteSpan data) : data_(data) {}

    /// The next bits from the top of a word, at least 57 of them valid unless the data ends before.
    std::uint64_t window() const {
        const std::size_t byte = position_ / 8;
        std::uint64_t word = 0;
        if (byte + 8 <= data_.size()) {
            std::memcpy(&word, data_.data() + byte, 8);
            word = __builtin_bswap64(word);
        } else {
            for (std::size_t i = 0; i < 8 && byte + i < data_.size(); ++i) word |= std::uint64_t{data_[byte + i]} << (56 - 8 * i);
        }
        return word << (position_ % 8);
    }
    void skip(std::size_t bits) { position_ += bits; }
    bool past_end() const { return position_ > data_.size() * 8; }

private:
    ByteSpan data_;
    std::size_t position_ = 0;
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
    Reader reader(filter);
    const std::uint64_t count = reader.compact_size(~std::uint64_t{0} >> 20);
    if (!reader.ok()) return fail(reader.error());
    const ByteSpan coded = filter.subspan(reader.position());
    if (count > coded.size() * 8 / kSmallestElementBits) return fail(DecodeError::truncated);
    std::vector<std::uint64_t> values(count);
    BitReader bits(coded);
    std::uint64_t last = 0;
    for (std::uint64_t& value : values) {
        std::uint64_t quotient = 0;
        int ones = std::countl_one(bits.window());
        while (ones >= 32) {  // rare: a run may be longer than a window
            quotient += 32;
            bits.skip(32);
            ones = std::countl_one(bits.window());
        }
        quotient += static_cast<std::uint64_t>(ones);
        bits.skip(static_cast<std::size_t>(ones) + 1);
        const std::uint64_t remainder = bits.window() >> (64 - kBits);
        bits.skip(kBits);
        if (bits.past_end()) return fail(DecodeError::truncated);
        last += quotient << kBits | remainder;
        value = last;
    }
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

void FilterWatch::add(ByteSpan script) {
    if (script.empty()) return;
    scripts_.insert(scripts_.end(), script.begin(), script.end());
    ends_.push_back(static_cast<std::uint32_t>(scripts_.size()));
}

Result<bool, DecodeError> FilterWatch::match(SipKey key, ByteSpan filter) const {
    const auto values = gcs::decode(filter);
    if (!values) return fail(values.error());
    if (values->empty() || ends_.empty()) return false;
    // A table of bits tells almost all that are not in the filter, without sorting the hashes of what is watched.
    const std::uint64_t range = values->size() * gcs::kFalsePositive;
    const std::size_t slots = std::bit_ceil(values->size() * 64);
    const int shift = 64 - std::countr_zero(slots);
    std::vector<std::uint64_t> table(slots / 64);
    // Slots by share of the range: the same multiplication that reduces hashes, by 2^64 / range in fixed point.
    const std::uint64_t scale = ~std::uint64_t{0} / range;
    for (const std::uint64_t value : *values) {
        const std::uint64_t slot = (value * scale) >> shift;
        table[slot / 64] |= std::uint64_t{1} << (slot % 64);
    }
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        const std::uint64_t value = reduce(siphash(key, script(i)), range);
        const std::uint64_t slot = (value * scale) >> shift;
        if ((table[slot / 64] >> (slot % 64) & 1) != 0 && std::ranges::binary_search(*values, value)) return true;
    }
    return false;
}

}  // namespace cairn
