#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/crypto/random.hpp"
#include "light/wallet/address_type.hpp"
#include "light/wallet/fees.hpp"

/// Which coins to spend. Pure: candidates, target and parameters in, a choice out.
namespace cairn::light {

/// Bounds of the amount of change that is aimed for, satoshis.
inline constexpr Amount kChangeLower = 50'000;
inline constexpr Amount kChangeUpper = 1'000'000;
/// The most that a relayed transaction weighs.
inline constexpr std::int64_t kMaxStandardWeight = 400'000;
/// Candidates that branch and bound and coin grinder look at before they take the best so far.
inline constexpr std::size_t kSelectionTries = 100'000;
/// Coins of one address that are spent together at most.
inline constexpr std::size_t kMaxGroupSize = 100;

/// A coin that may be spent.
struct Candidate {
    OutPoint outpoint;
    Amount value = 0;
    Bytes script;
    AddressType type = AddressType::unknown;
    int depth = 0;                  ///< confirmations
    std::int64_t input_weight = -1;  ///< of the input that spends it, signed, with its witness' item count; -1: not known
    std::int64_t input_vsize = -1;   ///< the same in virtual bytes
    bool has_witness = false;
    bool safe = true;               ///< not from others and unconfirmed, nor part of a replacement
    bool from_me = false;
    std::int64_t time = 0;
    std::size_t ancestors = 0, cluster = 0;  ///< unconfirmed transactions that it stands on, and is connected with

    Amount fee = 0;            ///< to spend it at the rate of the transaction, its ancestors' lack included
    Amount long_term_fee = 0;  ///< at the long-term rate
    Amount ancestor_lack = 0;  ///< the part of `fee` that its ancestors lack

    Amount effective_value() const { return value - fee; }
    void set_size(std::int64_t weight, bool witness) {
        input_weight = weight;
        input_vsize = (weight + kWitnessScaleFactor - 1) / kWitnessScaleFactor;
        has_witness = witness;
    }
    /// Fills in the fees.
    void set_rates(FeeRate rate, FeeRate long_term, Amount lack = 0);
};

/// Coins that are spent together or not at all.
struct OutputGroup {
    std::vector<const Candidate*> coins;
    Amount value = 0, effective_value = 0;
    Amount fee = 0, long_term_fee = 0;
    std::int64_t weight = 0;
    int depth = 999;
    bool from_me = true;
    std::size_t ancestors = 0, cluster = 0;
    Amount amount = 0;  ///< what it counts for: value when the recipients pay the fee, else effective value

    void add(const Candidate& coin, bool recipients_pay);
};
using GroupRow = std::vector<const OutputGroup*>;

enum class SelectionAlgorithm : std::uint8_t { branch_and_bound, coin_grinder, knapsack, single_random_draw, manual };
/// "bnb", "cg", "knapsack", "srd", "manual".
std::string_view to_string(SelectionAlgorithm algorithm);

/// Coins that pay for something.
struct Selection {
    SelectionAlgorithm algorithm = SelectionAlgorithm::manual;
    std::vector<const Candidate*> coins;  ///< each once
    Amount target = 0;
    bool recipients_pay = false;
    std::int64_t weight = 0;
    Amount lack_discount = 0;  ///< ancestors that several coins share are paid for once
    Amount waste = 0;
    bool complete = true;  ///< the search looked at everything
    std::size_t tries = 0;

    void add(const OutputGroup& group);
    Amount value() const;
    Amount effective_value() const;
    Amount ancestor_lack() const;
    /// What goes to change; 0: too little for an output.
    Amount change(Amount min_viable_change, Amount change_fee) const;
    /// Sets the waste: what spending these coins now costs more than later, and what change or its absence costs.
    void set_waste(Amount min_viable_change, Amount cost_of_change, Amount change_fee);
    bool operator<(const Selection& other) const {
        return waste != other.waste ? waste < other.waste : coins.size() > other.coins.size();
    }
};

struct SelectionParams {
    FeeRate rate;                     ///< of the transaction
    FeeRate long_term_rate{10'000};   ///< at which coins could be gathered some day
    FeeRate discard_rate{10'000};     ///< at which change is thought to be spent
    std::int64_t change_output_size = 0;  ///< bytes
    std::int64_t change_spend_vsize = 0;
    Amount min_change_target = 0;     ///< change that is aimed for when there is to be some
    Amount min_viable_change = 0;     ///< less than this is left to the fee
    Amount change_fee = 0;            ///< for the change output
    Amount cost_of_change = 0;        ///< for the output now and its spending later
    std::int64_t base_vsize = 0;      ///< of the transaction without inputs and change
    bool recipients_pay = false;      ///< fee is subtracted from what recipients get
    bool group_by_script = false;     ///< all coins of an address or none
    bool include_unsafe = false;
    bool spend_unconfirmed_change = true;
    bool reject_long_chains = true;
    std::size_t max_ancestors = 25, max_cluster = 25;
    std::int64_t max_weight = kMaxStandardWeight;
    std::int64_t max_weight_unconfirmed = kMaxStandardWeight;  ///< where unconfirmed coins may be among the inputs
};

/// Why there is no choice; an empty message: there is not enough money.
struct SelectionError {
    std::string message;
    bool too_heavy = false;
};
using SelectionResult = Result<Selection, SelectionError>;

// The algorithms. `groups` have positive amounts but for the knapsack.

/// A set without change: between `target` and `target + cost_of_change`, with the least waste.
SelectionResult select_branch_and_bound(GroupRow groups, Amount target, Amount cost_of_change, std::int64_t max_weight);
/// The lightest set that reaches `target + change_target`; among equals the one with the smallest amount.
SelectionResult select_coin_grinder(GroupRow groups, Amount target, Amount change_target, std::int64_t max_weight);
/// Random subsets; the smallest that reaches the target, or the smallest coin above it.
SelectionResult select_knapsack(GroupRow groups, Amount target, Amount change_target, FastRandom& random, std::int64_t max_weight);
/// Coins in random order until they are enough with some change.
SelectionResult select_random(const GroupRow& groups, Amount target, Amount change_fee, FastRandom& random, std::int64_t max_weight);

/// Change to aim for with a payment of this size.
Amount change_target(Amount payment, Amount change_fee, FastRandom& random);

/// What several coins together pay for their unconfirmed ancestors at the transaction's rate.
class LackSource {
public:
    virtual ~LackSource() = default;
    virtual Amount combined_lack(std::span<const OutPoint> outputs, FeeRate rate) const = 0;
};

/// The best choice for `target` (amounts, and fees of everything but inputs and change): confirmed coins of one type of address first,
/// then with fewer and fewer scruples. `candidates` outlive the answer.
SelectionResult select_coins(std::span<const Candidate> candidates, Amount target, const SelectionParams& params, const LackSource& lack,
                             FastRandom& random);

}  // namespace cairn::light
