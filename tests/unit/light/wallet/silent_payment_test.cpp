#include "light/signing/silent_payment.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/script/signature_checker.hpp"
#include "consensus/script/solver.hpp"
#include "consensus/script/verify.hpp"
#include "tests/support/wallet_harness.hpp"

/// Silent payments that a wallet makes, found by their receivers with nothing but their keys and the transaction.
namespace cairn::light {
namespace {

using test::WalletHarness;

PrivateKey secret(std::uint8_t number) { return PrivateKey::parse(Bytes(32, number)).value(); }

struct Receiver {
    explicit Receiver(std::uint8_t number)
        : spend(secret(static_cast<std::uint8_t>(number + 100))), scan(secret(number), spend.public_key()) {}

    Recipient bill(Amount amount) const { return Recipient::of_silent(scan.address(), amount); }
    /// What it finds in a transaction: amounts by output, each shown to be spendable with the spend key.
    std::map<std::size_t, Amount> find(const CreatedTransaction& made) const {
        const TransactionPtr tx = made.tx.finish();
        std::vector<TxOutput> spent;
        for (const auto& output : made.spent) spent.push_back({output.value, output.script_pubkey});
        std::map<std::size_t, Amount> found;
        const auto sum = silent_inputs(tx->tx(), spent);
        if (!sum) return found;
        std::vector<Uint256> keys;
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < tx->tx().outputs.size(); ++i) {
            const Solution solution = solve(tx->tx().outputs[i].script_pubkey);
            if (solution.type != OutputType::witness_v1_taproot) continue;
            keys.push_back(Uint256(solution.parts[0]));
            places.push_back(i);
        }
        for (const SilentReceiver::Match& match : scan.find(sum->tweak(), keys)) {
            EXPECT_EQ(spend.tweak_add(match.tweak)->public_key().xonly(), keys[match.output]);
            found.emplace(places[match.output], tx->tx().outputs[places[match.output]].value);
        }
        return found;
    }

    PrivateKey spend;
    SilentReceiver scan;
};

std::vector<Amount> amounts(const std::map<std::size_t, Amount>& found) {
    std::vector<Amount> all;
    for (const auto& [index, amount] : found) all.push_back(amount);
    std::sort(all.begin(), all.end());
    return all;
}

struct Desk : WalletHarness {
    using WalletHarness::WalletHarness;

