#include "light/wallet_shelf.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "consensus/chain/header_tree.hpp"
#include "storage/memory_kv.hpp"
#include "storage/rocks/rocks_kv.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wallet_harness.hpp"

namespace cairn::light {
namespace {

/// A light chain of blocks that are not mined; it looks for what a shelf watches when a test says so.
class FakeChain final : public LightChain {
public:
    explicit FakeChain(const ChainParams& params) : tree(params.genesis->header()), tip(tree.genesis()), scanned(tip) {}

    std::shared_ptr<const LightView> view() const override {
        const std::lock_guard lock(mutex);
        auto view = std::make_shared<LightView>();
        view->tip = tip;
        view->filter_height = tip->height;
        view->scanned_height = scanned->height;
        view->peers = view->filter_peers = peers;
        view->revision = revision;
        view->phase = scanned == tip && !changed ? Phase::synced : Phase::scanning;
        return view;
    }
    const HeaderNode* find(const BlockHash& hash) const override { return tree.find(hash); }
    void watch_changed() override { changed = true; }
    void give_up_rescan(std::uint64_t up_to) override { given_up = up_to; }

    void mine(const std::vector<TransactionPtr>& paying = {}) {
        const std::lock_guard lock(mutex);
        MutableTransaction coinbase;
        const auto height = static_cast<std::uint8_t>(tip->height + 1);
        coinbase.inputs.push_back({OutPoint{}, Bytes{4, height, 0, 0, 0}, 0xffffffff, {}});
        coinbase.outputs.push_back({50 * kCoin, Bytes{0x51}});
        std::vector<TransactionPtr> txs{coinbase.finish()};
        txs.insert(txs.end(), paying.begin(), paying.end());
        BlockHeader header;
        header.previous = tip->hash;
        header.time = tip->header.time + 600;
        header.nonce = ++mined;  // no two are alike, also on other branches
        std::vector<const Transaction*> rows;
        for (const TransactionPtr& tx : txs) rows.push_back(&tx->tx());
        const BlockPtr block = Block::assemble(header, rows);
        tip = tree.insert(block->header(), block->hash(), tip);
        blocks.push_back(block);
    }
    /// The newest blocks go, and nobody is told.
    void drop(int count) {
        const std::lock_guard lock(mutex);
        for (; count > 0; --count) {
            tip = tip->parent;
            blocks.pop_back();
        }
        if (scanned->height > tip->height) scanned = tip;
    }
    static ScanPlace place(const HeaderNode* node) { return {node->hash, node->height, node->header.time}; }

    /// Takes up what is watched now, as the scanner does: going back where something asks for it.
    void take_up(WalletShelf& shelf) {
        const auto set = shelf.watch();
        Height next = scanned->height + 1;
        for (const auto& addition : set->additions) {
            if (addition.revision > revision) next = std::min(next, std::max<Height>(addition.since.height.value_or(1), 1));
        }
        {
            const std::lock_guard lock(mutex);
            revision = set->revision;
            scanned = tip->ancestor(next - 1);
            changed = false;
        }
        shelf.on_search(next, set->revision);
    }
    /// Looks at blocks up to a height.
    void scan(WalletShelf& shelf, std::optional<Height> to = {}) {
        take_up(shelf);
        while (scanned->height < std::min(to.value_or(tip->height), tip->height)) {
            const HeaderNode* node = tip->ancestor(scanned->height + 1);
            shelf.on_block(blocks[static_cast<std::size_t>(node->height) - 1], place(node));
            shelf.on_scanned(place(node));
            const std::lock_guard lock(mutex);
            scanned = node;
        }
    }

    HeaderTree tree;
    const HeaderNode* tip;
    const HeaderNode* scanned;
    std::uint64_t revision = 0;
    std::atomic<std::uint64_t> given_up{0};
    std::atomic<bool> changed{false};
    int peers = 3;
    std::uint32_t mined = 0;
    std::vector<BlockPtr> blocks;
    mutable std::mutex mutex;
};

class Shelf : public testing::Test {
protected:
    Shelf() { start(); }
    ~Shelf() override {
        if (shelf_) shelf_->detach();
    }

