#include "light/wallet/spending.hpp"

#include <gtest/gtest.h>

#include "consensus/script/signature_checker.hpp"
#include "consensus/script/solver.hpp"
#include "consensus/script/verify.hpp"
#include "tests/support/wallet_harness.hpp"

namespace cairn::light {
namespace {

using test::WalletHarness;

Bytes foreign(std::uint8_t number = 1) { return WalletHarness::foreign_script(number); }
std::vector<Recipient> pay(Amount amount, Bytes script = foreign(), bool subtract = false) { return {{std::move(script), amount, subtract}}; }

Amount sum_of(const std::vector<MutableTransaction::Output>& outputs) {
    Amount sum = 0;
    for (const auto& output : outputs) sum += output.value;
    return sum;
}

/// Signed, valid, and paying what it says, at the rate that it says.
void expect_sound(const CreatedTransaction& made, FeeRate rate, Amount spare = 0) {
    const TransactionPtr tx = made.tx.finish();
    std::vector<TxOutput> spent;
    for (const auto& output : made.spent) spent.push_back({output.value, output.script_pubkey});
    const PrecomputedTxData precomputed(tx->tx(), spent);
    for (std::size_t i = 0; i < spent.size(); ++i) {
        EXPECT_EQ(verify_input(tx->tx(), i, kStandardScriptFlags, precomputed), ScriptError::ok) << i;
    }
    EXPECT_EQ(sum_of(made.spent) - sum_of(made.tx.outputs), made.fee);
    EXPECT_GE(made.vsize, tx->tx().vsize());
    EXPECT_LE(made.vsize, tx->tx().vsize() + static_cast<std::int64_t>(spent.size()) + 1);
    EXPECT_GE(made.fee, rate.fee(tx->tx().vsize()));
    EXPECT_LE(made.fee, rate.fee(made.vsize) + spare);
}

struct Desk : WalletHarness {
    using WalletHarness::WalletHarness;

