#include "consensus/script/sighash.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "consensus/script/detail/hash_writer.hpp"
#include "consensus/script/script.hpp"

namespace cairn {
namespace {

constexpr int kOutputMask = 0x1f;  // of a legacy or BIP143 hash type

bool anyone_can_pay(std::int32_t hash_type) {
    return (hash_type & kSighashAnyoneCanPay) != 0;
}
bool signs_no_output(std::int32_t hash_type) {
    return (hash_type & kOutputMask) == kSighashNone;
}
bool signs_one_output(std::int32_t hash_type) {
    return (hash_type & kOutputMask) == kSighashSingle;
}
bool signs_all_outputs(std::int32_t hash_type) {
    return !signs_no_output(hash_type) && !signs_one_output(hash_type);
}

/// The outputs as they stand in the transaction, without their count: they end four bytes before the stripped
/// serialisation does, so that they can be hashed in one piece.
ByteSpan outputs_section(const Transaction& tx) {
    constexpr std::size_t lock_time_size = 4;
    constexpr std::size_t marker_size = 2;
    std::size_t size = 0;
    for (const TxOutput& output : tx.outputs) {
        size += sizeof(Amount) + compact_size_length(output.script_pubkey.size()) + output.script_pubkey.size();
    }
    const std::size_t end = tx.stripped_size - lock_time_size + (tx.has_witness() ? marker_size : 0);
    return tx.raw.subspan(end - size, size);
}

Uint256 hash_prevouts(const Transaction& tx) {
    Sha256 hasher;
    HashWriter writer(hasher);
    for (const TxInput& input : tx.inputs) writer.outpoint(input.prevout);
    return hasher.finish();
}

Uint256 hash_sequences(const Transaction& tx) {
    Sha256 hasher;
    HashWriter writer(hasher);
    for (const TxInput& input : tx.inputs) writer.u32(input.sequence);
    return hasher.finish();
}

Uint256 hash_outputs(const Transaction& tx) {
    return Sha256().write(outputs_section(tx)).finish();
}

Uint256 hash_amounts(std::span<const TxOutput> spent) {
    Sha256 hasher;
    HashWriter writer(hasher);
    for (const TxOutput& output : spent) writer.u64(static_cast<std::uint64_t>(output.value));
    return hasher.finish();
}

Uint256 hash_script_pubkeys(std::span<const TxOutput> spent) {
    Sha256 hasher;
    HashWriter writer(hasher);
    for (const TxOutput& output : spent) writer.var_bytes(output.script_pubkey);
    return hasher.finish();
}

Uint256 hash_output(const TxOutput& output) {
    Sha256 hasher;
    HashWriter(hasher).output(output);
    return hasher.finish();
}

Uint256 hash_again(const Uint256& hash) {
    return Sha256().write(hash).finish();
}

/// The script code without its op_codeseparators. A push that reaches beyond the end hides what follows it, though the
/// announced size counts it: so it has always been hashed.
void write_script_code(HashWriter& writer, ByteSpan script) {
    ScriptReader counter(script);
    Instruction instruction;
    std::size_t separators = 0;
    while (counter.next(instruction)) separators += instruction.opcode == Opcode::op_codeseparator;
    writer.compact_size(script.size() - separators);
    if (separators == 0) return writer.bytes(script.first(counter.position()));

    ScriptReader reader(script);
    std::size_t start = 0;
    while (reader.next(instruction)) {
        if (instruction.opcode != Opcode::op_codeseparator) continue;
        writer.bytes(script.subspan(start, reader.position() - 1 - start));
        start = reader.position();
    }
    writer.bytes(script.subspan(start, reader.position() - start));
}

/// Inputs whose scripts are blanked, many in one piece for the hasher.
class BlankInputs {
public:
    explicit BlankInputs(Sha256& hasher) : hasher_(hasher) {}

