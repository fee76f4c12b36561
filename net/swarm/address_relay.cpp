#include "net/swarm/address_relay.hpp"

#include <algorithm>

#include "net/core/intervals.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000, kHour_us = 3'600 * kSecond;
constexpr std::int64_t kSendInterval_us = 30 * kSecond;     // Core AVG_ADDRESS_BROADCAST_INTERVAL
constexpr std::int64_t kSelfInterval_us = 24 * kHour_us;    // Core AVG_LOCAL_ADDRESS_BROADCAST_INTERVAL
constexpr std::int64_t kRotation_s = 24 * 3'600;            // Core ROTATE_ADDR_RELAY_DEST_INTERVAL
constexpr std::int64_t kAnswerLife_us = 21 * kHour_us, kAnswerLifeSpread_us = 6 * kHour_us;
constexpr std::int64_t kTimePenalty_s = 2 * 3'600;          // taken off the times that others tell
constexpr std::int64_t kFresh_s = 10 * 60;                  // passed on when seen within
constexpr std::int64_t kAssumedAge_s = 5 * 24 * 3'600;      // of addresses with an impossible time
constexpr std::int64_t kOldestTime_s = 100'000'000;
constexpr std::size_t kSmallMessage = 10;                   // larger ones are answers and are not passed on

/// Everybody but peers that only exchange blocks, feelers that hang up at once, and those that must not be told apart.
bool may_gossip(ConnectionType type) {
    switch (type) {
        case ConnectionType::inbound:
        case ConnectionType::outbound_full_relay:
        case ConnectionType::manual:
        case ConnectionType::addr_fetch:
        case ConnectionType::lan: return true;  // a neighbour is nobody's business, but may know the way out
        default: return false;
    }
}

void write_endpoint(SipHasher& hasher, const Endpoint& endpoint) {
    hasher.write(std::uint64_t{static_cast<std::uint8_t>(endpoint.address.network())});
    hasher.write(std::uint64_t{endpoint.port});
    hasher.write(endpoint.address.bytes());
}

}  // namespace

AddressRelay::Peer::Peer(const PeerInfo& given, const AddressLink& how, SipKey key)
    : info(given), link(how), tokens_us(given.connected_us), known(kKnownAddresses, key) {}

AddressRelay::AddressRelay(Options options, Surroundings surroundings, Random& random)
    : options_(std::move(options)), around_(surroundings), random_(random), known_key_{random.u64(), random.u64()}, relay_key_{random.u64(), random.u64()} {}

AddressRelay::Peer* AddressRelay::find(PeerId id) {
    const auto found = peers_.find(id);
    return found == peers_.end() ? nullptr : &found->second;
}

/// The peer sent something about addresses. Null: it should not have.
AddressRelay::Peer* AddressRelay::take_part(const PeerInfo& info) {
    if (!may_gossip(info.type)) return nullptr;
    Peer* peer = find(info.id);
    if (peer) peer->enabled = true;
    return peer;
}

void AddressRelay::on_version(const PeerInfo& info, const AddressLink& link, Outbox& out) {
    const auto [place, fresh] = peers_.try_emplace(info.id, info, link, known_key_);
    if (!fresh || info.inbound() || !may_gossip(info.type)) return;
    Peer& peer = place->second;
    peer.enabled = peer.asked = true;
    peer.tokens += static_cast<double>(limits::kMaxAddresses);
    out.send(info.id, GetAddrMessage{});
}

Uint256 AddressRelay::mark(const Endpoint& endpoint) const {
    SipHasher hasher(known_key_);
    write_endpoint(hasher, endpoint);
    const std::uint64_t hash = hasher.finish();
    Uint256 made;
    std::memcpy(made.data(), &hash, sizeof hash);
    return made;
}

// ------------------------------------------------------------------------------------ what peers tell

/// A bucket that was filled above its brim by our own question only empties.
void AddressRelay::refill(Peer& peer, std::int64_t now_us) {
    constexpr auto kBrim = static_cast<double>(limits::kMaxAddresses);
    if (peer.tokens < kBrim) {
        const auto passed_us = static_cast<double>(std::max<std::int64_t>(0, now_us - peer.tokens_us));
        peer.tokens = std::min(kBrim, peer.tokens + passed_us / 1e6 * limits::kAddressRate);
    }
    peer.tokens_us = now_us;
}

bool AddressRelay::refused(const NetAddress& address, std::int64_t now_s) const {
    return around_.discouraged.contains(address) || around_.bans.banned(address, now_s);
}

