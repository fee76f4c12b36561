#include <algorithm>

#include <fmt/core.h>

#include "tests/sim/node_host.hpp"
#include "tests/sim/overlay.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/scripted_host.hpp"

namespace cairn::sim {
namespace {

using Type = net::ConnectionType;

constexpr std::size_t kHonest = 150, kSeeds = 8;
constexpr std::size_t kAttackers = 1'000, kAttackerGroups = 8;
constexpr std::size_t kAttackerInbound = 40;              // connections that the attacker keeps to the victim
constexpr double kHonestUp = 0.6;                         // of the honest addresses answer
constexpr double kPoisoned = 0.5;                         // of the addresses that honest nodes tell are the attacker's
constexpr std::int64_t kLife = 30 * kMinute;              // of the victim between two restarts
constexpr int kLives = 3;
constexpr std::int64_t kHonestLoss = 30 * kSecond;        // one of the victim's honest connections breaks as often
constexpr std::int64_t kNewsWithin = 2 * kMinute;

net::Endpoint attacker_address(std::size_t number) {
    const auto group = static_cast<std::uint32_t>(number % kAttackerGroups), host = static_cast<std::uint32_t>(number / kAttackerGroups);
    return {net::NetAddress::ipv4((60 + group) << 24 | (200 + group) << 16 | (host + 1) << 8 | 9), 8333};
}

net::PeerAddress fresh(const net::Endpoint& endpoint, std::int64_t now_s) {
    return {endpoint, net::kServiceNetwork | net::kServiceWitness | net::kServiceNetworkLimited, static_cast<std::uint32_t>(now_s)};
}

/// The chain as its peers show it to the victim.
struct ShownChain {
    std::vector<BlockPtr> blocks;   ///< the last ones; the first is known to the victim
};

/// Shows headers to whoever asks; honest ones give the blocks, too.
class ChainHost : public ScriptedHost {
public:
    ChainHost(World& world, const net::Endpoint& endpoint, const ShownChain& chain) : ScriptedHost(world, endpoint, Origin::get().params()->magic), chain_(chain) {}

protected:
    void on_message(Connection& connection, net::Message&& message) override {
        if (std::holds_alternative<net::GetHeadersMessage>(message)) show(connection);
        if (std::holds_alternative<net::GetAddrMessage>(message)) tell_addresses(connection);
        const auto* asked = std::get_if<net::GetDataMessage>(&message);
        if (!asked || !gives()) return;
        for (const net::InvItem& item : asked->items)
            for (const BlockPtr& block : chain_.blocks)
                if (item.is_block() && block->hash() == BlockHash(item.hash)) send(connection, net::BlockMessage{to_bytes(block->raw())});
    }
    void show(Connection& connection) {
        net::HeadersMessage headers;
        for (const BlockPtr& block : chain_.blocks) headers.headers.push_back(block->header());
        headers.count = headers.headers.size();
        send(connection, std::move(headers));
    }
    virtual void tell_addresses(Connection& connection) = 0;
    virtual bool gives() const = 0;

