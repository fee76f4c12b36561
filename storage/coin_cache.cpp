#include "storage/coin_cache.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "consensus/crypto/random.hpp"
#include "consensus/crypto/siphash.hpp"
#include "storage/coin_store.hpp"
#include "storage/detail/coin_records.hpp"
#include "storage/detail/coin_table.hpp"
#include "storage/detail/packed_coin.hpp"

namespace cairn::storage {

using detail::CoinRecord;
using detail::CoinRecords;
using detail::CoinTable;
using detail::PackedCoin;
using detail::UnpackedCoin;

struct CoinCache::Impl {
    SipKey key{random_u64(), random_u64()};
    CoinTable table;
    CoinRecords records;
    std::vector<std::uint32_t> list;  // positions of what is or was dirty since the last flush, each once
    std::size_t dirty = 0;
    Height highest = 0;  // of any coin since the last reset
    Bytes scratch;

    std::size_t find(const OutPoint& outpoint, std::uint64_t hash) const {
        return table.find(hash, [&](std::uint32_t position) { return records.at(position).is(outpoint); });
    }

    void mark_dirty(std::uint32_t position) {
        CoinRecord record = records.at(position);
        if (!record.has(CoinRecord::dirty)) ++dirty;
        if (!record.has(CoinRecord::listed)) list.push_back(position);
        record.set(CoinRecord::dirty | CoinRecord::listed);
    }

    /// Writes a record into a place for it; gives the position. `reuse`: a place of the right size that is ours, or 0.
    std::uint32_t write_record(std::uint32_t reuse, const OutPoint& outpoint, std::size_t coin_size, std::uint16_t flags) {
        const std::uint32_t position = reuse ? reuse : records.take(CoinRecord::total_size(outpoint.index, coin_size));
        CoinRecord record = records.at(position);
        const std::uint16_t stays = record.flags() & CoinRecord::listed;
        record.format(static_cast<std::uint16_t>(flags | stays), outpoint, coin_size);
        return position;
    }

    /// Takes an entry away without a trace.
    void forget(std::size_t slot) {
        const std::uint32_t position = table.position(slot);
        if (records.at(position).has(CoinRecord::dirty)) --dirty;
        records.give_back(position);
        table.erase(slot);
    }

    /// Turns an entry into a dirty tombstone of the least size.
    void entomb(std::size_t slot) {
        const std::uint32_t old = table.position(slot);
        const OutPoint outpoint = records.at(old).outpoint();
        const bool fits = CoinRecords::same_place(records.at(old).size(), CoinRecord::total_size(outpoint.index, 0));
        if (!fits) {
            if (records.at(old).has(CoinRecord::dirty)) --dirty;
            records.give_back(old);
        }
        const std::uint16_t was_dirty = fits ? records.at(old).flags() & CoinRecord::dirty : 0;
        const std::uint32_t position = write_record(fits ? old : 0, outpoint, 0, CoinRecord::spent | was_dirty);
        table.set_position(slot, position);
        mark_dirty(position);
    }

    void put(const OutPoint& outpoint, std::uint64_t hash, const PackedCoin& packed, bool possibly_on_disk) {
        highest = std::max(highest, detail::packed_height(packed.prefix.data()));
        const std::size_t slot = find(outpoint, hash);
        std::uint16_t flags = possibly_on_disk ? 0 : CoinRecord::fresh;
        std::uint32_t reuse = 0;
        if (slot != CoinTable::kNone) {
            const std::uint32_t old = table.position(slot);
            const CoinRecord record = records.at(old);
            // What is known here of the disk counts, not what the caller suspects.
            flags = record.flags() & (CoinRecord::fresh | CoinRecord::dirty);
            if (CoinRecords::same_place(record.size(), CoinRecord::total_size(outpoint.index, packed.size()))) {
                reuse = old;
            } else {
                if (record.has(CoinRecord::dirty)) --dirty;
                flags &= CoinRecord::fresh;
                records.give_back(old);
            }
        }
        const std::uint32_t position = write_record(reuse, outpoint, packed.size(), flags);
        packed.copy_to(records.at(position).coin_data());
        if (slot != CoinTable::kNone) {
            table.set_position(slot, position);
        } else {
            table.insert(hash, position);
        }
        mark_dirty(position);
    }

    /// The slot of an unspent coin, or kNone.
    std::size_t find_unspent(const OutPoint& outpoint, std::uint64_t hash) const {
        const std::size_t slot = find(outpoint, hash);
        if (slot == CoinTable::kNone || records.at(table.position(slot)).has(CoinRecord::spent)) return CoinTable::kNone;
        return slot;
    }

