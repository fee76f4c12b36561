#include "net/engine/bootstrap.hpp"

#include <algorithm>

#include "net/wire/limits.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000, kDay = 86'400 * kSecond;
constexpr int kEnoughPeers = 2;                               // outbound, to do without seeds
constexpr std::size_t kSeedsAtOnce = 3;                       // several, so that no single one decides whom we know
constexpr std::size_t kManyAddresses = 1000;
constexpr std::int64_t kWaitWithFew_us = 11 * kSecond;        // known addresses are tried first
constexpr std::int64_t kWaitWithMany_us = 300 * kSecond;
constexpr std::int64_t kSeedNodePatience_us = 30 * kSecond;   // before DNS seeds are thought of
constexpr std::int64_t kNextSeedNode_us = 10 * kSecond;
constexpr std::int64_t kFixedSeedDelay_us = 60 * kSecond;
constexpr std::int64_t kStarving_us = 120 * kSecond;          // with too few peers and hardly anybody else who ever answered
constexpr std::size_t kFewAnswered = 16;

template <class T>
void shuffle(std::vector<T>& values, Random& random) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random.below(i)]);
}

}  // namespace

Bootstrap::Bootstrap(Options options, Random& random, AddrBook& book, LogLines& log)
    : options_(std::move(options)), random_(random), book_(book), log_(log), seed_nodes_given_(!options_.seed_nodes.empty()) {
    shuffle(options_.seed_nodes, random_);
    shuffle(options_.dns_seeds, random_);
}

Bootstrap::Output Bootstrap::on_tick(const State& state, std::int64_t now_us) {
    Output out;
    if (!started_ || now_us < started_us_) {  // or the time was set back
        started_us_ = seed_node_us_ = now_us;
        if (!started_ && !options_.connect_given && !options_.use_fixed_seeds) log_.info("Fixed seeds are disabled");
        if (!started_ && !options_.connect_given && !options_.seed_nodes.empty() && book_.size() == 0) seed_node_us_ -= kNextSeedNode_us + 1;
        started_ = true;
    }
    ask_dns(state, now_us, out);
    if (options_.connect_given) {
        fetches_.clear();
        return out;
    }
    ask_seed_nodes(state, now_us, out);
    out.fetches.insert(out.fetches.end(), fetches_.begin(), fetches_.end());
    fetches_.clear();
    use_fixed(state, now_us);
    return out;
}

// --- DNS seeds

void Bootstrap::ask_dns(const State& state, std::int64_t now_us, Output& out) {
    const bool enough = state.full_relay_ready >= kEnoughPeers;
    switch (phase_) {
        case Phase::begin:
            if (!options_.dns_seed && !options_.force_dns_seed) {
                log_.info("DNS seeding disabled");
                phase_ = Phase::over;
                return;
            }
            phase_ = Phase::start;
            if (!seed_nodes_given_) return ask_dns(state, now_us, out);
            log_.info("-seednode enabled. Trying the provided seeds for {} seconds before defaulting to the dnsseeds.", kSeedNodePatience_us / kSecond);
            until_us_ = now_us + kSeedNodePatience_us;
            phase_ = Phase::seed_nodes;
            return;
        case Phase::seed_nodes:
            if (now_us <= until_us_ && !enough) return;
            log_.info("{}", enough ? "P2P peers available. Finished fetching data from seed nodes."
                                   : "Couldn't connect to enough peers via seed nodes. Handing fetch logic to the DNS seeds.");
            [[fallthrough]];
        case Phase::start:
            if (options_.force_dns_seed || book_.size() == 0) seeds_now_ = options_.dns_seeds.size();
            if (enough && seeds_now_ == 0 && phase_ == Phase::seed_nodes) {
                log_.info("Skipping DNS seeds. Enough peers have been found");
                phase_ = Phase::over;
                return;
            }
            wait_us_ = book_.size() >= kManyAddresses ? kWaitWithMany_us : kWaitWithFew_us;
            phase_ = Phase::asking;
            return ask_next(now_us, out);
        case Phase::waiting:
            if (now_us < check_us_ && check_us_ - now_us <= kWaitWithFew_us) return;
            if (enough) {
                if (found_ > 0) log_.info("{} addresses found from DNS seeds", found_);
                log_.info("P2P peers available. {} DNS seeding.", found_ > 0 ? "Finished" : "Skipped");
                phase_ = Phase::over;
                return;
            }
            if (now_us < until_us_) {
                check_us_ = std::min(now_us + kWaitWithFew_us, until_us_);
                return;
            }
            phase_ = Phase::asking;
            return ask_next(now_us, out);
        case Phase::asking:
        case Phase::answers:
        case Phase::over: return;
    }
}

