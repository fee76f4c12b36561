#include "node/index/filter_index.hpp"

#include <algorithm>

#include "consensus/primitives/block_filter.hpp"
#include "node/chain/workers.hpp"
#include "storage/codec.hpp"

namespace cairn::node {

using storage::Family;
using storage::HeightKey;
using storage::StorageError;

namespace {

Bytes write_row(const FilterSource::Row& row) {
    Bytes value;
    Writer writer(value);
    writer.uint256(row.hash);
    writer.uint256(row.header);
    return value;
}

std::optional<FilterSource::Row> read_row(ByteSpan value) {
    Reader reader(value);
    FilterSource::Row row;
    row.hash = reader.uint256();
    row.header = reader.uint256();
    if (!reader.ok()) return std::nullopt;
    return row;
}

}  // namespace

storage::Stored<bool> FilterIndex::load(const HeaderNode* at, ByteSpan) {
    last_header_ = Uint256();
    if (!at) return true;
    const auto last = row(at);
    if (last) last_header_ = last->header;
    return last.has_value();
}

storage::Stored<void> FilterIndex::append(const IndexedBlock& block, storage::WriteBatch& batch) {
    std::vector<ByteSpan> spent;
    for (const TxUndo& coins : *block.undo) {
        for (const Coin& coin : coins) spent.push_back(coin.script_pubkey);
    }
    const Bytes filter = basic_filter(*block.block, spent);
    Row row;
    row.hash = filter_hash(filter);
    row.header = last_header_ = filter_header(row.hash, last_header_);
    const HeightKey key(block.node->height, block.node->hash);
    batch.put(Family::filters, key.span(), filter);
    batch.put(Family::filter_headers, key.span(), write_row(row));
    return {};
}

storage::Stored<void> FilterIndex::take_back(const IndexedBlock& block) {
    const auto loaded = load(block.node->parent, {});
    if (!loaded) return fail(loaded.error());
    if (!*loaded) return fail(StorageError{StorageError::Kind::corruption, "The filter header of an indexed block is missing."});
    return {};
}

std::optional<Bytes> FilterIndex::filter(const HeaderNode* node) const {
    auto found = store_.get(Family::filters, HeightKey(node->height, node->hash).span());
    if (!found) return std::nullopt;
    return std::move(*found);
}

std::optional<FilterSource::Row> FilterIndex::row(const HeaderNode* node) const {
    const auto found = store_.get(Family::filter_headers, HeightKey(node->height, node->hash).span());
    if (!found || !*found) return std::nullopt;
    return read_row(**found);
}

std::optional<std::vector<FilterSource::Row>> FilterIndex::rows(Height start, const HeaderNode* stop) const {
    std::vector<HeightKey> keys;
    for (const HeaderNode* node = stop; node && node->height >= start; node = node->parent) keys.emplace_back(node->height, node->hash);
    std::reverse(keys.begin(), keys.end());
    std::vector<ByteSpan> spans;
    for (const HeightKey& key : keys) spans.push_back(key.span());
    const auto found = store_.multi_get(Family::filter_headers, spans);
    if (!found) return std::nullopt;
    std::vector<Row> rows;
    for (const auto& value : *found) {
        const auto row = value ? read_row(*value) : std::nullopt;
        if (!row) return std::nullopt;
        rows.push_back(*row);
    }
    return rows;
}

bool FilterIndex::post(std::function<void()> work) const { return thread_.workers().post(std::move(work), Workers::Priority::urgent); }

}  // namespace cairn::node
