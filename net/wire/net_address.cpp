#include "net/wire/net_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "net/wire/cjdns.hpp"
#include "net/wire/detail/sha3.hpp"

namespace cairn::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<std::uint8_t, 6> kOnionCatPrefix{0xfd, 0x87, 0xd8, 0x7e, 0xeb, 0x43};
constexpr std::array<std::uint8_t, 6> kInternalPrefix{0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24};
constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";

template <std::size_t N>
bool starts_with(ByteSpan bytes, const std::array<std::uint8_t, N>& prefix) {
    return bytes.size() >= N && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

std::string base32(ByteSpan bytes) {
    std::string text;
    std::uint32_t bits = 0;
    int count = 0;
    for (const std::uint8_t byte : bytes) {
        bits = bits << 8 | byte;
        for (count += 8; count >= 5; count -= 5) text += kBase32[bits >> (count - 5) & 31];
    }
    if (count > 0) text += kBase32[bits << (5 - count) & 31];
    return text;
}

std::optional<Bytes> parse_base32(std::string_view text) {
    Bytes bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        const auto digit = kBase32.find(lower);
        if (digit == std::string_view::npos) return std::nullopt;
        bits = bits << 5 | static_cast<std::uint32_t>(digit);
        if (count += 5; count >= 8) {
            count -= 8;
            bytes.push_back(static_cast<std::uint8_t>(bits >> count));
        }
    }
    if ((bits & ((1u << count) - 1)) != 0) return std::nullopt;
    return bytes;
}

/// Tor's address specification, section 6: the first two bytes of SHA3-256(".onion checksum" | key | version).
std::array<std::uint8_t, 2> onion_checksum(ByteSpan key) {
    Bytes text = to_bytes(as_bytes(".onion checksum"));
    text.insert(text.end(), key.begin(), key.end());
    text.push_back(3);
    const auto digest = detail::sha3_256_short(text);
    return {digest[0], digest[1]};
}

std::optional<NetAddress> parse_onion(std::string_view name) {
    const auto bytes = parse_base32(name);
    if (!bytes || bytes->size() != 35 || bytes->back() != 3) return std::nullopt;
    const ByteSpan key = ByteSpan(*bytes).first(32);
    const auto sum = onion_checksum(key);
    if (sum[0] != (*bytes)[32] || sum[1] != (*bytes)[33]) return std::nullopt;
    return NetAddress::from_bip155(NetworkId::onion, key);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

bool in_v4(std::uint32_t address, std::uint32_t base, int bits) { return (address ^ base) >> (32 - bits) == 0; }

bool routable_v4(std::uint32_t a) {
    struct Range { std::uint32_t base; int bits; };
    static constexpr Range kPrivate[] = {
        {0x00000000, 8}, {0x0a000000, 8}, {0x64400000, 10}, {0x7f000000, 8}, {0xa9fe0000, 16}, {0xac100000, 12},
        {0xc0000200, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}};
    return a != 0xffffffff && std::none_of(std::begin(kPrivate), std::end(kPrivate),
                                           [a](const Range& range) { return in_v4(a, range.base, range.bits); });
}

bool routable_v6(ByteSpan b) {
    if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return false;                           // link-local, RFC 4862
    if ((b[0] & 0xfe) == 0xfc) return false;                                           // unique local, RFC 4193
    if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8) return false;    // documentation, RFC 3849
    if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x00 && (b[3] & 0xf0) == 0x10) return false;  // ORCHID, RFC 4843
    if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x00 && (b[3] & 0xf0) == 0x20) return false;  // ORCHIDv2, RFC 7343
    return true;
}

}  // namespace

std::string_view to_string(NetworkId network) {
    switch (network) {
        case NetworkId::ipv4: return "ipv4";
        case NetworkId::ipv6: return "ipv6";
        case NetworkId::onion: return "onion";
        case NetworkId::i2p: return "i2p";
        case NetworkId::cjdns: return "cjdns";
        case NetworkId::none: break;
    }
    return "not_publicly_routable";
}

std::optional<NetworkId> parse_network(std::string_view name) {
    for (const auto network : {NetworkId::ipv4, NetworkId::ipv6, NetworkId::onion, NetworkId::i2p, NetworkId::cjdns})
        if (name == to_string(network)) return network;
    if (name == "tor") return NetworkId::onion;
    return std::nullopt;
}

NetAddress NetAddress::ipv4(std::uint32_t host_order) {
    NetAddress address;
    address.network_ = NetworkId::ipv4;
    address.size_ = 4;
    for (int i = 0; i < 4; ++i) address.bytes_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    return address;
}

