#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "consensus/primitives/amount.hpp"
#include "consensus/primitives/transaction.hpp"
#include "node/mempool/fee_size.hpp"

namespace cairn::node {

/// Why a transaction was not taken. What relay does with the sender and what it remembers follows from this.
enum class TxRefusal : std::uint8_t {
    none,
    consensus,            ///< breaks a rule that blocks obey, too
    inputs_not_standard,  ///< the scripts that it spends are not standard; depends on the coins, not on the witness
    not_standard,         ///< its own form is not standard, or its scripts fail under policy flags alone
    missing_inputs,       ///< spends outputs that are not known: an orphan, or its inputs are gone
    premature_spend,      ///< a lock time, a relative lock time or a coinbase is not ripe yet
    witness_mutated,      ///< fails only for its witness, so the txid says nothing
    witness_stripped,     ///< lacks the witness that it must have
    conflict,             ///< known already, confirmed, or spends what another spends and may not replace it
    mempool_policy,       ///< limits of the mempool: replacement rules, cluster limits, ...
    no_mempool,           ///< there is no mempool that could take it
    reconsiderable,       ///< fees too low by itself: a package with a child may bring it in
    unknown,              ///< not looked at, for another of its package failed first
};

/// The verdict on one transaction.
struct TxVerdict {
    enum class Kind : std::uint8_t {
        accepted,           ///< is in the mempool now (or could be, when testing)
        refused,
        known,              ///< of a package: was in the mempool before
        different_witness,  ///< of a package: the mempool has the same txid with another witness, `other_wtxid`
        inconclusive,       ///< could not tell (shutting down, disk trouble): never the sender's fault
    };
    Kind kind = Kind::inconclusive;
    TxRefusal refusal = TxRefusal::none;
    std::string reject_reason;   ///< Bitcoin Core's token, such as "bad-txns-inputs-missingorspent"; empty unless refused
    std::string debug_message;
    Txid txid;
    Wtxid wtxid;
    std::int64_t vsize = 0;      ///< adjusted for signature operations; when accepted or known
    Amount base_fee = 0;         ///< without prioritisation; when accepted or known
    FeeSize effective;           ///< fee and vsize of the chunk or package by which it was judged; when accepted
    std::vector<Wtxid> effective_includes;  ///< whose fees `effective` counts
    std::vector<TransactionPtr> replaced;   ///< what had to leave for it
    std::optional<Wtxid> other_wtxid;
    bool in_chain = false;       ///< a local one that was refused: the chain has unspent outputs of it

    bool accepted() const { return kind == Kind::accepted; }
    /// "token" or "token, debug message".
    std::string to_string() const { return debug_message.empty() ? reject_reason : reject_reason + ", " + debug_message; }
};

enum class PackageRefusal : std::uint8_t {
    none,
    policy,       ///< the package itself is not well-formed: too many, not sorted, ...
    transaction,  ///< at least one transaction is refused: see their verdicts
    internal,     ///< could not tell
};

/// The verdict on several transactions submitted together.
struct PackageVerdict {
    PackageRefusal refusal = PackageRefusal::none;
    std::string reject_reason;   ///< such as "package-not-sorted", "transaction failed", "unspent-dust"
    std::string debug_message;
    std::vector<TxVerdict> transactions;  ///< in the package's order; shorter when the package itself is refused
    std::string to_string() const { return debug_message.empty() ? reject_reason : reject_reason + ", " + debug_message; }
};

}  // namespace cairn::node
