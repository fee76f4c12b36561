#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/bytes.hpp"
#include "storage/kv.hpp"

namespace cairn::light {

enum class AddressPurpose : std::uint8_t { receive, send };
/// "receive", "send".
std::string_view to_string(AddressPurpose purpose);

/// Labels of addresses, own ones and others'. An own address that is not in here was made for change.
/// Thread: the wallet's owner.
class AddressBook {
public:
    struct Entry {
        std::string label;
        AddressPurpose purpose = AddressPurpose::receive;
    };
    static constexpr std::size_t kMaxLabel = 10'000;  ///< bytes

    void set(ByteSpan script, Entry entry, storage::WriteBatch& batch);
    bool load(ByteSpan key, ByteSpan value);

    /// Null: not in the book.
    const Entry* find(ByteSpan script) const;
    const std::map<Bytes, Entry>& all() const { return entries_; }
    /// Sorted, each once.
    std::vector<std::string> labels(std::optional<AddressPurpose> purpose) const;
    std::vector<Bytes> with_label(std::string_view label) const;

private:
    std::map<Bytes, Entry> entries_;
};

}  // namespace cairn::light
