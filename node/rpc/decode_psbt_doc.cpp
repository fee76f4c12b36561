#include "node/rpc/decode_psbt_doc.hpp"

namespace cairn::node {
namespace {

using namespace doc;
using http::maybe;
using http::RpcResult;

RpcResult script(std::string name) {
    return maybe(obj(std::move(name), "", {str("asm", "The script in words"), hex("hex", "The script's bytes"), str("type", "Its kind, like 'pubkeyhash'")}));
}

RpcResult decoded_transaction(std::string name, std::string words) {
    return maybe(obj(std::move(name), std::move(words), {http::elided("The layout is the same as the output of decoderawtransaction.")}));
}

RpcResult proprietary(std::string words) {
    return arr("proprietary", std::move(words),
               {obj("", "",
                    {hex("identifier", "Whose field it is"), num("subtype", "The number of the kind"), hex("key", "The whole key"),
                     hex("value", "The value")})});
}

RpcResult unknown(std::string words) { return map("unknown", std::move(words), {hex("key", "A key that nothing is known of, and its value")}); }

RpcResult origins() {
    return maybe(arr("bip32_derivs", "",
                     {obj("", "",
                          {str("pubkey", "The public key"), str("master_fingerprint", "The fingerprint of the master key"),
                           str("path", "The path from there")})}));
}

RpcResult tap_origins() {
    return maybe(arr("taproot_bip32_derivs", "",
                     {obj("", "",
                          {str("pubkey", "The x coordinate of the key"), str("master_fingerprint", "The fingerprint of the master key"),
                           str("path", "The path from there"),
                           arr("leaf_hashes", "The leaves that the key is in", {hex("hash", "A leaf's hash")})})}));
}

RpcResult participants() {
    return maybe(arr("musig2_participant_pubkeys", "",
                     {obj("", "",
                          {hex("aggregate_pubkey", "The aggregate key"),
                           arr("participant_pubkeys", "", {hex("pubkey", "A key that it is made of")})})}));
}

RpcResult musig(std::string name, std::string value, std::string words) {
    return maybe(arr(std::move(name), "",
                     {obj("", "",
                          {hex("participant_pubkey", "Whose it is"), hex("aggregate_pubkey", "The aggregate key it is for"),
                           maybe(hex("leaf_hash", "The leaf it is for; absent for the key path")), hex(std::move(value), std::move(words))})}));
}

RpcResult preimages(std::string name) { return maybe(map(std::move(name), "", {str("hash", "A hash and what stands behind it")})); }

Results taproot_fields() {
    return {
        maybe(hex("taproot_key_path_sig", "The signature for the key path")),
        maybe(arr("taproot_script_path_sigs", "",
                  {maybe(obj("signature", "A signature for a key in a leaf",
                             {str("pubkey", "The x coordinate of the key"), str("leaf_hash", "The leaf's hash"), str("sig", "The signature")}))})),
        maybe(arr("taproot_scripts", "",
                  {obj("", "",
                       {hex("script", "A leaf's script"), num("leaf_ver", "Its version"),
                        arr("control_blocks", "What proves that it belongs to the output", {hex("control_block", "A control block")})})})),
        tap_origins(),
        maybe(hex("taproot_internal_key", "The x coordinate of the internal key")),
        maybe(hex("taproot_merkle_root", "The root of the scripts")),
    };
}

RpcResult inputs() {
    Results fields{
        decoded_transaction("non_witness_utxo", "The whole transaction that made the output"),
        maybe(obj("witness_utxo", "The output that is spent", {amount("amount", "The value in BTC"), obj("scriptPubKey", "", script_pubkey())})),
        maybe(map("partial_signatures", "", {str("pubkey", "A public key and its signature")})),
        maybe(str("sighash", "What signatures are to cover")),
        script("redeem_script"),
        script("witness_script"),
        origins(),
        maybe(obj("final_scriptSig", "", {str("asm", "The script in words"), hex("hex", "The script's bytes")})),
        maybe(arr("final_scriptwitness", "", {hex("", "An item of the witness")})),
        preimages("ripemd160_preimages"),
        preimages("sha256_preimages"),
        preimages("hash160_preimages"),
        preimages("hash256_preimages"),
        maybe(hex("previous_txid", "The transaction that made the output")),
        maybe(num("previous_vout", "The output's number in it")),
        maybe(num("sequence", "The sequence number")),
        maybe(num("time_locktime", "The earliest time that the input allows")),
        maybe(num("height_locktime", "The lowest height that the input allows")),
    };
    for (RpcResult& field : taproot_fields()) fields.push_back(std::move(field));
    fields.push_back(participants());
    fields.push_back(musig("musig2_pubnonces", "pubnonce", "The public nonce"));
    fields.push_back(musig("musig2_partial_sigs", "partial_sig", "The partial signature"));
    fields.push_back(maybe(unknown("Fields that nothing is known of")));
    fields.push_back(maybe(proprietary("Fields of others")));
    return arr("inputs", "", {obj("", "", std::move(fields))});
}

RpcResult outputs() {
    return arr("outputs", "",
               {obj("", "",
                    {script("redeem_script"), script("witness_script"), origins(), maybe(num("amount", "The value in BTC")),
                     maybe(obj("script", "The output's script", script_pubkey())), maybe(hex("taproot_internal_key", "The x coordinate of the internal key")),
                     maybe(arr("taproot_tree", "The leaves, depth first",
                               {maybe(obj("tuple", "A leaf", {num("depth", "Its depth"), num("leaf_ver", "Its version"), str("script", "Its script")}))})),
                     tap_origins(), participants(), maybe(unknown("Fields that nothing is known of")), maybe(proprietary("Fields of others"))})});
}

}  // namespace

RpcResult decoded_psbt_doc() {
    return obj("", "",
               {decoded_transaction("tx", "The transaction without signatures"),
                arr("global_xpubs", "",
                    {obj("", "",
                         {str("xpub", "An extended public key"), hex("master_fingerprint", "The fingerprint of its master key"),
                          str("path", "The path from there")})}),
                maybe(num("tx_version", "The transaction's version (not the PSBT's)")),
                maybe(num("fallback_locktime", "The lock time when no input asks for one")),
                maybe(num("input_count", "How many inputs there are")), maybe(num("output_count", "How many outputs there are")),
                maybe(flag("inputs_modifiable", "May inputs be changed?")), maybe(flag("outputs_modifiable", "May outputs be changed?")),
                maybe(flag("has_sighash_single", "Is there a signature of type SINGLE?")),
                maybe(num("psbt_version", "The PSBT's version (not the transaction's)")), proprietary("Fields of others"),
                unknown("Fields that nothing is known of"), inputs(), outputs(),
                maybe(amount("fee", "The fee, when all outputs that are spent are known"))});
}

}  // namespace cairn::node
