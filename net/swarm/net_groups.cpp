#include "net/swarm/net_groups.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "consensus/crypto/hash.hpp"

namespace cairn::net {
namespace {

// ------------------------------------------------------------------------------------ the map: a trie as a program
//
// The map is a string of bits, the lowest of each byte first, that holds instructions: return a system, branch by the next
// bit of the address, match some bits of it or give up, set what giving up returns. Numbers come in classes: for class k there
// are k ones, a zero (but not for the last class), and then as many bits as the class has.

constexpr std::uint32_t kBadNumber = 0xffffffff;
constexpr std::size_t kAddressBits = 128;

enum class Instruction : std::uint32_t { give = 0, jump = 1, match = 2, set_default = 3 };

/// A cursor over the bits of a map.
class Program {
public:
    explicit Program(ByteSpan bytes) : bytes_(bytes) {}

    std::size_t position = 0;
    std::size_t size() const { return bytes_.size() * 8; }
    std::size_t left() const { return size() - position; }
    bool next() {
        const bool bit = bytes_[position / 8] >> (position % 8) & 1;
        ++position;
        return bit;
    }

    /// A number of classes with `first` … `last` bits, in steps of one, from `minimum` up; kBadNumber at the end of the map.
    std::uint32_t number(std::uint32_t minimum, int first, int last) {
        std::uint32_t value = minimum;
        for (int bits = first; bits <= last; ++bits) {
            if (bits != last) {
                if (left() == 0) return kBadNumber;
                if (next()) {
                    value += std::uint32_t{1} << bits;
                    continue;
                }
            }
            if (left() < static_cast<std::size_t>(bits)) return kBadNumber;
            std::uint32_t offset = 0;
            for (int i = 0; i < bits; ++i) offset = offset << 1 | std::uint32_t{next()};
            return value + offset;
        }
        return kBadNumber;
    }
    /// 0 → give, 10 → jump, 110 → match, 111 → set_default. nullopt at the end of the map.
    std::optional<Instruction> instruction() {
        for (std::uint32_t ones = 0; ones < 3; ++ones) {
            if (left() == 0) return std::nullopt;
            if (!next()) return static_cast<Instruction>(ones);
        }
        return Instruction::set_default;
    }
    std::uint32_t system() { return number(1, 15, 24); }
    std::uint32_t pattern() { return number(2, 1, 8); }
    std::uint32_t distance() { return number(17, 5, 30); }

private:
    ByteSpan bytes_;
};

int pattern_length(std::uint32_t pattern) { return 31 - std::countl_zero(pattern); }

bool address_bit(ByteSpan address, std::size_t at) { return address[at / 8] >> (7 - at % 8) & 1; }

/// The system of a 16-byte address; 0 when the map says nothing or is broken.
std::uint32_t look_up(ByteSpan map, ByteSpan address) {
    Program program(map);
    std::size_t at = 0;
    std::uint32_t otherwise = 0;
    while (program.left() > 0) {
        const auto instruction = program.instruction();
        if (!instruction) return 0;
        switch (*instruction) {
            case Instruction::give: {
                const std::uint32_t system = program.system();
                return system == kBadNumber ? 0 : system;
            }
            case Instruction::jump: {
                const std::uint32_t distance = program.distance();
                if (distance == kBadNumber || at == kAddressBits || distance >= program.left()) return 0;
                if (address_bit(address, at++)) program.position += distance;
                break;
            }
            case Instruction::match: {
                const std::uint32_t pattern = program.pattern();
                if (pattern == kBadNumber) return 0;
                const int length = pattern_length(pattern);
                if (kAddressBits - at < static_cast<std::size_t>(length)) return 0;
                for (int bit = length - 1; bit >= 0; --bit)
                    if (address_bit(address, at++) != ((pattern >> bit & 1) != 0)) return otherwise;
                break;
            }
            case Instruction::set_default:
                otherwise = program.system();
                if (otherwise == kBadNumber) return 0;
                break;
        }
    }
    return 0;
}

/// A map is sound when every path through it ends with a system within 128 bits of an address, jumps never cross, nothing is
/// left over, and no instruction is of no effect.
bool sound(ByteSpan map) {
    Program program(map);
    struct Jump {
        std::size_t to;
        std::size_t bits_left;
    };
    std::vector<Jump> jumps;
    std::size_t bits = kAddressBits;
    auto last = Instruction::jump;
    bool short_match = false;
    while (program.left() > 0) {
        if (!jumps.empty() && program.position >= jumps.back().to) return false;  // into the middle of an instruction
        const auto instruction = program.instruction();
        if (!instruction) return false;
        switch (*instruction) {
            case Instruction::give: {
                if (last == Instruction::set_default || program.system() == kBadNumber) return false;
                if (jumps.empty()) {
                    // The end: fewer than eight bits of padding, all zero.
                    if (program.left() > 7) return false;
                    while (program.left() > 0)
                        if (program.next()) return false;
                    return true;
                }
                if (program.position != jumps.back().to) return false;  // code that nothing reaches
                bits = jumps.back().bits_left;
                jumps.pop_back();
                last = Instruction::jump;
                continue;
            }
            case Instruction::jump: {
                const std::uint32_t distance = program.distance();
                if (distance == kBadNumber || distance > program.left() || bits == 0) return false;
                --bits;
                const std::size_t to = program.position + distance;
                if (!jumps.empty() && to >= jumps.back().to) return false;
                jumps.push_back({to, bits});
                break;
            }
            case Instruction::match: {
                const std::uint32_t pattern = program.pattern();
                if (pattern == kBadNumber) return false;
                const auto length = static_cast<std::size_t>(pattern_length(pattern));
                if (last != Instruction::match) short_match = false;
                if (length < 8 && short_match) return false;  // two that should be one
                short_match = length < 8;
                if (bits < length) return false;
                bits -= length;
                break;
            }
            case Instruction::set_default:
                if (last == Instruction::set_default || program.system() == kBadNumber) return false;
                break;
        }
        last = *instruction;
    }
    return false;
}

// ------------------------------------------------------------------------------------ addresses

bool starts_with(ByteSpan bytes, std::initializer_list<std::uint8_t> prefix) {
    return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

/// The IPv4 address that stands in an address: its own, or the one that IPv6 is carried over (RFC 3964, 4380, 6052, 6145).
std::optional<std::array<std::uint8_t, 4>> linked_ipv4(const NetAddress& address) {
    const ByteSpan bytes = address.bytes();
    std::array<std::uint8_t, 4> found{};
    if (address.network() == NetworkId::ipv4) {
        std::copy_n(bytes.begin(), 4, found.begin());
    } else if (address.network() != NetworkId::ipv6) {
        return std::nullopt;
    } else if (starts_with(bytes, {0x20, 0x02})) {
        std::copy_n(bytes.begin() + 2, 4, found.begin());
    } else if (starts_with(bytes, {0x20, 0x01, 0, 0})) {
        for (std::size_t i = 0; i < 4; ++i) found[i] = static_cast<std::uint8_t>(~bytes[12 + i]);
    } else if (starts_with(bytes, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}) || starts_with(bytes, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0})) {
        std::copy_n(bytes.begin() + 12, 4, found.begin());
    } else {
        return std::nullopt;
    }
    return found;
}

/// Bitcoin Core's numbers for the kinds of network, which its hashes contain.
enum Class : std::uint8_t { kUnroutable = 0, kIpv4 = 1, kIpv6 = 2, kOnion = 3, kI2p = 4, kCjdns = 5 };

Class class_of(const NetAddress& address) {
    if (!address.is_routable()) return kUnroutable;
    switch (address.network()) {
        case NetworkId::ipv4: return kIpv4;
        case NetworkId::ipv6: return linked_ipv4(address) ? kIpv4 : kIpv6;
        case NetworkId::onion: return kOnion;
        case NetworkId::i2p: return kI2p;
        case NetworkId::cjdns: return kCjdns;
        case NetworkId::none: break;
    }
    return kUnroutable;
}

}  // namespace