    void add(const TxInput& input, std::uint32_t sequence) {
        if (used_ == sizeof buffer_) flush();
        std::uint8_t* field = buffer_ + used_;
        std::memcpy(field, input.prevout.txid.data(), 32);
        std::memcpy(field + 32, &input.prevout.index, 4);
        field[36] = 0;
        std::memcpy(field + 37, &sequence, 4);
        used_ += kSize;
    }
    void flush() {
        hasher_.write(ByteSpan(buffer_, used_));
        used_ = 0;
    }

private:
    static constexpr std::size_t kSize = 32 + 4 + 1 + 4;
    Sha256& hasher_;
    std::size_t used_ = 0;
    std::uint8_t buffer_[kSize * 32];
};

void write_signed_input(HashWriter& writer, const TxInput& input, ByteSpan script_code) {
    writer.outpoint(input.prevout);
    write_script_code(writer, script_code);
    writer.u32(input.sequence);
}

void write_legacy_inputs(Sha256& hasher, const Transaction& tx, std::size_t index, ByteSpan script_code,
                         std::int32_t hash_type) {
    HashWriter writer(hasher);
    if (anyone_can_pay(hash_type)) {
        writer.compact_size(1);
        return write_signed_input(writer, tx.inputs[index], script_code);
    }
    const bool keep_sequences = signs_all_outputs(hash_type);
    writer.compact_size(tx.inputs.size());
    BlankInputs blanks(hasher);
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        if (i == index) {
            blanks.flush();
            write_signed_input(writer, tx.inputs[i], script_code);
        } else {
            blanks.add(tx.inputs[i], keep_sequences ? tx.inputs[i].sequence : 0);
        }
    }
    blanks.flush();
}

/// Everything that a legacy signature signs, except the hash type behind it.
void write_legacy(Sha256& hasher, const Transaction& tx, std::size_t index, ByteSpan script_code,
                  std::int32_t hash_type) {
    HashWriter writer(hasher);
    writer.u32(tx.version);
    write_legacy_inputs(hasher, tx, index, script_code, hash_type);
    if (signs_no_output(hash_type)) {
        writer.compact_size(0);
    } else if (signs_one_output(hash_type)) {
        writer.compact_size(index + 1);
        const TxOutput blank{-1, {}};
        for (std::size_t i = 0; i < index; ++i) writer.output(blank);
        writer.output(tx.outputs[index]);
    } else {
        writer.compact_size(tx.outputs.size());
        writer.bytes(outputs_section(tx));
    }
    writer.u32(tx.lock_time);
}

/// Everything that a BIP143 signature signs, except the hash type behind it.
void write_bip143(Sha256& hasher, const Transaction& tx, std::size_t index, ByteSpan script_code,
                  std::int32_t hash_type, Amount amount, const PrecomputedTxData* precomputed) {
    if (precomputed != nullptr && !precomputed->bip143_ready()) precomputed = nullptr;
    Uint256 prevouts, sequences, outputs;
    if (!anyone_can_pay(hash_type)) {
        prevouts = precomputed != nullptr ? precomputed->hash_prevouts() : hash_again(hash_prevouts(tx));
        if (signs_all_outputs(hash_type)) {
            sequences = precomputed != nullptr ? precomputed->hash_sequences() : hash_again(hash_sequences(tx));
        }
    }
    if (signs_all_outputs(hash_type)) {
        outputs = precomputed != nullptr ? precomputed->hash_outputs() : hash_again(hash_outputs(tx));
    } else if (signs_one_output(hash_type) && index < tx.outputs.size()) {
        outputs = hash_again(hash_output(tx.outputs[index]));
    }

    const TxInput& input = tx.inputs[index];
    HashWriter writer(hasher);
    writer.u32(tx.version);
    writer.hash(prevouts);
    writer.hash(sequences);
    writer.outpoint(input.prevout);
    writer.var_bytes(script_code);
    writer.u64(static_cast<std::uint64_t>(amount));
    writer.u32(input.sequence);
    writer.hash(outputs);
    writer.u32(tx.lock_time);
}

std::size_t cache_slot(std::int32_t hash_type) {
    return (anyone_can_pay(hash_type) ? 3u : 0u) + (signs_one_output(hash_type) ? 2u : 0u) +
           (signs_no_output(hash_type) ? 1u : 0u);
}

/// Which kinds of shared hashes the inputs of a transaction will ask for.
struct Needs {
    bool bip143 = false;
    bool bip341 = false;
};

Needs find_needs(const Transaction& tx, std::span<const TxOutput> spent_outputs) {
    Needs needs;
    for (std::size_t i = 0; i < tx.inputs.size() && !(needs.bip143 && needs.bip341); ++i) {
        if (tx.inputs[i].witness.empty()) continue;
        const bool by_taproot = !spent_outputs.empty() && is_p2tr(spent_outputs[i].script_pubkey);
        (by_taproot ? needs.bip341 : needs.bip143) = true;
    }
    return needs;
}

bool is_defined_taproot_hash_type(std::uint8_t hash_type) {
    return hash_type <= kSighashSingle ||
           (hash_type >= (kSighashAnyoneCanPay | kSighashAll) && hash_type <= (kSighashAnyoneCanPay | kSighashSingle));
}

}  // namespace

