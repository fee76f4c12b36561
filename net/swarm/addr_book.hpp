#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "consensus/base/result.hpp"
#include "net/core/outbox.hpp"
#include "net/core/random.hpp"
#include "net/swarm/net_groups.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net {

/// Addresses of nodes that we heard of, and what we learned by trying them, kept so that nobody can fill it with his own.
///
/// Two tables of buckets: `new` for what somebody told, `tried` for what answered us once. The group of an address (and of who told
/// of it) decides by a secret hash which few buckets it can be in, so a source of many addresses reaches only a small part
/// of the table. An entry of `tried` is tested once more before a newcomer takes its place.
/// Limits: 1024 + 256 buckets of 64; an address is in at most 8 buckets of `new`.
/// Source: the scheme of Bitcoin Core (addrman), whose file it reads and writes.
/// Owner: net thread.
class AddrBook {
public:
    struct Options {
        bool deterministic = false;           ///< for tests: a known secret
        const NetGroups* groups = nullptr;    ///< outlives the book; null: without a map
        LogLines* log = nullptr;              ///< may be null
        int check_ratio = 0;                  ///< one operation in so many ends with check(), which must find nothing; 0: none
    };
    AddrBook(Random& random, Options options);
    explicit AddrBook(Random& random) : AddrBook(random, Options{}) {}

    // --- what others say
    /// Takes in what `source` told; `penalty_s` is subtracted from the times, but not from its own address. Gives how many were
    /// new or came into one more bucket.
    std::size_t add(const std::vector<PeerAddress>& addresses, const NetAddress& source, std::int64_t penalty_s, std::int64_t now_s);

    // --- what we find out
    /// We try it. `count_failure`: it is held against it unless it answers.
    void on_attempt(const Endpoint& endpoint, bool count_failure, std::int64_t now_s);
    /// The handshake with it succeeded: it belongs into `tried`, now or after the one that is in its place was tested. True: now.
    bool on_good(const Endpoint& endpoint, std::int64_t now_s);
    /// A long connection with it ends.
    void on_connected(const Endpoint& endpoint, std::int64_t now_s);
    void set_services(const Endpoint& endpoint, std::uint64_t services);

    // --- choosing
    struct Choice {
        PeerAddress address;
        std::int64_t last_try_s = 0;
    };
    /// A random address of these networks (empty: of any), half from each table unless `new_only`.
    std::optional<Choice> select(bool new_only, const std::set<NetworkId>& networks, std::int64_t now_s);
    /// The entry of `tried` that must be tested because a newcomer wants its place.
    std::optional<Choice> select_collision();
    /// Decides about newcomers whose rival was tested, or could not be.
    void resolve_collisions(std::int64_t now_s);
    /// A random share for somebody who asks: at most `limit` (0: any number) and `percent` (0: all) of the book.
    std::vector<PeerAddress> sample(std::size_t limit, std::size_t percent, std::optional<NetworkId> network, bool good_ones_only, std::int64_t now_s);

    // --- looking
    std::size_t size() const { return order_.size(); }
    /// By which a diverse choice of peers is made: see NetGroups.
    Bytes group(const NetAddress& address) const { return groups_->group(address); }
    std::size_t size(std::optional<NetworkId> network, std::optional<bool> in_new) const;
    struct Place {
        bool tried = false;
        int bucket = 0, position = 0;
        PeerAddress address;
        NetAddress source;
        std::int64_t last_good_s = 0;
        std::uint32_t system = 0, source_system = 0;  ///< autonomous systems, when there is a map
    };
    /// Everything in one table, bucket by bucket.
    std::vector<Place> places(bool tried) const;

    // --- on disk: Bitcoin Core's peers.dat without its magic and checksum
    Bytes serialize() const;
    /// Fills an empty book. Errors: Bitcoin Core's text; the book is unusable then.
    struct LoadError {
        std::string message;
        bool newer_version = false;  ///< of a format that we do not know, but not broken
    };
    /// Gives how many bytes it took; more may follow.
    Result<std::size_t, LoadError> deserialize(ByteSpan bytes);

    /// Checks all invariants. 0: they hold; otherwise the number of the one that does not.
    int check() const;

private:
    using Id = std::int32_t;
    static constexpr Id kNone = -1;
    static constexpr int kNewBuckets = 1024, kTriedBuckets = 256, kBucketSize = 64, kMaxNewPlaces = 8;

    struct Entry {
        PeerAddress address;
        NetAddress source;
        std::int64_t last_try_s = 0, last_counted_try_s = 0, last_good_s = 0;
        std::int32_t failures = 0;   ///< since the last success
        int new_places = 0;
        bool tried = false;
        std::size_t order = 0;       ///< in order_
    };
    struct Hash {
        std::size_t operator()(const Endpoint& e) const { return std::hash<NetAddress>()(e.address) * 31 + e.port; }
    };
    /// A sparse bucket: positions and who is there, ascending.
    using Bucket = std::vector<std::pair<std::uint8_t, Id>>;

    /// Checks the book when the operation that it stands in ends.
    struct Watched {
        AddrBook& book;
        ~Watched() { book.check_now_and_then(); }
    };
    void check_now_and_then();
    static Bytes key_of(const Endpoint& endpoint);
    int tried_bucket(const Endpoint& endpoint) const;
    int new_bucket(const Endpoint& endpoint, const NetAddress& source) const;
    int position(bool tried, int bucket, const Endpoint& endpoint) const;
    static Id get(const std::vector<Bucket>& table, int bucket, int position);
    void set(std::vector<Bucket>& table, int bucket, int position, Id id);

    bool add_one(const PeerAddress& address, const NetAddress& source, std::int64_t penalty_s, std::int64_t now_s);
    Id create(const PeerAddress& address, const NetAddress& source);
    void erase(Id id);
    void clear_new(int bucket, int position);
    void make_tried(Id id);
    bool move_to_tried(const Endpoint& endpoint, bool test_first, std::int64_t now_s);
    static bool terrible(const Entry& entry, std::int64_t now_s);
    static double chance(const Entry& entry, std::int64_t now_s);
    bool valid(const Entry& entry) const { return entry.address.endpoint.address.is_valid(); }
    void count(const Entry& entry, int change);
    void write(Bytes& out, const Entry& entry) const;
    static bool read(Reader& reader, bool bip155, Entry& entry);
    Id load_entry(Entry entry, bool tried);

    Random& random_;
    Options options_;
    NetGroups no_groups_;
    const NetGroups* groups_;
    Uint256 key_;
    std::unordered_map<Endpoint, Id, Hash> ids_;
    std::unordered_map<Id, Entry> entries_;
    std::vector<Id> order_;  ///< all, for random samples
    std::vector<Bucket> new_, tried_;
    std::vector<std::uint16_t> filled_new_, filled_tried_;  ///< buckets with somebody in them, ascending
    std::set<Id> collisions_;
    Id next_id_ = 0;
    std::size_t new_count_ = 0, tried_count_ = 0;
    std::map<NetworkId, std::array<std::size_t, 2>> counts_;  ///< in new, in tried
    std::int64_t last_good_s_ = 1;
};

}  // namespace cairn::net
