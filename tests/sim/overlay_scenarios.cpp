#include <algorithm>

#include <fmt/core.h>

#include "tests/sim/overlay.hpp"
#include "tests/sim/scenario.hpp"

namespace cairn::sim {
namespace {

constexpr std::int64_t kFillWithin = 10 * kMinute;
constexpr std::int64_t kRelayWithin = 5 * kSecond;
constexpr std::int64_t kAgreeWithin = 2 * kMinute;
constexpr std::int64_t kReachAllWithin = 30 * kSecond;
constexpr std::int64_t kMemoryOfPeer = 1 << 20;

double seconds(std::int64_t us) { return static_cast<double>(us) / 1e6; }

Overlay::Options overlay_options(const RunOptions& run, std::size_t hosts) {
    Overlay::Options options;
    options.seed = run.seed;
    options.hosts = run.hosts.value_or(hosts);
    options.churn = run.churn;
    options.v2 = run.v2;
    options.trace = run.trace;
    return options;
}

/// Watches from minute to minute what must always hold.
class Watch {
public:
    Watch(Overlay& overlay, Outcome& outcome, bool verbose) : overlay_(overlay), outcome_(outcome), verbose_(verbose) {}

    void run_for(std::int64_t span_us) {
        run_until(span_us, kMinute, [] { return false; });
    }
    /// Ends when `done`, too, which is looked at every `step_us`. False: the time was over before.
    template <class F>
    bool run_until(std::int64_t span_us, std::int64_t step_us, F done) {
        const std::int64_t end_us = overlay_.world().now_us() + span_us;
        while (overlay_.world().now_us() < end_us) {
            overlay_.world().run_for(std::min(step_us, end_us - overlay_.world().now_us()));
            look();
            if (done()) return true;
        }
        return false;
    }
    void look() {
        const Overlay::Filling now = overlay_.filling(kFillWithin);
        if (filling_matters_) slowest_us_ = std::max(slowest_us_, now.slowest_us);
        for (const NodeHost* node : now.late)
            if (filling_matters_ && std::find(late_.begin(), late_.end(), node->id) == late_.end()) late_.push_back(node->id);
        if (const Overlay::Weight heaviest = overlay_.heaviest(); heaviest.bytes_per_peer > heaviest_.bytes_per_peer) heaviest_ = heaviest;
        for (const std::string& line : overlay_.unjust())
            if (std::find(unjust_.begin(), unjust_.end(), line) == unjust_.end()) unjust_.push_back(line);
        if (verbose_)
            fmt::print(stderr, "{:8.0f} s: {} of {} honest run, {} have eight, {} late, {} links, {} unjust, {} B a peer (host {}, {} peers)\n",
                       seconds(overlay_.world().now_us() - start_us_), now.running, now.honest, now.full_now, now.late.size(),
                       overlay_.world().open_links(), unjust_.size(), heaviest_.bytes_per_peer, heaviest_.host, heaviest_.connections);
    }
    /// From now on it may take longer: half of the network cannot be reached.
    void forgive_late() { filling_matters_ = false; }
    void finish() {
        outcome_.expect(late_.empty(), fmt::format("{} honest nodes had no eight outbound connections within {} s, host {} first", late_.size(),
                                                   kFillWithin / kSecond, late_.empty() ? 0 : late_[0]));
        outcome_.expect(unjust_.empty(), fmt::format("{} honest nodes were held for bad: {}", unjust_.size(), unjust_.empty() ? "" : unjust_[0]));
        outcome_.expect(heaviest_.bytes_per_peer <= kMemoryOfPeer,
                        fmt::format("host {} held {} bytes for each of {} peers", heaviest_.host, heaviest_.bytes_per_peer, heaviest_.connections));
        outcome_.figures["slowest to eight outbound, s"] = seconds(slowest_us_);
        outcome_.figures["most memory a peer, KiB"] = static_cast<double>(heaviest_.bytes_per_peer) / 1024;
        outcome_.virtual_us = overlay_.world().now_us() - start_us_;
        outcome_.events = overlay_.world().events();
        outcome_.digest = overlay_.world().digest();
    }

private:
    Overlay& overlay_;
    Outcome& outcome_;
    bool verbose_, filling_matters_ = true;
    std::int64_t start_us_ = overlay_.world().now_us();
    std::int64_t slowest_us_ = 0;
    Overlay::Weight heaviest_;
    std::vector<HostId> late_;
    std::vector<std::string> unjust_;
};

/// Honest nodes that were up when the block was found, and still are.
struct Spread {
    std::vector<std::int64_t> took_us;  ///< of those that have it, ascending
    std::size_t nodes = 0;
};

Spread spread(const std::vector<std::pair<NodeHost*, std::uint32_t>>& audience, std::int64_t found_us) {
    Spread result;
    for (const auto& [node, incarnation] : audience) {
        if (!node->running() || node->incarnation != incarnation) continue;
        ++result.nodes;
        if (const auto got = node->got_us()) result.took_us.push_back(*got - found_us);
    }
    std::sort(result.took_us.begin(), result.took_us.end());
    return result;
}

/// The honest nodes that run and are past their initial download, up for `age_us` or longer: they are to get the next block.
std::vector<std::pair<NodeHost*, std::uint32_t>> audience_of(const Overlay& overlay, std::int64_t age_us) {
    std::vector<std::pair<NodeHost*, std::uint32_t>> audience;
    for (NodeHost* node : overlay.honest())
        if (node->running() && !node->chain().view()->initial_block_download && overlay.now_us() - node->started_us() > age_us)
            audience.emplace_back(node, node->incarnation);
    return audience;
}

/// An honest node finds a block, and all watch for it. False: nobody could.
bool find_block(Overlay& overlay) {
    NodeHost* miner = overlay.mine();
    if (!miner) return false;
    for (NodeHost* node : overlay.honest()) node->watch(miner->chain().tip()->hash);
    return true;
}

}  // namespace

Outcome run_brief(const RunOptions& run) {
    Outcome outcome;
    Overlay::Options options = overlay_options(run, 80);
    options.tick_us = kSecond;
    Overlay overlay(options);
    Watch watch(overlay, outcome, run.verbose);
    watch.run_for(options.start_spread_us);
    const bool filled = watch.run_until(12 * kMinute, 10 * kSecond, [&] { return overlay.filling(0).late.empty(); });
    outcome.figures["all have eight outbound after, s"] = seconds(overlay.now_us() - World::kBegin_us);
    double slowest_s = 0;
    for (int i = 0; i < 3 && filled; ++i) {
        const std::int64_t found_us = overlay.now_us();
        const auto audience = audience_of(overlay, kMinute);
        if (!find_block(overlay)) {
            outcome.expect(false, "nobody could find a block");
            break;
        }
        Spread result;
        const bool all = watch.run_until(kReachAllWithin, 2 * kSecond, [&] {
            result = spread(audience, found_us);
            return result.took_us.size() == result.nodes;
        });
        outcome.expect(all, fmt::format("block {} reached {} of {} honest nodes within {} s", i, result.took_us.size(), result.nodes, kReachAllWithin / kSecond));
        if (!result.took_us.empty()) slowest_s = std::max(slowest_s, seconds(result.took_us.back()));
    }
    outcome.figures["last of the honest has a block, s"] = slowest_s;
    watch.finish();
    return outcome;
}

Outcome run_bootstrap(const RunOptions& run) {
    Outcome outcome;
    Overlay overlay(overlay_options(run, 500));
    Watch watch(overlay, outcome, run.verbose);
    watch.run_for(12 * kMinute);
    const Overlay::Filling end = overlay.filling(kFillWithin);
    outcome.figures["share with eight outbound at the end, %"] = 100.0 * static_cast<double>(end.full_now) / static_cast<double>(std::max<std::size_t>(1, end.running));
    watch.finish();
    return outcome;
}

Outcome run_relay(const RunOptions& run) {
    Outcome outcome;
    Overlay::Options options = overlay_options(run, 500);
    options.latency_low_us = options.latency_high_us = 100 * kMillisecond;
    Overlay overlay(options);
    Watch watch(overlay, outcome, run.verbose);
    watch.run_for(10 * kMinute);
    overlay.mine();  // after it nodes know who is quick, and have asked them to push blocks (BIP152)
    watch.run_for(kMinute);
    constexpr int kBlocks = 10;
    double worst_s = 0, worst_share = 100, sum_s = 0;
    for (int i = 0; i < kBlocks; ++i) {
        const std::int64_t found_us = overlay.world().now_us();
        const auto audience = audience_of(overlay, kMinute);
        if (!find_block(overlay)) {
            outcome.expect(false, "nobody could find a block");
            break;
        }
        watch.run_for(kMinute);
        const Spread result = spread(audience, found_us);
        const std::size_t most = (result.nodes * 99 + 99) / 100;
        const std::size_t in_time = static_cast<std::size_t>(std::upper_bound(result.took_us.begin(), result.took_us.end(), kRelayWithin) - result.took_us.begin());
        const double share = result.nodes == 0 ? 100 : 100.0 * static_cast<double>(in_time) / static_cast<double>(result.nodes);
        const double took_s = most == 0 ? 0 : most <= result.took_us.size() ? seconds(result.took_us[most - 1]) : 60;
        worst_s = std::max(worst_s, took_s);
        sum_s += took_s;
        worst_share = std::min(worst_share, share);
        if (run.verbose) fmt::print(stderr, "block {}: 99 % of {} in {:.2f} s, {:.2f} % in time, all {} in {:.2f} s\n", i, result.nodes, took_s, share,
                                    result.took_us.size(), result.took_us.empty() ? 0 : seconds(result.took_us.back()));
        outcome.expect(share >= 99, fmt::format("block {} reached only {:.2f} % of the honest within {} s", i, share, kRelayWithin / kSecond));
    }
    outcome.figures["99 % of the honest have a block, mean, s"] = sum_s / kBlocks;
    outcome.figures["99 % of the honest have a block, slowest of ten, s"] = worst_s;
    outcome.figures["least share within 5 s, %"] = worst_share;
    watch.finish();
    return outcome;
}

namespace {

/// Who is not where most are, and what he knows.
void tell_stragglers(const Overlay& overlay) {
    const BlockHash common = overlay.common_tip();
    for (NodeHost* node : overlay.honest()) {
        if (!overlay.settled(*node) || node->chain().tip()->hash == common) continue;
        const auto view = node->chain().view();
        fmt::print(stderr, "host {} is at height {} (best header {}{}), up for {:.0f} s, {} full and {} block-relay peers, {} connections\n", node->id, view->tip->height,
                   view->best_header->height, view->initial_block_download ? ", initial download" : "", seconds(overlay.now_us() - node->started_us()),
                   node->ready(net::ConnectionType::outbound_full_relay), node->ready(net::ConnectionType::block_relay_only), node->connections());
    }
}

}  // namespace

Outcome run_partition(const RunOptions& run) {
    Outcome outcome;
    Overlay overlay(overlay_options(run, 500));
    World& world = overlay.world();
    Watch watch(overlay, outcome, run.verbose);
    watch.run_for(10 * kMinute);
    watch.forgive_late();
    const auto span_us = static_cast<std::int64_t>(run.hours.value_or(6) * static_cast<double>(kHour));
    // The sides: by a coin for each host.
    std::vector<int> side;
    for (std::size_t i = 0; i < overlay.nodes().size() + overlay.hostile().size(); ++i) side.push_back(static_cast<int>(overlay.rng().below(2)));
    world.partition([&side](const Host& host) { return side[host.id]; });
    overlay.set_tick(5 * kSecond);
    for (const auto& host : overlay.hostile()) host->set_pace(60 * kSecond, 30 * kMinute);
    const std::int64_t healed_us = world.now_us() + span_us;
    std::int64_t next_us = world.now_us();
    int found[2] = {0, 0};
    while (world.now_us() < healed_us) {
        next_us += std::max<std::int64_t>(kSecond, static_cast<std::int64_t>(overlay.rng().exponential(5 * kMinute)));  // each side has half the power
        watch.run_for(std::min(next_us, healed_us) - world.now_us());
        if (world.now_us() >= healed_us) break;
        const int which = static_cast<int>(overlay.rng().below(2));
        if (overlay.mine([&](const NodeHost& node) { return side[node.id] == which; })) ++found[which];
    }
    if (found[0] == found[1] && overlay.mine([&](const NodeHost& node) { return side[node.id] == 0; })) {  // an equal race would go on by right
        ++found[0];
        watch.run_for(30 * kSecond);
    }
    world.heal();
    overlay.set_tick(500 * kMillisecond);
    const std::int64_t start_us = world.now_us();
    std::optional<std::int64_t> agreed_us;
    while (world.now_us() - start_us < 10 * kMinute && !agreed_us) {
        world.run_for(kSecond);
        const auto now = overlay.tips();
        if (now.size() == 1) agreed_us = world.now_us() - start_us;
        if (run.verbose && (world.now_us() - start_us) % (10 * kSecond) == 0)
            fmt::print(stderr, "{:4.0f} s after healing: {} tips, {} honest nodes have the most common\n", seconds(world.now_us() - start_us), now.size(),
                       std::max_element(now.begin(), now.end(), [](const auto& a, const auto& b) { return a.second < b.second; })->second);
    }
    if (!agreed_us) tell_stragglers(overlay);
    outcome.expect(agreed_us && *agreed_us <= kAgreeWithin, agreed_us ? fmt::format("the honest agreed only after {:.0f} s", seconds(*agreed_us)) : "the honest did not agree");
    outcome.figures["agreed after, s"] = agreed_us ? seconds(*agreed_us) : 600;
    outcome.figures["blocks found by the smaller half"] = std::min(found[0], found[1]);
    watch.look();
    watch.finish();
    return outcome;
}

}  // namespace cairn::sim
