#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consensus/primitives/block.hpp"
#include "light/psbt/musig.hpp"
#include "light/signing/sign_transaction.hpp"
#include "light/wallet/spending.hpp"

namespace cairn::light {

struct WalletOptions {
    std::uint32_t lookahead = 1000;  ///< unused indices that are watched, of each descriptor
    bool private_keys = true;        ///< false: only watches, for good
    bool blank = false;              ///< begins without descriptors
    bool avoid_reuse = false;
    std::string passphrase;          ///< empty: keys are stored openly
    ScryptCost cost = kDefaultScryptCost;
    /// Of the accounts; none: a new random one. With its private key.
    std::optional<ExtendedKey> master;
    std::uint32_t account = 0;
    std::vector<AddressType> types{kAddressTypes.begin(), kAddressTypes.end()};
    std::int64_t birth = 0;          ///< nothing was paid before, seconds since 1970; 0: now, for a new random key
};

/// What a block or a transaction changed.
struct WalletEffect {
    bool concerns = false;           ///< something of it is in the ledger
    bool scripts_added = false;      ///< more is watched than before: what was looked at with the old scripts must be looked at again
    std::vector<Txid> transactions;  ///< that are new or changed
};

/// The wallet at one moment. Thread: any (immutable).
struct WalletPicture {
    std::string name;
    std::uint64_t revision = 0;
    BlockPlace tip;
    Balance balance;
    std::vector<WalletTxPtr> transactions;  ///< in the order in which they became known
    std::vector<Candidate> coins;           ///< that can be spent, locked ones too
};

/// Everything that is known of one transaction.
struct TxDetails {
    WalletTxPtr tx;
    TxAmounts amounts;
    std::vector<HistoryEntry> entries;
    int confirmations = 0;
    bool trusted = false;
    std::set<Txid> conflicts, waiting_conflicts;
};

struct ImportRequest {
    std::string descriptor;  ///< with or without private keys; several paths (BIP389) are receiving and change
    std::int64_t birth = 0;  ///< seconds since 1970
    bool active = false;
    std::optional<bool> internal;
    std::optional<std::pair<std::uint32_t, std::uint32_t>> range;  ///< [first, second)
    std::optional<std::uint32_t> next_index;
    std::optional<std::string> label;
};

/// The extended keys in a descriptor, those of musig() too, from left to right.
std::vector<ExtendedKey> extended_keys(const Descriptor& descriptor);

/// Who saw a transaction waiting.
enum class SeenBy : std::uint8_t {
    mempool,  ///< our own, which checked it
    peer,     ///< somebody; it may be invalid
};

/// A wallet. It does nothing of its own accord: its host gives it blocks and transactions, broadcasts what it makes, and looks after
/// the store, in which each wallet is alone.
///
/// After an error of kind `storage` it refuses all changes; what was stored before is intact, and the wallet is to be opened anew.
/// Thread: one owner, the host's. picture() may be handed to others.
class Wallet {
public:
    using Store = storage::KvStore;
    using Pointer = std::unique_ptr<Wallet>;

    // Making and opening. `store`, `host` and `params` outlive the wallet.

    /// Errors: there is a wallet in the store already; options that exclude each other.
    static Outcome<Pointer> create(Store& store, const ChainParams& params, const WalletHost& host, std::string name,
                                   const WalletOptions& options = {});
    /// Errors: damaged (no wallet, another network, unreadable).
    static Outcome<Pointer> open(Store& store, const ChainParams& params, const WalletHost& host);
    ~Wallet();

    const std::string& name() const { return name_; }
    Outcome<void> rename(std::string name);
    const ChainParams& params() const { return params_; }
    bool has_private_keys() const { return private_keys_; }
    bool avoids_reuse() const { return policy_.avoid_reuse; }
    Outcome<void> set_avoid_reuse(bool value);
    /// Nothing that concerns the wallet is older, seconds since 1970.
    std::int64_t birth() const;
    const SpendPolicy& policy() const { return policy_; }
    /// Of fees and change; not stored. Whether used addresses are avoided stays as it is.
    void set_policy(const SpendPolicy& policy);
    /// Small records that the host wants to keep with the wallet, such as how far a rescan is.
    Outcome<void> put_note(std::string_view key, ByteSpan value);
    Outcome<std::optional<Bytes>> note(std::string_view key) const;
    /// Writes what may wait otherwise, and makes all durable.
    Outcome<void> save();

    // Following the chain.

    /// height −1: no block yet.
    const BlockPlace& tip() const { return ledger_.tip(); }
    /// The next block, or a later one when nothing between concerns the wallet. A block that is not above the tip takes back those
    /// from its height on. `block` null: it does not concern the wallet.
    Outcome<WalletEffect> connect_block(const BlockPlace& place, const Block* block);
    /// A block at or below the tip, looked at again because more is watched than when it was connected. Changes no tip.
    Outcome<WalletEffect> rescan_block(const BlockPlace& place, const Block& block);
    /// Takes back all blocks above `tip`, any number of them. The blocks are not needed.
    Outcome<void> disconnect_to(const BlockPlace& tip);
    /// The chain begins here for this wallet: nothing below concerns it. For a new wallet.
    Outcome<void> start_at(const BlockPlace& tip) { return disconnect_to(tip); }

