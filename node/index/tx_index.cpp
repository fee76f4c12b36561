#include "node/index/tx_index.hpp"

namespace cairn::node {

storage::Stored<bool> TxIndex::load(const HeaderNode*, ByteSpan state) {
    const auto salt = load_salt(state);
    if (salt) salt_ = *salt;
    return salt.has_value();
}

storage::Stored<void> TxIndex::append(const IndexedBlock& block, storage::WriteBatch& batch) {
    if (!block.node->parent) return {};
    for_each_placed(*block.block, [&](const Transaction& tx, std::uint32_t offset) {
        batch.put(storage::Family::tx_places, TxPlace::key(salt_, tx.txid), TxPlace::of(*block.node, offset).write());
    });
    return {};
}

storage::Stored<std::optional<PlacedTx>> TxIndex::find(const Txid& txid) const {
    const auto row = store_.get(storage::Family::tx_places, TxPlace::key(salt_, txid));
    if (!row) return fail(row.error());
    const auto place = *row ? TxPlace::read(**row) : std::nullopt;
    if (!place) return std::nullopt;
    const HeaderNode* block = place->block_on(chain_.view()->tip);
    if (!block) {
        for (const HeaderNode* tip : chain_.branch_tips()) {
            if ((block = place->block_on(tip))) break;
        }
    }
    TransactionPtr tx = block ? read_placed(chain_, block, place->offset) : nullptr;
    if (!tx || tx->tx().txid != txid) return std::nullopt;
    return PlacedTx{std::move(tx), block};
}

}  // namespace cairn::node
