#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/core/random.hpp"
#include "net/core/rolling_filter.hpp"
#include "net/swarm/addr_book.hpp"
#include "net/swarm/bans.hpp"
#include "net/swarm/local_addresses.hpp"

namespace cairn::net {

/// What gossip about addresses needs to know of a connection beside PeerInfo.
struct AddressLink {
    Endpoint bind{};                 ///< our end
    bool onion = false;              ///< came in through our onion service
    Endpoint seen_as{};              ///< how the peer names us; no address when it did not say
    std::uint64_t our_services = 0;  ///< as our version message told the peer
};

/// Gossip about where nodes are: what peers tell goes into the address book and, when it is fresh and little, to one or two
/// other peers; what peers ask for is answered from a picture of the book that stands for a day; and once a day each peer
/// hears of ourselves.
///
/// What an attacker may not get: more than one address in ten seconds into the book (beyond the answer that we asked for),
/// better propagation by repeating himself (the receivers of an address stay the same for a day and remember it),
/// the whole of the book, the times in it or who our peers are (an answer is a share, the same for all who ask at one of
/// our addresses), a link from one of our networks to another (own addresses of Tor and I2P stay within their network), or
/// anything from peers that only exchange blocks. Addresses that nobody outside could reach, and those that
/// `set_secret` names, are never told.
///
/// Limits: for each peer 1000 addresses in its queue and a filter of the 5000 it knows, together about 110 kB;
/// kMaxAnswers pictures of at most 1000 addresses.
/// Source: BIP155; the numbers and the order of what is sent are Bitcoin Core's.
/// Owner: net thread.
class AddressRelay {
public:
    struct Options {
        bool listen = true;             ///< others can call us: they may hear of us
        bool discover = true;           ///< believe peers a little about our own address
        std::uint16_t listen_port = 0;  ///< to be told with an address that only peers know us by
        std::function<bool(NetworkId)> reachable;  ///< we dial addresses of this network
    };
    /// What it reads and fills; all of it outlives this object.
    struct Surroundings {
        AddrBook& book;
        const Discouraged& discouraged;
        const BanList& bans;
        const LocalAddresses& own;
    };
    static constexpr std::size_t kMaxAnswers = 64, kKnownAddresses = 5000;

    AddressRelay(Options options, Surroundings surroundings, Random& random);

    /// Addresses for which `secret` is true never leave this node and are not taken from gossip: those of the local
    /// network, say. Replaces what was set before.
    void set_secret(std::function<bool(const NetAddress&)> secret) { secret_ = std::move(secret); }

    /// The version message of a peer was accepted; a full outbound peer is asked for addresses. `peer` outlives on_gone.
    void on_version(const PeerInfo& peer, const AddressLink& link, Outbox& out);
    void on_gone(PeerId id) { peers_.erase(id); }
    /// addr or addrv2: `count` entries were in it, and `addresses` are those of networks that we know.
    void on_addresses(const PeerInfo& peer, std::string_view command, std::vector<PeerAddress> addresses, std::size_t count, Outbox& out,
                      std::int64_t now_us);
    void on_get_addresses(const PeerInfo& peer, Outbox& out, std::int64_t now_us);
    /// Sends what is due. `self`: we may tell of ourselves, that is, have caught up with the chain.
    void on_pump(const PeerInfo& peer, bool self, Outbox& out, std::int64_t now_us);

    /// Fills in the fields about addresses.
    void describe(PeerId id, PeerSnapshot& snapshot) const;
    /// Bytes held for peers and for answers.
    std::size_t memory_usage() const;

private:
    struct Peer {
        Peer(const PeerInfo& given, const AddressLink& how, SipKey key);
        const PeerInfo& info;
        AddressLink link;
        bool enabled = false;   ///< takes part: outbound peers from the start, others once they spoke of addresses
        bool asked = false;     ///< our getaddr has not been answered
        bool answered = false;  ///< its getaddr has been
        double tokens = 1.0;    ///< addresses that it may tell now
        std::int64_t tokens_us; ///< when the tokens were last counted
        RollingFilter known;
        std::vector<PeerAddress> queue;
        std::int64_t next_send_us = 0, next_self_us = 0;
        std::uint64_t processed = 0, rate_limited = 0;
    };
    struct Answer {
        std::int64_t until_us = 0;
        std::vector<PeerAddress> addresses;
    };
    /// What becomes of an address: nothing, only its count, or a place in the book.
    enum class Fate { ignored, counted, kept };
    /// Through which network somebody asked at which of our addresses.
    using Asker = std::pair<NetworkId, Endpoint>;

    Peer* find(PeerId id);
    Peer* take_part(const PeerInfo& info);
    static void refill(Peer& peer, std::int64_t now_us);
    bool is_secret(const NetAddress& address) const { return secret_ && secret_(address); }
    bool refused(const NetAddress& address, std::int64_t now_s) const;
    Uint256 mark(const Endpoint& endpoint) const;
    bool understands(const Peer& peer, const NetAddress& address) const { return peer.info.wants_addrv2 || address.is_v1_compatible(); }
    Fate take_in(Peer& peer, PeerAddress& address, bool spread, std::int64_t now_us);
    void relay(const Peer& from, const PeerAddress& address, bool reachable, std::int64_t now_us);
    void push(Peer& peer, const PeerAddress& address);
    const std::vector<PeerAddress>& answer_for(const Peer& peer, std::int64_t now_us);
    std::vector<PeerAddress> sample(std::int64_t now_us);
    std::optional<Endpoint> own_address(const Peer& peer, Outbox& out);
    void announce_self(Peer& peer, Outbox& out, std::int64_t now_us);
    static void send(const Peer& peer, std::vector<PeerAddress> addresses, Outbox& out);

    Options options_;
    Surroundings around_;
    Random& random_;
    std::function<bool(const NetAddress&)> secret_;
    SipKey known_key_, relay_key_;
    std::map<PeerId, Peer> peers_;
    std::map<Asker, Answer> answers_;
};

}  // namespace cairn::net