    void start() {
        watch_kv_ = std::make_unique<storage::MemoryKv>();
        watch_ = std::move(*ScriptWatch::open(*watch_kv_));
        shelf_ = std::make_unique<WalletShelf>(*params_, *watch_, WalletShelf::Options{folder_.path() / "wallets", [this] { return now_.load(); }, {}});
        troubles_ = shelf_->open();
        shelf_->attach(chain_);
    }
    /// As if the program ended and began again; `clean`: in order.
    void restart() {
        shelf_->detach();
        shelf_.reset();
        ++now_;
        start();
    }
    WalletOptions small() const {
        auto options = test::WalletHarness::small();
        options.cost = {10, 8, 1};
        options.birth = 1;
        return options;
    }
    void make(const std::string& name = "w") {
        const auto made = shelf_->create(name, small());
        ASSERT_TRUE(made) << made.error().message;
    }
    TransactionPtr pay(const std::string& name, Amount value) {
        Bytes script;
        shelf_->use(name, [&](Wallet& wallet) { script = *wallet.new_address(AddressType::bech32); });
        return pay_to(script, value);
    }
    TransactionPtr pay_to(const Bytes& script, Amount value) {
        MutableTransaction tx;
        tx.inputs.push_back({{Txid(Uint256(Bytes(32, ++counter_))), 0}, {}, 0xfffffffd, {}});
        tx.outputs.push_back({value, script});
        return tx.finish();
    }
    Amount balance(const std::string& name) {
        Amount trusted = -1;
        shelf_->use(name, [&](Wallet& wallet) { trusted = wallet.balance().trusted; });
        return trusted;
    }
    /// The files below the folder that this text is in.
    std::vector<std::string> on_disk(std::string_view text) const {
        std::vector<std::string> files;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
            if (!entry.is_regular_file()) continue;
            std::ifstream file(entry.path(), std::ios::binary);
            const std::string contents((std::istreambuf_iterator<char>(file)), {});
            if (contents.find(text) != std::string::npos) files.push_back(entry.path().filename().string());
        }
        return files;
    }