    // What waits.

    Outcome<WalletEffect> see_transaction(const TransactionPtr& tx, SeenBy by);
    /// It left the mempool, other than into a block.
    Outcome<void> leave_transaction(const Txid& txid);
    /// The host starts, and these wait in its mempool: all others of the wallet do not.
    Outcome<void> set_waiting(const std::set<Txid>& waiting);
    /// Own transactions that are in no block and might be broadcast again, parents first.
    std::vector<TransactionPtr> to_rebroadcast() const;
    Outcome<void> abandon(const Txid& txid);

    // Scripts and addresses.

    /// All scripts that are watched, in the order in which they came. Their number is the revision: what is behind the first n is new
    /// to whoever has seen n of them. Reference good until the next call that changes something.
    const std::vector<Bytes>& watched_scripts() const { return book_.scripts(); }
    Outcome<Bytes> new_address(AddressType type, std::string label = {});
    Outcome<Bytes> new_change_address(AddressType type);
    std::string address(ByteSpan script) const;  ///< empty: it has none
    Outcome<void> set_label(ByteSpan script, std::string label);
    /// Widens the lookahead; 0: the default.
    Outcome<void> refill(std::uint32_t lookahead = 0);
    /// Gives the numbers in book().all(). Errors: also a wallet that holds or forbids private keys.
    Outcome<std::vector<std::uint32_t>> import(const ImportRequest& request);
    /// Adds accounts of other types from the master key that the descriptors share.
    Outcome<std::vector<std::uint32_t>> add_account(AddressType type, const ExtendedKey& master, std::uint32_t account = 0);
    /// The private text of a descriptor. Errors: locked.
    Outcome<SecretText> private_descriptor(std::uint32_t number) const;

    /// The extended keys that a descriptor was given with, as "xpub…", and whether their private keys came along. Known while locked, too.
    std::vector<std::pair<std::string, bool>> hd_keys(std::uint32_t number) const;
    /// A descriptor as it was given, without private keys: its text in the book may begin behind the hardened steps.
    std::string given_text(std::uint32_t number) const;
    /// A transaction of a block at or below the tip that is not looked at. False: it has nothing to do with the wallet.
    Outcome<bool> import_transaction(const Transaction& tx, const BlockPlace& place, int position);

    const DescriptorBook& book() const { return book_; }
    const AddressBook& addresses() const { return addresses_; }
    const Ledger& ledger() const { return ledger_; }

    // Keys at rest.

    bool is_encrypted() const { return secrets_.vault.is_encrypted(); }
    bool is_locked() const { return secrets_.is_locked(); }
    std::optional<std::int64_t> unlocked_until() const;  ///< seconds since 1970
    Outcome<void> unlock(std::string_view passphrase, std::int64_t seconds);
    Outcome<void> lock();
    /// The store's files may hold what was stored before until the host has them forget it: see seals().
    Outcome<void> encrypt(std::string_view passphrase, ScryptCost cost = kDefaultScryptCost);
    Outcome<void> change_passphrase(std::string_view old_passphrase, std::string_view new_passphrase, ScryptCost cost = kDefaultScryptCost);
    /// How often keys were sealed anew since the wallet was opened: old values are to be dropped from the store's files then.
    std::uint64_t seals() const { return seals_; }
    /// Other secrets of the host's, such as the words that the master key was made of.
    Outcome<void> put_secret(std::string_view name, ByteSpan secret);
    Outcome<SecretBytes> secret(std::string_view name) const;

    // Reading.

    Balance balance(int min_depth = 0, bool separate_used = false, bool include_nonmempool = false) const;
    std::vector<Candidate> coins(const CoinControl& control, const CoinFilter& filter) const;
    /// The newest `count` entries but for the newest `skip`, oldest first. `label`: only what was received with it.
    std::vector<HistoryEntry> history(std::size_t count, std::size_t skip, const HistoryFilter& filter = {}) const;
    /// Entries of transactions that are unconfirmed, conflicted, or in blocks above this height; all for −1.
    std::vector<HistoryEntry> history_since(Height height, const HistoryFilter& filter = {}) const;
    std::optional<TxDetails> details(const Txid& txid) const;
    /// What was received on a script with at least so many confirmations.
    Amount received(ByteSpan script, int min_depth, bool include_immature = false) const;
    std::shared_ptr<const WalletPicture> picture() const;

    Outcome<void> lock_coin(const OutPoint& outpoint, bool persistent);
    Outcome<bool> unlock_coin(const OutPoint& outpoint);  ///< false: it was not locked
    Outcome<void> unlock_all_coins();

    // Spending. What is made is not yet of the ledger: commit() is. Silent payments need the private keys of all inputs when they are made:
    // errors also locked, and that there are none.

