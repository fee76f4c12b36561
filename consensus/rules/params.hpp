#pragma once

#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/arith256.hpp"
#include "consensus/chain/header_tree.hpp"
#include "consensus/primitives/address.hpp"
#include "consensus/primitives/block.hpp"
#include "consensus/script/flags.hpp"

namespace cairn {

enum class Network : std::uint8_t { mainnet, testnet3, testnet4, signet, regtest };

/// "main", "test", "testnet4", "signet", "regtest": as options and RPC say it.
std::string_view to_string(Network network);
std::optional<Network> network_by_name(std::string_view name);

/// Rule changes whose activation height is part of the parameters (BIP90).
enum class BuriedDeployment : std::uint8_t { bip34, bip65, bip66, csv, segwit };
/// As getdeploymentinfo says it: "bip34", "bip65", "bip66", "csv", "segwit".
std::string_view to_string(BuriedDeployment deployment);
/// As -testactivationheight takes it: "bip34", "cltv", "dersig", "csv", "segwit".
std::optional<BuriedDeployment> buried_deployment_by_option(std::string_view name);

/// Rule changes that miners signal for (BIP9).
enum class SignalledDeployment : std::uint8_t { testdummy };
inline constexpr std::size_t kSignalledDeployments = 1;
std::string_view to_string(SignalledDeployment deployment);
std::optional<SignalledDeployment> signalled_deployment_by_name(std::string_view name);

/// One rule change under BIP9. Times are compared with the median time past.
struct Bip9Deployment {
    static constexpr std::int64_t kAlwaysActive = -1;
    static constexpr std::int64_t kNeverActive = -2;
    static constexpr std::int64_t kNoTimeout = std::numeric_limits<std::int64_t>::max();

    int bit = 28;
    std::int64_t start_time = kNeverActive;
    std::int64_t timeout = kNeverActive;
    Height min_activation_height = 0;
    int period = 2016;     ///< blocks
    int threshold = 1916;  ///< signalling blocks of a period
};

/// A block that needs other script flags than its height demands.
struct ScriptFlagException {
    BlockHash block;
    ScriptFlags flags;
};

/// A snapshot of the coins that the project vouches for.
struct AssumedUtxo {
    Height height = 0;
    Uint256 hash_serialized;
    std::uint64_t chain_tx_count = 0;
    BlockHash block;
};

/// Figures from which the progress of a synchronisation is guessed.
struct ChainTxData {
    std::int64_t time = 0;
    std::uint64_t tx_count = 0;
    double tx_rate = 0;  ///< transactions a second after `time`
};

/// How a header chain is shown to have work before it is stored.
struct HeadersSyncParams {
    std::size_t commitment_period = 0;
    std::size_t redownload_buffer_size = 0;
};

/// Everything that differs between the networks.
/// Thread: any (immutable once made).
struct ChainParams {
    Network network = Network::mainnet;
    BlockPtr genesis;

    // Consensus
    int subsidy_halving_interval = 210'000;
    Height bip34_height = 0;
    BlockHash bip34_hash;  ///< of the block at bip34_height; null when it is not fixed
    Height bip65_height = 0;
    Height bip66_height = 0;
    Height csv_height = 0;
    Height segwit_height = 0;
    Height min_bip9_warning_height = 0;
    std::vector<ScriptFlagException> script_flag_exceptions;
    std::array<Bip9Deployment, kSignalledDeployments> deployments;
    Arith256 pow_limit;
    std::int64_t pow_target_spacing = 600;           ///< seconds
    std::int64_t pow_target_timespan = 14 * 86'400;  ///< seconds
    bool allow_min_difficulty_blocks = false;
    bool enforce_bip94 = false;
    bool no_retargeting = false;
    Arith256 minimum_chain_work;
    BlockHash default_assume_valid;  ///< null: none
    bool signet_blocks = false;
    Bytes signet_challenge;

    // Network
    std::array<std::uint8_t, 4> magic{};
    std::uint16_t default_port = 0;
    std::vector<std::string> dns_seeds;

    // Presentation
    AddressFormat addresses;

    // Estimates and conveniences
    Height prune_after_height = 0;
    int assumed_blockchain_size_gb = 0;
    int assumed_chain_state_size_gb = 0;
    std::vector<AssumedUtxo> assumed_utxos;
    ChainTxData tx_data;
    HeadersSyncParams headers_sync;
    bool default_consistency_checks = false;
    bool mockable_time = false;

    const BlockHash& genesis_hash() const { return genesis->hash(); }
    std::string_view name() const { return to_string(network); }
    bool is_test_chain() const { return network != Network::mainnet; }
    /// Blocks between two retargets.
    int difficulty_interval() const { return static_cast<int>(pow_target_timespan / pow_target_spacing); }
    Height deployment_height(BuriedDeployment deployment) const;
    /// In force for the block at `height`.
    bool active_at(BuriedDeployment deployment, Height height) const { return height >= deployment_height(deployment); }
    const Bip9Deployment& deployment(SignalledDeployment id) const { return deployments[static_cast<std::size_t>(id)]; }
};

using ChainParamsPtr = std::shared_ptr<const ChainParams>;

/// What options may change about a network.
struct ChainOptions {
    struct VersionBits {
        SignalledDeployment deployment;
        std::int64_t start_time;
        std::int64_t timeout;
        Height min_activation_height;
    };
    std::vector<std::pair<BuriedDeployment, Height>> activation_heights{};  ///< -testactivationheight
    std::vector<VersionBits> version_bits{};                                ///< -vbparams
    std::optional<Bytes> signet_challenge{};                               ///< -signetchallenge; signet only
    std::optional<std::vector<std::string>> signet_seeds{};                 ///< -signetseednode; signet only
    bool enforce_bip94 = false;                                           ///< -test=bip94; regtest only
    bool fast_prune = false;                                              ///< -fastprune; regtest only
};

ChainParamsPtr make_params(Network network, const ChainOptions& options = {});

/// The network whose messages begin with these bytes; default signet for signet.
std::optional<Network> network_by_magic(std::span<const std::uint8_t, 4> magic);

/// The value of one -testactivationheight or -vbparams, added to `options`, or Bitcoin Core's complaint about it.
Result<void, std::string> add_activation_height(ChainOptions& options, const std::string& argument);
Result<void, std::string> add_version_bits(ChainOptions& options, const std::string& argument);

}  // namespace cairn
