#include "consensus/script/rows.hpp"
#include "consensus/script/verify.hpp"
#include "node/acceptance/judge.hpp"
#include "node/chain/script_cache.hpp"
#include "node/chain/workers.hpp"
#include "node/policy/policy.hpp"

namespace cairn::node {

namespace {

constexpr std::size_t kInputsPerTask = 32;

PolicyFault script_fault(const Transaction& tx, std::size_t input, ScriptError error) {
    const OutPoint& prevout = tx.inputs[input].prevout;
    return {TxRefusal::not_standard, "mempool-script-verify-flag-failed (" + std::string(to_string(error)) + ")",
            "input " + std::to_string(input) + " of " + tx.txid.to_display_hex() + " (wtxid " + tx.wtxid.to_display_hex() +
                "), spending " + prevout.txid.to_display_hex() + ":" + std::to_string(prevout.index)};
}

/// Some inputs of one transaction.
struct Task {
    Candidate* candidate;
    std::size_t begin, end;
    const PrecomputedTxData* shared;  ///< null: made by the task itself
    std::optional<PolicyFault> fault;
};

}  // namespace

std::optional<PolicyFault> check_scripts(const Transaction& tx, const PrecomputedTxData& precomputed, std::size_t begin, std::size_t end) {
    std::vector<SignatureRow> rows;
    rows.reserve(end - begin);
    bool good = true;
    for (std::size_t i = begin; good && i < end; ++i) {
        const std::size_t first = rows.size();
        if (collect_rows(tx, i, kStandardScriptFlags, precomputed, rows)) continue;
        rows.resize(first);
        good = verify_input(tx, i, kStandardScriptFlags, precomputed) == ScriptError::ok;
    }
    if (good && !rows.empty()) {
        std::vector<std::uint8_t> verdicts(rows.size());
        default_signature_verifier().verify(rows, verdicts);
        good = std::ranges::find(verdicts, 0) == verdicts.end();
    }
    if (good) return std::nullopt;
    // A signature that does not hold need not break its script: the interpreter decides, and names the first input that fails.
    for (std::size_t i = begin; i < end; ++i) {
        const ScriptError error = verify_input(tx, i, kStandardScriptFlags, precomputed);
        if (error != ScriptError::ok) return script_fault(tx, i, error);
    }
    return std::nullopt;
}

void Judge::run_scripts(std::span<Candidate* const> candidates) const {
    std::vector<Task> tasks;
    std::vector<std::unique_ptr<PrecomputedTxData>> shared;
    ScriptCache& cache = chain_.script_cache();
    for (Candidate* candidate : candidates) {
        if (candidate->fault || candidate->scripts_run) continue;
        const Transaction& tx = candidate->get();
        candidate->scripts_run = true;
        if (cache.holds(tx.wtxid, kStandardScriptFlags)) continue;
        const std::size_t count = tx.inputs.size();
        if (count <= kInputsPerTask) {
            tasks.push_back({candidate, 0, count, nullptr, std::nullopt});
            continue;
        }
        shared.push_back(std::make_unique<PrecomputedTxData>(tx, candidate->outputs));
        for (std::size_t begin = 0; begin < count; begin += kInputsPerTask)
            tasks.push_back({candidate, begin, std::min(count, begin + kInputsPerTask), shared.back().get(), std::nullopt});
    }
    const auto run = [&](std::size_t t) {
        Task& task = tasks[t];
        const Transaction& tx = task.candidate->get();
        if (task.shared) task.fault = check_scripts(tx, *task.shared, task.begin, task.end);
        else task.fault = check_scripts(tx, PrecomputedTxData(tx, task.candidate->outputs), task.begin, task.end);
    };
    if (tasks.size() == 1) run(0);
    else if (!tasks.empty()) chain_.workers().share(tasks.size(), run);
    for (std::size_t t = 0; t < tasks.size(); ++t) {
        Candidate& candidate = *tasks[t].candidate;
        if (tasks[t].fault && !candidate.script_fault) candidate.script_fault = std::move(tasks[t].fault);
        const bool last = t + 1 == tasks.size() || tasks[t + 1].candidate != &candidate;
        if (!last) continue;
        if (!candidate.script_fault) {
            cache.add(candidate.get().wtxid, kStandardScriptFlags);
        } else if (!candidate.get().has_witness() && spends_non_anchor_witness_program(candidate.get(), candidate.spent())) {
            // The witness may only have been cut off on the way.
            candidate.script_fault->refusal = TxRefusal::witness_stripped;
        }
    }
}

}  // namespace cairn::node
