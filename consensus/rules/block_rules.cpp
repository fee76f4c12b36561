#include "consensus/rules/block_rules.hpp"

#include <algorithm>

#include "consensus/crypto/hash.hpp"
#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/locktime.hpp"
#include "consensus/rules/sigops.hpp"
#include "consensus/rules/signet.hpp"
#include "consensus/script/script.hpp"

namespace cairn::rules {
namespace {

/// Where a commitment output holds the hash: behind op_return, the push of 36 bytes and four bytes of marker.
constexpr std::size_t kCommitmentHashOffset = 6;

// The header MUST hold proof of work.
bool has_proof_of_work(const BlockSubject& subject) {
    return !subject.options.proof_of_work ||
           check_proof_of_work(subject.block.hash(), subject.block.header().bits, subject.params);
}

// On a signet, the block MUST carry a solution to the network's challenge.
bool has_signet_solution(const BlockSubject& subject) {
    return !subject.params.signet_blocks || !subject.options.proof_of_work || check_signet_solution(subject.block, subject.params);
}

// The header's merkle root MUST be that of the transactions.
bool has_merkle_root(const BlockSubject& subject) {
    return !subject.options.merkle_root || subject.merkle().root == subject.block.header().merkle_root;
}

// The list of transactions MUST NOT repeat its end in a way that leaves the merkle root as it is.
bool has_no_repeated_transactions(const BlockSubject& subject) {
    return !subject.options.merkle_root || !subject.merkle().mutated;
}

// A block MUST have transactions, and its size without witnesses MUST NOT exceed a million bytes.
bool has_length_in_range(const BlockSubject& subject) {
    const auto count = static_cast<std::int64_t>(subject.block.txs().size());
    const auto size = static_cast<std::int64_t>(subject.block.stripped_size());
    return count > 0 && count * kWitnessScaleFactor <= kMaxBlockWeight && size * kWitnessScaleFactor <= kMaxBlockWeight;
}

// The first transaction MUST be a coinbase.
bool begins_with_coinbase(const BlockSubject& subject) { return subject.block.txs().front().is_coinbase(); }

// No other transaction may be a coinbase.
bool has_one_coinbase(const BlockSubject& subject) {
    const auto others = subject.block.txs().subspan(1);
    return std::none_of(others.begin(), others.end(), [](const Transaction& tx) { return tx.is_coinbase(); });
}

// Every transaction MUST obey the rules of a transaction by itself.
bool has_good_transactions(const BlockSubject& subject) { return !subject.walk().error; }

// The signature operations counted the old way MUST NOT exceed 20,000.
bool has_few_legacy_sigops(const BlockSubject& subject) {
    return static_cast<std::int64_t>(subject.walk().legacy_sigops) * kWitnessScaleFactor <= kMaxBlockSigopCost;
}

constexpr BlockRule kBlockRules[] = {
    {"high-hash", BlockError::bad_header, has_proof_of_work, "Bitcoin paper, section 4"},
    {"bad-signet-blksig", BlockError::bad_signet_solution, has_signet_solution, "BIP325"},
    {"bad-txnmrklroot", BlockError::bad_merkle_root, has_merkle_root, "Bitcoin paper, section 7"},
    {"bad-txns-duplicate", BlockError::duplicate_transaction, has_no_repeated_transactions, "CVE-2012-2459"},
    {"bad-blk-length", BlockError::bad_length, has_length_in_range, "original client; BIP141"},
    {"bad-cb-missing", BlockError::coinbase_missing, begins_with_coinbase, "Bitcoin paper, section 6"},
    {"bad-cb-multiple", BlockError::coinbase_multiple, has_one_coinbase, "original client"},
    {"bad-txns", BlockError::bad_transaction, has_good_transactions, "tx_rules"},
    {"bad-blk-sigops", BlockError::too_many_legacy_sigops, has_few_legacy_sigops, "original client; BIP141"},
};

// Every transaction MUST be final at the block's height and, since BIP113, at the median time past of its parent.
bool has_final_transactions(const ContextSubject& subject) {
    // The genesis block has no parent whose median could count, even where BIP113 is in force from the start.
    const bool median_time = subject.parent != nullptr && subject.params.active_at(BuriedDeployment::csv, subject.height());
    const std::int64_t cutoff =
        median_time ? subject.parent->median_time_past() : std::int64_t{subject.checked.block().header().time};
    const auto txs = subject.checked.block().txs();
    const auto facts = subject.checked.facts();
    for (std::size_t i = 0; i < txs.size(); ++i) {
        if (facts[i].has_lock_time && !is_final(txs[i], subject.height(), cutoff)) return false;
    }
    return true;
}

// Since BIP34 the coinbase's script MUST begin with the height.
bool has_coinbase_height(const ContextSubject& subject) {
    if (!subject.params.active_at(BuriedDeployment::bip34, subject.height())) return true;
    const Bytes expected = coinbase_height_script(subject.height());
    const ByteSpan script = subject.checked.block().txs()[0].inputs[0].script_sig;
    return script.size() >= expected.size() && std::equal(expected.begin(), expected.end(), script.begin());
}

// With a commitment the coinbase's witness MUST be one item of 32 bytes, the reserved value.
bool has_reserved_value(const ContextSubject& subject) { return subject.witness() != WitnessState::nonce_size; }

// The commitment MUST be to all witnesses of the block and the reserved value.
bool has_witness_commitment(const ContextSubject& subject) { return subject.witness() != WitnessState::mismatch; }

// Without a commitment no transaction may have a witness.
bool has_no_stray_witness(const ContextSubject& subject) { return subject.witness() != WitnessState::unexpected; }

// The weight MUST NOT exceed 4,000,000.
bool has_weight_in_range(const ContextSubject& subject) { return subject.checked.block().weight() <= kMaxBlockWeight; }

constexpr ContextRule kContextRules[] = {
    {"bad-txns-nonfinal", BlockError::nonfinal_transaction, has_final_transactions, "original client; BIP113"},
    {"bad-cb-height", BlockError::bad_coinbase_height, has_coinbase_height, "BIP34"},
    {"bad-witness-nonce-size", BlockError::bad_witness_nonce_size, has_reserved_value, "BIP141, commitment structure"},
    {"bad-witness-merkle-match", BlockError::bad_witness_commitment, has_witness_commitment, "BIP141, commitment structure"},
    {"unexpected-witness", BlockError::unexpected_witness, has_no_stray_witness, "BIP141, commitment structure"},
    {"bad-blk-weight", BlockError::bad_weight, has_weight_in_range, "BIP141, block size"},
};

/// What is wrong with the witnesses of a block with a coinbase; `expected`: a commitment counts (segwit is in force).
WitnessState witness_state(const Block& block, bool expected) {
    const auto index = expected ? witness_commitment_index(block) : std::nullopt;
    if (index) {
        const Transaction& coinbase = block.txs()[0];
        const auto witness = coinbase.inputs[0].witness;
        if (witness.size() != 1 || witness[0].size() != Uint256::kSize) return WitnessState::nonce_size;
        const Uint256 hash = witness_commitment_hash(block.txs(), witness[0]);
        const ByteSpan committed = coinbase.outputs[*index].script_pubkey.subspan(kCommitmentHashOffset, Uint256::kSize);
        return std::equal(committed.begin(), committed.end(), hash.data()) ? WitnessState::good : WitnessState::mismatch;
    }
    const auto txs = block.txs();
    const bool stray = std::any_of(txs.begin(), txs.end(), [](const Transaction& tx) { return tx.has_witness(); });
    return stray ? WitnessState::unexpected : WitnessState::good;
}

TxFacts facts_of(const TxSubject& subject) {
    const Transaction& tx = subject.tx;
    TxFacts facts;
    facts.value_out = subject.value_out;
    facts.legacy_sigops = legacy_sigops(tx);
    facts.has_witness = tx.has_witness();
    for (const TxInput& input : tx.inputs) {
        facts.has_lock_time = facts.has_lock_time || input.sequence != TxInput::kFinalSequence;
        facts.has_relative_lock = facts.has_relative_lock || (input.sequence & kSequenceDisableFlag) == 0;
    }
    facts.has_lock_time = facts.has_lock_time && tx.lock_time != 0;
    facts.has_relative_lock = facts.has_relative_lock && tx.version >= 2;
    return facts;
}

std::string debug_for(BlockError error, const BlockSubject& subject) {
    switch (error) {
        case BlockError::bad_header: return debug_message(HeaderError::high_hash);
        case BlockError::bad_signet_solution: return "signet block signature validation failure";
        case BlockError::bad_merkle_root: return "hashMerkleRoot mismatch";
        case BlockError::duplicate_transaction: return "duplicate transaction";
        case BlockError::bad_length: return "size limits failed";
        case BlockError::coinbase_missing: return "first tx is not coinbase";
        case BlockError::coinbase_multiple: return "more than one coinbase";
        case BlockError::bad_transaction: {
            const Transaction& tx = subject.block.txs()[subject.walk().facts.size()];
            return "Transaction check failed (tx hash " + tx.txid.to_display_hex() + ") ";
        }
        case BlockError::too_many_legacy_sigops: return "out-of-bounds SigOpCount";
        default: return "";
    }
}

std::string debug_for(BlockError error) {
    switch (error) {
        case BlockError::nonfinal_transaction: return "non-final transaction";
        case BlockError::bad_coinbase_height: return "block height mismatch in coinbase";
        case BlockError::bad_witness_nonce_size: return "CheckWitnessMalleation : invalid witness reserved value size";
        case BlockError::bad_witness_commitment: return "CheckWitnessMalleation : witness merkle commitment mismatch";
        case BlockError::unexpected_witness: return "CheckWitnessMalleation : unexpected witness data found";
        case BlockError::bad_weight: return "ContextualCheckBlock : weight limit failed";
        default: return "";
    }
}

}  // namespace

const MerkleRoot& BlockSubject::merkle() const {
    if (!merkle_) merkle_ = block_merkle_root(block.txs());
    return *merkle_;
}

const BlockWalk& BlockSubject::walk() const {
    if (walk_) return *walk_;
    BlockWalk& walk = walk_.emplace();
    TxCheckScratch scratch;
    walk.facts.reserve(block.txs().size());
    for (const Transaction& tx : block.txs()) {
        const TxSubject subject(tx, scratch);
        if (const auto checked = check_transaction(subject); !checked) {
            walk.error = checked.error();
            break;
        }
        TxFacts& facts = walk.facts.emplace_back(facts_of(subject));
        facts.first_input = walk.inputs;
        if (walk.facts.size() > 1) walk.inputs += static_cast<std::uint32_t>(tx.inputs.size());
        walk.outputs += static_cast<std::uint32_t>(tx.outputs.size());
        walk.legacy_sigops += facts.legacy_sigops;
    }
    return walk;
}

std::span<const BlockRule> block_rules() { return kBlockRules; }

Result<CheckedBlock, BlockFault> check_block(BlockPtr block, const ChainParams& params, CheckOptions options) {
    BlockSubject subject{*block, params, options};
    if (const auto error = first_broken(block_rules(), subject)) {
        BlockFault fault{.error = *error, .debug = debug_for(*error, subject)};
        if (*error == BlockError::bad_header) fault.header = HeaderError::high_hash;
        if (*error == BlockError::bad_transaction) fault.tx = subject.walk().error;
        return fail(std::move(fault));
    }
    BlockWalk walk = subject.take_walk();
    CheckedBlock checked;
    checked.block_ = std::move(block);
    checked.facts_ = std::move(walk.facts);
    checked.input_count_ = walk.inputs;
    checked.output_count_ = walk.outputs;
    return checked;
}

WitnessState ContextSubject::witness() const {
    if (!witness_) witness_ = witness_state(checked.block(), params.active_at(BuriedDeployment::segwit, height()));
    return *witness_;
}

std::span<const ContextRule> context_rules() { return kContextRules; }

Result<void, BlockFault> check_block_context(const CheckedBlock& checked, const HeaderNode* parent, const ChainParams& params) {
    const ContextSubject subject{checked, parent, params};
    if (const auto error = first_broken(context_rules(), subject)) return fail(BlockFault{.error = *error, .debug = debug_for(*error)});
    return {};
}

std::optional<std::size_t> witness_commitment_index(const Block& block) {
    if (block.txs().empty()) return std::nullopt;
    const auto outputs = block.txs()[0].outputs;
    for (std::size_t i = outputs.size(); i-- > 0;) {
        if (is_witness_commitment(outputs[i].script_pubkey)) return i;
    }
    return std::nullopt;
}

Uint256 witness_commitment_hash(std::span<const Transaction> txs, ByteSpan reserved_value) {
    return hash256(witness_merkle_root(txs).span(), reserved_value);
}

std::optional<BlockFault> find_mutation(const Block& block, bool check_witness_commitment) {
    const auto fault = [](BlockError error, std::string debug) { return BlockFault{.error = error, .debug = std::move(debug)}; };
    const MerkleRoot merkle = block_merkle_root(block.txs());
    if (merkle.root != block.header().merkle_root) return fault(BlockError::bad_merkle_root, "hashMerkleRoot mismatch");
    if (merkle.mutated) return fault(BlockError::duplicate_transaction, "duplicate transaction");
    const auto txs = block.txs();
    if (txs.empty() || !txs[0].is_coinbase()) {
        // Without a coinbase the block is invalid; 64 bytes could be two hashes of the tree posing as a transaction.
        constexpr std::size_t kTwoHashes = 64;
        if (std::ranges::none_of(txs, [](const Transaction& tx) { return tx.stripped_size == kTwoHashes; })) return std::nullopt;
        return fault(BlockError::coinbase_missing, "a transaction of 64 bytes, which may be two hashes of the merkle tree");
    }
    const auto witness = [&](BlockError error) { return fault(error, debug_for(error)); };
    switch (witness_state(block, check_witness_commitment)) {
        case WitnessState::good: break;
        case WitnessState::nonce_size: return witness(BlockError::bad_witness_nonce_size);
        case WitnessState::mismatch: return witness(BlockError::bad_witness_commitment);
        case WitnessState::unexpected: return witness(BlockError::unexpected_witness);
    }
    return std::nullopt;
}

Bytes coinbase_height_script(Height height) { return ScriptBuilder().number(height).take(); }

}  // namespace cairn::rules
