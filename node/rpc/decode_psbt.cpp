#include "consensus/base/codec.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/primitives/base58.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/script/asm.hpp"
#include "consensus/script/solver.hpp"
#include "light/keys/key_path.hpp"
#include "net/http/rpc_table.hpp"
#include "node/rpc/decode_psbt_doc.hpp"
#include "node/rpc/methods.hpp"
#include "node/rpc/psbt_text.hpp"
#include "node/rpc/transaction_json.hpp"

/// Showing a partially signed transaction.
namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcMethod;
using http::RpcRequest;
using light::KeyBytes;
using light::KeyOrigin;
using light::Psbt;
using light::PsbtInput;
using light::PsbtOutput;

/// Adds amounts as long as they make sense.
struct Sum {
    Amount total = 0;
    bool valid = true;

    void add(Amount value) {
        if (money_range(value) && money_range(total + value)) total += value;
        else valid = false;
    }
};

void write_script(JsonWriter& out, std::string_view name, ByteSpan script) {
    if (script.empty()) return;
    out.key(name).begin_object().field("asm", script_to_asm(script)).hex_field("hex", script);
    out.field("type", to_string(classify(script))).end_object();
}

void write_origin(JsonWriter& out, const KeyOrigin& origin) {
    out.hex_field("master_fingerprint", origin.fingerprint).field("path", "m" + light::key_path_text(origin.path));
}

void write_origins(JsonWriter& out, const std::map<KeyBytes, KeyOrigin>& origins) {
    if (origins.empty()) return;
    out.key("bip32_derivs").begin_array();
    for (const auto& [key, origin] : origins) {
        out.begin_object().hex_field("pubkey", key);
        write_origin(out, origin);
        out.end_object();
    }
    out.end_array();
}

void write_tap_origins(JsonWriter& out, const std::map<KeyBytes, light::TapKeyOrigin>& origins) {
    if (origins.empty()) return;
    out.key("taproot_bip32_derivs").begin_array();
    for (const auto& [key, place] : origins) {
        out.begin_object().hex_field("pubkey", key);
        write_origin(out, place.origin);
        out.key("leaf_hashes").begin_array();
        for (const Uint256& leaf : place.leaves) out.hex(leaf.span());
        out.end_array().end_object();
    }
    out.end_array();
}

void write_hex_map(JsonWriter& out, std::string_view name, const std::map<Bytes, Bytes>& entries, bool always = false) {
    if (entries.empty() && !always) return;
    out.key(name).begin_object();
    for (const auto& [key, value] : entries) out.hex_field(to_hex(key), value);
    out.end_object();
}

/// Proprietary fields with what their keys begin with (BIP174): the type, then whose they are and a number of his.
void write_proprietary(JsonWriter& out, const light::PsbtFields& fields, bool always = false) {
    if (fields.empty() && !always) return;
    out.key("proprietary").begin_array();
    for (const auto& [key, value] : fields) {
        Reader reader(key);
        reader.compact_size();
        const ByteSpan identifier = reader.var_bytes();
        const std::uint64_t subtype = reader.compact_size();
        out.begin_object().hex_field("identifier", identifier).field("subtype", subtype);
        out.hex_field("key", key).hex_field("value", value).end_object();
    }
    out.end_array();
}

void write_participants(JsonWriter& out, const std::map<KeyBytes, std::vector<KeyBytes>>& participants) {
    if (participants.empty()) return;
    out.key("musig2_participant_pubkeys").begin_array();
    for (const auto& [aggregate, keys] : participants) {
        out.begin_object().hex_field("aggregate_pubkey", aggregate).key("participant_pubkeys").begin_array();
        for (const KeyBytes& key : keys) out.hex(key);
        out.end_array().end_object();
    }
    out.end_array();
}

ByteSpan bytes_of(const Bytes& value) { return value; }
ByteSpan bytes_of(const Uint256& value) { return value.span(); }

template <class Values>
void write_musig(JsonWriter& out, std::string_view name, std::string_view value_name, const std::map<light::MusigPlace, Values>& places) {
    if (places.empty()) return;
    out.key(name).begin_array();
    for (const auto& [place, values] : places) {
        for (const auto& [participant, value] : values) {
            out.begin_object().hex_field("participant_pubkey", participant).hex_field("aggregate_pubkey", place.first);
            if (place.second != Uint256()) out.hex_field("leaf_hash", place.second.span());
            out.hex_field(value_name, bytes_of(value)).end_object();
        }
    }
    out.end_array();
}

