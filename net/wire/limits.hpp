#pragma once

#include <cstddef>
#include <cstdint>

/// Every bound on what a peer can make us do, each with its source. "Core" is Bitcoin Core's value, kept so that both
/// sides of a connection agree on what is too much.
namespace cairn::net::limits {

// --- messages
inline constexpr std::size_t kMaxMessageBytes = 4'000'000;  ///< payload of one message (Core MAX_PROTOCOL_MESSAGE_LENGTH)
inline constexpr std::size_t kMaxInv = 50'000;              ///< entries of inv, getdata, notfound (protocol)
inline constexpr std::size_t kMaxHeaders = 2'000;           ///< headers of one message (protocol)
inline constexpr std::size_t kMaxAddresses = 1'000;         ///< entries of addr and addrv2 (BIP155)
inline constexpr std::size_t kMaxLocator = 101;             ///< hashes of a locator (Core MAX_LOCATOR_SZ)
inline constexpr std::size_t kMaxUserAgent = 256;           ///< characters (BIP14, Core MAX_SUBVERSION_LENGTH)
inline constexpr std::size_t kMaxAddrV2Bytes = 512;         ///< one address (BIP155)
inline constexpr std::size_t kMaxGetBlocks = 500;           ///< inv entries in answer to getblocks (protocol)
inline constexpr std::size_t kMaxFilters = 1'000;           ///< blocks of one getcfilters (BIP157)
inline constexpr std::size_t kMaxFilterHeaders = 2'000;     ///< blocks of one getcfheaders (BIP157)
inline constexpr std::size_t kMaxBloomFilterBytes = 36'000; ///< filterload (BIP37)
inline constexpr std::size_t kMaxBloomElementBytes = 520;   ///< filteradd (BIP37)
inline constexpr std::size_t kMaxBlockTransactions = 16'666;  ///< short ids or indexes: block weight / smallest transaction (BIP152)
inline constexpr std::size_t kMinFeatureIdBytes = 4;        ///< feature (BIP434)
inline constexpr std::size_t kMaxFeatureIdBytes = 80;       ///< feature (BIP434)
inline constexpr std::size_t kMaxFeatureDataBytes = 512;    ///< feature (BIP434)

// --- protocol versions
inline constexpr std::int32_t kProtocolVersion = 70017;
inline constexpr std::int32_t kMinPeerVersion = 31800;      ///< first with getheaders
inline constexpr std::int32_t kPongVersion = 60001;         ///< pings carry a nonce from here on (BIP31)
inline constexpr std::int32_t kSendHeadersVersion = 70012;  ///< BIP130
inline constexpr std::int32_t kNegotiationVersion = 70016;  ///< wtxidrelay, sendaddrv2 (BIP339, BIP155)
inline constexpr std::int32_t kFeatureVersion = 70017;      ///< feature (BIP434)
inline constexpr std::int32_t kPrivateVersion = 70016;      ///< what connections for private broadcast say (Core AdvertisedVersion)

// --- connections
inline constexpr std::size_t kReceiveStep = 64 * 1024;      ///< payload memory grows by this as bytes arrive
inline constexpr std::int64_t kHandshakeTimeout_s = 60;     ///< Core DEFAULT_PEER_CONNECT_TIMEOUT
inline constexpr std::int64_t kPingInterval_s = 120;        ///< Core PING_INTERVAL
inline constexpr std::int64_t kInactivityTimeout_s = 1200;  ///< Core TIMEOUT_INTERVAL
inline constexpr int kFullRelayOutbound = 8;                ///< Core MAX_OUTBOUND_FULL_RELAY_CONNECTIONS
inline constexpr int kBlockRelayOutbound = 2;               ///< Core MAX_BLOCK_RELAY_ONLY_CONNECTIONS
inline constexpr int kMaxManual = 8;                        ///< -addnode peers dialled at once (Core MAX_ADDNODE_CONNECTIONS)
inline constexpr int kMaxFeelers = 1;                       ///< Core MAX_FEELER_CONNECTIONS
inline constexpr int kInboundRelayPercent = 50;             ///< of inbound peers may relay transactions (Core -inboundrelaypercent)
inline constexpr std::int64_t kFeelerInterval_us = 120LL * 1'000'000;          ///< on average (Core FEELER_INTERVAL)
inline constexpr std::int64_t kFeelerDelay_us = 1'000'000;                     ///< at most, at random (Core FEELER_SLEEP_WINDOW)
inline constexpr std::int64_t kExtraBlockRelayInterval_us = 300LL * 1'000'000; ///< on average (Core EXTRA_BLOCK_RELAY_ONLY_PEER_INTERVAL)
inline constexpr std::int64_t kExtraNetworkInterval_us = 300LL * 1'000'000;    ///< on average (Core EXTRA_NETWORK_PEER_INTERVAL)
inline constexpr std::int64_t kExtraPeerCheck_us = 45LL * 1'000'000;           ///< Core EXTRA_PEER_CHECK_INTERVAL
inline constexpr std::int64_t kStaleTipCheck_us = 600LL * 1'000'000;           ///< Core STALE_CHECK_INTERVAL
inline constexpr std::int64_t kMinConnectTime_us = 30LL * 1'000'000;           ///< before an extra peer is dropped (Core MINIMUM_CONNECT_TIME)
inline constexpr std::int64_t kStaleTipBlocks = 3;                             ///< block intervals without a block (Core TipMayBeStale)
inline constexpr int kMaxPendingDials = 16;                 ///< sockets being connected
inline constexpr int kMaxPrivate = 64;                      ///< Core MAX_PRIVATE_BROADCAST_CONNECTIONS
inline constexpr int kMaxPendingPrivate = 8;                ///< of them being connected
inline constexpr std::size_t kMaxBans = 50'000;             ///< discouraged addresses remembered

// --- synchronisation
inline constexpr std::int64_t kHeadersTimeoutBase_us = 15LL * 60 * 1'000'000;  ///< Core HEADERS_DOWNLOAD_TIMEOUT_BASE
inline constexpr std::int64_t kHeadersTimeoutPerHeader_us = 1'000;             ///< Core HEADERS_DOWNLOAD_TIMEOUT_PER_HEADER
inline constexpr std::int64_t kHeadersResponse_us = 120LL * 1'000'000;         ///< Core HEADERS_RESPONSE_TIME
inline constexpr std::int64_t kChainSyncTimeout_s = 20 * 60;                   ///< Core CHAIN_SYNC_TIMEOUT
inline constexpr std::size_t kBlocksInFlightPerPeer = 16;   ///< Core MAX_BLOCKS_IN_TRANSIT_PER_PEER
inline constexpr std::int32_t kBlockWindow = 1024;          ///< blocks ahead of the last common one (Core BLOCK_DOWNLOAD_WINDOW)
inline constexpr std::size_t kBlockWindowBytes = 128u << 20;  ///< blocks taken in and not yet judged: ask for no more
inline constexpr std::int64_t kStallTimeout_us = 2'000'000;     ///< Core BLOCK_STALLING_TIMEOUT_DEFAULT
inline constexpr std::int64_t kMaxStallTimeout_us = 64'000'000; ///< Core BLOCK_STALLING_TIMEOUT_MAX
inline constexpr std::int64_t kTakeOver_us = 5'000'000;         ///< without a block: idle peers take over, in initial download
inline constexpr std::size_t kBlockPeersAtTip = 3;              ///< peers that one block is asked of once we are in step (Core MAX_CMPCTBLOCKS_INFLIGHT_PER_BLOCK)
inline constexpr std::int64_t kAskToo_us = 2'000'000;           ///< in step, a peer that owes a block is silent: one more is asked
inline constexpr std::int64_t kAskTooWhileGiving_us = 10'000'000;  ///< the same while it sends, and before a silent one loses its place
inline constexpr std::size_t kGivingBytes = 16 * 1024;          ///< so much within kAskToo_us is not silence
inline constexpr std::int64_t kTakeOverAtTip_us = 30'000'000;   ///< in step, without a whole block: it loses its place
inline constexpr std::int64_t kSpoiledRetry_us = 60'000'000;    ///< before a peer is asked again for a block it spoiled
inline constexpr std::int64_t kWithheldRetry_us = 600'000'000;  ///< the same for a block that it did not give though asked
inline constexpr std::size_t kMaxAnnounced = 8;             ///< blocks announced at once (Core MAX_BLOCKS_TO_ANNOUNCE)
inline constexpr std::int32_t kLimitedBlocks = 288;         ///< what NODE_NETWORK_LIMITED promises (BIP159)
inline constexpr std::int64_t kStaleRelayAge_s = 30 * 24 * 60 * 60;  ///< side branches served (Core STALE_RELAY_AGE_LIMIT)
inline constexpr int kProtectedOutbound = 4;                ///< Core MAX_OUTBOUND_PEERS_TO_PROTECT_FROM_DISCONNECT

// --- serving
inline constexpr std::size_t kMaxDeferredBytes = 5'000'000; ///< requests of one peer that wait (Core -maxreceivebuffer)
inline constexpr std::size_t kDeferredOverhead = 256;       ///< what one waiting request costs beside its payload
inline constexpr std::int64_t kSendProgress_s = 60;         ///< a peer that reads nothing for so long must not go on asking
inline constexpr std::size_t kMaxUnread = 2 * kMaxMessageBytes;  ///< on top of the send buffer: more is unread on purpose
inline constexpr std::size_t kBlockReadsAhead = 4;          ///< blocks being read for one peer at a time
inline constexpr std::size_t kMaxUnknownAnnouncements = 20; ///< headers that never connect before the log says so

// --- addresses
inline constexpr double kAddressRate = 0.1;                 ///< addresses a second that are processed (Core MAX_ADDR_RATE_PER_SECOND)
inline constexpr std::size_t kAddressPercent = 23;          ///< share of the book given to getaddr (Core MAX_PCT_ADDR_TO_SEND)
inline constexpr std::size_t kMaxAnchors = 2;               ///< peers remembered for the next start (Core MAX_BLOCK_RELAY_ONLY_ANCHORS)

}  // namespace cairn::net::limits
