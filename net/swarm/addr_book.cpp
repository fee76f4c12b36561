#include "net/swarm/addr_book.hpp"

#include <algorithm>
#include <cmath>

#include "consensus/base/check.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn::net {
namespace {

constexpr std::uint64_t kTriedBucketsPerGroup = 8;
constexpr std::uint64_t kNewBucketsPerSource = 64;
constexpr std::int64_t kHour_s = 60 * 60, kDay_s = 24 * kHour_s;
constexpr std::int64_t kHorizon_s = 30 * kDay_s;      // not seen for this long: of no use
constexpr int kRetries = 3;                           // failures of one that never answered
constexpr int kMaxFailures = 10;                      // of one that did, within
constexpr std::int64_t kFailureSpan_s = 7 * kDay_s;
constexpr std::int64_t kReplacement_s = 4 * kHour_s;  // one that answered within keeps its place
constexpr std::int64_t kTestWindow_s = 40 * 60;       // to test it
constexpr std::size_t kMaxCollisions = 10;

/// The first eight bytes of a SHA-256d, as a number.
std::uint64_t cheap_hash(const Bytes& bytes) { return hash256(bytes).low64(); }

}  // namespace

AddrBook::AddrBook(Random& random, Options options)
    : random_(random), options_(options), groups_(options.groups ? options.groups : &no_groups_), new_(kNewBuckets), tried_(kTriedBuckets) {
    if (options_.deterministic) key_.data()[0] = 1;
    else key_ = random_.uint256();
}

// ------------------------------------------------------------------------------------ where an address may stand

Bytes AddrBook::key_of(const Endpoint& endpoint) {
    Bytes key;
    Writer writer(key);
    if (endpoint.address.is_ip()) writer.bytes(endpoint.address.v1_bytes());
    else writer.bytes(endpoint.address.bytes());
    writer.u16_be(endpoint.port);
    return key;
}

int AddrBook::tried_bucket(const Endpoint& endpoint) const {
    Bytes first, second;
    Writer one(first), two(second);
    one.uint256(key_);
    one.var_bytes(key_of(endpoint));
    two.uint256(key_);
    two.var_bytes(groups_->group(endpoint.address));
    two.u64(cheap_hash(first) % kTriedBucketsPerGroup);
    return static_cast<int>(cheap_hash(second) % kTriedBuckets);
}

int AddrBook::new_bucket(const Endpoint& endpoint, const NetAddress& source) const {
    const Bytes source_group = groups_->group(source);
    Bytes first, second;
    Writer one(first), two(second);
    one.uint256(key_);
    one.var_bytes(groups_->group(endpoint.address));
    one.var_bytes(source_group);
    two.uint256(key_);
    two.var_bytes(source_group);
    two.u64(cheap_hash(first) % kNewBucketsPerSource);
    return static_cast<int>(cheap_hash(second) % kNewBuckets);
}

int AddrBook::position(bool tried, int bucket, const Endpoint& endpoint) const {
    Bytes bytes;
    Writer writer(bytes);
    writer.uint256(key_);
    writer.u8(tried ? 'K' : 'N');
    writer.i32(bucket);
    writer.var_bytes(key_of(endpoint));
    return static_cast<int>(cheap_hash(bytes) % kBucketSize);
}

AddrBook::Id AddrBook::get(const std::vector<Bucket>& table, int bucket, int position) {
    const Bucket& places = table[static_cast<std::size_t>(bucket)];
    const auto found = std::ranges::lower_bound(places, position, {}, [](const auto& place) { return int{place.first}; });
    return found != places.end() && found->first == position ? found->second : kNone;
}

void AddrBook::set(std::vector<Bucket>& table, int bucket, int position, Id id) {
    Bucket& places = table[static_cast<std::size_t>(bucket)];
    const auto found = std::ranges::lower_bound(places, position, {}, [](const auto& place) { return int{place.first}; });
    const bool there = found != places.end() && found->first == position;
    const bool was_empty = places.empty();
    if (id == kNone) {
        if (there) places.erase(found);
    } else if (there) {
        found->second = id;
    } else {
        places.insert(found, {static_cast<std::uint8_t>(position), id});
    }
    if (places.empty() == was_empty) return;
    std::vector<std::uint16_t>& filled = &table == &new_ ? filled_new_ : filled_tried_;
    const auto number = static_cast<std::uint16_t>(bucket);
    const auto place = std::ranges::lower_bound(filled, number);
    was_empty ? void(filled.insert(place, number)) : void(filled.erase(place));
}

