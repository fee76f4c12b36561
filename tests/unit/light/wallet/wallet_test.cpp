#include "light/keys/mnemonic.hpp"
#include "light/wallet/wallet.hpp"

#include <gtest/gtest.h>

#include "consensus/crypto/hash.hpp"
#include "consensus/script/solver.hpp"
#include "consensus/script/verify.hpp"
#include "tests/support/wallet_harness.hpp"

namespace cairn::light {
namespace {

using test::WalletHarness;

TEST(Accounts, MakeTheAddressesOfTheBips) {
    const auto seed = seed_of_mnemonic("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about", "");
    const auto master = ExtendedKey::from_seed(seed);
    const auto params = make_params(Network::mainnet);
    const auto first = [&](AddressType type, bool internal) {
        const auto descriptor = parse_descriptor(account_descriptor(*master, type, *params, 0, internal), *params, true);
        return address_of(descriptor->scripts(0)->front(), params->addresses).value();
    };
    EXPECT_EQ(first(AddressType::legacy, false), "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA");
    EXPECT_EQ(first(AddressType::p2sh_segwit, false), "37VucYSaXLCAsxYyAPfbSi9eh4iEcbShgf");
    EXPECT_EQ(first(AddressType::bech32, false), "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu");
    EXPECT_EQ(first(AddressType::bech32, true), "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el");
    EXPECT_EQ(first(AddressType::bech32m, false), "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr");
}

TEST(Recipient, TellsAWrongNetworkFromAWrongCharacter) {
    const auto params = make_params(Network::regtest);
    EXPECT_NE(recipient_script("bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", *params).error().find("the main network"), std::string::npos);
    EXPECT_FALSE(recipient_script("bcrt1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", *params));
    const std::string good = encode_address(PayToWitnessPubkeyHash{}, params->addresses);
    EXPECT_TRUE(recipient_script(good, *params));
    std::string bad = good;
    bad.back() = bad.back() == 'q' ? 'p' : 'q';
    EXPECT_FALSE(recipient_script(bad, *params).error().empty());
}

TEST(Wallet, GivesAddressesThatItWatchesAndNeverTwice) {
    WalletHarness h;
    std::set<Bytes> seen;
    for (const AddressType type : kAddressTypes) {
        for (int i = 0; i < 7; ++i) {
            const Bytes script = h.address(type);
            EXPECT_TRUE(seen.insert(script).second);
            EXPECT_TRUE(h.wallet->book().owns(script));
            EXPECT_FALSE(h.wallet->address(script).empty());
            const auto place = h.wallet->book().find(script);
            EXPECT_GE(h.wallet->book().all()[place->descriptor].range_end, place->index + 1 + 5);
        }
    }
    EXPECT_EQ(h.wallet->watched_scripts().size(), 4u * (7 + 5) + 4u * 5);
}

TEST(Wallet, IsTheSameWhenItIsOpenedAgain) {
    WalletHarness h;
    const OutPoint coin = h.fund(100'000);
    h.fund(70'000, AddressType::bech32m);
    ASSERT_TRUE(h.wallet->see_transaction(h.payment(h.address(), 5'000), SeenBy::mempool));
    ASSERT_TRUE(h.wallet->lock_coin(coin, true));
    ASSERT_TRUE(h.wallet->set_label(WalletHarness::foreign_script(), "shop"));
    ASSERT_TRUE(h.wallet->put_note("rescan", Bytes{1, 2}));
    const auto before = h.wallet->picture();
    const auto scripts = h.wallet->watched_scripts();
    h.reopen();
    const auto after = h.wallet->picture();
    EXPECT_EQ(after->name, "test");
    EXPECT_EQ(after->tip, before->tip);
    EXPECT_EQ(after->balance.trusted, before->balance.trusted);
    EXPECT_EQ(after->balance.untrusted_pending, 5'000);
    EXPECT_EQ(after->coins.size(), before->coins.size());
    ASSERT_EQ(after->transactions.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(after->transactions[i]->serialize(), before->transactions[i]->serialize());
    EXPECT_TRUE(h.wallet->ledger().is_locked(coin));
    EXPECT_EQ(h.wallet->addresses().find(WalletHarness::foreign_script())->label, "shop");
    EXPECT_EQ(h.wallet->note("rescan")->value(), (Bytes{1, 2}));
    EXPECT_EQ(std::set<Bytes>(scripts.begin(), scripts.end()),
              std::set<Bytes>(h.wallet->watched_scripts().begin(), h.wallet->watched_scripts().end()));
    EXPECT_FALSE(Wallet::open(h.store, *make_params(Network::signet), h.host));
    EXPECT_FALSE(Wallet::create(h.store, *h.params, h.host, "again"));
}

TEST(Wallet, FindsPaymentsBeyondTheLookaheadInTheSameBlock) {
    WalletHarness h, other;
    // The other copy of the wallet gave out many addresses that this one never heard of.
    std::vector<Bytes> given;
    for (int i = 0; i < 17; ++i) given.push_back(other.address());
    std::vector<TransactionPtr> txs;
    for (auto row = given.rbegin(); row != given.rend(); ++row) txs.push_back(h.payment(*row, 1'000));  // the furthest first
    const std::size_t watched = h.wallet->watched_scripts().size();
    const auto effect = h.mine(txs);
    EXPECT_TRUE(effect.scripts_added);
    EXPECT_EQ(effect.transactions.size(), 17u);
    EXPECT_EQ(h.wallet->balance().trusted, 17'000);
    EXPECT_EQ(h.wallet->watched_scripts().size(), watched + 17);
    // None of them is given out again, and each counts as received, not as change.
    EXPECT_EQ(std::count(given.begin(), given.end(), h.address()), 0);
    EXPECT_EQ(h.wallet->history(100, 0).size(), 17u);
    h.reopen();
    EXPECT_EQ(h.wallet->balance().trusted, 17'000);
}

TEST(Wallet, CountsAnAddressThatIsPaidAgain) {
    WalletHarness h;
    const Bytes script = h.address();
    h.mine({h.payment(script, 1'000)});
    h.mine({h.payment(script, 2'000), h.payment(script, 3'000)});
    EXPECT_EQ(h.wallet->balance().trusted, 6'000);
    EXPECT_EQ(h.wallet->received(script, 1), 6'000);
    EXPECT_EQ(h.wallet->received(script, 2), 1'000);
}

TEST(Wallet, AdoptsOutputsOfKnownTransactionsWhenTheirScriptsAreWatched) {
    WalletHarness h, other;
    std::vector<Bytes> given;
    for (int i = 0; i < 9; ++i) given.push_back(other.address());
    MutableTransaction tx;
    tx.inputs.push_back({h.next_outpoint(), {}, 0xfffffffd, {}});
    tx.outputs.push_back({1'000, given[8]});
    tx.outputs.push_back({2'000, given[4]});
    h.mine({tx.finish()});
    EXPECT_EQ(h.wallet->balance().trusted, 3'000);
}

TEST(Ledger, MaturesCoinbasesAndOrphansThem) {
    WalletHarness h;
    const Bytes script = h.address();
    h.mine({}, script);
    const BlockPlace first = h.wallet->tip();
    EXPECT_EQ(h.wallet->balance().immature, 50 * kCoin);
    EXPECT_EQ(h.wallet->history(1, 0)[0].category, Category::immature);
    h.mine_many(99);
    EXPECT_EQ(h.wallet->balance().trusted, 0);
    h.mine();
    EXPECT_EQ(h.wallet->balance().trusted, 50 * kCoin);
    EXPECT_EQ(h.wallet->history(1, 0)[0].category, Category::generate);
    ASSERT_TRUE(h.wallet->disconnect_to({first.height - 1, {}, 0}));
    EXPECT_EQ(h.wallet->balance().trusted, 0);
    EXPECT_EQ(h.wallet->history(1, 0)[0].category, Category::orphan);
    EXPECT_TRUE(h.wallet->history(1, 0)[0].abandoned);
    // The same block again.
    ASSERT_TRUE(h.wallet->connect_block(h.place_of(*h.blocks[0], first.height), h.blocks[0].get()));
    EXPECT_EQ(h.wallet->balance().immature, 50 * kCoin);
}

TEST(Ledger, TakesBackTenBlocksAlsoAcrossARestart) {
    WalletHarness h;
    h.fund(10'000);
    std::vector<BlockPlace> tips{h.wallet->tip()};
    for (int i = 0; i < 10; ++i) {
        h.fund(1'000);
        tips.push_back(h.wallet->tip());
    }
    EXPECT_EQ(h.wallet->balance().trusted, 20'000);
    h.reopen();
    for (int i = 9; i >= 0; --i) {
        ASSERT_TRUE(h.wallet->disconnect_to(tips[static_cast<std::size_t>(i)]));
        if (i == 5) h.reopen();
        EXPECT_EQ(h.wallet->balance().trusted, 10'000 + 1'000 * i);
    }
    for (std::size_t i = 1; i < h.blocks.size(); ++i) {
        ASSERT_TRUE(h.wallet->connect_block(h.place_of(*h.blocks[i], static_cast<Height>(i)), h.blocks[i].get()));
    }
    EXPECT_EQ(h.wallet->balance().trusted, 20'000);
    EXPECT_EQ(h.wallet->ledger().size(), 11u);
}

TEST(Ledger, MarksDoubleSpendsAndTheirChildrenUntilTheBlockGoes) {
    WalletHarness h;
    h.mine();
    const BlockPlace fork = h.wallet->tip();
    const OutPoint shared = h.next_outpoint();
    const auto pay = [&](Amount value, const Bytes& script) {
        MutableTransaction tx;
        tx.inputs.push_back({shared, {}, 0xfffffffd, {}});
        tx.outputs.push_back({value, script});
        return tx.finish();
    };
    const TransactionPtr first = pay(5'000, h.address());
    MutableTransaction child;
    child.inputs.push_back({{first->tx().txid, 0}, {}, 0xfffffffd, {}});
    child.outputs.push_back({4'000, h.address()});
    const TransactionPtr second = child.finish(), foreign = pay(5'000, WalletHarness::foreign_script());
    ASSERT_TRUE(h.wallet->see_transaction(first, SeenBy::mempool));
    ASSERT_TRUE(h.wallet->see_transaction(second, SeenBy::mempool));
    EXPECT_EQ(h.wallet->balance().untrusted_pending, 4'000);
    EXPECT_TRUE(h.mine({foreign}).concerns);
    h.mine();
    for (const auto& tx : {first, second}) {
        const auto details = h.wallet->details(tx->tx().txid);
        EXPECT_EQ(details->tx->state, TxState::conflicted);
        EXPECT_EQ(details->confirmations, -2);
    }
    EXPECT_EQ(h.wallet->balance().untrusted_pending, 0);
    EXPECT_FALSE(h.wallet->abandon(first->tx().txid));
    ASSERT_TRUE(h.wallet->disconnect_to(fork));
    EXPECT_EQ(h.wallet->details(second->tx().txid)->tx->state, TxState::inactive);
    h.mine({first});
    EXPECT_EQ(h.wallet->details(first->tx().txid)->confirmations, 1);
}

TEST(Ledger, TellsConflictsThatWaitAndFreesWhatTheLoserSpent) {
    WalletHarness h;
    const OutPoint coin = h.fund(100'000);
    const auto spend = [&](Amount value) {
        MutableTransaction tx;
        tx.inputs.push_back({coin, {}, 0xfffffffd, {}});
        tx.outputs.push_back({value, WalletHarness::foreign_script()});
        return tx;
    };
    const auto first = h.wallet->commit(spend(90'000));
    ASSERT_TRUE(first);
    EXPECT_EQ(h.wallet->balance().trusted, 0);
    EXPECT_EQ(h.wallet->to_rebroadcast().size(), 1u);
    const TransactionPtr second = spend(80'000).finish();
    ASSERT_TRUE(h.wallet->see_transaction(second, SeenBy::mempool));
    const auto details = h.wallet->details((*first)->txid());
    EXPECT_EQ(details->conflicts, (std::set<Txid>{second->tx().txid}));
    EXPECT_EQ(details->waiting_conflicts, (std::set<Txid>{second->tx().txid}));
    EXPECT_EQ(h.wallet->to_rebroadcast().size(), 1u);
    ASSERT_TRUE(h.wallet->leave_transaction(second->tx().txid));
    ASSERT_TRUE(h.wallet->abandon((*first)->txid()));
    ASSERT_TRUE(h.wallet->abandon(second->tx().txid));
    EXPECT_EQ(h.wallet->balance().trusted, 100'000);
}

TEST(Ledger, DoesNotBelieveAPeerThatClaimsToSpendItsCoins) {
    WalletHarness h;
    const OutPoint coin = h.fund(100'000);
    const std::array<Recipient, 1> recipients{Recipient{WalletHarness::foreign_script(), 50'000, false}};
    auto made = h.wallet->create_transaction(recipients, {});
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(h.wallet->sign(*made)->empty());
    const auto own = h.wallet->commit(made->tx);
    ASSERT_TRUE(h.wallet->see_transaction((*own)->tx, SeenBy::peer));
    MutableTransaction forged = made->tx;
    forged.outputs[0].value -= 10'000;
    EXPECT_FALSE(h.wallet->see_transaction(forged.finish(), SeenBy::peer)->concerns);
    EXPECT_EQ(h.wallet->details((*own)->txid())->tx->state, TxState::waiting);
    MutableTransaction mixed;
    mixed.inputs.push_back({coin, {}, 0xfffffffd, {}});
    mixed.inputs.push_back({h.next_outpoint(), {}, 0xfffffffd, {}});
    mixed.outputs.push_back({1'000, WalletHarness::foreign_script()});
    EXPECT_FALSE(h.wallet->see_transaction(mixed.finish(), SeenBy::peer)->concerns);
    EXPECT_EQ(h.wallet->details((*own)->txid())->tx->state, TxState::waiting);
}

TEST(Ledger, LetsAnOwnReplacementThatPaysMoreTakeThePlaceOfWhatPeersHadBefore) {
    WalletHarness h;
    h.fund(100'000);
    const std::array<Recipient, 1> recipients{Recipient{WalletHarness::foreign_script(), 50'000, false}};
    auto made = h.wallet->create_transaction(recipients, {});
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(h.wallet->sign(*made)->empty());
    const auto first = h.wallet->commit(made->tx);
    ASSERT_TRUE(h.wallet->see_transaction((*first)->tx, SeenBy::peer));
    CoinControl control;
    control.fee_rate = FeeRate{50'000};
    auto bumped = h.wallet->bump((*first)->txid(), control);
    ASSERT_TRUE(bumped) << bumped.error().message;
    ASSERT_TRUE(h.wallet->sign(bumped->made)->empty());
    const auto second = h.wallet->commit(bumped->made.tx, {}, (*first)->txid());
    ASSERT_TRUE(h.wallet->see_transaction((*second)->tx, SeenBy::peer));
    EXPECT_EQ(h.wallet->details((*first)->txid())->tx->state, TxState::inactive);
    EXPECT_EQ(h.wallet->details((*second)->txid())->tx->state, TxState::waiting);
    EXPECT_EQ(h.wallet->balance().trusted, 100'000 - 50'000 - bumped->made.fee);
    // A peer that has not heard of it says the old one once more.
    ASSERT_TRUE(h.wallet->see_transaction((*first)->tx, SeenBy::peer));
    EXPECT_EQ(h.wallet->details((*second)->txid())->tx->state, TxState::waiting);
}

TEST(Ledger, ShowsSendsReceiptsAndFeesButNoChange) {
    WalletHarness h;
    h.fund(100'000);
    const std::array<Recipient, 2> recipients{Recipient{WalletHarness::foreign_script(), 20'000, false}, Recipient{h.address(), 30'000, false}};
    auto made = h.wallet->create_transaction(recipients, {});
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(h.wallet->sign(*made)->empty());
    const auto tx = h.wallet->commit(made->tx, {{"comment", "rent"}});
    ASSERT_TRUE(h.wallet->see_transaction((*tx)->tx, SeenBy::mempool));
    const auto entries = h.wallet->details((*tx)->txid())->entries;
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[0].category, Category::send);
    EXPECT_EQ(entries[2].category, Category::receive);
    EXPECT_EQ(entries[0].amount + entries[1].amount, -50'000);
    EXPECT_EQ(*entries[0].fee, -made->fee);
    EXPECT_EQ(h.wallet->details((*tx)->txid())->amounts.net(), -20'000);
    EXPECT_EQ(h.wallet->balance().trusted, 100'000 - 20'000 - made->fee);
    h.reopen();
    EXPECT_EQ(h.wallet->details((*tx)->txid())->tx->notes.at("comment"), "rent");
    EXPECT_EQ(h.wallet->history(2, 1).size(), 2u);
}

TEST(Wallet, ADescriptorThatGivesNoScriptLeavesNothingBehind) {
    WalletOptions options;
    options.private_keys = false;
    options.lookahead = 5;
    WalletHarness h(options), signer;
    const std::string account = signer.wallet->book().all()[0].text;
    const std::string body = account.substr(0, account.find('#'));
    const std::string hardened = std::string(body).insert(body.rfind('*') + 1, "h");
    ImportRequest request;
    request.descriptor = hardened + "#" + descriptor_checksum(hardened);
    const auto refused = h.wallet->import(request);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("Cannot expand descriptor"), std::string::npos) << refused.error().message;
    EXPECT_TRUE(h.wallet->book().all().empty());
    request.descriptor = account;
    ASSERT_TRUE(h.wallet->import(request));
    h.reopen();
    ASSERT_EQ(h.wallet->book().all().size(), 1u);
    EXPECT_EQ(h.wallet->book().all()[0].text, account);
}

TEST(Wallet, WatchesWithoutKeysAndRefusesThem) {
    WalletOptions options;
    options.private_keys = false;
    options.lookahead = 5;
    WalletHarness h(options), signer;
    EXPECT_FALSE(h.wallet->new_address(AddressType::bech32));
    ImportRequest request;
    request.active = true;
    const auto& one = signer.wallet->book().all()[*signer.wallet->book().active(AddressType::bech32, false)];
    const auto& change = signer.wallet->book().all()[*signer.wallet->book().active(AddressType::bech32, true)];
    request.descriptor = one.text;
    ASSERT_TRUE(h.wallet->import(request));
    request.descriptor = change.text;
    request.internal = true;
    ASSERT_TRUE(h.wallet->import(request));
    EXPECT_EQ(h.address(), signer.address());
    const auto secret = signer.wallet->private_descriptor(0);
    ASSERT_TRUE(secret);
    request.descriptor = std::string(secret->begin(), secret->end());
    EXPECT_FALSE(h.wallet->import(request));

    // It makes a PSBT that the signer completes.
    h.fund(100'000);
    const std::array<Recipient, 1> recipients{Recipient{WalletHarness::foreign_script(), 40'000, false}};
    const auto made = h.wallet->create_transaction(recipients, {});
    ASSERT_TRUE(made) << made.error().message;
    auto psbt = h.wallet->make_psbt(*made);
    ASSERT_TRUE(psbt);
    EXPECT_FALSE(psbt->inputs[0].key_origins.empty());
    EXPECT_FALSE(psbt->outputs[*made->change_position].key_origins.empty());
    EXPECT_EQ(*h.wallet->fill_psbt(*psbt, {}), PsbtStatus::incomplete);
    EXPECT_EQ(*signer.wallet->fill_psbt(*psbt, {}), PsbtStatus::complete);
    EXPECT_TRUE(extract_transaction(*psbt));
}

TEST(Wallet, ImportsReceivingAndChangeFromOneText) {
    WalletOptions options = WalletHarness::small();
    options.blank = true;
    WalletHarness h(options);
    ImportRequest request;
    request.descriptor = account_descriptor(*options.master, AddressType::bech32m, *h.params);
    request.active = true;
    const auto numbers = h.wallet->import(request);
    ASSERT_TRUE(numbers) << numbers.error().message;
    EXPECT_EQ(numbers->size(), 2u);
    WalletHarness whole;
    EXPECT_EQ(h.address(AddressType::bech32m), whole.address(AddressType::bech32m));
    EXPECT_EQ(*h.wallet->new_change_address(AddressType::bech32m), *whole.wallet->new_change_address(AddressType::bech32m));
    request.range = {{0, 20}};
    EXPECT_TRUE(h.wallet->import(request));
    EXPECT_EQ(h.wallet->book().all().size(), 2u);
    EXPECT_EQ(h.wallet->book().all()[0].range_end, 20u);
    request.range = {{3, 30}};
    EXPECT_FALSE(h.wallet->import(request));
    request.label = "x";
    EXPECT_FALSE(h.wallet->import(request));
}

TEST(Wallet, NeedsItsKeysForHardenedAddressesBeyondTheLookahead) {
    WalletOptions options = WalletHarness::small();
    options.blank = true;
    WalletHarness h(options);
    const std::string text = "wpkh(" + options.master->private_text(*h.params) + "/1h/*h)";
    ImportRequest request;
    request.descriptor = text + "#" + descriptor_checksum(text);
    request.active = true;
    const auto imported = h.wallet->import(request);
    ASSERT_TRUE(imported) << imported.error().message;
    ASSERT_TRUE(h.wallet->encrypt("secret", {10, 8, 1}));
    h.reopen();
    EXPECT_TRUE(h.wallet->refill());  // there are enough
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(h.wallet->book().owns(h.address()));
    EXPECT_EQ(h.wallet->new_address(AddressType::bech32).error().message, "Error: Keypool ran out, please call keypoolrefill first");
    EXPECT_EQ(h.wallet->refill().error().kind, WalletErrorKind::locked);
    ASSERT_TRUE(h.wallet->unlock("secret", 60));
    EXPECT_EQ(h.wallet->watched_scripts().size(), 10u);
    const Bytes script = h.address();
    h.mine({h.payment(script, 100'000)});
    EXPECT_EQ(h.wallet->balance().trusted, 100'000);
    const std::array<Recipient, 1> recipients{Recipient{WalletHarness::foreign_script(), 40'000, false}};
    CoinControl control;
    control.change_script = script;
    auto made = h.wallet->create_transaction(recipients, control);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(h.wallet->sign(*made)->empty());
}

TEST(Wallet, FindsOldPaymentsWhenItIsShownTheBlocksAgain) {
    WalletHarness h, other;
    std::vector<Bytes> given;
    for (int i = 0; i < 12; ++i) given.push_back(other.address());
    h.mine({h.payment(given[9], 1'000)});  // too far ahead to be seen
    h.mine({h.payment(given[4], 2'000)});
    EXPECT_EQ(h.wallet->balance().trusted, 2'000);
    const BlockPlace tip = h.wallet->tip();
    const auto effect = h.wallet->rescan_block(h.place_of(*h.blocks[0], 0), *h.blocks[0]);
    EXPECT_TRUE(effect->concerns);
    EXPECT_EQ(h.wallet->balance().trusted, 3'000);
    EXPECT_EQ(h.wallet->tip(), tip);
    EXPECT_EQ(h.wallet->details(h.blocks[0]->txs()[1].txid)->confirmations, 2);
    EXPECT_FALSE(h.wallet->rescan_block({7, {}, 0}, *h.blocks[0]));
    // Again: nothing is doubled.
    ASSERT_TRUE(h.wallet->rescan_block(h.place_of(*h.blocks[0], 0), *h.blocks[0]));
    EXPECT_EQ(h.wallet->balance().trusted, 3'000);
    EXPECT_EQ(h.wallet->ledger().size(), 2u);
}

TEST(Wallet, DoesNotWriteForEveryBlockThatPassesByAndStillKnowsItsTip) {
    WalletHarness h;
    h.fund(1'000);
    const std::size_t pending = h.store.pending_writes();
    h.mine_many(50);
    EXPECT_EQ(h.store.pending_writes(), pending);
    const BlockPlace tip = h.wallet->tip();
    h.reopen();  // closing writes
    EXPECT_EQ(h.wallet->tip(), tip);
    // A block at the height of an old one takes its place.
    const BlockPtr other = h.block_of({h.coinbase(Bytes{0x51})}, h.blocks[9]->hash());
    ASSERT_TRUE(h.wallet->connect_block(h.place_of(*other, 10), other.get()));
    EXPECT_EQ(h.wallet->tip().height, 10);
    EXPECT_EQ(h.wallet->balance().trusted, 1'000);
}

TEST(Wallet, EncryptsItsKeysAndNeedsThePassphraseToSign) {
    WalletHarness h;
    h.fund(100'000);
    const ScryptCost cheap{10, 8, 1};
    ASSERT_TRUE(h.wallet->encrypt("secret", cheap));
    EXPECT_TRUE(h.wallet->is_locked());
    const std::array<Recipient, 1> recipients{Recipient{WalletHarness::foreign_script(), 40'000, false}};
    auto made = h.wallet->create_transaction(recipients, {});
    ASSERT_TRUE(made);
    EXPECT_EQ(h.wallet->sign(*made).error().kind, WalletErrorKind::locked);
    h.reopen();
    EXPECT_TRUE(h.wallet->is_encrypted());
    EXPECT_EQ(h.wallet->unlock("wrong", 10).error().kind, WalletErrorKind::wrong_passphrase);
    ASSERT_TRUE(h.wallet->unlock("secret", 10));
    EXPECT_TRUE(h.wallet->sign(*made)->empty());
    EXPECT_EQ(*h.wallet->unlocked_until(), h.host.time + 10);
    h.host.time += 11;
    EXPECT_TRUE(h.wallet->is_locked());
    EXPECT_EQ(h.wallet->private_descriptor(0).error().kind, WalletErrorKind::locked);
    ASSERT_TRUE(h.wallet->change_passphrase("secret", "better", cheap));
    EXPECT_FALSE(h.wallet->unlock("secret", 10));
    EXPECT_TRUE(h.wallet->unlock("better", 10));
    ASSERT_TRUE(h.wallet->lock());
    EXPECT_TRUE(h.wallet->new_address(AddressType::bech32));  // needs no private key
}

TEST(Wallet, IsWholeAfterAKillAtAnyWrite) {
    for (std::uint64_t count = 1; count <= 6; ++count) {
        WalletHarness h;
        h.fund(100'000);
        h.store.fail_after(count);
        const std::array<Recipient, 1> recipients{Recipient{WalletHarness::foreign_script(), 40'000, false}};
        auto made = h.wallet->create_transaction(recipients, {});
        bool committed = false;
        if (made && h.wallet->sign(*made)) committed = h.wallet->commit(made->tx).has_value();
        const bool paid = committed && h.wallet->see_transaction(made->tx.finish(), SeenBy::mempool).has_value();
        if (!committed) {
            EXPECT_FALSE(h.wallet->new_address(AddressType::bech32));
        }
        h.store.fail_after(0);
        h.store.crash();
        h.reopen();
        if (committed) {
            ASSERT_TRUE(h.wallet->details(made->tx.finish()->tx().txid));
        } else if (h.wallet->ledger().size() == 1) {
            EXPECT_EQ(h.wallet->balance().trusted, 100'000);
        }
        EXPECT_EQ(paid, paid && h.wallet->balance().trusted == 60'000 - made->fee);
    }
}

TEST(Wallet, LocksCoinsForGoodOrUntilItIsClosed) {
    WalletHarness h;
    const OutPoint kept = h.fund(100'000), passing = h.fund(50'000);
    ASSERT_TRUE(h.wallet->lock_coin(kept, true));
    ASSERT_TRUE(h.wallet->lock_coin(passing, false));
    EXPECT_TRUE(h.wallet->coins({}, {}).empty());
    const std::array<Recipient, 1> recipients{Recipient{WalletHarness::foreign_script(), 40'000, false}};
    EXPECT_EQ(h.wallet->create_transaction(recipients, {}).error().message, "Insufficient funds");
    h.reopen();
    ASSERT_EQ(h.wallet->coins({}, {}).size(), 1u);
    EXPECT_EQ(h.wallet->coins({}, {})[0].outpoint, passing);
    EXPECT_TRUE(*h.wallet->unlock_coin(kept));
    EXPECT_FALSE(*h.wallet->unlock_coin(kept));
    h.reopen();
    EXPECT_EQ(h.wallet->coins({}, {}).size(), 2u);
}

TEST(Wallet, KeepsUsedAddressesApartWhereTheyAreAvoided) {
    WalletHarness h;
    ASSERT_TRUE(h.wallet->set_avoid_reuse(true));
    const Bytes script = h.address();
    const TransactionPtr first = h.payment(script, 100'000);
    h.mine({first});
    const std::array<Recipient, 1> rest{Recipient{WalletHarness::foreign_script()}};
    auto made = h.wallet->sweep({}, rest, {});
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(h.wallet->sign(*made)->empty());
    h.mine({made->tx.finish()});
    h.mine({h.payment(script, 30'000)});
    EXPECT_EQ(h.wallet->balance(0, true).used, 30'000);
    EXPECT_EQ(h.wallet->balance(0, true).trusted, 0);
    EXPECT_TRUE(h.wallet->coins({}, {}).empty());
    h.reopen();
    EXPECT_EQ(h.wallet->balance(0, true).used, 30'000);
    CoinControl control;
    control.avoid_reuse = false;
    EXPECT_EQ(h.wallet->coins(control, {}).size(), 1u);
}

}  // namespace
}  // namespace cairn::light