    CreatedTransaction create(const std::vector<Recipient>& recipients, const CoinControl& control = {}) {
        auto made = wallet->create_transaction(recipients, control);
        if (!made) throw std::runtime_error(made.error().message);
        const auto missing = wallet->sign(*made);
        EXPECT_TRUE(missing && missing->empty());
        return *made;
    }
    std::string refusal(const std::vector<Recipient>& recipients, const CoinControl& control = {}) {
        const auto made = wallet->create_transaction(recipients, control);
        return made ? "" : made.error().message;
    }
    Txid send(const std::vector<Recipient>& recipients, const CoinControl& control = {}) {
        const auto made = create(recipients, control);
        const auto kept = wallet->commit(made.tx);
        EXPECT_TRUE(kept && wallet->see_transaction((*kept)->tx, SeenBy::mempool));
        return (*kept)->txid();
    }
};

TEST(Create, SpendsEveryTypeOfAddressAtTheRate) {
    for (const AddressType type : kAddressTypes) {
        Desk h;
        for (int i = 0; i < 3; ++i) h.fund(100'000, type);
        const auto made = h.create(pay(250'000));
        EXPECT_EQ(made.tx.inputs.size(), 3u);
        expect_sound(made, {2'000});
        EXPECT_TRUE(made.change_position) << to_string(type);
    }
    Desk mixed;
    for (const AddressType type : kAddressTypes) mixed.fund(100'000, type);
    expect_sound(mixed.create(pay(350'000)), {2'000});
}

TEST(Create, MakesChangeThatLooksLikeThePayment) {
    Desk h;
    h.fund(1'000'000);
    const auto type_of_change = [&](const Bytes& script) {
        const auto made = h.wallet->create_transaction(pay(100'000, script), {}, false);
        return made ? address_type_of(made->tx.outputs[*made->change_position].script_pubkey) : AddressType::unknown;
    };
    EXPECT_EQ(type_of_change(make_witness_program(1, Bytes(32, 2))), AddressType::bech32m);
    EXPECT_EQ(type_of_change(foreign()), AddressType::bech32);
    EXPECT_EQ(type_of_change(make_p2pkh(Bytes(20, 1))), AddressType::legacy);
    const auto nested = h.wallet->create_transaction(pay(100'000, make_p2sh(Bytes(20, 1))), {}, false);
    EXPECT_TRUE(is_p2sh(nested->tx.outputs[*nested->change_position].script_pubkey));
    CoinControl control;
    control.change_type = AddressType::legacy;
    const auto told = h.wallet->create_transaction(pay(100'000), control, false);
    EXPECT_EQ(address_type_of(told->tx.outputs[*told->change_position].script_pubkey), AddressType::legacy);
    control.change_script = foreign(9);
    control.change_position = 1;
    const auto custom = h.wallet->create_transaction(pay(100'000), control);
    EXPECT_EQ(custom->tx.outputs[1].script_pubkey, foreign(9));
    control.change_position = 5;
    EXPECT_EQ(h.refusal(pay(100'000), control), "Transaction change output index out of range");
}

TEST(Create, UsesEachChangeAddressOnce) {
    Desk h;
    for (int i = 0; i < 4; ++i) h.fund(100'000);
    std::set<Bytes> seen;
    for (int i = 0; i < 4; ++i) {
        const auto made = h.create(pay(20'000));
        EXPECT_TRUE(seen.insert(made.tx.outputs[*made.change_position].script_pubkey).second);
        EXPECT_TRUE(h.wallet->book().owns(made.tx.outputs[*made.change_position].script_pubkey));
    }
    const auto once = h.wallet->create_transaction(pay(20'000), {}, false), again = h.wallet->create_transaction(pay(20'000), {}, false);
    EXPECT_EQ(once->tx.outputs[*once->change_position].script_pubkey, again->tx.outputs[*again->change_position].script_pubkey);
}

TEST(Create, LeavesTooLittleChangeToTheFee) {
    Desk h;
    h.fund(100'000);
    const auto made = h.create(pay(99'500));
    EXPECT_FALSE(made.change_position);
    EXPECT_EQ(made.fee, 500);
    expect_sound(made, {2'000}, 1'000);
}

TEST(Create, TakesTheFeeFromThoseWhoBearIt) {
    Desk h;
    h.fund(100'000);
    std::vector<Recipient> recipients{{foreign(1), 30'000, true}, {foreign(2), 30'001, false}, {foreign(3), 39'999, true}};
    const auto made = h.create(recipients);
    EXPECT_FALSE(made.change_position);
    expect_sound(made, {2'000});
    std::map<Bytes, Amount> got;
    for (const auto& output : made.tx.outputs) got[output.script_pubkey] = output.value;
    EXPECT_EQ(got[foreign(1)], 30'000 - made.fee / 2 - made.fee % 2);
    EXPECT_EQ(got[foreign(2)], 30'001);
    EXPECT_EQ(got[foreign(3)], 39'999 - made.fee / 2);
    EXPECT_EQ(h.refusal(pay(400, foreign(), true)), "The transaction amount is too small to send after the fee has been deducted");
    CoinControl dear;
    dear.fee_rate = FeeRate{40'000};
    EXPECT_EQ(h.refusal(pay(1'000, foreign(), true), dear), "The transaction amount is too small to pay the fee");
    const auto with_change = h.create(pay(20'000, foreign(), true));
    EXPECT_TRUE(with_change.change_position);
    expect_sound(with_change, {2'000});
}

TEST(Create, SaysWhyItRefuses) {
    Desk h;
    h.fund(100'000);
    EXPECT_EQ(h.refusal({}), "Transaction must have at least one recipient");
    EXPECT_EQ(h.refusal(pay(-1)), "Transaction amounts must not be negative");
    EXPECT_EQ(h.refusal(pay(293)), "Transaction amount too small");
    EXPECT_EQ(h.refusal(pay(100'001)), "Insufficient funds");
    EXPECT_EQ(h.refusal(pay(99'999)).find("The total exceeds your balance when the 0.0000"), 0u);
    CoinControl control;
    control.fee_rate = FeeRate{500};
    EXPECT_EQ(h.refusal(pay(10'000), control).find("Fee rate (0.500 sat/vB) is lower than the minimum fee rate setting (1.000 sat/vB)."), 0u);
    control.override_fee_rate = true;
    EXPECT_EQ(h.refusal(pay(10'000), control), "");
    h.host.rate.reset();
    EXPECT_EQ(h.refusal(pay(10'000)), "Fee estimation failed. Fallbackfee is disabled. Wait a few blocks or enable -fallbackfee.");
    SpendPolicy policy;
    policy.fallback_fee = {3'000};
    h.wallet->set_policy(policy);
    EXPECT_EQ(h.create(pay(10'000)).fee_choice.reason, FeeReason::fallback);
    policy.max_fee = 100;
    h.wallet->set_policy(policy);
    EXPECT_EQ(h.refusal(pay(10'000)), "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)");
    control = {};
    control.max_weight = 100;
    EXPECT_EQ(h.refusal(pay(10'000), control), "Maximum transaction weight must be between 260 and 400000");
    control.max_weight = 300;
    EXPECT_NE(h.refusal(pay(10'000), control), "");
}

TEST(Create, SignalsReplacementAndDiscouragesSniping) {
    Desk h;
    h.fund(100'000);
    h.mine_many(200);
    auto made = h.create(pay(10'000));
    EXPECT_EQ(made.tx.inputs[0].sequence, 0xfffffffdu);
    EXPECT_LE(made.tx.lock_time, static_cast<std::uint32_t>(h.wallet->tip().height));
    EXPECT_GE(made.tx.lock_time, static_cast<std::uint32_t>(h.wallet->tip().height) - 100);
    CoinControl control;
    control.signal_rbf = false;
    made = h.create(pay(10'000), control);
    EXPECT_EQ(made.tx.inputs[0].sequence, 0xfffffffeu);
    control.lock_time = 7;
    EXPECT_EQ(h.create(pay(10'000), control).tx.lock_time, 7u);
    h.host.time += 9 * 3600;
    EXPECT_EQ(h.create(pay(10'000)).tx.lock_time, 0u);
}

TEST(Create, TakesPresetInputsFirstAndInOrder) {
    Desk h;
    std::vector<OutPoint> coins;
    for (int i = 0; i < 5; ++i) coins.push_back(h.fund(50'000));
    CoinControl control;
    for (const std::size_t i : {3u, 1u}) {
        PresetInput input;
        input.outpoint = coins[i];
        control.inputs.push_back(input);
    }
    control.inputs[0].sequence = 5;
    auto made = h.create(pay(120'000), control);
    EXPECT_EQ(made.tx.inputs[0].prevout, coins[3]);
    EXPECT_EQ(made.tx.inputs[1].prevout, coins[1]);
    EXPECT_EQ(made.tx.inputs[0].sequence, 5u);
    EXPECT_EQ(made.tx.lock_time, 0u);
    EXPECT_GE(made.tx.inputs.size(), 3u);
    control.allow_other_inputs = false;
    EXPECT_EQ(h.refusal(pay(120'000), control).find("The preselected coins total amount does not cover the transaction target."), 0u);
    made = h.create(pay(60'000), control);
    EXPECT_EQ(made.tx.inputs.size(), 2u);
    EXPECT_EQ(made.algorithm, SelectionAlgorithm::manual);
    control.inputs[0].outpoint = h.next_outpoint();
    EXPECT_EQ(h.refusal(pay(60'000), control).find("Not found pre-selected input COutPoint("), 0u);
}

TEST(Create, SpendsInputsOfOthersWhenItIsToldHow) {
    WalletOptions another = WalletHarness::small();
    another.master = ExtendedKey::from_seed(Bytes(32, 8));
    Desk h, other(another);
    h.fund(50'000);
    const OutPoint outpoint = other.fund(70'000);
    const Bytes script = to_bytes(other.wallet->ledger().owned(outpoint)->script);
    PresetInput input;
    input.outpoint = outpoint;
    input.external = MutableTransaction::Output{70'000, script};
    CoinControl control;
    control.inputs = {input};
    EXPECT_EQ(h.refusal(pay(100'000), control).find("Not solvable pre-selected input"), 0u);
    control.external_keys = other.wallet->book().solving_data(script);
    auto made = h.wallet->create_transaction(pay(100'000), control);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(h.wallet->sign(*made)->size(), 1u);
    EXPECT_TRUE(other.wallet->sign(*made)->empty());
    const TransactionPtr tx = made->tx.finish();
    EXPECT_GE(made->fee, FeeRate{2'000}.fee(tx->tx().vsize()));
    control.external_keys = {};
    control.inputs[0].weight = 272;
    EXPECT_TRUE(h.wallet->create_transaction(pay(100'000), control));
}

TEST(Create, KeepsToTheDepthsThatAreAskedFor) {
    Desk h;
    h.fund(50'000);
    h.mine_many(5);
    const OutPoint young = h.fund(50'000);
    CoinControl control;
    control.min_depth = 2;
    EXPECT_NE(h.refusal(pay(60'000), control), "");
    control = {};
    control.max_depth = 1;
    EXPECT_EQ(h.create(pay(20'000), control).tx.inputs[0].prevout, young);
}

TEST(Create, SpendsForeignUnconfirmedCoinsOnlyWhenToldTo) {
    Desk h;
    ASSERT_TRUE(h.wallet->see_transaction(h.payment(h.address(), 50'000), SeenBy::mempool));
    EXPECT_EQ(h.refusal(pay(20'000)), "Insufficient funds");
    CoinControl control;
    control.include_unsafe = true;
    EXPECT_EQ(h.create(pay(20'000), control).tx.inputs.size(), 1u);
}

TEST(Create, PaysForTheAncestorsOfItsOwnChange) {
    Desk h;
    h.fund(1'000'000);
    CoinControl cheap, dear;
    cheap.fee_rate = FeeRate{1'000};
    dear.fee_rate = FeeRate{20'000};
    const Txid parent = h.send(pay(100'000), cheap);
    const auto made = h.create(pay(100'000), dear);
    EXPECT_EQ(made.tx.inputs[0].prevout.txid, parent);
    const auto parent_tx = h.wallet->ledger().find(parent);
    const Amount parent_fee = -*h.wallet->details(parent)->amounts.fee;
    const std::int64_t together = parent_tx->tx->tx().vsize() + made.tx.finish()->tx().vsize();
    EXPECT_GE(made.fee + parent_fee, FeeRate{20'000}.fee(together));
    EXPECT_LE(made.fee + parent_fee, FeeRate{20'000}.fee(together + 3));
}

TEST(Create, LeavesUnconfirmedChangeAloneWhereItIsToldTo) {
    Desk h;
    h.fund(1'000'000);
    h.send(pay(100'000));
    EXPECT_GT(h.wallet->balance().trusted, 0);
    SpendPolicy policy;
    policy.spend_unconfirmed_change = false;
    h.wallet->set_policy(policy);
    EXPECT_EQ(h.wallet->balance().trusted, 0);
    EXPECT_GT(h.wallet->balance().untrusted_pending, 0);
    EXPECT_EQ(h.refusal(pay(100'000)), "Insufficient funds");
}

TEST(Create, KeepsVersionThreeToItself) {
    Desk h;
    h.fund(1'000'000);
    CoinControl three;
    three.version = 3;
    const Txid parent = h.send(pay(100'000), three);
    EXPECT_EQ(h.refusal(pay(100'000)), "Insufficient funds");
    const auto child = h.create(pay(100'000), three);
    EXPECT_EQ(child.tx.version, 3u);
    const auto kept = h.wallet->commit(child.tx);
    ASSERT_TRUE(h.wallet->see_transaction((*kept)->tx, SeenBy::mempool));
    EXPECT_EQ(h.refusal(pay(100'000), three), "Insufficient funds");
    CoinControl preset;
    preset.inputs.resize(1);
    preset.inputs[0].outpoint = {parent, 0};
    EXPECT_EQ(h.refusal(pay(10'000), preset), "Can't spend unconfirmed version 3 pre-selected input with a version 2 tx");
}

TEST(Sweep, SpendsEverythingWithoutChange) {
    Desk h;
    for (const AddressType type : kAddressTypes) h.fund(40'000, type);
    h.fund(50);
    const std::array<Recipient, 2> rest{Recipient{foreign(1)}, Recipient{foreign(2)}};
    const std::vector<Recipient> fixed = pay(10'000, foreign(3));
    auto made = h.wallet->sweep(fixed, rest, {}, true);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->tx.inputs.size(), 4u);
    ASSERT_TRUE(h.wallet->sign(*made)->empty());
    expect_sound(*made, {2'000});
    const auto all = h.wallet->sweep({}, rest, {});
    EXPECT_EQ(all->tx.inputs.size(), 5u);
    CoinControl dear;
    dear.fee_rate = FeeRate{600'000};
    EXPECT_NE(h.wallet->sweep({}, rest, dear).error().message.find("Total value of UTXO pool too low to pay for transaction"), std::string::npos);
    EXPECT_EQ(h.wallet->sweep(pay(500'000), rest, {}).error().message, "Assigned more value to outputs than available funds.");
    EXPECT_EQ(h.wallet->sweep(pay(160'000), rest, {}).error().message, "Insufficient funds for fees after creating specified outputs.");
    EXPECT_FALSE(h.wallet->sweep({}, {}, {}));
}

TEST(Bump, PaysMoreFromTheChangeAndReplacesTheOld) {
    Desk h;
    h.fund(1'000'000);
    const Txid old = h.send(pay(100'000));
    auto bumped = h.wallet->bump(old, {});
    ASSERT_TRUE(bumped) << bumped.error().message;
    ASSERT_TRUE(h.wallet->sign(bumped->made)->empty());
    EXPECT_GT(bumped->made.fee, bumped->old_fee);
    expect_sound(bumped->made, FeeRate{7'000}, 2);  // one more satoshi in the rate, and what was rounded
    const Transaction& old_tx = h.wallet->ledger().find(old)->tx->tx();
    EXPECT_EQ(bumped->made.tx.inputs[0].prevout, old_tx.inputs[0].prevout);
    EXPECT_EQ(bumped->made.tx.outputs.size(), 2u);
    EXPECT_FALSE(bumped->made.change_is_new);
    const auto kept = h.wallet->commit(bumped->made.tx, {}, old);
    ASSERT_TRUE(h.wallet->see_transaction((*kept)->tx, SeenBy::mempool));
    EXPECT_EQ(h.wallet->details(old)->tx->replaced_by, (*kept)->txid());
    EXPECT_EQ(h.wallet->details((*kept)->txid())->tx->replaces, old);
    EXPECT_EQ(h.wallet->balance().trusted, 1'000'000 - 100'000 - bumped->made.fee);
    EXPECT_NE(h.wallet->bump(old, {}).error().message.find("which was already bumped by transaction"), std::string::npos);
    // Its change is not to be spent: either of the two may confirm.
    EXPECT_TRUE(h.wallet->coins({}, {}).empty());
    ASSERT_TRUE(h.wallet->bump((*kept)->txid(), {}));
    h.mine({(*kept)->tx});
    EXPECT_EQ(h.wallet->details(old)->tx->state, TxState::conflicted);
    EXPECT_EQ(h.wallet->bump((*kept)->txid(), {}).error().message, "Transaction has been mined, or is conflicted with a mined transaction");
}

TEST(Bump, RefusesWhatNobodyWouldRelay) {
    Desk h;
    h.fund(1'000'000);
    CoinControl control;
    control.fee_rate = FeeRate{5'000};
    const Txid old = h.send(pay(100'000), control);
    control.fee_rate = FeeRate{5'050};
    EXPECT_EQ(h.wallet->bump(old, control).error().message.find("Insufficient total fee 0.0000"), 0u);
    control.fee_rate = FeeRate{50};
    EXPECT_EQ(h.wallet->bump(old, control).error().message.find("New fee rate (0.0000005) is lower than the minimum fee rate"), 0u);
    control.fee_rate = FeeRate{100'000'000};
    EXPECT_NE(h.wallet->bump(old, control).error().message.find("is too high (cannot be higher than -maxtxfee 0.10)"), std::string::npos);
    control.fee_rate = FeeRate{6'000};
    EXPECT_TRUE(h.wallet->bump(old, control));
    EXPECT_EQ(h.wallet->bump(Txid(), {}).error().kind, WalletErrorKind::unknown_transaction);
    Spender::BumpOptions options;
    options.change_position = 9;
    EXPECT_EQ(h.wallet->bump(old, {}, options).error().message, "Change position is out of range");
    h.send(pay(10'000));
    EXPECT_EQ(h.wallet->bump(old, {}).error().message, "Transaction has descendants in the wallet");
}

TEST(Bump, AddsCoinsOrShrinksAPaymentToItself) {
    Desk h;
    h.fund(100'000);
    const Txid whole = h.send(pay(100'000, foreign(), true));  // nothing to shrink
    EXPECT_FALSE(h.wallet->bump(whole, {}));
    h.fund(80'000);
    auto bumped = h.wallet->bump(whole, {});
    ASSERT_TRUE(bumped) << bumped.error().message;
    EXPECT_EQ(bumped->made.tx.inputs.size(), 2u);
    ASSERT_TRUE(h.wallet->sign(bumped->made)->empty());

    Desk self;
    self.fund(100'000);
    const auto change = self.wallet->new_change_address(AddressType::bech32);
    const Txid to_itself = self.send(pay(100'000, *change, true));
    bumped = self.wallet->bump(to_itself, {});
    ASSERT_TRUE(bumped) << bumped.error().message;
    EXPECT_EQ(bumped->made.tx.inputs.size(), 1u);
    EXPECT_EQ(bumped->made.tx.outputs.size(), 1u);
    Spender::BumpOptions options;
    options.outputs = pay(50'000, foreign(7));
    bumped = self.wallet->bump(to_itself, {}, options);
    ASSERT_TRUE(bumped) << bumped.error().message;
    EXPECT_EQ(std::count_if(bumped->made.tx.outputs.begin(), bumped->made.tx.outputs.end(),
                            [](const auto& output) { return output.script_pubkey == foreign(7) && output.value == 50'000; }), 1);
}

TEST(PayForParent, BringsAPaymentFromOthersToTheRate) {
    Desk h;
    const Bytes script = h.address();
    const TransactionPtr parent = h.payment(script, 100'000);
    ASSERT_TRUE(h.wallet->see_transaction(parent, SeenBy::mempool));
    const auto output = h.wallet->child_output(parent->tx().txid);
    ASSERT_TRUE(output);
    auto made = h.wallet->pay_for_parent(*output, {});
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(h.wallet->sign(*made)->empty());
    expect_sound(*made, {2'000});
    EXPECT_TRUE(h.wallet->book().owns(made->tx.outputs[0].script_pubkey));
    const auto kept = h.wallet->commit(made->tx);
    ASSERT_TRUE(kept);
    EXPECT_FALSE(h.wallet->child_output(parent->tx().txid));
    h.mine({parent});
    EXPECT_EQ(h.wallet->pay_for_parent(*output, {}).error().kind, WalletErrorKind::wallet);
}

TEST(Psbt, IsSignedByTwoOfThreeWallets) {
    std::vector<std::unique_ptr<Desk>> signers;
    std::vector<std::string> keys, private_keys;
    for (std::uint8_t i = 1; i <= 3; ++i) {
        WalletOptions options = WalletHarness::small();
        options.blank = true;
        signers.push_back(std::make_unique<Desk>(options));
        const auto master = ExtendedKey::from_seed(Bytes(32, i));
        const auto account = master->derive(std::array<std::uint32_t, 2>{kHardened + 48, kHardened});
        keys.push_back(account->public_text(*signers[0]->params) + "/<0;1>/*");
        private_keys.push_back(account->private_text(*signers[0]->params) + "/<0;1>/*");
    }
    for (std::size_t i = 0; i < 3; ++i) {
        std::string text = "wsh(sortedmulti(2";
        for (std::size_t k = 0; k < 3; ++k) text += "," + (k == i ? private_keys[k] : keys[k]);
        text += "))";
        ImportRequest request;
        request.descriptor = text + "#" + descriptor_checksum(text);
        request.active = true;
        const auto imported = signers[i]->wallet->import(request);
        ASSERT_TRUE(imported) << imported.error().message;
    }
    Desk& first = *signers[0];
    const Bytes script = first.address();
    EXPECT_EQ(script, signers[1]->address());
    const TransactionPtr funding = first.payment(script, 500'000);
    for (const auto& one : signers) one->mine({funding});
    const auto made = first.wallet->create_transaction(pay(200'000), {});
    ASSERT_TRUE(made) << made.error().message;
    auto psbt = first.wallet->make_psbt(*made, 2);
    ASSERT_TRUE(psbt);
    EXPECT_EQ(*first.wallet->fill_psbt(*psbt, {}), PsbtStatus::incomplete);
    auto sent = Psbt::parse(psbt->serialize());
    ASSERT_TRUE(sent);
    EXPECT_EQ(*signers[2]->wallet->fill_psbt(*sent, {}), PsbtStatus::complete);
    const auto tx = extract_transaction(*sent);
    ASSERT_TRUE(tx);
    CreatedTransaction done = *made;
    done.tx = *tx;
    expect_sound(done, {2'000});
    EXPECT_TRUE(first.wallet->commit(*tx));
}

TEST(Psbt, CarriesWholeTransactionsForOldInputsAndSignsEveryType) {
    for (const AddressType type : kAddressTypes) {
        Desk h;
        h.fund(100'000, type);
        const auto made = h.wallet->create_transaction(pay(50'000), {});
        ASSERT_TRUE(made);
        auto psbt = h.wallet->make_psbt(*made, 0);
        ASSERT_TRUE(psbt);
        EXPECT_EQ(psbt->inputs[0].witness_utxo.has_value(), type != AddressType::legacy) << to_string(type);
        EXPECT_EQ(psbt->inputs[0].non_witness_utxo != nullptr, type != AddressType::bech32m) << to_string(type);
        EXPECT_EQ(*h.wallet->fill_psbt(*psbt, {}), PsbtStatus::complete) << to_string(type);
        const auto tx = extract_transaction(*psbt);
        ASSERT_TRUE(tx);
        CreatedTransaction done = *made;
        done.tx = *tx;
        expect_sound(done, {2'000});
    }
}

TEST(Create, HoldsItsPromisesForRandomWalletsAndPayments) {
    FastRandom random(99);
    int made_count = 0;
    for (int round = 0; round < 25; ++round) {
        Desk h;
        std::vector<TransactionPtr> txs;
        Amount total = 0;
        for (std::uint64_t i = 1 + random.below(25); i > 0; --i) {
            const auto value = static_cast<Amount>(500 + random.below(random.flip() ? 20'000 : 2'000'000));
            total += value;
            txs.push_back(h.payment(h.address(kAddressTypes[random.below(4)]), value));
        }
        h.mine(txs);
        h.mine_many(static_cast<int>(random.below(8)));
        for (int i = 0; i < 6; ++i) {
            h.wallet->fix_randomness(random.next());
            CoinControl control;
            control.fee_rate = FeeRate{static_cast<Amount>(1'000 + random.below(60'000))};
            control.avoid_partial_spends = random.flip();
            std::vector<Recipient> recipients;
            for (std::uint64_t k = 1 + random.below(3); k > 0; --k) {
                recipients.push_back({foreign(static_cast<std::uint8_t>(k)), static_cast<Amount>(600 + random.below(static_cast<std::uint64_t>(total))),
                                      random.below(4) == 0});
            }
            auto made = h.wallet->create_transaction(recipients, control);
            if (!made) continue;
            ++made_count;
            ASSERT_TRUE(h.wallet->sign(*made)->empty());
            // Without change, what is left over is at most what change would have cost.
            expect_sound(*made, *control.fee_rate, made->change_position ? 0 : control.fee_rate->fee(45) + 4'000);
            for (const auto& output : made->tx.outputs) EXPECT_FALSE(is_dust(output.value, output.script_pubkey, {3'000}));
        }
    }
    EXPECT_GT(made_count, 30);
}

}  // namespace
}  // namespace cairn::light
