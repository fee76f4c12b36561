#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "consensus/rules/tx_rules.hpp"
#include "tests/support/wallet_harness.hpp"

namespace cairn::light {
namespace {

/// What the wallet should think, worked out anew each time from the chain and from what was told.
class Model {
public:
    enum class Flag { inactive, waiting, abandoned };
    struct Known {
        TransactionPtr tx;
        Flag flag = Flag::inactive;
    };
    struct Place {
        Height height = 0;
        BlockHash hash;
    };

    std::map<Txid, Known> known;
    std::vector<BlockPtr> chain;  ///< from height 0
    std::set<Bytes> own;

    bool is_own(const Transaction& tx) const {
        for (const TxOutput& output : tx.outputs) {
            if (own.contains(to_bytes(output.script_pubkey))) return true;
        }
        return std::any_of(tx.inputs.begin(), tx.inputs.end(), [&](const TxInput& input) { return value_of(input.prevout) > 0; });
    }
    /// 0: not the wallet's.
    Amount value_of(const OutPoint& outpoint) const {
        const auto found = known.find(outpoint.txid);
        if (found == known.end() || outpoint.index >= found->second.tx->tx().outputs.size()) return 0;
        const TxOutput& output = found->second.tx->tx().outputs[outpoint.index];
        return own.contains(to_bytes(output.script_pubkey)) ? output.value : 0;
    }
    std::optional<Place> confirmed(const Txid& txid) const {
        for (std::size_t height = 0; height < chain.size(); ++height) {
            for (const Transaction& tx : chain[height]->txs()) {
                if (tx.txid == txid) return Place{static_cast<Height>(height), chain[height]->hash()};
            }
        }
        return std::nullopt;
    }
    /// The deepest block that makes it impossible.
    std::optional<Height> conflict(const Txid& txid) const {
        const auto found = known.find(txid);
        if (found == known.end() || confirmed(txid)) return std::nullopt;
        std::optional<Height> deepest;
        const auto consider = [&](Height height) {
            if (!deepest || height < *deepest) deepest = height;
        };
        for (const TxInput& input : found->second.tx->tx().inputs) {
            for (std::size_t height = 0; height < chain.size(); ++height) {
                for (const Transaction& tx : chain[height]->txs()) {
                    if (tx.is_coinbase()) continue;
                    for (const TxInput& other : tx.inputs) {
                        if (other.prevout == input.prevout) consider(static_cast<Height>(height));
                    }
                }
            }
            if (const auto above = conflict(input.prevout.txid)) consider(*above);
        }
        return deepest;
    }
    TxState state(const Txid& txid) const {
        if (confirmed(txid)) return TxState::confirmed;
        if (conflict(txid)) return TxState::conflicted;
        switch (known.at(txid).flag) {
            case Flag::waiting: return TxState::waiting;
            case Flag::abandoned: return TxState::abandoned;
            default: return TxState::inactive;
        }
    }
    std::vector<Txid> children(const Txid& txid) const {
        std::vector<Txid> found;
        for (const auto& [id, one] : known) {
            for (const TxInput& input : one.tx->tx().inputs) {
                if (input.prevout.txid == txid) {
                    found.push_back(id);
                    break;
                }
            }
        }
        return found;
    }
    /// States that a block settles are forgotten as flags.
    void settle() {
        for (auto& [txid, one] : known) {
            if (confirmed(txid) || conflict(txid)) one.flag = Flag::inactive;
        }
    }
    void abandon(const Txid& txid) {
        const TxState now = state(txid);
        if (now == TxState::confirmed || now == TxState::conflicted || now == TxState::abandoned) return;
        known.at(txid).flag = Flag::abandoned;
        for (const Txid& child : children(txid)) abandon(child);
    }
    void stop_waiting(const Txid& txid) {
        if (state(txid) != TxState::waiting) return;
        known.at(txid).flag = Flag::inactive;
        for (const Txid& child : children(txid)) stop_waiting(child);
    }
    void see(const TransactionPtr& tx) {
        for (const TxInput& input : tx->tx().inputs) {
            for (const auto& [id, one] : known) {
                if (id == tx->tx().txid) continue;
                for (const TxInput& other : one.tx->tx().inputs) {
                    if (other.prevout == input.prevout) stop_waiting(id);
                }
            }
        }
        if (!known.contains(tx->tx().txid) && !is_own(tx->tx())) return;
        known[tx->tx().txid].tx = tx;
        if (state(tx->tx().txid) == TxState::confirmed || conflict(tx->tx().txid)) return;
        known[tx->tx().txid].flag = Flag::waiting;
    }
    void connect(const BlockPtr& block) {
        chain.push_back(block);
        for (const Transaction& tx : block->txs()) {
            if (!known.contains(tx.txid) && is_own(tx)) known[tx.txid].tx = *TransactionHolder::parse(to_bytes(tx.raw));
        }
        settle();
    }
    void cut(std::size_t height) {
        std::vector<Txid> coinbases;
        for (std::size_t h = height + 1; h < chain.size(); ++h) coinbases.push_back(chain[h]->txs()[0].txid);
        chain.resize(height + 1);
        for (const Txid& txid : coinbases) {
            if (known.contains(txid)) abandon(txid);
        }
    }
    bool waiting_conflict(const Txid& txid) const {
        const auto found = known.find(txid);
        if (found == known.end() || state(txid) == TxState::confirmed || state(txid) == TxState::waiting) return false;
        for (const TxInput& input : found->second.tx->tx().inputs) {
            for (const auto& [id, one] : known) {
                if (id == txid || state(id) != TxState::waiting) continue;
                for (const TxInput& other : one.tx->tx().inputs) {
                    if (other.prevout == input.prevout) return true;
                }
            }
            if (waiting_conflict(input.prevout.txid)) return true;
        }
        return false;
    }
    bool is_spent(const OutPoint& outpoint) const {
        for (const auto& [id, one] : known) {
            for (const TxInput& input : one.tx->tx().inputs) {
                if (input.prevout != outpoint) continue;
                const TxState now = state(id);
                if (now == TxState::confirmed || now == TxState::waiting) return true;
                if (now == TxState::inactive && !waiting_conflict(id)) return true;
            }
        }
        return false;
    }
    bool is_trusted(const Txid& txid) const {
        const auto found = known.find(txid);
        if (found == known.end()) return false;
        const TxState now = state(txid);
        if (now == TxState::confirmed) return true;
        if (now != TxState::waiting) return false;
        const auto inputs = found->second.tx->tx().inputs;
        return std::all_of(inputs.begin(), inputs.end(), [&](const TxInput& input) {
            return value_of(input.prevout) > 0 && is_trusted(input.prevout.txid);
        });
    }
    Balance balance() const {
        Balance sum;
        for (const auto& [txid, one] : known) {
            const Transaction& tx = one.tx->tx();
            for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) {
                const Amount value = value_of({txid, i});
                if (value == 0 || is_spent({txid, i})) continue;
                const auto place = confirmed(txid);
                const auto depth = place ? static_cast<Height>(chain.size()) - place->height : 0;
                if (place && tx.is_coinbase() && depth <= rules::kCoinbaseMaturity) {
                    sum.immature += value;
                } else if (is_trusted(txid)) {
                    sum.trusted += value;
                } else if (state(txid) == TxState::waiting) {
                    sum.untrusted_pending += value;
                }
            }
        }
        return sum;
    }
};

/// Does things at random to a wallet and to the model.
class Walk {
public:
    explicit Walk(std::uint64_t seed) : random_(seed) {
        for (int i = 0; i < 4; ++i) {
            scripts_.push_back(h_.address());
            model_.own.insert(scripts_.back());
        }
        mine({});
    }

