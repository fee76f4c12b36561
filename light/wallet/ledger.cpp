#include "light/wallet/ledger.hpp"

#include <algorithm>

#include "light/wallet/store_keys.hpp"

namespace cairn::light {
namespace {

/// How far a clock may run ahead when times are put in order, seconds.
constexpr std::int64_t kClockTolerance = 300;

TransactionPtr keep(const Transaction& tx) { return *TransactionHolder::parse(to_bytes(tx.raw)); }

}  // namespace

WalletTxPtr Ledger::find(const Txid& txid) const {
    const auto found = transactions_.find(txid);
    return found == transactions_.end() ? nullptr : found->second;
}

const OwnedOutput* Ledger::owned(const OutPoint& outpoint) const {
    const auto found = owned_.find(outpoint);
    return found == owned_.end() ? nullptr : &found->second;
}

bool Ledger::is_ours(const Transaction& tx) const {
    const auto spends = [&](const TxInput& input) { return owned_.contains(input.prevout); };
    const auto pays = [&](const TxOutput& output) { return book_.owns(output.script_pubkey); };
    return std::any_of(tx.inputs.begin(), tx.inputs.end(), spends) || std::any_of(tx.outputs.begin(), tx.outputs.end(), pays);
}

bool Ledger::concerns(const Transaction& tx) const {
    if (transactions_.contains(tx.txid) || is_ours(tx)) return true;
    return std::any_of(tx.inputs.begin(), tx.inputs.end(), [&](const TxInput& input) { return spends_.contains(input.prevout); });
}

std::int64_t Ledger::smart_time(std::int64_t received, std::int64_t block_time, bool rescan) const {
    if (block_time == 0) return received;
    if (rescan) return block_time;
    std::int64_t latest = 0;
    for (auto row = by_order_.rbegin(); row != by_order_.rend(); ++row) {
        if (row->second->time > received + kClockTolerance) continue;
        latest = row->second->time;
        break;
    }
    return std::max(latest, std::min(block_time, received));
}

WalletTx Ledger::make_new(TransactionPtr tx, std::int64_t now) const {
    WalletTx made;
    made.tx = std::move(tx);
    made.order = by_order_.empty() ? 0 : by_order_.rbegin()->first + 1;
    made.time_received = made.time = now;
    return made;
}

void Ledger::index_outputs(const Transaction& tx) {
    for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) {
        const OutPoint outpoint{tx.txid, i};
        const TxOutput& output = tx.outputs[i];
        if (book_.owns(output.script_pubkey)) {
            owned_.emplace(outpoint, OwnedOutput{outpoint, output.value, output.script_pubkey});
        } else {
            not_owned_[as_text(output.script_pubkey)].push_back(outpoint);
        }
    }
}

void Ledger::insert(WalletTx tx, storage::WriteBatch* batch) {
    const auto kept = std::make_shared<const WalletTx>(std::move(tx));
    const Transaction& raw = kept->tx->tx();
    transactions_.emplace(raw.txid, kept);
    by_order_.emplace(kept->order, kept);
    if (kept->state == TxState::confirmed || kept->state == TxState::conflicted) by_height_.emplace(kept->block.height, raw.txid);
    index_outputs(raw);
    if (!raw.is_coinbase()) {
        for (const TxInput& input : raw.inputs) {
            spends_.emplace(input.prevout, raw.txid);
            if (batch != nullptr) unlock(input.prevout, *batch);
        }
    }
    forget_foreign(raw.txid);
    refresh_open(raw);
    if (batch != nullptr) batch->put(storage::Family::meta, store::transaction_key(raw.txid), kept->serialize());
    ++revision_;
}

