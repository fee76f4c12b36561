#include "light/script_watch.hpp"

#include <algorithm>

#include "storage/codec.hpp"

namespace cairn::light {

using storage::Family;
using storage::HeightKey;
using storage::Stored;
using storage::WriteBatch;

namespace {

constexpr std::size_t kMaxUnconfirmed = 10'000;

Bytes encode(const ScanPlace& place, const std::vector<ScriptWatch::Payment>& payments) {
    Bytes row;
    Writer writer(row);
    writer.u32(place.time_s);
    writer.compact_size(payments.size());
    for (const ScriptWatch::Payment& payment : payments) {
        writer.uint256(payment.txid);
        writer.u32(payment.index);
        writer.i64(payment.value);
        writer.var_bytes(payment.script);
    }
    return row;
}

}  // namespace

Stored<std::unique_ptr<ScriptWatch>> ScriptWatch::open(storage::KvStore& kv) {
    if (auto done = kv.set_durability(storage::Durability::write_ahead); !done) return fail(done.error());
    std::unique_ptr<ScriptWatch> watch(new ScriptWatch(kv));
    const auto scripts = kv.iterate(Family::coins, nullptr);
    for (scripts->seek({}); scripts->valid(); scripts->next()) {
        Reader reader(scripts->value());
        const std::uint64_t revision = reader.u64();
        const auto since = static_cast<Height>(reader.u32());
        watch->set_.scripts.push_back(to_bytes(scripts->key()));
        watch->scripts_.insert(to_bytes(scripts->key()));
        watch->set_.additions.push_back({revision, Birthday{since, {}}});
        watch->set_.revision = std::max(watch->set_.revision, revision);
    }
    if (auto status = scripts->status(); !status) return fail(status.error());
    const auto blocks = kv.iterate(Family::blocks, nullptr);
    for (blocks->seek({}); blocks->valid(); blocks->next()) {
        Reader reader(blocks->value());
        ScanPlace place{BlockHash(blocks->key().subspan(4)), storage::read_height_be(blocks->key()), reader.u32()};
        std::vector<Payment> payments(std::min<std::uint64_t>(reader.compact_size(), 1'000'000));
        for (Payment& payment : payments) {
            payment.txid = Txid(reader.uint256());
            payment.index = reader.u32();
            payment.value = reader.i64();
            payment.script = to_bytes(reader.var_bytes());
            payment.block = place;
        }
        if (reader.ok()) watch->found_[place.height] = {place, std::move(payments)};
    }
    if (auto status = blocks->status(); !status) return fail(status.error());
    return watch;
}

void ScriptWatch::note(const Stored<void>& done) {
    if (!done && !failure_) failure_ = done.error();
}

Stored<bool> ScriptWatch::add(const Bytes& script, Height since) {
    const std::lock_guard lock(mutex_);
    if (script.empty() || !scripts_.insert(script).second) return false;
    ++set_.revision;
    set_.scripts.push_back(script);
    set_.additions.push_back({set_.revision, Birthday{since, {}}});
    Bytes row;
    Writer writer(row);
    writer.u64(set_.revision);
    writer.u32(static_cast<std::uint32_t>(since));
    WriteBatch batch;
    batch.put(Family::coins, script, row);
    if (auto done = kv_.write(batch); !done) return fail(done.error());
    return true;
}

std::shared_ptr<const WatchSet> ScriptWatch::watch() {
    const std::lock_guard lock(mutex_);
    auto set = std::make_shared<WatchSet>(set_);
    for (const WatchSet::Addition& addition : set_.additions)
        set->birthday.height = std::min(set->birthday.height.value_or(*addition.since.height), *addition.since.height);
    return set;
}

std::vector<ScriptWatch::Payment> ScriptWatch::payments_in(const Transaction& tx) const {
    std::vector<Payment> payments;
    for (std::size_t i = 0; i < tx.outputs.size(); ++i) {
        Bytes script = to_bytes(tx.outputs[i].script_pubkey);
        if (scripts_.contains(script)) payments.push_back({tx.txid, static_cast<std::uint32_t>(i), tx.outputs[i].value, std::move(script), {}});
    }
    return payments;
}

void ScriptWatch::on_block(const BlockPtr& block, const ScanPlace& place) {
    const std::lock_guard lock(mutex_);
    std::vector<Payment> payments;
    for (const Transaction& tx : block->txs()) {
        unconfirmed_.erase(tx.txid);
        for (Payment& payment : payments_in(tx)) {
            payment.block = place;
            payments.push_back(std::move(payment));
        }
    }
    if (payments.empty()) return;
    WriteBatch batch;
    batch.put(Family::blocks, HeightKey(place.height, place.hash).span(), encode(place, payments));
    note(kv_.write(batch));
    found_[place.height] = {place, std::move(payments)};
}

void ScriptWatch::on_disconnected(const ScanPlace& place) {
    const std::lock_guard lock(mutex_);
    const auto found = found_.find(place.height);
    if (found == found_.end() || found->second.first.hash != place.hash) return;
    found_.erase(found);
    WriteBatch batch;
    batch.erase(Family::blocks, HeightKey(place.height, place.hash).span());
    note(kv_.write(batch));
}

void ScriptWatch::on_scanned(const ScanPlace&) {}

void ScriptWatch::on_transaction(const TransactionPtr& tx) {
    const std::lock_guard lock(mutex_);
    if (unconfirmed_.size() < kMaxUnconfirmed) unconfirmed_[tx->tx().txid] = payments_in(tx->tx());
}

std::vector<ScriptWatch::Payment> ScriptWatch::payments() const {
    const std::lock_guard lock(mutex_);
    std::vector<Payment> all;
    for (const auto& [height, entry] : found_) all.insert(all.end(), entry.second.begin(), entry.second.end());
    for (const auto& [txid, payments] : unconfirmed_) all.insert(all.end(), payments.begin(), payments.end());
    return all;
}

std::size_t ScriptWatch::scripts() const {
    const std::lock_guard lock(mutex_);
    return scripts_.size();
}

std::optional<storage::StorageError> ScriptWatch::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

}  // namespace cairn::light
