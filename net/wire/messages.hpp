#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "consensus/primitives/header.hpp"
#include "net/wire/limits.hpp"
#include "net/wire/net_address.hpp"

/// The messages of the Bitcoin protocol, version 70017, as values. Bytes become messages in codec.hpp.
namespace cairn::net {

/// Kinds of inventory (BIP37, BIP144, BIP152, BIP339).
enum InvType : std::uint32_t {
    kInvTx = 1,
    kInvBlock = 2,
    kInvFilteredBlock = 3,
    kInvCompactBlock = 4,
    kInvWtx = 5,
    kInvWitnessFlag = 1u << 30,
    kInvWitnessTx = kInvTx | kInvWitnessFlag,
    kInvWitnessBlock = kInvBlock | kInvWitnessFlag,
};

struct InvItem {
    std::uint32_t type = 0;
    Uint256 hash;

    bool is_block() const { return type == kInvBlock || type == kInvWitnessBlock || type == kInvFilteredBlock || type == kInvCompactBlock; }
    bool is_tx() const { return type == kInvTx || type == kInvWtx || type == kInvWitnessTx; }
    bool operator==(const InvItem&) const = default;
};

struct VersionMessage {
    static constexpr std::string_view kCommand = "version";
    std::int32_t version = limits::kProtocolVersion;
    std::uint64_t services = 0;
    std::int64_t time = 0;
    std::uint64_t their_services = 0;
    Endpoint their_address;   ///< as we see them
    std::uint64_t nonce = 0;
    std::string user_agent;
    std::int32_t start_height = -1;
    bool relay = true;        ///< send transaction announcements (BIP37)
    bool operator==(const VersionMessage&) const = default;
};

/// A message without a payload.
template <class Tag>
struct EmptyMessage {
    static constexpr std::string_view kCommand = Tag::kName;
    bool operator==(const EmptyMessage&) const = default;
};
struct VerackTag { static constexpr std::string_view kName = "verack"; };
struct SendAddrV2Tag { static constexpr std::string_view kName = "sendaddrv2"; };
struct WtxidRelayTag { static constexpr std::string_view kName = "wtxidrelay"; };
struct SendHeadersTag { static constexpr std::string_view kName = "sendheaders"; };
struct GetAddrTag { static constexpr std::string_view kName = "getaddr"; };
struct MempoolTag { static constexpr std::string_view kName = "mempool"; };
struct FilterClearTag { static constexpr std::string_view kName = "filterclear"; };
using VerackMessage = EmptyMessage<VerackTag>;
using SendAddrV2Message = EmptyMessage<SendAddrV2Tag>;
using WtxidRelayMessage = EmptyMessage<WtxidRelayTag>;
using SendHeadersMessage = EmptyMessage<SendHeadersTag>;
using GetAddrMessage = EmptyMessage<GetAddrTag>;
using MempoolMessage = EmptyMessage<MempoolTag>;
using FilterClearMessage = EmptyMessage<FilterClearTag>;

struct PingMessage {
    static constexpr std::string_view kCommand = "ping";
    std::optional<std::uint64_t> nonce;  ///< absent before BIP31
    bool operator==(const PingMessage&) const = default;
};

struct PongMessage {
    static constexpr std::string_view kCommand = "pong";
    std::optional<std::uint64_t> nonce;  ///< absent when the payload was too short
    bool operator==(const PongMessage&) const = default;
};

/// addr before BIP155, addrv2 after; entries of unknown networks are left out when read.
struct AddrMessage {
    static constexpr std::string_view kCommand = "addr";
    std::vector<PeerAddress> addresses;
    std::size_t count = 0;  ///< entries that were sent, known or not
    bool operator==(const AddrMessage&) const = default;
};
struct AddrV2Message {
    static constexpr std::string_view kCommand = "addrv2";
    std::vector<PeerAddress> addresses;
    std::size_t count = 0;
    bool operator==(const AddrV2Message&) const = default;
};

/// inv, getdata and notfound. More than limits::kMaxInv are read, so that the sender can be told apart by them.
template <class Tag>
struct InventoryMessage {
    static constexpr std::string_view kCommand = Tag::kName;
    std::vector<InvItem> items;
    bool operator==(const InventoryMessage&) const = default;
};
struct InvTag { static constexpr std::string_view kName = "inv"; };
struct GetDataTag { static constexpr std::string_view kName = "getdata"; };
struct NotFoundTag { static constexpr std::string_view kName = "notfound"; };
using InvMessage = InventoryMessage<InvTag>;
using GetDataMessage = InventoryMessage<GetDataTag>;
using NotFoundMessage = InventoryMessage<NotFoundTag>;

/// getheaders and getblocks.
template <class Tag>
struct LocatorMessage {
    static constexpr std::string_view kCommand = Tag::kName;
    std::int32_t version = limits::kProtocolVersion;
    std::vector<BlockHash> locator;
    BlockHash stop;
    bool operator==(const LocatorMessage&) const = default;
};
struct GetHeadersTag { static constexpr std::string_view kName = "getheaders"; };
struct GetBlocksTag { static constexpr std::string_view kName = "getblocks"; };
using GetHeadersMessage = LocatorMessage<GetHeadersTag>;
using GetBlocksMessage = LocatorMessage<GetBlocksTag>;

struct HeadersMessage {
    static constexpr std::string_view kCommand = "headers";
    std::vector<BlockHeader> headers;
    std::uint64_t count = 0;  ///< what the message announced; more than `headers` when it was too much
    bool malformed = false;   ///< not count × (80 bytes and a zero): another protocol
    bool operator==(const HeadersMessage&) const = default;
};

/// A whole block as it came or as it will go, not looked into.
struct BlockMessage {
    static constexpr std::string_view kCommand = "block";
    Bytes raw;
    bool operator==(const BlockMessage&) const = default;
};

struct TxMessage {
    static constexpr std::string_view kCommand = "tx";
    Bytes raw;
    bool operator==(const TxMessage&) const = default;
};

struct FeeFilterMessage {
    static constexpr std::string_view kCommand = "feefilter";
    std::int64_t fee_rate = 0;  ///< satoshis per kvB
    bool operator==(const FeeFilterMessage&) const = default;
};

struct SendCmpctMessage {
    static constexpr std::string_view kCommand = "sendcmpct";
    std::uint8_t announce = 0;
    std::uint64_t version = 0;
    bool operator==(const SendCmpctMessage&) const = default;
};

/// BIP152.
struct CompactBlockMessage {
    static constexpr std::string_view kCommand = "cmpctblock";
    BlockHeader header;
    std::uint64_t nonce = 0;
    std::vector<std::uint64_t> short_ids;  ///< 48 bits each
    Bytes prefilled_raw;                   ///< the prefilled transactions as they were sent, count included
    std::shared_ptr<const Bytes> encoded = nullptr;  ///< the whole payload when it was made before: then only this is sent
    bool operator==(const CompactBlockMessage&) const = default;
};

struct GetBlockTxnMessage {
    static constexpr std::string_view kCommand = "getblocktxn";
    BlockHash block;
    std::vector<std::uint32_t> indexes;  ///< ascending
    bool operator==(const GetBlockTxnMessage&) const = default;
};

struct BlockTxnMessage {
    static constexpr std::string_view kCommand = "blocktxn";
    BlockHash block;
    Bytes transactions_raw;  ///< count and transactions
    bool operator==(const BlockTxnMessage&) const = default;
};

/// getcfilters and getcfheaders (BIP157).
template <class Tag>
struct FilterRangeMessage {
    static constexpr std::string_view kCommand = Tag::kName;
    std::uint8_t filter_type = 0;
    std::uint32_t start_height = 0;
    BlockHash stop;
    bool operator==(const FilterRangeMessage&) const = default;
};
struct GetCFiltersTag { static constexpr std::string_view kName = "getcfilters"; };
struct GetCFHeadersTag { static constexpr std::string_view kName = "getcfheaders"; };
using GetCFiltersMessage = FilterRangeMessage<GetCFiltersTag>;
using GetCFHeadersMessage = FilterRangeMessage<GetCFHeadersTag>;

struct CFilterMessage {
    static constexpr std::string_view kCommand = "cfilter";
    std::uint8_t filter_type = 0;
    BlockHash block;
    Bytes filter;
    bool operator==(const CFilterMessage&) const = default;
};

struct CFHeadersMessage {
    static constexpr std::string_view kCommand = "cfheaders";
    std::uint8_t filter_type = 0;
    BlockHash stop;
    Uint256 previous_header;
    std::vector<Uint256> filter_hashes;
    bool operator==(const CFHeadersMessage&) const = default;
};

struct GetCFCheckptMessage {
    static constexpr std::string_view kCommand = "getcfcheckpt";
    std::uint8_t filter_type = 0;
    BlockHash stop;
    bool operator==(const GetCFCheckptMessage&) const = default;
};

struct CFCheckptMessage {
    static constexpr std::string_view kCommand = "cfcheckpt";
    std::uint8_t filter_type = 0;
    BlockHash stop;
    std::vector<Uint256> headers;
    bool operator==(const CFCheckptMessage&) const = default;
};

struct FilterLoadMessage {
    static constexpr std::string_view kCommand = "filterload";
    Bytes filter;
    std::uint32_t hash_functions = 0;
    std::uint32_t tweak = 0;
    std::uint8_t flags = 0;
    bool operator==(const FilterLoadMessage&) const = default;
};

struct FilterAddMessage {
    static constexpr std::string_view kCommand = "filteradd";
    Bytes element;
    bool operator==(const FilterAddMessage&) const = default;
};

struct MerkleBlockMessage {
    static constexpr std::string_view kCommand = "merkleblock";
    BlockHeader header;
    std::uint32_t transactions = 0;
    std::vector<Uint256> hashes;
    Bytes flags;
    bool operator==(const MerkleBlockMessage&) const = default;
};

struct SendTxRcnclMessage {
    static constexpr std::string_view kCommand = "sendtxrcncl";
    std::uint32_t version = 0;
    std::uint64_t salt = 0;
    bool operator==(const SendTxRcnclMessage&) const = default;
};

/// BIP434.
struct FeatureMessage {
    static constexpr std::string_view kCommand = "feature";
    std::string id;
    Bytes data;
    bool malformed = false;   ///< read from bytes that are no feature: too short, too long or with a rest
    bool operator==(const FeatureMessage&) const = default;
};

/// A command that we do not know: to be ignored.
struct UnknownMessage {
    std::string command;
    std::size_t size = 0;
    bool operator==(const UnknownMessage&) const = default;
};

using Message =
    std::variant<UnknownMessage, VersionMessage, VerackMessage, PingMessage, PongMessage, AddrMessage, AddrV2Message,
                 SendAddrV2Message, WtxidRelayMessage, SendHeadersMessage, GetAddrMessage, MempoolMessage, InvMessage,
                 GetDataMessage, NotFoundMessage, GetHeadersMessage, GetBlocksMessage, HeadersMessage, BlockMessage, TxMessage,
                 FeeFilterMessage, SendCmpctMessage, CompactBlockMessage, GetBlockTxnMessage, BlockTxnMessage,
                 GetCFiltersMessage, CFilterMessage, GetCFHeadersMessage, CFHeadersMessage, GetCFCheckptMessage,
                 CFCheckptMessage, FilterLoadMessage, FilterAddMessage, FilterClearMessage, MerkleBlockMessage,
                 SendTxRcnclMessage, FeatureMessage>;

}  // namespace cairn::net