    const ShownChain& chain_;
};

class HonestHost final : public ChainHost {
public:
    using ChainHost::ChainHost;
    void announce() {
        for (const auto& [key, connection] : connections())
            if (connection->ready) show(*connection);
    }

protected:
    bool gives() const override { return true; }
    void tell_addresses(Connection& connection) override {
        net::AddrV2Message told;
        for (int i = 0; i < 40; ++i)
            told.addresses.push_back(fresh(rng_.chance(kPoisoned) ? attacker_address(rng_.below(kAttackers)) : address_of(rng_.below(kHonest)), world_.now_s()));
        told.count = told.addresses.size();
        send(connection, std::move(told));
    }
};

/// One operator behind a thousand addresses: he answers at all of them, never goes away, tells only of his own, and withholds.
class Attacker final : public ChainHost {
public:
    Attacker(World& world, const ShownChain& chain, const net::Endpoint& victim) : ChainHost(world, attacker_address(0), chain), victim_(victim) {
        for (std::size_t i = 0; i < kAttackers; ++i) world.alias(attacker_address(i).address, *this);
    }
    void go() {
        start();
        world_.wake(*this, rng_.between(0, kSecond));
    }
    void on_wake() override {
        std::size_t inbound = static_cast<std::size_t>(dialing());
        std::vector<Connection*> mine;
        for (const auto& [key, connection] : connections())
            if (connection->outbound) mine.push_back(connection.get());
        inbound += mine.size();
        if (!mine.empty() && mine[rng_.below(mine.size())]->ready) tell_addresses(*mine[rng_.below(mine.size())]);
        if (inbound < kAttackerInbound) {
            address = attacker_address(rng_.below(kAttackers));
            dial(victim_);
        }
        world_.wake(*this, kSecond);
    }

protected:
    bool gives() const override { return false; }
    void tell_addresses(Connection& connection) override {
        if (!connection.ready) return;
        net::AddrV2Message told;
        const std::size_t count = connection.outbound ? 10 : 1'000;
        for (std::size_t i = 0; i < count; ++i) told.addresses.push_back(fresh(attacker_address(rng_.below(kAttackers)), world_.now_s()));
        told.count = told.addresses.size();
        send(connection, std::move(told));
    }

private:
    net::Endpoint victim_;
};

bool is_attacker(const net::NetAddress& address) {
    const ByteSpan bytes = address.bytes();
    return bytes[0] >= 60 && bytes[0] < 60 + kAttackerGroups;
}

class Eclipse {
public:
    explicit Eclipse(const RunOptions& run) : run_(run), world_({run.seed, 20 * kMillisecond, 120 * kMillisecond}), rng_(run.seed ^ 0xec1), chain_{{Origin::get().blocks().back()}} {
        for (std::size_t i = 0; i < kHonest; ++i) honest_.push_back(std::make_unique<HonestHost>(world_, address_of(i), chain_));
        NodeHost::Options options;
        net::EngineOptions& engine = options.engine;
        engine.magic = Origin::get().params()->magic;
        engine.user_agent = "/victim/";
        engine.v2 = engine.dialer.v2 = false;
        engine.dialer.dns_seed = false;
        engine.dialer.reachable = {net::NetworkId::ipv4};
        for (std::size_t i = 0; i < kSeeds; ++i) engine.dialer.fixed_seeds.push_back(fresh(address_of(i), 0));
        options.seed = rng_.next();
        options.tick_us = kSecond;
        options.trace = run.trace >= 0;
        victim_ = std::make_unique<NodeHost>(world_, Origin::get().params(), shared_, address_of(5'000), std::move(options));
        victim_->chain().load(Origin::get().blocks());
        attacker_ = std::make_unique<Attacker>(world_, chain_, victim_->address);
    }

    Outcome play() {
        for (std::size_t i = 0; i < kHonest; ++i)
            if (i < kSeeds || rng_.chance(kHonestUp)) honest_[i]->start();
        attacker_->go();
        for (int life = 0; life < kLives; ++life) {
            victim_->start();
            for (std::int64_t end_us = world_.now_us() + kLife, next_loss_us = world_.now_us(); world_.now_us() < end_us;) {
                world_.run_for(5 * kSecond);
                count();
                if (world_.now_us() < next_loss_us) continue;
                next_loss_us = world_.now_us() + kHonestLoss;
                lose_one();
            }
            hear_news();
            if (life + 1 < kLives) victim_->stop(rng_.chance(0.5));  // half of the time it crashes, and has no anchors
            world_.run_for(5 * kSecond);
        }
        const auto& book = victim_->engine().addresses();
        std::size_t theirs = 0, all = 0;
        for (const bool tried : {false, true})
            for (const auto& place : book.places(tried)) {
                ++all;
                theirs += is_attacker(place.address.endpoint.address);
            }
        outcome_.figures["most outbound connections owned by the attacker (of 10)"] = most_;
        outcome_.figures["most full-relay connections owned (of 8)"] = most_full_;
        outcome_.figures["places in the address book owned, %"] = 100.0 * static_cast<double>(theirs) / static_cast<double>(std::max<std::size_t>(1, all));
        outcome_.figures["a block of the honest came after, s"] = slowest_news_s_;
        outcome_.virtual_us = world_.now_us() - World::kBegin_us;
        outcome_.events = world_.events();
        outcome_.digest = world_.digest();
        return outcome_;
    }

private:
    void count() {
        int owned = 0, owned_full = 0, full = 0, block_only = 0;
        for (const auto& [id, peer] : victim_->role().peers()) {
            if (peer.type != Type::outbound_full_relay && peer.type != Type::block_relay_only) continue;
            const bool theirs = is_attacker(peer.address.address);
            (peer.type == Type::outbound_full_relay ? full : block_only) += 1;
            owned += theirs;
            if (peer.type == Type::outbound_full_relay) owned_full += theirs;
        }
        most_ = std::max(most_, owned);
        most_full_ = std::max(most_full_, owned_full);
        if (owned >= 10 && owned == full + block_only) outcome_.expect(false, fmt::format("all {} outbound connections are the attacker's at {} s", owned, (world_.now_us() - World::kBegin_us) / kSecond));
    }

    /// A connection to an honest node ends, and its slot is free for anybody.
    void lose_one() {
        std::vector<net::PeerId> ids;
        for (const auto& [id, peer] : victim_->role().peers())
            if (peer.outbound_or_block_relay() && !is_attacker(peer.address.address)) ids.push_back(id);
        if (!ids.empty()) victim_->break_connection(ids[rng_.below(ids.size())]);
    }

    /// The honest find a block; the victim has to hear of it though the attacker says nothing.
    void hear_news() {
        const HeaderNode* parent = victim_->chain().headers().find(chain_.blocks.back()->hash());
        const BlockPtr block = SimChain::next_block(*parent, world_.now_s(), rng_, *Origin::get().params());
        ShownChain news = chain_;
        news.blocks.push_back(block);
        if (news.blocks.size() > 8) news.blocks.erase(news.blocks.begin());
        chain_ = news;
        victim_->watch(block->hash());
        const std::int64_t found_us = world_.now_us();
        for (const auto& host : honest_)
            if (host->running()) host->announce();
        world_.run_for(kNewsWithin);
        const auto got = victim_->got_us();
        outcome_.expect(got.has_value(), fmt::format("a block found at {} s did not reach the victim within {} s", (found_us - World::kBegin_us) / kSecond, kNewsWithin / kSecond));
        slowest_news_s_ = std::max(slowest_news_s_, static_cast<double>((got ? *got : world_.now_us()) - found_us) / 1e6);
    }

    RunOptions run_;
    World world_;
    Rng rng_;
    SimChain::Shared shared_;
    ShownChain chain_;
    std::vector<std::unique_ptr<HonestHost>> honest_;
    std::unique_ptr<NodeHost> victim_;
    std::unique_ptr<Attacker> attacker_;
    Outcome outcome_;
    int most_ = 0, most_full_ = 0;
    double slowest_news_s_ = 0;
};

}  // namespace

Outcome run_eclipse(const RunOptions& run) { return Eclipse(run).play(); }

}  // namespace cairn::sim
