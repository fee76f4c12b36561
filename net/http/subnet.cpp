#include <arpa/inet.h>

#include <charconv>

#include "net/http/server.hpp"

namespace cairn::http {
namespace {

std::optional<std::vector<std::uint8_t>> parse_address(std::string_view text) {
    if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
    const std::string copy(text);
    std::vector<std::uint8_t> bytes(16);
    if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) {
        static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        if (std::equal(kMapped, kMapped + 12, bytes.begin())) bytes.erase(bytes.begin(), bytes.begin() + 12);
        return bytes;
    }
    bytes.resize(4);
    if (inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1) return bytes;
    return std::nullopt;
}

/// A netmask's ones come first.
bool contiguous(const std::vector<std::uint8_t>& mask) {
    bool ended = false;
    for (const std::uint8_t byte : mask) {
        for (int bit = 7; bit >= 0; --bit) {
            const bool one = (byte >> bit) & 1;
            if (one && ended) return false;
            ended |= !one;
        }
    }
    return true;
}

}  // namespace

bool SubnetList::add(std::string_view text) {
    const std::size_t slash = text.find('/');
    auto address = parse_address(text.substr(0, slash));
    if (!address) return false;
    std::vector<std::uint8_t> mask(address->size(), 0xff);
    if (slash != std::string_view::npos) {
        const std::string_view suffix = text.substr(slash + 1);
        unsigned bits = 0;
        const auto [end, error] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), bits);
        if (error == std::errc{} && end == suffix.data() + suffix.size() && !suffix.empty()) {
            if (bits > address->size() * 8) return false;
            for (std::size_t i = 0; i < mask.size() * 8; ++i) {
                if (i >= bits) mask[i / 8] = static_cast<std::uint8_t>(mask[i / 8] & ~(0x80 >> (i % 8)));
            }
        } else {
            const auto parsed = parse_address(suffix);
            if (!parsed || parsed->size() != address->size() || !contiguous(*parsed)) return false;
            mask = *parsed;
        }
    }
    for (std::size_t i = 0; i < mask.size(); ++i) (*address)[i] &= mask[i];
    entries_.push_back({address->size() == 16, std::move(*address), std::move(mask)});
    return true;
}

bool SubnetList::contains(std::string_view address) const {
    const auto bytes = parse_address(address.substr(0, address.find('%')));
    if (!bytes) return false;
    for (const Entry& entry : entries_) {
        if (entry.address.size() != bytes->size()) continue;
        bool match = true;
        for (std::size_t i = 0; i < bytes->size() && match; ++i) match = ((*bytes)[i] & entry.mask[i]) == entry.address[i];
        if (match) return true;
    }
    return false;
}

}  // namespace cairn::http
