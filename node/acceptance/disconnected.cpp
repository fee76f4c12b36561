#include "node/acceptance/disconnected.hpp"

#include "consensus/base/check.hpp"

namespace cairn::node {

namespace {

/// Bytes of one transaction: its serialisation, its rows, and the two containers' nodes.
std::size_t cost(const Transaction& tx) {
    return tx.raw.size() + tx.inputs.size() * sizeof(TxInput) + tx.outputs.size() * sizeof(TxOutput) + sizeof(TransactionHolder) + 200;
}

}  // namespace

std::vector<TransactionPtr> DisconnectedTransactions::add_block(const Block& block) {
    const auto txs = block.txs();
    for (std::size_t t = txs.size(); t-- > 0;) {
        auto own = TransactionHolder::parse(to_bytes(txs[t].raw));
        CAIRN_CHECK(own);
        const std::size_t bytes = cost(txs[t]);
        order_.push_back({std::move(*own), bytes});
        by_txid_[txs[t].txid] = std::prev(order_.end());
        bytes_ += bytes;
    }
    std::vector<TransactionPtr> given_up;
    while (bytes_ > kMaxBytes) {
        Item& first = order_.front();
        bytes_ -= first.bytes;
        by_txid_.erase(first.tx->tx().txid);
        given_up.push_back(std::move(first.tx));
        order_.pop_front();
    }
    return given_up;
}

void DisconnectedTransactions::remove_for_block(const Block& block) {
    if (order_.empty()) return;
    for (const Transaction& tx : block.txs()) {
        const auto it = by_txid_.find(tx.txid);
        if (it == by_txid_.end()) continue;
        bytes_ -= it->second->bytes;
        order_.erase(it->second);
        by_txid_.erase(it);
    }
}

std::vector<TransactionPtr> DisconnectedTransactions::take() {
    std::vector<TransactionPtr> txs;
    txs.reserve(order_.size());
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) txs.push_back(std::move(it->tx));
    order_.clear();
    by_txid_.clear();
    bytes_ = 0;
    return txs;
}

}  // namespace cairn::node
