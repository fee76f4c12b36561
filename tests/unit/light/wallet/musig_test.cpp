#include <gtest/gtest.h>

#include "light/psbt/musig.hpp"
#include "tests/support/wallet_harness.hpp"

/// Two wallets that hold one key each of an output that both must sign for (BIP327, BIP373).
namespace cairn::light {
namespace {

using test::WalletHarness;

WalletOptions blank() {
    WalletOptions options = WalletHarness::small();
    options.blank = true;
    options.master.reset();
    return options;
}

void import(WalletHarness& h, const std::string& body) {
    for (const bool internal : {false, true}) {
        std::string text = body;
        text.replace(text.find('@'), 1, internal ? "1" : "0");
        ImportRequest request;
        request.descriptor = text + "#" + descriptor_checksum(text);
        request.active = true;
        request.internal = internal;
        request.range = {0, 10};
        const auto done = h.wallet->import(request);
        ASSERT_TRUE(done) << done.error().message;
    }
}

TEST(MusigWallets, SpendTogether) {
    WalletHarness first(blank()), second(blank());
    const auto one = ExtendedKey::from_seed(Bytes(32, 1)), two = ExtendedKey::from_seed(Bytes(32, 2));
    const ChainParams& params = *first.params;
    import(first, "tr(musig(" + one->private_text(params) + "," + two->public_text(params) + ")/@/*)");
    import(second, "tr(musig(" + one->public_text(params) + "," + two->private_text(params) + ")/@/*)");
    const Bytes script = first.address(AddressType::bech32m);
    EXPECT_EQ(second.address(AddressType::bech32m), script);
    const TransactionPtr payment = first.payment(script, 100'000), more = first.payment(first.address(AddressType::bech32m), 50'000);
    for (WalletHarness* h : {&first, &second}) h->mine({payment, more});
    const std::vector<Recipient> to{{WalletHarness::foreign_script(), 120'000, false}};
    const auto made = first.wallet->create_transaction(to, {});
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->tx.inputs.size(), 2u);
    Psbt psbt = *first.wallet->make_psbt(*made, 0);
    const auto pass = [&](WalletHarness& h, bool sign = true) {
        Wallet::PsbtOptions options;
        options.sign = sign;
        const auto status = h.wallet->fill_psbt(psbt, options);
        EXPECT_TRUE(status) << status.error().message;
        psbt = *Psbt::parse(psbt.serialize());
        return *status;
    };
    EXPECT_EQ(pass(second, false), PsbtStatus::incomplete);
    EXPECT_TRUE(psbt.inputs[0].musig_nonces.empty()) << "who only looks makes no nonces";
    EXPECT_FALSE(psbt.inputs[0].musig_participants.empty());
    EXPECT_EQ(pass(first), PsbtStatus::incomplete);
    EXPECT_EQ(pass(second), PsbtStatus::incomplete);
    EXPECT_EQ(pass(first), PsbtStatus::complete);
    const auto tx = extract_transaction(psbt);
    ASSERT_TRUE(tx);
    EXPECT_EQ(tx->inputs[0].witness.size(), 1u);
    EXPECT_GE(made->vsize, tx->finish()->tx().vsize());
    // Each wallet sees it as its own.
    for (WalletHarness* h : {&first, &second}) {
        h->mine({tx->finish()});
        EXPECT_EQ(h->wallet->balance().trusted, 150'000 - 120'000 - made->fee);
    }
}

}  // namespace
}  // namespace cairn::light
