#include "node/mempool/detail/planner.hpp"

#include <algorithm>
#include <numeric>

#include "consensus/base/check.hpp"

namespace cairn::node::detail {

namespace {

std::uint64_t number_of(const Slot& slot) {
    return slot.cluster == kAlone ? slot.self : (std::uint64_t{1} << 32) + slot.cluster;
}

}  // namespace

// ---------------------------------------------------------------------------------------------- what the change is

std::uint32_t Planner::find_old(Id id) const {
    const Slot& slot = graph_.slots[id];
    if (!old_index_.empty()) {
        const auto found = old_index_.find(number_of(slot));
        return found == old_index_.end() ? kNew : found->second;
    }
    for (std::size_t i = olds_.size(); i-- > 0;) {
        const Old& old = olds_[i];
        if (old.cluster == slot.cluster && (slot.cluster != kAlone || old.alone == id)) return static_cast<std::uint32_t>(i);
    }
    return kNew;
}

std::uint32_t Planner::old_of(Id id) {
    graph_.require(id);
    const std::uint32_t found = find_old(id);
    if (found != kNew) return found;
    const Slot& slot = graph_.slots[id];
    Old old;
    old.cluster = slot.cluster;
    old.alone = id;
    old.all = old.stays = slot.cluster == kAlone ? bit(0) : low_bits(graph_.clusters[slot.cluster].count());
    olds_.push_back(old);
    const auto index = static_cast<std::uint32_t>(olds_.size() - 1);
    constexpr std::size_t kFew = 16;
    if (!old_index_.empty()) {
        old_index_.emplace(number_of(slot), index);
    } else if (olds_.size() > kFew) {
        for (std::uint32_t i = 0; i <= index; ++i) old_index_.emplace(number_of(graph_.slots[olds_[i].alone]), i);
    }
    return index;
}

void Planner::touch(Id id) { olds_[old_of(id)].touched = true; }

void Planner::remove(Id id) {
    Old& old = olds_[old_of(id)];
    const Mask member = bit(graph_.slots[id].position);
    if ((old.stays & member) == 0) return;  // named twice
    old.stays &= ~member;
    removed_.push_back(id);
}

void Planner::add(const TxGraph::Addition& addition) {
    for (const Id parent : addition.parents) old_of(parent);
    for (const unsigned parent : addition.new_parents) CAIRN_CHECK(parent < additions_.size());
    added_.push_back({counted(addition.rate), addition.tie, graph_.slots.upcoming(additions_.size()), {}});
    additions_.push_back(&addition);
}

void Planner::link(Id parent, Id child) {
    old_of(parent);
    old_of(child);
    links_.push_back({parent, child});
}

// ---------------------------------------------------------------------------------------------- pieces and groups

// Makes the units of an old cluster: what stays of it, by what is still connected.
void Planner::split(std::uint32_t index) {
    Old& old = olds_[index];
    old.first_unit = static_cast<std::uint32_t>(units_.size());
    if (old.cluster == kAlone) {
        parents_[index][0] = 0;
        if (old.stays != 0) units_.push_back({index, old.stays, 0, 0});
    } else {
        // Who depended on one that leaves depends on the parents of that one.
        const Cluster& cluster = graph_.clusters[old.cluster];
        std::array<Mask, kMaxCluster>& parents = parents_[index];
        for (unsigned i = 0; i < cluster.count(); ++i) {
            parents[i] = cluster.links[i].parents & old.stays;
            for_each_bit(cluster.links[i].parents & ~old.stays, [&](unsigned gone) { parents[i] |= parents[gone]; });
        }
        if (old.stays == old.all) {
            units_.push_back({index, old.all, 0, 0});
        } else {
            for_each_bit(old.stays, [&](unsigned i) {
                Mask piece = bit(i);
                const Mask above = parents[i];
                for (std::size_t u = old.first_unit; u < units_.size();) {  // joins the pieces that it depends on
                    if ((units_[u].members & above) == 0) {
                        ++u;
                        continue;
                    }
                    piece |= units_[u].members;
                    units_[u] = units_.back();
                    units_.pop_back();
                }
                units_.push_back({index, piece, 0, 0});
            });
        }
    }
    old.unit_count = static_cast<std::uint32_t>(units_.size()) - old.first_unit;
}

std::uint32_t Planner::unit_of(Id id) const {
    const Old& old = olds_[find_old(id)];
    const Mask member = bit(graph_.slots[id].position);
    for (std::uint32_t u = old.first_unit; u < old.first_unit + old.unit_count; ++u) {
        if ((units_[u].members & member) != 0) return u;
    }
    CAIRN_CHECK(!"a transaction that the change removes has no relatives in it");
    return kNew;
}

std::uint32_t Planner::root_of(std::uint32_t unit) {
    while (units_[unit].root != unit) {
        units_[unit].root = units_[units_[unit].root].root;
        unit = units_[unit].root;
    }
    return unit;
}

void Planner::unite(std::uint32_t a, std::uint32_t b) {
    a = root_of(a);
    b = root_of(b);
    if (a != b) units_[std::max(a, b)].root = std::min(a, b);
}

void Planner::unite_all() {
    for (std::uint32_t u = 0; u < units_.size(); ++u) units_[u].root = u;
    const auto first_new = static_cast<std::uint32_t>(units_.size() - additions_.size());
    for (std::uint32_t i = 0; i < additions_.size(); ++i) {
        for (const Id parent : additions_[i]->parents) unite(first_new + i, unit_of(parent));
        for (const unsigned parent : additions_[i]->new_parents) unite(first_new + i, first_new + parent);
    }
    for (const Link& link : links_) unite(unit_of(link.parent), unit_of(link.child));
    for (std::uint32_t u = 0; u < units_.size(); ++u) units_[u].root = root_of(u);
}

bool Planner::within_limits(std::span<const std::uint32_t> units) const {
    unsigned count = 0;
    std::int64_t size = 0;
    for (const std::uint32_t u : units) {
        const Unit& unit = units_[u];
        if (unit.old == kNew) {
            ++count;
            size += added_[unit.addition].rate.size;
            continue;
        }
        const Old& old = olds_[unit.old];
        count += static_cast<unsigned>(std::popcount(unit.members));
        for_each_bit(unit.members, [&](unsigned i) {
            size += graph_.slots[old.cluster == kAlone ? old.alone : graph_.clusters[old.cluster].ids[i]].size;
        });
    }
    return count <= graph_.limits.count && size <= graph_.limits.size;
}

Plan Planner::finish() {
    Plan plan;
    plan.version = graph_.version;
    place_.resize(olds_.size());
    parents_.resize(olds_.size());
    addition_place_.resize(additions_.size());
    for (std::uint32_t i = 0; i < olds_.size(); ++i) {
        split(i);
        const Old& old = olds_[i];
        if (old.cluster == kAlone) {
            plan.keys_before.push_back(graph_.slots[old.alone].key());
            continue;
        }
        plan.clusters_gone.push_back(old.cluster);
        for (const Cluster::ChunkEntry& chunk : graph_.clusters[old.cluster].chunks) plan.keys_before.push_back(chunk.key);
    }
    for (std::uint32_t i = 0; i < additions_.size(); ++i) units_.push_back({kNew, 0, i, 0});
    unite_all();

    std::vector<std::uint32_t> by_root(units_.size());
    std::iota(by_root.begin(), by_root.end(), 0u);
    std::ranges::stable_sort(by_root, {}, [&](std::uint32_t u) { return units_[u].root; });
    const auto for_each_group = [&](auto&& visit) {
        for (std::size_t begin = 0, end = 0; begin < by_root.size(); begin = end) {
            while (end < by_root.size() && units_[by_root[end]].root == units_[by_root[begin]].root) ++end;
            visit(std::span<const std::uint32_t>(by_root).subspan(begin, end - begin));
        }
    };
    for_each_group([&](std::span<const std::uint32_t> group) { plan.too_large |= !within_limits(group); });
    if (!plan.too_large) for_each_group([&](std::span<const std::uint32_t> group) { build_group(group, plan); });

    std::ranges::sort(plan.keys_before, comes_before);
    std::ranges::sort(plan.keys_after, comes_before);
    plan.removed = std::move(removed_);
    plan.added = std::move(added_);
    return plan;
}

// ---------------------------------------------------------------------------------------------- new clusters

void Planner::build_alone(const Unit& unit, Plan& plan) {
    if (unit.old == kNew) {
        Plan::Added& added = added_[unit.addition];
        added.chunk = added.rate;
        plan.alone.push_back(added.id);
        plan.keys_after.push_back({added.rate.fee, static_cast<std::int32_t>(added.rate.size), added.id, added.tie, added.rate.size});
        return;
    }
    const Old& old = olds_[unit.old];
    const Id id = old.cluster == kAlone ? old.alone : graph_.clusters[old.cluster].ids[std::countr_zero(unit.members)];
    plan.alone.push_back(id);
    plan.keys_after.push_back(graph_.slots[id].key());
}

void Planner::build_group(std::span<const std::uint32_t> units, Plan& plan) {
    if (units.size() == 1) {
        const Unit& unit = units_[units[0]];
        if (unit.old == kNew || std::popcount(unit.members) == 1) return build_alone(unit, plan);
    }
    ClusterDraft draft;
    fill_draft(units, draft);
    Linearization order;
    if (order_known(units, draft)) {
        order.count = draft.count;
        for (unsigned i = 0; i < draft.count; ++i) order.order[i] = static_cast<std::uint8_t>(i);
        order.optimal = graph_.clusters[olds_[units_[units[0]].old].cluster].optimal;
    } else {
        order = linearize(draft, budget_.for_cluster(), graph_.limits.seed + graph_.version);
        budget_.spend(order.cost);
    }
    plan.clusters.push_back(make_cluster(draft, order));
    const Cluster& cluster = plan.clusters.back();
    for (const Cluster::ChunkEntry& chunk : cluster.chunks) plan.keys_after.push_back(chunk.key);
    note_addition_chunks(units, cluster);
}

void Planner::note_addition_chunks(std::span<const std::uint32_t> units, const Cluster& cluster) {
    for (const std::uint32_t u : units) {
        if (units_[u].old != kNew) continue;
        Plan::Added& added = added_[units_[u].addition];
        const auto found = std::ranges::find(cluster.ids, added.id);
        added.chunk = cluster.chunk_at(static_cast<unsigned>(found - cluster.ids.begin())).key.rate();
    }
}

Id Planner::member_id(const Candidate& candidate) const {
    const Old& old = olds_[candidate.old];
    return old.cluster == kAlone ? old.alone : graph_.clusters[old.cluster].ids[candidate.position];
}

// The members of a piece in their old order; with the chunks that they form now, when pieces are to be merged by them.
void Planner::append_candidates(const Unit& unit, bool with_chunks, std::vector<Candidate>& out) const {
    const std::size_t begin = out.size();
    for_each_bit(unit.members, [&](unsigned i) { out.push_back({{}, unit.old, static_cast<std::uint8_t>(i)}); });
    if (!with_chunks) return;
    ClusterDraft piece;
    std::array<std::uint8_t, kMaxCluster> order;
    for (std::size_t i = begin; i < out.size(); ++i) {
        order[piece.count] = static_cast<std::uint8_t>(piece.count);
        piece.add(graph_.slots[member_id(out[i])].rate(), 0, 0, 0);
    }
    const Chunking chunking = chunks_of(piece, {order.data(), piece.count});
    for (const ChunkRange& chunk : chunking.span()) {
        for (std::size_t i = chunk.begin; i < chunk.end; ++i) out[begin + i].chunk = chunk.rate;
    }
}

Mask Planner::mapped_parents(const Candidate& candidate) const {
    Mask mapped = 0;
    const auto& place = place_[candidate.old];
    for_each_bit(parents_[candidate.old][candidate.position], [&](unsigned parent) { mapped |= bit(place[parent]); });
    return mapped;
}

// The order to start from: what was there, merged by chunks, then what is new.
void Planner::fill_draft(std::span<const std::uint32_t> units, ClusterDraft& draft) {
    std::vector<Candidate> candidates;
    candidates.reserve(kMaxCluster);
    std::size_t pieces = 0;
    for (const std::uint32_t u : units) pieces += units_[u].old != kNew;
    for (const std::uint32_t u : units) {
        if (units_[u].old != kNew) append_candidates(units_[u], pieces > 1, candidates);
    }
    if (pieces > 1) {
        std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) { return higher_rate(a.chunk, b.chunk); });
    }
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        place_[candidates[i].old][candidates[i].position] = static_cast<std::uint8_t>(i);
    }
    if (!links_.empty()) {
        fill_linked(candidates, units_[units[0]].root, draft);
    } else {
        for (const Candidate& candidate : candidates) {
            const Slot& slot = graph_.slots[member_id(candidate)];
            draft.add(slot.rate(), mapped_parents(candidate), slot.tie, slot.self);
        }
    }
    for (const std::uint32_t u : units) {
        if (units_[u].old != kNew) continue;
        const std::uint32_t i = units_[u].addition;
        Mask parents = 0;
        for (const Id parent : additions_[i]->parents) {
            parents |= bit(place_[find_old(parent)][graph_.slots[parent].position]);
        }
        for (const unsigned parent : additions_[i]->new_parents) parents |= bit(addition_place_[parent]);
        addition_place_[i] = static_cast<std::uint8_t>(draft.add(added_[i].rate, parents, added_[i].tie, added_[i].id));
    }
}

