#include "net/wire/codec.hpp"

#include <algorithm>
#include <unordered_map>

namespace cairn::net {
namespace {

// --- shared parts

std::vector<Uint256> read_hashes(Reader& in, std::uint64_t limit) {
    std::vector<Uint256> hashes;
    const std::uint64_t count = in.compact_size(limit);
    if (count > in.remaining() / Uint256::kSize) {
        in.fail(DecodeError::truncated);
        return hashes;
    }
    hashes.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) hashes.push_back(in.uint256());
    return hashes;
}

void write_hashes(Writer& out, const std::vector<Uint256>& hashes) {
    out.compact_size(hashes.size());
    for (const auto& hash : hashes) out.uint256(hash);
}

Endpoint read_v1_endpoint(Reader& in) {
    Endpoint endpoint;
    const ByteSpan bytes = in.bytes(16);
    if (bytes.size() == 16) endpoint.address = NetAddress::ipv6(bytes);
    endpoint.port = in.u16_be();
    return endpoint;
}

void write_v1_endpoint(Writer& out, const Endpoint& endpoint) {
    out.bytes(endpoint.address.v1_bytes());
    out.u16_be(endpoint.port);
}

// --- reading, one overload a message

void read(Reader& in, VersionMessage& m) {
    m.version = in.i32();
    m.services = in.u64();
    m.time = in.i64();
    m.their_services = in.u64();
    m.their_address = read_v1_endpoint(in);
    m.nonce = 1;
    if (in.remaining() == 0) return;
    in.bytes(26);
    m.nonce = in.u64();
    if (in.remaining() == 0) return;
    m.user_agent = as_text(in.var_bytes(limits::kMaxUserAgent));
    if (in.remaining() == 0) return;
    m.start_height = in.i32();
    if (in.remaining() == 0) return;
    m.relay = in.u8() != 0;
}

template <class Tag>
void read(Reader&, EmptyMessage<Tag>&) {}

void read(Reader& in, PingMessage& m) {
    if (in.remaining() > 0) m.nonce = in.u64();
}

void read(Reader& in, PongMessage& m) {
    if (in.remaining() >= 8) m.nonce = in.u64();
}

void read(Reader& in, AddrMessage& m) {
    m.count = in.compact_size();
    const std::size_t fits = std::min<std::size_t>(m.count, in.remaining() / 30);
    if (fits < m.count) return in.fail(DecodeError::truncated);
    if (m.count > limits::kMaxAddresses) return;
    for (std::size_t i = 0; i < fits; ++i) {
        PeerAddress entry;
        entry.time = in.u32();
        entry.services = in.u64();
        entry.endpoint = read_v1_endpoint(in);
        if (entry.endpoint.address.network() != NetworkId::none) m.addresses.push_back(entry);
    }
}

void read(Reader& in, AddrV2Message& m) {
    m.count = in.compact_size();
    if (m.count > in.remaining() / 9) return in.fail(DecodeError::truncated);
    if (m.count > limits::kMaxAddresses) return;
    for (std::size_t i = 0; i < m.count && in.ok(); ++i) {
        PeerAddress entry;
        entry.time = in.u32();
        entry.services = in.compact_size(~std::uint64_t{0});
        const auto network = static_cast<NetworkId>(in.u8());
        const ByteSpan bytes = in.var_bytes(limits::kMaxAddrV2Bytes);
        entry.endpoint.port = in.u16_be();
        if (!in.ok()) return;
        if (const auto address = NetAddress::from_bip155(network, bytes)) {
            entry.endpoint.address = *address;
            m.addresses.push_back(entry);
        } else if (NetAddress::bip155_size(network) != 0 && NetAddress::bip155_size(network) != bytes.size()) {
            in.fail(DecodeError::bad_value);  // a known network with an impossible length
        }
    }
}

template <class Tag>
void read(Reader& in, InventoryMessage<Tag>& m) {
    const std::uint64_t count = in.compact_size();
    if (count > in.remaining() / 36) return in.fail(DecodeError::truncated);
    m.items.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        InvItem item;
        item.type = in.u32();
        item.hash = in.uint256();
        m.items.push_back(item);
    }
}

