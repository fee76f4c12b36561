#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <cstdint>

namespace cairn::sim {

/// What the command line may say of a run; what it leaves open is each scenario's own choice.
struct RunOptions {
    std::uint64_t seed = 1;
    std::optional<std::size_t> hosts;
    std::optional<double> hours;      ///< how long the part that can be long lasts
    bool churn = true;
    double v2 = 0;                    ///< share of nodes that speak BIP324
    int trace = -1;                   ///< the host whose log goes to standard error
    bool verbose = false;
};

/// What one seed came to.
struct Outcome {
    std::vector<std::string> failures;        ///< empty: it holds
    std::map<std::string, double> figures;    ///< by name with unit, such as "slowest to eight outbound, s"
    std::int64_t virtual_us = 0;
    std::uint64_t events = 0;
    std::uint64_t digest = 0;                 ///< equal for equal runs

    void expect(bool holds, std::string failure) {
        if (!holds) failures.push_back(std::move(failure));
    }
};

struct Scenario {
    const char* name;
    const char* promise;   ///< what must hold, in a sentence
    Outcome (*run)(const RunOptions& options);
};

Outcome run_brief(const RunOptions& options);
Outcome run_bootstrap(const RunOptions& options);
Outcome run_relay(const RunOptions& options);
Outcome run_partition(const RunOptions& options);
Outcome run_eclipse(const RunOptions& options);
Outcome run_memory(const RunOptions& options);

}  // namespace cairn::sim
