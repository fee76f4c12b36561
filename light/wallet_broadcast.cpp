// The part of the shelf that speaks of payments on their way: what is broadcast, and what it is worth to pay for it.
#include <algorithm>

#include "light/wallet_shelf.hpp"

namespace cairn::light {

namespace {

constexpr std::size_t kMostParents = 24;  // more than nodes take with a child
constexpr std::size_t kPeersOfFloor = 3;  // that must have named one before a payment below it is refused

/// Unconfirmed transactions that this one builds on and the wallet knows, parents first.
void add_parents(const Ledger& ledger, const Transaction& tx, std::vector<TransactionPtr>& parents) {
    for (const TxInput& input : tx.inputs) {
        const WalletTxPtr parent = ledger.find(input.prevout.txid);
        if (!parent || !parent->is_pending() || parents.size() >= kMostParents) continue;
        if (std::ranges::any_of(parents, [&](const TransactionPtr& known) { return known->tx().txid == input.prevout.txid; })) continue;
        add_parents(ledger, parent->tx->tx(), parents);
        parents.push_back(parent->tx);
    }
}

}  // namespace

Result<void, std::string> WalletShelf::broadcast(const TransactionPtr& tx) {
    OwnPayment payment{tx};
    bool more = false;
    {
        const std::lock_guard lock(mutex_);
        for (Shelved& one : wallets_) {
            if (!one.wallet->ledger().concerns(tx->tx())) continue;
            (void)one.wallet->commit(MutableTransaction(tx->tx()));
            (void)one.wallet->see_transaction(tx, SeenBy::peer);
            add_parents(one.wallet->ledger(), tx->tx(), payment.parents);
        }
        more = grew();
    }
    if (more) tell_role();
    if (LightChain* role = role_) role->submit(payment);
    const net::NetPort* net = net_;
    if (!net || net->view()->peers.empty()) return fail(std::string("There is no connection now; the transaction is sent as soon as there is one"));
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
    return view && view->fees && view->fees->floor && view->fees->peers >= kPeersOfFloor ? std::max(least, FeeRate{*view->fees->floor}) : least;
}

}  // namespace cairn::light
