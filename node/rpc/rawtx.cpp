#include <algorithm>

#include "consensus/crypto/hash.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/script/asm.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/solver.hpp"
#include "net/http/rpc_table.hpp"
#include "node/mempool/mempool_port.hpp"
#include "node/rpc/decode_transaction.hpp"
#include "light/descriptors/descriptor.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/transaction_json.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

constexpr const char* kUnreadableUndo =
    "Undo data expected but can't be read. This could be due to disk corruption or a conflict with a pruning event.";

/// A transaction of a stored block, and the coins it spent where they are known.
struct Found {
    BlockPtr block;
    std::size_t index = 0;
    const Transaction& tx() const { return block->txs()[index]; }
};

Found find_in_block(const NodeContext& context, const HeaderNode& node, const Txid& txid) {
    auto raw = context.chain->read_block(&node);
    if (!raw) {
        if (raw.error() != ReadError::io) throw RpcError{code::kMisc, "Block not available"};
        throw RpcError{code::kInvalidAddressOrKey,
                       "No such transaction found in the provided block. Use gettransaction for wallet transactions."};
    }
    Found found{parse_block_or_throw(std::move(*raw))};
    const auto txs = found.block->txs();
    const auto match = std::find_if(txs.begin(), txs.end(), [&](const Transaction& tx) { return tx.txid == txid; });
    if (match == txs.end()) {
        throw RpcError{code::kInvalidAddressOrKey,
                       "No such transaction found in the provided block. Use gettransaction for wallet transactions."};
    }
    found.index = static_cast<std::size_t>(match - txs.begin());
    return found;
}

/// The coins that it spent; nullopt when it spent none or they are not kept.
std::optional<TxUndo> coins_of(const NodeContext& context, const HeaderNode& node, const Found& found) {
    if (found.index == 0 || !context.chain->facts(&node).have_undo) return std::nullopt;
    auto undo = context.chain->read_undo(&node);
    if (!undo || found.index > undo->size()) throw RpcError{code::kInternalError, kUnreadableUndo};
    return std::move((*undo)[found.index - 1]);
}

/// `block_given`: whoever asks has named the block, and wants to know whether it is on the active chain.
void write_found(JsonWriter& out, const NodeContext& context, const HeaderNode& node, const Transaction& tx,
                 const std::optional<TxUndo>& spent, bool block_given) {
    const auto view = context.chain->view();
    const bool active = view->contains(&node);
    out.begin_object();
    if (block_given) out.field("in_active_chain", active);
    write_transaction_fields(out, *context.params, tx, {.undo = spent ? &*spent : nullptr, .prevouts = true, .hex = true});
    out.field("blockhash", node.hash);
    if (active) {
        out.field("confirmations", view->tip->height - node.height + 1)
            .field("time", node.header.time)
            .field("blocktime", node.header.time);
    } else {
        out.field("confirmations", 0);
    }
    out.end_object();
}

/// False: it is not there, and nothing was written.
bool write_from_mempool(JsonWriter& out, const NodeContext& context, const Txid& txid, int verbosity) {
    if (!context.mempool) return false;
    TransactionPtr tx;
    std::int64_t vsize = 0;
    {
        const MempoolReader pool = context.mempool->read();
        const MempoolEntry* entry = pool->find(txid);
        if (!entry) return false;
        tx = entry->tx;
        vsize = entry->vsize();
    }
    if (verbosity <= 0) {
        out.hex(tx->tx().raw);
        return true;
    }
    out.begin_object().field("vsize_adjusted", vsize);
    write_transaction_fields(out, *context.params, tx->tx(), {.hex = true});
    out.end_object();
    return true;
}

/// With -txindex, or not at all.
void write_from_index(JsonWriter& out, const NodeContext& context, const Txid& txid, int verbosity) {
    const IndexedTx found = find_indexed(context, txid);
    if (!found.tx) {
        const char* why = !found.enabled ? "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries"
                          : !found.ready ? "No such mempool transaction. Blockchain transactions are still in the process of being indexed"
                                         : "No such mempool or blockchain transaction";
        throw RpcError{code::kInvalidAddressOrKey, std::string(why) + ". Use gettransaction for wallet transactions."};
    }
    if (verbosity <= 0) {
        out.hex(found.tx->tx().raw);
        return;
    }
    std::optional<TxUndo> spent;
    if (verbosity >= 2) spent = coins_of(context, *found.block, find_in_block(context, *found.block, txid));
    write_found(out, context, *found.block, found.tx->tx(), spent, false);
}

