#include <algorithm>

#include <cstdlib>

#include "consensus/script/signature_checker.hpp"
#include "consensus/script/verify.hpp"
#include "light/wallet/detail/change.hpp"

/// What waits, and what readers see.
namespace cairn::light {

bool Wallet::is_valid_spend(const Transaction& tx) const {
    std::vector<TxOutput> spent;
    Amount in = 0, out = 0;
    for (const TxInput& input : tx.inputs) {
        const OwnedOutput* coin = ledger_.owned(input.prevout);
        if (coin == nullptr) return false;
        spent.push_back({coin->value, coin->script});
        in += coin->value;
    }
    for (const TxOutput& output : tx.outputs) {
        if (!money_range(output.value) || !money_range(out += output.value)) return false;
    }
    if (out > in) return false;
    const PrecomputedTxData precomputed(tx, spent);
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        if (verify_input(tx, i, kStandardScriptFlags, precomputed) != ScriptError::ok) return false;
    }
    return true;
}

Outcome<WalletEffect> Wallet::see_transaction(const TransactionPtr& tx, SeenBy by) {
    if (const auto writable = check_writable(); !writable) return fail(writable.error());
    WalletEffect effect;
    const Transaction& raw = tx->tx();
    if (!ledger_.concerns(raw)) return effect;
    bool displaces = by == SeenBy::mempool;
    if (by == SeenBy::peer && ledger_.debit(raw) > 0) {
        const WalletTxPtr known = ledger_.find(raw.txid);
        if (ledger_.all_inputs_owned(raw)) {
            // Anybody can send a transaction that claims to spend our coins. Where that can be checked, it is.
            if (!known && !is_valid_spend(raw)) return effect;
            displaces = ledger_.outbids(raw);
        } else {
            displaces = known && !known->replaced_by;  // it was made with this wallet
        }
    }
    Change change(*this);
    const std::uint64_t before = ledger_.revision();
    effect.concerns = ledger_.see(tx, host_.now(), displaces, change.batch);
    if (ledger_.revision() == before) return effect;
    if (effect.concerns) {
        effect.transactions.push_back(raw.txid);
        effect.scripts_added = note_use(raw, change);
    }
    if (const auto done = finish(change); !done) return fail(done.error());
    return effect;
}

Outcome<void> Wallet::leave_transaction(const Txid& txid) {
    if (const auto writable = check_writable(); !writable) return writable;
    Change change(*this);
    ledger_.leave(txid, change.batch);
    picture_.reset();
    return change.batch.empty() ? Outcome<void>{} : finish(change);
}

Outcome<void> Wallet::set_waiting(const std::set<Txid>& waiting) {
    if (const auto writable = check_writable(); !writable) return writable;
    std::vector<Txid> gone;
    for (const auto& [order, tx] : ledger_.by_order()) {
        if (tx->state == TxState::waiting && !waiting.contains(tx->txid())) gone.push_back(tx->txid());
    }
    Change change(*this);
    for (const Txid& txid : gone) ledger_.leave(txid, change.batch);
    return change.batch.empty() ? Outcome<void>{} : finish(change);
}

std::vector<TransactionPtr> Wallet::to_rebroadcast() const {
    std::vector<TransactionPtr> found;
    for (const auto& [order, tx] : ledger_.by_order()) {
        const Transaction& raw = tx->tx->tx();
        if (tx->is_pending() && !raw.is_coinbase() && ledger_.debit(raw) > 0 && ledger_.waiting_conflicts(*tx).empty()) found.push_back(tx->tx);
    }
    // A child may have become known before its parent.
    std::stable_sort(found.begin(), found.end(), [&](const TransactionPtr& a, const TransactionPtr& b) {
        return ledger_.ancestors(a->tx().txid) < ledger_.ancestors(b->tx().txid);
    });
    return found;
}

Outcome<void> Wallet::abandon(const Txid& txid) {
    if (const auto writable = check_writable(); !writable) return writable;
    Change change(*this);
    if (const auto done = ledger_.abandon(txid, change.batch); !done) {
        const bool unknown = ledger_.find(txid) == nullptr;
        return fail(WalletError{unknown ? WalletErrorKind::unknown_transaction : WalletErrorKind::wallet, done.error()});
    }
    return finish(change);
}

Balance Wallet::balance(int min_depth, bool separate_used, bool include_nonmempool) const {
    return ledger_.balance(min_depth, separate_used && policy_.avoid_reuse, include_nonmempool);
}

std::vector<Candidate> Wallet::coins(const CoinControl& control, const CoinFilter& filter) const {
    Change change(*this);
    return spender(change).available_coins(control, filter);
}

