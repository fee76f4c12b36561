// Parameters of every network against "chainparams_master*.json" of the folder "params".
#include <gtest/gtest.h>

#include "tests/support/block_vectors.hpp"

namespace cairn {
namespace {

std::string display(const UniValue& value) { return value.isStr() ? value.get_str() : std::string(64, '0'); }
std::string display(const Arith256& number) { return number.to_uint256().to_display_hex(); }

/// A number that may be written as one, as a string, or as an expression (then -1).
std::int64_t number_of(const UniValue& value) {
    if (value.isNum()) return value.get_int64();
    if (value.isStr() && !value.get_str().empty() && value.get_str().find_first_not_of("0123456789") == std::string::npos) {
        return std::stoll(value.get_str());
    }
    return -1;
}

void expect_consensus(const UniValue& json, const ChainParams& params) {
    EXPECT_EQ(params.subsidy_halving_interval, json["nSubsidyHalvingInterval"].get_int());
    EXPECT_EQ(params.bip34_height, json["BIP34Height"].get_int());
    EXPECT_EQ(params.bip65_height, json["BIP65Height"].get_int());
    EXPECT_EQ(params.bip66_height, json["BIP66Height"].get_int());
    EXPECT_EQ(params.csv_height, json["CSVHeight"].get_int());
    EXPECT_EQ(params.segwit_height, json["SegwitHeight"].get_int());
    EXPECT_EQ(params.min_bip9_warning_height, json["MinBIP9WarningHeight"].get_int());
    EXPECT_EQ(params.bip34_hash.to_display_hex(), display(json["BIP34Hash"]));
    EXPECT_EQ(display(params.minimum_chain_work), display(json["nMinimumChainWork"]));
    EXPECT_EQ(params.default_assume_valid.to_display_hex(), display(json["defaultAssumeValid"]));
    EXPECT_EQ(display(params.pow_limit), display(json["powLimit"]));
    EXPECT_EQ(params.allow_min_difficulty_blocks, json["fPowAllowMinDifficultyBlocks"].get_bool());
    EXPECT_EQ(params.no_retargeting, json["fPowNoRetargeting"].get_bool());
    if (json["enforce_BIP94"].isBool()) {
        EXPECT_EQ(params.enforce_bip94, json["enforce_BIP94"].get_bool());
    }
    EXPECT_EQ(params.pow_target_timespan, json["nPowTargetTimespan"].get_int64());
    EXPECT_EQ(params.pow_target_spacing, json["nPowTargetSpacing"].get_int64());
    const UniValue& exceptions = json["script_flag_exceptions"];
    ASSERT_EQ(params.script_flag_exceptions.size(), exceptions.size());
    for (std::size_t i = 0; i < exceptions.size(); ++i) {
        EXPECT_EQ(params.script_flag_exceptions[i].block.to_display_hex(), exceptions[i]["block"].get_str());
        const bool none = exceptions[i]["flags"].get_str() == "SCRIPT_VERIFY_NONE";
        EXPECT_EQ(params.script_flag_exceptions[i].flags, none ? ScriptFlags() : ScriptFlag::p2sh | ScriptFlag::witness);
    }
    const UniValue& dummy = json["version_bits_deployments"]["TESTDUMMY"];
    const Bip9Deployment& deployment = params.deployment(SignalledDeployment::testdummy);
    EXPECT_EQ(deployment.bit, number_of(dummy["bit"]));
    EXPECT_EQ(deployment.period, number_of(dummy["period"]));
    EXPECT_EQ(deployment.threshold, number_of(dummy["threshold"]));
    EXPECT_EQ(deployment.min_activation_height, number_of(dummy["min_activation_height"]));
    EXPECT_EQ(deployment.start_time, number_of(dummy["nStartTime"]) == 0 ? 0 : Bip9Deployment::kNeverActive);
    EXPECT_EQ(deployment.timeout, Bip9Deployment::kNoTimeout);
    if (json["signet_challenge"].isStr()) {
        EXPECT_EQ(to_hex(params.signet_challenge), json["signet_challenge"].get_str());
    }
}

void expect_rest(const UniValue& json, const ChainParams& params) {
    EXPECT_EQ(params.genesis_hash().to_display_hex(), json["hashGenesisBlock"].get_str());
    EXPECT_EQ(to_hex(params.genesis->raw()), json["genesis"]["block"].get_str());
    EXPECT_EQ(to_hex(params.magic), json["magic"].get_str());
    EXPECT_EQ(params.default_port, json["default_port"].get_int());
    if (const std::int64_t height = number_of(json["prune_after_height"]); height >= 0) {
        EXPECT_EQ(params.prune_after_height, height);
    }
    EXPECT_EQ(params.assumed_blockchain_size_gb, json["m_assumed_blockchain_size"].get_int());
    EXPECT_EQ(params.assumed_chain_state_size_gb, json["m_assumed_chain_state_size"].get_int());
    ASSERT_EQ(params.dns_seeds.size(), json["dns_seeds"].size());
    for (std::size_t i = 0; i < params.dns_seeds.size(); ++i) EXPECT_EQ(params.dns_seeds[i], json["dns_seeds"][i].get_str());
    const UniValue& prefixes = json["base58_prefixes_hex"];
    const AddressFormat& format = params.addresses;
    EXPECT_EQ(to_hex(Bytes{format.pubkey_hash}), prefixes["PUBKEY_ADDRESS"].get_str());
    EXPECT_EQ(to_hex(Bytes{format.script_hash}), prefixes["SCRIPT_ADDRESS"].get_str());
    EXPECT_EQ(to_hex(Bytes{format.secret_key}), prefixes["SECRET_KEY"].get_str());
    EXPECT_EQ(to_hex(format.extended_public), prefixes["EXT_PUBLIC_KEY"].get_str());
    EXPECT_EQ(to_hex(format.extended_secret), prefixes["EXT_SECRET_KEY"].get_str());
    EXPECT_EQ(format.bech32_prefix, json["bech32_hrp"].get_str());
    const UniValue& snapshots = json["assumeutxo"];
    ASSERT_EQ(params.assumed_utxos.size(), snapshots.size());
    for (std::size_t i = 0; i < snapshots.size(); ++i) {
        EXPECT_EQ(params.assumed_utxos[i].height, snapshots[i]["height"].get_int());
        EXPECT_EQ(params.assumed_utxos[i].hash_serialized.to_display_hex(), snapshots[i]["hash_serialized"].get_str());
        EXPECT_EQ(params.assumed_utxos[i].chain_tx_count, static_cast<std::uint64_t>(snapshots[i]["chain_tx_count"].get_int64()));
        EXPECT_EQ(params.assumed_utxos[i].block.to_display_hex(), snapshots[i]["blockhash"].get_str());
    }
    EXPECT_EQ(params.tx_data.time, json["chain_tx_data"]["nTime"].get_int64());
    EXPECT_EQ(params.tx_data.tx_count, static_cast<std::uint64_t>(json["chain_tx_data"]["tx_count"].get_int64()));
    EXPECT_EQ(params.tx_data.tx_rate, json["chain_tx_data"]["dTxRate"].get_real());
    EXPECT_EQ(params.headers_sync.commitment_period, static_cast<std::size_t>(json["headers_sync"]["commitment_period"].get_int()));
    EXPECT_EQ(params.headers_sync.redownload_buffer_size,
              static_cast<std::size_t>(json["headers_sync"]["redownload_buffer_size"].get_int()));
}

TEST(ParamsVectors, AgreeWithCore) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const std::pair<const char*, Network> names[] = {{"main", Network::mainnet},     {"testnet3", Network::testnet3},
                                                     {"testnet4", Network::testnet4}, {"signet", Network::signet},
                                                     {"regtest", Network::regtest}};
    std::size_t count = 0;
    for (const auto& path : test::vector_files("params", "chainparams_master*.json")) {
        const UniValue file = test::load_json(path);
        for (const auto& [name, network] : names) {
            SCOPED_TRACE(path.filename().string() + " " + name);
            expect_consensus(file["networks"][name], *test::params_of(network));
            expect_rest(file["networks"][name], *test::params_of(network));
            ++count;
        }
    }
    std::printf("%zu networks\n", count);
}

}  // namespace
}  // namespace cairn
