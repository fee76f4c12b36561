#include "light/wallet/wallet_tx.hpp"

#include "consensus/base/codec.hpp"

namespace cairn::light {
namespace {

constexpr std::uint8_t kVersion = 2;
constexpr std::uint8_t kWithoutLeft = 1;  ///< an older version, that is read
constexpr std::uint64_t kMaxNotes = 1000;

void write_id(Writer& writer, const std::optional<Txid>& id) {
    writer.u8(id ? 1 : 0);
    if (id) writer.uint256(*id);
}

std::optional<Txid> read_id(Reader& reader) {
    if (reader.u8() == 0) return std::nullopt;
    return Txid(reader.uint256());
}

std::string read_text(Reader& reader) { return std::string(as_text(reader.var_bytes())); }

}  // namespace

Bytes WalletTx::serialize() const {
    Bytes out;
    Writer writer(out);
    writer.u8(kVersion);
    writer.u8(static_cast<std::uint8_t>(state));
    writer.i32(block.height);
    writer.uint256(block.hash);
    writer.i64(block.time);
    writer.i32(position);
    writer.u64(order);
    writer.i64(time_received);
    writer.i64(time);
    write_id(writer, replaces);
    write_id(writer, replaced_by);
    writer.compact_size(notes.size());
    for (const auto& [key, value] : notes) {
        writer.var_bytes(as_bytes(key));
        writer.var_bytes(as_bytes(value));
    }
    writer.compact_size(left.size());
    for (const BlockPlace& place : left) {
        writer.i32(place.height);
        writer.uint256(place.hash);
        writer.i64(place.time);
    }
    writer.bytes(tx->tx().raw);
    return out;
}

std::optional<WalletTx> WalletTx::parse(ByteSpan raw) {
    Reader reader(raw);
    const std::uint8_t version = reader.u8();
    if (version != kVersion && version != kWithoutLeft) return std::nullopt;
    WalletTx made;
    const std::uint8_t state = reader.u8();
    if (state > static_cast<std::uint8_t>(TxState::abandoned)) return std::nullopt;
    made.state = static_cast<TxState>(state);
    made.block.height = reader.i32();
    made.block.hash = BlockHash(reader.uint256());
    made.block.time = reader.i64();
    made.position = reader.i32();
    made.order = reader.u64();
    made.time_received = reader.i64();
    made.time = reader.i64();
    made.replaces = read_id(reader);
    made.replaced_by = read_id(reader);
    for (std::uint64_t left = reader.compact_size(kMaxNotes); left > 0 && reader.ok(); --left) {
        std::string key = read_text(reader);
        made.notes[std::move(key)] = read_text(reader);
    }
    for (std::uint64_t count = version == kWithoutLeft ? 0 : reader.compact_size(kMaxLeft); count > 0 && reader.ok(); --count) {
        BlockPlace place;
        place.height = reader.i32();
        place.hash = BlockHash(reader.uint256());
        place.time = reader.i64();
        made.left.push_back(place);
    }
    const ByteSpan bytes = reader.bytes(reader.remaining());
    if (!reader.ok()) return std::nullopt;
    auto tx = TransactionHolder::parse(to_bytes(bytes));
    if (!tx) return std::nullopt;
    made.tx = std::move(*tx);
    return made;
}

}  // namespace cairn::light