template <class Tag>
void read(Reader& in, LocatorMessage<Tag>& m) {
    m.version = in.i32();
    const std::uint64_t count = in.compact_size();
    if (count > in.remaining() / 32) return in.fail(DecodeError::truncated);
    m.locator.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) m.locator.emplace_back(in.uint256());
    m.stop = BlockHash(in.uint256());
}

void read(Reader& in, HeadersMessage& m) {
    m.count = in.compact_size();
    if (!in.ok() || m.count > limits::kMaxHeaders) return;
    if (in.remaining() != m.count * (BlockHeader::kSize + 1)) {
        m.malformed = true;
        return;
    }
    m.headers.reserve(m.count);
    for (std::uint64_t i = 0; i < m.count; ++i) {
        m.headers.push_back(BlockHeader::read(in));
        if (in.u8() != 0) {
            m.malformed = true;
            m.headers.clear();
            return;
        }
    }
}

void read(Reader& in, FeeFilterMessage& m) { m.fee_rate = in.i64(); }

void read(Reader& in, SendCmpctMessage& m) {
    m.announce = in.u8();
    m.version = in.u64();
}

void read(Reader& in, CompactBlockMessage& m) {
    m.header = BlockHeader::read(in);
    m.nonce = in.u64();
    const std::uint64_t count = in.compact_size(limits::kMaxMessageBytes);
    if (count > in.remaining() / 6) return in.fail(DecodeError::truncated);
    m.short_ids.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t low = in.u32();
        m.short_ids.push_back(low | std::uint64_t{in.u16()} << 32);
    }
    m.prefilled_raw = to_bytes(in.bytes(in.remaining()));
}

void read(Reader& in, GetBlockTxnMessage& m) {
    m.block = BlockHash(in.uint256());
    const std::uint64_t count = in.compact_size(limits::kMaxMessageBytes);
    if (count > in.remaining()) return in.fail(DecodeError::truncated);
    std::uint64_t next = 0;
    m.indexes.reserve(count);
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        next += in.compact_size(0xffff);
        if (next > 0xffff) return in.fail(DecodeError::bad_value);
        m.indexes.push_back(static_cast<std::uint32_t>(next++));
    }
}

void read(Reader& in, BlockTxnMessage& m) {
    m.block = BlockHash(in.uint256());
    m.transactions_raw = to_bytes(in.bytes(in.remaining()));
}

template <class Tag>
void read(Reader& in, FilterRangeMessage<Tag>& m) {
    m.filter_type = in.u8();
    m.start_height = in.u32();
    m.stop = BlockHash(in.uint256());
}

void read(Reader& in, CFilterMessage& m) {
    m.filter_type = in.u8();
    m.block = BlockHash(in.uint256());
    m.filter = to_bytes(in.var_bytes(limits::kMaxMessageBytes));
}

void read(Reader& in, CFHeadersMessage& m) {
    m.filter_type = in.u8();
    m.stop = BlockHash(in.uint256());
    m.previous_header = in.uint256();
    m.filter_hashes = read_hashes(in, limits::kMaxFilterHeaders);
}

void read(Reader& in, GetCFCheckptMessage& m) {
    m.filter_type = in.u8();
    m.stop = BlockHash(in.uint256());
}

void read(Reader& in, CFCheckptMessage& m) {
    m.filter_type = in.u8();
    m.stop = BlockHash(in.uint256());
    m.headers = read_hashes(in, limits::kMaxMessageBytes / Uint256::kSize);
}

void read(Reader& in, FilterLoadMessage& m) {
    m.filter = to_bytes(in.var_bytes(limits::kMaxMessageBytes));
    m.hash_functions = in.u32();
    m.tweak = in.u32();
    m.flags = in.u8();
}

void read(Reader& in, FilterAddMessage& m) { m.element = to_bytes(in.var_bytes(limits::kMaxMessageBytes)); }

void read(Reader& in, MerkleBlockMessage& m) {
    m.header = BlockHeader::read(in);
    m.transactions = in.u32();
    m.hashes = read_hashes(in, limits::kMaxMessageBytes / Uint256::kSize);
    m.flags = to_bytes(in.var_bytes(limits::kMaxMessageBytes));
}

void read(Reader& in, SendTxRcnclMessage& m) {
    m.version = in.u32();
    m.salt = in.u64();
}