    void step() {
        switch (random_.below(13)) {
            case 0: case 1: case 2: case 3: mine(some_transactions()); break;
            case 4: case 5: case 6: see(make_transaction()); break;
            case 7: leave(); break;
            case 8: abandon(); break;
            case 9: cut(); break;
            case 10: h_.reopen(); break;
            case 11: kill(); break;
            default: see_again(); break;
        }
    }
    void check(const std::string& where) {
        ASSERT_EQ(h_.wallet->ledger().size(), model_.known.size()) << where;
        const Ledger& ledger = h_.wallet->ledger();
        for (const auto& [txid, one] : model_.known) {
            const WalletTxPtr tx = ledger.find(txid);
            ASSERT_TRUE(tx) << where;
            ASSERT_EQ(static_cast<int>(tx->state), static_cast<int>(model_.state(txid))) << where << " " << txid.to_display_hex();
            const auto tip = static_cast<Height>(model_.chain.size()) - 1;
            int depth = 0;
            if (const auto place = model_.confirmed(txid)) {
                depth = tip - place->height + 1;
                ASSERT_EQ(tx->block.hash, place->hash) << where;
            } else if (const auto height = model_.conflict(txid)) {
                depth = -(tip - *height + 1);
            }
            ++seen[static_cast<std::size_t>(tx->state)];
            ASSERT_EQ(ledger.depth(*tx), depth) << where;
            ASSERT_EQ(ledger.is_trusted(*tx), model_.is_trusted(txid)) << where;
            for (std::uint32_t i = 0; i < one.tx->tx().outputs.size(); ++i) {
                const OutPoint outpoint{txid, i};
                ASSERT_EQ(ledger.owned(outpoint) != nullptr, model_.value_of(outpoint) > 0) << where;
                if (model_.value_of(outpoint) > 0) {
                    ASSERT_EQ(ledger.is_spent(outpoint), model_.is_spent(outpoint)) << where;
                }
            }
        }
        const Balance got = h_.wallet->balance(), want = model_.balance();
        ASSERT_EQ(got.trusted, want.trusted) << where;
        ASSERT_EQ(got.untrusted_pending, want.untrusted_pending) << where;
        ASSERT_EQ(got.immature, want.immature) << where;
    }