void Ledger::replace(const WalletTxPtr& old, WalletTx changed, storage::WriteBatch& batch) {
    const auto kept = std::make_shared<const WalletTx>(std::move(changed));
    const Txid txid = kept->txid();
    if (old->state == TxState::confirmed || old->state == TxState::conflicted) {
        const auto [first, last] = by_height_.equal_range(old->block.height);
        const auto row = std::find_if(first, last, [&](const auto& entry) { return entry.second == txid; });
        if (row != last) by_height_.erase(row);
    }
    if (kept->state == TxState::confirmed || kept->state == TxState::conflicted) by_height_.emplace(kept->block.height, txid);
    transactions_[txid] = kept;
    by_order_[kept->order] = kept;
    refresh_open(kept->tx->tx());
    batch.put(storage::Family::meta, store::transaction_key(txid), kept->serialize());
    ++revision_;
}

void Ledger::refresh_open(const Transaction& tx) {
    const auto refresh = [&](const OutPoint& outpoint) {
        if (!owned_.contains(outpoint)) return;
        if (spent_by(outpoint) == SpentBy::confirmed) {
            open_.erase(outpoint);
        } else {
            open_.insert(outpoint);
        }
    };
    for (const TxInput& input : tx.inputs) {
        refresh(input.prevout);
        if (const auto* coin = owned(input.prevout)) used_[as_text(coin->script)] = 1;
    }
    for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) {
        const OutPoint outpoint{tx.txid, i};
        refresh(outpoint);
        // It may have been spent before it was known.
        if (owned_.contains(outpoint) && spends_.contains(outpoint)) used_[as_text(tx.outputs[i].script_pubkey)] = 1;
    }
}

void Ledger::adopt(ByteSpan script) {
    const auto row = not_owned_.find(as_text(script));
    if (row == not_owned_.end()) return;
    const std::vector<OutPoint> outpoints = std::move(row->second);
    not_owned_.erase(row);
    for (const OutPoint& outpoint : outpoints) {
        const WalletTxPtr tx = find(outpoint.txid);
        const TxOutput& output = tx->tx->tx().outputs[outpoint.index];
        owned_.emplace(outpoint, OwnedOutput{outpoint, output.value, output.script_pubkey});
        refresh_open(tx->tx->tx());
    }
    ++revision_;
}

std::vector<Txid> Ledger::spenders(const OutPoint& outpoint) const {
    std::vector<Txid> found;
    const auto [first, last] = spends_.equal_range(outpoint);
    for (auto row = first; row != last; ++row) found.push_back(row->second);
    return found;
}

std::vector<Txid> Ledger::children(const Transaction& tx) const {
    std::vector<Txid> found;
    for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) {
        const auto of_output = spenders({tx.txid, i});
        found.insert(found.end(), of_output.begin(), of_output.end());
    }
    return found;
}

bool Ledger::confirm(const Transaction& tx, const BlockPlace& block, int position, std::int64_t now, bool rescan,
                     storage::WriteBatch& batch) {
    if (!concerns(tx)) return false;
    if (!tx.is_coinbase()) {
        for (const TxInput& input : tx.inputs) {
            for (const Txid& other : spenders(input.prevout)) {
                if (other != tx.txid) mark_conflicted(other, block, batch);
            }
        }
    }
    forget_foreign(tx.txid);
    if (const WalletTxPtr known = find(tx.txid)) {
        if (known->is_confirmed() && known->block == block && known->position == position) return true;
        WalletTx changed = *known;
        changed.state = TxState::confirmed;
        changed.block = block;
        changed.position = position;
        replace(known, std::move(changed), batch);
        return true;
    }
    if (!is_ours(tx)) return false;  // it only conflicts
    WalletTx made = make_new(keep(tx), now);
    made.state = TxState::confirmed;
    made.block = block;
    made.position = position;
    made.time = smart_time(now, block.time, rescan);
    insert(std::move(made), &batch);
    return true;
}

void Ledger::mark_conflicted(const Txid& txid, const BlockPlace& block, storage::WriteBatch& batch) {
    std::vector<Txid> left{txid};
    std::set<Txid> done;
    while (!left.empty()) {
        const Txid next = left.back();
        left.pop_back();
        const WalletTxPtr known = find(next);
        if (!known || !done.insert(next).second || known->is_confirmed()) continue;
        // The deepest conflict is the one that goes away last.
        if (known->state == TxState::conflicted && known->block.height <= block.height) continue;
        WalletTx changed = *known;
        changed.state = TxState::conflicted;
        changed.block = block;
        changed.position = -1;
        replace(known, std::move(changed), batch);
        const auto below = children(known->tx->tx());
        left.insert(left.end(), below.begin(), below.end());
    }
}

