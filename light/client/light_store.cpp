#include "light/client/light_store.hpp"

#include <algorithm>

#include "storage/codec.hpp"

namespace cairn::light {

using storage::Family;
using storage::HeightKey;
using storage::Stored;
using storage::StorageError;
using storage::WriteBatch;

namespace {

constexpr std::uint32_t kEnd = 0xffffffff;

ByteSpan text(std::string_view name) { return {reinterpret_cast<const std::uint8_t*>(name.data()), name.size()}; }
constexpr std::string_view kNetwork = "light.genesis", kProgress = "light.progress", kVoters = "light.voters";

/// A number, most significant byte first, so that keys sort by it.
std::array<std::uint8_t, 4> key_of(std::uint32_t number) {
    return {static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
            static_cast<std::uint8_t>(number)};
}

}  // namespace

Stored<std::unique_ptr<LightStore>> LightStore::open(storage::KvStore& kv, const ChainParams& params) {
    auto known = kv.get(Family::meta, text(kNetwork), nullptr);
    if (!known) return fail(known.error());
    if (*known && !std::ranges::equal(**known, params.genesis_hash().span()))
        return fail(StorageError{StorageError::Kind::foreign, "The data of the light client belong to another network"});
    if (!*known) {
        WriteBatch batch;
        batch.put(Family::meta, text(kNetwork), params.genesis_hash().span());
        if (auto done = kv.write(batch); !done) return fail(done.error());
    }
    if (auto done = kv.set_durability(storage::Durability::write_ahead); !done) return fail(done.error());
    return std::unique_ptr<LightStore>(new LightStore(kv));
}

Stored<std::uint32_t> LightStore::load_headers(HeaderChain& chain, const std::function<void()>& now_and_then) {
    const auto it = kv_.iterate(Family::headers, nullptr);
    std::uint32_t next = 1;
    bool sound = true;
    for (it->seek({}); it->valid() && sound; it->next()) {
        const ByteSpan key = it->key(), value = it->value();
        Reader reader(value);
        sound = value.size() == BlockHeader::kSize && std::ranges::equal(key, key_of(next)) && chain.restore(BlockHeader::read(reader)) &&
                chain.size() == next + 1;
        if (sound && ++next % kPiece == 0 && now_and_then) now_and_then();
    }
    if (auto status = it->status(); !status) return fail(status.error());
    if (!sound) {
        WriteBatch batch;
        batch.erase_range(Family::headers, key_of(next), key_of(kEnd));
        if (auto done = kv_.write(batch); !done) return fail(done.error());
    }
    return next - 1;
}

Stored<Height> LightStore::load_filter_headers(const HeaderChain& chain, const std::function<void(const Uint256&)>& take,
                                                const std::function<void()>& now_and_then) {
    Height height = 0;
    const auto it = kv_.iterate(Family::filter_headers, nullptr);
    std::vector<const HeaderNode*> path;  // of the next blocks, the next one last
    for (it->seek({}); it->valid() && height < chain.tip()->height; it->next()) {
        if (path.empty()) {
            if (now_and_then) now_and_then();
            const HeaderNode* node = chain.tip()->ancestor(std::min(height + static_cast<Height>(kPiece), chain.tip()->height));
            for (; node->height > height; node = node->parent) path.push_back(node);
        }
        const ByteSpan value = it->value();
        if (value.size() != 2 * Uint256::kSize || !std::ranges::equal(it->key(), key_of(static_cast<std::uint32_t>(height) + 1)) ||
            !std::ranges::equal(value.first(Uint256::kSize), path.back()->hash.span()))
            break;
        take(Uint256(value.subspan(Uint256::kSize)));
        path.pop_back();
        ++height;
    }
    if (auto status = it->status(); !status) return fail(status.error());
    if (auto done = cut_filters(height); !done) return fail(done.error());
    return height;
}

Stored<std::optional<ScanProgress>> LightStore::load_progress() const {
    auto row = kv_.get(Family::meta, text(kProgress), nullptr);
    if (!row) return fail(row.error());
    if (!*row) return std::nullopt;
    Reader reader(**row);
    ScanProgress progress;
    progress.block = BlockHash(reader.uint256());
    progress.revision = reader.u64();
    progress.reached = BlockHash(reader.uint256());
    if (!reader.ok()) return std::nullopt;
    return progress;
}

Stored<int> LightStore::load_voters() const {
    auto row = kv_.get(Family::meta, text(kVoters), nullptr);
    if (!row) return fail(row.error());
    return *row && (*row)->size() == 1 ? int{(**row)[0]} : 0;
}

Stored<void> LightStore::put_headers(const std::vector<const HeaderNode*>& nodes) {
    WriteBatch batch;
    for (const HeaderNode* node : nodes) {
        Bytes raw;
        Writer writer(raw);
        node->header.write(writer);
        batch.put(Family::headers, key_of(node->id), raw);
    }
    return kv_.write(batch);
}

Stored<void> LightStore::put_filter_headers(Height first, const std::vector<FilterHeaderRow>& rows, int voters) {
    WriteBatch batch;
    batch.erase_range(Family::filter_headers, key_of(static_cast<std::uint32_t>(first)), key_of(kEnd));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        Bytes row = to_bytes(rows[i].block.span());
        Writer(row).uint256(rows[i].header);
        batch.put(Family::filter_headers, key_of(static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(i)), row);
    }
    batch.put(Family::meta, text(kVoters), Bytes{static_cast<std::uint8_t>(std::clamp(voters, 0, 255))});
    return kv_.write(batch);
}

Stored<void> LightStore::cut_filters(Height height) {
    WriteBatch batch;
    batch.erase_range(Family::filter_headers, key_of(static_cast<std::uint32_t>(height) + 1), key_of(kEnd));
    batch.erase_range(Family::filters, HeightKey::lowest(height + 1).span(), key_of(kEnd));
    return kv_.write(batch);
}

Stored<void> LightStore::put_filters(const std::vector<FilterRow>& rows) {
    WriteBatch batch;
    for (const FilterRow& row : rows) batch.put(Family::filters, HeightKey(row.height, row.block).span(), *row.filter);
    return kv_.write(batch);
}

Stored<void> LightStore::drop_filters_below(Height height) {
    const HeightKey begin = HeightKey::lowest(0), end = HeightKey::lowest(height);
    WriteBatch batch;
    batch.erase_range(Family::filters, begin.span(), end.span());
    if (auto done = kv_.write(batch); !done) return done;
    return kv_.reclaim({Family::filters}, begin.span(), end.span());
}

Stored<FilterBytes> LightStore::filter(Height height, const BlockHash& block) const {
    auto row = kv_.get(Family::filters, HeightKey(height, block).span(), nullptr);
    if (!row) return fail(row.error());
    return *row ? std::make_shared<const Bytes>(std::move(**row)) : nullptr;
}

Stored<void> LightStore::put_progress(const ScanProgress& progress) {
    Bytes row;
    Writer writer(row);
    writer.uint256(progress.block);
    writer.u64(progress.revision);
    writer.uint256(progress.reached);
    WriteBatch batch;
    batch.put(Family::meta, text(kProgress), row);
    return kv_.write(batch);
}

}  // namespace cairn::light