std::vector<HistoryEntry> Wallet::history(std::size_t count, std::size_t skip, const HistoryFilter& filter) const {
    std::vector<HistoryEntry> entries;  // newest first
    const auto& all = ledger_.by_order();
    for (auto row = all.rbegin(); row != all.rend() && entries.size() - std::min(entries.size(), skip) < count; ++row) {
        auto of_one = entries_of(ledger_, book_, addresses_, *row->second, filter);
        entries.insert(entries.end(), std::make_move_iterator(of_one.begin()), std::make_move_iterator(of_one.end()));
    }
    const std::size_t first = std::min(skip, entries.size());
    const std::size_t last = entries.size() - first > count ? first + count : entries.size();
    std::vector<HistoryEntry> page(std::make_move_iterator(entries.begin() + static_cast<std::ptrdiff_t>(first)),
                                   std::make_move_iterator(entries.begin() + static_cast<std::ptrdiff_t>(last)));
    std::reverse(page.begin(), page.end());
    return page;
}

std::vector<HistoryEntry> Wallet::history_since(Height height, const HistoryFilter& filter) const {
    std::vector<HistoryEntry> entries;
    for (const auto& [order, tx] : ledger_.by_order()) {
        // What conflicts with the chain counts by the block that it conflicts with.
        if (height >= 0 && std::abs(ledger_.depth(*tx)) >= tip().height + 1 - height) continue;
        auto of_one = entries_of(ledger_, book_, addresses_, *tx, filter);
        entries.insert(entries.end(), std::make_move_iterator(of_one.begin()), std::make_move_iterator(of_one.end()));
    }
    return entries;
}

std::optional<TxDetails> Wallet::details(const Txid& txid) const {
    const WalletTxPtr tx = ledger_.find(txid);
    if (!tx) return std::nullopt;
    TxDetails details;
    details.tx = tx;
    details.amounts = amounts_of(ledger_, *tx);
    details.entries = entries_of(ledger_, book_, addresses_, *tx, {});
    details.confirmations = ledger_.depth(*tx);
    details.trusted = ledger_.is_trusted(*tx);
    details.conflicts = ledger_.conflicts(*tx);
    details.waiting_conflicts = ledger_.waiting_conflicts(*tx);
    return details;
}

Amount Wallet::received(ByteSpan script, int min_depth, bool include_immature) const {
    Amount sum = 0;
    for (const auto& [outpoint, coin] : ledger_.all_owned()) {
        if (!std::equal(coin.script.begin(), coin.script.end(), script.begin(), script.end())) continue;
        const WalletTx& tx = *ledger_.find(outpoint.txid);
        const int depth = ledger_.depth(tx);
        if (depth < min_depth || depth < 0 || tx.state == TxState::abandoned || (tx.tx->tx().is_coinbase() && depth < 1)) continue;
        if (ledger_.is_immature(tx) && !include_immature) continue;
        sum += coin.value;
    }
    return sum;
}

std::shared_ptr<const WalletPicture> Wallet::picture() const {
    if (picture_) return picture_;
    auto made = std::make_shared<WalletPicture>();
    made->name = name_;
    made->revision = ledger_.revision();
    made->tip = ledger_.tip();
    made->balance = ledger_.balance();
    for (const auto& [order, tx] : ledger_.by_order()) made->transactions.push_back(tx);
    CoinControl control;
    control.include_unsafe = true;
    control.avoid_reuse = false;
    CoinFilter filter;
    filter.skip_locked = filter.check_version = false;
    made->coins = coins(control, filter);
    picture_ = made;
    return picture_;
}

Outcome<void> Wallet::lock_coin(const OutPoint& outpoint, bool persistent) {
    if (const auto writable = check_writable(); !writable) return writable;
    Change change(*this);
    ledger_.lock(outpoint, persistent, change.batch);
    picture_.reset();
    return change.batch.empty() ? Outcome<void>{} : finish(change);
}

Outcome<bool> Wallet::unlock_coin(const OutPoint& outpoint) {
    if (const auto writable = check_writable(); !writable) return fail(writable.error());
    Change change(*this);
    const bool was = ledger_.unlock(outpoint, change.batch);
    picture_.reset();
    if (!change.batch.empty()) {
        if (const auto done = finish(change); !done) return fail(done.error());
    }
    return was;
}

Outcome<void> Wallet::unlock_all_coins() {
    if (const auto writable = check_writable(); !writable) return writable;
    Change change(*this);
    ledger_.unlock_all(change.batch);
    picture_.reset();
    return change.batch.empty() ? Outcome<void>{} : finish(change);
}

}  // namespace cairn::light
