#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/core/outbox.hpp"
#include "net/core/random.hpp"
#include "net/discovery/dns_message.hpp"
#include "net/peer/rate_limit.hpp"

namespace cairn::net {

/// A way into the local network.
struct LanInterface {
    struct Place {
        NetAddress address;
        std::uint8_t prefix_bits = 0;  ///< addresses that share these bits are on the link
        bool operator==(const Place&) const = default;
    };
    unsigned index = 0;  ///< the system's
    std::string name;
    std::vector<Place> places;

    bool on_link(const NetAddress& address) const;
    bool operator==(const LanInterface&) const = default;
};

/// A packet to be sent by UDP port 5353 over an interface: to the group of its family, or to one machine.
struct LanPacket {
    unsigned interface = 0;
    bool ipv6 = false;
    std::optional<Endpoint> to;
    Bytes bytes;
};

/// A node of our chain on the local network.
struct LanPeer {
    std::string instance;    ///< the random name it gave itself
    Endpoint endpoint;       ///< an address of the link
    std::string interface;   ///< needed to reach a link-local address

    bool operator==(const LanPeer&) const = default;
};

/// Somebody came, changed his place, or left.
struct LanEvent {
    LanPeer peer;
    bool present = true;
};

/// Multicast DNS for one service: announces us as `<random>._bitcoin._tcp.local` and finds others of the same chain.
///
/// A name is probed for before it is used and changed when somebody else has it; answers to shared questions come after a random moment, are left
/// out when the asker knows them, and go out at most once a second; questions are repeated after 1, 2, 4, … seconds up to an hour, with what we
/// know already; what is not refreshed is forgotten, a goodbye makes us forget at once. Only who shares magic and genesis block with us is reported,
/// and only under an address of the link over which he told it.
/// Attacker: anybody on the link. He can name himself as often as `kMaxInstancesPerHost`; he cannot make us call another host, and packets
/// beyond `kPacketsPerSecond` are not looked at.
/// Source: RFC 6762 (sections 5 to 11), RFC 6763 (sections 4 to 9).
/// Owner: net thread.
class LanService {
public:
    static constexpr std::size_t kMaxInstances = 64;
    static constexpr std::size_t kMaxInstancesPerHost = 4;
    static constexpr std::size_t kMaxInterfaces = 16;
    static constexpr double kPacketsPerSecond = 50, kPacketBurst = 200;

    struct Options {
        std::array<std::uint8_t, 4> magic{};
        Uint256 genesis;
        std::uint16_t port = 0;  ///< where we listen; 0: nowhere, we only ask
    };
    LanService(Options options, Random random);

    /// The interfaces there are now; new ones are asked and told at once.
    void set_interfaces(std::vector<LanInterface> interfaces, std::int64_t now_us);
    void on_packet(unsigned interface, const Endpoint& from, ByteSpan packet, std::int64_t now_us);
    /// To be called about ten times a second.
    void on_tick(std::int64_t now_us);
    /// Takes leave of everybody; nothing is said or heard until set_interfaces is called again.
    void stop(std::int64_t now_us);

    std::vector<LanPacket> take_packets() { return std::exchange(packets_, {}); }
    std::vector<LanEvent> take_events() { return std::exchange(events_, {}); }
    LogLines& log() { return log_; }

    const std::string& instance() const { return instance_; }
    /// Our name is ours and others have been told.
    bool announced() const { return stage_ == Stage::announced; }
    /// Nodes of whatever chain that are remembered.
    std::size_t known() const { return seen_.size(); }
    const std::vector<LanInterface>& interfaces() const { return interfaces_; }
    struct Counts {
        std::uint64_t sent = 0, received = 0, malformed = 0, rate_limited = 0;
    };
    const Counts& counts() const { return counts_; }

private:
    enum class Stage { silent, probing, announcing, announced };
    struct Seen {
        std::string instance;
        NetAddress source;                 ///< who told first
        unsigned interface = 0;
        std::int64_t pointer_until_us = 0, service_until_us = 0;
        std::int64_t ask_us = 0, ask_interval_us = 0;  ///< when its details are asked for, and again
        int unanswered = 0;
        std::optional<std::uint16_t> port;
        bool ours = false;                 ///< of our chain, says its TXT
        std::optional<LanPeer> found, reported;
        std::int64_t found_until_us = 0;   ///< unless it is told again
    };
    /// Some of our records that are to be told after a random moment.
    struct Answer {
        std::int64_t due_us = 0;
        unsigned interface = 0;
        bool ipv6 = false;
        bool pointer = false, service = false, text = false, host = false, kinds = false;  ///< which of them
        bool defends = false;              ///< somebody probes for our name
        std::optional<Endpoint> to;        ///< nobody else needs it
        std::optional<Endpoint> asker;     ///< whose known answers go on in another packet
        bool any() const { return pointer || service || text || host || kinds; }
    };
    using Link = std::pair<unsigned, bool>;  ///< interface, IPv6

    const LanInterface* find(unsigned index) const;
    std::vector<Link> links() const;
    void choose_name();
    void begin(std::int64_t now_us);
    void rename(std::int64_t now_us);
    void step(std::int64_t now_us);
    void probe();
    void announce(bool goodbye);
    void ask(std::int64_t now_us);
    void ask_about(Seen& seen, std::int64_t now_us);
    void send(const Link& link, const std::optional<Endpoint>& to, const dns::Message& message);

    dns::Record pointer_record() const;
    dns::Record kinds_record() const;
    dns::Record service_record() const;
    dns::Record text_record() const;
    std::vector<dns::Record> host_records(const LanInterface& interface) const;
    bool conflicts(const std::vector<dns::Record>& records) const;

    void on_query(const LanInterface& interface, const Endpoint& from, const dns::Message& message, std::int64_t now_us);
    Answer wanted(const dns::Message& message) const;
    bool knows_pointer(const dns::Message& message) const;
    dns::Message answer_message(const Answer& answer, const LanInterface& interface) const;
    void answer_legacy(const Endpoint& from, const dns::Message& message, const Answer& answer, const LanInterface& interface);
    void queue(Answer answer);
    void send_answers(std::int64_t now_us);

    void on_response(const LanInterface& interface, const Endpoint& from, const dns::Message& message, std::int64_t now_us);
    Seen* on_pointer(const LanInterface& interface, const Endpoint& from, const dns::Record& record, std::int64_t now_us);
    void on_details(Seen& seen, const LanInterface& interface, const Endpoint& from, const std::vector<dns::Record>& records, std::int64_t now_us);
    void place(Seen& seen, const LanInterface& interface, const Endpoint& from, const std::vector<NetAddress>& addresses, std::int64_t now_us);
    void report(Seen& seen);
    void forget(const std::string& instance);
    void expire(std::int64_t now_us);
    dns::Name name_of(const Seen& seen) const { return service_.child(seen.instance); }

    Options options_;
    Random random_;
    LogLines log_;
    dns::Name service_, kinds_, own_, host_;
    std::string instance_;
    std::vector<LanInterface> interfaces_;
    Stage stage_ = Stage::silent;
    int steps_left_ = 0, renamed_ = 0;
    std::int64_t next_step_us_ = 0, next_ask_us_ = 0, ask_interval_us_ = 0;
    std::vector<Seen> seen_;
    std::vector<Answer> answers_;
    std::map<Link, std::int64_t> last_told_us_;      ///< when our records last went to everybody
    std::map<unsigned, TokenBucket> tokens_;         ///< packets that are looked at, by interface
    std::vector<LanPacket> packets_;
    std::vector<LanEvent> events_;
    Counts counts_;
};

}  // namespace cairn::net
