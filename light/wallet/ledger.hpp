#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "light/wallet/descriptor_book.hpp"
#include "light/wallet/fees.hpp"
#include "light/wallet/wallet_tx.hpp"

namespace cairn::light {

struct OutPointHash {
    std::size_t operator()(const OutPoint& outpoint) const {
        return static_cast<std::size_t>(outpoint.txid.low64() ^ (std::uint64_t{outpoint.index} * 0x9e3779b97f4a7c15));
    }
};

/// An output of the wallet, spent or not.
struct OwnedOutput {
    OutPoint outpoint;
    Amount value = 0;
    ByteSpan script;  ///< lies in the transaction
};

/// By what an output is spent, as far as the wallet knows.
enum class SpentBy : std::uint8_t {
    nothing,
    inactive,  ///< a transaction that is neither in a block nor waiting
    waiting,
    confirmed,
};

/// The wallet's money by how sure it is.
struct Balance {
    Amount trusted = 0;            ///< confirmed, or own change that waits
    Amount untrusted_pending = 0;  ///< from others and waiting
    Amount immature = 0;           ///< of blocks, too young
    Amount used = 0;               ///< on addresses that were spent from before; only when asked for apart
    Amount nonmempool = 0;         ///< spent by transactions that are not waiting anywhere (negative, when asked for)
};

/// All transactions of the wallet and the coins they leave. It follows one chain: blocks come in rising order, and any number
/// goes away at once.
/// Every change is written to the batch that is given; the caller writes it before it says that the change happened.
/// Thread: the wallet's owner.
class Ledger {
public:
    explicit Ledger(const DescriptorBook& book) : book_(book) {}

    // The chain.

    void set_tip(const BlockPlace& tip) { tip_ = tip; }
    const BlockPlace& tip() const { return tip_; }
    /// Does the wallet have to do with it: pays to it, spends from it, is known, or conflicts with what is known?
    bool concerns(const Transaction& tx) const;
    /// A transaction of a block. `now`: seconds, for its time received. Gives whether it is in the ledger now.
    bool confirm(const Transaction& tx, const BlockPlace& block, int position, std::int64_t now, bool rescan, storage::WriteBatch& batch);
    /// The chain ends at this block again: what came in higher ones is unconfirmed, what conflicted with them free.
    void disconnect_to(const BlockPlace& tip, storage::WriteBatch& batch);

    // What waits.

    /// Somebody saw it waiting. `displaces`: what is waiting and spends the same goes, as in a mempool that took it.
    /// Gives whether it is in the ledger now.
    bool see(const TransactionPtr& tx, std::int64_t now, bool displaces, storage::WriteBatch& batch);
    /// Puts an own transaction in without saying that it waits anywhere.
    void add_own(const TransactionPtr& tx, std::int64_t now, std::map<std::string, std::string> notes, storage::WriteBatch& batch);
    /// It waits no longer, and is in no block of ours.
    void leave(const Txid& txid, storage::WriteBatch& batch);
    /// Gives up a transaction and what spends from it. Errors: Bitcoin Core's words.
    Result<void, std::string> abandon(const Txid& txid, storage::WriteBatch& batch);
    /// `newer` was made to replace `older`.
    void mark_replaced(const Txid& older, const Txid& newer, storage::WriteBatch& batch);
    /// A script is watched now that was not: outputs of known transactions may be ours.
    void adopt(ByteSpan script);

    // Locks.

    bool lock(const OutPoint& outpoint, bool persistent, storage::WriteBatch& batch);
    bool unlock(const OutPoint& outpoint, storage::WriteBatch& batch);
    void unlock_all(storage::WriteBatch& batch);
    bool is_locked(const OutPoint& outpoint) const { return locks_.contains(outpoint); }
    const std::map<OutPoint, bool>& locks() const { return locks_; }  ///< and whether each outlasts a restart

    // Loading.

    bool load_transaction(ByteSpan key, ByteSpan value);
    bool load_lock(ByteSpan key);
    /// After all were loaded.
    void finish_loading();

    // Reading.

