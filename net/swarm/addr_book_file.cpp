// The address book as bytes: the format of Bitcoin Core's peers.dat, versions 1 to 4.
#include <algorithm>

#include "net/swarm/addr_book.hpp"

namespace cairn::net {
namespace {

constexpr std::uint8_t kFormat = 4;              // several ports of one address
constexpr std::uint8_t kFormatBip155 = 3, kFormatAsmap = 2, kFormatDeterministic = 1;
constexpr std::uint8_t kLowestCompatible = 4;
constexpr std::uint8_t kCompatibleBase = 32;
constexpr std::int32_t kBucketCountMask = 1 << 30;  // lets the very first readers see that they cannot read it
constexpr std::uint32_t kEntryVersion = 220'000;    // of an entry, with a bit that says that addresses are BIP155's
constexpr std::uint32_t kEntryBip155 = 1u << 29;
constexpr std::int32_t kMaxEntriesOfBucket = 1 << 20;
constexpr std::size_t kMaxAddressBytes = 512;

void write_address(Writer& writer, const NetAddress& address) {
    // An address of no network, as the source of what came from nowhere, is IPv6's zero.
    if (address.network() == NetworkId::none) {
        writer.u8(static_cast<std::uint8_t>(NetworkId::ipv6));
        writer.var_bytes(std::array<std::uint8_t, 16>{});
        return;
    }
    writer.u8(static_cast<std::uint8_t>(address.network()));
    writer.var_bytes(address.bytes());
}

NetAddress read_address(Reader& reader, bool bip155) {
    if (!bip155) return NetAddress::ipv6(reader.bytes(16).size() == 16 ? reader.data().subspan(reader.position() - 16, 16) : ByteSpan(std::array<std::uint8_t, 16>{}));
    const auto network = static_cast<NetworkId>(reader.u8());
    const ByteSpan bytes = reader.var_bytes(kMaxAddressBytes);
    if (!reader.ok()) return {};
    return NetAddress::from_bip155(network, bytes).value_or(NetAddress());
}

}  // namespace

void AddrBook::write(Bytes& out, const Entry& entry) const {
    Writer writer(out);
    writer.u32(kEntryVersion | kEntryBip155);
    writer.u32(entry.address.time);
    writer.compact_size(entry.address.services);
    write_address(writer, entry.address.endpoint.address);
    writer.u16_be(entry.address.endpoint.port);
    write_address(writer, entry.source);
    writer.i64(entry.last_good_s);
    writer.i32(entry.failures);
}

bool AddrBook::read(Reader& reader, bool bip155, Entry& entry) {
    const std::uint32_t version = reader.u32();
    const bool own_bip155 = (version & kEntryBip155) != 0;
    if (own_bip155 && !bip155) reader.fail(DecodeError::bad_value);
    entry.address.time = reader.u32();
    entry.address.services = own_bip155 ? reader.compact_size(~std::uint64_t{0}) : reader.u64();
    entry.address.endpoint.address = read_address(reader, own_bip155);
    entry.address.endpoint.port = reader.u16_be();
    entry.source = read_address(reader, bip155);
    entry.last_good_s = reader.i64();
    entry.failures = reader.i32();
    return reader.ok();
}

Bytes AddrBook::serialize() const {
    Bytes out;
    Writer writer(out);
    writer.u8(kFormat);
    writer.u8(kCompatibleBase + kLowestCompatible);
    writer.uint256(key_);
    writer.i32(static_cast<std::int32_t>(new_count_));
    writer.i32(static_cast<std::int32_t>(tried_count_));
    writer.i32(kNewBuckets ^ kBucketCountMask);
    std::vector<Id> ids;
    for (const auto& [id, entry] : entries_) ids.push_back(id);
    std::ranges::sort(ids);
    std::unordered_map<Id, std::int32_t> index;
    for (const Id id : ids) {
        const Entry& entry = entries_.at(id);
        if (entry.tried) continue;
        index.emplace(id, static_cast<std::int32_t>(index.size()));
        write(out, entry);
    }
    for (const Id id : ids)
        if (entries_.at(id).tried) write(out, entries_.at(id));
    for (const Bucket& bucket : new_) {
        writer.i32(static_cast<std::int32_t>(bucket.size()));
        for (const auto& place : bucket) writer.i32(index.at(place.second));
    }
    writer.uint256(groups_->version());
    return out;
}

/// Gives kNone when the address is known already.
AddrBook::Id AddrBook::load_entry(Entry entry, bool tried) {
    if (ids_.contains(entry.address.endpoint)) return kNone;
    entry.tried = tried;
    entry.order = order_.size();
    const Id id = next_id_++;
    order_.push_back(id);
    ids_[entry.address.endpoint] = id;
    count(entry, 1);
    entries_.emplace(id, std::move(entry));
    return id;
}

Result<std::size_t, AddrBook::LoadError> AddrBook::deserialize(ByteSpan bytes) {
    const auto corrupt = [](std::string text) { return fail(LoadError{std::move(text), false}); };
    const auto ended = [] { return fail(LoadError{"AutoFile::read: end of file: iostream error", false}); };
    Reader reader(bytes);
    const std::uint8_t format = reader.u8();
    const std::uint8_t compatible = reader.u8();
    if (!reader.ok()) return ended();
    if (compatible < kCompatibleBase)
        return corrupt(fmt::format("Corrupted addrman database: The compat value ({}) is lower than the expected minimum value {}.: iostream error", compatible,
                                   kCompatibleBase));
    if (compatible - kCompatibleBase > kFormat)
        return fail(LoadError{fmt::format("Unsupported format of addrman database: {}. It is compatible with formats >={}, but the maximum supported by this "
                                          "version of Bitcoin Core is {}.",
                                          format, compatible - kCompatibleBase, kFormat),
                              true});
    key_ = reader.uint256();
    const std::int32_t in_new = reader.i32(), in_tried = reader.i32();
    std::int32_t buckets = reader.i32();
    if (!reader.ok()) return ended();
    if (format >= kFormatDeterministic) buckets ^= kBucketCountMask;
    if (in_new < 0 || in_new > kNewBuckets * kBucketSize)
        return corrupt(fmt::format("Corrupt AddrMan serialization: nNew={}, should be in [0, {}]: iostream error", in_new, kNewBuckets * kBucketSize));
    if (in_tried < 0 || in_tried > kTriedBuckets * kBucketSize)
        return corrupt(fmt::format("Corrupt AddrMan serialization: nTried={}, should be in [0, {}]: iostream error", in_tried, kTriedBuckets * kBucketSize));

    const bool bip155 = format >= kFormatBip155;
    std::vector<Id> by_index;
    for (std::int32_t n = 0; n < in_new; ++n) {
        Entry entry;
        if (!read(reader, bip155, entry)) return ended();
        by_index.push_back(load_entry(std::move(entry), false));
    }
    std::size_t lost = 0;
    for (std::int32_t n = 0; n < in_tried; ++n) {
        Entry entry;
        if (!read(reader, bip155, entry)) return ended();
        const int bucket = tried_bucket(entry.address.endpoint);
        const int place = position(true, bucket, entry.address.endpoint);
        Id id = kNone;
        if (valid(entry) && get(tried_, bucket, place) == kNone) id = load_entry(std::move(entry), true);
        if (id == kNone) ++lost;
        else set(tried_, bucket, place, id);
    }
    std::vector<std::pair<std::int32_t, Id>> wanted;
    for (std::int32_t bucket = 0; bucket < buckets; ++bucket) {
        const std::int32_t size = reader.i32();
        if (!reader.ok()) return ended();
        if (size > kMaxEntriesOfBucket) return ended();
        for (std::int32_t n = 0; n < size; ++n) {
            const std::int32_t index = reader.i32();
            if (!reader.ok()) return ended();
            if (index >= 0 && index < in_new && by_index[static_cast<std::size_t>(index)] != kNone)
                wanted.emplace_back(bucket, by_index[static_cast<std::size_t>(index)]);
        }
    }
    // Places hold only for the same number of buckets and the same map.
    const Uint256 map = format >= kFormatAsmap ? reader.uint256() : Uint256();
    if (!reader.ok()) return ended();
    const bool same_places = buckets == kNewBuckets && map == groups_->version();
    if (!same_places && options_.log) options_.log->debug("Bucketing method was updated, re-bucketing addrman entries from disk");
    for (const auto& [old_bucket, id] : wanted) {
        Entry& entry = entries_.at(id);
        if (!valid(entry) || entry.new_places >= kMaxNewPlaces) continue;
        int bucket = old_bucket;
        int place = same_places ? position(false, bucket, entry.address.endpoint) : 0;
        if (!same_places || get(new_, bucket, place) != kNone) {
            bucket = new_bucket(entry.address.endpoint, entry.source);
            place = position(false, bucket, entry.address.endpoint);
            if (get(new_, bucket, place) != kNone) continue;
        }
        set(new_, bucket, place, id);
        ++entry.new_places;
    }
    std::vector<Id> homeless;
    for (const auto& [id, entry] : entries_)
        if (!entry.tried && entry.new_places == 0) homeless.push_back(id);
    for (const Id id : homeless) erase(id);
    if (lost + homeless.size() > 0 && options_.log)
        options_.log->debug("addrman lost {} new and {} tried addresses due to collisions or invalid addresses", homeless.size(), lost);
    if (const int code = check(); code != 0) return corrupt(fmt::format("Corrupt data. Consistency check failed with code {}: iostream error", code));
    return reader.position();
}

}  // namespace cairn::net