NetAddress NetAddress::ipv6(ByteSpan bytes) {
    NetAddress address;
    if (bytes.size() != 16) return address;
    if (starts_with(bytes, kMappedPrefix))
        return ipv4(std::uint32_t{bytes[12]} << 24 | std::uint32_t{bytes[13]} << 16 | std::uint32_t{bytes[14]} << 8 | bytes[15]);
    if (starts_with(bytes, kOnionCatPrefix) || starts_with(bytes, kInternalPrefix)) return address;
    address.network_ = NetworkId::ipv6;
    address.size_ = 16;
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
    return address;
}

std::size_t NetAddress::bip155_size(NetworkId network) {
    switch (network) {
        case NetworkId::ipv4: return 4;
        case NetworkId::ipv6:
        case NetworkId::cjdns: return 16;
        case NetworkId::onion:
        case NetworkId::i2p: return 32;
        case NetworkId::none: break;
    }
    return 0;
}

std::optional<NetAddress> NetAddress::from_bip155(NetworkId network, ByteSpan bytes) {
    const std::size_t size = bip155_size(network);
    if (size == 0 || bytes.size() != size) return std::nullopt;
    if (network == NetworkId::ipv6 && (starts_with(bytes, kMappedPrefix) || starts_with(bytes, kOnionCatPrefix))) return std::nullopt;
    if (network == NetworkId::cjdns && bytes[0] != 0xfc) return std::nullopt;
    NetAddress address;
    address.network_ = network;
    address.size_ = static_cast<std::uint8_t>(size);
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
    return address;
}

std::optional<NetAddress> NetAddress::parse(std::string_view text) {
    if (text.size() > 80 || text.find('\0') != std::string_view::npos) return std::nullopt;
    if (text.ends_with(".onion")) return parse_onion(text.substr(0, text.size() - 6));
    if (text.ends_with(".b32.i2p")) {
        const auto bytes = parse_base32(text.substr(0, text.size() - 8));
        return bytes ? from_bip155(NetworkId::i2p, *bytes) : std::nullopt;
    }
    const std::string copy(text);
    std::array<std::uint8_t, 16> raw{};
    if (inet_pton(AF_INET, copy.c_str(), raw.data()) == 1)
        return ipv4(std::uint32_t{raw[0]} << 24 | std::uint32_t{raw[1]} << 16 | std::uint32_t{raw[2]} << 8 | raw[3]);
    if (inet_pton(AF_INET6, copy.c_str(), raw.data()) == 1) {
        const NetAddress address = ipv6(raw);
        if (address.network() == NetworkId::none) return std::nullopt;
        return address;
    }
    // The short forms of the C library, such as 127.1 and 0x7f000001. It overlooks what follows a blank, so there must be none.
    in_addr short_form{};
    if (text.find_first_not_of("0123456789abcdefABCDEFxX.") == std::string_view::npos && inet_aton(copy.c_str(), &short_form) != 0)
        return ipv4(ntohl(short_form.s_addr));
    return std::nullopt;
}

bool NetAddress::is_valid() const {
    if (network_ == NetworkId::none) return false;
    const auto all = [this](std::uint8_t value) {
        return std::all_of(bytes_.begin(), bytes_.begin() + size_, [value](std::uint8_t b) { return b == value; });
    };
    if (all(0)) return false;
    return network_ != NetworkId::ipv4 || !all(0xff);
}

bool NetAddress::is_loopback() const {
    if (network_ == NetworkId::ipv4) return bytes_[0] == 127 || bytes_[0] == 0;
    if (network_ != NetworkId::ipv6) return false;
    return std::all_of(bytes_.begin(), bytes_.begin() + 15, [](std::uint8_t b) { return b == 0; }) && bytes_[15] == 1;
}

bool NetAddress::is_routable() const {
    if (!is_valid() || is_loopback()) return false;
    if (network_ == NetworkId::ipv4)
        return routable_v4(std::uint32_t{bytes_[0]} << 24 | std::uint32_t{bytes_[1]} << 16 | std::uint32_t{bytes_[2]} << 8 | bytes_[3]);
    if (network_ == NetworkId::ipv6) return routable_v6(bytes());
    return true;
}

std::array<std::uint8_t, 16> NetAddress::v1_bytes() const {
    std::array<std::uint8_t, 16> out{};
    if (network_ == NetworkId::ipv4) {
        std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), out.begin());
        std::copy(bytes_.begin(), bytes_.begin() + 4, out.begin() + 12);
    } else if (network_ == NetworkId::ipv6) {
        std::copy(bytes_.begin(), bytes_.begin() + 16, out.begin());
    }
    return out;
}

