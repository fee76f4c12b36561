#pragma once

#include "light/wallet/address_book.hpp"
#include "light/wallet/ledger.hpp"

namespace cairn::light {

/// What an entry says that happened to the money.
enum class Category : std::uint8_t { send, receive, generate, immature, orphan };
/// As listtransactions says it.
std::string_view to_string(Category category);

/// One output of one transaction as people see it. An own output that the wallet paid to itself has two entries.
struct HistoryEntry {
    WalletTxPtr tx;
    Category category = Category::receive;
    std::uint32_t output = 0;
    Bytes script;
    Amount amount = 0;                 ///< negative for send
    std::optional<Amount> fee;         ///< of send: not positive
    std::optional<std::string> label;  ///< nullopt: the address is not in the book
    int confirmations = 0;
    bool abandoned = false;
};

/// What a transaction does to the wallet as a whole.
struct TxAmounts {
    Amount debit = 0, credit = 0;
    std::optional<Amount> fee;  ///< not positive; known when the wallet's coins were spent, right when all were
    /// What gettransaction calls amount: credit − debit without the fee.
    Amount net() const { return credit - debit - fee.value_or(0); }
};
TxAmounts amounts_of(const Ledger& ledger, const WalletTx& tx);

/// Change: paid to the wallet, at an address that is in no book.
bool is_change(const DescriptorBook& book, const AddressBook& addresses, ByteSpan script);

struct HistoryFilter {
    std::optional<std::string> label;  ///< only what was received with it
    int min_depth = 0;                 ///< of received ones
    bool include_change = false;
};
/// The entries of a transaction: what was sent first, then what was received, by output.
std::vector<HistoryEntry> entries_of(const Ledger& ledger, const DescriptorBook& book, const AddressBook& addresses, const WalletTx& tx,
                                     const HistoryFilter& filter);

}  // namespace cairn::light
