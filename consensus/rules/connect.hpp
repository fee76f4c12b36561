#pragma once

#include "consensus/rules/block_rules.hpp"
#include "consensus/rules/locktime.hpp"
#include "consensus/rules/spend_rules.hpp"

namespace cairn::rules {

/// A checked block together with the coin that each of its inputs spends, in the order of the inputs. Scripts of the
/// outputs point into memory that its maker keeps alive: the block itself, a coin cache, an arena.
/// Thread: one while it is filled, then any.
class ResolvedBlock {
public:
    explicit ResolvedBlock(CheckedBlock checked) : checked_(std::move(checked)) {
        outputs_.reserve(checked_.input_count());
        origins_.reserve(checked_.input_count());
    }

    /// The coin of the next input.
    void add(const TxOutput& output, CoinOrigin origin) {
        outputs_.push_back(output);
        origins_.push_back(origin);
    }
    /// The next input has no coin: it was never there, or was spent.
    void add_missing() { add({kMissingCoinValue, {}}, {}); }

    const CheckedBlock& checked() const { return checked_; }
    const Block& block() const { return checked_.block(); }
    bool complete() const { return outputs_.size() == checked_.input_count(); }
    /// The coins of one transaction; none for the coinbase.
    SpentCoins spent_by(std::size_t tx_index) const;

private:
    CheckedBlock checked_;
    std::vector<TxOutput> outputs_;
    std::vector<CoinOrigin> origins_;
};

/// A block that holds every rule but the scripts and BIP30, which their owners check on their own.
struct SpendSummary {
    Amount fees = 0;
    Amount limit = 0;  ///< subsidy and fees: what the coinbase may take
    std::int64_t sigop_cost = 0;
};

/// Checks what the block's transactions do with the coins they spend: amounts, maturity, relative locks, signature
/// operations, the coinbase's reward. `resolved` is complete; not for the genesis block.
Result<SpendSummary, BlockFault> check_spends(const ResolvedBlock& resolved, const HeaderNode& parent, const ChainParams& params);

/// The flags that scripts of this block are verified with: P2SH, witness and taproot always, but for the blocks named in
/// the parameters; the others from their heights on.
ScriptFlags script_flags_for_block(const BlockHash& hash, Height height, const ChainParams& params);
inline ScriptFlags script_flags_for_block(const HeaderNode& node, const ChainParams& params) {
    return script_flags_for_block(node.hash, node.height, params);
}

/// The fault of a script that failed: "block-script-verify-flag-failed (…)", naming input and outpoint.
BlockFault script_fault(const Transaction& tx, std::size_t input, ScriptError error);

/// From this height on a coinbase could repeat one from before BIP34, so look-ups are needed again (BIP30).
inline constexpr Height kBip34ImpliesBip30Limit = 1'983'702;

/// Must the outputs of the block with this hash be looked up, because one could overwrite an unspent one (BIP30)? Not in
/// the two blocks that did, and not after BIP34 on the chain whose BIP34 block is known.
bool must_check_bip30(const BlockHash& hash, const HeaderNode& parent, const ChainParams& params);
/// The two blocks that repeat a coinbase of an earlier block.
bool is_bip30_repeat(const BlockHash& hash, Height height);
/// The two blocks whose coinbase was overwritten and can never be spent.
bool is_bip30_unspendable(const BlockHash& hash, Height height);
/// The fault of a block that overwrites an unspent output.
BlockFault bip30_fault();

}  // namespace cairn::rules
