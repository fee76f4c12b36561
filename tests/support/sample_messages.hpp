#pragma once

#include "consensus/crypto/hash.hpp"
#include "net/wire/codec.hpp"

namespace cairn::test {

inline Uint256 some_hash(std::uint8_t seed) { return sha256(Bytes{seed}); }

/// One filled-in message of every kind that the protocol has.
inline std::vector<net::Message> sample_messages() {
    using namespace net;  // NOLINT
    const PeerAddress v4{{*NetAddress::parse("1.2.3.4"), 8333}, 9, 1'700'000'000};
    const PeerAddress onion{{*NetAddress::parse("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"), 1}, 1033, 1'700'000'001};
    VersionMessage version;
    version.services = 1033;
    version.time = 1'700'000'000;
    version.their_address = v4.endpoint;
    version.nonce = 42;
    version.user_agent = "/Test:1.0/";
    version.start_height = 7;
    version.relay = false;
    BlockHeader header;
    header.version = 4;
    header.merkle_root = some_hash(1);
    header.time = 5;
    header.bits = 0x207fffff;
    const BlockHash block{some_hash(2)};
    const std::vector<InvItem> items{{kInvWitnessBlock, some_hash(3)}, {kInvWtx, some_hash(4)}};
    return {version, VerackMessage{}, PingMessage{99}, PongMessage{100}, AddrMessage{{v4}, 1}, AddrV2Message{{v4, onion}, 2}, SendAddrV2Message{},
            WtxidRelayMessage{}, SendHeadersMessage{}, GetAddrMessage{}, MempoolMessage{}, InvMessage{items}, GetDataMessage{items},
            NotFoundMessage{items}, GetHeadersMessage{70016, {block, BlockHash{some_hash(5)}}, block}, GetBlocksMessage{70016, {block}, {}},
            HeadersMessage{{header, header}, 2, false}, BlockMessage{Bytes(300, 7)}, TxMessage{Bytes(60, 8)}, FeeFilterMessage{1000},
            SendCmpctMessage{1, 2}, CompactBlockMessage{header, 5, {0x0000ffffffffffff, 1}, Bytes{0}}, GetBlockTxnMessage{block, {0, 3, 4, 1000}},
            BlockTxnMessage{block, Bytes{0}}, GetCFiltersMessage{0, 1, block}, CFilterMessage{0, block, Bytes(20, 9)}, GetCFHeadersMessage{0, 1, block},
            CFHeadersMessage{0, block, some_hash(6), {some_hash(7)}}, GetCFCheckptMessage{0, block}, CFCheckptMessage{0, block, {some_hash(8)}},
            FilterLoadMessage{Bytes(3, 1), 5, 6, 1}, FilterAddMessage{Bytes(4, 2)}, FilterClearMessage{},
            MerkleBlockMessage{header, 3, {some_hash(9)}, Bytes{1}}, SendTxRcnclMessage{1, 2}, FeatureMessage{"test", Bytes{1, 2}}};
}

}  // namespace cairn::test
