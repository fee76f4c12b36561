#include "net/swarm/addr_book.hpp"

#include <algorithm>

#include "net/wire/limits.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kHorizon_s = 30 * 24 * 60 * 60;   // not seen for this long: of no use
constexpr std::int64_t kRetry_s = 10 * 60;               // not tried again before
constexpr int kMaxFailures = 10;
constexpr int kTries = 64;                               // random draws before giving up

}  // namespace

bool AddrBook::terrible(const Entry& entry, std::int64_t now_s) const {
    if (now_s - entry.last_try_s < 60) return false;
    if (entry.address.time > now_s + 600) return true;
    if (now_s - entry.address.time > kHorizon_s) return true;
    if (entry.last_good_s == 0 && entry.failures >= 3) return true;
    return now_s - entry.last_good_s > 7 * 24 * 60 * 60 && entry.failures >= kMaxFailures;
}

void AddrBook::erase(const Endpoint& endpoint) {
    const auto found = entries_.find(endpoint);
    if (found == entries_.end()) return;
    const std::size_t place = found->second.place;
    order_[place] = order_.back();
    entries_.at(order_[place]).place = place;
    order_.pop_back();
    entries_.erase(endpoint);
}

bool AddrBook::make_room(std::int64_t now_s) {
    if (order_.size() < limits::kMaxBookEntries) return true;
    for (int i = 0; i < 8; ++i) {
        const Endpoint candidate = order_[random_.below(order_.size())];
        if (!terrible(entries_.at(candidate), now_s)) continue;
        erase(candidate);
        return true;
    }
    return false;
}

std::size_t AddrBook::add(const std::vector<PeerAddress>& addresses, std::int64_t penalty_s, std::int64_t now_s) {
    std::size_t added = 0;
    for (const PeerAddress& address : addresses) {
        if (!address.endpoint.address.is_routable()) continue;
        const std::int64_t time = std::max<std::int64_t>(0, std::int64_t{address.time} - penalty_s);
        if (const auto known = entries_.find(address.endpoint); known != entries_.end()) {
            known->second.address.time = std::max(known->second.address.time, static_cast<std::uint32_t>(time));
            known->second.address.services |= address.services;
            continue;
        }
        if (!make_room(now_s)) continue;
        Entry entry;
        entry.address = address;
        entry.address.time = static_cast<std::uint32_t>(time);
        entry.place = order_.size();
        order_.push_back(address.endpoint);
        entries_.emplace(address.endpoint, entry);
        ++added;
    }
    return added;
}

void AddrBook::on_attempt(const Endpoint& endpoint, std::int64_t now_s) {
    const auto found = entries_.find(endpoint);
    if (found == entries_.end()) return;
    found->second.last_try_s = now_s;
    ++found->second.failures;
}

void AddrBook::on_good(const Endpoint& endpoint, std::uint64_t services, std::int64_t now_s) {
    const auto found = entries_.find(endpoint);
    if (found == entries_.end()) return;
    found->second.last_good_s = now_s;
    found->second.failures = 0;
    found->second.address.services = services;
}

std::optional<PeerAddress> AddrBook::select(const std::function<bool(const PeerAddress&)>& wanted, std::int64_t now_s) {
    if (order_.empty()) return std::nullopt;
    for (int i = 0; i < kTries; ++i) {
        const Entry& entry = entries_.at(order_[random_.below(order_.size())]);
        if (now_s - entry.last_try_s < kRetry_s && i < kTries / 2) continue;
        if (entry.failures > 0 && random_.below(static_cast<std::uint64_t>(std::min(entry.failures, 8)) + 1) != 0) continue;
        if (wanted(entry.address)) return entry.address;
    }
    return std::nullopt;
}

std::vector<PeerAddress> AddrBook::sample(std::size_t limit, std::size_t percent, std::int64_t now_s) {
    std::vector<PeerAddress> chosen;
    const std::size_t count = std::min(limit, order_.size() * percent / 100);
    // A partial shuffle: after i steps the first i places are a uniform choice.
    for (std::size_t i = 0; i < order_.size() && chosen.size() < count; ++i) {
        const std::size_t j = i + random_.below(order_.size() - i);
        std::swap(order_[i], order_[j]);
        entries_.at(order_[i]).place = i;
        entries_.at(order_[j]).place = j;
        const Entry& entry = entries_.at(order_[i]);
        if (!terrible(entry, now_s) && (entry.address.services & kServiceOtherFork) == 0) chosen.push_back(entry.address);
    }
    return chosen;
}

}  // namespace cairn::net
