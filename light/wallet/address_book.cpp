#include "light/wallet/address_book.hpp"

#include <set>

#include "light/wallet/store_keys.hpp"

namespace cairn::light {

std::string_view to_string(AddressPurpose purpose) { return purpose == AddressPurpose::send ? "send" : "receive"; }

void AddressBook::set(ByteSpan script, Entry entry, storage::WriteBatch& batch) {
    Bytes value{static_cast<std::uint8_t>(entry.purpose)};
    const ByteSpan label = as_bytes(entry.label);
    value.insert(value.end(), label.begin(), label.end());
    batch.put(storage::Family::meta, store::key(store::kAddress, script), value);
    entries_[to_bytes(script)] = std::move(entry);
}

bool AddressBook::load(ByteSpan key, ByteSpan value) {
    if (value.empty() || value[0] > static_cast<std::uint8_t>(AddressPurpose::send)) return false;
    entries_[to_bytes(key.subspan(1))] = {std::string(as_text(value.subspan(1))), static_cast<AddressPurpose>(value[0])};
    return true;
}

const AddressBook::Entry* AddressBook::find(ByteSpan script) const {
    const auto found = entries_.find(to_bytes(script));
    return found == entries_.end() ? nullptr : &found->second;
}

std::vector<std::string> AddressBook::labels(std::optional<AddressPurpose> purpose) const {
    std::set<std::string> found;
    for (const auto& [script, entry] : entries_) {
        if (!purpose || entry.purpose == *purpose) found.insert(entry.label);
    }
    return {found.begin(), found.end()};
}

std::vector<Bytes> AddressBook::with_label(std::string_view label) const {
    std::vector<Bytes> found;
    for (const auto& [script, entry] : entries_) {
        if (entry.label == label) found.push_back(script);
    }
    return found;
}

}  // namespace cairn::light