void Ledger::inherit_conflicts(WalletTx& tx) const {
    const auto consider = [&](const BlockPlace& block) {
        if (tx.state == TxState::conflicted && tx.block.height <= block.height) return;
        tx.state = TxState::conflicted;
        tx.block = block;
    };
    for (const TxInput& input : tx.tx->tx().inputs) {
        const WalletTxPtr parent = find(input.prevout.txid);
        if (parent && parent->state == TxState::conflicted) consider(parent->block);
        for (const Txid& other : spenders(input.prevout)) {
            const WalletTxPtr rival = find(other);
            if (other != tx.txid() && rival && rival->is_confirmed()) consider(rival->block);
        }
    }
}

void Ledger::abandon_with_descendants(const Txid& txid, storage::WriteBatch& batch) {
    std::vector<Txid> left{txid};
    while (!left.empty()) {
        const WalletTxPtr known = find(left.back());
        left.pop_back();
        if (!known || known->is_confirmed() || known->state == TxState::abandoned || known->state == TxState::conflicted) continue;
        WalletTx changed = *known;
        changed.state = TxState::abandoned;
        changed.block = {};
        changed.position = -1;
        replace(known, std::move(changed), batch);
        const auto below = children(known->tx->tx());
        left.insert(left.end(), below.begin(), below.end());
    }
}

void Ledger::step_back(const Txid& txid, storage::WriteBatch& batch) {
    const WalletTxPtr known = find(txid);
    WalletTx changed = *known;
    if (changed.is_confirmed()) {
        std::erase_if(changed.left, [&](const BlockPlace& place) { return place.hash == changed.block.hash; });
        if (changed.left.size() == WalletTx::kMaxLeft) changed.left.erase(changed.left.begin());
        changed.left.push_back(changed.block);
    }
    changed.state = TxState::inactive;
    changed.block = {};
    changed.position = -1;
    replace(known, std::move(changed), batch);
}

void Ledger::disconnect_to(const BlockPlace& tip, storage::WriteBatch& batch) {
    std::vector<Txid> above;
    for (auto row = by_height_.upper_bound(tip.height); row != by_height_.end(); ++row) above.push_back(row->second);
    for (const Txid& txid : above) step_back(txid, batch);
    // The coins of a block that is gone cannot come back but with that block, nor what spent them.
    for (const Txid& txid : above) {
        if (find(txid)->tx->tx().is_coinbase()) abandon_with_descendants(txid, batch);
    }
    tip_ = tip;
    ++revision_;
}

void Ledger::forget_foreign(const Txid& txid) {
    std::erase_if(foreign_spends_, [&](const auto& row) { return row.second == txid; });
}

bool Ledger::see(const TransactionPtr& tx, std::int64_t now, bool displaces, storage::WriteBatch& batch) {
    const Transaction& raw = tx->tx();
    if (raw.is_coinbase() || !concerns(raw)) return false;
    const WalletTxPtr known = find(raw.txid);
    if (known && (known->state == TxState::waiting || known->state == TxState::confirmed || known->state == TxState::conflicted)) return true;

    std::set<Txid> rivals;
    for (const TxInput& input : raw.inputs) {
        for (const Txid& other : spenders(input.prevout)) {
            const WalletTxPtr rival = find(other);
            if (other != raw.txid && rival->state == TxState::waiting) rivals.insert(other);
        }
    }
    if (!rivals.empty() && !displaces) return known != nullptr;
    for (const Txid& rival : rivals) {
        std::vector<Txid> left{rival};
        while (!left.empty()) {
            const Txid next = left.back();
            left.pop_back();
            const WalletTxPtr gone = find(next);
            if (gone->state != TxState::waiting) continue;
            leave(next, batch);
            const auto below = children(gone->tx->tx());
            left.insert(left.end(), below.begin(), below.end());
        }
    }
    if (!known && !is_ours(raw)) {
        for (const TxInput& input : raw.inputs) {
            if (spends_.contains(input.prevout)) foreign_spends_[input.prevout] = raw.txid;
        }
        ++revision_;
        return false;
    }
    WalletTx made = known ? *known : make_new(tx, now);
    made.state = TxState::waiting;
    inherit_conflicts(made);
    if (known) {
        replace(known, std::move(made), batch);
    } else {
        insert(std::move(made), &batch);
    }
    return true;
}

