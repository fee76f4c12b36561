#include "consensus/rules/detail/networks.hpp"

#include "consensus/base/check.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/rules/detail/genesis.hpp"
#include "consensus/script/script.hpp"

// Source of the values: Bitcoin Core's kernel/chainparams.cpp of August 2026.

namespace cairn::detail {
namespace {

Uint256 hash_of(std::string_view text) {
    const auto hash = Uint256::from_display_hex(text);
    CAIRN_CHECK(hash.has_value());
    return *hash;
}
BlockHash block(std::string_view text) { return BlockHash(hash_of(text)); }
Arith256 number(std::string_view text) { return Arith256(hash_of(text)); }

AssumedUtxo snapshot(Height height, std::string_view hash_serialized, std::uint64_t chain_tx_count, std::string_view hash) {
    return {height, hash_of(hash_serialized), chain_tx_count, block(hash)};
}

constexpr std::string_view kDifficultyOne = "00000000ffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

Bip9Deployment test_dummy(int threshold) {
    return {.bit = 28, .start_time = Bip9Deployment::kNeverActive, .timeout = Bip9Deployment::kNoTimeout, .period = 2016,
            .threshold = threshold};
}

/// BIP34, 65, 66, CSV and segwit from the first block on.
void activate_all_at_one(ChainParams& params) {
    params.bip34_height = params.bip65_height = params.bip66_height = params.csv_height = params.segwit_height = 1;
}

}  // namespace

ChainParams mainnet_params() {
    ChainParams params;
    params.network = Network::mainnet;
    params.genesis = make_genesis(satoshis_genesis(1231006505, 2083236893, 0x1d00ffff));
    params.bip34_height = 227931;
    params.bip34_hash = block("000000000000024b89b42a942fe0d9fea3bb44ab7bd1b19115dd6a759c0808b8");
    params.bip65_height = 388381;
    params.bip66_height = 363725;
    params.csv_height = 419328;
    params.segwit_height = 481824;
    params.min_bip9_warning_height = 711648;
    params.script_flag_exceptions = {
        {block("00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22"), {}},  // breaks BIP16
        {block("0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad"),        // breaks taproot
         {ScriptFlag::p2sh, ScriptFlag::witness}},
    };
    params.deployments = {test_dummy(1815)};
    params.pow_limit = number(kDifficultyOne);
    params.minimum_chain_work = number("0000000000000000000000000000000000000001128750f82f4c366153a3a030");
    params.default_assume_valid = block("00000000000000000000ccebd6d74d9194d8dcdc1d177c478e094bfad51ba5ac");  // 938343
    params.magic = {0xf9, 0xbe, 0xb4, 0xd9};
    params.default_port = 8333;
    params.dns_seeds = {"dnsseed.bluematt.me.",  "seed.bitcoin.jonasschnelli.ch.", "seed.btc.petertodd.net.",
                        "seed.bitcoin.sprovoost.nl.", "dnsseed.emzy.de.",         "seed.bitcoin.wiz.biz.",
                        "seed.mainnet.achownodes.xyz."};
    params.addresses = kMainAddresses;
    params.prune_after_height = 100000;
    params.assumed_blockchain_size_gb = 856;
    params.assumed_chain_state_size_gb = 14;
    params.assumed_utxos = {
        snapshot(840000, "a2a5521b1b5ab65f67818e5e8eccabb7171a517f9e2382208f77687310768f96", 991032194,
                 "0000000000000000000320283a032748cef8227873ff4872689bf23f1cda83a5"),
        snapshot(880000, "dbd190983eaf433ef7c15f78a278ae42c00ef52e0fd2a54953782175fbadcea9", 1145604538,
                 "000000000000000000010b17283c3c400507969a9c2afd1dcf2082ec5cca2880"),
        snapshot(910000, "4daf8a17b4902498c5787966a2b51c613acdab5df5db73f196fa59a4da2f1568", 1226586151,
                 "0000000000000000000108970acb9522ffd516eae17acddcb1bd16469194a821"),
        snapshot(935000, "e4b90ef9eae834f56c4b64d2d50143cee10ad87994c614d7d04125e2a6025050", 1305397408,
                 "0000000000000000000147034958af1652b2b91bba607beacc5e72a56f0fb5ee"),
    };
    params.tx_data = {1772055173, 1315805869, 5.40111006496122};
    params.headers_sync = {641, 15218};
    return params;
}

ChainParams testnet3_params() {
    ChainParams params;
    params.network = Network::testnet3;
    params.genesis = make_genesis(satoshis_genesis(1296688602, 414098458, 0x1d00ffff));
    params.bip34_height = 21111;
    params.bip34_hash = block("0000000023b3a96d3484e5abb3755c413e7d41500f8e2a5c3f0dd01299cd8ef8");
    params.bip65_height = 581885;
    params.bip66_height = 330776;
    params.csv_height = 770112;
    params.segwit_height = 834624;
    params.min_bip9_warning_height = 2013984;
    params.script_flag_exceptions = {
        {block("00000000dd30457c001f4095d208cc1296b0eed002427aa599874af7a432b105"), {}},  // breaks BIP16
    };
    params.deployments = {test_dummy(1512)};
    params.pow_limit = number(kDifficultyOne);
    params.allow_min_difficulty_blocks = true;
    params.minimum_chain_work = number("0000000000000000000000000000000000000000000017dde1c649f3708d14b6");
    params.default_assume_valid = block("000000007a61e4230b28ac5cb6b5e5a0130de37ac1faf2f8987d2fa6505b67f4");  // 4842348
    params.magic = {0x0b, 0x11, 0x09, 0x07};
    params.default_port = 18333;
    params.dns_seeds = {"testnet-seed.bitcoin.jonasschnelli.ch.", "seed.tbtc.petertodd.net.", "testnet-seed.bluematt.me.",
                        "seed.testnet.achownodes.xyz."};
    params.addresses = kTestAddresses;
    params.prune_after_height = 1000;
    params.assumed_blockchain_size_gb = 245;
    params.assumed_chain_state_size_gb = 19;
    params.assumed_utxos = {
        snapshot(2500000, "f841584909f68e47897952345234e37fcd9128cd818f41ee6c3ca68db8071be7", 66484552,
                 "0000000000000093bcb68c03a9a168ae252572d348a2eaeba2cdf9231d73206f"),
        snapshot(4840000, "ce6bb677bb2ee9789c4a1c9d73e6683c53fc20e8fdbedbdaaf468982a0c8db2a", 536078574,
                 "00000000000000f4971a7fb37fbdff89315b69a2e1920c467654a382f0d64786"),
    };
    params.tx_data = {1772051651, 536108416, 0.02691479016257117};
    params.headers_sync = {673, 14460};
    return params;
}

ChainParams testnet4_params() {
    ChainParams params;
    params.network = Network::testnet4;
    const std::array<std::uint8_t, 33> no_key{};
    params.genesis = make_genesis({"03/May/2024 000000000000000000001ebd58c244970b3aa9d783bb001011fbe8ea8e98e00e", make_p2pk(no_key),
                                   1714777860, 393743547, 0x1d00ffff});
    activate_all_at_one(params);
    params.deployments = {test_dummy(1512)};
    params.pow_limit = number(kDifficultyOne);
    params.allow_min_difficulty_blocks = true;
    params.enforce_bip94 = true;
    params.minimum_chain_work = number("0000000000000000000000000000000000000000000009a0fe15d0177d086304");
    params.default_assume_valid = block("0000000002368b1e4ee27e2e85676ae6f9f9e69579b29093e9a82c170bf7cf8a");  // 123613
    params.magic = {0x1c, 0x16, 0x3f, 0x28};
    params.default_port = 48333;
    params.dns_seeds = {"seed.testnet4.bitcoin.sprovoost.nl.", "seed.testnet4.wiz.biz."};
    params.addresses = kTestAddresses;
    params.prune_after_height = 1000;
    params.assumed_blockchain_size_gb = 31;
    params.assumed_chain_state_size_gb = 2;
    params.assumed_utxos = {
        snapshot(90000, "784fb5e98241de66fdd429f4392155c9e7db5c017148e66e8fdbc95746f8b9b5", 11347043,
                 "0000000002ebe8bcda020e0dd6ccfbdfac531d2f6a81457191b99fc2df2dbe3b"),
        snapshot(120000, "10b05d05ad468d0971162e1b222a4aa66caca89da2bb2a93f8f37fb29c4794b0", 14141057,
                 "000000000bd2317e51b3c5794981c35ba894ce27d3e772d5c39ecd9cbce01dc8"),
    };
    params.tx_data = {1772013387, 14191421, 0.01848579579528412};
    params.headers_sync = {606, 16092};
    return params;
}

ChainParams signet_params(const ChainOptions& options) {
    ChainParams params;
    params.network = Network::signet;
    params.genesis = make_genesis(satoshis_genesis(1598918400, 52613770, 0x1e0377ae));
    activate_all_at_one(params);
    params.deployments = {test_dummy(1815)};
    params.pow_limit = number("00000377ae000000000000000000000000000000000000000000000000000000");
    params.signet_blocks = true;
    if (options.signet_challenge) {
        params.signet_challenge = *options.signet_challenge;
    } else {
        params.signet_challenge = *from_hex(
            "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be430210359ef5021964fe22d6f8e05b2463c9540ce96883fe3b278"
            "760f048f5189f2e6c452ae");
        params.minimum_chain_work = number("00000000000000000000000000000000000000000000000000000b463ea0a4b8");
        params.default_assume_valid = block("00000008414aab61092ef93f1aacc54cf9e9f16af29ddad493b908a01ff5c329");  // 293175
        params.dns_seeds = {"seed.signet.bitcoin.sprovoost.nl.", "seed.signet.achownodes.xyz."};
        params.assumed_blockchain_size_gb = 24;
        params.assumed_chain_state_size_gb = 4;
        params.tx_data = {1772055248, 28676833, 0.06736623436338929};
    }
    params.assumed_utxos = {
        snapshot(160000, "fe0a44309b74d6b5883d246cb419c6221bcccf0b308c9b59b7d70783dbdf928a", 2289496,
                 "0000003ca3c99aff040f2563c2ad8f8ec88bd0fd6b8f0895cfaf1ef90353a62c"),
        snapshot(290000, "97267e000b4b876800167e71b9123f1529d13b14308abec2888bbd2160d14545", 28547497,
                 "0000000577f2741bb30cd9d39d6d71b023afbeb9764f6260786a97969d5c9ac0"),
    };
    if (options.signet_seeds) params.dns_seeds = *options.signet_seeds;

    // The magic is the beginning of the hash of the challenge as it is serialised.
    Bytes serialized;
    Writer(serialized).var_bytes(params.signet_challenge);
    const Uint256 hash = hash256(serialized);
    std::copy_n(hash.data(), params.magic.size(), params.magic.begin());

    params.default_port = 38333;
    params.addresses = kTestAddresses;
    params.prune_after_height = 1000;
    params.headers_sync = {620, 15724};
    return params;
}

ChainParams regtest_params(const ChainOptions& options) {
    ChainParams params;
    params.network = Network::regtest;
    params.genesis = make_genesis(satoshis_genesis(1296688602, 2, 0x207fffff));
    params.subsidy_halving_interval = 150;
    activate_all_at_one(params);
    params.segwit_height = 0;
    params.deployments = {Bip9Deployment{
        .bit = 28, .start_time = 0, .timeout = Bip9Deployment::kNoTimeout, .period = 144, .threshold = 108}};
    params.pow_limit = number("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
    params.pow_target_timespan = 86'400;
    params.allow_min_difficulty_blocks = true;
    params.enforce_bip94 = options.enforce_bip94;
    params.no_retargeting = true;
    params.magic = {0xfa, 0xbf, 0xb5, 0xda};
    params.default_port = 18444;
    params.dns_seeds = {"dummySeed.invalid."};
    params.addresses = kRegtestAddresses;
    params.prune_after_height = options.fast_prune ? 100 : 1000;
    params.assumed_utxos = {
        snapshot(110, "86e9a1205b418b16dde3a18a78c730e30137e28466bda5dbf6b33ab8fc05447c", 111,
                 "135eec25a6fb277884e5824e7aa7d052c4868161c99a5122170b5266f86c273d"),
        snapshot(200, "17dcc016d188d16068907cdeb38b75691a118d43053b8cd6a25969419381d13a", 201,
                 "385901ccbd69dff6bbd00065d01fb8a9e464dede7cfe0372443884f9b1dcf6b9"),
        snapshot(299, "106b2c56233e378a824cf0d5ff2be42ed32c72f1605c9be288d00942908a40ac", 334,
                 "0c552ced4721c249a389eb9b08cb8da261cd46f0e7b5f9d064d48f3113406853"),
    };
    params.tx_data = {0, 0, 0.001};
    params.headers_sync = {275, 7017};
    params.default_consistency_checks = true;
    params.mockable_time = true;
    return params;
}

}  // namespace cairn::detail
