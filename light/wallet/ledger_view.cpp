#include <algorithm>

#include "consensus/rules/tx_rules.hpp"
#include "light/wallet/ledger.hpp"

namespace cairn::light {
namespace {

/// No chain of unconfirmed transactions that anybody relays is longer.
constexpr int kMaxTrustDepth = 500;

}  // namespace

int Ledger::depth(const WalletTx& tx) const {
    if (tx.state == TxState::confirmed) return std::max(tip_.height - tx.block.height + 1, 1);
    if (tx.state == TxState::conflicted) return -std::max(tip_.height - tx.block.height + 1, 1);
    return 0;
}

int Ledger::blocks_to_maturity(const WalletTx& tx) const {
    if (!tx.tx->tx().is_coinbase()) return 0;
    return std::max(0, rules::kCoinbaseMaturity + 1 - depth(tx));
}

SpentBy Ledger::spent_by(const OutPoint& outpoint) const {
    SpentBy answer = SpentBy::nothing;
    const auto [first, last] = spends_.equal_range(outpoint);
    for (auto row = first; row != last; ++row) {
        const WalletTxPtr spender = find(row->second);
        if (!spender) continue;
        if (spender->is_confirmed()) return SpentBy::confirmed;
        if (spender->state == TxState::waiting) {
            answer = SpentBy::waiting;
        } else if (spender->state == TxState::inactive && answer == SpentBy::nothing && waiting_conflicts(*spender).empty()) {
            answer = SpentBy::inactive;
        }
    }
    return answer;
}

bool Ledger::has_children(const WalletTx& tx) const {
    for (const Txid& child : children(tx.tx->tx())) {
        const WalletTxPtr known = find(child);
        if (known && known->state != TxState::abandoned && known->state != TxState::conflicted) return true;
    }
    return false;
}

bool Ledger::is_used(ByteSpan script) const { return used_.contains(as_text(script)); }

Amount Ledger::debit(const Transaction& tx) const {
    Amount sum = 0;
    for (const TxInput& input : tx.inputs) {
        if (const OwnedOutput* coin = owned(input.prevout)) sum += coin->value;
    }
    return sum;
}

Amount Ledger::credit(const Transaction& tx) const {
    Amount sum = 0;
    for (const TxOutput& output : tx.outputs) {
        if (book_.owns(output.script_pubkey)) sum += output.value;
    }
    return sum;
}

bool Ledger::all_inputs_owned(const Transaction& tx) const {
    return std::all_of(tx.inputs.begin(), tx.inputs.end(), [&](const TxInput& input) { return owned_.contains(input.prevout); });
}

bool Ledger::outbids(const Transaction& tx) const {
    const auto fee_of = [this](const Transaction& one) {
        Amount fee = debit(one);
        for (const TxOutput& output : one.outputs) fee -= output.value;
        return fee;
    };
    for (const TxInput& input : tx.inputs) {
        for (const Txid& other : spenders(input.prevout)) {
            const WalletTxPtr rival = find(other);
            if (other == tx.txid || rival->state != TxState::waiting || !all_inputs_owned(rival->tx->tx())) continue;
            if (fee_of(tx) <= fee_of(rival->tx->tx())) return false;
        }
    }
    return true;
}

std::set<Txid> Ledger::conflicts(const WalletTx& tx) const {
    std::set<Txid> found;
    for (const TxInput& input : tx.tx->tx().inputs) {
        for (const Txid& other : spenders(input.prevout)) found.insert(other);
    }
    found.erase(tx.txid());
    return found;
}

std::set<Txid> Ledger::waiting_conflicts(const WalletTx& tx) const {
    std::set<Txid> found;
    if (tx.is_confirmed() || tx.state == TxState::waiting) return found;
    std::vector<WalletTxPtr> left;
    std::set<Txid> done{tx.txid()};
    const auto look_at = [&](const WalletTx& one) {
        for (const TxInput& input : one.tx->tx().inputs) {
            for (const Txid& other : spenders(input.prevout)) {
                const WalletTxPtr rival = find(other);
                if (other != one.txid() && rival && rival->state == TxState::waiting) found.insert(other);
            }
            if (const auto foreign = foreign_spends_.find(input.prevout); foreign != foreign_spends_.end()) found.insert(foreign->second);
            const WalletTxPtr parent = find(input.prevout.txid);
            if (parent && !parent->is_confirmed() && parent->state != TxState::waiting && done.insert(parent->txid()).second) {
                left.push_back(parent);
            }
        }
    };
    look_at(tx);
    while (!left.empty()) {
        const WalletTxPtr next = left.back();
        left.pop_back();
        look_at(*next);
    }
    return found;
}

bool Ledger::is_trusted(const WalletTx& tx) const {
    Trusted trusted;
    return is_trusted(tx, trusted, 0);
}

bool Ledger::is_trusted(const WalletTx& tx, Trusted& trusted, int depth) const {
    if (tx.is_confirmed() || trusted.contains(tx.txid())) return true;
    if (tx.state != TxState::waiting || !spend_unconfirmed_change_ || depth > kMaxTrustDepth) return false;
    if (debit(tx.tx->tx()) == 0) return false;
    for (const TxInput& input : tx.tx->tx().inputs) {
        if (owned(input.prevout) == nullptr) return false;
        if (!is_trusted(*find(input.prevout.txid), trusted, depth + 1)) return false;
    }
    trusted.insert(tx.txid());
    return true;
}

Balance Ledger::balance(int min_depth, bool separate_used, bool include_nonmempool) const {
    Balance sum;
    Trusted trusted;
    for (const OutPoint& outpoint : open_) {
        const OwnedOutput& coin = owned_.at(outpoint);
        const WalletTx& tx = *find(outpoint.txid);
        const SpentBy spent = spent_by(outpoint);
        if (spent == SpentBy::confirmed || spent == SpentBy::waiting) continue;
        if (spent == SpentBy::inactive && !include_nonmempool) continue;
        const bool safe = is_trusted(tx, trusted, 0);
        Amount* kind = nullptr;
        if (tx.is_confirmed() && is_immature(tx)) {
            kind = &sum.immature;
        } else if (safe && depth(tx) >= min_depth) {
            kind = &sum.trusted;
        } else if (!safe && tx.state == TxState::waiting) {
            kind = &sum.untrusted_pending;
        }
        if (kind == nullptr) continue;
        if (separate_used && is_used(coin.script)) kind = &sum.used;
        *kind += coin.value;
        if (spent == SpentBy::inactive) sum.nonmempool -= coin.value;
    }
    return sum;
}

std::size_t Ledger::ancestors(const Txid& txid) const {
    const WalletTxPtr start = find(txid);
    if (!start || start->is_confirmed()) return 0;
    std::set<Txid> done{txid};
    std::vector<WalletTxPtr> left{start};
    while (!left.empty()) {
        const WalletTxPtr next = left.back();
        left.pop_back();
        for (const TxInput& input : next->tx->tx().inputs) {
            const WalletTxPtr parent = find(input.prevout.txid);
            if (parent && !parent->is_confirmed() && done.insert(parent->txid()).second) left.push_back(parent);
        }
    }
    return done.size();
}

Amount Ledger::ancestor_deficit(std::span<const OutPoint> outputs, FeeRate rate) const {
    std::map<Txid, WalletTxPtr> set;
    std::vector<Txid> left;
    for (const OutPoint& outpoint : outputs) left.push_back(outpoint.txid);
    while (!left.empty()) {
        const WalletTxPtr tx = find(left.back());
        left.pop_back();
        if (!tx || tx->is_confirmed() || !set.emplace(tx->txid(), tx).second) continue;
        for (const TxInput& input : tx->tx->tx().inputs) left.push_back(input.prevout.txid);
    }
    struct Package {
        Amount fee = 0;
        std::int64_t size = 0;
    };
    // Of foreign transactions no fee is known: they are taken to pay enough.
    const auto weigh = [&](const WalletTx& tx) -> Package {
        const Transaction& raw = tx.tx->tx();
        const std::int64_t size = raw.vsize();
        if (!all_inputs_owned(raw)) return {rate.fee(size), size};
        Amount paid = debit(raw);
        for (const TxOutput& output : raw.outputs) paid -= output.value;
        return {paid, size};
    };
    const auto with_ancestors = [&](const Txid& txid) {
        Package sum;
        std::set<Txid> done;
        std::vector<Txid> todo{txid};
        while (!todo.empty()) {
            const auto row = set.find(todo.back());
            todo.pop_back();
            if (row == set.end() || !done.insert(row->first).second) continue;
            const Package one = weigh(*row->second);
            sum.fee += one.fee;
            sum.size += one.size;
            for (const TxInput& input : row->second->tx->tx().inputs) todo.push_back(input.prevout.txid);
        }
        return std::pair(sum, done);
    };
    // What would be mined at this rate anyway needs no help; it leaves together with its ancestors.
    for (bool again = true; again;) {
        again = false;
        for (const auto& [txid, tx] : set) {
            const auto [sum, members] = with_ancestors(txid);
            if (sum.fee < rate.fee(sum.size)) continue;
            for (const Txid& member : members) set.erase(member);
            again = true;
            break;
        }
    }
    Package rest;
    for (const auto& [txid, tx] : set) {
        const Package one = weigh(*tx);
        rest.fee += one.fee;
        rest.size += one.size;
    }
    return std::max<Amount>(0, rate.fee(rest.size) - rest.fee);
}

}  // namespace cairn::light