void write_utxos(JsonWriter& out, const ChainParams& params, const PsbtInput& input) {
    if (input.witness_utxo) {
        out.key("witness_utxo").begin_object().amount_field("amount", input.witness_utxo->value).key("scriptPubKey");
        write_script_pubkey(out, params, input.witness_utxo->script_pubkey);
        out.end_object();
    }
    if (input.non_witness_utxo) {
        out.key("non_witness_utxo").begin_object();
        write_transaction_fields(out, params, input.non_witness_utxo->tx(), {});
        out.end_object();
    }
}

void write_signing_data(JsonWriter& out, const PsbtInput& input) {
    if (!input.partial_sigs.empty()) {
        out.key("partial_signatures").begin_object();
        for (const auto& [id, signature] : input.partial_sigs) out.hex_field(to_hex(signature.pubkey), signature.signature);
        out.end_object();
    }
    if (input.sighash_type) out.field("sighash", hash_type_name(static_cast<std::uint8_t>(*input.sighash_type)));
    write_script(out, "redeem_script", input.redeem_script);
    write_script(out, "witness_script", input.witness_script);
    write_origins(out, input.key_origins);
    if (!input.final_script_sig.empty()) {
        out.key("final_scriptSig").begin_object().field("asm", script_to_asm(input.final_script_sig, true));
        out.hex_field("hex", input.final_script_sig).end_object();
    }
    if (!input.final_witness.empty()) {
        out.key("final_scriptwitness").begin_array();
        for (const Bytes& item : input.final_witness) out.hex(item);
        out.end_array();
    }
    write_hex_map(out, "ripemd160_preimages", input.ripemd160_preimages);
    write_hex_map(out, "sha256_preimages", input.sha256_preimages);
    write_hex_map(out, "hash160_preimages", input.hash160_preimages);
    write_hex_map(out, "hash256_preimages", input.hash256_preimages);
}

void write_outpoint(JsonWriter& out, const PsbtInput& input) {
    out.field("previous_txid", input.prevout.txid).field("previous_vout", input.prevout.index);
    if (input.sequence) out.field("sequence", *input.sequence);
    if (input.locks.time) out.field("time_locktime", *input.locks.time);
    if (input.locks.height) out.field("height_locktime", *input.locks.height);
}

void write_taproot(JsonWriter& out, const PsbtInput& input) {
    if (!input.tap_key_sig.empty()) out.hex_field("taproot_key_path_sig", input.tap_key_sig);
    if (!input.tap_script_sigs.empty()) {
        out.key("taproot_script_path_sigs").begin_array();
        for (const auto& [place, signature] : input.tap_script_sigs) {
            out.begin_object().hex_field("pubkey", place.first).hex_field("leaf_hash", place.second.span());
            out.hex_field("sig", signature).end_object();
        }
        out.end_array();
    }
    if (!input.tap_scripts.empty()) {
        out.key("taproot_scripts").begin_array();
        for (const auto& [leaf, control_blocks] : input.tap_scripts) {
            out.begin_object().hex_field("script", leaf.first).field("leaf_ver", leaf.second).key("control_blocks").begin_array();
            for (const Bytes& control : control_blocks) out.hex(control);
            out.end_array().end_object();
        }
        out.end_array();
    }
    write_tap_origins(out, input.tap_key_origins);
    if (input.tap_internal_key) out.hex_field("taproot_internal_key", input.tap_internal_key->span());
    if (input.tap_merkle_root) out.hex_field("taproot_merkle_root", input.tap_merkle_root->span());
}

void write_input(JsonWriter& out, const ChainParams& params, const PsbtInput& input, std::uint32_t version) {
    out.begin_object();
    write_utxos(out, params, input);
    write_signing_data(out, input);
    if (version >= 2) write_outpoint(out, input);
    write_taproot(out, input);
    write_participants(out, input.musig_participants);
    write_musig(out, "musig2_pubnonces", "pubnonce", input.musig_nonces);
    write_musig(out, "musig2_partial_sigs", "partial_sig", input.musig_partial_sigs);
    write_proprietary(out, input.proprietary);
    write_hex_map(out, "unknown", input.unknown);
    out.end_object();
}

