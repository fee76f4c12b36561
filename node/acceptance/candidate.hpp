#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "consensus/primitives/arena.hpp"
#include "node/chain/chain_thread.hpp"
#include "node/mempool/mempool.hpp"
#include "node/mempool/mempool_port.hpp"
#include "node/policy/fault.hpp"

namespace cairn::node {

/// Which rules apply, by the way on which a transaction comes.
struct AcceptanceRules {
    bool limits = true;             ///< fees, TRUC and ephemeral dust count; not after a reorg
    bool replacement = true;        ///< it may take the place of others
    bool sibling_eviction = true;   ///< a TRUC child may take the place of its sibling
    bool own_fee = true;            ///< it must pay its way alone; otherwise the package's fee rate counts
    std::optional<FeeRate> max_fee_rate;
};

/// A transaction under judgement, with everything found out about it so far.
struct Candidate {
    TransactionPtr tx;
    AcceptanceRules rules;
    bool in_package = false;               ///< the mempool is brought to its size when the whole package is through
    std::int64_t time = 0;                 ///< of acceptance
    std::optional<PolicyFault> alone_fault;  ///< what it breaks by itself
    std::optional<PolicyFault> fault;      ///< why it cannot come in, as far as looked

    // What it spends; rows in the round's arena, one element for each input.
    enum Source : std::uint8_t { memory, disk, unconfirmed };
    bool resolved = false;
    bool missing = false;                  ///< a coin was not found
    std::span<TxOutput> outputs;
    std::span<CoinOrigin> origins;
    std::span<Source> sources;

    // What follows from the coins alone and so never changes while the chain is at rest.
    bool facts_known = false;
    std::optional<PolicyFault> facts_fault;
    MempoolEntry entry;                    ///< fee, sizes, locks
    Amount modified_fee = 0;
    std::int64_t vsize() const { return entry.vsize(); }

    // What the mempool says about it; holds until the mempool changes.
    std::vector<const MempoolEntry*> conflicts, parents;  ///< direct ones
    bool sibling_eviction = false;
    Amount replaced_fee = 0;
    std::int64_t replaced_vsize = 0;
    std::optional<Mempool::Staged> staged;
    std::uint64_t judged_at = 0;           ///< Mempool::changes() then

    bool scripts_run = false;
    std::optional<PolicyFault> script_fault;

    const Transaction& get() const { return tx->tx(); }
    SpentCoins spent() const { return {outputs, origins}; }
};

/// What candidates judged together share: memory for their coins, the moment, and each other's outputs.
struct Round {
    const HeaderNode* tip = nullptr;
    std::int64_t median_time = 0;  ///< of the tip
    std::int64_t now = 0;
    Arena arena{16384};
    /// Transactions of this round whose outputs later ones may spend, though none is in the mempool yet.
    std::unordered_map<Txid, const Transaction*> provisional;

    Height next_height() const { return tip->height + 1; }
};

}  // namespace cairn::node
