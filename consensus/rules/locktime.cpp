#include "consensus/rules/locktime.hpp"

#include "consensus/script/script.hpp"

namespace cairn::rules {

bool is_final(const Transaction& tx, Height height, std::int64_t cutoff_time) {
    if (tx.lock_time == 0) return true;
    const std::int64_t now = tx.lock_time < kLockTimeThreshold ? std::int64_t{height} : cutoff_time;
    if (std::int64_t{tx.lock_time} < now) return true;
    // Inputs that are all final switch the lock time off.
    return std::all_of(tx.inputs.begin(), tx.inputs.end(),
                       [](const TxInput& input) { return input.sequence == TxInput::kFinalSequence; });
}

}  // namespace cairn::rules