std::string NetAddress::to_string() const {
    char text[INET6_ADDRSTRLEN] = {};
    switch (network_) {
        case NetworkId::ipv4: inet_ntop(AF_INET, bytes_.data(), text, sizeof text); return text;
        case NetworkId::ipv6:
        case NetworkId::cjdns: inet_ntop(AF_INET6, bytes_.data(), text, sizeof text); return text;
        case NetworkId::onion: {
            Bytes full = to_bytes(bytes());
            const auto sum = onion_checksum(bytes());
            full.insert(full.end(), {sum[0], sum[1], 3});
            return base32(full) + ".onion";
        }
        case NetworkId::i2p: return base32(bytes()) + ".b32.i2p";
        case NetworkId::none: break;
    }
    return "::";
}

std::string Endpoint::to_string() const {
    const bool brackets = address.network() == NetworkId::ipv6 || address.network() == NetworkId::cjdns ||
                          address.network() == NetworkId::none;
    const std::string host = address.to_string();
    return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<HostPort> split_host_port(std::string_view text) {
    if (text.empty()) return std::nullopt;
    HostPort result;
    std::string_view rest;
    if (text.front() == '[') {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        result.host = text.substr(1, close - 1);
        rest = text.substr(close + 1);
        if (rest.empty()) return result;
        if (rest.front() != ':') return std::nullopt;
        rest.remove_prefix(1);
    } else {
        const auto colon = text.find(':');
        if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
            result.host = text;  // no port, or a bare IPv6 address
            return result;
        }
        result.host = text.substr(0, colon);
        rest = text.substr(colon + 1);
    }
    const auto port = parse_port(rest);
    if (!port || result.host.empty()) return std::nullopt;
    result.port = *port;
    return result;
}

std::optional<Endpoint> Endpoint::parse(std::string_view text, std::uint16_t default_port) {
    if (text.ends_with(".b32.i2p:0")) text.remove_suffix(2);
    const auto parts = split_host_port(text);
    if (!parts) return std::nullopt;
    const auto address = NetAddress::parse(parts->host);
    if (!address) return std::nullopt;
    if (address->network() == NetworkId::i2p) return Endpoint{*address, parts->port};
    const Endpoint endpoint{*address, parts->port != 0 ? parts->port : default_port};
    if (endpoint.port == 0) return std::nullopt;
    return endpoint;
}

Subnet Subnet::of(const NetAddress& address) {
    Subnet subnet;
    subnet.base_ = address;
    subnet.bits_ = static_cast<std::uint8_t>(std::min<std::size_t>(address.bytes().size() * 8, 255));
    return subnet;
}

std::optional<Subnet> Subnet::parse(std::string_view text, bool host_is_in_cjdns) {
    const auto slash = text.find('/');
    auto address = NetAddress::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    address = as_cjdns(*address, host_is_in_cjdns);
    Subnet subnet = of(*address);
    if (slash == std::string_view::npos) return subnet;
    const std::string_view mask = text.substr(slash + 1);
    if (!address->is_ip()) return std::nullopt;
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(mask.data(), mask.data() + mask.size(), bits);
    if (error == std::errc() && end == mask.data() + mask.size()) {
        if (bits > address->bytes().size() * 8) return std::nullopt;
    } else {
        const auto mask_address = NetAddress::parse(mask);
        if (!mask_address || mask_address->network() != address->network()) return std::nullopt;
        bool ended = false;
        bits = 0;
        for (const std::uint8_t byte : mask_address->bytes())
            for (int bit = 7; bit >= 0; --bit) {
                if (byte >> bit & 1) {
                    if (ended) return std::nullopt;
                    ++bits;
                } else {
                    ended = true;
                }
            }
    }
    subnet.bits_ = static_cast<std::uint8_t>(bits);
    return subnet;
}

bool Subnet::contains(const NetAddress& address) const {
    if (address.network() != base_.network()) return false;
    const ByteSpan a = base_.bytes(), b = address.bytes();
    for (unsigned bit = 0; bit < bits_; bit += 8) {
        const unsigned left = std::min(8u, bits_ - bit);
        const auto mask = static_cast<std::uint8_t>(0xff << (8 - left));
        if ((a[bit / 8] ^ b[bit / 8]) & mask) return false;
    }
    return true;
}

std::string Subnet::to_string() const {
    return base_.is_ip() || base_.network() == NetworkId::cjdns ? base_.to_string() + "/" + std::to_string(bits_) : base_.to_string();
}

}  // namespace cairn::net
