#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "consensus/base/codec.hpp"
#include "consensus/base/result.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net::dns {

inline constexpr std::size_t kMaxPacketBytes = 9000;    ///< RFC 6762, section 17
inline constexpr std::size_t kMaxNameBytes = 255;       ///< RFC 1035, section 3.1
inline constexpr std::size_t kMaxLabelBytes = 63;
inline constexpr std::size_t kMaxEntries = 256;         ///< questions and records of one packet together; our own bound
inline constexpr std::size_t kMaxTextEntries = 32;      ///< strings of one TXT record that are kept; our own bound

/// Types of records that are of use here; all others are read over. Source: RFC 1035, RFC 3596, RFC 2782.
enum Type : std::uint16_t { kA = 1, kPtr = 12, kTxt = 16, kAaaa = 28, kSrv = 33, kAny = 255 };

/// A domain name as its labels, without the root: {"_bitcoin", "_tcp", "local"}. Compared without regard to ASCII case.
struct Name {
    std::vector<std::string> labels;

    bool operator==(const Name& other) const;
    /// The name without its first label.
    Name parent() const { return labels.empty() ? Name() : Name{{labels.begin() + 1, labels.end()}}; }
    /// `label` in front of this name.
    Name child(const std::string& label) const;
    /// With dots; dots and control characters inside labels are shown as `\DDD`.
    std::string to_string() const;
};

struct Question {
    Name name;
    std::uint16_t type = kAny;
    bool unicast_wanted = false;  ///< the "QU" bit (RFC 6762, section 5.4)
};

/// One record of class IN; which fields mean something depends on the type.
struct Record {
    Name name;
    std::uint16_t type = 0;
    bool flush = false;              ///< the only ones of this name and type (RFC 6762, section 10.2)
    std::uint32_t ttl_s = 0;
    Name target;                     ///< PTR, SRV
    std::uint16_t port = 0;          ///< SRV
    std::vector<std::string> texts;  ///< TXT
    NetAddress address;              ///< A, AAAA

    /// Says the same, whatever the TTL.
    bool same_data(const Record& other) const;
};

struct Message {
    std::uint16_t id = 0;
    bool response = false;
    bool truncated = false;  ///< more known answers follow in another packet
    std::vector<Question> questions;
    std::vector<Record> answers, authorities, additional;
};

/// Takes a packet apart. Records of other types and classes are left out. A compressed name may only point backwards, so that its length and the
/// work for it are bounded.
/// Limits: kMaxPacketBytes, kMaxEntries. Errors: anything that does not follow RFC 1035, section 4.
Result<Message, DecodeError> parse(ByteSpan packet);

/// The packet for a message; names that were written before are pointed to. The names are valid ones.
Bytes write(const Message& message);

}  // namespace cairn::net::dns