// ------------------------------------------------------------------------------------ entries

void AddrBook::count(const Entry& entry, int change) {
    const auto by = static_cast<std::size_t>(change);
    (entry.tried ? tried_count_ : new_count_) += by;
    counts_[entry.address.endpoint.address.network()][entry.tried] += by;
}

AddrBook::Id AddrBook::create(const PeerAddress& address, const NetAddress& source) {
    const Id id = next_id_++;
    Entry entry;
    entry.address = address;
    entry.source = source;
    entry.order = order_.size();
    order_.push_back(id);
    ids_[address.endpoint] = id;
    count(entry, 1);
    entries_.emplace(id, std::move(entry));
    return id;
}

void AddrBook::erase(Id id) {
    const auto found = entries_.find(id);
    CAIRN_CHECK(found != entries_.end() && !found->second.tried && found->second.new_places == 0);
    count(found->second, -1);
    const std::size_t place = found->second.order;
    order_[place] = order_.back();
    entries_.at(order_[place]).order = place;
    order_.pop_back();
    ids_.erase(found->second.address.endpoint);
    entries_.erase(found);
}

void AddrBook::clear_new(int bucket, int position) {
    const Id id = get(new_, bucket, position);
    if (id == kNone) return;
    Entry& entry = entries_.at(id);
    set(new_, bucket, position, kNone);
    if (options_.log) options_.log->debug("Removed {} from new[{}][{}]", entry.address.endpoint.to_string(), bucket, position);
    if (--entry.new_places == 0) erase(id);
}

bool AddrBook::terrible(const Entry& entry, std::int64_t now_s) {
    if (now_s - entry.last_try_s <= 60) return false;
    if (entry.address.time > now_s + 600) return true;
    if (now_s - entry.address.time > kHorizon_s) return true;
    if (entry.last_good_s == 0 && entry.failures >= kRetries) return true;
    return now_s - entry.last_good_s > kFailureSpan_s && entry.failures >= kMaxFailures;
}

double AddrBook::chance(const Entry& entry, std::int64_t now_s) {
    return (now_s - entry.last_try_s < 600 ? 0.01 : 1.0) * std::pow(0.66, std::min(entry.failures, 8));
}

// ------------------------------------------------------------------------------------ what others say

std::size_t AddrBook::add(const std::vector<PeerAddress>& addresses, const NetAddress& source, std::int64_t penalty_s, std::int64_t now_s) {
    const Watched watched{*this};
    std::size_t added = 0;
    for (const PeerAddress& address : addresses) added += add_one(address, source, penalty_s, now_s);
    if (added > 0 && options_.log)
        options_.log->debug("Added {} addresses (of {}) from {}: {} tried, {} new", added, addresses.size(), source.to_string(), tried_count_, new_count_);
    return added;
}

bool AddrBook::add_one(const PeerAddress& address, const NetAddress& source, std::int64_t penalty_s, std::int64_t now_s) {
    if (!address.endpoint.address.is_routable()) return false;
    if (address.endpoint.address == source) penalty_s = 0;
    const auto penalised = static_cast<std::uint32_t>(std::max<std::int64_t>(0, std::int64_t{address.time} - penalty_s));
    Id id;
    if (const auto known = ids_.find(address.endpoint); known != ids_.end()) {
        id = known->second;
        Entry& entry = entries_.at(id);
        const std::int64_t interval = now_s - std::int64_t{address.time} < kDay_s ? kHour_s : kDay_s;
        if (entry.address.time < std::int64_t{address.time} - interval - penalty_s) entry.address.time = penalised;
        entry.address.services |= address.services;
        if (address.time <= entry.address.time || entry.tried || entry.new_places == kMaxNewPlaces) return false;
        // Each further place is twice as hard to get.
        if (entry.new_places > 0 && random_.below(std::uint64_t{1} << entry.new_places) != 0) return false;
    } else {
        PeerAddress fresh = address;
        fresh.time = penalised;
        id = create(fresh, source);
    }
    Entry& entry = entries_.at(id);
    const int bucket = new_bucket(address.endpoint, source);
    const int place = position(false, bucket, address.endpoint);
    const Id there = get(new_, bucket, place);
    if (there == id) return false;
    if (there != kNone) {
        const Entry& rival = entries_.at(there);
        if (!terrible(rival, now_s) && !(rival.new_places > 1 && entry.new_places == 0)) {
            if (entry.new_places == 0) erase(id);
            return false;
        }
        clear_new(bucket, place);
    }
    set(new_, bucket, place, id);
    ++entries_.at(id).new_places;
    if (options_.log && options_.log->debug_wanted()) options_.log->debug("Added {} to new[{}][{}]", address.endpoint.to_string(), bucket, place);
    return true;
}

