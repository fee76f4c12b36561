#include <algorithm>
#include <unordered_map>

#include "consensus/base/check.hpp"
#include "node/mempool/detail/mempool_parts.hpp"
#include "node/mempool/mempool.hpp"

namespace cairn::node {
namespace {

using Id = TxGraph::Id;

std::vector<Id> sorted(std::vector<Id> ids) {
    std::sort(ids.begin(), ids.end());
    return ids;
}

}  // namespace

void Mempool::check() const {
    const Parts& parts = *parts_;
    parts.graph.check();
    CAIRN_CHECK(parts.returned.empty());
    CAIRN_CHECK(parts.graph.size() == size());
    CAIRN_CHECK(parts.by_txid.size() == size() && parts.by_wtxid.size() == size());

    std::int64_t vsize = 0;
    Amount fee = 0;
    std::size_t bytes = 0, inputs = 0;
    std::unordered_map<Id, std::set<Id>> ancestors;
    const MempoolEntry* last = nullptr;
    for (const MempoolEntry* entry : ordered()) {
        const Transaction& tx = entry->tx->tx();
        // Every look-up leads here.
        CAIRN_CHECK(at(entry->graph) == entry && find(tx.txid) == entry && find(tx.wtxid) == entry);
        CAIRN_CHECK(parts.graph.rate(entry->graph) == entry->rate());
        CAIRN_CHECK(entry->fee_delta == parts.delta_for(*entry));
        for (const TxInput& input : tx.inputs) {
            CAIRN_CHECK(spender(input.prevout) == entry);
            const MempoolEntry* parent = find(input.prevout.txid);
            if (!parent) continue;
            // Parents come first, and have what is spent.
            CAIRN_CHECK(ancestors.contains(parent->graph));
            CAIRN_CHECK(input.prevout.index < parent->tx->tx().outputs.size());
        }
        // The graph knows just the dependencies that the transactions have.
        std::set<Id>& above = ancestors[entry->graph];
        for (const Id parent : parts.sources_of(tx)) {
            above.insert(parent);
            above.insert(ancestors[parent].begin(), ancestors[parent].end());
        }
        CAIRN_CHECK(sorted(parts.graph.ancestors(entry->graph)) == std::vector<Id>(above.begin(), above.end()));
        CAIRN_CHECK(!last || parts.graph.compare(last->graph, entry->graph) < 0);
        last = entry;
        vsize += entry->vsize();
        fee += entry->fee;
        bytes += entry->tx->memory_usage();
        inputs += tx.inputs.size();
    }
    CAIRN_CHECK(ancestors.size() == size());
    CAIRN_CHECK(parts.spent.size() == inputs);
    CAIRN_CHECK(parts.total_vsize == vsize && parts.total_fee == fee && parts.transaction_bytes == bytes);
    for (const Txid& txid : parts.unbroadcast) CAIRN_CHECK(find(txid) != nullptr);
    for (const auto& [txid, delta] : parts.deltas) CAIRN_CHECK(delta != 0);
}

}  // namespace cairn::node