void run_getrawtransaction(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const Txid txid(http::as_hash(request.param(0), "parameter 1"));
    if (txid == Txid(context.params->genesis->header().merkle_root)) {
        throw RpcError{code::kInvalidAddressOrKey,
                       "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved"};
    }
    const int verbosity = http::as_verbosity(request.param(1), 0, true);
    if (request.param(2).isNull()) {
        if (!write_from_mempool(out, context, txid, verbosity)) write_from_index(out, context, txid, verbosity);
        return;
    }
    const HeaderNode* node = context.chain->headers().find(BlockHash(http::as_hash(request.param(2), "parameter 3")));
    if (!node) throw RpcError{code::kInvalidAddressOrKey, "Block hash not found"};
    const Found found = find_in_block(context, *node, txid);
    if (verbosity <= 0) {
        out.hex(found.tx().raw);
    } else {
        write_found(out, context, *node, found.tx(), verbosity >= 2 ? coins_of(context, *node, found) : std::nullopt, true);
    }
}

Results found_doc(TxDoc options) {
    Results fields{
        http::maybe(num("vsize_adjusted", "Virtual size, raised for many signature operations (only in the mempool)")),
        http::maybe(flag("in_active_chain", "Is the given block on the active chain? (only with \"blockhash\")")),
        http::maybe(hex("blockhash", "the block's hash")),
        http::maybe(num("confirmations", "Blocks from its own to the tip")),
        http::maybe(time("blocktime", "The block's time in UNIX epoch time")),
        http::maybe(num("time", "Same as \"blocktime\""))};
    options.hex = true;
    for (RpcResult& field : transaction(options)) fields.push_back(std::move(field));
    return fields;
}

RpcMethod getrawtransaction(const NodeContext& context) {
    return {"getrawtransaction",
            "rawtransactions",
            "Gives a transaction of the mempool, or of a block whose hash is given, when that block is stored; with -txindex, of any "
            "block.\n\n"
            "Verbosity says how:\n0: the serialised transaction in hex,\n1: an object,\n2: an object with the fee and "
            "the outputs that are spent.",
            {arg_hex("txid", http::required(), "The transaction id"),
             http::no_type_check(arg_num("verbosity|verbose", http::default_value("0"),
                                         "0 for hex, 1 for an object, 2 with fee and spent outputs")),
             arg_hex("blockhash", http::optional(), "The block in which to look")},
            {http::when("if verbosity is not set or set to 0", str("", "The serialised transaction in hex")),
             http::when("if verbosity is set to 1",
                        obj("", "", found_doc({.txid_words = "The transaction id (as given)"}))),
             http::when("for verbosity = 2", obj("", "", found_doc({.fee = true, .prevout = true})))},
            examples("getrawtransaction", "\"mytxid\"") +
                http::example_cli("getrawtransaction", "\"mytxid\" 1 \"myblockhash\""),
            [&context](const RpcRequest& request, JsonWriter& out) { run_getrawtransaction(context, request, out); }};
}

RpcMethod decoderawtransaction(const NodeContext& context) {
    return {"decoderawtransaction",
            "rawtransactions",
            "Shows a serialised transaction as an object.",
            {arg_hex("hexstring", http::required(), "The transaction in hex"),
             arg_bool("iswitness", http::default_hint("depends on heuristic tests"),
                      "Is it serialised with witness (BIP144)?\nWhen this is not given, both readings are tried and "
                      "the one that makes sense is taken.")},
            {obj("", "", transaction())},
            examples("decoderawtransaction", "\"hexstring\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const UniValue& choice = request.param(1);
                const bool with = choice.isNull() || http::as_bool(choice);
                const bool without = choice.isNull() || !http::as_bool(choice);
                const TransactionPtr tx = decode_transaction(http::as_string(request.param(0)), without, with);
                if (!tx) throw RpcError{code::kDeserialization, "TX decode failed"};
                out.begin_object();
                write_transaction_fields(out, *context.params, **tx, {});
                out.end_object();
            }};
}

