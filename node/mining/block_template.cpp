#include "node/mining/block_template.hpp"

#include <charconv>
#include <cstring>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn::node {

namespace {

// What an object needs beside the transaction's bytes: two hashes, keys and numbers.
constexpr std::size_t kObjectBytes = 280;
constexpr std::size_t kDependencyBytes = 6;
constexpr std::size_t kCacheLine = 64, kLinesAhead = 10, kAhead = 4;

/// Asks the processor for memory that is used soon: rows and bytes lie behind the transaction, together scattered over memory.
void fetch_ahead(const TransactionHolder& holder) {
    const char* memory = reinterpret_cast<const char*>(&holder);
    for (std::size_t line = 0; line < kLinesAhead; ++line) __builtin_prefetch(memory + line * kCacheLine);
}

/// Finds a transaction's position by its id. Open addressing over a salted hash: ids are chosen by strangers.
class Positions {
public:
    explicit Positions(std::span<const SelectedTransaction> transactions) : transactions_(transactions) {
        std::size_t slots = 16;
        while (slots < transactions.size() * 2) slots *= 2;
        slots_.assign(slots, 0);
        mask_ = slots - 1;
    }

    /// `position`: from 1.
    void add(std::uint32_t position) {
        std::size_t slot = slot_of(txid(position));
        while (slots_[slot] != 0) slot = (slot + 1) & mask_;
        slots_[slot] = position;
    }
    /// 0: not among those added.
    std::uint32_t find(const Txid& wanted) const {
        std::size_t slot = slot_of(wanted);
        while (slots_[slot] != 0 && txid(slots_[slot]) != wanted) slot = (slot + 1) & mask_;
        return slots_[slot];
    }

private:
    const Txid& txid(std::uint32_t position) const { return transactions_[position - 1].tx->tx().txid; }
    std::size_t slot_of(const Txid& id) const { return ((id.low64() * salt_) >> 24) & mask_; }

    std::span<const SelectedTransaction> transactions_;
    std::vector<std::uint32_t> slots_;
    std::size_t mask_ = 0;
    std::uint64_t salt_ = random_u64() | 1;
};

/// Appends to memory that is known to suffice.
class Pen {
public:
    explicit Pen(char* to) : to_(to) {}
    void text(std::string_view words) {
        std::memcpy(to_, words.data(), words.size());
        to_ += words.size();
    }
    void number(std::int64_t value) { to_ = std::to_chars(to_, to_ + 20, value).ptr; }
    void hex(ByteSpan bytes) {
        write_hex(bytes, to_);
        to_ += bytes.size() * 2;
    }
    /// In display order: backwards.
    void hash(const Uint256& value) {
        std::array<std::uint8_t, Uint256::kSize> backwards;
        std::reverse_copy(value.span().begin(), value.span().end(), backwards.begin());
        hex(backwards);
    }
    char* position() const { return to_; }

private:
    char* to_;
};

}  // namespace

std::string render_transactions(const BlockSelection& selection, bool segwit) {
    const auto& transactions = selection.transactions;
    std::size_t bound = 2;
    for (const SelectedTransaction& one : transactions) {
        bound += kObjectBytes + one.tx->tx().raw.size() * 2 + one.tx->tx().inputs.size() * kDependencyBytes;
    }
    std::string json(bound, '\0');
    Pen pen(json.data());
    Positions positions(transactions);
    pen.text("[");
    for (std::uint32_t position = 1; position <= transactions.size(); ++position) {
        if (position + kAhead < transactions.size()) fetch_ahead(*transactions[position + kAhead].tx);
        const SelectedTransaction& one = transactions[position - 1];
        const Transaction& tx = one.tx->tx();
        pen.text(position == 1 ? "{\"data\":\"" : ",{\"data\":\"");
        pen.hex(tx.raw);
        pen.text("\",\"txid\":\"");
        pen.hash(tx.txid);
        pen.text("\",\"hash\":\"");
        pen.hash(tx.wtxid);
        pen.text("\",\"depends\":[");
        bool first = true;
        for (const TxInput& input : tx.inputs) {
            const std::uint32_t parent = positions.find(input.prevout.txid);
            if (parent == 0) continue;
            if (!std::exchange(first, false)) pen.text(",");
            pen.number(parent);
        }
        pen.text("],\"fee\":");
        pen.number(one.fee);
        pen.text(",\"sigops\":");
        pen.number(segwit ? one.sigop_cost : one.sigop_cost / kWitnessScaleFactor);
        pen.text(",\"weight\":");
        pen.number(tx.weight());
        pen.text("}");
        positions.add(position);
    }
    pen.text("]");
    json.resize(static_cast<std::size_t>(pen.position() - json.data()));
    return json;
}

}  // namespace cairn::node
