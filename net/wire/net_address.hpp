#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "consensus/base/codec.hpp"

namespace cairn::net {

/// What a peer offers, as bits of its version message.
enum Services : std::uint64_t {
    kServiceNone = 0,
    kServiceNetwork = 1 << 0,          ///< the whole chain
    kServiceBloom = 1 << 2,            ///< BIP111
    kServiceWitness = 1 << 3,          ///< BIP144
    kServiceCompactFilters = 1 << 6,   ///< BIP157
    kServiceNetworkLimited = 1 << 10,  ///< at least the last 288 blocks (BIP159)
    kServiceP2pV2 = 1 << 11,           ///< BIP324
    kServiceOtherFork = 1 << 27 | 1 << 28,  ///< either: follows, or may come to follow, another chain with the same magic
};

/// The kinds of address there are; the numbers are BIP155's.
enum class NetworkId : std::uint8_t { none = 0, ipv4 = 1, ipv6 = 2, onion = 4, i2p = 5, cjdns = 6 };

/// "ipv4", "ipv6", "onion", "i2p", "cjdns".
std::string_view to_string(NetworkId network);
std::optional<NetworkId> parse_network(std::string_view name);

/// Where a host is found, without a port.
/// Thread: any (a value).
class NetAddress {
public:
    NetAddress() = default;
    static NetAddress ipv4(std::uint32_t host_order);
    /// 16 bytes; an IPv4 address mapped into IPv6 becomes IPv4, the BIP155-era OnionCat prefix becomes nothing.
    static NetAddress ipv6(ByteSpan bytes);
    /// The raw bytes of BIP155; nullopt when the length does not fit the network or the bytes are forbidden there.
    static std::optional<NetAddress> from_bip155(NetworkId network, ByteSpan bytes);
    /// Bytes that BIP155 sends for this network; 0 for networks that we do not know.
    static std::size_t bip155_size(NetworkId network);
    /// "1.2.3.4", "2001:db8::1", "….onion" (v3), "….b32.i2p"; brackets are not accepted here.
    static std::optional<NetAddress> parse(std::string_view text);

    NetworkId network() const { return network_; }
    bool is_ip() const { return network_ == NetworkId::ipv4 || network_ == NetworkId::ipv6; }
    bool is_valid() const;
    bool is_loopback() const;
    /// An address that may be reached over the public Internet or an overlay.
    bool is_routable() const;
    /// Fits the 16 bytes of the old addr message.
    bool is_v1_compatible() const { return is_ip(); }
    /// The bytes that BIP155 sends.
    ByteSpan bytes() const { return ByteSpan(bytes_).first(size_); }
    /// The 16 bytes of the old formats; zeros when the network has none.
    std::array<std::uint8_t, 16> v1_bytes() const;
    std::string to_string() const;

    auto operator<=>(const NetAddress&) const = default;

private:
    NetworkId network_ = NetworkId::none;
    std::uint8_t size_ = 0;
    std::array<std::uint8_t, 32> bytes_{};
};

/// An address and a port.
struct Endpoint {
    NetAddress address;
    std::uint16_t port = 0;

    /// "1.2.3.4:8333", "[2001:db8::1]:8333", "….onion:8333".
    std::string to_string() const;
    /// The reverse of to_string; the port may be missing when `default_port` is not 0. I2P has no ports: there it is 0 unless given.
    static std::optional<Endpoint> parse(std::string_view text, std::uint16_t default_port = 0);

    auto operator<=>(const Endpoint&) const = default;
};

/// `host[:port]`, with brackets around IPv6, taken apart; nullopt when the port is not one.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;  ///< 0: none was given
};
std::optional<HostPort> split_host_port(std::string_view text);

/// A network of addresses: `1.2.3.4`, `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `fe80::/10`.
class Subnet {
public:
    /// On a host of CJDNS a single address of fc00::/8 is one of that network.
    static std::optional<Subnet> parse(std::string_view text, bool host_is_in_cjdns = false);
    static Subnet of(const NetAddress& address);
    bool contains(const NetAddress& address) const;
    std::string to_string() const;
    auto operator<=>(const Subnet&) const = default;

private:
    NetAddress base_;
    std::uint8_t bits_ = 0;
};

/// A node somebody told of.
struct PeerAddress {
    Endpoint endpoint;
    std::uint64_t services = 0;
    std::uint32_t time = 0;  ///< last seen, seconds since 1970

    bool operator==(const PeerAddress&) const = default;
};

}  // namespace cairn::net

template <>
struct std::hash<cairn::net::NetAddress> {
    std::size_t operator()(const cairn::net::NetAddress& address) const noexcept {
        const auto bytes = address.bytes();
        return std::hash<std::string_view>()(cairn::as_text(bytes));
    }
};