    WalletTxPtr find(const Txid& txid) const;
    std::size_t size() const { return transactions_.size(); }
    /// In the order in which they became known.
    const std::map<std::uint64_t, WalletTxPtr>& by_order() const { return by_order_; }
    /// Confirmations: positive in the chain, 0 unconfirmed, negative for those of a conflicting transaction.
    int depth(const WalletTx& tx) const;
    /// Blocks until a coinbase may be spent; 0: it may.
    int blocks_to_maturity(const WalletTx& tx) const;
    bool is_immature(const WalletTx& tx) const { return blocks_to_maturity(tx) > 0; }
    bool is_trusted(const WalletTx& tx) const;
    const OwnedOutput* owned(const OutPoint& outpoint) const;
    const std::unordered_map<OutPoint, OwnedOutput, OutPointHash>& all_owned() const { return owned_; }
    /// Outputs of ours that no block of the chain spends.
    const std::set<OutPoint>& open() const { return open_; }
    SpentBy spent_by(const OutPoint& outpoint) const;
    bool is_spent(const OutPoint& outpoint) const { return spent_by(outpoint) != SpentBy::nothing; }
    /// Spends of this output by transactions of the wallet.
    std::vector<Txid> spenders(const OutPoint& outpoint) const;
    bool has_children(const WalletTx& tx) const;
    /// The script was spent from: its address is known to others as ours.
    bool is_used(ByteSpan script) const;
    /// What its inputs take from the wallet, and its outputs give to it.
    Amount debit(const Transaction& tx) const;
    Amount credit(const Transaction& tx) const;
    bool all_inputs_owned(const Transaction& tx) const;
    /// Does it, all of whose inputs are ours, pay a higher fee than each transaction that waits and spends the same? Rivals whose fees
    /// cannot be known count as lower.
    bool outbids(const Transaction& tx) const;
    /// Others that spend the same outputs.
    std::set<Txid> conflicts(const WalletTx& tx) const;
    /// Those that wait and spend the same as it or as one of its unconfirmed ancestors.
    std::set<Txid> waiting_conflicts(const WalletTx& tx) const;
    Balance balance(int min_depth = 0, bool separate_used = false, bool include_nonmempool = false) const;
    /// Unconfirmed ancestors in the wallet, itself included.
    std::size_t ancestors(const Txid& txid) const;
    /// What the unconfirmed ancestors of these outputs lack at this rate, where the wallet knows their fees.
    Amount ancestor_deficit(std::span<const OutPoint> outputs, FeeRate rate) const;
    /// Goes up whenever something changed.
    std::uint64_t revision() const { return revision_; }

    /// Own change that waits is trusted only when it may be spent.
    void set_spend_unconfirmed_change(bool value) { spend_unconfirmed_change_ = value; }

private:
    using Trusted = std::set<Txid>;

    bool is_ours(const Transaction& tx) const;
    bool is_trusted(const WalletTx& tx, Trusted& trusted, int depth) const;
    void insert(WalletTx tx, storage::WriteBatch* batch);
    void replace(const WalletTxPtr& old, WalletTx changed, storage::WriteBatch& batch);
    void index_outputs(const Transaction& tx);
    void refresh_open(const Transaction& tx);
    WalletTx make_new(TransactionPtr tx, std::int64_t now) const;
    void inherit_conflicts(WalletTx& tx) const;
    void mark_conflicted(const Txid& txid, const BlockPlace& block, storage::WriteBatch& batch);
    void abandon_with_descendants(const Txid& txid, storage::WriteBatch& batch);
    void step_back(const Txid& txid, storage::WriteBatch& batch);
    std::vector<Txid> children(const Transaction& tx) const;
    void forget_foreign(const Txid& txid);
    std::int64_t smart_time(std::int64_t received, std::int64_t block_time, bool rescan) const;

    const DescriptorBook& book_;
    BlockPlace tip_;
    std::unordered_map<Txid, WalletTxPtr> transactions_;
    std::map<std::uint64_t, WalletTxPtr> by_order_;
    std::multimap<Height, Txid> by_height_;  ///< confirmed and conflicted ones
    std::unordered_multimap<OutPoint, Txid, OutPointHash> spends_;
    std::unordered_map<OutPoint, OwnedOutput, OutPointHash> owned_;
    std::set<OutPoint> open_;
    std::unordered_map<std::string_view, std::vector<OutPoint>> not_owned_;  ///< by script; views lie in transactions
    std::unordered_map<std::string_view, int> used_;                         ///< scripts that inputs spend from
    std::unordered_map<OutPoint, Txid, OutPointHash> foreign_spends_;        ///< waiting, not in the ledger; not stored
    std::map<OutPoint, bool> locks_;
    std::uint64_t revision_ = 1;
    bool spend_unconfirmed_change_ = true;
};

}  // namespace cairn::light
