#include "net/swarm/eviction.hpp"

#include <algorithm>
#include <map>

namespace cairn::net {
namespace {

/// Takes the `count` best by `better` out of the list, of those that `eligible` accepts.
template <class Better, class Eligible>
void protect(std::vector<EvictionCandidate>& list, std::size_t count, Better better, Eligible eligible) {
    std::sort(list.begin(), list.end(), better);
    for (auto place = list.begin(); place != list.end() && count > 0;) {
        if (eligible(*place)) {
            place = list.erase(place);
            --count;
        } else {
            ++place;
        }
    }
}

bool any(const EvictionCandidate&) { return true; }

}  // namespace

std::optional<PeerId> choose_eviction(std::vector<EvictionCandidate> list) {
    using C = EvictionCandidate;
    protect(list, 4, [](const C& a, const C& b) { return a.keyed_group > b.keyed_group; }, any);
    protect(list, 8, [](const C& a, const C& b) { return a.min_ping_us < b.min_ping_us; }, any);
    protect(list, 4, [](const C& a, const C& b) { return a.last_transaction_s > b.last_transaction_s; }, any);
    protect(list, 8, [](const C& a, const C& b) { return a.last_block_s > b.last_block_s; },
            [](const C& c) { return !c.relays_transactions && c.useful_services; });
    protect(list, 4, [](const C& a, const C& b) { return a.last_block_s > b.last_block_s; }, any);
    protect(list, list.size() / 2, [](const C& a, const C& b) { return a.connected_us < b.connected_us; }, any);
    if (list.empty()) return std::nullopt;
    if (std::any_of(list.begin(), list.end(), [](const C& c) { return c.prefer; }))
        std::erase_if(list, [](const C& c) { return !c.prefer; });

    std::map<std::uint64_t, std::vector<const C*>> groups;
    for (const C& candidate : list) groups[candidate.keyed_group].push_back(&candidate);
    const std::vector<const C*>* largest = nullptr;
    std::int64_t largest_youngest = 0;
    const C* victim = nullptr;
    for (const auto& [key, members] : groups) {
        const C* youngest = *std::max_element(members.begin(), members.end(),
                                              [](const C* a, const C* b) { return a->connected_us < b->connected_us; });
        if (largest && (members.size() < largest->size() ||
                        (members.size() == largest->size() && youngest->connected_us <= largest_youngest)))
            continue;
        largest = &members;
        largest_youngest = youngest->connected_us;
        victim = youngest;
    }
    return victim->id;
}

}  // namespace cairn::net