// ------------------------------------------------------------------------------------ what we find out

void AddrBook::on_attempt(const Endpoint& endpoint, bool count_failure, std::int64_t now_s) {
    const Watched watched{*this};
    const auto known = ids_.find(endpoint);
    if (known == ids_.end()) return;
    Entry& entry = entries_.at(known->second);
    entry.last_try_s = now_s;
    // While nobody answers it is our own connection that is broken.
    if (count_failure && entry.last_counted_try_s < last_good_s_) {
        entry.last_counted_try_s = now_s;
        ++entry.failures;
    }
}

bool AddrBook::on_good(const Endpoint& endpoint, std::int64_t now_s) {
    const Watched watched{*this};
    return move_to_tried(endpoint, true, now_s);
}

bool AddrBook::move_to_tried(const Endpoint& endpoint, bool test_first, std::int64_t now_s) {
    last_good_s_ = now_s;
    const auto known = ids_.find(endpoint);
    if (known == ids_.end()) return false;
    const Id id = known->second;
    Entry& entry = entries_.at(id);
    entry.last_good_s = entry.last_try_s = now_s;
    entry.failures = 0;
    if (entry.tried) return false;
    const int bucket = tried_bucket(endpoint);
    const int place = position(true, bucket, endpoint);
    const Id there = get(tried_, bucket, place);
    if (test_first && there != kNone) {
        if (collisions_.size() < kMaxCollisions) collisions_.insert(id);
        if (options_.log)
            options_.log->debug("Collision with {} while attempting to move {} to tried table. Collisions={}",
                                entries_.at(there).address.endpoint.to_string(), endpoint.to_string(), collisions_.size());
        return false;
    }
    make_tried(id);
    if (options_.log) options_.log->debug("Moved {} to tried[{}][{}]", endpoint.to_string(), bucket, place);
    return true;
}

void AddrBook::make_tried(Id id) {
    Entry& entry = entries_.at(id);
    const Endpoint endpoint = entry.address.endpoint;
    const int start = new_bucket(endpoint, entry.source);
    for (int n = 0; n < kNewBuckets && entry.new_places > 0; ++n) {
        const int bucket = (start + n) % kNewBuckets;
        if (new_[static_cast<std::size_t>(bucket)].empty()) continue;
        const int place = position(false, bucket, endpoint);
        if (get(new_, bucket, place) != id) continue;
        set(new_, bucket, place, kNone);
        --entry.new_places;
    }
    CAIRN_CHECK(entry.new_places == 0);
    count(entry, -1);
    const int bucket = tried_bucket(endpoint);
    const int place = position(true, bucket, endpoint);
    if (const Id old_id = get(tried_, bucket, place); old_id != kNone) {
        Entry& old = entries_.at(old_id);
        count(old, -1);
        old.tried = false;
        set(tried_, bucket, place, kNone);
        const int back = new_bucket(old.address.endpoint, old.source);
        const int back_place = position(false, back, old.address.endpoint);
        count(old, 1);
        clear_new(back, back_place);
        set(new_, back, back_place, old_id);
        old.new_places = 1;
        if (options_.log)
            options_.log->debug("Moved {} from tried[{}][{}] to new[{}][{}] to make space", old.address.endpoint.to_string(), bucket, place, back, back_place);
    }
    set(tried_, bucket, place, id);
    Entry& moved = entries_.at(id);
    moved.tried = true;
    count(moved, 1);
}

void AddrBook::on_connected(const Endpoint& endpoint, std::int64_t now_s) {
    const Watched watched{*this};
    const auto known = ids_.find(endpoint);
    if (known == ids_.end()) return;
    Entry& entry = entries_.at(known->second);
    if (now_s - entry.address.time > 20 * 60) entry.address.time = static_cast<std::uint32_t>(now_s);
}

void AddrBook::set_services(const Endpoint& endpoint, std::uint64_t services) {
    const Watched watched{*this};
    const auto known = ids_.find(endpoint);
    if (known != ids_.end()) entries_.at(known->second).address.services = services;
}

// ------------------------------------------------------------------------------------ choosing