/// What is wrong with it is for the handshake to say: it ends the connection, other than an unreadable message.
void read(Reader& in, FeatureMessage& m) {
    Reader inner(in.bytes(in.remaining()));
    m.id = as_text(inner.var_bytes(limits::kMaxFeatureIdBytes));
    m.data = to_bytes(inner.var_bytes(limits::kMaxFeatureDataBytes));
    inner.expect_end();
    if (inner.ok() && m.id.size() >= limits::kMinFeatureIdBytes) return;
    m = {};
    m.malformed = true;
}

// --- writing

void write(Writer& out, const VersionMessage& m) {
    out.i32(m.version);
    out.u64(m.services);
    out.i64(m.time);
    out.u64(m.their_services);
    write_v1_endpoint(out, m.their_address);
    out.u64(m.services);
    write_v1_endpoint(out, Endpoint{});
    out.u64(m.nonce);
    out.var_bytes(as_bytes(m.user_agent));
    out.i32(m.start_height);
    out.u8(m.relay ? 1 : 0);
}

template <class Tag>
void write(Writer&, const EmptyMessage<Tag>&) {}

void write(Writer& out, const PingMessage& m) {
    if (m.nonce) out.u64(*m.nonce);
}
void write(Writer& out, const PongMessage& m) {
    if (m.nonce) out.u64(*m.nonce);
}

void write(Writer& out, const AddrMessage& m) {
    out.compact_size(m.addresses.size());
    for (const auto& entry : m.addresses) {
        out.u32(entry.time);
        out.u64(entry.services);
        write_v1_endpoint(out, entry.endpoint);
    }
}

void write(Writer& out, const AddrV2Message& m) {
    out.compact_size(m.addresses.size());
    for (const auto& entry : m.addresses) {
        out.u32(entry.time);
        out.compact_size(entry.services);
        out.u8(static_cast<std::uint8_t>(entry.endpoint.address.network()));
        out.var_bytes(entry.endpoint.address.bytes());
        out.u16_be(entry.endpoint.port);
    }
}

template <class Tag>
void write(Writer& out, const InventoryMessage<Tag>& m) {
    out.compact_size(m.items.size());
    for (const auto& item : m.items) {
        out.u32(item.type);
        out.uint256(item.hash);
    }
}

template <class Tag>
void write(Writer& out, const LocatorMessage<Tag>& m) {
    out.i32(m.version);
    out.compact_size(m.locator.size());
    for (const auto& hash : m.locator) out.uint256(hash);
    out.uint256(m.stop);
}

void write(Writer& out, const HeadersMessage& m) {
    out.compact_size(m.headers.size());
    for (const auto& header : m.headers) {
        header.write(out);
        out.u8(0);
    }
}

void write(Writer& out, const FeeFilterMessage& m) { out.i64(m.fee_rate); }
void write(Writer& out, const SendCmpctMessage& m) {
    out.u8(m.announce);
    out.u64(m.version);
}

void write(Writer& out, const CompactBlockMessage& m) {
    if (m.encoded) return out.bytes(*m.encoded);
    m.header.write(out);
    out.u64(m.nonce);
    out.compact_size(m.short_ids.size());
    for (const std::uint64_t id : m.short_ids) {
        out.u32(static_cast<std::uint32_t>(id));
        out.u16(static_cast<std::uint16_t>(id >> 32));
    }
    out.bytes(m.prefilled_raw);
}

void write(Writer& out, const GetBlockTxnMessage& m) {
    out.uint256(m.block);
    out.compact_size(m.indexes.size());
    std::uint32_t next = 0;
    for (const std::uint32_t index : m.indexes) {
        out.compact_size(index - next);
        next = index + 1;
    }
}

void write(Writer& out, const BlockTxnMessage& m) {
    out.uint256(m.block);
    out.bytes(m.transactions_raw);
}

template <class Tag>
void write(Writer& out, const FilterRangeMessage<Tag>& m) {
    out.u8(m.filter_type);
    out.u32(m.start_height);
    out.uint256(m.stop);
}

void write(Writer& out, const CFilterMessage& m) {
    out.u8(m.filter_type);
    out.uint256(m.block);
    out.var_bytes(m.filter);
}

void write(Writer& out, const CFHeadersMessage& m) {
    out.u8(m.filter_type);
    out.uint256(m.stop);
    out.uint256(m.previous_header);
    write_hashes(out, m.filter_hashes);
}

