#include "node/relay/orphanage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>

#include "tests/support/mempool_builder.hpp"

namespace cairn::node {
namespace {

using test::MempoolBuilder;

/// A list of announcements; everything is counted anew each time.
struct NaiveOrphanage {
    struct Entry {
        TransactionPtr tx;
        net::PeerId peer;
        std::uint64_t sequence;
        bool reconsider = false;
    };
    Orphanage::Options options;
    std::vector<Entry> entries;
    std::uint64_t next = 0;

    static std::int64_t inputs(const Entry& e) { return static_cast<std::int64_t>(e.tx->tx().inputs.size() / 10); }
    bool contains(const Wtxid& wtxid) const {
        return std::any_of(entries.begin(), entries.end(), [&](const Entry& e) { return e.tx->tx().wtxid == wtxid; });
    }
    bool add(const TransactionPtr& tx, net::PeerId peer) {
        if (tx->tx().weight() > options.max_tx_weight) return false;
        const bool fresh = !contains(tx->tx().wtxid);
        for (const Entry& e : entries)
            if (e.peer == peer && e.tx->tx().wtxid == tx->tx().wtxid) return false;
        entries.push_back({tx, peer, next++});
        trim();
        return fresh;
    }
    std::map<net::PeerId, std::pair<std::int64_t, std::int64_t>> usage() const {
        std::map<net::PeerId, std::pair<std::int64_t, std::int64_t>> all;
        for (const Entry& e : entries) {
            all[e.peer].first += 1 + inputs(e);
            all[e.peer].second += e.tx->tx().weight();
        }
        return all;
    }
    std::pair<std::int64_t, std::int64_t> totals() const {
        std::map<Wtxid, const Entry*> unique;
        for (const Entry& e : entries) unique.emplace(e.tx->tx().wtxid, &e);
        std::pair<std::int64_t, std::int64_t> sum{static_cast<std::int64_t>(entries.size()), 0};
        for (const auto& [wtxid, e] : unique) {
            sum.first += inputs(*e);
            sum.second += e->tx->tx().weight();
        }
        return sum;
    }
    bool over() const {
        const auto [score, weight] = totals();
        return score > options.max_latency_score ||
               weight > options.weight_per_peer * std::max<std::int64_t>(1, static_cast<std::int64_t>(usage().size()));
    }
    void trim() {
        if (!over()) return;
        const std::int64_t share = std::max<std::int64_t>(1, options.max_latency_score / static_cast<std::int64_t>(usage().size()));
        while (over()) {
            // The peer with the largest fraction of its share; equal ones: the smaller share, then the newer peer.
            std::tuple<double, std::int64_t, net::PeerId> worst{-1.0, 0, 0};
            for (const auto& [peer, used] : usage()) {
                worst = std::max(worst, {static_cast<double>(used.first) / static_cast<double>(share), -share, peer});
                worst = std::max(worst, {static_cast<double>(used.second) / static_cast<double>(options.weight_per_peer), -options.weight_per_peer, peer});
            }
            const net::PeerId peer = std::get<2>(worst);
            auto victim = entries.end();
            for (auto e = entries.begin(); e != entries.end(); ++e)
                if (e->peer == peer && (victim == entries.end() || std::pair(e->reconsider, e->sequence) < std::pair(victim->reconsider, victim->sequence)))
                    victim = e;
            entries.erase(victim);
        }
    }
    void remove(const Wtxid& wtxid) {
        std::erase_if(entries, [&](const Entry& e) { return e.tx->tx().wtxid == wtxid; });
        trim();
    }
    void remove_peer(net::PeerId peer) {
        std::erase_if(entries, [&](const Entry& e) { return e.peer == peer; });
        trim();
    }
};

void run(std::uint64_t seed) {
    SCOPED_TRACE(seed);
    net::Random random = net::Random::from_number(seed);
    MempoolBuilder builder(seed);
    net::LogLines log;
    log.set_debug_wanted(false);
    Orphanage::Options options;
    options.max_latency_score = 40;
    options.weight_per_peer = 6'000;
    options.max_tx_weight = 12'000;
    Orphanage orphanage({random.u64(), random.u64()}, log, options);
    NaiveOrphanage naive{options, {}, 0};

    std::vector<TransactionPtr> parents, txs;
    for (int i = 0; i < 5; ++i) parents.push_back(builder.tx({builder.coin()}, 3));
    for (int i = 0; i < 40; ++i) {
        std::vector<OutPoint> inputs{MempoolBuilder::out(parents[random.below(5)], static_cast<std::uint32_t>(random.below(3)))};
        for (std::uint64_t more = random.below(3) == 0 ? random.below(25) : 0; more > 0; --more) inputs.push_back(builder.coin());
        txs.push_back(builder.tx(inputs, 1, random.below(4) == 0 ? random.below(2000) : 0));
    }
    for (int step = 0; step < 600; ++step) {
        const auto peer = static_cast<net::PeerId>(random.below(5));
        const TransactionPtr& tx = txs[random.below(txs.size())];
        switch (random.below(10)) {
            case 0: {
                ASSERT_EQ(orphanage.remove(tx->tx().wtxid), naive.contains(tx->tx().wtxid));
                naive.remove(tx->tx().wtxid);
                break;
            }
            case 1:
                if (random.below(4) != 0) break;
                orphanage.remove_peer(peer);
                naive.remove_peer(peer);
                break;
            case 2: {
                const TransactionPtr& parent = parents[random.below(5)];
                orphanage.add_children_to_work(parent->tx(), random);
                // Whoever was chosen: exactly one announcement of each child.
                for (auto& e : naive.entries) {
                    bool child = false;
                    for (const TxInput& input : e.tx->tx().inputs) child |= input.prevout.txid == parent->tx().txid;
                    ASSERT_TRUE(!child || orphanage.contains(e.tx->tx().wtxid));
                }
                // The model follows by taking all the work off.
                for (const net::PeerId worker : orphanage.peers_with_work())
                    while (const TransactionPtr work = orphanage.take_work(worker)) {
                        ASSERT_TRUE(orphanage.contains(work->tx().wtxid, worker));
                        ASSERT_TRUE(std::any_of(work->tx().inputs.begin(), work->tx().inputs.end(),
                                                [&](const TxInput& input) { return input.prevout.txid == parent->tx().txid; }));
                    }
                ASSERT_TRUE(orphanage.peers_with_work().empty());
                break;
            }
            case 3:
                if (naive.contains(tx->tx().wtxid)) {
                    const bool new_one = !orphanage.contains(tx->tx().wtxid, peer);
                    ASSERT_EQ(orphanage.add_announcer(tx->tx().wtxid, peer), new_one);
                    naive.add(tx, peer);
                } else {
                    ASSERT_FALSE(orphanage.add_announcer(tx->tx().wtxid, peer));
                }
                break;
            default: ASSERT_EQ(orphanage.add(tx, peer), naive.add(tx, peer)) << "step " << step;
        }
        ASSERT_EQ(orphanage.announcements(), naive.entries.size()) << "step " << step;
        for (const auto& e : naive.entries) ASSERT_TRUE(orphanage.contains(e.tx->tx().wtxid, e.peer)) << "step " << step;
        const auto [score, weight] = naive.totals();
        ASSERT_EQ(orphanage.latency_score(), score);
        ASSERT_EQ(orphanage.total_weight(), weight);
        ASSERT_LE(score, options.max_latency_score);
        const auto usage = naive.usage();
        for (net::PeerId p = 0; p < 5; ++p) {
            const auto found = usage.find(p);
            ASSERT_EQ(orphanage.latency_score(p), found == usage.end() ? 0 : found->second.first);
            ASSERT_EQ(orphanage.weight(p), found == usage.end() ? 0 : found->second.second);
        }
    }
}

TEST(OrphanageProperty, AgreesWithANaiveModel) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) run(seed);
}

}  // namespace
}  // namespace cairn::node
