#include "light/branches.hpp"

#include <algorithm>

namespace cairn::light {
namespace {

BlockPlace place_of(const HeaderNode& node) { return {node.height, node.hash, node.header.time}; }

/// The last block below which all that the wallet knows of is on the branch of `here`.
const HeaderNode* last_shared(const Wallet& wallet, const HeaderNode& here) {
    std::map<Height, BlockHash> blocks;
    for (const auto& [order, tx] : wallet.ledger().by_order()) {
        if (tx->is_confirmed()) blocks.emplace(tx->block.height, tx->block.hash);
    }
    const HeaderNode* shared = nullptr;
    for (const auto& [height, hash] : blocks) {
        const HeaderNode* node = here.ancestor(height);
        if (!node || node->hash != hash) break;
        shared = node;
    }
    return shared ? shared : here.ancestor(0);
}

}  // namespace

Outcome<void> take_back(Wallet& wallet, const HeaderNode& to) {
    std::vector<WalletTxPtr> above;
    for (const auto& [order, tx] : wallet.ledger().by_order()) {
        if (tx->is_confirmed() && tx->block.height > to.height && !tx->tx->tx().is_coinbase()) above.push_back(tx);
    }
    std::sort(above.begin(), above.end(), [](const WalletTxPtr& a, const WalletTxPtr& b) {
        return std::pair(a->block.height, a->position) < std::pair(b->block.height, b->position);
    });
    if (auto done = wallet.disconnect_to(place_of(to)); !done) return done;
    for (const WalletTxPtr& tx : above) {
        // Not what spends coins that went with their block.
        const WalletTxPtr now = wallet.ledger().find(tx->txid());
        if (now->state != TxState::inactive) continue;
        if (const auto seen = wallet.see_transaction(tx->tx, SeenBy::peer); !seen) return tl::unexpected(seen.error());
    }
    return {};
}

Outcome<std::optional<Height>> rejoin(Wallet& wallet, const HeaderNode& here, const std::function<const HeaderNode*(const BlockHash&)>& find) {
    const BlockPlace tip = wallet.tip();
    if (tip.height < 0) return std::nullopt;
    const HeaderNode* left = nullptr;
    if (const HeaderNode* stands = find(tip.hash)) {
        left = last_common_ancestor(stands, &here);
        if (left == stands || left == &here) return std::nullopt;
    } else {
        if (tip.height > here.height) return std::nullopt;  // its headers may still come
        left = last_shared(wallet, here);
    }
    if (const auto done = take_back(wallet, *left); !done) return tl::unexpected(done.error());
    return left->height + 1;
}

}  // namespace cairn::light
