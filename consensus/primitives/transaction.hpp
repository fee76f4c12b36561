#pragma once

#include <memory>
#include <vector>

#include "consensus/base/codec.hpp"
#include "consensus/base/result.hpp"
#include "consensus/primitives/amount.hpp"
#include "consensus/primitives/arena.hpp"
#include "consensus/primitives/ids.hpp"

namespace cairn {

/// Weight of a byte outside the witness (BIP141).
inline constexpr std::int64_t kWitnessScaleFactor = 4;

/// One input, as spans into the serialised transaction.
struct TxInput {
    static constexpr std::uint32_t kFinalSequence = 0xffffffff;

    OutPoint prevout;
    ByteSpan script_sig;
    std::uint32_t sequence = kFinalSequence;
    std::span<const ByteSpan> witness;  ///< stack items, bottom first; empty when there are none
};

/// One output, as a span into the serialised transaction.
struct TxOutput {
    Amount value = 0;
    ByteSpan script_pubkey;
};

/// A transaction as it was read: rows of inputs and outputs that point into its bytes, and its two hashes.
/// It owns nothing: a Block or a TransactionHolder keeps the bytes and rows alive.
/// Thread: any (immutable).
struct Transaction {
    std::uint32_t version = 0;
    std::uint32_t lock_time = 0;
    std::span<const TxInput> inputs;
    std::span<const TxOutput> outputs;
    ByteSpan raw;                     ///< whole serialisation, with witness when there is one (BIP144)
    std::uint32_t stripped_size = 0;  ///< bytes without marker, flag and witness
    Txid txid;
    Wtxid wtxid;

    bool has_witness() const { return raw.size() != stripped_size; }
    std::size_t total_size() const { return raw.size(); }
    std::int64_t weight() const {
        return static_cast<std::int64_t>(stripped_size) * (kWitnessScaleFactor - 1) + static_cast<std::int64_t>(raw.size());
    }
    std::int64_t vsize() const { return (weight() + kWitnessScaleFactor - 1) / kWitnessScaleFactor; }
    bool is_coinbase() const { return inputs.size() == 1 && inputs[0].prevout.is_null(); }

    /// Appends the serialisation without the witness.
    void write_stripped(Writer& writer) const;

    /// Reads one transaction and leaves `reader` behind it; check reader.ok(). Rows come from `arena`, spans point
    /// into the reader's data. The hashes are made here, once. With `allow_witness` false a BIP144 marker is an
    /// input count of zero.
    /// Limits: row sizes are bounded by the bytes that remain, before anything is allocated.
    static Transaction read(Reader& reader, Arena& arena, bool allow_witness = true);
    /// Reads a copy of `known`'s bytes, whose hashes are taken over instead of made anew. The reader stands before them.
    static Transaction read_copy(Reader& reader, Arena& arena, const Transaction& known);

private:
    static Transaction read_rows(Reader& reader, Arena& arena, bool allow_witness);
};

/// A transaction together with its bytes and rows, which share one block of memory of just their size.
class TransactionHolder {
    struct Key {};

public:
    /// Reads all of `raw`; trailing bytes are an error.
    static Result<std::shared_ptr<const TransactionHolder>, DecodeError> parse(Bytes raw, bool allow_witness = true);

    /// For parse() only.
    TransactionHolder(Key, const Transaction& tx);

    const Transaction& tx() const { return tx_; }
    const Transaction* operator->() const { return &tx_; }
    const Transaction& operator*() const { return tx_; }

    /// Bytes of the heap that it takes, all in.
    std::size_t memory_usage() const;

private:
    std::unique_ptr<std::byte[]> storage_;  ///< rows, then the serialisation
    std::size_t storage_bytes_ = 0;
    Transaction tx_;
};

using TransactionPtr = std::shared_ptr<const TransactionHolder>;

/// A transaction being built: owns its parts and may change.
struct MutableTransaction {
    struct Input {
        OutPoint prevout{};
        Bytes script_sig{};
        std::uint32_t sequence = TxInput::kFinalSequence;
        std::vector<Bytes> witness{};
    };
    struct Output {
        Amount value = 0;
        Bytes script_pubkey{};
    };

    std::uint32_t version = 2;
    std::uint32_t lock_time = 0;
    std::vector<Input> inputs;
    std::vector<Output> outputs;

    MutableTransaction() = default;
    explicit MutableTransaction(const Transaction& tx);

    bool has_witness() const;
    /// BIP144 when an input has a witness and `with_witness` is set, the old format otherwise.
    Bytes serialize(bool with_witness = true) const;
    /// The immutable form; serialises and parses again.
    TransactionPtr finish() const;
};

}  // namespace cairn
