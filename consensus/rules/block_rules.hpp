#pragma once

#include <vector>

#include "consensus/base/result.hpp"
#include "consensus/chain/coin.hpp"
#include "consensus/primitives/block.hpp"
#include "consensus/primitives/merkle.hpp"
#include "consensus/rules/error.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/rules/rule.hpp"
#include "consensus/rules/tx_rules.hpp"

namespace cairn::rules {

/// What the context-free check learned of one transaction, so that no later stage walks over it again.
struct TxFacts {
    Amount value_out = 0;
    std::uint32_t legacy_sigops = 0;
    std::uint32_t first_input = 0;    ///< position of its first input among all inputs of the block but the coinbase's
    bool has_witness = false;
    bool has_lock_time = false;       ///< a lock time that counts: not zero, and an input is not final
    bool has_relative_lock = false;   ///< BIP68 may lock it: version 2 or more, and an input without the disable flag
};

/// Which checks to make. Both are off only when a template is tested before it is mined.
struct CheckOptions {
    bool proof_of_work = true;  ///< and a signet's solution
    bool merkle_root = true;
};

/// A block that passed every context-free rule. Only check_block makes one.
/// Thread: any (immutable).
class CheckedBlock {
public:
    const Block& block() const { return *block_; }
    const BlockPtr& ptr() const { return block_; }
    /// One entry for each transaction.
    std::span<const TxFacts> facts() const { return facts_; }
    /// Inputs of all transactions but the coinbase.
    std::size_t input_count() const { return input_count_; }
    std::size_t output_count() const { return output_count_; }

private:
    friend Result<CheckedBlock, BlockFault> check_block(BlockPtr block, const ChainParams& params, CheckOptions options);
    CheckedBlock() = default;

    BlockPtr block_;
    std::vector<TxFacts> facts_;
    std::size_t input_count_ = 0;
    std::size_t output_count_ = 0;
};

/// What one walk over a block's transactions finds out.
struct BlockWalk {
    std::vector<TxFacts> facts;    ///< of the transactions before the first bad one
    std::optional<TxError> error;  ///< of the first bad transaction
    std::uint64_t legacy_sigops = 0;
    std::uint32_t inputs = 0;      ///< of all but the coinbase
    std::uint32_t outputs = 0;
};

/// A block under its context-free check; what is costly is found out when a rule asks for it, once.
class BlockSubject {
public:
    BlockSubject(const Block& the_block, const ChainParams& the_params, CheckOptions the_options)
        : block(the_block), params(the_params), options(the_options) {}

    const MerkleRoot& merkle() const;
    const BlockWalk& walk() const;
    BlockWalk take_walk() { return std::move(*walk_); }

    const Block& block;
    const ChainParams& params;
    CheckOptions options;

private:
    mutable std::optional<MerkleRoot> merkle_;
    mutable std::optional<BlockWalk> walk_;
};

using BlockRule = Rule<BlockSubject, BlockError>;
/// The context-free rules of a block, in Bitcoin Core's order.
std::span<const BlockRule> block_rules();

/// Checks a block by itself. Order of the rules, and so the reason given, as in Bitcoin Core.
/// Cost: one walk over the block, no heap per transaction.
Result<CheckedBlock, BlockFault> check_block(BlockPtr block, const ChainParams& params, CheckOptions options = {});

/// What is wrong with the witnesses of a block.
enum class WitnessState : std::uint8_t { good, nonce_size, mismatch, unexpected };

/// A checked block and the header it builds on.
class ContextSubject {
public:
    ContextSubject(const CheckedBlock& the_block, const HeaderNode* the_parent, const ChainParams& the_params)
        : checked(the_block), parent(the_parent), params(the_params) {}

    Height height() const { return parent != nullptr ? parent->height + 1 : 0; }
    WitnessState witness() const;

    const CheckedBlock& checked;
    const HeaderNode* parent;  ///< null for the genesis block
    const ChainParams& params;

private:
    mutable std::optional<WitnessState> witness_;
};

using ContextRule = Rule<ContextSubject, BlockError>;
/// The rules of a block against the headers before it, in Bitcoin Core's order.
std::span<const ContextRule> context_rules();

/// Checks a block against the headers before it: finality, height in the coinbase, witness commitment, weight.
Result<void, BlockFault> check_block_context(const CheckedBlock& checked, const HeaderNode* parent, const ChainParams& params);

/// Position of the coinbase output with the witness commitment (BIP141: the last one that looks like it); nullopt: none.
std::optional<std::size_t> witness_commitment_index(const Block& block);
/// SHA-256d of the witness merkle root and the reserved value: what the commitment must hold.
Uint256 witness_commitment_hash(std::span<const Transaction> txs, ByteSpan reserved_value);
/// What does not belong to the header, a merkle root or a witness: someone on the way changed the block. Checked before a
/// block from a peer is looked at closer, so that no good header is blamed. nullopt: all belongs to it.
std::optional<BlockFault> find_mutation(const Block& block, bool check_witness_commitment);
inline bool is_block_mutated(const Block& block, bool check_witness_commitment) {
    return find_mutation(block, check_witness_commitment).has_value();
}

/// The script that a coinbase must begin with at `height` (BIP34).
Bytes coinbase_height_script(Height height);

}  // namespace cairn::rules
