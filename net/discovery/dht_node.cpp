#include "net/discovery/dht_node.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"

#ifdef CAIRN_HAVE_DHT

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <dht.h>

#include "consensus/crypto/hash.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kFirstInterval_us = 5 * kSecond;
constexpr int kQuickSearches = 4;                              // others may have come a moment after us
constexpr std::int64_t kLastInterval_us = 15 * 60 * kSecond;   // others forget an announcement after half an hour
constexpr std::int64_t kSearchPatience_us = 90 * kSecond;      // then it is begun anew
constexpr std::int64_t kLongAgo_s = 1'000'000'000;             // the library takes 0 for long ago
constexpr int kSocket4 = 4, kSocket6 = 6;                      // what the library takes for sockets
constexpr std::size_t kValue4Bytes = 6, kValue6Bytes = 18;
constexpr int kMaxGoodNodes = 64;                              // that are kept for the next start, of each family

/// The one node there is; the library calls back without saying for whom.
DhtNode* the_node = nullptr;

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress to_system(const Endpoint& endpoint) {
    SocketAddress address;
    const ByteSpan bytes = endpoint.address.bytes();
    if (endpoint.address.network() == NetworkId::ipv4) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(endpoint.port);
        std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
        address.size = sizeof v4;
    } else {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(endpoint.port);
        std::memcpy(&v6.sin6_addr, bytes.data(), std::min<std::size_t>(bytes.size(), 16));
        address.size = sizeof v6;
    }
    return address;
}

Endpoint from_system(const sockaddr* address) {
    if (address->sa_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
        return {NetAddress::ipv4(ntohl(v4->sin_addr.s_addr)), ntohs(v4->sin_port)};
    }
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    return {NetAddress::ipv6(ByteSpan(v6->sin6_addr.s6_addr, 16)), ntohs(v6->sin6_port)};
}

}  // namespace

/// What the library calls.
struct DhtCallbacks {
    static DhtNode& node() {
        CAIRN_CHECK(the_node != nullptr);
        return *the_node;
    }
    static void event(void*, int event, const unsigned char*, const void* data, size_t size) {
        const ByteSpan values(static_cast<const std::uint8_t*>(data), size);
        switch (event) {
            case DHT_EVENT_VALUES: node().on_values(values, false); break;
            case DHT_EVENT_VALUES6: node().on_values(values, true); break;
            case DHT_EVENT_SEARCH_DONE: node().on_search_done(false); break;
            case DHT_EVENT_SEARCH_DONE6: node().on_search_done(true); break;
            default: break;
        }
    }
    static int send(const void* bytes, int size, const sockaddr* to) {
        DhtNode& self = node();
        if (size < 0 || self.packets_.size() >= DhtNode::kMaxPackets) return -1;
        const auto* begin = static_cast<const std::uint8_t*>(bytes);
        self.packets_.push_back({from_system(to), Bytes(begin, begin + size)});
        ++self.counts_.sent;
        return size;
    }
    static void random(MutableByteSpan out) {
        for (std::size_t done = 0; done < out.size();) {
            const Uint256 fresh = node().random_.uint256();
            const std::size_t count = std::min<std::size_t>(Uint256::kSize, out.size() - done);
            std::memcpy(out.data() + done, fresh.span().data(), count);
            done += count;
        }
    }
    static std::int64_t now_us() { return node().now_us_; }
};

}  // namespace cairn::net

