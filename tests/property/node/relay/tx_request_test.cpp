#include "node/relay/tx_request.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "net/core/random.hpp"

namespace cairn::node {
namespace {

/// The rules said once more, with a list that is gone through for everything.
class NaiveTracker {
public:
    enum class State { candidate, requested, failed };
    struct Entry {
        TxName name;
        net::PeerId peer;
        bool preferred;
        State state;
        std::int64_t time;
        std::uint64_t sequence;
    };

    explicit NaiveTracker(const TxRequest& priorities) : priorities_(priorities) {}

    void on_announced(net::PeerId peer, const TxName& name, bool preferred, std::int64_t time) {
        if (find(peer, name.hash)) return;
        entries_.push_back({name, peer, preferred, State::candidate, time, next_++});
    }
    void remove_peer(net::PeerId peer) {
        std::erase_if(entries_, [&](const Entry& e) { return e.peer == peer; });
        sweep();
    }
    void forget(const Uint256& hash) {
        std::erase_if(entries_, [&](const Entry& e) { return e.name.hash == hash; });
    }
    std::vector<TxName> requestable(net::PeerId peer, std::int64_t now, std::vector<std::pair<net::PeerId, Uint256>>& expired) {
        for (Entry& e : entries_)
            if (e.state == State::requested && e.time <= now) {
                e.state = State::failed;
                expired.emplace_back(e.peer, e.name.hash);
            }
        sweep();
        std::vector<const Entry*> mine;
        for (const Entry& e : entries_) {
            if (e.peer != peer || e.state != State::candidate || e.time > now) continue;
            bool best = true;
            for (const Entry& other : entries_) {
                if (other.name.hash != e.name.hash || &other == &e) continue;
                if (other.state == State::requested) best = false;
                if (other.state == State::candidate && other.time <= now && priority(other) < priority(e)) best = false;
            }
            if (best) mine.push_back(&e);
        }
        std::sort(mine.begin(), mine.end(), [](const Entry* a, const Entry* b) { return a->sequence < b->sequence; });
        std::vector<TxName> names;
        for (const Entry* e : mine) names.push_back(e->name);
        return names;
    }
    void on_requested(net::PeerId peer, const Uint256& hash, std::int64_t expiry) {
        Entry* entry = find(peer, hash);
        if (!entry || entry->state != State::candidate) return;
        for (Entry& other : entries_)
            if (other.name.hash == hash && other.state == State::requested) other.state = State::failed;
        entry->state = State::requested;
        entry->time = expiry;
    }
    void on_answered(net::PeerId peer, const Uint256& hash) {
        Entry* entry = find(peer, hash);
        if (entry) entry->state = State::failed;
        sweep();
    }
    std::size_t count(net::PeerId peer, std::optional<State> state) const {
        return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
            return e.peer == peer && (!state || e.state == *state);
        }));
    }
    std::vector<net::PeerId> candidate_peers(const Uint256& hash) const {
        std::vector<net::PeerId> peers;
        for (const Entry& e : entries_)
            if (e.name.hash == hash && e.state != State::failed) peers.push_back(e.peer);
        return peers;
    }
    std::size_t size() const { return entries_.size(); }

private:
    std::uint64_t priority(const Entry& e) const { return priorities_.priority(e.name.hash, e.peer, e.preferred); }
    Entry* find(net::PeerId peer, const Uint256& hash) {
        for (Entry& e : entries_)
            if (e.peer == peer && e.name.hash == hash) return &e;
        return nullptr;
    }
    void sweep() {
        std::vector<Uint256> dead;
        for (const Entry& e : entries_)
            if (std::all_of(entries_.begin(), entries_.end(), [&](const Entry& o) { return o.name.hash != e.name.hash || o.state == State::failed; }))
                dead.push_back(e.name.hash);
        for (const Uint256& hash : dead) forget(hash);
    }

    const TxRequest& priorities_;
    std::vector<Entry> entries_;
    std::uint64_t next_ = 0;
};