/// Its time becomes a believable one.
AddressRelay::Fate AddressRelay::take_in(Peer& peer, PeerAddress& address, bool spread, std::int64_t now_us) {
    const std::int64_t now_s = now_us / kSecond;
    const NetAddress& host = address.endpoint.address;
    if (host.network() == NetworkId::none) return Fate::counted;  // of a network that we do not know
    if ((address.services & (kServiceNetwork | kServiceNetworkLimited)) == 0) return Fate::ignored;
    if (address.time <= kOldestTime_s || address.time > now_s + kFresh_s)
        address.time = static_cast<std::uint32_t>(std::max<std::int64_t>(0, now_s - kAssumedAge_s));
    peer.known.insert(mark(address.endpoint));
    if (refused(host, now_s)) return Fate::ignored;
    if ((address.services & kServiceOtherFork) != 0 || is_secret(host)) return Fate::counted;
    const bool reachable = options_.reachable(host.network());
    if (spread && address.time > now_s - kFresh_s && host.is_routable()) relay(peer, address, reachable, now_us);
    return reachable ? Fate::kept : Fate::counted;
}

void AddressRelay::on_addresses(const PeerInfo& info, std::string_view command, std::vector<PeerAddress> addresses, std::size_t count, Outbox& out,
                                std::int64_t now_us) {
    Peer* const peer = take_part(info);
    if (!peer) {
        out.log().debug("ignoring {} message from {} peer={}", command, to_string(info.type), info.id);
        return;
    }
    if (count > limits::kMaxAddresses) {
        out.misbehaving(info.id, fmt::format("{} message size = {}", command, count));
        return;
    }
    refill(*peer, now_us);
    const bool limited = !info.has(kPermitAddr);
    addresses.resize(count);
    // Which of too many are heard is not for the sender to choose.
    if (limited && peer->tokens >= 1.0 && peer->tokens < static_cast<double>(count))
        for (std::size_t i = count; i > 1; --i) std::swap(addresses[i - 1], addresses[random_.below(i)]);
    const bool spread = !peer->asked && count <= kSmallMessage;
    std::uint64_t processed = 0, dropped = 0;
    std::vector<PeerAddress> kept;
    for (PeerAddress& address : addresses) {
        if (peer->tokens >= 1.0) {
            peer->tokens -= 1.0;
        } else if (limited) {
            ++dropped;
            continue;
        }
        const Fate fate = take_in(*peer, address, spread, now_us);
        if (fate != Fate::ignored) ++processed;
        if (fate == Fate::kept) kept.push_back(address);
    }
    peer->processed += processed;
    peer->rate_limited += dropped;
    out.log().debug("Received addr: {} addresses ({} processed, {} rate-limited) from peer={}", count, processed, dropped, info.id);
    around_.book.add(kept, info.address.address, kTimePenalty_s, now_us / kSecond);
    if (count < limits::kMaxAddresses) peer->asked = false;
    // One address alone may be the peer's own, told before it answers.
    if (info.type == ConnectionType::addr_fetch && count > 1) out.disconnect(info.id, "addrfetch connection completed");
}

/// To one or two peers that are the same for a day, whoever tells of the address and however often.
void AddressRelay::relay(const Peer& from, const PeerAddress& address, bool reachable, std::int64_t now_us) {
    SipHasher plain({0, 0});
    write_endpoint(plain, address.endpoint);
    const std::uint64_t hash = plain.finish();
    // The day begins at another time for each address.
    const std::uint64_t day = (static_cast<std::uint64_t>(now_us / kSecond) + hash) / kRotation_s;
    SipHasher keyed(relay_key_);
    keyed.write(hash).write(day);
    const std::size_t receivers = reachable || (keyed.finish() & 1) != 0 ? 2 : 1;
    std::array<std::pair<std::uint64_t, Peer*>, 2> best{};
    for (auto& [id, peer] : peers_) {
        if (!peer.enabled || &peer == &from || peer.info.closing || !understands(peer, address.endpoint.address)) continue;
        SipHasher own = keyed;
        const std::uint64_t rank = own.write(static_cast<std::uint64_t>(id)).finish();
        if (rank > best[0].first) {
            best[1] = best[0];
            best[0] = {rank, &peer};
        } else if (rank > best[1].first) {
            best[1] = {rank, &peer};
        }
    }
    for (std::size_t i = 0; i < receivers; ++i)
        if (best[i].second) push(*best[i].second, address);
}

void AddressRelay::push(Peer& peer, const PeerAddress& address) {
    const NetAddress& host = address.endpoint.address;
    if (!host.is_routable() || !understands(peer, host) || is_secret(host) || peer.known.contains(mark(address.endpoint))) return;
    if (peer.queue.size() < limits::kMaxAddresses)
        peer.queue.push_back(address);
    else
        peer.queue[random_.below(peer.queue.size())] = address;
}

// ------------------------------------------------------------------------------------ what peers ask

std::vector<PeerAddress> AddressRelay::sample(std::int64_t now_us) {
    auto found = around_.book.sample(limits::kMaxAddresses, limits::kAddressPercent, std::nullopt, true, now_us / kSecond);
    std::erase_if(found, [&](const PeerAddress& address) { return refused(address.endpoint.address, now_us / kSecond); });
    return found;
}

