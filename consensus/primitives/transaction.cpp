#include "consensus/primitives/transaction.hpp"

#include "consensus/base/check.hpp"
#include "consensus/base/memory.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/sha256.hpp"

namespace cairn {
namespace {

// The fewest bytes that one element of a row takes on the wire: bounds a row before it is allocated.
constexpr std::size_t kMinInputSize = 32 + 4 + 1 + 4;
constexpr std::size_t kMinOutputSize = 8 + 1;
constexpr std::size_t kMinWitnessItemSize = 1;

constexpr std::uint8_t kWitnessFlag = 1;
constexpr std::size_t kVersionSize = 4;
constexpr std::size_t kMarkerSize = 2;
constexpr std::size_t kLockTimeSize = 4;

/// Reads how many elements follow and refuses what the remaining bytes cannot hold.
std::size_t read_count(Reader& reader, std::size_t min_element_size) {
    const std::uint64_t count = reader.compact_size();
    if (count > reader.remaining() / min_element_size) {
        reader.fail(DecodeError::truncated);
        return 0;
    }
    return static_cast<std::size_t>(count);
}

std::span<const TxInput> read_inputs(Reader& reader, Arena& arena, std::span<TxInput>& row) {
    row = arena.make_row<TxInput>(read_count(reader, kMinInputSize));
    for (TxInput& input : row) {
        input.prevout.txid = Txid(reader.uint256());
        input.prevout.index = reader.u32();
        input.script_sig = reader.var_bytes();
        input.sequence = reader.u32();
    }
    return row;
}

std::span<const TxOutput> read_outputs(Reader& reader, Arena& arena) {
    const auto row = arena.make_row<TxOutput>(read_count(reader, kMinOutputSize));
    for (TxOutput& output : row) {
        output.value = reader.i64();
        output.script_pubkey = reader.var_bytes();
    }
    return row;
}

/// Fills in the witness of every input; true when at least one is not empty.
bool read_witnesses(Reader& reader, Arena& arena, std::span<TxInput> inputs) {
    bool any = false;
    for (TxInput& input : inputs) {
        const auto row = arena.make_row<ByteSpan>(read_count(reader, kMinWitnessItemSize));
        for (ByteSpan& item : row) item = reader.var_bytes();
        input.witness = row;
        any = any || !row.empty();
    }
    return any;
}

/// Rows of most transactions while they are read.
constexpr std::size_t kScratchBytes = 1024;

/// A copy of `row` at `next`, which moves behind it.
template <class T>
std::span<T> copy_row(std::span<const T> row, std::byte*& next) {
    T* const begin = reinterpret_cast<T*>(next);
    std::uninitialized_copy(row.begin(), row.end(), begin);
    next += row.size_bytes();
    return {begin, row.size()};
}

/// The serialisation without marker, flag and witness consists of three pieces of the whole one.
struct StrippedPieces {
    ByteSpan version;
    ByteSpan body;
    ByteSpan lock_time;
};

StrippedPieces stripped_pieces(ByteSpan raw, std::size_t stripped_size) {
    return {raw.first(kVersionSize),
            raw.subspan(kVersionSize + kMarkerSize, stripped_size - kVersionSize - kLockTimeSize),
            raw.last(kLockTimeSize)};
}

}  // namespace

Transaction Transaction::read_rows(Reader& reader, Arena& arena, bool allow_witness) {
    Transaction tx;
    const std::size_t start = reader.position();
    tx.version = reader.u32();

    std::span<TxInput> inputs;
    std::uint8_t flags = 0;
    std::size_t witness_size = 0;
    tx.inputs = read_inputs(reader, arena, inputs);
    if (inputs.empty() && allow_witness) {
        // Either the BIP144 marker or a transaction without inputs, whose output count must then be zero.
        flags = reader.u8();
        if (flags != 0) {
            tx.inputs = read_inputs(reader, arena, inputs);
            tx.outputs = read_outputs(reader, arena);
        }
    } else {
        tx.outputs = read_outputs(reader, arena);
    }
    if ((flags & kWitnessFlag) != 0) {
        const std::size_t witness_start = reader.position();
        if (!read_witnesses(reader, arena, inputs)) reader.fail(DecodeError::superfluous_witness);
        witness_size = kMarkerSize + reader.position() - witness_start;
        flags ^= kWitnessFlag;
    }
    if (flags != 0) reader.fail(DecodeError::unknown_flags);
    tx.lock_time = reader.u32();
    if (!reader.ok()) return {};

    tx.raw = reader.data().subspan(start, reader.position() - start);
    tx.stripped_size = static_cast<std::uint32_t>(tx.raw.size() - witness_size);
    return tx;
}

Transaction Transaction::read(Reader& reader, Arena& arena, bool allow_witness) {
    Transaction tx = read_rows(reader, arena, allow_witness);
    if (!reader.ok()) return {};
    tx.wtxid = Wtxid(hash256(tx.raw));
    if (!tx.has_witness()) {
        tx.txid = Txid(static_cast<const Uint256&>(tx.wtxid));
    } else {
        const auto [version, body, lock_time] = stripped_pieces(tx.raw, tx.stripped_size);
        tx.txid = Txid(Sha256().write(version).write(body).write(lock_time).finish_double());
    }
    return tx;
}

Transaction Transaction::read_copy(Reader& reader, Arena& arena, const Transaction& known) {
    Transaction tx = read_rows(reader, arena, true);
    CAIRN_CHECK(reader.ok() && tx.raw.size() == known.raw.size());
    tx.txid = known.txid;
    tx.wtxid = known.wtxid;
    return tx;
}

void Transaction::write_stripped(Writer& writer) const {
    if (!has_witness()) {
        writer.bytes(raw);
        return;
    }
    const auto [head, body, tail] = stripped_pieces(raw, stripped_size);
    writer.bytes(head);
    writer.bytes(body);
    writer.bytes(tail);
}

Result<std::shared_ptr<const TransactionHolder>, DecodeError> TransactionHolder::parse(Bytes raw, bool allow_witness) {
    Arena scratch(kScratchBytes);
    Reader reader(raw);
    const Transaction tx = Transaction::read(reader, scratch, allow_witness);
    reader.expect_end();
    if (!reader.ok()) return fail(reader.error());
    return std::make_shared<const TransactionHolder>(Key{}, tx);
}

TransactionHolder::TransactionHolder(Key, const Transaction& tx) : tx_(tx) {
    std::size_t witness_items = 0;
    for (const TxInput& input : tx.inputs) witness_items += input.witness.size();
    // Each row's size is a multiple of the alignment of the next one.
    static_assert(alignof(TxInput) == 8 && alignof(TxOutput) == 8 && alignof(ByteSpan) == 8);
    const std::size_t rows_bytes =
        tx.inputs.size_bytes() + tx.outputs.size_bytes() + witness_items * sizeof(ByteSpan);
    storage_bytes_ = rows_bytes + tx.raw.size();
    storage_ = std::make_unique_for_overwrite<std::byte[]>(storage_bytes_);

    std::byte* next = storage_.get();
    std::uint8_t* const bytes = reinterpret_cast<std::uint8_t*>(next + rows_bytes);
    std::copy(tx.raw.begin(), tx.raw.end(), bytes);
    const auto moved = [&](ByteSpan span) {
        return span.empty() ? ByteSpan() : ByteSpan(bytes + (span.data() - tx.raw.data()), span.size());
    };
    const std::span<TxInput> inputs = copy_row(tx.inputs, next);
    const std::span<TxOutput> outputs = copy_row(tx.outputs, next);
    for (TxInput& input : inputs) {
        const std::span<ByteSpan> witness = copy_row(input.witness, next);
        for (ByteSpan& item : witness) item = moved(item);
        input.script_sig = moved(input.script_sig);
        input.witness = witness;
    }
    for (TxOutput& output : outputs) output.script_pubkey = moved(output.script_pubkey);
    tx_.inputs = inputs;
    tx_.outputs = outputs;
    tx_.raw = {bytes, tx.raw.size()};
}

std::size_t TransactionHolder::memory_usage() const {
    constexpr std::size_t kSharedCounts = 16;
    return heap_usage(sizeof(TransactionHolder) + kSharedCounts) + heap_usage(storage_bytes_);
}

MutableTransaction::MutableTransaction(const Transaction& tx) : version(tx.version), lock_time(tx.lock_time) {
    inputs.reserve(tx.inputs.size());
    for (const TxInput& from : tx.inputs) {
        Input& to = inputs.emplace_back();
        to.prevout = from.prevout;
        to.script_sig = to_bytes(from.script_sig);
        to.sequence = from.sequence;
        for (const ByteSpan item : from.witness) to.witness.push_back(to_bytes(item));
    }
    outputs.reserve(tx.outputs.size());
    for (const TxOutput& from : tx.outputs) outputs.push_back({from.value, to_bytes(from.script_pubkey)});
}

bool MutableTransaction::has_witness() const {
    return std::any_of(inputs.begin(), inputs.end(), [](const Input& input) { return !input.witness.empty(); });
}

Bytes MutableTransaction::serialize(bool with_witness) const {
    const bool witness = with_witness && has_witness();
    Bytes out;
    Writer writer(out);
    writer.u32(version);
    if (witness) {
        writer.u8(0);
        writer.u8(kWitnessFlag);
    }
    writer.compact_size(inputs.size());
    for (const Input& input : inputs) {
        writer.uint256(input.prevout.txid);
        writer.u32(input.prevout.index);
        writer.var_bytes(input.script_sig);
        writer.u32(input.sequence);
    }
    writer.compact_size(outputs.size());
    for (const Output& output : outputs) {
        writer.i64(output.value);
        writer.var_bytes(output.script_pubkey);
    }
    if (witness) {
        for (const Input& input : inputs) {
            writer.compact_size(input.witness.size());
            for (const Bytes& item : input.witness) writer.var_bytes(item);
        }
    }
    writer.u32(lock_time);
    return out;
}

TransactionPtr MutableTransaction::finish() const {
    // A transaction without inputs but with outputs is only readable in the old format.
    auto parsed = TransactionHolder::parse(serialize(), !inputs.empty());
    CAIRN_CHECK(parsed.has_value());
    return *parsed;
}

}  // namespace cairn