PrecomputedTxData::PrecomputedTxData(const Transaction& tx, std::span<const TxOutput> spent_outputs, bool force)
    : spent_outputs_(spent_outputs) {
    CAIRN_CHECK(spent_outputs.empty() || spent_outputs.size() == tx.inputs.size());
    const Needs needs = force              ? Needs{true, !spent_outputs.empty()}
                        : tx.has_witness() ? find_needs(tx, spent_outputs)
                                           : Needs{};
    if (!needs.bip143 && !needs.bip341) return;
    sha_prevouts_ = cairn::hash_prevouts(tx);
    sha_sequences_ = cairn::hash_sequences(tx);
    sha_outputs_ = cairn::hash_outputs(tx);
    if (needs.bip143) {
        hash_prevouts_ = hash_again(sha_prevouts_);
        hash_sequences_ = hash_again(sha_sequences_);
        hash_outputs_ = hash_again(sha_outputs_);
        bip143_ready_ = true;
    }
    if (needs.bip341) {
        sha_amounts_ = hash_amounts(spent_outputs);
        sha_script_pubkeys_ = hash_script_pubkeys(spent_outputs);
        bip341_ready_ = true;
    }
}

bool SighashCache::load(std::int32_t hash_type, ByteSpan script_code, Sha256& hasher) const {
    const auto& entry = entries_[cache_slot(hash_type)];
    if (!entry || !std::ranges::equal(entry->script_code, script_code)) return false;
    hasher = entry->hasher;
    return true;
}

void SighashCache::store(std::int32_t hash_type, ByteSpan script_code, const Sha256& hasher) {
    entries_[cache_slot(hash_type)] = Entry{to_bytes(script_code), hasher};
}

Uint256 ecdsa_sighash(const Transaction& tx, std::size_t index, ByteSpan script_code, std::int32_t hash_type,
                      Amount amount, SigVersion version, const PrecomputedTxData* precomputed, SighashCache* cache) {
    CAIRN_CHECK(index < tx.inputs.size());
    if (version != SigVersion::witness_v0 && signs_one_output(hash_type) && index >= tx.outputs.size()) {
        // There is no such output: the hash has always been the number one.
        Uint256 one;
        one.data()[0] = 1;
        return one;
    }
    Sha256 hasher;
    if (cache == nullptr || !cache->load(hash_type, script_code, hasher)) {
        if (version == SigVersion::witness_v0) {
            write_bip143(hasher, tx, index, script_code, hash_type, amount, precomputed);
        } else {
            write_legacy(hasher, tx, index, script_code, hash_type);
        }
        if (cache != nullptr) cache->store(hash_type, script_code, hasher);
    }
    HashWriter(hasher).u32(static_cast<std::uint32_t>(hash_type));
    return hasher.finish_double();
}