    std::array<std::uint64_t, 5> seen{};  ///< by state

private:
    const Bytes& own_script() { return scripts_[random_.below(scripts_.size())]; }
    bool in_chain(const OutPoint& outpoint) const {
        for (const BlockPtr& block : model_.chain) {
            for (const Transaction& tx : block->txs()) {
                if (tx.is_coinbase()) continue;
                for (const TxInput& input : tx.inputs) {
                    if (input.prevout == outpoint) return true;
                }
            }
        }
        return false;
    }
    /// Pays to us or spends from us, or both; often the same outputs as another one.
    TransactionPtr make_transaction() {
        MutableTransaction tx;
        tx.lock_time = ++unique_;
        const auto inputs = 1 + random_.below(2);
        for (std::uint64_t i = 0; i < inputs; ++i) {
            OutPoint outpoint = foreign_.empty() || random_.flip() ? h_.next_outpoint() : foreign_[random_.below(foreign_.size())];
            if (!model_.known.empty() && random_.below(3) != 0) {
                auto row = model_.known.begin();
                std::advance(row, static_cast<std::ptrdiff_t>(random_.below(model_.known.size())));
                outpoint = {row->first, static_cast<std::uint32_t>(random_.below(row->second.tx->tx().outputs.size()))};
            } else {
                foreign_.push_back(outpoint);
            }
            // The mempool takes nothing that the chain makes impossible.
            if (in_chain(outpoint) || spendable_parent(outpoint.txid) == false) outpoint = h_.next_outpoint();
            if (i == 1 && tx.inputs[0].prevout == outpoint) continue;
            tx.inputs.push_back({outpoint, {}, 0xfffffffd, {}});
        }
        const auto outputs = 1 + random_.below(3);
        for (std::uint64_t i = 0; i < outputs; ++i) {
            tx.outputs.push_back({static_cast<Amount>(1 + random_.below(1'000'000)),
                                  random_.below(3) == 0 ? test::WalletHarness::foreign_script() : own_script()});
        }
        return tx.finish();
    }
    bool spendable_parent(const Txid& txid) const {
        const auto found = model_.known.find(txid);
        if (found == model_.known.end()) return true;
        const TxState state = model_.state(txid);
        return state == TxState::confirmed || state == TxState::waiting;
    }
    bool fits_chain(const Transaction& tx, const std::set<OutPoint>& spent) const {
        for (const TxInput& input : tx.inputs) {
            if (in_chain(input.prevout) || spent.contains(input.prevout)) return false;
            const auto parent = model_.known.find(input.prevout.txid);
            if (parent != model_.known.end() && !model_.confirmed(input.prevout.txid)) return false;
        }
        return true;
    }
    std::vector<TransactionPtr> some_transactions() {
        std::vector<TransactionPtr> txs;
        std::set<OutPoint> spent;
        const auto take = [&](const TransactionPtr& tx) {
            if (!fits_chain(tx->tx(), spent)) return;
            for (const TxInput& input : tx->tx().inputs) spent.insert(input.prevout);
            txs.push_back(tx);
        };
        for (const auto& [txid, one] : model_.known) {
            if (!one.tx->tx().is_coinbase() && model_.state(txid) != TxState::confirmed && random_.below(4) == 0) take(one.tx);
        }
        for (std::uint64_t i = random_.below(3); i > 0; --i) take(make_transaction());
        return txs;
    }
    void mine(std::vector<TransactionPtr> txs) {
        const BlockHash previous = model_.chain.empty() ? BlockHash() : model_.chain.back()->hash();
        txs.insert(txs.begin(), h_.coinbase(random_.below(4) == 0 ? own_script() : Bytes{0x51}));
        const BlockPtr block = h_.block_of(txs, previous);
        const auto height = static_cast<Height>(model_.chain.size());
        ASSERT_TRUE(h_.wallet->connect_block(h_.place_of(*block, height), block.get()));
        model_.connect(block);
    }
    void see(const TransactionPtr& tx) {
        if (!model_.known.contains(tx->tx().txid) && !model_.is_own(tx->tx())) return;  // what is not kept is not modelled
        ASSERT_TRUE(h_.wallet->see_transaction(tx, SeenBy::mempool));
        model_.see(tx);
    }
    /// The process ends before a change is written: it did not happen.
    void kill() {
        h_.store.fail_after(1);
        const TransactionPtr tx = h_.payment(own_script(), 777);
        if (random_.flip()) {
            const BlockPtr block = h_.block_of({h_.coinbase(own_script()), tx}, model_.chain.back()->hash());
            EXPECT_FALSE(h_.wallet->connect_block(h_.place_of(*block, static_cast<Height>(model_.chain.size())), block.get()));
        } else {
            EXPECT_FALSE(h_.wallet->see_transaction(tx, SeenBy::mempool));
        }
        EXPECT_FALSE(h_.wallet->new_address(AddressType::bech32));
        h_.wallet.reset();
        h_.store.fail_after(0);
        h_.store.crash();
        h_.reopen();
        // Blocks that did not concern it may have passed unwritten: they are shown again.
        const auto known = static_cast<std::size_t>(h_.wallet->tip().height + 1);
        ASSERT_LE(known, model_.chain.size());
        if (known > 0) {
            ASSERT_EQ(h_.wallet->tip().hash, model_.chain[known - 1]->hash());
        }
        for (std::size_t next = known; next < model_.chain.size(); ++next) {
            ASSERT_TRUE(h_.wallet->connect_block(h_.place_of(*model_.chain[next], static_cast<Height>(next)), model_.chain[next].get()));
        }
    }
    std::optional<Txid> any(TxState state) {
        std::vector<Txid> found;
        for (const auto& [txid, one] : model_.known) {
            if (model_.state(txid) == state) found.push_back(txid);
        }
        if (found.empty()) return std::nullopt;
        return found[random_.below(found.size())];
    }
    void leave() {
        if (const auto txid = any(TxState::waiting)) {
            ASSERT_TRUE(h_.wallet->leave_transaction(*txid));
            model_.known.at(*txid).flag = Model::Flag::inactive;
        }
    }
    void see_again() {
        const auto txid = any(random_.flip() ? TxState::inactive : TxState::abandoned);
        if (!txid || model_.known.at(*txid).tx->tx().is_coinbase()) return;
        for (const TxInput& input : model_.known.at(*txid).tx->tx().inputs) {
            if (in_chain(input.prevout) || !spendable_parent(input.prevout.txid)) return;
        }
        see(model_.known.at(*txid).tx);
    }
    void abandon() {
        if (const auto txid = any(TxState::inactive)) {
            ASSERT_TRUE(h_.wallet->abandon(*txid));
            model_.abandon(*txid);
        }
    }
    void cut() {
        const std::size_t last = model_.chain.size() - 1;
        const std::size_t height = last - std::min<std::size_t>(last, random_.below(random_.below(5) == 0 ? 20 : 4));
        const BlockPtr& block = model_.chain[height];
        ASSERT_TRUE(h_.wallet->disconnect_to(h_.place_of(*block, static_cast<Height>(height))));
        model_.cut(height);
    }

    FastRandom random_;
    test::WalletHarness h_;
    Model model_;
    std::vector<Bytes> scripts_;
    std::vector<OutPoint> foreign_;
    std::uint32_t unique_ = 0;
};

TEST(LedgerProperty, AgreesWithWhatTheChainSaysThroughBlocksReorgsDoubleSpendsRestartsAndKills) {
    int steps = 0;
    std::array<std::uint64_t, 5> seen{};
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Walk walk(seed);
        for (int i = 0; i < 60; ++i, ++steps) {
            walk.step();
            walk.check("seed " + std::to_string(seed) + " step " + std::to_string(i));
            if (testing::Test::HasFatalFailure()) return;
        }
        for (std::size_t i = 0; i < seen.size(); ++i) seen[i] += walk.seen[i];
    }
    std::cout << steps << " steps; looked at " << seen[0] << " inactive, " << seen[1] << " waiting, " << seen[2] << " confirmed, " << seen[3]
              << " conflicted, " << seen[4] << " abandoned transactions\n";
    for (const std::uint64_t count : seen) EXPECT_GT(count, 100u);
}

}  // namespace
}  // namespace cairn::light
