#include "node/index/spender_index.hpp"

#include <algorithm>

namespace cairn::node {

storage::Stored<bool> SpenderIndex::load(const HeaderNode*, ByteSpan state) {
    const auto salt = load_salt(state);
    if (salt) salt_ = *salt;
    return salt.has_value();
}

storage::Stored<void> SpenderIndex::append(const IndexedBlock& block, storage::WriteBatch& batch) {
    for_each_placed(*block.block, [&](const Transaction& tx, std::uint32_t offset) {
        if (tx.is_coinbase()) return;
        const auto place = TxPlace::of(*block.node, offset).write();
        for (const TxInput& input : tx.inputs) batch.put(storage::Family::spend_places, TxPlace::key(salt_, input.prevout), place);
    });
    return {};
}

storage::Stored<std::optional<PlacedTx>> SpenderIndex::find(const OutPoint& outpoint, const HeaderNode* reached) const {
    const auto row = store_.get(storage::Family::spend_places, TxPlace::key(salt_, outpoint));
    if (!row) return fail(row.error());
    const auto place = *row ? TxPlace::read(**row) : std::nullopt;
    if (!place) return std::nullopt;
    const HeaderNode* block = place->block_on(reached);
    if (!block) return std::nullopt;  // the spend went with its block
    TransactionPtr tx = read_placed(chain_, block, place->offset);
    if (!tx) {
        return fail(storage::StorageError{storage::StorageError::Kind::io, "Block " + block->hash.to_display_hex() + " cannot be read."});
    }
    const auto inputs = tx->tx().inputs;
    if (std::none_of(inputs.begin(), inputs.end(), [&](const TxInput& input) { return input.prevout == outpoint; })) return std::nullopt;
    return PlacedTx{std::move(tx), block};
}

}  // namespace cairn::node
