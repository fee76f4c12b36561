#include "light/wallet/descriptor_book.hpp"

#include <algorithm>

#include "consensus/crypto/hash.hpp"
#include "light/wallet/store_keys.hpp"

namespace cairn::light {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

DescriptorId DescriptorBook::id_of(std::string_view public_text) { return sha256(as_bytes(public_text)); }

std::shared_ptr<const Descriptor> DescriptorBook::unlocked(const WalletDescriptor& descriptor) const {
    if (secrets_->is_locked()) {
        last_unlocked_ = {};
        return nullptr;
    }
    if (last_unlocked_.second && last_unlocked_.first == descriptor.id) return last_unlocked_.second;
    const auto text = secrets_->descriptor(descriptor.id);
    if (!text) return nullptr;
    auto parsed = parse_descriptor(as_text(ByteSpan(text->data(), text->size())), *params_, false);
    if (!parsed) return nullptr;
    last_unlocked_ = {descriptor.id, std::make_shared<const Descriptor>(std::move(*parsed))};
    return last_unlocked_.second;
}

std::optional<std::vector<Bytes>> DescriptorBook::expand(const WalletDescriptor& descriptor, std::uint32_t index) const {
    if (auto scripts = descriptor.descriptor->scripts(index)) return scripts;
    const auto full = unlocked(descriptor);
    return full ? full->scripts(index) : std::nullopt;
}

void DescriptorBook::watch(Bytes script, ScriptPlace place, NewScripts& added) {
    if (places_.contains(as_text(script))) return;  // the first descriptor that has it keeps it
    scripts_.push_back(std::move(script));
    const ByteSpan kept = scripts_.back();  // the bytes stay where they are when the row grows
    places_.emplace(as_text(kept), place);
    added.push_back(kept);
}

bool DescriptorBook::expand_to(std::uint32_t number, std::uint32_t end, storage::WriteBatch& batch, NewScripts& added) {
    WalletDescriptor& descriptor = descriptors_[number];
    bool complete = true;
    const std::uint32_t before = descriptor.range_end;
    for (; descriptor.range_end < end; ++descriptor.range_end) {
        auto scripts = expand(descriptor, descriptor.range_end);
        if (!scripts) {
            complete = false;
            break;
        }
        for (std::uint32_t i = 0; i < scripts->size(); ++i) {
            batch.put(storage::Family::meta, store::script_key(number, descriptor.range_end, i), (*scripts)[i]);
            watch(std::move((*scripts)[i]), {number, descriptor.range_end}, added);
        }
    }
    if (descriptor.range_end != before) write(number, batch);
    return complete;
}

bool DescriptorBook::top_up_one(std::uint32_t number, std::uint32_t lookahead, storage::WriteBatch& batch, NewScripts& added) {
    const WalletDescriptor& descriptor = descriptors_[number];
    const std::uint64_t wanted =
        descriptor.ranged ? std::uint64_t{descriptor.next} + (lookahead != 0 ? lookahead : lookahead_) : 1;
    const std::uint64_t most = std::uint64_t{1} << 31;
    const auto end = static_cast<std::uint32_t>(std::min(std::max<std::uint64_t>(wanted, descriptor.range_end), most));
    return expand_to(number, end, batch, added);
}

bool DescriptorBook::top_up(std::uint32_t lookahead, storage::WriteBatch& batch, NewScripts& added) {
    bool complete = true;
    for (std::uint32_t number = 0; number < descriptors_.size(); ++number) {
        complete = top_up_one(number, lookahead, batch, added) && complete;
    }
    return complete;
}

Result<void, std::string> DescriptorBook::widen(WalletDescriptor& known, const Addition& addition) const {
    if (!addition.range) return {};
    const auto [first, last] = *addition.range;
    if (first > known.range_start || last < known.range_end) {
        return fail("new range must include current range = [" + std::to_string(known.range_start) + "," +
                    std::to_string(known.range_end - 1) + "]");
    }
    return {};
}

Result<std::uint32_t, std::string> DescriptorBook::add(const Addition& addition, storage::WriteBatch& batch, NewScripts& added) {
    auto parsed = parse_descriptor(addition.text, *params_, false);
    if (!parsed) return fail(std::move(parsed.error()));
    if (addition.range && addition.range->second - addition.range->first > kMaxRange) return fail(std::string("Range is too large"));
    // The public form with its hardened steps done: whoever reads it can watch what it makes.
    const auto text = parsed->to_string(DescriptorForm::normalized);
    const std::string public_text = text ? *text : parsed->to_string();
    const DescriptorId id = id_of(public_text);

    const auto known = std::find_if(descriptors_.begin(), descriptors_.end(), [&](const auto& other) { return other.id == id; });
    const bool is_new = known == descriptors_.end();
    const auto number = static_cast<std::uint32_t>(known - descriptors_.begin());
    std::uint32_t start = addition.range ? addition.range->first : 0;
    std::uint32_t end = addition.range ? addition.range->second : 0;
    if (is_new) {
        auto readable = parse_descriptor(public_text, *params_, true);
        if (!readable) return fail(std::move(readable.error()));
        if (addition.active && !readable->is_range()) return fail(std::string("Active descriptors must be ranged"));
        WalletDescriptor made;
        made.id = id;
        made.text = public_text;
        made.ranged = readable->is_range();
        made.type = address_type_of(*readable);
        made.descriptor = std::make_shared<const Descriptor>(std::move(*readable));
        made.created = addition.created;
        made.internal = addition.internal;
        made.range_start = made.range_end = made.ranged ? start : 0;
        made.next = made.ranged ? std::max(start, addition.next.value_or(start)) : 0;
        if (addition.active && !made.type) return fail(std::string("Cannot activate a descriptor that gives no addresses"));
        descriptors_.push_back(std::move(made));
    } else {
        if (const auto fits = widen(*known, addition); !fits) return fail(fits.error());
        if (addition.active && (!known->ranged || !known->type)) return fail(std::string("Active descriptors must be ranged"));
        known->created = std::min(known->created, addition.created);
        if (addition.internal) known->internal = addition.internal;
        if (addition.next) known->next = std::max(known->next, *addition.next);
        if (!addition.active) known->active = false;
        if (addition.range && start < known->range_start) {
            // Below what is watched: expand that part on its own.
            const std::uint32_t upper = std::exchange(known->range_end, start);
            const std::uint32_t old_start = std::exchange(known->range_start, start);
            if (!expand_to(number, old_start, batch, added)) return fail(std::string("Cannot expand descriptor. Probably because of hardened derivations without private keys provided"));
            known->range_end = upper;
        }
    }
    if (descriptors_[number].descriptor->kind() != Descriptor::Kind::unused) {
        if (!expand_to(number, end, batch, added) || !top_up_one(number, 0, batch, added)) {
            // One that gives no script was never stored, and the next one takes its number.
            if (is_new && descriptors_[number].range_end == descriptors_[number].range_start) descriptors_.pop_back();
            return fail(std::string("Cannot expand descriptor. Probably because of hardened derivations without private keys provided"));
        }
    }
    if (addition.active) make_active(number, addition.internal.value_or(false), batch);
    write(number, batch);
    return number;
}

void DescriptorBook::make_active(std::uint32_t number, bool internal, storage::WriteBatch& batch) {
    for (std::uint32_t i = 0; i < descriptors_.size(); ++i) {
        WalletDescriptor& other = descriptors_[i];
        if (i == number || !other.active || other.type != descriptors_[number].type || other.internal.value_or(false) != internal) continue;
        other.active = false;
        write(i, batch);
    }
    descriptors_[number].active = true;
    descriptors_[number].internal = internal;
}

Result<Bytes, std::string> DescriptorBook::peek_next(std::uint32_t number, storage::WriteBatch& batch, NewScripts& added) {
    if (!top_up_one(number, 0, batch, added) && descriptors_[number].next >= descriptors_[number].range_end) {
        return fail(std::string("Error: Keypool ran out, please call keypoolrefill first"));
    }
    const auto scripts = scripts_at(number, descriptors_[number].next);
    if (!scripts || scripts->size() != 1) return fail(std::string("Error: Cannot extract destination from the generated scriptpubkey"));
    return scripts->front();
}

Result<Bytes, std::string> DescriptorBook::take_next(std::uint32_t number, storage::WriteBatch& batch, NewScripts& added) {
    auto script = peek_next(number, batch, added);
    if (!script) return script;
    ++descriptors_[number].next;
    top_up_one(number, 0, batch, added);
    write(number, batch);
    return script;
}

std::vector<Bytes> DescriptorBook::mark_used(ScriptPlace place, storage::WriteBatch& batch, NewScripts& added) {
    std::vector<Bytes> passed;
    WalletDescriptor& descriptor = descriptors_[place.descriptor];
    if (!descriptor.ranged || place.index < descriptor.next) return passed;
    for (; descriptor.next <= place.index; ++descriptor.next) {
        if (auto scripts = scripts_at(place.descriptor, descriptor.next)) {
            passed.insert(passed.end(), std::make_move_iterator(scripts->begin()), std::make_move_iterator(scripts->end()));
        }
    }
    top_up_one(place.descriptor, 0, batch, added);
    write(place.descriptor, batch);
    return passed;
}

void DescriptorBook::write(std::uint32_t number, storage::WriteBatch& batch) const {
    const WalletDescriptor& descriptor = descriptors_[number];
    Bytes value;
    Writer writer(value);
    writer.u8(kVersion);
    writer.i64(descriptor.created);
    writer.u8(static_cast<std::uint8_t>((descriptor.active ? 1 : 0) | (descriptor.internal ? 2 : 0) |
                                        (descriptor.internal.value_or(false) ? 4 : 0)));
    writer.u32(descriptor.range_start);
    writer.u32(descriptor.range_end);
    writer.u32(descriptor.next);
    writer.u8(descriptor.type ? static_cast<std::uint8_t>(*descriptor.type) : 0xff);
    writer.bytes(as_bytes(descriptor.text));
    batch.put(storage::Family::meta, store::descriptor_key(number), value);
}

bool DescriptorBook::load_descriptor(ByteSpan key, ByteSpan value) {
    if (key.size() != 5 || store::read_be(key, 1) != descriptors_.size()) return false;
    Reader reader(value);
    if (reader.u8() != kVersion) return false;
    WalletDescriptor loaded;
    loaded.created = reader.i64();
    const std::uint8_t flags = reader.u8();
    loaded.active = (flags & 1) != 0;
    if ((flags & 2) != 0) loaded.internal = (flags & 4) != 0;
    loaded.range_start = reader.u32();
    loaded.range_end = reader.u32();
    loaded.next = reader.u32();
    if (const std::uint8_t type = reader.u8(); type < kAddressTypes.size()) loaded.type = static_cast<AddressType>(type);
    loaded.text = std::string(as_text(reader.bytes(reader.remaining())));
    if (!reader.ok()) return false;
    auto parsed = parse_descriptor(loaded.text, *params_, true);
    if (!parsed) return false;
    loaded.id = id_of(loaded.text);
    loaded.ranged = parsed->is_range();
    loaded.descriptor = std::make_shared<const Descriptor>(std::move(*parsed));
    descriptors_.push_back(std::move(loaded));
    return true;
}

bool DescriptorBook::load_script(ByteSpan key, ByteSpan value) {
    if (key.size() != 13) return false;
    NewScripts unused;
    watch(to_bytes(value), {store::read_be(key, 1), store::read_be(key, 5)}, unused);
    return true;
}

bool DescriptorBook::finish_loading() {
    return std::all_of(places_.begin(), places_.end(), [&](const auto& row) { return row.second.descriptor < descriptors_.size(); });
}

std::optional<ScriptPlace> DescriptorBook::find(ByteSpan script) const {
    const auto found = places_.find(as_text(script));
    if (found == places_.end()) return std::nullopt;
    return found->second;
}

const WalletDescriptor* DescriptorBook::find_descriptor(const DescriptorId& id) const {
    const auto found = std::find_if(descriptors_.begin(), descriptors_.end(), [&](const auto& one) { return one.id == id; });
    return found == descriptors_.end() ? nullptr : &*found;
}

std::optional<std::uint32_t> DescriptorBook::active(AddressType type, bool internal) const {
    for (std::uint32_t i = 0; i < descriptors_.size(); ++i) {
        const WalletDescriptor& one = descriptors_[i];
        if (one.active && one.type == type && one.internal.value_or(false) == internal) return i;
    }
    return std::nullopt;
}

std::optional<std::vector<Bytes>> DescriptorBook::scripts_at(std::uint32_t number, std::uint32_t index) const {
    if (auto scripts = expand(descriptors_[number], index)) return scripts;
    // Its private key is locked; what was expanded before is known all the same.
    std::vector<Bytes> found;
    for (const auto& [script, place] : places_) {
        if (place.descriptor == number && place.index == index) found.push_back(to_bytes(as_bytes(script)));
    }
    if (found.empty()) return std::nullopt;
    return found;
}

ScriptKeys DescriptorBook::solving_data(ByteSpan script, bool private_keys) const {
    ScriptKeys keys;
    const auto place = find(script);
    if (!place) return keys;
    const WalletDescriptor& descriptor = descriptors_[place->descriptor];
    const auto full = private_keys || !descriptor.descriptor->scripts(place->index) ? unlocked(descriptor) : nullptr;
    // Origins come from the public text, which knows the steps that were done for it.
    descriptor.descriptor->scripts(place->index, &keys);
    if (full) full->scripts(place->index, &keys);
    return keys;
}

bool DescriptorBook::can_sign(ByteSpan script) const {
    const auto place = find(script);
    return place && secrets_->has(descriptors_[place->descriptor].id);
}

std::size_t DescriptorBook::unused(bool internal) const {
    std::size_t count = 0;
    for (const WalletDescriptor& one : descriptors_) {
        if (one.active && one.internal.value_or(false) == internal && one.range_end > one.next) count += one.range_end - one.next;
    }
    return count;
}

}  // namespace cairn::light