std::optional<Bytes> taproot_sighash_message(const Transaction& tx, std::size_t index, std::uint8_t hash_type,
                                             SigVersion version, const TaprootContext& context,
                                             const PrecomputedTxData& precomputed) {
    CAIRN_CHECK(version == SigVersion::taproot || version == SigVersion::tapscript);
    CAIRN_CHECK(index < tx.inputs.size() && precomputed.bip341_ready());
    if (!is_defined_taproot_hash_type(hash_type)) return std::nullopt;
    const std::uint8_t output_type = hash_type == kSighashDefault ? kSighashAll : hash_type & 0x03;
    const bool only_this_input = anyone_can_pay(hash_type);
    const TxInput& input = tx.inputs[index];

    Bytes message;
    message.reserve(320);
    Writer writer(message);
    writer.u8(0);  // epoch
    writer.u8(hash_type);
    writer.u32(tx.version);
    writer.u32(tx.lock_time);
    if (!only_this_input) {
        writer.uint256(precomputed.sha_prevouts());
        writer.uint256(precomputed.sha_amounts());
        writer.uint256(precomputed.sha_script_pubkeys());
        writer.uint256(precomputed.sha_sequences());
    }
    if (output_type == kSighashAll) writer.uint256(precomputed.sha_outputs());

    const int extension = version == SigVersion::tapscript ? 1 : 0;
    writer.u8(static_cast<std::uint8_t>(2 * extension + (context.annex_hash ? 1 : 0)));
    if (only_this_input) {
        const TxOutput& spent = precomputed.spent_outputs()[index];
        writer.uint256(input.prevout.txid);
        writer.u32(input.prevout.index);
        writer.i64(spent.value);
        writer.var_bytes(spent.script_pubkey);
        writer.u32(input.sequence);
    } else {
        writer.u32(static_cast<std::uint32_t>(index));
    }
    if (context.annex_hash) writer.uint256(*context.annex_hash);
    if (output_type == kSighashSingle) {
        if (index >= tx.outputs.size()) return std::nullopt;
        writer.uint256(hash_output(tx.outputs[index]));
    }
    if (version == SigVersion::tapscript) {
        writer.uint256(context.tapleaf_hash);
        writer.u8(0);  // key version
        writer.u32(context.codeseparator_position);
    }
    return message;
}

std::optional<Uint256> taproot_sighash(const Transaction& tx, std::size_t index, std::uint8_t hash_type,
                                       SigVersion version, const TaprootContext& context,
                                       const PrecomputedTxData& precomputed) {
    static const Sha256 start = tagged_hasher("TapSighash");
    const auto message = taproot_sighash_message(tx, index, hash_type, version, context, precomputed);
    if (!message) return std::nullopt;
    Sha256 hasher = start;
    return hasher.write(*message).finish();
}

ByteSpan find_and_delete(ByteSpan script, ByteSpan needle, Bytes& storage) {
    if (needle.empty() || needle.size() > script.size()) return script;
    if (std::search(script.begin(), script.end(), needle.begin(), needle.end()) == script.end()) return script;

    Bytes result;
    bool found = false;
    std::size_t position = 0;
    for (;;) {
        while (script.size() - position >= needle.size() &&
               std::equal(needle.begin(), needle.end(), script.begin() + static_cast<std::ptrdiff_t>(position))) {
            position += needle.size();
            found = true;
        }
        ScriptReader reader(script.subspan(position));
        Instruction instruction;
        const bool more = reader.next(instruction);
        const ByteSpan kept = more ? script.subspan(position, reader.position()) : script.subspan(position);
        result.insert(result.end(), kept.begin(), kept.end());
        if (!more) break;
        position += reader.position();
    }
    if (!found) return script;
    storage = std::move(result);
    return storage;
}

}  // namespace cairn
