#pragma once

#include <functional>
#include <set>

#include "light/signing/silent_payment.hpp"
#include "light/wallet/coin_selection.hpp"
#include "light/wallet/history.hpp"
#include "light/wallet/wallet_error.hpp"

/// Making transactions: for recipients, for a higher fee, for all that there is. Nothing is signed here.
namespace cairn::light {

struct Recipient {
    Bytes script;
    Amount amount = 0;
    bool subtract_fee = false;  ///< bears its part of the fee
    std::optional<SilentAddress> silent = {};  ///< then `script` is silent_placeholder() until all inputs are chosen

    static Recipient of_silent(const SilentAddress& address, Amount amount) { return {silent_placeholder(), amount, false, address}; }
};

/// Outputs of one transaction that are silent payments, by index.
using SilentOutputs = std::map<std::size_t, SilentAddress>;

/// An input that must be spent.
struct PresetInput {
    OutPoint outpoint;
    std::optional<MutableTransaction::Output> external;  ///< of an output that is not the wallet's
    std::optional<std::uint32_t> sequence;
    std::optional<std::int64_t> weight;                  ///< of the signed input, when the caller knows better
    Bytes script_sig;
    std::vector<Bytes> witness;
};

enum class EstimateMode : std::uint8_t { unset, economical, conservative };

/// What a caller may decide about one transaction.
struct CoinControl {
    std::optional<FeeRate> fee_rate;
    bool override_fee_rate = false;  ///< not even the minimum that is relayed counts
    std::optional<int> confirm_target;
    EstimateMode mode = EstimateMode::unset;

    std::optional<Bytes> change_script;
    std::optional<AddressType> change_type;
    std::optional<std::size_t> change_position;  ///< none: random

    std::vector<PresetInput> inputs;
    bool allow_other_inputs = true;
    ScriptKeys external_keys;  ///< what tells how external inputs are spent
    bool include_unsafe = false;
    bool avoid_partial_spends = false;
    bool avoid_reuse = true;  ///< where the wallet has that flag
    int min_depth = 0, max_depth = 9'999'999;