void write_output(JsonWriter& out, const ChainParams& params, const PsbtOutput& output, std::uint32_t version) {
    out.begin_object();
    write_script(out, "redeem_script", output.redeem_script);
    write_script(out, "witness_script", output.witness_script);
    write_origins(out, output.key_origins);
    if (version >= 2) {
        out.amount_field("amount", output.amount).key("script");
        write_script_pubkey(out, params, output.script);
    }
    if (output.tap_internal_key) out.hex_field("taproot_internal_key", output.tap_internal_key->span());
    if (!output.tap_tree.empty()) {
        out.key("taproot_tree").begin_array();
        for (const light::TapTreeLeaf& leaf : output.tap_tree)
            out.begin_object().field("depth", int(leaf.depth)).field("leaf_ver", int(leaf.version)).hex_field("script", leaf.script).end_object();
        out.end_array();
    }
    write_tap_origins(out, output.tap_key_origins);
    write_participants(out, output.musig_participants);
    write_proprietary(out, output.proprietary);
    write_hex_map(out, "unknown", output.unknown);
    out.end_object();
}

void write_globals(JsonWriter& out, const ChainParams& params, const Psbt& psbt) {
    if (psbt.version() < 2) {
        const auto tx = TransactionHolder::parse(psbt.unsigned_tx()->serialize(false), false);
        out.key("tx").begin_object();
        write_transaction_fields(out, params, (*tx)->tx(), {});
        out.end_object();
    }
    out.key("global_xpubs").begin_array();
    for (const auto& [origin, keys] : psbt.xpubs) {
        for (const Bytes& key : keys) {
            out.begin_object().field("xpub", encode_base58_check(key));
            write_origin(out, origin);
            out.end_object();
        }
    }
    out.end_array();
    if (psbt.version() >= 2) {
        out.field("tx_version", psbt.tx_version);
        if (psbt.fallback_lock_time) out.field("fallback_locktime", *psbt.fallback_lock_time);
        out.field("input_count", psbt.inputs.size()).field("output_count", psbt.outputs.size());
        if (psbt.modifiable) {
            out.field("inputs_modifiable", (*psbt.modifiable & Psbt::kInputsModifiable) != 0);
            out.field("outputs_modifiable", (*psbt.modifiable & Psbt::kOutputsModifiable) != 0);
            out.field("has_sighash_single", (*psbt.modifiable & Psbt::kHasSingle) != 0);
        }
    }
    out.field("psbt_version", psbt.version());
    write_proprietary(out, psbt.proprietary, true);
    write_hex_map(out, "unknown", psbt.unknown, true);
}

void write_psbt(JsonWriter& out, const ChainParams& params, const Psbt& psbt) {
    Sum in, paid;
    out.begin_object();
    write_globals(out, params, psbt);
    out.key("inputs").begin_array();
    for (const PsbtInput& input : psbt.inputs) {
        write_input(out, params, input, psbt.version());
        if (const auto spent = input.spent()) in.add(spent->value);
        else in.valid = false;
    }
    out.end_array().key("outputs").begin_array();
    for (const PsbtOutput& output : psbt.outputs) {
        write_output(out, params, output, psbt.version());
        paid.add(output.amount);
    }
    out.end_array();
    if (in.valid && paid.valid) out.amount_field("fee", in.total - paid.total);
    out.end_object();
}

RpcMethod decodepsbt(const NodeContext& context) {
    return {"decodepsbt",
            "rawtransactions",
            "Shows what a partially signed transaction in base64 holds.",
            {doc::arg_str("psbt", http::required(), "The PSBT in base64")},
            {decoded_psbt_doc()},
            http::example_cli("decodepsbt", "\"psbt\""),
            [&context](const RpcRequest& request, JsonWriter& out) { write_psbt(out, *context.params, read_psbt(request.param(0))); }};
}

}  // namespace

void add_decode_psbt_methods(http::RpcTable& table, const NodeContext& context) { table.add(decodepsbt(context)); }

}  // namespace cairn::node