/// Asks until the next rest.
void Bootstrap::ask_next(std::int64_t now_us, Output& out) {
    for (; next_seed_ < options_.dns_seeds.size(); ++next_seed_, --seeds_now_) {
        if (seeds_now_ == 0) {
            seeds_now_ = kSeedsAtOnce;
            if (book_.size() > 0) {
                log_.info("Waiting {} seconds before querying DNS seeds.", wait_us_ / kSecond);
                until_us_ = now_us + wait_us_;
                check_us_ = now_us + std::min(wait_us_, kWaitWithFew_us);
                phase_ = Phase::waiting;
                return;
            }
        }
        const std::string& seed = options_.dns_seeds[next_seed_];
        log_.info("Loading addresses from DNS seed {}", seed);
        if (options_.names_by_proxy) {
            fetches_.push_back(seed);
        } else {
            out.lookups.push_back(seed);
            ++unanswered_;
        }
    }
    phase_ = Phase::answers;
    end_answers();
}

void Bootstrap::end_answers() {
    if (phase_ != Phase::answers || unanswered_ > 0) return;
    log_.info("{} addresses found from DNS seeds", found_);
    phase_ = Phase::over;
}

void Bootstrap::on_resolved(const std::string& seed, const std::vector<NetAddress>& addresses, std::uint16_t port, std::int64_t now_us) {
    unanswered_ -= std::min<std::size_t>(unanswered_, 1);
    std::vector<PeerAddress> found;
    for (const NetAddress& address : addresses) {
        // Between three and seven days old: they are tried, but others that are newer come first.
        const std::int64_t age_us = 3 * kDay + static_cast<std::int64_t>(random_.below(4 * kDay));
        found.push_back({{address, port}, kServiceNetwork | kServiceWitness, static_cast<std::uint32_t>((now_us - age_us) / kSecond)});
    }
    if (found.empty()) fetches_.push_back(seed);
    found_ += found.size();
    book_.add(found, NetAddress(), 0, now_us / kSecond);
    end_answers();
}

// --- named nodes and the built-in list

void Bootstrap::ask_seed_nodes(const State& state, std::int64_t now_us, Output& out) {
    if (options_.seed_nodes.empty() || state.full_relay >= kEnoughPeers || now_us <= seed_node_us_ + kNextSeedNode_us) return;
    seed_node_us_ = now_us;
    const std::string seed = options_.seed_nodes.back();
    options_.seed_nodes.pop_back();
    if (book_.size() == 0) log_.info("Empty addrman, adding seednode ({}) to addrfetch", seed);
    else log_.info("Couldn't connect to peers from addrman after {} seconds. Adding seednode ({}) to addrfetch", kNextSeedNode_us / kSecond, seed);
    out.fetches.push_back(seed);
}

void Bootstrap::use_fixed(const State& state, std::int64_t now_us) {
    if (!options_.use_fixed_seeds) return;
    std::vector<NetworkId> empty;
    for (const NetworkId network : state.reachable)
        if (book_.size(network, std::nullopt) == 0) empty.push_back(network);
    if (fixed_for_empty_) empty.clear();
    const std::size_t answered = book_.size(std::nullopt, false);
    const bool starving = now_us > started_us_ + kStarving_us && !options_.fixed_seeds.empty() &&
                          state.full_relay_ready < limits::kFullRelayOutbound && answered < kFewAnswered;
    if (empty.empty() && !starving) return;
    if (empty.empty()) {
        // Who called us first may have told of himself and his friends alone, so that the book was never empty.
        options_.use_fixed_seeds = false;
        log_.info("Adding fixed seeds as only {} known addresses ever answered and connections are wanting", answered);
        empty = state.reachable;
    } else if (now_us > started_us_ + kFixedSeedDelay_us) {
        log_.info("Adding fixed seeds as 60 seconds have passed and addrman is empty for at least one reachable network");
    } else if (!options_.dns_seed && !seed_nodes_given_ && !state.added_nodes) {
        log_.info("Adding fixed seeds as -dnsseed=0 (or IPv4/IPv6 connections are disabled via -onlynet) and neither -addnode nor -seednode are provided");
    } else {
        return;
    }
    // Those of other networks stay for the case above: that IPv6 leads nowhere says nothing about who is behind IPv4.
    fixed_for_empty_ = true;
    const auto kept = std::ranges::partition(options_.fixed_seeds, [&](const PeerAddress& seed) {
        return std::find(empty.begin(), empty.end(), seed.endpoint.address.network()) == empty.end();
    });
    std::vector<PeerAddress> seeds(kept.begin(), kept.end());
    options_.fixed_seeds.erase(kept.begin(), kept.end());
    for (PeerAddress& seed : seeds) {
        const std::int64_t age_us = 7 * kDay + static_cast<std::int64_t>(random_.below(7 * kDay));
        seed.time = static_cast<std::uint32_t>((now_us - age_us) / kSecond);
    }
    book_.add(seeds, NetAddress(), 0, now_us / kSecond);
    log_.info("Added {} fixed seeds from reachable networks.", seeds.size());
}

}  // namespace cairn::net
