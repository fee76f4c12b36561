#include "node/mempool/mempool.hpp"

#include <algorithm>
#include <limits>

#include "consensus/base/check.hpp"
#include "consensus/base/memory.hpp"
#include "consensus/crypto/random.hpp"
#include "node/mempool/detail/mempool_parts.hpp"

namespace cairn::node {
namespace {

using Id = TxGraph::Id;
using detail::IdSlot;
using detail::SpentSlot;

constexpr std::int64_t kWeightPerVbyte = kWitnessScaleFactor;
/// No fee counts for more, so that sums over a cluster cannot overflow; the graph holds the same. Seventeen times all the
/// money there will be.
constexpr Amount kMaxModifiedFee = Amount{1} << 55;

void sort_unique(std::vector<Id>& ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

/// Equals are ordered by txid, so that the order says nothing about when they came.
std::uint64_t tie(const Txid& txid) {
    std::uint64_t first = 0;
    for (int i = 0; i < 8; ++i) first = first << 8 | txid.data()[i];
    return first;
}

Amount saturating_add(Amount a, Amount b) {
    Amount sum = 0;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return a < 0 ? std::numeric_limits<Amount>::min() : std::numeric_limits<Amount>::max();
}

Amount limited_delta(Amount fee, Amount delta) {
    return std::clamp(saturating_add(fee, delta), -kMaxModifiedFee, kMaxModifiedFee) - fee;
}

}  // namespace

// ------------------------------------------------------------------------------------------------------------ parts

Mempool::Parts::Parts(const MempoolOptions& chosen)
    : options(chosen),
      key{random_u64(), random_u64()},
      graph({chosen.cluster_count, chosen.cluster_vbytes * kWeightPerVbyte}) {}

const MempoolEntry* Mempool::Parts::find(const Txid& txid) const {
    const IdSlot* slot = by_txid.find(hash(txid), [&](const IdSlot& s) { return entries[s.entry].txid() == txid; });
    return slot ? &entries[slot->entry] : nullptr;
}

const MempoolEntry* Mempool::Parts::find(const Wtxid& wtxid) const {
    const IdSlot* slot = by_wtxid.find(hash(wtxid), [&](const IdSlot& s) { return entries[s.entry].wtxid() == wtxid; });
    return slot ? &entries[slot->entry] : nullptr;
}

const MempoolEntry* Mempool::Parts::spender(const OutPoint& outpoint) const {
    const SpentSlot* slot = spent.find(hash(outpoint), [&](const SpentSlot& s) {
        return entries[s.entry].tx->tx().inputs[s.input].prevout == outpoint;
    });
    return slot ? &entries[slot->entry] : nullptr;
}

std::vector<Id> Mempool::Parts::spenders_of(const MempoolEntry& entry) const {
    std::vector<Id> found;
    for (std::uint32_t i = 0; i < entry.tx->tx().outputs.size(); ++i) {
        if (const MempoolEntry* child = spender({entry.txid(), i})) found.push_back(child->graph);
    }
    sort_unique(found);
    return found;
}

std::vector<Id> Mempool::Parts::sources_of(const Transaction& tx) const {
    std::vector<Id> found;
    for (const TxInput& input : tx.inputs) {
        if (const MempoolEntry* parent = find(input.prevout.txid)) found.push_back(parent->graph);
    }
    if (found.size() > 1) sort_unique(found);
    return found;
}

std::vector<Id> Mempool::Parts::with_descendants(std::vector<Id> roots) const {
    sort_unique(roots);
    if (!reorganising()) {
        std::vector<Id> all = roots;
        for (const Id root : roots) {
            const std::vector<Id> below = graph.descendants(root);
            all.insert(all.end(), below.begin(), below.end());
        }
        sort_unique(all);
        return all;
    }
    // The graph does not know all dependencies now: follow what is spent.
    std::set<Id> seen(roots.begin(), roots.end());
    while (!roots.empty()) {
        const Id next = roots.back();
        roots.pop_back();
        for (const Id child : spenders_of(entries[next])) {
            if (seen.insert(child).second) roots.push_back(child);
        }
    }
    return {seen.begin(), seen.end()};
}

Amount Mempool::Parts::delta_for(const MempoolEntry& entry) const {
    if (deltas.empty()) return 0;
    const auto found = deltas.find(entry.txid());
    return found == deltas.end() ? 0 : limited_delta(entry.fee, found->second);
}

void Mempool::Parts::place(MempoolEntry entry, Id id) {
    entry.graph = id;
    const MempoolEntry& placed = entries.place(std::move(entry));
    const Transaction& tx = placed.tx->tx();
    CAIRN_CHECK(by_txid.insert({hash(tx.txid), id}, [&](const IdSlot& s) { return entries[s.entry].txid() == tx.txid; }));
    CAIRN_CHECK(by_wtxid.insert({hash(tx.wtxid), id}, [&](const IdSlot& s) { return entries[s.entry].wtxid() == tx.wtxid; }));
    for (std::uint32_t i = 0; i < tx.inputs.size(); ++i) {
        const OutPoint& outpoint = tx.inputs[i].prevout;
        CAIRN_CHECK(spent.insert({hash(outpoint), id, i}, [&](const SpentSlot& s) {
            return entries[s.entry].tx->tx().inputs[s.input].prevout == outpoint;
        }));
    }
    expiry.push(placed.time, id);
    total_vsize += placed.vsize();
    total_fee += placed.fee;
    transaction_bytes += placed.tx->memory_usage();
    ++changes;
}

RemovedEntry Mempool::Parts::take_out(Id id, RemovalReason reason) {
    const MempoolEntry& entry = entries[id];
    const Transaction& tx = entry.tx->tx();
    const auto same_entry = [id](const auto& slot) { return slot.entry == id; };
    CAIRN_CHECK(by_txid.erase(hash(tx.txid), same_entry));
    CAIRN_CHECK(by_wtxid.erase(hash(tx.wtxid), same_entry));
    for (std::uint32_t i = 0; i < tx.inputs.size(); ++i) {
        CAIRN_CHECK(spent.erase(hash(tx.inputs[i].prevout), [&](const SpentSlot& s) { return s.entry == id && s.input == i; }));
    }
    const bool unsent = !unbroadcast.empty() && unbroadcast.erase(tx.txid) > 0;
    total_vsize -= entry.vsize();
    total_fee -= entry.fee;
    transaction_bytes -= entry.tx->memory_usage();
    ++changes;
    RemovedEntry removed{entries.take(id), reason, sequence++, unsent};
    expiry.sweep(entries.size(), [&](const detail::ExpiryQueue::Item& item) {
        const MempoolEntry* still = entries.find(item.id);
        return still && still->time == item.time;
    });
    return removed;
}

std::vector<RemovedEntry> Mempool::Parts::take_out_all(const std::vector<Id>& ids, RemovalReason reason) {
    std::vector<RemovedEntry> removed;
    if (ids.empty()) return removed;
    removed.reserve(ids.size());
    for (const Id id : ids) removed.push_back(take_out(id, reason));
    graph.remove(ids);
    return removed;
}

std::size_t Mempool::Parts::memory_usage() const {
    constexpr std::size_t kTreeNode = 32;  // of std::map and std::set
    return transaction_bytes + entries.memory_usage() + by_txid.memory_usage() + by_wtxid.memory_usage() + spent.memory_usage() +
           expiry.memory_usage() + graph.memory_usage() + deltas.size() * heap_usage(kTreeNode + sizeof(Txid) + sizeof(Amount)) +
           unbroadcast.size() * heap_usage(kTreeNode + sizeof(Txid));
}

// --------------------------------------------------------------------------------------------------------- look-ups

Mempool::Mempool(const MempoolOptions& options) : parts_(std::make_unique<Parts>(options)) {}
Mempool::~Mempool() = default;

const MempoolOptions& Mempool::options() const { return parts_->options; }
const MempoolEntry* Mempool::find(const Txid& txid) const { return parts_->find(txid); }
const MempoolEntry* Mempool::find(const Wtxid& wtxid) const { return parts_->find(wtxid); }
const MempoolEntry* Mempool::at(TxGraph::Id id) const { return parts_->entries.find(id); }
const MempoolEntry* Mempool::spender(const OutPoint& outpoint) const { return parts_->spender(outpoint); }
const TxGraph& Mempool::graph() const { return parts_->graph; }

std::vector<const MempoolEntry*> Mempool::ordered() const {
    std::vector<const MempoolEntry*> order;
    order.reserve(size());
    parts_->graph.walk([&](const TxGraph::Chunk& chunk) {
        for (const Id id : chunk.members) order.push_back(&parts_->entries[id]);
        return TxGraph::Walk::next;
    });
    return order;
}

void Mempool::for_each(const std::function<void(const MempoolEntry&)>& visit) const {
    std::as_const(parts_->entries).for_each(visit);
}

std::size_t Mempool::size() const { return parts_->entries.size(); }
std::int64_t Mempool::total_vsize() const { return parts_->total_vsize; }
Amount Mempool::total_fee() const { return parts_->total_fee; }
std::size_t Mempool::memory_usage() const { return parts_->memory_usage(); }
std::uint64_t Mempool::sequence() const { return parts_->sequence; }
std::uint64_t Mempool::changes() const { return parts_->changes; }

// -------------------------------------------------------------------------------------------------------- taking in

Mempool::Staged Mempool::stage(std::vector<MempoolEntry> added, std::span<const MempoolEntry* const> conflicts) const {
    Staged staged;
    std::vector<Id> removals;
    if (!conflicts.empty()) {
        for (const MempoolEntry* conflict : conflicts) removals.push_back(conflict->graph);
        removals = parts_->with_descendants(std::move(removals));
        staged.removed.reserve(removals.size());
        for (const Id id : removals) staged.removed.push_back(&parts_->entries[id]);
    }
    std::vector<TxGraph::Addition> additions(added.size());
    for (std::size_t i = 0; i < added.size(); ++i) {
        added[i].fee_delta = parts_->delta_for(added[i]);
        TxGraph::Addition& addition = additions[i];
        addition.rate = added[i].rate();
        addition.tie = tie(added[i].txid());
        addition.parents = parts_->sources_of(added[i].tx->tx());
        std::erase_if(addition.parents, [&](Id id) { return std::binary_search(removals.begin(), removals.end(), id); });
        for (unsigned earlier = 0; earlier < i; ++earlier) {
            const Txid& txid = added[earlier].txid();
            const auto spends = [&](const TxInput& input) { return input.prevout.txid == txid; };
            const auto& inputs = added[i].tx->tx().inputs;
            if (std::any_of(inputs.begin(), inputs.end(), spends)) addition.new_parents.push_back(earlier);
        }
    }
    staged.added = std::move(added);
    staged.change = parts_->graph.propose(removals, additions);
    return staged;
}

std::vector<RemovedEntry> Mempool::commit(Staged staged) {
    CAIRN_CHECK(!staged.change.too_large());
    std::vector<Id> leaving;
    for (const MempoolEntry* entry : staged.removed) leaving.push_back(entry->graph);  // the entries are gone below
    std::vector<RemovedEntry> removed;
    removed.reserve(leaving.size());
    for (const Id id : leaving) removed.push_back(parts_->take_out(id, RemovalReason::replaced));
    for (const RemovedEntry& gone : removed) {
        for (const MempoolEntry& entry : staged.added) {
            for (const TxInput& input : entry.tx->tx().inputs) CAIRN_CHECK(input.prevout.txid != gone.entry.txid());
        }
    }
    const std::vector<Id> ids = parts_->graph.commit(std::move(staged.change));
    for (std::size_t i = 0; i < ids.size(); ++i) {
        staged.added[i].sequence = parts_->sequence++;
        parts_->place(std::move(staged.added[i]), ids[i]);
    }
    return removed;
}

// ------------------------------------------------------------------------------------------------------- taking out

std::vector<RemovedEntry> Mempool::remove_for_block(std::span<const Transaction> txs) {
    std::vector<RemovedEntry> removed;
    std::vector<Id> gone;
    for (const Transaction& tx : txs) {
        if (size() > 0) {
            if (const MempoolEntry* entry = parts_->find(tx.txid)) {
                const Id id = entry->graph;
                removed.push_back(parts_->take_out(id, RemovalReason::block));
                gone.push_back(id);
            }
            for (const TxInput& input : tx.inputs) {
                const MempoolEntry* conflict = parts_->spender(input.prevout);
                if (!conflict) continue;
                parts_->deltas.erase(conflict->txid());
                for (const Id id : parts_->with_descendants({conflict->graph})) {
                    if (!parts_->entries.find(id)) continue;  // below an earlier conflict, too: the graph still has it
                    removed.push_back(parts_->take_out(id, RemovalReason::conflict));
                    gone.push_back(id);
                }
            }
        }
        parts_->deltas.erase(tx.txid);
    }
    if (!gone.empty()) parts_->graph.remove(gone);
    return removed;
}

std::vector<RemovedEntry> Mempool::remove(std::span<const Txid> txids, RemovalReason reason) {
    std::vector<Id> roots;
    for (const Txid& txid : txids) {
        if (const MempoolEntry* entry = parts_->find(txid)) roots.push_back(entry->graph);
    }
    return parts_->take_out_all(parts_->with_descendants(std::move(roots)), reason);
}

std::vector<RemovedEntry> Mempool::expire(std::int64_t time) {
    std::vector<Id> roots;
    while (parts_->expiry.due(time)) {
        const auto item = parts_->expiry.pop();
        const MempoolEntry* entry = parts_->entries.find(item.id);
        if (entry && entry->time == item.time) roots.push_back(item.id);
    }
    if (roots.empty()) return {};
    return parts_->take_out_all(parts_->with_descendants(std::move(roots)), RemovalReason::expiry);
}

std::vector<RemovedEntry> Mempool::trim_to(std::size_t bytes, std::int64_t now, std::vector<OutPoint>* no_spends_remaining) {
    std::vector<RemovedEntry> removed;
    parts_->minimum.advance(now, parts_->setting());
    while (size() > 0 && memory_usage() > bytes) {
        const TxGraph::Chunk worst = parts_->graph.worst();
        const std::vector<Id> ids(worst.members.begin(), worst.members.end());
        // What comes next must pay for its own relay on top of what this one paid.
        const std::int64_t vsize = (worst.rate.size + kWeightPerVbyte - 1) / kWeightPerVbyte;
        const FeeRate rate = FeeRate::of(worst.rate.fee, vsize);
        parts_->minimum.raise({rate.per_kvb + parts_->options.incremental_relay.per_kvb});
        const std::size_t before = removed.size();
        for (const Id id : ids) removed.push_back(parts_->take_out(id, RemovalReason::size_limit));
        parts_->graph.remove(ids);
        if (!no_spends_remaining) continue;
        for (std::size_t i = before; i < removed.size(); ++i) {
            for (const TxInput& input : removed[i].entry.tx->tx().inputs) {
                if (!parts_->find(input.prevout.txid)) no_spends_remaining->push_back(input.prevout);
            }
        }
    }
    return removed;
}

// ---------------------------------------------------------------------------------------------------- after a reorg

bool Mempool::add_back(MempoolEntry entry) {
    const Transaction& tx = entry.tx->tx();
    if (parts_->find(tx.txid)) return false;
    for (const TxInput& input : tx.inputs) {
        if (parts_->spender(input.prevout)) return false;
    }
    entry.fee_delta = parts_->delta_for(entry);
    entry.sequence = 0;
    ++parts_->sequence;
    parts_->returned.push_back(tx.txid);
    const Id id = parts_->graph.add(entry.rate(), tie(tx.txid));
    parts_->place(std::move(entry), id);
    return true;
}

std::vector<RemovedEntry> Mempool::end_reorg(const std::function<bool(MempoolEntry&)>& keep) {
    std::vector<Id> roots;
    parts_->entries.for_each([&](MempoolEntry& entry) {
        if (!keep(entry)) roots.push_back(entry.graph);
    });
    std::vector<RemovedEntry> removed =
        parts_->take_out_all(parts_->with_descendants(std::move(roots)), RemovalReason::reorg);
    ++parts_->changes;

    // Tell the graph of the dependencies that it does not know: of and on what returned. Twice is once.
    std::vector<std::pair<Id, Id>> links;
    for (const Txid& txid : parts_->returned) {
        const MempoolEntry* entry = parts_->find(txid);
        if (!entry) continue;
        for (const Id parent : parts_->sources_of(entry->tx->tx())) links.emplace_back(parent, entry->graph);
        for (const Id child : parts_->spenders_of(*entry)) links.emplace_back(entry->graph, child);
    }
    parts_->returned.clear();
    if (links.empty()) return removed;
    std::sort(links.begin(), links.end());
    links.erase(std::unique(links.begin(), links.end()), links.end());
    for (const auto& [parent, child] : links) parts_->graph.link(parent, child);
    for (const Id id : parts_->graph.trim()) removed.push_back(parts_->take_out(id, RemovalReason::size_limit));
    return removed;
}

// ------------------------------------------------------------------------------------------------------------- fees

FeeRate Mempool::rolling_minimum(std::int64_t now) const { return parts_->minimum.at(now, parts_->setting()); }

void Mempool::note_block(std::int64_t now) {
    parts_->minimum.note_block(now, parts_->setting());
    ++parts_->changes;
}

FeeRate Mempool::rate_at_depth(std::int64_t vbytes) const {
    FeeRate found{0};
    std::int64_t weight = 0;
    parts_->graph.walk([&](const TxGraph::Chunk& chunk) {
        weight += chunk.rate.size;
        if (weight < vbytes * kWeightPerVbyte) return TxGraph::Walk::next;
        found = FeeRate::of(chunk.rate.fee, (chunk.rate.size + kWeightPerVbyte - 1) / kWeightPerVbyte);
        return TxGraph::Walk::stop;
    });
    return found;
}

Amount Mempool::prioritise(const Txid& txid, Amount delta) {
    const auto place = parts_->deltas.try_emplace(txid, 0).first;
    place->second = saturating_add(place->second, delta);
    const Amount sum = place->second;
    if (sum == 0) parts_->deltas.erase(place);
    if (const MempoolEntry* found = parts_->find(txid)) {
        MempoolEntry& entry = parts_->entries[found->graph];
        entry.fee_delta = limited_delta(entry.fee, sum);
        parts_->graph.set_fee(entry.graph, entry.modified_fee());
        ++parts_->changes;
    }
    return sum;
}

Amount Mempool::fee_delta(const Txid& txid) const {
    const auto found = parts_->deltas.find(txid);
    return found == parts_->deltas.end() ? 0 : found->second;
}

const std::map<Txid, Amount>& Mempool::fee_deltas() const { return parts_->deltas; }

// ------------------------------------------------------------------------------------------------------ unbroadcast

void Mempool::add_unbroadcast(const Txid& txid) {
    if (parts_->find(txid)) parts_->unbroadcast.insert(txid);
}
bool Mempool::remove_unbroadcast(const Txid& txid) { return parts_->unbroadcast.erase(txid) > 0; }
const std::set<Txid>& Mempool::unbroadcast() const { return parts_->unbroadcast; }

bool Mempool::improve(std::uint64_t cost) { return parts_->graph.improve(cost); }

}  // namespace cairn::node