    Coin read(std::size_t slot) const {
        const UnpackedCoin unpacked(records.at(table.position(slot)).coin());
        Coin coin{unpacked.value, Bytes(unpacked.script_size()), unpacked.origin.height, unpacked.origin.coinbase};
        unpacked.write_script(coin.script_pubkey.data());
        return coin;
    }

    CoinView read(std::size_t slot, Arena& arena) const {
        const UnpackedCoin unpacked(records.at(table.position(slot)).coin());
        const auto script = arena.make_row<std::uint8_t>(unpacked.script_size());
        unpacked.write_script(script.data());
        return {{unpacked.value, script}, unpacked.origin};
    }

    void take_out(std::size_t slot) {
        if (records.at(table.position(slot)).has(CoinRecord::fresh)) {
            forget(slot);
        } else {
            entomb(slot);
        }
    }

    /// The bytes that go to the disk for an unspent record; good until the next call.
    ByteSpan disk_form(const CoinRecord& record) {
        const UnpackedCoin unpacked(record.coin());
        if (!unpacked.may_be_uncompressed_key()) return record.coin();
        scratch.clear();
        Writer writer(scratch);
        write_coin(writer, {unpacked.value, unpacked.body}, unpacked.origin);
        return scratch;
    }

    template <class Emit>
    Stored<void> for_each_dirty(Emit&& emit) const;
    bool settle();
    void reset() {
        table.reset();
        records.reset();
        list = std::vector<std::uint32_t>();
        dirty = 0;
        highest = 0;
    }
};

/// Calls `emit` for every dirty record in key order. Works through 256 shares by the first byte of the txid, so that the
/// extra memory stays at four bytes an entry and each share's records at the processor.
template <class Emit>
Stored<void> CoinCache::Impl::for_each_dirty(Emit&& emit) const {
    std::array<std::size_t, 257> begin{};
    for (const std::uint32_t position : list) {
        const CoinRecord record = records.at(position);
        if (record.has(CoinRecord::dirty)) ++begin[record.txid()[0] + 1u];
    }
    for (std::size_t share = 0; share < 256; ++share) begin[share + 1] += begin[share];
    std::vector<std::uint32_t> shares(begin[256]);
    std::array<std::size_t, 256> fill{};
    for (const std::uint32_t position : list) {
        const CoinRecord record = records.at(position);
        if (!record.has(CoinRecord::dirty)) continue;
        const std::uint8_t share = record.txid()[0];
        shares[begin[share] + fill[share]++] = position;
    }

    struct Item {
        std::uint64_t prefix;
        std::uint32_t position;
    };
    std::vector<Item> items;
    const auto before = [&](const Item& a, const Item& b) {
        if (a.prefix != b.prefix) return a.prefix < b.prefix;
        const CoinRecord left = records.at(a.position), right = records.at(b.position);
        const int order = std::memcmp(left.txid(), right.txid(), Uint256::kSize);
        return order != 0 ? order < 0 : left.index() < right.index();
    };
    for (std::size_t share = 0; share < 256; ++share) {
        items.clear();
        for (std::size_t i = begin[share]; i < begin[share + 1]; ++i) {
            std::uint64_t prefix;
            std::memcpy(&prefix, records.at(shares[i]).txid() + 1, sizeof prefix);
            items.push_back({__builtin_bswap64(prefix), shares[i]});
        }
        std::sort(items.begin(), items.end(), before);
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (i + 8 < items.size()) records.at(items[i + 8].position).prefetch();
            if (auto done = emit(records.at(items[i].position)); !done) return done;
        }
    }
    return {};
}

/// After the dirty entries reached the disk: tombstones go, the others are clean. True when there was any, so that older
/// answers of the disk, "no such coin" too, may be wrong now.
bool CoinCache::Impl::settle() {
    bool changed = false;
    for (const std::uint32_t position : list) {
        CoinRecord record = records.at(position);
        record.clear(CoinRecord::listed);
        if (!record.has(CoinRecord::dirty)) continue;
        changed = true;
        if (record.has(CoinRecord::spent)) {
            const OutPoint outpoint = record.outpoint();
            forget(find(outpoint, siphash13_jumbo(key, outpoint.txid, outpoint.index)));
        } else {
            record.clear(CoinRecord::dirty | CoinRecord::fresh);
            --dirty;
        }
    }
    list.clear();
    CAIRN_CHECK(dirty == 0);
    return changed;
}