    /// `keep_change`: the new change address counts as given out from now on.
    Outcome<CreatedTransaction> create_transaction(std::span<const Recipient> recipients, const CoinControl& control, bool keep_change = true);
    Outcome<CreatedTransaction> sweep(std::span<const Recipient> fixed, std::span<const Recipient> rest, const CoinControl& control,
                                      bool only_worthwhile = false);
    Outcome<Spender::Bumped> bump(const Txid& txid, const CoinControl& control, const Spender::BumpOptions& options = {});
    Outcome<CreatedTransaction> pay_for_parent(const OutPoint& output, const CoinControl& control);
    /// The output to spend of a waiting transaction to pay for it; nullopt: it pays nothing to the wallet that is unspent.
    std::optional<OutPoint> child_output(const Txid& parent) const;

    /// Signs what it can. `known`: outputs that are not the wallet's. Gives what is missing; none: complete. Errors: locked.
    Outcome<std::vector<InputError>> sign(MutableTransaction& tx, const std::map<OutPoint, MutableTransaction::Output>& known = {},
                                          int hash_type = kSighashDefault) const;
    Outcome<std::vector<InputError>> sign(CreatedTransaction& created) const;
    /// A PSBT of what was created, with all that the wallet knows of its inputs and outputs.
    Outcome<Psbt> make_psbt(const CreatedTransaction& created, std::uint32_t version = 0, bool origins = true) const;
    struct PsbtOptions {
        bool sign = true;
        bool finalize = true;
        bool origins = true;  ///< tell where keys come from (BIP32)
        std::optional<int> hash_type;
    };
    /// Adds what the wallet knows. Gives the worst status of its inputs: complete when all are signed.
    Outcome<PsbtStatus> fill_psbt(Psbt& psbt, const PsbtOptions& options) const;
    /// Puts a complete transaction into the ledger, to be broadcast by the host. `replaces`: it was made by bump(). `silent`: of what was
    /// created, where this wallet made it.
    Outcome<WalletTxPtr> commit(const MutableTransaction& tx, std::map<std::string, std::string> notes = {}, std::optional<Txid> replaces = {},
                                const SilentOutputs* silent = nullptr);
    /// Does it, all of whose inputs are this wallet's coins, spend no more than they are worth, with valid signatures?
    bool is_valid_spend(const Transaction& tx) const;
    /// Keeps which outputs are silent payments of a transaction that the host may be given later.
    Outcome<void> remember_silent(const Txid& txid, const SilentOutputs& silent);
    /// Which outputs are silent payments; nullopt: another program may have made the transaction.
    std::optional<SilentOutputs> silent_outputs(const WalletTx& tx) const;

    /// The same numbers in the same order for the same seed: for tests.
    void fix_randomness(std::uint64_t seed) { seed_ = seed; }

private:
    /// The vault as the book sees it.
    struct Secrets final : SecretStore {
        Vault vault = Vault::create();
        const WalletHost* host = nullptr;

        std::int64_t now_us() const { return host->now() * 1'000'000; }
        bool is_locked() const override { return !vault.is_unlocked(now_us()); }
        bool has(const DescriptorId& id) const override;
        std::optional<SecretBytes> descriptor(const DescriptorId& id) const override;
    };
    struct Change;  // one batch under way

    Wallet(Store& store, const ChainParams& params, const WalletHost& host);

    Outcome<void> load();
    bool load_info(ByteSpan value);
    Outcome<void> finish(Change& change, bool durable = false);
    Outcome<void> check_writable() const;
    void put_info(Change& change);
    void scan(const BlockPlace& place, const Block& block, bool rescan, Change& change, WalletEffect& effect);
    bool note_use(const Transaction& tx, Change& change);
    Outcome<std::uint32_t> add_descriptor(const ImportRequest& request, const std::string& text, std::optional<bool> internal, Change& change);
    Outcome<void> set_up(const WalletOptions& options);
    Outcome<Bytes> take_address(AddressType type, bool internal, std::optional<std::string> label);
    Spender spender(Change& change) const;
    Outcome<void> keep_change(const CreatedTransaction& created, Change& change);
    Outcome<void> can_make_silent() const;
    Outcome<void> check_silent(std::span<const Recipient> recipients) const;
    Outcome<void> fill_silent(CreatedTransaction& created) const;
    std::optional<MutableTransaction::Output> output_of(const OutPoint& outpoint) const;

    Store& store_;
    const ChainParams& params_;
    const WalletHost& host_;
    std::string name_;
    bool private_keys_ = true;
    std::int64_t birth_ = 0;
    Secrets secrets_;
    mutable DescriptorBook book_;  ///< a look at the next change address may extend the lookahead
    AddressBook addresses_;
    Ledger ledger_;
    SpendPolicy policy_;
    std::optional<WalletError> broken_;
    int unsaved_blocks_ = 0;
    std::uint64_t seals_ = 0;
    std::optional<std::uint64_t> seed_;
    mutable std::shared_ptr<const WalletPicture> picture_;
    mutable MusigSessions musig_;
};

}  // namespace cairn::light
