#pragma once

#include <bit>
#include <span>
#include <vector>

#include "consensus/crypto/siphash.hpp"
#include "net/wire/messages.hpp"

namespace cairn::node::detail {

/// Tells for the items of one inv which are named for the first time: what a message names twice counts once.
///
/// A table without nodes over a keyed hash, used again for every message: nothing is allocated for an item.
/// Memory: at most 512 kB. Owner: one thread.
class NamedOnce {
public:
    explicit NamedOnce(SipKey key) : key_(key) {}

    /// `items` stay until the next call.
    void begin(std::span<const net::InvItem> items) {
        items_ = items;
        slots_.assign(std::bit_ceil(items.size() * 2 + 1), 0);
    }
    /// Of the item at `index`, each asked for once.
    bool first(std::size_t index) {
        const net::InvItem& item = items_[index];
        std::size_t slot = siphash13_jumbo(key_, item.hash) & (slots_.size() - 1);
        for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
            const net::InvItem& other = items_[slots_[slot] - 1];
            if (other.hash == item.hash && (other.type == net::kInvWtx) == (item.type == net::kInvWtx)) return false;
        }
        slots_[slot] = static_cast<std::uint32_t>(index + 1);
        return true;
    }

private:
    SipKey key_;
    std::span<const net::InvItem> items_;
    std::vector<std::uint32_t> slots_;
};

}  // namespace cairn::node::detail