CoinCache::CoinCache() : impl_(std::make_unique<Impl>()) {}
CoinCache::~CoinCache() = default;

CoinCache::Probe CoinCache::prepare(const OutPoint& outpoint) const {
    const Probe probe{siphash13_jumbo(impl_->key, outpoint.txid, outpoint.index)};
    impl_->table.prefetch(probe.hash);
    return probe;
}

void CoinCache::touch(Probe probe) const {
    const std::size_t slot = impl_->table.find(probe.hash, [](std::uint32_t) { return true; });
    if (slot != CoinTable::kNone) impl_->records.at(impl_->table.position(slot)).prefetch();
}

CoinCache::Lookup CoinCache::contains(const OutPoint& outpoint, Probe probe) const {
    const std::size_t slot = impl_->find(outpoint, probe.hash);
    if (slot == CoinTable::kNone) return Lookup::unknown;
    return impl_->records.at(impl_->table.position(slot)).has(CoinRecord::spent) ? Lookup::spent : Lookup::unspent;
}

std::optional<Coin> CoinCache::find(const OutPoint& outpoint, Probe probe) const {
    const std::size_t slot = impl_->find_unspent(outpoint, probe.hash);
    if (slot == CoinTable::kNone) return std::nullopt;
    return impl_->read(slot);
}

std::optional<CoinView> CoinCache::find(const OutPoint& outpoint, Probe probe, Arena& arena) const {
    const std::size_t slot = impl_->find_unspent(outpoint, probe.hash);
    if (slot == CoinTable::kNone) return std::nullopt;
    return impl_->read(slot, arena);
}

void CoinCache::add(const OutPoint& outpoint, Probe probe, const CoinView& coin, bool possibly_on_disk) {
    const PackedCoin packed = detail::pack(coin.output.value, coin.output.script_pubkey, coin.origin.height, coin.origin.coinbase);
    impl_->put(outpoint, probe.hash, packed, possibly_on_disk);
}

std::optional<Coin> CoinCache::spend(const OutPoint& outpoint, Probe probe) {
    const std::size_t slot = impl_->find_unspent(outpoint, probe.hash);
    if (slot == CoinTable::kNone) return std::nullopt;
    Coin coin = impl_->read(slot);
    impl_->take_out(slot);
    return coin;
}

std::optional<CoinView> CoinCache::spend(const OutPoint& outpoint, Probe probe, Arena& arena) {
    const std::size_t slot = impl_->find_unspent(outpoint, probe.hash);
    if (slot == CoinTable::kNone) return std::nullopt;
    const CoinView coin = impl_->read(slot, arena);
    impl_->take_out(slot);
    return coin;
}

void CoinCache::erase_blind(const OutPoint& outpoint) {
    const Probe probe = prepare(outpoint);
    const std::size_t slot = impl_->find(outpoint, probe.hash);
    if (slot == CoinTable::kNone) {
        const std::uint32_t position = impl_->write_record(0, outpoint, 0, CoinRecord::spent);
        impl_->table.insert(probe.hash, position);
        impl_->mark_dirty(position);
    } else if (!impl_->records.at(impl_->table.position(slot)).has(CoinRecord::spent)) {
        impl_->take_out(slot);
    }
}

bool CoinCache::insert_from_disk(const OutPoint& outpoint, const Coin& coin, std::uint64_t epoch) {
    const Probe probe = prepare(outpoint);
    if (impl_->find(outpoint, probe.hash) != CoinTable::kNone) return true;
    if (epoch != epoch_) return false;
    const PackedCoin packed = detail::pack(coin.value, coin.script_pubkey, coin.height, coin.coinbase);
    impl_->highest = std::max(impl_->highest, coin.height);
    const std::uint32_t position = impl_->write_record(0, outpoint, packed.size(), 0);
    packed.copy_to(impl_->records.at(position).coin_data());
    impl_->table.insert(probe.hash, position);
    return true;
}

std::size_t CoinCache::size() const { return impl_->table.size(); }
std::size_t CoinCache::dirty_count() const { return impl_->dirty; }

std::size_t CoinCache::memory_usage() const {
    return impl_->records.held_bytes() + impl_->table.memory_bytes() + impl_->list.capacity() * sizeof(std::uint32_t);
}

std::size_t CoinCache::live_bytes() const {
    return impl_->records.live_bytes() + impl_->table.memory_bytes() + impl_->list.size() * sizeof(std::uint32_t);
}

