#pragma once

#include <array>
#include <memory>
#include <string>

#include "consensus/rules/deployments.hpp"
#include "node/mining/block_selection.hpp"

namespace cairn::node {

/// Everything for a block on `parent` but its coinbase's outputs, its time and its proof of work.
/// Immutable once published: share it.
struct BlockTemplate {
    const HeaderNode* parent = nullptr;
    Height height = 0;
    std::int32_t version = 0;
    std::array<rules::ThresholdState, kSignalledDeployments> deployments{};  ///< of the block, by deployment
    bool segwit = false;
    BlockSelection selection;
    Amount coinbase_value = 0;          ///< subsidy and fees
    Bytes commitment;                   ///< script of the coinbase's witness commitment (BIP141)
    std::uint64_t changes = 0;          ///< the mempool's count of changes that it shows
    std::int64_t made_at = 0;           ///< by the node's clock
    /// getblocktemplate's array of transactions. Empty text: was not asked for.
    std::string transactions_json;
};
using BlockTemplatePtr = std::shared_ptr<const BlockTemplate>;

/// The array of objects (data, txid, hash, depends, fee, sigops, weight) as JSON text. Without segwit signature operations
/// count a quarter.
std::string render_transactions(const BlockSelection& selection, bool segwit);

}  // namespace cairn::node