void write(Writer& out, const GetCFCheckptMessage& m) {
    out.u8(m.filter_type);
    out.uint256(m.stop);
}

void write(Writer& out, const CFCheckptMessage& m) {
    out.u8(m.filter_type);
    out.uint256(m.stop);
    write_hashes(out, m.headers);
}

void write(Writer& out, const FilterLoadMessage& m) {
    out.var_bytes(m.filter);
    out.u32(m.hash_functions);
    out.u32(m.tweak);
    out.u8(m.flags);
}

void write(Writer& out, const FilterAddMessage& m) { out.var_bytes(m.element); }

void write(Writer& out, const MerkleBlockMessage& m) {
    m.header.write(out);
    out.u32(m.transactions);
    write_hashes(out, m.hashes);
    out.var_bytes(m.flags);
}

void write(Writer& out, const SendTxRcnclMessage& m) {
    out.u32(m.version);
    out.u64(m.salt);
}

void write(Writer& out, const FeatureMessage& m) {
    out.var_bytes(as_bytes(m.id));
    out.var_bytes(m.data);
}

void write(Writer&, const UnknownMessage&) {}

// --- the table of commands

using Decoder = Result<Message, MessageError> (*)(Bytes&&);

MessageError explain(DecodeError code) {
    return {code, code == DecodeError::truncated ? std::string("end of data") : std::string(to_string(code))};
}

/// BIP155 names the one limit that tests and people look for in the log.
std::string explain_addrv2(ByteSpan payload) {
    Reader in(payload);
    const std::uint64_t count = in.compact_size();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        in.u32();
        in.compact_size(~std::uint64_t{0});
        in.u8();
        const std::uint64_t length = in.compact_size();
        if (in.ok() && length > limits::kMaxAddrV2Bytes)
            return "Address too long: " + std::to_string(length) + " > " + std::to_string(limits::kMaxAddrV2Bytes);
        in.bytes(length);
        in.u16_be();
    }
    return {};
}

template <class M>
Result<Message, MessageError> decode_one(Bytes&& payload) {
    if constexpr (std::is_same_v<M, BlockMessage> || std::is_same_v<M, TxMessage>) {
        return Message(M{std::move(payload)});
    } else {
        Reader in(payload);
        M message;
        read(in, message);
        if (!in.ok()) {
            MessageError error = explain(in.error());
            if constexpr (std::is_same_v<M, AddrV2Message>) {
                if (std::string text = explain_addrv2(payload); !text.empty()) error.text = std::move(text);
            }
            return fail(std::move(error));
        }
        return Message(std::move(message));
    }
}

template <std::size_t... I>
std::unordered_map<std::string_view, Decoder> make_table(std::index_sequence<I...>) {
    return {{std::variant_alternative_t<I + 1, Message>::kCommand, &decode_one<std::variant_alternative_t<I + 1, Message>>}...};
}

const std::unordered_map<std::string_view, Decoder>& table() {
    static const auto commands = make_table(std::make_index_sequence<std::variant_size_v<Message> - 1>());
    return commands;
}

}  // namespace

std::string_view command_of(const Message& message) {
    return std::visit(
        [](const auto& m) -> std::string_view {
            if constexpr (std::is_same_v<std::decay_t<decltype(m)>, UnknownMessage>)
                return m.command;
            else
                return m.kCommand;
        },
        message);
}

std::string_view accounting_name(std::string_view command) {
    const auto found = table().find(command);
    return found == table().end() ? std::string_view("*other*") : found->first;
}

Result<Message, MessageError> decode_message(std::string_view command, Bytes payload) {
    const auto found = table().find(command);
    if (found == table().end()) return Message(UnknownMessage{std::string(command), payload.size()});
    return found->second(std::move(payload));
}

Bytes encode_message(Message message) {
    if (auto* block = std::get_if<BlockMessage>(&message)) return std::move(block->raw);
    if (auto* tx = std::get_if<TxMessage>(&message)) return std::move(tx->raw);
    Bytes payload;
    Writer out(payload);
    std::visit(
        [&out](const auto& m) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(m)>, BlockMessage> && !std::is_same_v<std::decay_t<decltype(m)>, TxMessage>)
                write(out, m);
        },
        message);
    return payload;
}

}  // namespace cairn::net
