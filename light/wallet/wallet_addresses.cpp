#include <algorithm>

#include "consensus/rules/params.hpp"
#include "light/wallet/detail/change.hpp"
#include "light/wallet/store_keys.hpp"

/// Descriptors, addresses and labels of a wallet.
namespace cairn::light {
namespace {

constexpr std::string_view kHdKeysNote = "hd ", kGivenNote = "given ";
constexpr const char* kLocked = "Error: Please enter the wallet passphrase with walletpassphrase first.";

void collect(const KeyExpression& key, std::vector<ExtendedKey>& into) {
    if (key.extended()) into.push_back(*key.extended());
    for (const KeyExpression& one : key.participants()) collect(one, into);
}

Bytes note_key(std::string_view kind, const DescriptorId& id) { return store::key(store::kNote, as_bytes(std::string(kind) + id.to_display_hex())); }

}  // namespace

std::vector<ExtendedKey> extended_keys(const Descriptor& descriptor) {
    std::vector<ExtendedKey> keys;
    for (const KeyExpression& key : descriptor.keys()) collect(key, keys);
    return keys;
}

std::vector<std::pair<std::string, bool>> Wallet::hd_keys(std::uint32_t number) const {
    std::vector<std::pair<std::string, bool>> keys;
    if (number >= book_.all().size()) return keys;
    const WalletDescriptor& one = book_.all()[number];
    // The stored text may begin behind the hardened steps; what it was before stands in a note.
    const auto row = store_.get(storage::Family::meta, note_key(kHdKeysNote, one.id));
    if (row && *row) {
        Reader reader(**row);
        while (reader.ok() && reader.remaining() > 0) {
            std::string text(as_text(reader.var_bytes()));
            const bool has_private = reader.u8() != 0;
            if (reader.ok()) keys.emplace_back(std::move(text), has_private);
        }
        return keys;
    }
    for (const ExtendedKey& key : extended_keys(*one.descriptor)) keys.emplace_back(key.public_text(params_), false);
    return keys;
}

std::string Wallet::given_text(std::uint32_t number) const {
    if (number >= book_.all().size()) return {};
    const WalletDescriptor& one = book_.all()[number];
    const auto row = store_.get(storage::Family::meta, note_key(kGivenNote, one.id));
    return row && *row ? std::string(as_text(**row)) : one.text;
}

Outcome<std::uint32_t> Wallet::add_descriptor(const ImportRequest& request, const std::string& text, std::optional<bool> internal,
                                              Change& change) {
    const auto parsed = parse_descriptor(text, params_, false);
    if (!parsed) return fail(WalletError{WalletErrorKind::invalid_address, parsed.error()});
    // The keys first: the scripts of a hardened range come of them.
    const bool has_keys = parsed->has_private_keys();
    if (has_keys) {
        const auto normalized = parsed->to_string(DescriptorForm::normalized);
        const DescriptorId id = DescriptorBook::id_of(normalized ? *normalized : parsed->to_string());
        const auto private_text = parsed->to_string(DescriptorForm::private_keys);
        if (private_text) {
            const auto kept = secrets_.vault.put(id.to_display_hex(), as_bytes(*private_text), secrets_.now_us());
            if (!kept) {
                if (kept.error() == VaultError::locked) return fail(WalletError{WalletErrorKind::locked, kLocked});
                return fail(WalletError{WalletErrorKind::wallet, std::string(to_string(kept.error()))});
            }
        }
    }
    DescriptorBook::Addition addition;
    addition.text = text;
    addition.created = request.birth;
    addition.active = request.active;
    addition.internal = internal;
    addition.range = request.range;
    addition.next = request.next_index;
    const auto added = book_.add(addition, change.batch, change.added);
    if (!added) return fail(WalletError{WalletErrorKind::wallet, added.error()});
    if (const auto keys = extended_keys(*parsed); !keys.empty()) {
        Bytes row;
        Writer writer(row);
        for (const ExtendedKey& key : keys) {
            writer.var_bytes(as_bytes(key.public_text(params_)));
            writer.u8(key.private_key.has_value() ? 1 : 0);
        }
        change.batch.put(storage::Family::meta, note_key(kHdKeysNote, book_.all()[*added].id), row);
    }
    if (const std::string given = parsed->to_string(); given != book_.all()[*added].text) {
        change.batch.put(storage::Family::meta, note_key(kGivenNote, book_.all()[*added].id), as_bytes(given));
    }
    return *added;
}

Outcome<std::vector<std::uint32_t>> Wallet::import(const ImportRequest& request) {
    if (const auto writable = check_writable(); !writable) return fail(writable.error());
    const auto invalid = [](std::string message) { return fail(WalletError{WalletErrorKind::invalid_parameter, std::move(message)}); };
    const auto parsed = parse_descriptors(request.descriptor, params_, true);
    if (!parsed) return fail(WalletError{WalletErrorKind::invalid_address, parsed.error()});
    if (parsed->size() > 2 && request.active) return invalid("Cannot import descriptor with more than two paths as active");
    if (parsed->size() > 1 && request.internal) return invalid("Cannot have multipath descriptor while also specifying 'internal'");
    const Descriptor& first = parsed->front();
    if (!first.is_range() && (request.range || request.next_index)) return invalid("Range should not be specified for an un-ranged descriptor");
    if (request.active && !first.is_range()) return invalid("Active descriptors must be ranged");
    if (request.label && (first.is_range() && parsed->size() > 0)) return invalid("Ranged descriptors should not have a label");
    if (request.label && request.internal.value_or(false)) return invalid("Internal addresses should not have a label");
    if (request.range && request.range->first > request.range->second) return invalid("Range specified as [begin,end] must not have begin after end");
    if (request.next_index && request.range && *request.next_index >= request.range->second) return invalid("next_index is out of range");
    const bool has_keys = std::any_of(parsed->begin(), parsed->end(), [](const Descriptor& one) { return one.has_private_keys(); });
    if (has_keys && !private_keys_) {
        return fail(WalletError{WalletErrorKind::wallet, "Cannot import private keys to a wallet with private keys disabled"});
    }
    if (!has_keys && private_keys_ && first.kind() != Descriptor::Kind::unused) {
        return fail(WalletError{WalletErrorKind::wallet, "Cannot import descriptor without private keys to a wallet with private keys enabled"});
    }
    if (has_keys && is_locked()) return fail(WalletError{WalletErrorKind::locked, kLocked});

    Change change(*this);
    std::vector<std::uint32_t> numbers;
    for (std::size_t i = 0; i < parsed->size(); ++i) {
        std::optional<bool> internal = request.internal;
        if (parsed->size() > 1) internal = i == 1;
        // The text of this path with all keys that it has.
        const auto text = (*parsed)[i].to_string(DescriptorForm::private_keys);
        const auto added = add_descriptor(request, text ? *text : (*parsed)[i].to_string(), internal, change);
        if (!added) {
            // What was added before stays watched; nothing harmful comes of it.
            if (const auto done = finish(change); !done) return fail(done.error());
            return fail(added.error());
        }
        numbers.push_back(*added);
        if (!request.label || internal.value_or(false)) continue;
        if (const auto scripts = book_.scripts_at(*added, 0)) {
            for (const Bytes& script : *scripts) addresses_.set(script, {*request.label, AddressPurpose::receive}, change.batch);
        }
    }
    if (const auto done = finish(change); !done) return fail(done.error());
    return numbers;
}

Outcome<std::vector<std::uint32_t>> Wallet::add_account(AddressType type, const ExtendedKey& master, std::uint32_t account) {
    if (type == AddressType::unknown) return fail(WalletError{WalletErrorKind::invalid_parameter, "Unknown address type"});
    ImportRequest request;
    request.descriptor = account_descriptor(master, type, params_, account);
    request.birth = birth();
    request.active = true;
    return import(request);
}

Outcome<SecretText> Wallet::private_descriptor(std::uint32_t number) const {
    if (number >= book_.all().size()) return fail(WalletError{WalletErrorKind::invalid_parameter, "There is no such descriptor"});
    if (is_locked()) return fail(WalletError{WalletErrorKind::locked, kLocked});
    const auto secret = secrets_.descriptor(book_.all()[number].id);
    if (!secret) return fail(WalletError{WalletErrorKind::wallet, "Can't get private descriptor string for watch-only wallets"});
    return SecretText(secret->begin(), secret->end());
}

Outcome<Bytes> Wallet::take_address(AddressType type, bool internal, std::optional<std::string> label) {
    if (const auto writable = check_writable(); !writable) return fail(writable.error());
    const auto number = book_.active(type, internal);
    if (!number) {
        return fail(WalletError{WalletErrorKind::no_addresses,
                                internal ? "Error: No " + std::string(to_string(type)) + " change addresses available."
                                         : "Error: No " + std::string(to_string(type)) + " addresses available."});
    }
    Change change(*this);
    auto script = book_.take_next(*number, change.batch, change.added);
    if (!script) return fail(WalletError{WalletErrorKind::no_addresses, std::move(script.error())});
    if (label) addresses_.set(*script, {std::move(*label), AddressPurpose::receive}, change.batch);
    if (const auto done = finish(change); !done) return fail(done.error());
    return std::move(*script);
}

Outcome<Bytes> Wallet::new_address(AddressType type, std::string label) { return take_address(type, false, std::move(label)); }

Outcome<Bytes> Wallet::new_change_address(AddressType type) { return take_address(type, true, std::nullopt); }

std::string Wallet::address(ByteSpan script) const { return address_of(script, params_.addresses).value_or(""); }

Outcome<void> Wallet::set_label(ByteSpan script, std::string label) {
    if (const auto writable = check_writable(); !writable) return writable;
    if (label.size() > AddressBook::kMaxLabel) return fail(WalletError{WalletErrorKind::invalid_parameter, "The label is too long"});
    Change change(*this);
    addresses_.set(script, {std::move(label), book_.owns(script) ? AddressPurpose::receive : AddressPurpose::send}, change.batch);
    return finish(change);
}

Outcome<void> Wallet::refill(std::uint32_t lookahead) {
    if (const auto writable = check_writable(); !writable) return writable;
    Change change(*this);
    const bool complete = book_.top_up(lookahead, change.batch, change.added);
    if (!change.batch.empty()) {
        if (const auto done = finish(change); !done) return done;
    }
    if (!complete && is_locked()) return fail(WalletError{WalletErrorKind::locked, kLocked});
    return {};
}

}  // namespace cairn::light
