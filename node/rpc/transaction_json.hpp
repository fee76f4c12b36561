#pragma once

#include "consensus/primitives/transaction.hpp"
#include "net/http/json_writer.hpp"
#include "node/chain/chain_port.hpp"

namespace cairn {
struct ChainParams;
}

namespace cairn::node {

/// An output script as an object: asm, desc, hex, address, type. The object is written whole.
void write_script_pubkey(http::JsonWriter& out, const ChainParams& params, ByteSpan script);

/// What write_transaction shows beside the plain decoding.
struct TransactionView {
    const TxUndo* undo = nullptr;  ///< the coins spent, when known: adds the fee
    bool prevouts = false;         ///< with `undo`: each input shows the output that it spends
    bool hex = false;              ///< the serialisation
};

/// The members of a transaction object, from "txid" on; the object stays open.
void write_transaction_fields(http::JsonWriter& out, const ChainParams& params, const Transaction& tx,
                              const TransactionView& view);

}  // namespace cairn::node
