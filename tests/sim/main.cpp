// The simulation of a network: sim --scenario NAME [--seeds N] [--first-seed S] [--nodes N] [--hours H] [--v2 SHARE] [--no-churn] [--trace HOST] [--verbose] [--twice]
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <fmt/core.h>

#include "tests/sim/scenario.hpp"

namespace {

using namespace cairn::sim;

constexpr Scenario kScenarios[] = {
    {"brief", "a small network fills within ten minutes, and three blocks after that reach every honest node; for many seeds", run_brief},
    {"bootstrap", "from hard-coded seeds only every honest node has eight outbound connections within ten minutes", run_bootstrap},
    {"relay", "a block reaches 99 % of the honest within five seconds over links of 100 ms", run_relay},
    {"partition", "when a partition into halves of six hours heals, all honest nodes agree within two minutes", run_partition},
    {"eclipse", "a thousand addresses of eight groups never own all outbound connections of a node", run_eclipse},
    {"memory", "no peer makes a node hold more than 1 MiB, and one that does not read or end its message no more than its buffers", run_memory},
};

struct Command {
    std::string_view scenario;
    std::uint64_t seeds = 1, first_seed = 1;
    bool twice = false;   ///< run each seed twice and compare
    RunOptions run;
};

int usage() {
    fmt::print(stderr, "sim --scenario NAME [--seeds N] [--first-seed S] [--nodes N] [--hours H] [--v2 SHARE] [--no-churn] [--trace HOST] [--verbose] [--twice]\n");
    for (const Scenario& scenario : kScenarios) fmt::print(stderr, "  {:10} {}\n", scenario.name, scenario.promise);
    return 2;
}

bool parse(int argc, char** argv, Command& command) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--no-churn") {
            command.run.churn = false;
            continue;
        }
        if (name == "--twice") {
            command.twice = true;
            continue;
        }
        if (name == "--verbose") {
            command.run.verbose = true;
            continue;
        }
        if (++i == argc) return false;
        const char* value = argv[i];
        if (name == "--scenario") command.scenario = value;
        else if (name == "--seeds") command.seeds = std::strtoull(value, nullptr, 10);
        else if (name == "--first-seed") command.first_seed = std::strtoull(value, nullptr, 10);
        else if (name == "--nodes") command.run.hosts = std::strtoull(value, nullptr, 10);
        else if (name == "--hours") command.run.hours = std::strtod(value, nullptr);
        else if (name == "--v2") command.run.v2 = std::strtod(value, nullptr);
        else if (name == "--trace") command.run.trace = std::atoi(value);
        else return false;
    }
    return !command.scenario.empty() && command.seeds > 0;
}

std::string replay(const Scenario& scenario, const RunOptions& run) {
    std::string text = fmt::format("sim --scenario {} --seeds 1 --first-seed {}", scenario.name, run.seed);
    if (run.hosts) text += fmt::format(" --nodes {}", *run.hosts);
    if (run.hours) text += fmt::format(" --hours {}", *run.hours);
    if (run.v2 > 0) text += fmt::format(" --v2 {}", run.v2);
    if (!run.churn) text += " --no-churn";
    return text;
}

/// The number of seeds that failed.
std::uint64_t run_all(const Scenario& scenario, Command command) {
    std::map<std::string, std::vector<double>> figures;
    std::uint64_t failed = 0;
    double virtual_s = 0, real_s = 0;
    for (std::uint64_t i = 0; i < command.seeds; ++i) {
        command.run.seed = command.first_seed + i;
        const auto begin = std::chrono::steady_clock::now();
        Outcome outcome = scenario.run(command.run);
        if (command.twice) outcome.expect(scenario.run(command.run).digest == outcome.digest, "a second run of the same seed went otherwise");
        const double took_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        virtual_s += static_cast<double>(outcome.virtual_us) / 1e6;
        real_s += took_s;
        for (const auto& [name, value] : outcome.figures) figures[name].push_back(value);
        if (command.seeds <= 20)
            fmt::print("{} seed {}: {} ({:.0f} virtual s in {:.1f} s, {} events, digest {:016x})\n", scenario.name, command.run.seed,
                       outcome.failures.empty() ? "holds" : "FAILS", static_cast<double>(outcome.virtual_us) / 1e6, took_s, outcome.events, outcome.digest);
        if (outcome.failures.empty()) continue;
        ++failed;
        for (const std::string& failure : outcome.failures) fmt::print("  seed {}: {}\n", command.run.seed, failure);
        fmt::print("  replay: {}\n", replay(scenario, command.run));
        std::fflush(stdout);
    }
    fmt::print("{}: {} of {} seeds hold; {:.0f} virtual s in {:.1f} s (x{:.0f})\n", scenario.name, command.seeds - failed, command.seeds, virtual_s, real_s,
               virtual_s / std::max(real_s, 1e-9));
    for (auto& [name, values] : figures) {
        std::sort(values.begin(), values.end());
        fmt::print("  {:52} min {:8.2f}  median {:8.2f}  max {:8.2f}\n", name, values.front(), values[values.size() / 2], values.back());
    }
    return failed;
}

}  // namespace

int main(int argc, char** argv) {
    Command command;
    if (!parse(argc, argv, command)) return usage();
    for (const Scenario& scenario : kScenarios)
        if (command.scenario == scenario.name) return run_all(scenario, command) == 0 ? 0 : 1;
    return usage();
}