std::optional<AddrBook::Choice> AddrBook::select(bool new_only, const std::set<NetworkId>& networks, std::int64_t now_s) {
    const Watched watched{*this};
    std::size_t in_new = new_count_, in_tried = tried_count_;
    if (!networks.empty()) {
        in_new = in_tried = 0;
        for (const NetworkId network : networks) {
            in_new += size(network, true);
            in_tried += size(network, false);
        }
    }
    if (new_only) in_tried = 0;
    if (in_new + in_tried == 0) return std::nullopt;
    const bool from_tried = in_new == 0 || (in_tried > 0 && random_.below(2) == 0);
    const std::vector<Bucket>& table = from_tried ? tried_ : new_;
    const std::vector<std::uint16_t>& filled = from_tried ? filled_tried_ : filled_new_;  // in a young book hardly one in a hundred is
    double factor = 1.0;
    for (;;) {
        const Bucket& bucket = table[filled[random_.below(filled.size())]];
        const auto start = static_cast<int>(random_.below(kBucketSize));
        const auto first = std::ranges::lower_bound(bucket, start, {}, [](const auto& place) { return int{place.first}; }) - bucket.begin();
        const Entry* found = nullptr;
        for (std::size_t i = 0; i < bucket.size() && !found; ++i) {
            const Entry& entry = entries_.at(bucket[(static_cast<std::size_t>(first) + i) % bucket.size()].second);
            if (networks.empty() || networks.contains(entry.address.endpoint.address.network())) found = &entry;
        }
        if (!found) continue;
        if (static_cast<double>(random_.below(1u << 30)) < factor * chance(*found, now_s) * (1u << 30)) {
            if (options_.log && options_.log->debug_wanted())
                options_.log->debug("Selected {} from {}", found->address.endpoint.to_string(), from_tried ? "tried" : "new");
            return Choice{found->address, found->last_try_s};
        }
        factor *= 1.2;
    }
}

std::optional<AddrBook::Choice> AddrBook::select_collision() {
    if (collisions_.empty()) return std::nullopt;
    const auto chosen = std::next(collisions_.begin(), static_cast<std::ptrdiff_t>(random_.below(collisions_.size())));
    const auto newcomer = entries_.find(*chosen);
    if (newcomer == entries_.end()) {
        collisions_.erase(chosen);
        return std::nullopt;
    }
    const Endpoint& endpoint = newcomer->second.address.endpoint;
    const int bucket = tried_bucket(endpoint);
    const Id there = get(tried_, bucket, position(true, bucket, endpoint));
    if (there == kNone) return std::nullopt;
    const Entry& entry = entries_.at(there);
    return Choice{entry.address, entry.last_try_s};
}

void AddrBook::resolve_collisions(std::int64_t now_s) {
    const Watched watched{*this};
    for (auto it = collisions_.begin(); it != collisions_.end();) {
        const Id id = *it;
        bool settled = true;
        if (const auto found = entries_.find(id); found != entries_.end() && valid(found->second)) {
            const Endpoint endpoint = found->second.address.endpoint;
            const int bucket = tried_bucket(endpoint);
            const Id there = get(tried_, bucket, position(true, bucket, endpoint));
            if (there == kNone) {
                move_to_tried(endpoint, false, now_s);
            } else if (const Entry& rival = entries_.at(there); now_s - rival.last_good_s < kReplacement_s) {
                // it answered: the newcomer gives up
            } else if (now_s - rival.last_try_s < kReplacement_s) {
                settled = now_s - rival.last_try_s > 60;  // time to answer
                if (settled) {
                    if (options_.log)
                        options_.log->debug("Replacing {} with {} in tried table", rival.address.endpoint.to_string(), endpoint.to_string());
                    move_to_tried(endpoint, false, now_s);
                }
            } else if (now_s - found->second.last_good_s > kTestWindow_s) {
                if (options_.log)
                    options_.log->debug("Unable to test; replacing {} with {} in tried table anyway", rival.address.endpoint.to_string(), endpoint.to_string());
                move_to_tried(endpoint, false, now_s);
            } else {
                settled = false;
            }
        }
        it = settled ? collisions_.erase(it) : std::next(it);
    }
}