void run(std::uint64_t seed, int steps) {
    SCOPED_TRACE(seed);
    net::Random random = net::Random::from_number(seed);
    TxRequest tracker({random.u64(), random.u64()});
    NaiveTracker naive(tracker);
    constexpr std::uint64_t kPeers = 6, kHashes = 8;
    std::vector<Uint256> hashes;
    for (std::uint64_t i = 0; i < kHashes; ++i) hashes.push_back(random.uint256());
    std::int64_t now = 1'000'000;
    for (int step = 0; step < steps; ++step) {
        const auto peer = static_cast<net::PeerId>(random.below(kPeers));
        const Uint256& hash = hashes[random.below(kHashes)];
        switch (random.below(12)) {
            case 0: now += static_cast<std::int64_t>(random.below(20)); break;
            case 1: now -= static_cast<std::int64_t>(random.below(10)); break;
            case 2:
            case 3:
            case 4:
            case 5: {
                const TxName name{hash, random.below(2) == 0};
                const bool preferred = random.below(2) == 0;
                const std::int64_t time = now + static_cast<std::int64_t>(random.below(20)) - 5;
                tracker.on_announced(peer, name, preferred, time);
                naive.on_announced(peer, name, preferred, time);
                break;
            }
            case 6:
                if (random.below(5) != 0) break;
                tracker.remove_peer(peer);
                naive.remove_peer(peer);
                break;
            case 7:
                if (random.below(3) != 0) break;
                tracker.forget(hash);
                naive.forget(hash);
                break;
            case 8: {
                const std::int64_t expiry = now + static_cast<std::int64_t>(random.below(20)) - 3;
                tracker.on_requested(peer, hash, expiry);
                naive.on_requested(peer, hash, expiry);
                break;
            }
            case 9:
                tracker.on_answered(peer, hash);
                naive.on_answered(peer, hash);
                break;
            default: {
                std::vector<TxRequest::Expired> expired;
                std::vector<std::pair<net::PeerId, Uint256>> naive_expired;
                const auto names = tracker.requestable(peer, now, &expired);
                ASSERT_EQ(names, naive.requestable(peer, now, naive_expired)) << "step " << step;
                std::vector<std::pair<net::PeerId, Uint256>> flat;
                for (const auto& e : expired) flat.emplace_back(e.peer, e.name.hash);
                std::sort(flat.begin(), flat.end());
                std::sort(naive_expired.begin(), naive_expired.end());
                ASSERT_EQ(flat, naive_expired);
                for (const TxName& name : names) {
                    if (random.below(2) == 0) continue;
                    tracker.on_requested(peer, name.hash, now + 15);
                    naive.on_requested(peer, name.hash, now + 15);
                }
            }
        }
        ASSERT_EQ(tracker.size(), naive.size()) << "step " << step;
        for (std::uint64_t id = 0; id < kPeers; ++id) {
            const auto p = static_cast<net::PeerId>(id);
            ASSERT_EQ(tracker.count(p), naive.count(p, std::nullopt));
            ASSERT_EQ(tracker.in_flight(p), naive.count(p, NaiveTracker::State::requested));
            ASSERT_EQ(tracker.candidates(p), naive.count(p, NaiveTracker::State::candidate));
        }
        for (const Uint256& h : hashes) {
            auto mine = tracker.candidate_peers(h), theirs = naive.candidate_peers(h);
            std::sort(mine.begin(), mine.end());
            std::sort(theirs.begin(), theirs.end());
            ASSERT_EQ(mine, theirs);
        }
    }
}

// As many as a flood from a hundred peers may leave.
TEST(TxRequest, TakesLessThanAHundredBytesForAnAnnouncementAndGivesThemBack) {
    net::Random random = net::Random::from_number(7);
    TxRequest tracker({random.u64(), random.u64()});
    for (net::PeerId peer = 0; peer < 100; ++peer)
        for (int i = 0; i < 5'000; ++i) tracker.on_announced(peer, {random.uint256(), true}, false, i + peer);
    ASSERT_EQ(tracker.size(), 500'000u);
    EXPECT_LE(tracker.memory_usage(), tracker.size() * 100);
    EXPECT_EQ(tracker.requestable(5, 2'000, nullptr).size(), 1'996u);
    for (net::PeerId peer = 0; peer < 99; ++peer) tracker.remove_peer(peer);
    EXPECT_EQ(tracker.size(), 5'000u);
    for (int i = 0; i < 20; ++i) tracker.forget(random.uint256());
    EXPECT_LE(tracker.memory_usage(), std::size_t{2'000'000});
    tracker.remove_peer(99);
    EXPECT_LE(tracker.memory_usage(), std::size_t{100'000});
}

TEST(TxRequestProperty, AgreesWithANaiveModel) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) run(seed, 2500);
}

}  // namespace
}  // namespace cairn::node
