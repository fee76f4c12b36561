#pragma once

#include <cstring>

#include "consensus/base/bytes.hpp"
#include "consensus/crypto/sha256.hpp"
#include "consensus/primitives/transaction.hpp"

namespace cairn {

/// Writes fields in Bitcoin's serialisation into a hasher it does not own.
class HashWriter {
public:
    explicit HashWriter(Sha256& hasher) : hasher_(hasher) {}

    void u8(std::uint8_t value) { hasher_.write(ByteSpan(&value, 1)); }
    void u32(std::uint32_t value) { number(value); }
    void u64(std::uint64_t value) { number(value); }
    void hash(const Uint256& value) { hasher_.write(value); }
    void bytes(ByteSpan value) { hasher_.write(value); }
    void compact_size(std::uint64_t value) {
        if (value < 253) {
            u8(static_cast<std::uint8_t>(value));
        } else if (value <= 0xffff) {
            u8(253);
            number(static_cast<std::uint16_t>(value));
        } else if (value <= 0xffffffff) {
            u8(254);
            u32(static_cast<std::uint32_t>(value));
        } else {
            u8(255);
            u64(value);
        }
    }
    void var_bytes(ByteSpan value) {
        compact_size(value.size());
        bytes(value);
    }
    void outpoint(const OutPoint& value) {
        hash(value.txid);
        u32(value.index);
    }
    void output(const TxOutput& value) {
        u64(static_cast<std::uint64_t>(value.value));
        var_bytes(value.script_pubkey);
    }

private:
    template <class T>
    void number(T value) {
        std::uint8_t field[sizeof value];
        std::memcpy(field, &value, sizeof value);
        hasher_.write(field);
    }

    Sha256& hasher_;
};

}  // namespace cairn