const std::vector<PeerAddress>& AddressRelay::answer_for(const Peer& peer, std::int64_t now_us) {
    const NetAddress& host = peer.info.address.address;
    const NetworkId through = peer.link.onion ? NetworkId::onion : host.is_routable() ? host.network() : NetworkId::none;
    const Asker asker{through, peer.link.bind};
    if (answers_.size() >= kMaxAnswers && !answers_.contains(asker))
        answers_.erase(std::ranges::min_element(answers_, {}, [](const auto& entry) { return entry.second.until_us; }));
    Answer& answer = answers_[asker];
    if (answer.until_us < now_us) {
        answer.addresses = sample(now_us);
        answer.until_us = now_us + kAnswerLife_us + static_cast<std::int64_t>(random_.below(kAnswerLifeSpread_us));
    }
    return answer.addresses;
}

void AddressRelay::on_get_addresses(const PeerInfo& info, Outbox& out, std::int64_t now_us) {
    // Only those who called us: the answer could tell an attacker which peers we call what they planted in our book.
    if (!info.inbound()) {
        out.log().debug("Ignoring \"getaddr\" from {} connection. peer={}", to_string(info.type), info.id);
        return;
    }
    Peer* const peer = take_part(info);
    if (!peer) return;
    if (peer->answered) {
        out.log().debug("Ignoring repeated \"getaddr\". peer={}", info.id);
        return;
    }
    peer->answered = true;
    peer->queue.clear();
    if (info.has(kPermitAddr)) {
        for (const PeerAddress& address : sample(now_us)) push(*peer, address);
    } else {
        for (const PeerAddress& address : answer_for(*peer, now_us)) push(*peer, address);
    }
}

// ------------------------------------------------------------------------------------ what is sent

void AddressRelay::send(const Peer& peer, std::vector<PeerAddress> addresses, Outbox& out) {
    const std::size_t count = addresses.size();
    if (peer.info.wants_addrv2)
        out.send(peer.info.id, AddrV2Message{std::move(addresses), count});
    else
        out.send(peer.info.id, AddrMessage{std::move(addresses), count});
}

/// As what we tell this peer of ourselves: what we know best, and now and then what the peer itself sees.
std::optional<Endpoint> AddressRelay::own_address(const Peer& peer, Outbox& out) {
    const PeerInfo& info = peer.info;
    Endpoint own = around_.own.best_for(info.address.address, peer.link.onion).value_or(Endpoint{{}, options_.listen_port});
    const NetAddress& seen = peer.link.seen_as.address;
    const bool credible = options_.discover && info.address.address.is_routable() && seen.is_routable() && options_.reachable(seen.network()) &&
                          !is_secret(seen);
    const std::uint64_t one_in = around_.own.score(own.address) > LocalAddresses::from_operator ? 8 : 2;
    if (credible && (!own.address.is_routable() || random_.below(one_in) == 0)) {
        own.address = seen;
        if (info.inbound()) own.port = peer.link.seen_as.port;  // an outbound peer cannot see on which port we listen
    }
    if (!own.address.is_routable()) return std::nullopt;
    out.log().debug("Advertising address {} to peer={}", own.to_string(), info.id);
    return own;
}

void AddressRelay::announce_self(Peer& peer, Outbox& out, std::int64_t now_us) {
    const bool first = peer.next_self_us == 0;
    if (!first) peer.known.reset();  // so that it goes out again
    if (const auto own = own_address(peer, out)) {
        const PeerAddress address{*own, peer.link.our_services, static_cast<std::uint32_t>(now_us / kSecond)};
        if (!first) {
            push(peer, address);
        } else if (understands(peer, own->address)) {
            send(peer, {address}, out);  // by itself, for the peer hears at most one address at the beginning
        }
    }
    peer.next_self_us = now_us + exponential_interval(random_, kSelfInterval_us);
}

void AddressRelay::on_pump(const PeerInfo& info, bool self, Outbox& out, std::int64_t now_us) {
    Peer* const peer = find(info.id);
    if (!peer || !peer->enabled) return;
    if (options_.listen && self && peer->next_self_us < now_us) announce_self(*peer, out, now_us);
    if (now_us <= peer->next_send_us) return;
    peer->next_send_us = now_us + exponential_interval(random_, kSendInterval_us);
    std::erase_if(peer->queue, [&](const PeerAddress& address) {
        const Uint256 name = mark(address.endpoint);
        if (peer->known.contains(name)) return true;
        peer->known.insert(name);
        return false;
    });
    if (!peer->queue.empty()) send(*peer, std::exchange(peer->queue, {}), out);
}

// ------------------------------------------------------------------------------------ looking

void AddressRelay::describe(PeerId id, PeerSnapshot& snapshot) const {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    snapshot.addr_relay_enabled = found->second.enabled;
    snapshot.addr_processed = found->second.processed;
    snapshot.addr_rate_limited = found->second.rate_limited;
}

std::size_t AddressRelay::memory_usage() const {
    std::size_t bytes = 0;
    for (const auto& [id, peer] : peers_) bytes += sizeof peer + peer.known.memory_usage() + peer.queue.capacity() * sizeof(PeerAddress);
    for (const auto& [asker, answer] : answers_) bytes += sizeof answer + sizeof asker + answer.addresses.capacity() * sizeof(PeerAddress);
    return bytes;
}

}  // namespace cairn::net