    void finish(CreatedTransaction& made) {
        const auto missing = wallet->sign(made);
        ASSERT_TRUE(missing && missing->empty());
        const TransactionPtr tx = made.tx.finish();
        std::vector<TxOutput> spent;
        for (const auto& output : made.spent) spent.push_back({output.value, output.script_pubkey});
        const PrecomputedTxData precomputed(tx->tx(), spent);
        for (std::size_t i = 0; i < spent.size(); ++i) ASSERT_EQ(verify_input(tx->tx(), i, kStandardScriptFlags, precomputed), ScriptError::ok) << i;
    }
    CreatedTransaction create(const std::vector<Recipient>& recipients, const CoinControl& control = {}) {
        auto made = wallet->create_transaction(recipients, control);
        if (!made) throw std::runtime_error(made.error().message);
        finish(*made);
        return std::move(*made);
    }
    std::string refusal(const std::vector<Recipient>& recipients) {
        const auto made = wallet->create_transaction(recipients, {});
        return made ? "" : made.error().message;
    }
    TransactionPtr keep(const CreatedTransaction& made, std::optional<Txid> replaces = {}) {
        const auto kept = wallet->commit(made.tx, {}, replaces, &made.silent);
        EXPECT_TRUE(kept && wallet->see_transaction((*kept)->tx, SeenBy::mempool));
        return (*kept)->tx;
    }
    /// Watches a descriptor of its own.
    Bytes import(const std::string& body) {
        ImportRequest request;
        request.descriptor = body + "#" + descriptor_checksum(body);
        const auto done = wallet->import(request);
        if (!done) throw std::runtime_error(done.error().message);
        return wallet->watched_scripts().back();
    }
};

TEST(SilentSpending, IsFoundByItsReceiverWhateverIsSpent) {
    const Receiver one(11), two(12), stranger(13);
    for (int round = 0; round < 5; ++round) {
        Desk h;
        for (std::size_t i = 0; i < kAddressTypes.size(); ++i) {
            if (round == 4 || round == static_cast<int>(i)) h.fund(100'000, kAddressTypes[i]);
        }
        std::vector<Recipient> to{one.bill(11'000), {WalletHarness::foreign_script(), 12'000, false}, two.bill(13'000), {make_p2pkh(Bytes(20, 3)), 14'000, false}};
        if (round == 4) to[1].amount = 300'000;
        const CreatedTransaction made = h.create(to);
        EXPECT_EQ(made.tx.inputs.size(), round == 4 ? 4u : 1u);
        EXPECT_EQ(amounts(one.find(made)), std::vector<Amount>{11'000});
        EXPECT_EQ(amounts(two.find(made)), std::vector<Amount>{13'000});
        EXPECT_TRUE(stranger.find(made).empty());
        for (const auto& [index, address] : made.silent) EXPECT_TRUE(address == one.scan.address() || address == two.scan.address());
        EXPECT_EQ(made.silent.size(), 2u);
    }
}

TEST(SilentSpending, PaysOneReceiverSeveralTimesAndLetsHimBearTheFee) {
    Desk h;
    h.fund(100'000);
    const Receiver one(11);
    Recipient bearer = one.bill(20'000);
    bearer.subtract_fee = true;
    const CreatedTransaction made = h.create({one.bill(10'000), bearer, one.bill(30'000)});
    EXPECT_EQ(amounts(one.find(made)), (std::vector<Amount>{10'000, 20'000 - made.fee, 30'000}));
}

TEST(SilentSpending, SendsAllThereIs) {
    Desk h;
    for (const AddressType type : kAddressTypes) h.fund(100'000, type);
    const Receiver one(11);
    const std::vector<Recipient> fixed{one.bill(50'000), {WalletHarness::foreign_script(), 60'000, false}}, rest{one.bill(0)};
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        h.wallet->fix_randomness(seed);
        auto made = h.wallet->sweep(fixed, rest, {});
        ASSERT_TRUE(made) << made.error().message;
        h.finish(*made);
        EXPECT_EQ(amounts(one.find(*made)), (std::vector<Amount>{50'000, 290'000 - made->fee}));
    }
}

TEST(SilentSpending, NeedsUnlockedKeys) {
    WalletOptions options = WalletHarness::small();
    options.passphrase = "secret";
    options.cost = {10, 8, 1};
    Desk h(options);
    h.fund(100'000);
    const Receiver one(11);
    ASSERT_TRUE(h.wallet->lock());
    const auto made = h.wallet->create_transaction(std::vector<Recipient>{one.bill(10'000)}, {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, WalletErrorKind::locked);
    const std::vector<Recipient> rest{one.bill(0)};
    EXPECT_EQ(h.wallet->sweep({}, rest, {}).error().kind, WalletErrorKind::locked);
    ASSERT_TRUE(h.wallet->unlock("secret", 60));
    EXPECT_EQ(amounts(one.find(h.create({one.bill(10'000)}))), std::vector<Amount>{10'000});

    WalletOptions watching = WalletHarness::small();
    watching.private_keys = false;
    watching.blank = true;
    watching.master.reset();
    Desk watcher(watching);
    EXPECT_NE(watcher.refusal({one.bill(10'000)}).find("needs the private keys of its inputs"), std::string::npos);
}

TEST(SilentSpending, TakesCoinsThatCountFirst) {
    Desk h;
    const auto key = [&](std::uint8_t number) { return to_hex(secret(number).public_key().compressed()); };
    const auto master = ExtendedKey::from_seed(Bytes(32, 9));
    const Bytes script = h.import("wsh(multi(1," + master->private_text(*h.params) + "/0," + key(2) + "))");
    h.mine({h.payment(script, 100'000)});
    const Receiver one(11);
    // Nothing but a multisig has no key to share.
    EXPECT_NE(h.refusal({one.bill(10'000)}).find("no input has a key"), std::string::npos);
    h.fund(50'000);
    CreatedTransaction made = h.create({one.bill(10'000)});
    ASSERT_EQ(made.tx.inputs.size(), 1u);
    EXPECT_EQ(made.spent[0].value, 50'000);
    EXPECT_EQ(amounts(one.find(made)), std::vector<Amount>{10'000});
    made = h.create({one.bill(120'000)});
    EXPECT_EQ(made.tx.inputs.size(), 2u);
    EXPECT_EQ(amounts(one.find(made)), std::vector<Amount>{120'000});
}

TEST(SilentSpending, IsMadeAnewWhenAReplacementAddsInputs) {
    const Receiver one(11);
    for (const bool after_restart : {false, true}) {
        Desk h;
        h.fund(100'000);
        h.fund(90'000, AddressType::bech32m);
        CoinControl control;
        control.fee_rate = FeeRate{2'000};
        control.inputs.resize(1);
        control.inputs[0].outpoint = {h.wallet->coins({}, {})[0].outpoint};
        const Amount value = h.wallet->coins({}, {})[0].value;
        const CreatedTransaction first = h.create({one.bill(value - 500)}, control);
        ASSERT_EQ(first.tx.inputs.size(), 1u);
        const Txid old = h.keep(first)->tx().txid;
        if (after_restart) h.reopen();
        CoinControl dear;
        dear.fee_rate = FeeRate{20'000};
        auto bumped = h.wallet->bump(old, dear);
        ASSERT_TRUE(bumped) << bumped.error().message;
        h.finish(bumped->made);
        EXPECT_EQ(bumped->made.tx.inputs.size(), 2u);
        EXPECT_EQ(amounts(one.find(bumped->made)), std::vector<Amount>{value - 500});
        EXPECT_NE(bumped->made.tx.outputs[bumped->made.silent.begin()->first].script_pubkey, first.tx.outputs[first.silent.begin()->first].script_pubkey);
        // And once more.
        const Txid second = h.keep(bumped->made, old)->tx().txid;
        dear.fee_rate = FeeRate{40'000};
        auto again = h.wallet->bump(second, dear);
        ASSERT_TRUE(again) << again.error().message;
        h.finish(again->made);
        EXPECT_EQ(amounts(one.find(again->made)), std::vector<Amount>{value - 500});
    }
}

TEST(SilentSpending, KeepsTheInputsOfATransactionThatMayBeOne) {
    const Receiver one(11);
    Desk h;
    h.fund(100'000);
    h.fund(90'000);
    CoinControl control;
    control.fee_rate = FeeRate{2'000};
    CoinControl dear;
    dear.fee_rate = FeeRate{20'000};
    const CreatedTransaction roomy = h.create({one.bill(30'000)}, control);
    ASSERT_TRUE(roomy.change_position);
    // Another program made it, as far as the wallet knows: the change pays for more.
    const auto kept = h.wallet->commit(roomy.tx);
    ASSERT_TRUE(kept && h.wallet->see_transaction((*kept)->tx, SeenBy::mempool));
    auto bumped = h.wallet->bump((*kept)->txid(), dear);
    ASSERT_TRUE(bumped) << bumped.error().message;
    h.finish(bumped->made);
    EXPECT_EQ(bumped->made.tx.inputs.size(), roomy.tx.inputs.size());
    EXPECT_EQ(amounts(one.find(bumped->made)), std::vector<Amount>{30'000});

    Desk tight;
    tight.fund(100'000);
    tight.fund(90'000);
    control.inputs.resize(1);
    control.inputs[0].outpoint = tight.wallet->coins({}, {})[0].outpoint;
    const CreatedTransaction bare = tight.create({one.bill(tight.wallet->coins({}, {})[0].value - 500)}, control);
    const auto known = tight.wallet->commit(bare.tx);
    ASSERT_TRUE(known && tight.wallet->see_transaction((*known)->tx, SeenBy::mempool));
    const auto refused = tight.wallet->bump((*known)->txid(), dear);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("may be a silent payment"), std::string::npos) << refused.error().message;
    // Told what its outputs are, it is free again.
    ASSERT_TRUE(tight.wallet->remember_silent((*known)->txid(), bare.silent));
    auto told = tight.wallet->bump((*known)->txid(), dear);
    ASSERT_TRUE(told) << told.error().message;
    tight.finish(told->made);
    EXPECT_EQ(one.find(told->made).size(), 1u);
}

}  // namespace
}  // namespace cairn::light