void Ledger::add_own(const TransactionPtr& tx, std::int64_t now, std::map<std::string, std::string> notes, storage::WriteBatch& batch) {
    if (const WalletTxPtr known = find(tx->tx().txid)) {
        if (notes.empty()) return;
        WalletTx changed = *known;
        changed.notes = std::move(notes);
        replace(known, std::move(changed), batch);
        return;
    }
    WalletTx made = make_new(tx, now);
    made.notes = std::move(notes);
    inherit_conflicts(made);
    insert(std::move(made), &batch);
}

void Ledger::leave(const Txid& txid, storage::WriteBatch& batch) {
    forget_foreign(txid);
    const WalletTxPtr known = find(txid);
    if (known && known->state == TxState::waiting) step_back(txid, batch);
}

Result<void, std::string> Ledger::abandon(const Txid& txid, storage::WriteBatch& batch) {
    const WalletTxPtr known = find(txid);
    if (!known) return fail(std::string("Invalid or non-wallet transaction id"));
    if (known->state != TxState::inactive && known->state != TxState::abandoned) {
        return fail(std::string("Transaction not eligible for abandonment"));
    }
    abandon_with_descendants(txid, batch);
    return {};
}

void Ledger::mark_replaced(const Txid& older, const Txid& newer, storage::WriteBatch& batch) {
    if (const WalletTxPtr known = find(older)) {
        WalletTx changed = *known;
        changed.replaced_by = newer;
        replace(known, std::move(changed), batch);
    }
    if (const WalletTxPtr known = find(newer)) {
        WalletTx changed = *known;
        changed.replaces = older;
        replace(known, std::move(changed), batch);
    }
}

bool Ledger::lock(const OutPoint& outpoint, bool persistent, storage::WriteBatch& batch) {
    const auto [row, added] = locks_.emplace(outpoint, persistent);
    if (!added && row->second == persistent) return false;
    row->second = row->second || persistent;
    if (persistent) batch.put(storage::Family::meta, store::lock_key(outpoint), {});
    ++revision_;
    return true;
}

bool Ledger::unlock(const OutPoint& outpoint, storage::WriteBatch& batch) {
    const auto row = locks_.find(outpoint);
    if (row == locks_.end()) return false;
    if (row->second) batch.erase(storage::Family::meta, store::lock_key(outpoint));
    locks_.erase(row);
    ++revision_;
    return true;
}

void Ledger::unlock_all(storage::WriteBatch& batch) {
    while (!locks_.empty()) unlock(OutPoint(locks_.begin()->first), batch);
}

bool Ledger::load_transaction(ByteSpan key, ByteSpan value) {
    auto loaded = WalletTx::parse(value);
    if (!loaded || key.size() != 33 || Txid(key.subspan(1)) != loaded->txid() || by_order_.contains(loaded->order)) return false;
    insert(std::move(*loaded), nullptr);
    return true;
}

bool Ledger::load_lock(ByteSpan key) {
    if (key.size() != 37) return false;
    locks_.emplace(OutPoint{Txid(key.subspan(1, 32)), store::read_be(key, 33)}, true);
    return true;
}

void Ledger::finish_loading() {
    for (const auto& [order, tx] : by_order_) refresh_open(tx->tx->tx());
}

}  // namespace cairn::light