std::vector<PeerAddress> AddrBook::sample(std::size_t limit, std::size_t percent, std::optional<NetworkId> network, bool good_ones_only,
                                          std::int64_t now_s) {
    const Watched watched{*this};
    std::size_t wanted = order_.size();
    if (percent != 0) wanted = std::min<std::size_t>(percent, 100) * wanted / 100;
    if (limit != 0) wanted = std::min(wanted, limit);
    std::vector<PeerAddress> found;
    for (std::size_t n = 0; n < order_.size() && found.size() < wanted; ++n) {
        const std::size_t other = n + random_.below(order_.size() - n);
        std::swap(order_[n], order_[other]);
        entries_.at(order_[n]).order = n;
        entries_.at(order_[other]).order = other;
        const Entry& entry = entries_.at(order_[n]);
        if (network && entry.address.endpoint.address.network() != *network) continue;
        if (good_ones_only && terrible(entry, now_s)) continue;
        found.push_back(entry.address);
    }
    return found;
}

// ------------------------------------------------------------------------------------ looking

std::size_t AddrBook::size(std::optional<NetworkId> network, std::optional<bool> in_new) const {
    std::array<std::size_t, 2> counts{new_count_, tried_count_};
    if (network) {
        const auto found = counts_.find(*network);
        counts = found == counts_.end() ? std::array<std::size_t, 2>{} : found->second;
    }
    if (!in_new) return counts[0] + counts[1];
    return *in_new ? counts[0] : counts[1];
}

std::vector<AddrBook::Place> AddrBook::places(bool tried) const {
    std::vector<Place> found;
    const std::vector<Bucket>& table = tried ? tried_ : new_;
    for (std::size_t bucket = 0; bucket < table.size(); ++bucket) {
        for (const auto& [position, id] : table[bucket]) {
            const Entry& entry = entries_.at(id);
            found.push_back({tried, static_cast<int>(bucket), position, entry.address, entry.source, entry.last_good_s,
                             groups_->autonomous_system(entry.address.endpoint.address), groups_->autonomous_system(entry.source)});
        }
    }
    return found;
}

void AddrBook::check_now_and_then() {
    if (options_.check_ratio <= 0 || random_.below(static_cast<std::uint64_t>(options_.check_ratio)) != 0) return;
    if (options_.log) options_.log->debug("CheckAddrman: new {}, tried {}, total {} started", new_count_, tried_count_, order_.size());
    CAIRN_CHECK(check() == 0);
    if (options_.log) options_.log->debug("CheckAddrman: completed");
}

int AddrBook::check() const {
    std::size_t in_new = 0, in_tried = 0;
    for (const auto& [id, entry] : entries_) {
        if (entry.tried) {
            ++in_tried;
            if (entry.last_good_s == 0) return -1;
            if (entry.new_places != 0) return -2;
            const int bucket = tried_bucket(entry.address.endpoint);
            if (get(tried_, bucket, position(true, bucket, entry.address.endpoint)) != id) return -17;
        } else {
            ++in_new;
            if (entry.new_places < 1 || entry.new_places > kMaxNewPlaces) return -3;
        }
        const auto known = ids_.find(entry.address.endpoint);
        if (known == ids_.end() || known->second != id) return -5;
        if (entry.order >= order_.size() || order_[entry.order] != id) return -14;
        if (entry.last_try_s < 0) return -6;
        if (entry.last_good_s < 0) return -8;
    }
    if (entries_.size() != order_.size() || in_new + in_tried != entries_.size()) return -7;
    if (in_tried != tried_count_) return -9;
    if (in_new != new_count_) return -10;
    std::map<Id, int> seen;
    for (std::size_t bucket = 0; bucket < new_.size(); ++bucket) {
        for (const auto& [place, id] : new_[bucket]) {
            const auto found = entries_.find(id);
            if (found == entries_.end() || found->second.tried) return -12;
            if (position(false, static_cast<int>(bucket), found->second.address.endpoint) != place) return -19;
            ++seen[id];
        }
    }
    for (const auto& [id, entry] : entries_)
        if (!entry.tried && seen[id] != entry.new_places) return -15;
    std::size_t tried_places = 0;
    for (const Bucket& bucket : tried_) tried_places += bucket.size();
    if (tried_places != tried_count_) return -13;
    const auto lists = [](const std::vector<Bucket>& table, const std::vector<std::uint16_t>& filled) {
        std::size_t next = 0;
        for (std::size_t bucket = 0; bucket < table.size(); ++bucket)
            if (!table[bucket].empty() && (next == filled.size() || filled[next++] != bucket)) return false;
        return next == filled.size();
    };
    if (!lists(new_, filled_new_) || !lists(tried_, filled_tried_)) return -18;
    if (key_.is_null()) return -16;
    return 0;
}

}  // namespace cairn::net
