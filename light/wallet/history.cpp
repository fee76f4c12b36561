#include "light/wallet/history.hpp"

namespace cairn::light {

std::string_view to_string(Category category) {
    switch (category) {
        case Category::send: return "send";
        case Category::receive: return "receive";
        case Category::generate: return "generate";
        case Category::immature: return "immature";
        case Category::orphan: return "orphan";
    }
    return "";
}

TxAmounts amounts_of(const Ledger& ledger, const WalletTx& tx) {
    const Transaction& raw = tx.tx->tx();
    TxAmounts amounts;
    amounts.debit = ledger.debit(raw);
    amounts.credit = ledger.is_immature(tx) ? 0 : ledger.credit(raw);
    if (amounts.debit > 0) {
        Amount out = 0;
        for (const TxOutput& output : raw.outputs) out += output.value;
        amounts.fee = out - amounts.debit;
    }
    return amounts;
}

bool is_change(const DescriptorBook& book, const AddressBook& addresses, ByteSpan script) {
    return book.owns(script) && addresses.find(script) == nullptr;
}

std::vector<HistoryEntry> entries_of(const Ledger& ledger, const DescriptorBook& book, const AddressBook& addresses, const WalletTx& tx,
                                     const HistoryFilter& filter) {
    const Transaction& raw = tx.tx->tx();
    const TxAmounts amounts = amounts_of(ledger, tx);
    const bool sent = amounts.debit > 0;
    std::vector<HistoryEntry> entries, received;
    HistoryEntry common;
    common.tx = ledger.find(raw.txid);
    common.confirmations = ledger.depth(tx);
    common.abandoned = tx.state == TxState::abandoned;
    for (std::uint32_t i = 0; i < raw.outputs.size(); ++i) {
        const TxOutput& output = raw.outputs[i];
        if (sent && !filter.include_change && is_change(book, addresses, output.script_pubkey)) continue;
        const bool own = book.owns(output.script_pubkey);
        if (!sent && !own) continue;
        const AddressBook::Entry* known = addresses.find(output.script_pubkey);
        HistoryEntry entry = common;
        entry.output = i;
        entry.script = to_bytes(output.script_pubkey);
        if (known != nullptr) entry.label = known->label;
        if (sent && !filter.label) {
            entry.category = Category::send;
            entry.amount = -output.value;
            entry.fee = amounts.fee;
            entries.push_back(entry);
        }
        if (!own || common.confirmations < filter.min_depth) continue;
        if (filter.label && entry.label.value_or("") != *filter.label) continue;
        entry.category = Category::receive;
        if (raw.is_coinbase()) {
            entry.category = common.confirmations < 1 ? Category::orphan
                             : ledger.is_immature(tx) ? Category::immature
                                                      : Category::generate;
        }
        entry.amount = output.value;
        entry.fee.reset();
        received.push_back(std::move(entry));
    }
    entries.insert(entries.end(), std::make_move_iterator(received.begin()), std::make_move_iterator(received.end()));
    return entries;
}

}  // namespace cairn::light