    ChainParamsPtr params_ = make_params(Network::regtest);
    test::TempDir folder_;
    std::atomic<std::int64_t> now_{1'700'000'000};
    FakeChain chain_{*params_};
    std::unique_ptr<storage::MemoryKv> watch_kv_;
    std::unique_ptr<ScriptWatch> watch_;
    std::unique_ptr<WalletShelf> shelf_;
    std::vector<std::string> troubles_;
    std::uint8_t counter_ = 0;
};

TEST_F(Shelf, KeepsWalletsInFoldersOfTheirOwn) {
    make("w");
    EXPECT_EQ(shelf_->create("w", small()).error().kind, DeskError::Kind::already_exists);
    for (const char* bad : {"", ".hidden", "a/b", "a\\b"}) EXPECT_EQ(shelf_->create(bad, small()).error().kind, DeskError::Kind::bad_name) << bad;
    EXPECT_EQ(shelf_->load("w").error().kind, DeskError::Kind::already_loaded);
    EXPECT_EQ(shelf_->load("x").error().kind, DeskError::Kind::not_found);
    EXPECT_EQ(shelf_->load("../wallets/w").error().kind, DeskError::Kind::not_found);
    EXPECT_EQ(shelf_->unload("x").error().kind, DeskError::Kind::not_found);
    EXPECT_EQ(shelf_->loaded(), std::vector<std::string>{"w"});
    ASSERT_TRUE(shelf_->unload("w"));
    EXPECT_TRUE(shelf_->loaded().empty());
    EXPECT_EQ(shelf_->stored(), std::vector<std::string>{"w"});
    EXPECT_FALSE(shelf_->use("w", [](Wallet&) {}));
}

TEST_F(Shelf, ANameIsFreeWhenItsWalletWasNeverFinished) {
    make("first");
    ASSERT_TRUE(storage::open_rocks(folder_.path() / "wallets" / "w", {}));  // a store, and nothing in it
    std::filesystem::create_directory(folder_.path() / "wallets" / "strange");
    EXPECT_FALSE(shelf_->load("w"));
    make("w");
    EXPECT_EQ(shelf_->create("w", small()).error().kind, DeskError::Kind::already_exists);
    EXPECT_EQ(shelf_->create("strange", small()).error().kind, DeskError::Kind::already_exists);
    ASSERT_TRUE(shelf_->unload("w"));
    EXPECT_EQ(shelf_->create("w", small()).error().kind, DeskError::Kind::already_exists);
    EXPECT_TRUE(shelf_->load("w"));
}

TEST_F(Shelf, LoadsWhatLoadsAtTheStartAsItWas) {
    make("w");
    make("left");
    shelf_->set_load_at_start("w", true);
    const TransactionPtr tx = pay("w", kCoin);
    chain_.mine({tx});
    chain_.scan(*shelf_);
    EXPECT_EQ(balance("w"), kCoin);
    restart();
    EXPECT_TRUE(troubles_.empty());
    EXPECT_EQ(shelf_->loaded(), std::vector<std::string>{"w"});
    EXPECT_EQ(balance("w"), kCoin);
    shelf_->use("w", [&](Wallet& wallet) {
        EXPECT_EQ(wallet.tip().height, 1);
        EXPECT_TRUE(wallet.ledger().find(tx->tx().txid));
        EXPECT_EQ(wallet.history(10, 0).size(), 1u);
    });
}

TEST_F(Shelf, AWalletThatWasAwayIsBroughtUpToDate) {
    make("w");
    make("other");
    const TransactionPtr tx = pay("w", kCoin);
    chain_.mine();
    chain_.scan(*shelf_);
    ASSERT_TRUE(shelf_->unload("w"));
    chain_.mine({tx});
    chain_.mine();
    chain_.scan(*shelf_);
    ASSERT_TRUE(shelf_->load("w"));
    // A new block comes before the scan goes back, and then the program is killed.
    chain_.mine();
    shelf_->on_scanned(FakeChain::place(chain_.tip));
    shelf_->set_load_at_start("w", true);
    restart();
    chain_.scan(*shelf_);
    EXPECT_EQ(balance("w"), kCoin);
}

TEST_F(Shelf, AWalletThatWasAwayWhileTheChainChangedJoinsItAgain) {
    make("w");
    const TransactionPtr first = pay("w", kCoin), second = pay("w", 2 * kCoin);
    chain_.mine();
    chain_.mine({first});
    chain_.mine({second});
    chain_.scan(*shelf_);
    EXPECT_EQ(balance("w"), 3 * kCoin);
    const auto pending = [&] {
        Amount amount = -1;
        shelf_->use("w", [&](Wallet& wallet) { amount = wallet.balance().untrusted_pending; });
        return amount;
    };
    // It was not loaded; and the payments wait again.
    ASSERT_TRUE(shelf_->unload("w"));
    chain_.drop(2);
    for (int i = 0; i < 3; ++i) chain_.mine();
    chain_.scan(*shelf_);
    ASSERT_TRUE(shelf_->load("w"));
    EXPECT_EQ(balance("w"), 0);
    EXPECT_EQ(pending(), 3 * kCoin);
    chain_.mine({second});
    chain_.scan(*shelf_);
    EXPECT_EQ(balance("w"), 2 * kCoin);

    // A kill came before the chain's own record of how far the scan was.
    shelf_->set_load_at_start("w", true);
    chain_.drop(3);
    chain_.mine({first});
    for (int i = 0; i < 4; ++i) chain_.mine();
    restart();
    chain_.scan(*shelf_);
    EXPECT_EQ(balance("w"), kCoin);
    EXPECT_EQ(pending(), 2 * kCoin);
}

TEST_F(Shelf, ARescanIsWaitedForAndItsEndIsKnown) {
    make("w");
    make("payee");
    chain_.mine({pay("payee", kCoin)});
    for (int i = 0; i < 5; ++i) chain_.mine();
    chain_.scan(*shelf_);
    const auto now_and_then = [this] { return shelf_->scanning("w"); };
    DeskResult<WalletDesk::Rescan> result;
    std::thread asks([&] { result = shelf_->rescan_and_wait("w", Birthday{2, {}}, {}); });
    while (!chain_.changed) std::this_thread::yield();
    EXPECT_TRUE(shelf_->is_rescanning("w"));
    EXPECT_FALSE(shelf_->is_rescanning("payee"));
    EXPECT_EQ(shelf_->rescan_and_wait("w", Birthday{2, {}}, {}).error().kind, DeskError::Kind::wallet);
    EXPECT_EQ(shelf_->unload("w").error().message, "Wallet is currently rescanning. Abort existing rescan or wait.");
    chain_.scan(*shelf_, 3);
    ASSERT_TRUE(now_and_then());
    EXPECT_NEAR(now_and_then()->progress, 0.4, 0.001);
    chain_.scan(*shelf_);
    asks.join();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->end, WalletDesk::Rescan::End::done);
    EXPECT_EQ(result->first, 2);
    EXPECT_EQ(result->last, 6);
    EXPECT_FALSE(now_and_then());
    EXPECT_EQ(chain_.given_up, 0u);
    EXPECT_FALSE(shelf_->rescan_and_wait("none", Birthday{2, {}}, {}));
}

TEST_F(Shelf, ARescanEndsWhereItShallEnd) {
    make("w");
    for (int i = 0; i < 6; ++i) chain_.mine();
    chain_.scan(*shelf_);
    DeskResult<WalletDesk::Rescan> result;
    std::thread asks([&] { result = shelf_->rescan_and_wait("w", Birthday{2, {}}, 4); });
    while (!chain_.changed) std::this_thread::yield();
    chain_.scan(*shelf_, 4);
    asks.join();
    EXPECT_EQ(result->end, WalletDesk::Rescan::End::done);
    EXPECT_EQ(result->last, 4);
    EXPECT_GT(chain_.given_up, 0u);
    // Nothing of it is left for the next start.
    restart();
    ASSERT_TRUE(shelf_->load("w"));
    chain_.take_up(*shelf_);
    EXPECT_EQ(chain_.scanned->height, 4);
}

TEST_F(Shelf, ARescanThatIsAbortedEndsAndLeavesOthersTheirs) {
    make("w");
    make("other");
    for (int i = 0; i < 6; ++i) chain_.mine();
    chain_.scan(*shelf_);
    EXPECT_FALSE(shelf_->abort_rescan("w"));
    DeskResult<WalletDesk::Rescan> first, second;
    std::thread asks([&] { first = shelf_->rescan_and_wait("w", Birthday{1, {}}, {}); });
    while (!shelf_->is_rescanning("w")) std::this_thread::yield();
    std::thread also([&] { second = shelf_->rescan_and_wait("other", Birthday{3, {}}, {}); });
    while (!shelf_->is_rescanning("other")) std::this_thread::yield();
    while (!chain_.changed) std::this_thread::yield();
    chain_.scan(*shelf_, 2);
    EXPECT_TRUE(shelf_->abort_rescan("w"));
    asks.join();
    EXPECT_EQ(first->end, WalletDesk::Rescan::End::aborted);
    EXPECT_TRUE(shelf_->is_rescanning("other"));
    EXPECT_GT(chain_.given_up, 0u);
    chain_.scan(*shelf_);
    also.join();
    EXPECT_EQ(second->end, WalletDesk::Rescan::End::done);
    EXPECT_EQ(second->last, 6);
}

TEST_F(Shelf, AnAbortedRescanLeavesWhatWasMissingBefore) {
    make("w");
    make("other");
    const TransactionPtr tx = pay("w", kCoin);
    for (int i = 0; i < 3; ++i) chain_.mine();
    chain_.scan(*shelf_);
    ASSERT_TRUE(shelf_->unload("w"));
    chain_.mine();
    chain_.mine({tx});
    chain_.mine();
    chain_.scan(*shelf_);
    ASSERT_TRUE(shelf_->load("w"));
    // Its blocks were not looked at yet when somebody asks for older ones, and thinks better of it.
    DeskResult<WalletDesk::Rescan> result;
    std::thread asks([&] { result = shelf_->rescan_and_wait("w", Birthday{1, {}}, {}); });
    while (!shelf_->is_rescanning("w")) std::this_thread::yield();
    chain_.scan(*shelf_, 2);
    EXPECT_TRUE(shelf_->abort_rescan("w"));
    asks.join();
    EXPECT_EQ(result->end, WalletDesk::Rescan::End::aborted);
    chain_.take_up(*shelf_);
    EXPECT_LT(chain_.scanned->height, 5);
    shelf_->set_load_at_start("w", true);
    restart();
    chain_.scan(*shelf_);
    EXPECT_EQ(balance("w"), kCoin);
}

TEST_F(Shelf, WaitingEndsWhenNobodyCanHelpAndWhenTheProgramEnds) {
    make("w");
    for (int i = 0; i < 3; ++i) chain_.mine();
    chain_.scan(*shelf_);
    chain_.peers = 0;
    DeskResult<WalletDesk::Rescan> result;
    std::thread asks([&] { result = shelf_->rescan_and_wait("w", Birthday{1, {}}, {}); });
    while (!chain_.changed) std::this_thread::yield();
    while (shelf_->is_rescanning("w")) {
        now_ += Rescans::kPatience_s;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    asks.join();
    EXPECT_EQ(result->end, WalletDesk::Rescan::End::no_peers);
    chain_.peers = 1;
    std::thread again([&] { result = shelf_->rescan_and_wait("w", Birthday{1, {}}, {}); });
    while (!shelf_->is_rescanning("w")) std::this_thread::yield();
    shelf_->detach();
    again.join();
    EXPECT_EQ(result->end, WalletDesk::Rescan::End::stopping);
}

TEST_F(Shelf, ARescanGoesOnAfterARestart) {
    make("w");
    Bytes script;
    shelf_->use("w", [&](Wallet& wallet) { script = *wallet.new_address(AddressType::bech32); });
    for (int i = 0; i < 4; ++i) chain_.mine();
    chain_.scan(*shelf_);
    shelf_->set_load_at_start("w", true);
    shelf_->rescan(Birthday{2, {}});
    chain_.scan(*shelf_, 2);
    restart();
    chain_.take_up(*shelf_);
    EXPECT_EQ(chain_.scanned->height, 2);  // the third is next
    chain_.scan(*shelf_);
    restart();
    chain_.take_up(*shelf_);
    EXPECT_EQ(chain_.scanned->height, 4);  // nothing is left
}

TEST_F(Shelf, TakesNothingToSendThatNobodyWouldTake) {
    make("w");
    const TransactionPtr paid = pay("w", kCoin);
    chain_.mine({paid});
    chain_.scan(*shelf_);
    MutableTransaction spend;
    spend.inputs.push_back({{paid->tx().txid, 0}, {}, 0xfffffffd, {}});
    spend.outputs.push_back({kCoin - 1000, Bytes{0x51}});
    EXPECT_EQ(shelf_->broadcast(spend.finish()).error().kind, DeskError::Kind::rejected) << "it is not signed";
    spend.outputs.push_back({kMaxMoney, Bytes{0x51}});
    EXPECT_EQ(shelf_->broadcast(spend.finish()).error().message, "bad-txns-txouttotal-toolarge");
    EXPECT_EQ(balance("w"), kCoin);
    // What the wallet keeps goes out once there is somebody: that is no failure that makes people pay again.
    CreatedTransaction made;
    shelf_->use("w", [&](Wallet& wallet) {
        CoinControl control;
        control.fee_rate = FeeRate{2000};
        const std::vector<Recipient> to{{Bytes{0x51}, kCoin / 2, false}};
        made = *wallet.create_transaction(to, control);
        ASSERT_TRUE(wallet.sign(made)->empty());
    });
    EXPECT_TRUE(shelf_->broadcast(made.tx.finish()));
    EXPECT_EQ(shelf_->own_payments().size(), 1u);
    EXPECT_EQ(shelf_->broadcast(pay_to(Bytes{0x51}, kCoin)).error().kind, DeskError::Kind::no_connection);
}

TEST_F(Shelf, NoKeyIsOnTheDiskOnceTheWalletIsEncrypted) {
    make("w");
    std::string key;
    shelf_->use("w", [&](Wallet& wallet) {
        const auto secret = wallet.private_descriptor(0);
        const std::string text(secret->begin(), secret->end());
        key = text.substr(text.find("tprv"), 40);
        ASSERT_TRUE(wallet.save());
    });
    ASSERT_EQ(key.size(), 40u);
    // So that it lies in tables and not only in the log.
    ASSERT_TRUE(shelf_->unload("w"));
    ASSERT_TRUE(shelf_->load("w"));
    EXPECT_FALSE(on_disk(key.substr(20)).empty());
    shelf_->use("w", [&](Wallet& wallet) { ASSERT_TRUE(wallet.encrypt("secret", {10, 8, 1})); });
    EXPECT_EQ(on_disk(key.substr(20)), std::vector<std::string>{});
    EXPECT_EQ(on_disk(key.substr(0, 20)), std::vector<std::string>{});
    restart();
    ASSERT_TRUE(shelf_->load("w"));
    EXPECT_EQ(on_disk(key.substr(20)), std::vector<std::string>{});
    shelf_->use("w", [&](Wallet& wallet) {
        EXPECT_TRUE(wallet.is_locked());
        EXPECT_FALSE(wallet.unlock("wrong", 10));
        ASSERT_TRUE(wallet.unlock("secret", 10));
        const auto secret = wallet.private_descriptor(0);
        EXPECT_NE(std::string(secret->begin(), secret->end()).find(key), std::string::npos);
    });
}

TEST_F(Shelf, ABackupMakesTheSameWallet) {
    make("w");
    chain_.mine({pay("w", kCoin)});
    chain_.scan(*shelf_);
    const auto plain = folder_.path() / "plain", sealed = folder_.path() / "sealed";
    ASSERT_TRUE(shelf_->backup("w", plain, ""));
    ASSERT_TRUE(shelf_->backup("w", sealed, "word"));
    EXPECT_EQ(shelf_->backup("none", plain, "").error().kind, DeskError::Kind::not_found);
    EXPECT_FALSE(shelf_->backup("w", folder_.path() / "no" / "such" / "folder", ""));
    EXPECT_EQ(shelf_->restore("w", plain, "").error().kind, DeskError::Kind::already_exists);
    EXPECT_EQ(shelf_->restore("a", folder_.path() / "none", "").error().kind, DeskError::Kind::bad_file);
    EXPECT_EQ(shelf_->restore("a", sealed, "").error().kind, DeskError::Kind::wrong_passphrase);
    EXPECT_EQ(shelf_->restore("a", sealed, "wrong").error().kind, DeskError::Kind::wrong_passphrase);
    {
        std::fstream file(plain, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(100);
        file.put('\x7f');
    }
    EXPECT_EQ(shelf_->restore("a", plain, "").error().kind, DeskError::Kind::bad_file);
    EXPECT_EQ(shelf_->stored(), std::vector<std::string>{"w"});
    ASSERT_TRUE(shelf_->restore("a", sealed, "word"));
    EXPECT_EQ(balance("a"), kCoin);
    shelf_->use("a", [&](Wallet& wallet) {
        EXPECT_EQ(wallet.name(), "a");
        EXPECT_TRUE(wallet.private_descriptor(0));
    });
    chain_.mine({pay("a", kCoin)});
    chain_.scan(*shelf_);
    EXPECT_EQ(balance("a"), 2 * kCoin);
    EXPECT_EQ(balance("w"), 2 * kCoin);  // it is the same
}

}  // namespace
}  // namespace cairn::light