// With dependencies between what was there: of those whose parents are placed, always the foremost candidate.
void Planner::fill_linked(std::span<const Candidate> candidates, std::uint32_t root, ClusterDraft& draft) {
    std::array<Mask, kMaxCluster> parents;
    for (std::size_t i = 0; i < candidates.size(); ++i) parents[i] = mapped_parents(candidates[i]);
    const auto place_of = [&](Id id) { return place_[find_old(id)][graph_.slots[id].position]; };
    for (const Link& link : links_) {
        if (units_[unit_of(link.child)].root == root) parents[place_of(link.child)] |= bit(place_of(link.parent));
    }
    std::array<std::uint8_t, kMaxCluster> moved;
    Mask placed = 0;
    while (draft.count < candidates.size()) {
        std::size_t next = 0;
        while (next < candidates.size() && ((placed & bit(static_cast<unsigned>(next))) != 0 || (parents[next] & ~placed) != 0)) ++next;
        CAIRN_CHECK(next < candidates.size());  // dependencies do not go in circles
        const Slot& slot = graph_.slots[member_id(candidates[next])];
        Mask above = 0;
        for_each_bit(parents[next], [&](unsigned parent) { above |= bit(moved[parent]); });
        moved[next] = static_cast<std::uint8_t>(draft.add(slot.rate(), above, slot.tie, slot.self));
        placed |= bit(static_cast<unsigned>(next));
    }
}

// Two frequent changes keep an order as good as it was: taking away whole chunks from its front or end, and adding one
// transaction that is worse than all chunks (leaving it out of any part of the cluster only makes that part better).
bool Planner::order_known(std::span<const std::uint32_t> units, const ClusterDraft& draft) const {
    const Unit& unit = units_[units[0]];
    if (!links_.empty() || unit.old == kNew || olds_[unit.old].cluster == kAlone) return false;
    const Old& old = olds_[unit.old];
    if (old.touched) return false;
    const Cluster& cluster = graph_.clusters[old.cluster];
    if (units.size() == 1) {
        const unsigned begin = static_cast<unsigned>(std::countr_zero(old.stays));
        const unsigned end = kMaxCluster - static_cast<unsigned>(std::countl_zero(old.stays));
        if (old.stays != (low_bits(end) & ~low_bits(begin))) return false;
        return cluster.chunk_at(begin).begin == begin && cluster.chunk_at(end - 1).end == end;
    }
    return units.size() == 2 && units_[units[1]].old == kNew && unit.members == old.all &&
           higher_rate(cluster.chunks.back().key.rate(), draft.rate[draft.count - 1]);
}

}  // namespace cairn::node::detail
