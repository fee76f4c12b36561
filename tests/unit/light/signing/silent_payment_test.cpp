#include "light/signing/silent_payment.hpp"

#include <gtest/gtest.h>

#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/random.hpp"
#include "consensus/primitives/bech32.hpp"
#include "consensus/script/script.hpp"
#include "light/signing/sign_transaction.hpp"

namespace cairn::light {
namespace {

const ChainParams& params(Network network = Network::mainnet) {
    static const ChainParamsPtr main = make_params(Network::mainnet), test = make_params(Network::regtest);
    return network == Network::mainnet ? *main : *test;
}

PrivateKey secret(std::uint8_t number) { return PrivateKey::parse(Bytes(32, number)).value(); }
SilentReceiver receiver(std::uint8_t number) {
    return SilentReceiver(secret(number), secret(static_cast<std::uint8_t>(number + 100)).public_key());
}

TEST(SilentAddress, TellsWhatIsWrong) {
    const SilentAddress address = receiver(1).address();
    const std::string text = address.to_string(params()), test = address.to_string(params(Network::regtest));
    EXPECT_TRUE(text.starts_with("sp1q"));
    EXPECT_TRUE(test.starts_with("tsp1q"));
    EXPECT_TRUE(looks_like_silent_address(text) && looks_like_silent_address("SP1Q") && looks_like_silent_address(test));
    EXPECT_FALSE(looks_like_silent_address("bc1q") || looks_like_silent_address(""));
    const auto reason = [](const std::string& wrong) {
        const auto parsed = SilentAddress::parse(wrong, params());
        return parsed ? "" : parsed.error();
    };
    EXPECT_EQ(reason(text), "");
    EXPECT_EQ(reason(test), "Invalid silent payment address: it belongs to a test network; this wallet is on main");
    // Regtest has two prefixes.
    const auto regtest = decode_bech32(test, 1023);
    const std::string other = encode_bech32(Bech32Encoding::bech32m, "sprt", regtest->data);
    EXPECT_TRUE(looks_like_silent_address(other));
    EXPECT_EQ(SilentAddress::parse(other, params(Network::regtest)).value(), address);
    EXPECT_EQ(SilentAddress::parse(test, params(Network::regtest)).value(), address);
    EXPECT_EQ(reason(other), "Invalid silent payment address: it belongs to regtest; this wallet is on main");
    EXPECT_NE(SilentAddress::parse(text, params(Network::regtest)).error().find("the main network"), std::string::npos);
    Bytes late = regtest->data;
    late[0] = 31;
    EXPECT_NE(SilentAddress::parse(encode_bech32(Bech32Encoding::bech32m, "tsp", late), params(Network::regtest)).error().find("version"), std::string::npos);
    EXPECT_NE(reason("bc1qxyz").find("begin"), std::string::npos);
    for (std::size_t at = 4; at < text.size(); ++at) {
        std::string wrong = text;
        wrong[at] = wrong[at] == 'q' ? 'p' : 'q';
        EXPECT_NE(reason(wrong), "") << at;
    }
    EXPECT_NE(reason(text.substr(0, text.size() - 1)), "");
    EXPECT_NE(reason("sp1" + std::string(2000, 'q')), "");
}

/// Inputs of every kind that counts and some that do not; signed, found and spent.
TEST(SilentPayment, IsFoundByItsReceiverAlone) {
    ScriptKeys keys;
    std::vector<Bytes> scripts;
    const auto pubkey = [](const WalletKey& key) { return written_public_key(key); };
    const WalletKey one{secret(1), true}, two{secret(2), true}, three{secret(3), true}, four{secret(4), true}, old{secret(5), false};
    for (const WalletKey& key : {one, two, three, four, old}) keys.add(key);
    scripts.push_back(make_p2pkh(hash160(pubkey(one))));
    scripts.push_back(make_witness_program(0, hash160(pubkey(two))));
    const Bytes nested = make_witness_program(0, hash160(pubkey(three)));
    keys.add_script(nested);
    scripts.push_back(make_p2sh(hash160(nested)));
    for (const WalletKey& key : {four, three}) {
        const Uint256 internal = key.key.public_key().xonly();
        keys.add_taproot({internal, {}, {}});
        scripts.push_back(make_witness_program(1, xonly_tweak_add(internal, taptweak_hash(internal.span(), {}))->x.span()));
    }
    scripts.push_back(make_p2pkh(hash160(pubkey(old))));
    const Bytes only_two = make_multisig(1, std::vector<ByteSpan>{pubkey(two)});
    keys.add_script(only_two);
    scripts.push_back(make_witness_program(0, sha256(only_two).span()));

    MutableTransaction tx;
    std::vector<SilentInput> inputs;
    std::vector<TxOutput> spent;
    FastRandom random(7);
    for (const Bytes& script : scripts) {
        const OutPoint prevout{Txid(random.uint256()), static_cast<std::uint32_t>(random.below(1000))};
        const auto input = silent_input(prevout, script, keys);
        ASSERT_TRUE(input.has_value()) << to_string(input.error());
        inputs.push_back(*input);
        tx.inputs.push_back({prevout, {}, 0xfffffffd, {}});
        spent.push_back({50'000, script});
    }
    EXPECT_EQ(std::count_if(inputs.begin(), inputs.end(), [](const SilentInput& input) { return input.key.has_value(); }), 5);

    SilentReceiver first = receiver(11), second = receiver(12), stranger = receiver(13);
    for (std::uint32_t label = 1; label < 40; ++label) ASSERT_TRUE(first.add_label(label));
    const std::vector<SilentAddress> recipients{second.address(), first.address(), first.address(7), first.address(), second.address()};
    const auto outputs = silent_outputs(inputs, recipients);
    ASSERT_TRUE(outputs.has_value());
    std::map<std::size_t, SilentAddress> by_index;
    for (std::size_t i = 0; i < recipients.size(); ++i) {
        tx.outputs.push_back({1'000, silent_placeholder()});
        by_index.emplace(i, recipients[i]);
    }
    tx.outputs.push_back({1'000, make_p2pkh(Bytes(20, 1))});
    ASSERT_TRUE(fill_silent_outputs(tx, spent, keys, by_index).has_value());
    for (std::size_t i = 0; i < recipients.size(); ++i) EXPECT_EQ(tx.outputs[i].script_pubkey, make_witness_program(1, (*outputs)[i].span()));
    EXPECT_EQ(tx.outputs.back().script_pubkey, make_p2pkh(Bytes(20, 1)));
    EXPECT_TRUE(sign_transaction(tx, spent, keys).empty());

    const TransactionPtr made = tx.finish();
    const auto sum = silent_inputs(made->tx(), spent);
    ASSERT_TRUE(sum.has_value());
    EXPECT_TRUE(stranger.find(sum->tweak(), *outputs).empty());
    const auto check = [&](const SilentReceiver& who, const PrivateKey& spend, const std::map<std::size_t, std::optional<std::uint32_t>>& mine) {
        std::map<std::size_t, std::optional<std::uint32_t>> found;
        for (const SilentReceiver::Match& match : who.find(sum->tweak(), *outputs)) {
            found.emplace(match.output, match.label);
            EXPECT_EQ(spend.tweak_add(match.tweak)->public_key().xonly(), (*outputs)[match.output]);
        }
        EXPECT_EQ(found, mine);
    };
    check(first, secret(111), {{1, std::nullopt}, {2, 7u}, {3, std::nullopt}});
    check(second, secret(112), {{0, std::nullopt}, {4, std::nullopt}});
}

TEST(SilentPayment, IsRefusedWhenKeysAreMissing) {
    const Uint256 internal = secret(4).public_key().xonly();
    const Bytes p2tr = make_witness_program(1, internal.span()), p2wpkh = make_witness_program(0, Bytes(20, 1));
    EXPECT_EQ(silent_input({}, p2tr, {}).error(), SilentError::unknown_key);
    EXPECT_EQ(silent_input({}, p2wpkh, {}).error(), SilentError::unknown_key);
    EXPECT_EQ(silent_input({}, make_p2sh(Bytes(20, 1)), {}).error(), SilentError::unknown_key);
    EXPECT_EQ(silent_input({}, make_witness_program(2, Bytes(32, 1)), {}).error(), SilentError::future_input);
    const SilentInput none{OutPoint{Txid(), 0}, {}, false};
    const std::vector<SilentAddress> recipients{receiver(1).address()};
    EXPECT_EQ(silent_outputs(std::span(&none, 1), recipients).error(), SilentError::no_eligible_input);
    EXPECT_EQ(silent_outputs({}, recipients).error(), SilentError::no_eligible_input);
    const SilentInput good{OutPoint{Txid(), 0}, secret(1), false};
    EXPECT_EQ(silent_outputs(std::span(&good, 1), std::vector<SilentAddress>(kMaxSilentOutputs + 1, recipients[0])).error(), SilentError::too_many_outputs);
}

}  // namespace
}  // namespace cairn::light
