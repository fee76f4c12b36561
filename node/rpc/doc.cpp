#include "node/rpc/doc.hpp"

namespace cairn::node::doc {
namespace {

constexpr const char* kOutputTypes =
    "nonstandard, anchor, pubkey, pubkeyhash, scripthash, multisig, nulldata, witness_v0_scripthash, "
    "witness_v0_keyhash, "
    "witness_v1_taproot, witness_unknown";

Results input_fields(bool prevout) {
    Results fields{
        http::maybe(hex("coinbase", "What the coinbase's input carries (coinbase only)")),
        http::maybe(hex("txid", "The transaction whose output is spent (not for a coinbase)")),
        http::maybe(num("vout", "Which of its outputs (not for a coinbase)")),
        http::maybe(obj("scriptSig", "The unlocking script (not for a coinbase)",
                        {str("asm", "The script in words"), hex("hex", "The script's bytes")})),
        http::maybe(arr("txinwitness", "", {hex("hex", "An item of the witness stack")})),
    };
    if (prevout) {
        fields.push_back(http::maybe(
            obj("prevout", "The output that is spent; absent when the block's undo data is not available",
                {flag("generated", "Was it made by a coinbase?"), num("height", "Height of the block that made it"),
                 amount("value", "Its value in BTC"), obj("scriptPubKey", "", script_pubkey())})));
    }
    fields.push_back(num("sequence", "The sequence number"));
    return fields;
}

}  // namespace

RpcArg arg_hash_or_height(http::Presence presence, std::string words) {
    return http::no_type_check(http::with_type_words(arg_num("hash_or_height", std::move(presence), std::move(words)),
                                                     "", "string or numeric"));
}

std::string examples(std::string_view method, std::string_view arguments) {
    return examples(method, arguments, arguments);
}

std::string examples(std::string_view method, std::string_view cli_arguments, std::string_view rpc_arguments) {
    return http::example_cli(method, cli_arguments) + http::example_rpc(method, rpc_arguments);
}

Results script_pubkey() {
    return {str("asm", "The script in words"), str("desc", "A descriptor of the output"),
            hex("hex", "The script's bytes"), http::maybe(str("address", "Its address, when it has one")),
            str("type", std::string("Its kind (one of: ") + kOutputTypes + ")")};
}

Results header_fields() {
    return {
        hex("hash", "The block's hash"),
        num("confirmations", "Blocks from this one to the tip, both counted; -1 when it is not on the active chain"),
        num("height", "The block's height"),
        num("version", "The block's version"),
        hex("versionHex", "The version in hexadecimal"),
        hex("merkleroot", "The merkle root"),
        time("time", "The block's time in UNIX epoch time"),
        time("mediantime", "The median time of the block and its ten predecessors in UNIX epoch time"),
        num("nonce", "The nonce"),
        hex("bits", "The target in compact form"),
        hex("target", "The target in full"),
        num("difficulty", "The difficulty"),
        hex("chainwork", "Hashes that the chain up to this block took, as expected"),
        num("nTx", "Transactions in the block"),
        http::maybe(hex("previousblockhash", "The hash of the block before (if there is one)")),
        http::maybe(hex("nextblockhash", "The hash of the block after (if there is one)")),
    };
}

RpcResult warnings(bool deprecated) {
    if (deprecated) return str("warnings", "The latest warning (DEPRECATED)");
    return arr("warnings", "What the operator should know about (a single string with `-deprecatedrpc=warnings`)",
               {str("", "warning")});
}

Results transaction(const TxDoc& options) {
    Results fields{
        hex("txid", options.txid_words),
        hex("hash", "The hash with the witness (another than txid when there is one)"),
        num("size", "Bytes of the whole serialisation"),
        num("vsize", "Virtual bytes (fewer than size when there is a witness)"),
        num("weight", "Weight units (between vsize*4-3 and vsize*4)"),
        num("version", "The version"),
        time("locktime", "The lock time"),
        arr("vin", "", {obj("", "", input_fields(options.prevout))}),
        arr("vout", "",
            {obj("", "",
                 {amount("value", "The value in BTC"), num("n", "Its index"),
                  obj("scriptPubKey", "", script_pubkey())})}),
    };
    if (options.fee)
        fields.push_back(
            http::maybe(amount("fee", "The fee in BTC; absent when the block's undo data is not available")));
    if (options.hex) fields.push_back(hex("hex", "The transaction's bytes"));
    return fields;
}

}  // namespace cairn::node::doc