std::string_view network_class(const NetAddress& address) {
    switch (class_of(address)) {
        case kIpv4: return "ipv4";
        case kIpv6: return "ipv6";
        case kOnion: return "onion";
        case kI2p: return "i2p";
        case kCjdns: return "cjdns";
        case kUnroutable: break;
    }
    return "not_publicly_routable";
}

Result<NetGroups, std::string> NetGroups::from_asmap(Bytes asmap) {
    if (!sound(asmap)) return fail(std::string("Sanity check of asmap file failed"));
    NetGroups groups;
    groups.version_ = hash256(asmap);
    groups.asmap_ = std::move(asmap);
    return groups;
}

std::uint32_t NetGroups::autonomous_system(const NetAddress& address) const {
    const Class kind = class_of(address);
    if (asmap_.empty() || (kind != kIpv4 && kind != kIpv6)) return 0;
    std::array<std::uint8_t, 16> bytes{};
    if (const auto ipv4 = linked_ipv4(address)) {
        bytes[10] = bytes[11] = 0xff;
        std::copy(ipv4->begin(), ipv4->end(), bytes.begin() + 12);
    } else {
        std::copy_n(address.bytes().begin(), 16, bytes.begin());
    }
    return look_up(asmap_, bytes);
}

Bytes NetGroups::group(const NetAddress& address) const {
    if (const std::uint32_t system = autonomous_system(address); system != 0)
        return {kIpv6, static_cast<std::uint8_t>(system), static_cast<std::uint8_t>(system >> 8), static_cast<std::uint8_t>(system >> 16),
                static_cast<std::uint8_t>(system >> 24)};
    const Class kind = class_of(address);
    Bytes group{kind};
    if (kind == kUnroutable) return group;
    if (const auto ipv4 = linked_ipv4(address)) {
        group.insert(group.end(), ipv4->begin(), ipv4->begin() + 2);
        return group;
    }
    const ByteSpan bytes = address.bytes();
    std::size_t bits = 32;
    if (kind == kOnion || kind == kI2p) bits = 4;
    else if (kind == kCjdns) bits = 12;  // its first byte is the same for all
    else if (starts_with(bytes, {0x20, 0x01, 0x04, 0x70})) bits = 36;  // one tunnel broker
    group.insert(group.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bits / 8));
    if (bits % 8 != 0) group.push_back(bytes[bits / 8] | static_cast<std::uint8_t>((1u << (8 - bits % 8)) - 1));
    return group;
}

}  // namespace cairn::net
