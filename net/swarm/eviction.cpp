#include "net/swarm/eviction.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace cairn::net {
namespace {

using C = EvictionCandidate;

/// Sorts the list, worst first, and takes those out of its last `count` that `eligible` accepts.
template <class Worse, class Eligible>
void protect(std::vector<C>& list, std::size_t count, Worse worse, Eligible eligible) {
    std::sort(list.begin(), list.end(), worse);
    const auto first = list.end() - static_cast<std::ptrdiff_t>(std::min(count, list.size()));
    list.erase(std::remove_if(first, list.end(), eligible), list.end());
}

bool any(const C&) { return true; }

bool younger(const C& a, const C& b) { return a.connected_us > b.connected_us; }

// Many peers have not given a block or a transaction yet, so what they could give decides next, and then their age.
bool older_block(const C& a, const C& b) {
    return std::tuple(a.last_block_s, a.useful_services, b.connected_us) < std::tuple(b.last_block_s, b.useful_services, a.connected_us);
}

bool older_transaction(const C& a, const C& b) {
    return std::tuple(a.last_transaction_s, a.relays_transactions, b.bloom_filter, b.connected_us) <
           std::tuple(b.last_transaction_s, b.relays_transactions, a.bloom_filter, a.connected_us);
}

bool less_block_only(const C& a, const C& b) {
    if (a.relays_transactions != b.relays_transactions) return a.relays_transactions;
    return older_block(a, b);
}

/// Peers that come a way which is slow, or says nothing of where they are.
struct Disadvantaged {
    NetworkId network;  ///< none: this machine
    std::size_t count = 0;
    bool includes(const C& c) const { return network == NetworkId::none ? c.local : c.network == network; }
};

}  // namespace

void protect_by_age_and_network(std::vector<C>& list) {
    const std::size_t initial = list.size();
    const std::size_t half = initial / 2;
    const std::size_t reserved = half / 2;
    std::array<Disadvantaged, 4> kinds{{{NetworkId::cjdns}, {NetworkId::i2p}, {NetworkId::none}, {NetworkId::onion}}};
    for (Disadvantaged& kind : kinds)
        kind.count = static_cast<std::size_t>(std::count_if(list.begin(), list.end(), [&](const C& c) { return kind.includes(c); }));
    // The fewest first: what they do not use of their share is left to the others.
    std::stable_sort(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) { return a.count < b.count; });

    std::size_t done = 0;
    for (bool progress = true; progress && done < reserved;) {
        progress = false;
        const auto present = static_cast<std::size_t>(std::count_if(kinds.begin(), kinds.end(), [](const auto& kind) { return kind.count > 0; }));
        if (present == 0) break;
        const std::size_t share = std::max<std::size_t>((reserved - done) / present, 1);
        for (Disadvantaged& kind : kinds) {
            if (kind.count == 0) continue;
            const std::size_t before = list.size();
            const auto worse = [&kind](const C& a, const C& b) {
                return kind.includes(a) != kind.includes(b) ? kind.includes(b) : younger(a, b);
            };
            protect(list, share, worse, [&kind](const C& c) { return kind.includes(c); });
            const std::size_t taken = before - list.size();
            if (taken == 0) continue;
            progress = true;
            kind.count -= std::min(kind.count, taken);
            done += taken;
            if (done >= reserved) break;
        }
    }
    protect(list, half - done, younger, any);
}

std::optional<PeerId> choose_eviction(std::vector<C> list) {
    protect(list, 4, [](const C& a, const C& b) { return a.keyed_group < b.keyed_group; }, any);
    protect(list, 8, [](const C& a, const C& b) { return a.min_ping_us > b.min_ping_us; }, any);
    protect(list, 4, older_transaction, any);
    protect(list, 8, less_block_only, [](const C& c) { return !c.relays_transactions && c.useful_services; });
    protect(list, 4, older_block, any);
    protect_by_age_and_network(list);
    if (list.empty()) return std::nullopt;
    if (std::any_of(list.begin(), list.end(), [](const C& c) { return c.prefer; })) std::erase_if(list, [](const C& c) { return !c.prefer; });

    // The list is sorted by age, youngest first.
    std::map<std::uint64_t, std::pair<std::size_t, const C*>> groups;  // members, the youngest of them
    for (const C& candidate : list) {
        auto& [members, youngest] = groups.try_emplace(candidate.keyed_group, 0, &candidate).first->second;
        ++members;
    }
    const auto largest = std::max_element(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
        const auto& [count_a, youngest_a] = a.second;
        const auto& [count_b, youngest_b] = b.second;
        return count_a != count_b ? count_a < count_b : youngest_a->connected_us < youngest_b->connected_us;
    });
    return largest->second.second->id;
}

}  // namespace cairn::net