void CoinCache::flush(WriteBatch& batch, const BestBlock& best) {
    (void)impl_->for_each_dirty([&](const CoinRecord& record) -> Stored<void> {
        const CoinKey name(record.outpoint());
        if (record.has(CoinRecord::spent)) {
            batch.erase(Family::coins, name.span());
        } else {
            batch.put(Family::coins, name.span(), impl_->disk_form(record));
        }
        return {};
    });
    put_best_block(batch, best);
    if (impl_->settle()) ++epoch_;
}

Stored<void> CoinCache::flush_all(KvStore& store, WriteBatch& batch, const BestBlock& best, std::size_t keep_bytes) {
    const auto bulk = store.start_bulk(Family::coins);
    auto streamed = impl_->for_each_dirty([&](const CoinRecord& record) -> Stored<void> {
        const CoinKey name(record.outpoint());
        return record.has(CoinRecord::spent) ? bulk->erase(name.span()) : bulk->put(name.span(), impl_->disk_form(record));
    });
    if (!streamed) return streamed;
    put_best_block(batch, best);
    if (auto committed = bulk->commit(batch); !committed) return committed;
    if (keep_bytes == 0) {
        reset();
        return {};
    }
    if (impl_->settle()) ++epoch_;
    evict(keep_bytes);
    return {};
}

void CoinCache::evict(std::size_t keep_bytes) {
    // Bytes by the height that made them, in steps of equal width.
    constexpr std::size_t kSteps = 4096;
    constexpr std::size_t kSlotBytes = 12;
    const auto each_clean = [&](auto&& visit) {
        const CoinTable& table = impl_->table;
        for (std::size_t slot = 0; slot < table.capacity();) {
            constexpr std::size_t kAhead = 16;
            if (slot + kAhead < table.capacity() && table.used(slot + kAhead)) {
                impl_->records.at(table.position(slot + kAhead)).prefetch();
            }
            const bool erased = table.used(slot) && !impl_->records.at(table.position(slot)).has(CoinRecord::dirty) &&
                                visit(slot, impl_->records.at(table.position(slot)));
            if (!erased) ++slot;  // otherwise another entry may have moved here
        }
    };
    const Height width = impl_->highest / static_cast<Height>(kSteps) + 1;
    std::array<std::size_t, kSteps> bytes{};
    each_clean([&](std::size_t, const CoinRecord& record) {
        bytes[static_cast<std::size_t>(detail::packed_height(record.coin_data()) / width)] += record.size() + kSlotBytes;
        return false;
    });
    std::size_t step = kSteps, kept = 0;
    while (step > 0 && kept + bytes[step - 1] <= keep_bytes) kept += bytes[--step];
    const Height oldest = static_cast<Height>(step) * width;
    each_clean([&](std::size_t slot, const CoinRecord& record) {
        if (detail::packed_height(record.coin_data()) >= oldest) return false;
        impl_->forget(slot);
        return true;
    });
    if (impl_->table.size() == 0) reset();
}

void CoinCache::reset() {
    impl_->reset();
    ++epoch_;
}

void CoinCache::check_consistency() const {
    std::size_t dirty = 0, entries = 0, bytes = 0;
    for (std::size_t slot = 0; slot < impl_->table.capacity(); ++slot) {
        if (!impl_->table.used(slot)) continue;
        ++entries;
        const CoinRecord record = impl_->records.at(impl_->table.position(slot));
        CAIRN_CHECK(!record.has(CoinRecord::vacant));
        CAIRN_CHECK(impl_->find(record.outpoint(), prepare(record.outpoint()).hash) == slot);
        CAIRN_CHECK(!record.has(CoinRecord::fresh) || (record.has(CoinRecord::dirty) && !record.has(CoinRecord::spent)));
        CAIRN_CHECK(!record.has(CoinRecord::spent) || record.has(CoinRecord::dirty));
        CAIRN_CHECK(!record.has(CoinRecord::dirty) || record.has(CoinRecord::listed));
        dirty += record.has(CoinRecord::dirty);
        bytes += (record.size() + 3) / 4 * 4;
    }
    CAIRN_CHECK(entries == impl_->table.size() && dirty == impl_->dirty && bytes == impl_->records.live_bytes());
    std::size_t listed = 0;
    for (const std::uint32_t position : impl_->list) {
        CAIRN_CHECK(impl_->records.at(position).has(CoinRecord::listed));
        listed += impl_->records.at(position).has(CoinRecord::dirty);
    }
    CAIRN_CHECK(listed == dirty);
}

}  // namespace cairn::storage
