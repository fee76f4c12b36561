#include "node/rpc/decode_transaction.hpp"

#include "consensus/base/hex.hpp"
#include "consensus/script/script.hpp"

namespace cairn::node {
namespace {

bool is_sane(ByteSpan script) {
    return has_valid_ops(script) && script.size() <= kMaxScriptSize;
}

/// Do all scripts consist of known instructions? What a coinbase's input carries is no script.
bool scripts_make_sense(const Transaction& tx) {
    if (!tx.is_coinbase()) {
        for (const TxInput& input : tx.inputs) {
            if (!is_sane(input.script_sig)) return false;
        }
    }
    for (const TxOutput& output : tx.outputs) {
        if (!is_sane(output.script_pubkey)) return false;
    }
    return true;
}

TransactionPtr parse(const Bytes& raw, bool with_witness) {
    auto parsed = TransactionHolder::parse(raw, with_witness);
    return parsed ? *parsed : nullptr;
}

}  // namespace

TransactionPtr decode_transaction(std::string_view hex, bool try_without_witness, bool try_with_witness) {
    const auto raw = is_hex(hex) ? from_hex(hex) : std::nullopt;
    if (!raw) return nullptr;
    TransactionPtr extended = try_with_witness ? parse(*raw, true) : nullptr;
    if (extended && scripts_make_sense(**extended)) return extended;
    TransactionPtr legacy = try_without_witness ? parse(*raw, false) : nullptr;
    if (legacy && (!extended || scripts_make_sense(**legacy))) return legacy;
    return extended;
}

}  // namespace cairn::node