// The functions that the library expects of its user.
extern "C" {

int dht_sendto(int, const void* buf, int len, int, const struct sockaddr* to, int) { return cairn::net::DhtCallbacks::send(buf, len, to); }

int dht_blacklisted(const struct sockaddr*, int) { return 0; }

void dht_hash(void* out, int size, const void* v1, int len1, const void* v2, int len2, const void* v3, int len3) {
    cairn::Bytes all;
    cairn::Writer writer(all);
    const std::pair<const void*, int> parts[] = {{v1, len1}, {v2, len2}, {v3, len3}};
    for (const auto& [part, length] : parts) writer.bytes({static_cast<const std::uint8_t*>(part), static_cast<std::size_t>(std::max(length, 0))});
    const cairn::Uint256 hash = cairn::sha256(all);
    std::memset(out, 0, static_cast<std::size_t>(size));
    std::memcpy(out, hash.span().data(), std::min<std::size_t>(static_cast<std::size_t>(size), cairn::Uint256::kSize));
}

int dht_random_bytes(void* buf, size_t size) {
    cairn::net::DhtCallbacks::random({static_cast<std::uint8_t*>(buf), size});
    return static_cast<int>(size);
}

/// Instead of random(): the library's transaction ids shall not be guessed.
long cairn_dht_random(void) {
    std::uint8_t bytes[4];
    cairn::net::DhtCallbacks::random(bytes);
    return static_cast<long>((bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<unsigned>(bytes[3]) << 24) & 0x7fffffff);
}

/// Instead of gettimeofday().
int cairn_dht_time(struct timeval* time, void*) {
    const std::int64_t now_us = cairn::net::DhtCallbacks::now_us();
    time->tv_sec = static_cast<time_t>(now_us / 1'000'000 + cairn::net::kLongAgo_s);
    time->tv_usec = static_cast<suseconds_t>(now_us % 1'000'000);
    return 0;
}
}