/// May the script stand behind P2SH or within a witness program?
bool can_wrap(ByteSpan script, OutputType type) {
    switch (type) {
        case OutputType::nulldata:
        case OutputType::scripthash:
        case OutputType::witness_unknown:
        case OutputType::witness_v1_taproot:
        case OutputType::anchor: return false;
        default: break;
    }
    if (!has_valid_ops(script) || is_unspendable(script)) return false;
    ScriptReader reader(script);
    Instruction instruction;
    while (reader.next(instruction)) {
        if (instruction.opcode == Opcode::op_checksigadd || is_op_success(instruction.opcode)) return false;
    }
    return true;
}

bool can_wrap_in_witness(const Solution& solution) {
    switch (solution.type) {
        case OutputType::multisig:
        case OutputType::pubkey:
            return std::all_of(solution.parts.begin(), solution.parts.end(),
                               [](ByteSpan key) { return key.size() == 33 && (key[0] == 2 || key[0] == 3); });
        case OutputType::nonstandard:
        case OutputType::pubkeyhash: return true;
        default: return false;
    }
}

/// The witness program for a script: that of its only key, where it has one, otherwise that of the script.
Bytes witness_form(ByteSpan script, const Solution& solution) {
    if (solution.type == OutputType::pubkey) return make_witness_program(0, hash160(solution.parts[0]));
    if (solution.type == OutputType::pubkeyhash) return make_witness_program(0, solution.parts[0]);
    return make_witness_program(0, sha256(script).span());
}

std::string p2sh_address(const AddressFormat& format, ByteSpan script) {
    return encode_address(PayToScriptHash{hash160(script)}, format);
}

void write_decoded_script(JsonWriter& out, const ChainParams& params, ByteSpan script) {
    const AddressFormat& format = params.addresses;
    const Solution solution = solve(script);
    out.begin_object().field("asm", script_to_asm(script)).field("desc", light::infer_descriptor(script, params));
    if (const auto address = address_of(script, format)) out.field("address", *address);
    out.field("type", to_string(solution.type));
    if (can_wrap(script, solution.type)) {
        out.field("p2sh", p2sh_address(format, script));
        if (can_wrap_in_witness(solution)) {
            const Bytes witness = witness_form(script, solution);
            out.key("segwit")
                .begin_object()
                .field("asm", script_to_asm(witness))
                .field("desc", light::infer_descriptor(witness, params, script));
            out.hex_field("hex", witness)
                .field("address", *address_of(witness, format))
                .field("type", to_string(classify(witness)));
            out.field("p2sh-segwit", p2sh_address(format, witness)).end_object();
        }
    }
    out.end_object();
}

RpcMethod decodescript(const NodeContext& context) {
    return {
        "decodescript",
        "rawtransactions",
        "Shows a script in words, its kind, and the addresses that it can stand behind.",
        {arg_hex("hexstring", http::required(), "the script in hex")},
        {obj(
            "", "",
            {str("asm", "The script in words"), str("desc", "A descriptor of the script"),
             str("type", "Its kind (such as pubkeyhash, multisig, witness_v1_taproot, nonstandard)"),
             http::maybe(str("address", "Its address, when it has one")),
             http::maybe(
                 str("p2sh", "The P2SH address with this redeem script (not for kinds that should not be wrapped)")),
             http::maybe(obj("segwit", "The witness output with this script (not for kinds that should not be wrapped)",
                             {str("asm", "The output script in words"), hex("hex", "The output script's bytes"),
                              str("type", "Its kind"), http::maybe(str("address", "Its address")),
                              str("desc", "A descriptor of it"), str("p2sh-segwit", "The P2SH address around it")}))})},
        examples("decodescript", "\"hexstring\""),
        [&context](const RpcRequest& request, JsonWriter& out) {
            const Bytes script =
                http::as_string(request.param(0)).empty() ? Bytes{} : http::as_hex_bytes(request.param(0), "argument");
            write_decoded_script(out, *context.params, script);
        }};
}

}  // namespace

void register_rawtransaction_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(getrawtransaction(context));
    table.add(decoderawtransaction(context));
    table.add(decodescript(context));
}

}  // namespace cairn::node
