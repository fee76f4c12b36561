#include "node/index/place.hpp"

#include <algorithm>

#include "consensus/base/codec.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn::node {

namespace {

void put_be(std::uint8_t* out, std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * (bytes - 1 - i)));
}

std::uint32_t get_be3(const std::uint8_t* in) { return std::uint32_t{in[0]} << 16 | std::uint32_t{in[1]} << 8 | in[2]; }

TxPlace::Key make_key(std::uint64_t hash, const Txid& txid) {
    TxPlace::Key key;
    put_be(key.data(), hash, 8);
    std::copy_n(txid.data(), 2, key.begin() + 8);
    return key;
}

}  // namespace

TxPlace TxPlace::of(const HeaderNode& node, std::uint32_t offset) {
    TxPlace place{node.height, offset, {}};
    std::copy_n(node.hash.data(), place.block_tag.size(), place.block_tag.begin());
    return place;
}

std::array<std::uint8_t, TxPlace::kValueSize> TxPlace::write() const {
    std::array<std::uint8_t, kValueSize> value;
    put_be(value.data(), static_cast<std::uint32_t>(height), 3);
    put_be(value.data() + 3, offset, 3);
    std::copy(block_tag.begin(), block_tag.end(), value.begin() + 6);
    return value;
}

std::optional<TxPlace> TxPlace::read(ByteSpan value) {
    if (value.size() != kValueSize) return std::nullopt;
    TxPlace place{static_cast<Height>(get_be3(value.data())), get_be3(value.data() + 3), {}};
    std::copy_n(value.data() + 6, place.block_tag.size(), place.block_tag.begin());
    return place;
}

TxPlace::Key TxPlace::key(SipKey salt, const Txid& txid) { return make_key(siphash(salt, txid.span()), txid); }

TxPlace::Key TxPlace::key(SipKey salt, const OutPoint& outpoint) {
    SipHasher hasher(salt);
    hasher.write(outpoint.txid.span());
    hasher.write(std::uint64_t{outpoint.index});
    return make_key(hasher.finish(), outpoint.txid);
}

const HeaderNode* TxPlace::block_on(const HeaderNode* tip) const {
    const HeaderNode* node = tip ? tip->ancestor(height) : nullptr;
    return node && std::equal(block_tag.begin(), block_tag.end(), node->hash.data()) ? node : nullptr;
}

TransactionPtr read_placed(const ChainPort& chain, const HeaderNode* block, std::uint32_t offset) {
    const auto raw = chain.read_block(block);
    if (!raw || offset >= raw->size()) return nullptr;
    const ByteSpan rest = ByteSpan(*raw).subspan(offset);
    Reader reader(rest);
    Arena arena;
    Transaction::read(reader, arena);
    if (!reader.ok()) return nullptr;
    auto parsed = TransactionHolder::parse(to_bytes(rest.first(reader.position())));
    return parsed ? *parsed : nullptr;
}

std::optional<SipKey> load_salt(ByteSpan state) {
    if (state.empty()) return SipKey{random_u64(), random_u64()};
    Reader reader(state);
    SipKey salt;
    salt.k0 = reader.u64();
    salt.k1 = reader.u64();
    if (!reader.ok()) return std::nullopt;
    return salt;
}

Bytes save_salt(SipKey salt) {
    Bytes bytes;
    Writer writer(bytes);
    writer.u64(salt.k0);
    writer.u64(salt.k1);
    return bytes;
}

}  // namespace cairn::node
