// The part of the shelf that speaks of payments on their way: what is broadcast, and what it is worth to pay for it.
#include <algorithm>

#include "consensus/rules/tx_rules.hpp"
#include "light/wallet_shelf.hpp"

namespace cairn::light {

namespace {

constexpr std::size_t kMostParents = 24;  // more than nodes take with a child

/// Unconfirmed transactions that this one builds on and the wallet knows, parents first.
void add_parents(const Ledger& ledger, const Transaction& tx, std::vector<TransactionPtr>& parents, std::size_t depth = 0) {
    if (depth == kMostParents) return;  // no chain of strangers' payments is followed further than nodes would
    for (const TxInput& input : tx.inputs) {
        const WalletTxPtr parent = ledger.find(input.prevout.txid);
        if (!parent || !parent->is_pending() || parents.size() >= kMostParents) continue;
        if (std::ranges::any_of(parents, [&](const TransactionPtr& known) { return known->tx().txid == input.prevout.txid; })) continue;
        add_parents(ledger, parent->tx->tx(), parents, depth + 1);
        parents.push_back(parent->tx);
    }
}

}  // namespace

/// What would be sent for nothing, and have the wallet take its coins for spent.
bool WalletShelf::is_vain(const Transaction& tx) const {
    return std::ranges::any_of(wallets_, [&](const Shelved& one) {
        const Ledger& ledger = one.wallet->ledger();
        return !ledger.find(tx.txid) && ledger.debit(tx) > 0 && ledger.all_inputs_owned(tx) && !one.wallet->is_valid_spend(tx);
    });
}

DeskResult<void> WalletShelf::broadcast(const TransactionPtr& tx) {
    const auto refuse = [](DeskError::Kind kind, std::string why) { return tl::unexpected(DeskError{kind, std::move(why)}); };
    if (const auto sound = rules::check_transaction(tx->tx()); !sound) return refuse(DeskError::Kind::rejected, std::string(cairn::to_string(sound.error())));
    OwnPayment payment{tx};
    bool more = false, kept = false;
    {
        const std::lock_guard lock(mutex_);
        if (is_vain(tx->tx())) return refuse(DeskError::Kind::rejected, "It spends coins of the wallet without valid signatures, or more than they are worth");
        for (Shelved& one : wallets_) {
            if (!one.wallet->ledger().concerns(tx->tx())) continue;
            // What is not kept is not sent: its coins would be spent a second time.
            if (const auto done = one.wallet->commit(MutableTransaction(tx->tx())); !done) return refuse(DeskError::Kind::wallet, done.error().message);
            (void)one.wallet->see_transaction(tx, SeenBy::peer);
            kept = kept || one.wallet->ledger().debit(tx->tx()) > 0;
            add_parents(one.wallet->ledger(), tx->tx(), payment.parents);
        }
        more = grew();
    }
    if (more) tell_role();
    if (LightChain* role = role_) role->submit(payment);
    // A wallet gives what it spends to the network again and again: whoever heard of a failure might pay once more.
    const net::NetPort* net = net_;
    if (!kept && (!net || net->view()->peers.empty())) {
        return refuse(DeskError::Kind::no_connection, "There is no connection now; the transaction is sent as soon as there is one, unless the program ends before");
    }
    return {};
}

std::vector<OwnPayment> WalletShelf::own_payments() {
    std::vector<OwnPayment> payments;
    const std::lock_guard lock(mutex_);
    for (const Shelved& one : wallets_) {
        for (const TransactionPtr& tx : one.wallet->to_rebroadcast()) {
            OwnPayment& payment = payments.emplace_back(OwnPayment{tx});
            add_parents(one.wallet->ledger(), tx->tx(), payment.parents);
        }
    }
    return payments;
}

std::vector<OutPoint> WalletShelf::coins() {
    std::vector<OutPoint> found;
    const std::lock_guard lock(mutex_);
    // Spent ones, too: a rescan has to find what spent them.
    for (const Shelved& one : wallets_)
        for (const auto& [outpoint, output] : one.wallet->ledger().all_owned()) found.push_back(outpoint);
    return found;
}

bool WalletShelf::concerns(const Transaction& tx) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(wallets_, [&](const Shelved& one) { return one.wallet->ledger().concerns(tx); });
}

std::optional<FeeRate> WalletShelf::estimate(int target, bool conservative) const {
    const auto view = chain();
    if (!view || !view->fees) return std::nullopt;
    const auto estimate = view->fees->estimate(target, conservative);
    return estimate ? std::optional(FeeRate{estimate->rate}) : std::nullopt;
}

FeeRate WalletShelf::mempool_minimum() const {
    const auto view = chain();
    const FeeRate least = relay_minimum();
    const auto floor = view && view->fees ? view->fees->firm_floor() : std::nullopt;
    return floor ? std::max(least, FeeRate{*floor}) : least;
}

}  // namespace cairn::light
