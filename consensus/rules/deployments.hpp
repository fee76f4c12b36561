#pragma once

#include <unordered_map>
#include <vector>

#include "consensus/rules/params.hpp"

namespace cairn::rules {

inline constexpr std::int32_t kVersionBitsTopBits = 0x20000000;
inline constexpr std::uint32_t kVersionBitsTopMask = 0xe0000000;
inline constexpr int kVersionBitsCount = 5;  ///< bits that may signal (BIP323)
inline constexpr std::int32_t kLastOldBlockVersion = 4;

enum class ThresholdState : std::uint8_t { defined, started, locked_in, active, failed };
/// "defined", "started", "locked_in", "active", "failed".
std::string_view to_string(ThresholdState state);

/// Signalling in the running period.
struct Bip9Statistics {
    int period = 0;
    int threshold = 0;  ///< 0 when locked in
    int elapsed = 0;
    int count = 0;
    bool possible = false;  ///< can the threshold still be reached?
};

/// A deployment as seen from one block, for getdeploymentinfo.
struct Bip9Info {
    Height since = 0;  ///< height at which `current` began
    ThresholdState current = ThresholdState::defined;
    ThresholdState next = ThresholdState::defined;  ///< of the block after
    std::optional<Bip9Statistics> statistics;       ///< when started or locked in
    std::vector<bool> signalling;                   ///< which blocks of the period so far signalled
    std::optional<Height> active_since;             ///< known height of activation; may be in the future
};

/// An unknown rule that miners signal.
struct UnknownActivation {
    int bit = 0;
    bool active = false;  ///< false: locked in
};

/// The states of signalled deployments, remembered by period.
/// Owner: one thread (each may keep its own).
class DeploymentStates {
public:
    explicit DeploymentStates(ChainParamsPtr params) : params_(std::move(params)) {}

    /// State for the block after `parent` (null: for the genesis block).
    ThresholdState state_after(const HeaderNode* parent, SignalledDeployment id);
    bool active_after(const HeaderNode* parent, SignalledDeployment id) {
        return state_after(parent, id) == ThresholdState::active;
    }
    Bip9Info info(const HeaderNode& node, SignalledDeployment id);
    /// The version that a new block on `parent` should have.
    std::int32_t block_version(const HeaderNode* parent);
    /// Signals for rules that this code does not know, as of `tip`.
    std::vector<UnknownActivation> unknown_activations(const HeaderNode* tip);

private:
    using Cache = std::unordered_map<const HeaderNode*, ThresholdState>;
    struct Condition;

    ThresholdState state_for(const HeaderNode* parent, const Condition& condition, Cache& cache);

    ChainParamsPtr params_;
    std::array<Cache, kSignalledDeployments> caches_;
    std::array<Cache, kVersionBitsCount> warning_caches_;
};

/// Does a header with this version signal the deployment?
bool signals(std::int32_t version, const Bip9Deployment& deployment);

/// May getblocktemplate offer the deployment to miners that do not know it?
bool gbt_optional(SignalledDeployment deployment);

}  // namespace cairn::rules
