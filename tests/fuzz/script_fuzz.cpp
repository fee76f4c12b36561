// Rooms: consensus/script
//
// Feeds arbitrary bytes to the transaction decoder and to script verification under arbitrary flags. Besides not
// crashing: decoding and encoding are inverse, the short way accepts nothing that the interpreter refuses, and dropping
// flags never makes a valid input invalid.

#include "consensus/base/check.hpp"
#include "consensus/script/asm.hpp"
#include "consensus/script/rows.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/sigops.hpp"
#include "consensus/script/solver.hpp"
#include "consensus/script/verify.hpp"

namespace cairn {
namespace {

/// Fields cut off the front of the fuzzer's bytes.
class Source {
public:
    explicit Source(ByteSpan data) : data_(data) {}
    std::uint32_t u32() {
        std::uint32_t value = 0;
        for (const std::uint8_t byte : take(4)) value = value << 8 | byte;
        return value;
    }
    Bytes bytes() {
        const std::size_t size = u32() % 700;
        return to_bytes(take(size));
    }
    ByteSpan rest() const { return data_; }

private:
    ByteSpan take(std::size_t size) {
        const ByteSpan field = data_.first(std::min(size, data_.size()));
        data_ = data_.subspan(field.size());
        return field;
    }
    ByteSpan data_;
};

void check_text_and_counts(ByteSpan script) {
    script_to_asm(script, true);
    CAIRN_CHECK(parse_script(format_script(script)).has_value() || script.size() > 0);
    CAIRN_CHECK(solve(script).type == classify(script));
    count_sigops(script, false);
    count_sigops(script, true);
    is_push_only(script);
    has_valid_ops(script);
}

void check_decoder(ByteSpan raw) {
    const auto holder = TransactionHolder::parse(to_bytes(raw));
    if (!holder) return;
    const MutableTransaction copy((*holder)->tx());
    CAIRN_CHECK(copy.serialize() == to_bytes(raw));
}

void check_spend(Source& source) {
    const ScriptFlags flags = trim_flags(ScriptFlags::from_bits(source.u32()));
    const ScriptFlags fewer = trim_flags(flags & ScriptFlags::from_bits(source.u32()));
    MutableTransaction tx;
    tx.version = source.u32() % 3;
    tx.lock_time = source.u32();
    tx.outputs.push_back({static_cast<Amount>(source.u32()), source.bytes()});
    const Bytes script_pubkey = source.bytes();
    MutableTransaction::Input input{OutPoint{Txid(), 1}, source.bytes(), source.u32(), {}};
    for (std::uint32_t items = source.u32() % 6; items > 0; --items) input.witness.push_back(source.bytes());
    tx.inputs.push_back(std::move(input));
    const TransactionPtr holder = tx.finish();
    const TxOutput spent{static_cast<Amount>(source.u32()), script_pubkey};
    const PrecomputedTxData precomputed(holder->tx(), {&spent, 1});

    check_text_and_counts(script_pubkey);
    count_witness_sigops(holder->tx().inputs[0].script_sig, script_pubkey, holder->tx().inputs[0].witness, flags);
    const ScriptError error = verify_input(holder->tx(), 0, flags, precomputed);
    if (error == ScriptError::ok) CAIRN_CHECK(verify_input(holder->tx(), 0, fewer, precomputed) == ScriptError::ok);
    std::vector<SignatureRow> rows;
    if (!collect_rows(holder->tx(), 0, flags, precomputed, rows)) return;
    std::vector<std::uint8_t> verdicts(rows.size());
    default_signature_verifier().verify(rows, verdicts);
    const bool all = std::find(verdicts.begin(), verdicts.end(), 0) == verdicts.end();
    CAIRN_CHECK(!all || error == ScriptError::ok);
}

}  // namespace
}  // namespace cairn

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const cairn::ByteSpan bytes(data, size);
    cairn::check_decoder(bytes);
    cairn::Source source(bytes);
    cairn::check_spend(source);
    return 0;
}