namespace cairn::net {

DhtNode::DhtNode(Options options, Random random, std::int64_t now_us) : options_(options), random_(std::move(random)), now_us_(now_us) {
    CAIRN_CHECK(the_node == nullptr);
    the_node = this;
    const Uint256 id = random_.uint256();
    dht_init(options_.ipv4 ? kSocket4 : -1, options_.ipv6 ? kSocket6 : -1, id.span().data(), nullptr);
}

DhtNode::~DhtNode() {
    dht_uninit();
    the_node = nullptr;
}

bool DhtNode::available() { return true; }

void DhtNode::ping(const Endpoint& node) {
    if (node.address.network() == NetworkId::ipv4 ? !options_.ipv4 : !options_.ipv6) return;
    const SocketAddress address = to_system(node);
    dht_ping_node(address.get(), static_cast<int>(address.size));
}

void DhtNode::run(const Endpoint* from, ByteSpan packet, std::int64_t now_us) {
    now_us_ = std::max(now_us_, now_us);
    time_t wait = 0;
    if (!from) {
        dht_periodic(nullptr, 0, nullptr, 0, &wait, DhtCallbacks::event, nullptr);
        return;
    }
    Bytes terminated(packet.begin(), packet.end());
    terminated.push_back(0);  // the library wants it so
    const SocketAddress address = to_system(*from);
    dht_periodic(terminated.data(), packet.size(), address.get(), static_cast<int>(address.size), &wait, DhtCallbacks::event, nullptr);
}

void DhtNode::on_packet(const Endpoint& from, ByteSpan packet, std::int64_t now_us) {
    if (packet.empty() || packet.size() > kMaxPacketBytes || from.port == 0) return;
    if (from.address.network() == NetworkId::ipv4 ? !options_.ipv4 : !options_.ipv6) return;
    ++counts_.received;
    run(&from, packet, now_us);
}

void DhtNode::on_tick(std::int64_t now_us) {
    run(nullptr, {}, now_us);
    if (options_.ipv4) search(false, now_us);
    if (options_.ipv6) search(true, now_us);
}

/// A search that was begun again would lose what it has, so it is left to its end.
void DhtNode::search(bool ipv6, std::int64_t now_us) {
    Search& search = searches_[ipv6 ? 1 : 0];
    if (search.running && now_us - search.began_us < kSearchPatience_us) return;
    if (now_us < search.next_us) return;
    int good = 0, dubious = 0, cached = 0, incoming = 0;
    dht_nodes(ipv6 ? AF_INET6 : AF_INET, &good, &dubious, &cached, &incoming);
    if (good + dubious == 0) return;
    search.running = true;
    search.began_us = now_us;
    search.interval_us = ++search.begun <= kQuickSearches ? kFirstInterval_us : std::min(search.interval_us * 2, kLastInterval_us);
    search.next_us = now_us + search.interval_us;
    ++counts_.searches;
    log_.debug("dht: searching for nodes ({}), {} good and {} dubious nodes in the table", ipv6 ? "IPv6" : "IPv4", good, dubious);
    if (dht_search(options_.network.data(), options_.port, ipv6 ? AF_INET6 : AF_INET, DhtCallbacks::event, nullptr) < 0) search.running = false;
}

void DhtNode::on_values(ByteSpan values, bool ipv6) {
    const std::size_t size = ipv6 ? kValue6Bytes : kValue4Bytes;
    for (; values.size() >= size && found_.size() < kMaxFound; values = values.subspan(size)) {
        Reader reader(values.first(size));
        const ByteSpan host = reader.bytes(size - 2);
        const std::uint16_t port = reader.u16_be();
        const NetAddress address = ipv6 ? NetAddress::ipv6(host)
                                        : NetAddress::ipv4(static_cast<std::uint32_t>(host[0]) << 24 | host[1] << 16 | host[2] << 8 | host[3]);
        if (port == 0 || !address.is_valid()) continue;
        ++counts_.found;
        found_.push_back({address, port});
    }
}

void DhtNode::on_search_done(bool ipv6) {
    Search& search = searches_[ipv6 ? 1 : 0];
    if (!search.running) return;
    search.running = false;
    if (options_.port != 0) ++counts_.announced;
    log_.debug("dht: search over ({}){}", ipv6 ? "IPv6" : "IPv4", options_.port != 0 ? ", our port is announced" : "");
}

bool DhtNode::lonely() const {
    const Counts now = counts();
    return now.good + now.dubious == 0;
}

DhtNode::Counts DhtNode::counts() const {
    Counts counts = counts_;
    for (const int family : {AF_INET, AF_INET6}) {
        if (family == AF_INET ? !options_.ipv4 : !options_.ipv6) continue;
        int good = 0, dubious = 0, cached = 0, incoming = 0;
        dht_nodes(family, &good, &dubious, &cached, &incoming);
        counts.good += good;
        counts.dubious += dubious;
    }
    return counts;
}

std::vector<Endpoint> DhtNode::good_nodes() const {
    std::array<sockaddr_in, kMaxGoodNodes> v4{};
    std::array<sockaddr_in6, kMaxGoodNodes> v6{};
    int count4 = kMaxGoodNodes, count6 = kMaxGoodNodes;
    dht_get_nodes(v4.data(), &count4, v6.data(), &count6);
    std::vector<Endpoint> nodes;
    for (int i = 0; i < count4; ++i) nodes.push_back(from_system(reinterpret_cast<const sockaddr*>(&v4[static_cast<std::size_t>(i)])));
    for (int i = 0; i < count6; ++i) nodes.push_back(from_system(reinterpret_cast<const sockaddr*>(&v6[static_cast<std::size_t>(i)])));
    return nodes;
}

}  // namespace cairn::net

#else

namespace cairn::net {

// Without the library there is never one of these: available() is asked first.
DhtNode::DhtNode(Options options, Random random, std::int64_t now_us) : options_(options), random_(std::move(random)), now_us_(now_us) {
    CAIRN_CHECK(available());
}
DhtNode::~DhtNode() = default;
bool DhtNode::available() { return false; }
void DhtNode::ping(const Endpoint&) {}
void DhtNode::on_packet(const Endpoint&, ByteSpan, std::int64_t) {}
void DhtNode::on_tick(std::int64_t) {}
bool DhtNode::lonely() const { return true; }
DhtNode::Counts DhtNode::counts() const { return counts_; }
std::vector<Endpoint> DhtNode::good_nodes() const { return {}; }

}  // namespace cairn::net

#endif

namespace cairn::net {

DhtNode::Id DhtNode::network_id(const Uint256& genesis) {
    Id id{};
    std::copy_n(genesis.span().begin(), id.size(), id.begin());
    return id;
}

}  // namespace cairn::net
