#include "net/discovery/dns_message.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace cairn::net::dns {
namespace {

constexpr std::uint16_t kClassIn = 1, kClassAny = 255, kTopBit = 0x8000;
constexpr std::uint16_t kResponse = 0x8000, kAuthoritative = 0x0400, kTruncated = 0x0200, kOpcodeMask = 0x7800, kRcodeMask = 0x000f;
constexpr std::uint8_t kPointer = 0xc0;
constexpr std::size_t kMaxPointerTarget = 0x3fff;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_label(const std::string& a, const std::string& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::uint32_t u32_be(Reader& reader) {
    const std::uint32_t high = reader.u16_be();
    return high << 16 | reader.u16_be();
}

/// A name at `start` of the packet. `end`: where what follows it begins. Each pointer leads further back than the one before, so the
/// walk ends; its length is bounded by the size that a name may have.
Result<Name, DecodeError> read_name(ByteSpan packet, std::size_t start, std::size_t& end) {
    Name name;
    std::size_t position = start, limit = start, size = 1;
    bool jumped = false;
    while (true) {
        if (position >= packet.size()) return fail(DecodeError::truncated);
        const std::uint8_t length = packet[position];
        if ((length & kPointer) == kPointer) {
            if (position + 1 >= packet.size()) return fail(DecodeError::truncated);
            const std::size_t target = static_cast<std::size_t>(length & 0x3f) << 8 | packet[position + 1];
            if (!jumped) end = position + 2;
            jumped = true;
            if (target >= limit) return fail(DecodeError::bad_value);
            position = limit = target;
            continue;
        }
        if ((length & kPointer) != 0) return fail(DecodeError::bad_value);
        if (length == 0) {
            if (!jumped) end = position + 1;
            return name;
        }
        size += length + 1u;
        if (size > kMaxNameBytes) return fail(DecodeError::size_too_large);
        if (position + 1 + length > packet.size()) return fail(DecodeError::truncated);
        name.labels.emplace_back(as_text(packet.subspan(position + 1, length)));
        position += 1u + length;
    }
}

Result<Name, DecodeError> read_name(Reader& reader) {
    std::size_t end = reader.position();
    auto name = read_name(reader.data(), reader.position(), end);
    if (name) reader.bytes(end - reader.position());
    return name;
}

/// The type's own data. False: the record is of no use and is left out.
Result<bool, DecodeError> read_data(ByteSpan packet, std::size_t start, std::size_t size, Record& record) {
    const ByteSpan data = packet.subspan(start, size);
    const std::size_t stop = start + size;
    std::size_t end = start;
    switch (record.type) {
        case kPtr: {
            auto name = read_name(packet.first(stop), start, end);
            if (!name) return fail(name.error());
            record.target = std::move(*name);
            return end == stop ? Result<bool, DecodeError>(true) : fail(DecodeError::trailing_bytes);
        }
        case kSrv: {
            if (size < 7) return fail(DecodeError::truncated);
            record.port = static_cast<std::uint16_t>(data[4] << 8 | data[5]);
            auto name = read_name(packet.first(stop), start + 6, end);
            if (!name) return fail(name.error());
            record.target = std::move(*name);
            return end == stop ? Result<bool, DecodeError>(true) : fail(DecodeError::trailing_bytes);
        }
        case kTxt: {
            for (std::size_t at = 0; at < size;) {
                const std::size_t length = data[at];
                if (at + 1 + length > size) return fail(DecodeError::truncated);
                if (record.texts.size() < kMaxTextEntries) record.texts.emplace_back(as_text(data.subspan(at + 1, length)));
                at += 1 + length;
            }
            return true;
        }
        case kA:
            if (size != 4) return fail(DecodeError::bad_value);
            record.address = NetAddress::ipv4(static_cast<std::uint32_t>(data[0]) << 24 | data[1] << 16 | data[2] << 8 | data[3]);
            return true;
        case kAaaa:
            if (size != 16) return fail(DecodeError::bad_value);
            record.address = NetAddress::ipv6(data);
            return true;
        default: return false;
    }
}

Result<void, DecodeError> read_records(Reader& reader, std::size_t count, std::vector<Record>& out) {
    for (std::size_t i = 0; i < count; ++i) {
        auto name = read_name(reader);
        if (!name) return fail(name.error());
        Record record;
        record.name = std::move(*name);
        record.type = reader.u16_be();
        const std::uint16_t cls = reader.u16_be();
        record.flush = (cls & kTopBit) != 0;
        record.ttl_s = u32_be(reader);
        const std::size_t size = reader.u16_be();
        const std::size_t start = reader.position();
        reader.bytes(size);
        if (!reader.ok()) return fail(reader.error());
        if ((cls & ~kTopBit) != kClassIn) continue;
        const auto useful = read_data(reader.data(), start, size, record);
        if (!useful) return fail(useful.error());
        if (*useful) out.push_back(std::move(record));
    }
    return {};
}

/// Writes one message, remembering where names stand.
class PacketWriter {
public:
    explicit PacketWriter(Bytes& out) : out_(out), writer_(out) {}

    void name(const Name& name) {
        Name rest = name;
        while (!rest.labels.empty()) {
            std::string key;
            for (const std::string& label : rest.labels) {
                key.push_back(static_cast<char>(label.size()));
                std::transform(label.begin(), label.end(), std::back_inserter(key), lower);
            }
            const auto [place, fresh] = places_.try_emplace(std::move(key), out_.size());
            if (!fresh && place->second <= kMaxPointerTarget) {
                writer_.u16_be(static_cast<std::uint16_t>(kPointer << 8 | place->second));
                return;
            }
            const std::string& label = rest.labels.front();
            writer_.u8(static_cast<std::uint8_t>(label.size()));
            writer_.bytes(as_bytes(label));
            rest = rest.parent();
        }
        writer_.u8(0);
    }

    void question(const Question& question) {
        name(question.name);
        writer_.u16_be(question.type);
        writer_.u16_be(static_cast<std::uint16_t>(kClassIn | (question.unicast_wanted ? kTopBit : 0)));
    }

    void record(const Record& record) {
        name(record.name);
        writer_.u16_be(record.type);
        writer_.u16_be(static_cast<std::uint16_t>(kClassIn | (record.flush ? kTopBit : 0)));
        writer_.u16_be(static_cast<std::uint16_t>(record.ttl_s >> 16));
        writer_.u16_be(static_cast<std::uint16_t>(record.ttl_s));
        const std::size_t size_at = out_.size();
        writer_.u16_be(0);
        data(record);
        const std::size_t size = out_.size() - size_at - 2;
        out_[size_at] = static_cast<std::uint8_t>(size >> 8);
        out_[size_at + 1] = static_cast<std::uint8_t>(size);
    }

private:
    void data(const Record& record) {
        switch (record.type) {
            case kPtr: name(record.target); break;
            case kSrv:
                writer_.u16_be(0);  // priority
                writer_.u16_be(0);  // weight
                writer_.u16_be(record.port);
                name(record.target);
                break;
            case kTxt:
                for (const std::string& text : record.texts) {
                    const std::size_t size = std::min<std::size_t>(text.size(), 255);
                    writer_.u8(static_cast<std::uint8_t>(size));
                    writer_.bytes(as_bytes(std::string_view(text).substr(0, size)));
                }
                if (record.texts.empty()) writer_.u8(0);
                break;
            default: writer_.bytes(record.address.bytes()); break;
        }
    }

    Bytes& out_;
    Writer writer_;
    std::map<std::string, std::size_t> places_;
};

}  // namespace

bool Name::operator==(const Name& other) const {
    return labels.size() == other.labels.size() && std::equal(labels.begin(), labels.end(), other.labels.begin(), same_label);
}

Name Name::child(const std::string& label) const {
    Name name{{label}};
    name.labels.insert(name.labels.end(), labels.begin(), labels.end());
    return name;
}

std::string Name::to_string() const {
    std::string text;
    for (const std::string& label : labels) {
        if (!text.empty()) text += '.';
        for (const char c : label) {
            if (c > ' ' && c < 0x7f && c != '.' && c != '\\') text += c;
            else text += fmt::format("\\{:03}", static_cast<unsigned char>(c));
        }
    }
    return text;
}

bool Record::same_data(const Record& other) const {
    return name == other.name && type == other.type && target == other.target && port == other.port && texts == other.texts && address == other.address;
}

Result<Message, DecodeError> parse(ByteSpan packet) {
    if (packet.size() > kMaxPacketBytes) return fail(DecodeError::size_too_large);
    Reader reader(packet);
    Message message;
    message.id = reader.u16_be();
    const std::uint16_t flags = reader.u16_be();
    const std::size_t questions = reader.u16_be(), answers = reader.u16_be(), authorities = reader.u16_be(), additional = reader.u16_be();
    if (!reader.ok()) return fail(reader.error());
    // RFC 6762, sections 18.3 and 18.11: what has another opcode or an error code is not for us.
    if ((flags & (kOpcodeMask | kRcodeMask)) != 0) return fail(DecodeError::unknown_flags);
    if (questions + answers + authorities + additional > kMaxEntries) return fail(DecodeError::size_too_large);
    message.response = (flags & kResponse) != 0;
    message.truncated = (flags & kTruncated) != 0;
    for (std::size_t i = 0; i < questions; ++i) {
        auto name = read_name(reader);
        if (!name) return fail(name.error());
        Question question;
        question.name = std::move(*name);
        question.type = reader.u16_be();
        const std::uint16_t cls = reader.u16_be();
        if (!reader.ok()) return fail(reader.error());
        question.unicast_wanted = (cls & kTopBit) != 0;
        const std::uint16_t plain = cls & static_cast<std::uint16_t>(~kTopBit);
        if (plain == kClassIn || plain == kClassAny) message.questions.push_back(std::move(question));
    }
    const std::pair<std::size_t, std::vector<Record>*> sections[] = {
        {answers, &message.answers}, {authorities, &message.authorities}, {additional, &message.additional}};
    for (const auto& [count, records] : sections)
        if (auto read = read_records(reader, count, *records); !read) return fail(read.error());
    return message;
}

Bytes write(const Message& message) {
    Bytes out;
    Writer writer(out);
    writer.u16_be(message.id);
    writer.u16_be(static_cast<std::uint16_t>((message.response ? kResponse | kAuthoritative : 0) | (message.truncated ? kTruncated : 0)));
    writer.u16_be(static_cast<std::uint16_t>(message.questions.size()));
    for (const auto* records : {&message.answers, &message.authorities, &message.additional})
        writer.u16_be(static_cast<std::uint16_t>(records->size()));
    PacketWriter packet(out);
    for (const Question& question : message.questions) packet.question(question);
    for (const auto* records : {&message.answers, &message.authorities, &message.additional})
        for (const Record& record : *records) packet.record(record);
    return out;
}

}  // namespace cairn::net::dns