    std::optional<bool> signal_rbf;
    std::optional<std::uint32_t> lock_time;
    std::uint32_t version = 2;
    std::optional<std::int64_t> max_weight;
};

/// What a wallet decides about all its transactions.
struct SpendPolicy {
    FeeRate min_fee{1'000};
    FeeRate fallback_fee{0};  ///< 0: none, so that a rate must be known
    FeeRate discard_rate{10'000};
    FeeRate consolidate_rate{10'000};
    Amount max_fee = kCoin / 10;
    Amount max_grouping_fee = 0;  ///< what it may cost to spend all coins of an address together; negative: do not try
    int confirm_target = 6;
    bool signal_rbf = true;
    bool spend_unconfirmed_change = true;
    bool reject_long_chains = true;
    bool avoid_reuse = false;
    AddressType address_type = AddressType::bech32;
    std::optional<AddressType> change_type;  ///< none: like what is paid to
    std::size_t max_ancestors = 25, max_cluster = 25;
};

/// Where a fee rate came from.
enum class FeeReason : std::uint8_t { explicit_rate, estimate, conservative_estimate, fallback, mempool_minimum, required };
/// As RPC says it.
std::string_view to_string(FeeReason reason);
struct FeeChoice {
    FeeRate rate;
    FeeReason reason = FeeReason::explicit_rate;
    int target = 0;  ///< blocks; of an estimate
};

struct CreatedTransaction {
    MutableTransaction tx;  ///< without signatures, but for those that preset inputs brought
    std::vector<MutableTransaction::Output> spent;  ///< one for each input
    Amount fee = 0;
    std::int64_t vsize = 0;  ///< at most, signed
    std::optional<std::size_t> change_position;
    bool change_is_new = false;  ///< its script was the next one of the wallet, which is used up now
    SilentOutputs silent;        ///< their scripts belong to exactly these inputs
    AddressType change_type = AddressType::unknown;
    FeeChoice fee_choice;
    SelectionAlgorithm algorithm = SelectionAlgorithm::manual;
    Amount waste = 0;
};

/// Which coins a list is of.
struct CoinFilter {
    Amount min_amount = 1, max_amount = kMaxMoney;
    Amount min_sum = kMaxMoney;     ///< enough once they are worth this
    std::size_t max_count = 0;      ///< 0: any number
    bool include_immature = false;
    bool skip_locked = true;
    bool check_version = true;      ///< unconfirmed coins must suit the version (BIP431)
};

/// How large an input will be.
struct SignedInput {
    std::int64_t weight = 0;  ///< with the count of its witness' items
    bool has_witness = false;
};

/// Makes transactions out of the wallet's coins. Lives for one call.
/// Thread: the wallet's owner.
class Spender {
public:
    /// The next change script of this type, without using it up.
    using ChangeSource = std::function<Result<Bytes, std::string>(AddressType)>;

    struct Parts {
        const DescriptorBook& book;
        const Ledger& ledger;
        const AddressBook& addresses;
        const WalletHost& host;
        const SpendPolicy& policy;
        ChangeSource change;
    };
    explicit Spender(Parts parts, std::optional<std::uint64_t> seed = {});

    /// Coins that may be spent, as `control` and `filter` say; fees are filled in with `rate`.
    std::vector<Candidate> available_coins(const CoinControl& control, const CoinFilter& filter, std::optional<FeeRate> rate = {}) const;

    FeeChoice choose_fee(const CoinControl& control) const;
    /// The type of change for these recipients.
    AddressType change_type(const std::optional<AddressType>& wanted, std::span<const Recipient> recipients) const;

    /// Pays the recipients.
    Outcome<CreatedTransaction> create(std::span<const Recipient> recipients, const CoinControl& control);

    /// Spends all coins, or the preset ones, without change: `rest` share what is left evenly whatever their amounts, the first takes what does not divide;
    /// `fixed` get what they ask for. `only_worthwhile`: leaves coins that cost more than they are worth.
    Outcome<CreatedTransaction> sweep(std::span<const Recipient> fixed, std::span<const Recipient> rest, const CoinControl& control,
                                       bool only_worthwhile);

    /// Replaces an own unconfirmed transaction by one with a higher fee. `outputs`: instead of its own. `change_position`: of the
    /// old output that is change; none: found out. `require_owned`: all inputs must be the wallet's.
    struct Bumped {
        CreatedTransaction made;
        Amount old_fee = 0;
    };
    struct BumpOptions {
        std::vector<Recipient> outputs;
        std::optional<std::size_t> change_position;
        bool require_owned = true;
        /// Which of its own outputs are silent payments: they are made anew for the new inputs. none: nobody knows, so that with an output
        /// that could be one no input is added.
        std::optional<SilentOutputs> silent = {};
    };
    Outcome<Bumped> bump(const Txid& txid, const CoinControl& control, const BumpOptions& options);
    /// Why a transaction cannot be bumped; nullopt: it can.
    std::optional<WalletError> bump_obstacle(const WalletTx& tx, bool require_owned) const;

    /// Spends an unconfirmed output to the wallet itself with a fee that brings the whole chain of ancestors to the rate.
    Outcome<CreatedTransaction> pay_for_parent(const OutPoint& output, const CoinControl& control);

    /// An input once signed; nullopt: it is not known how to spend it.
    std::optional<SignedInput> input_size(ByteSpan script, const ScriptKeys* external = nullptr) const;
    Amount lack(std::span<const OutPoint> outputs, FeeRate rate) const;

private:
    struct Draft;

    Outcome<FeeChoice> settle_fee(const CoinControl& control) const;
    Outcome<CreatedTransaction> create_once(std::span<const Recipient> recipients, const CoinControl& control);
    Outcome<std::vector<Candidate>> preset_coins(const CoinControl& control, FeeRate rate) const;
    Outcome<Selection> select(const Draft& draft, const CoinControl& control, std::span<const Candidate> preset,
                               std::span<const Candidate> available);
    WalletError explain_shortage(const Draft& draft, const CoinControl& control, std::span<const Candidate> preset,
                                std::span<const Candidate> available) const;
    /// With coins only whose private keys a silent payment can be made with; the others leave `available`.
    Outcome<Selection> select_for_silent(const Draft& draft, const CoinControl& control, std::span<const Candidate> preset,
                                         std::vector<Candidate>& available);
    Outcome<void> prepare(Draft& draft, const CoinControl& control);
    Outcome<void> prepare_change(Draft& draft, const CoinControl& control);
    Outcome<CreatedTransaction> assemble(const Draft& draft, const CoinControl& control, const Selection& selection);
    void shuffle_outputs(CreatedTransaction& made, std::span<const Recipient> fixed, std::span<const Recipient> rest);
    Outcome<void> subtract_fee(const Draft& draft, CreatedTransaction& made, Amount needed) const;
    void set_lock_time(MutableTransaction& tx, const CoinControl& control, bool preset_sequence);
    bool is_signalling(const CoinControl& control) const { return control.signal_rbf.value_or(parts_.policy.signal_rbf); }
    std::optional<WalletError> bump_fault(FeeRate rate, std::int64_t vsize, Amount old_fee, std::span<const OutPoint> inputs) const;
    FeeRate raised_rate(const Transaction& old, Amount old_fee, const CoinControl& control) const;
    Outcome<Amount> take_over_inputs(const WalletTx& old, CoinControl& control, std::vector<std::int64_t>& weights) const;
    bool suits_version(const WalletTx& tx, std::uint32_t version) const;

    Parts parts_;
    FastRandom random_;
    // Of one descriptor all inputs weigh the same.
    mutable std::map<std::pair<std::uint32_t, std::size_t>, std::optional<SignedInput>> sizes_;
};

/// Of a whole transaction with inputs of these weights once signed.
std::int64_t signed_weight(const MutableTransaction& tx, std::span<const std::int64_t> input_weights, bool any_witness);

}  // namespace cairn::light
