#include "net/swarm/seeds.hpp"

#include "net/swarm/detail/fixed_seeds.inc"

namespace cairn::net {
namespace {

/// The table is made by contrib/seeds/make_seeds.py: network (BIP155), length, address, port (big endian), repeated.
std::vector<PeerAddress> unpack(ByteSpan table) {
    std::vector<PeerAddress> seeds;
    Reader in(table);
    while (in.remaining() > 0) {
        const auto network = static_cast<NetworkId>(in.u8());
        const ByteSpan bytes = in.bytes(in.u8());
        const std::uint16_t port = in.u16_be();
        const auto address = NetAddress::from_bip155(network, bytes);
        if (!in.ok()) break;
        if (address) seeds.push_back({{*address, port}, kServiceNetwork | kServiceWitness, 0});
    }
    return seeds;
}

}  // namespace

std::vector<PeerAddress> fixed_seeds(std::string_view chain) {
    if (chain == "main") return unpack(detail::kSeedsMain);
    if (chain == "test") return unpack(detail::kSeedsTestnet3);
    if (chain == "testnet4") return unpack(detail::kSeedsTestnet4);
    if (chain == "signet") return unpack(detail::kSeedsSignet);
    return {};
}

}  // namespace cairn::net
