#include "storage/coin_store.hpp"

#include <algorithm>
#include <numeric>

#include "consensus/base/hex.hpp"
#include "consensus/chain/coin_codec.hpp"

namespace cairn::storage {

namespace {

constexpr std::uint8_t kTwoBytes = 0xfd;
constexpr std::uint8_t kFourBytes = 0xfe;
/// Above every key: keys are at most 37 bytes and the last of them begins with 32 of 0xff and 0xfe.
constexpr std::string_view kPastAllKeys = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                          "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";

StorageError damaged(ByteSpan key) {
    return {StorageError::Kind::corruption, "The coin with key " + to_hex(key) + " cannot be read."};
}

Stored<Coin> decode(ByteSpan key, ByteSpan value) {
    auto coin = parse_coin(value);
    if (!coin) return fail(damaged(key));
    return std::move(*coin);
}

}  // namespace

CoinKey::CoinKey(const OutPoint& outpoint) {
    std::memcpy(bytes_.data(), outpoint.txid.data(), Uint256::kSize);
    std::uint8_t* out = bytes_.data() + Uint256::kSize;
    const std::uint32_t index = outpoint.index;
    if (index < kTwoBytes) {
        *out++ = static_cast<std::uint8_t>(index);
    } else {
        const bool wide = index > 0xffff;
        *out++ = wide ? kFourBytes : kTwoBytes;
        if (wide) {
            *out++ = static_cast<std::uint8_t>(index >> 24);
            *out++ = static_cast<std::uint8_t>(index >> 16);
        }
        *out++ = static_cast<std::uint8_t>(index >> 8);
        *out++ = static_cast<std::uint8_t>(index);
    }
    size_ = static_cast<std::uint8_t>(out - bytes_.data());
}

std::optional<OutPoint> CoinKey::parse(ByteSpan key) {
    if (key.size() <= Uint256::kSize) return std::nullopt;
    OutPoint outpoint;
    outpoint.txid = Txid(key.first(Uint256::kSize));
    const ByteSpan tail = key.subspan(Uint256::kSize);
    const std::size_t digits = tail[0] < kTwoBytes ? 0 : tail[0] == kTwoBytes ? 2 : tail[0] == kFourBytes ? 4 : 5;
    if (tail.size() != 1 + digits) return std::nullopt;
    outpoint.index = digits == 0 ? tail[0] : 0;
    for (std::size_t i = 1; i <= digits; ++i) outpoint.index = outpoint.index << 8 | tail[i];
    return outpoint;
}

Stored<std::optional<Coin>> CoinStore::get(const OutPoint& outpoint) const {
    const CoinKey key(outpoint);
    const auto value = store_.get(Family::coins, key.span());
    if (!value) return fail(value.error());
    if (!*value) return std::nullopt;
    auto coin = decode(key.span(), **value);
    if (!coin) return fail(coin.error());
    return std::move(*coin);
}

Stored<std::vector<std::optional<Coin>>> CoinStore::multi_get(std::span<const OutPoint> outpoints) const {
    std::vector<std::uint32_t> order(outpoints.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return outpoints[a] < outpoints[b]; });
    std::vector<CoinKey> keys;
    std::vector<ByteSpan> spans;
    keys.reserve(order.size());
    spans.reserve(order.size());
    for (const std::uint32_t position : order) spans.push_back(keys.emplace_back(outpoints[position]).span());
    const auto values = store_.multi_get(Family::coins, spans);
    if (!values) return fail(values.error());
    std::vector<std::optional<Coin>> coins(outpoints.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (!(*values)[i]) continue;
        auto coin = decode(spans[i], *(*values)[i]);
        if (!coin) return fail(coin.error());
        coins[order[i]] = std::move(*coin);
    }
    return coins;
}

Stored<bool> CoinStore::empty() const {
    const auto it = store_.iterate(Family::coins);
    it->seek({});
    if (it->valid()) return false;
    if (auto status = it->status(); !status) return fail(status.error());
    return true;
}

Stored<void> CoinStore::for_each(const std::function<bool(const OutPoint&, const Coin&)>& visit) const {
    const auto picture = store_.snapshot();
    return for_each(*picture, visit);
}

Stored<void> CoinStore::for_each(const KvSnapshot& at, const std::function<bool(const OutPoint&, const Coin&)>& visit) const {
    const auto it = store_.iterate(Family::coins, &at);
    for (it->seek({}); it->valid(); it->next()) {
        const auto outpoint = CoinKey::parse(it->key());
        if (!outpoint) return fail(damaged(it->key()));
        const auto coin = decode(it->key(), it->value());
        if (!coin) return fail(coin.error());
        if (!visit(*outpoint, *coin)) return {};
    }
    return it->status();
}

Stored<void> CoinStore::erase_all() {
    WriteBatch batch;
    erase_best_block(batch);
    batch.erase_range(Family::coins, {}, as_bytes(kPastAllKeys));
    if (auto written = store_.write(batch); !written) return written;
    if (auto flushed = store_.flush(); !flushed) return flushed;
    return store_.reclaim({Family::coins}, {}, as_bytes(kPastAllKeys));
}

}  // namespace cairn::storage
