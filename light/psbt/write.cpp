#include "light/psbt/detail/fields.hpp"
#include "light/psbt/psbt.hpp"

namespace cairn::light {
namespace {

namespace field = psbt_field;

/// Writes maps of keys and values.
class MapWriter {
public:
    explicit MapWriter(Bytes& out) : writer_(out) {}

    void put(std::uint64_t type, ByteSpan key, ByteSpan value) {
        Bytes name;
        Writer writer(name);
        writer.compact_size(type);
        writer.bytes(key);
        writer_.var_bytes(name);
        writer_.var_bytes(value);
    }
    void put(std::uint64_t type, ByteSpan value) { put(type, {}, value); }
    void put_u32(std::uint64_t type, std::uint32_t value) {
        Bytes bytes;
        Writer(bytes).u32(value);
        put(type, bytes);
    }
    void put_size(std::uint64_t type, std::uint64_t value) {
        Bytes bytes;
        Writer(bytes).compact_size(value);
        put(type, bytes);
    }
    void put_if(std::uint64_t type, ByteSpan value) {
        if (!value.empty()) put(type, value);
    }
    void put_all(std::uint64_t type, const std::map<Bytes, Bytes>& values) {
        for (const auto& [key, value] : values) put(type, key, value);
    }
    void put_fields(const PsbtFields& fields) {
        for (const auto& [key, value] : fields) {
            writer_.var_bytes(key);
            writer_.var_bytes(value);
        }
    }
    void end() { writer_.u8(0); }

private:
    Writer writer_;
};

void write_origin(Writer& writer, const KeyOrigin& origin) {
    writer.bytes(origin.fingerprint);
    for (const std::uint32_t step : origin.path) writer.u32(step);
}
Bytes origin_bytes(const KeyOrigin& origin) {
    Bytes value;
    Writer writer(value);
    write_origin(writer, origin);
    return value;
}

void write_origins(MapWriter& map, std::uint64_t type, const std::map<KeyBytes, KeyOrigin>& origins) {
    for (const auto& [key, origin] : origins) map.put(type, key, origin_bytes(origin));
}
void write_tap_origins(MapWriter& map, std::uint64_t type, const std::map<KeyBytes, TapKeyOrigin>& origins) {
    for (const auto& [key, origin] : origins) {
        Bytes value;
        Writer writer(value);
        writer.compact_size(origin.leaves.size());
        for (const Uint256& leaf : origin.leaves) writer.uint256(leaf);
        write_origin(writer, origin.origin);
        map.put(type, key, value);
    }
}
void write_participants(MapWriter& map, std::uint64_t type, const std::map<KeyBytes, std::vector<KeyBytes>>& participants) {
    for (const auto& [aggregate, keys] : participants) {
        Bytes value;
        for (const KeyBytes& key : keys) Writer(value).bytes(key);
        map.put(type, aggregate, value);
    }
}
Bytes musig_key(const KeyBytes& participant, const MusigPlace& place) {
    Bytes key;
    Writer writer(key);
    writer.bytes(participant);
    writer.bytes(place.first);
    if (place.second != Uint256()) writer.uint256(place.second);
    return key;
}

void write_signing_data(MapWriter& map, const PsbtInput& input) {
    for (const auto& [id, signature] : input.partial_sigs) map.put(field::partial_sig, signature.pubkey, signature.signature);
    if (input.sighash_type) map.put_u32(field::sighash, static_cast<std::uint32_t>(*input.sighash_type));
    map.put_if(field::redeem_script, input.redeem_script);
    map.put_if(field::witness_script, input.witness_script);
    write_origins(map, field::bip32_derivation, input.key_origins);
    map.put_all(field::ripemd160, input.ripemd160_preimages);
    map.put_all(field::sha256, input.sha256_preimages);
    map.put_all(field::hash160, input.hash160_preimages);
    map.put_all(field::hash256, input.hash256_preimages);
    map.put_if(field::tap_key_sig, input.tap_key_sig);
    for (const auto& [place, signature] : input.tap_script_sigs) {
        Bytes key = place.first;
        Writer(key).uint256(place.second);
        map.put(field::tap_script_sig, key, signature);
    }
    for (const auto& [leaf, control_blocks] : input.tap_scripts) {
        Bytes value = leaf.first;
        value.push_back(static_cast<std::uint8_t>(leaf.second));
        for (const Bytes& control : control_blocks) map.put(field::tap_leaf_script, control, value);
    }
    write_tap_origins(map, field::tap_bip32_derivation, input.tap_key_origins);
    if (input.tap_internal_key) map.put(field::tap_internal_key, input.tap_internal_key->span());
    if (input.tap_merkle_root) map.put(field::tap_merkle_root, input.tap_merkle_root->span());
    write_participants(map, field::musig_participants, input.musig_participants);
    for (const auto& [place, nonces] : input.musig_nonces)
        for (const auto& [participant, nonce] : nonces) map.put(field::musig_nonce, musig_key(participant, place), nonce);
    for (const auto& [place, signatures] : input.musig_partial_sigs)
        for (const auto& [participant, signature] : signatures)
            map.put(field::musig_partial_sig, musig_key(participant, place), signature.span());
}

void write_input(MapWriter& map, const PsbtInput& input, std::uint32_t version) {
    if (input.non_witness_utxo) map.put(field::non_witness_utxo, input.non_witness_utxo->tx().raw);
    if (input.witness_utxo) {
        Bytes value;
        Writer writer(value);
        writer.i64(input.witness_utxo->value);
        writer.var_bytes(input.witness_utxo->script_pubkey);
        map.put(field::witness_utxo, value);
    }
    if (!input.is_final()) write_signing_data(map, input);
    map.put_if(field::script_sig, input.final_script_sig);
    if (!input.final_witness.empty()) {
        Bytes value;
        Writer writer(value);
        writer.compact_size(input.final_witness.size());
        for (const Bytes& item : input.final_witness) writer.var_bytes(item);
        map.put(field::script_witness, value);
    }
    if (version >= 2) {
        map.put(field::previous_txid, input.prevout.txid.span());
        map.put_u32(field::output_index, input.prevout.index);
        if (input.sequence) map.put_u32(field::sequence, *input.sequence);
        if (input.locks.time) map.put_u32(field::time_lock, *input.locks.time);
        if (input.locks.height) map.put_u32(field::height_lock, *input.locks.height);
    }
    map.put_fields(input.proprietary);
    map.put_fields(input.unknown);
    map.end();
}

void write_output(MapWriter& map, const PsbtOutput& output, std::uint32_t version) {
    map.put_if(field::out_redeem_script, output.redeem_script);
    map.put_if(field::out_witness_script, output.witness_script);
    write_origins(map, field::out_bip32_derivation, output.key_origins);
    if (version >= 2) {
        Bytes amount;
        Writer(amount).i64(output.amount);
        map.put(field::out_amount, amount);
        map.put(field::out_script, output.script);
    }
    map.put_fields(output.proprietary);
    if (output.tap_internal_key) map.put(field::out_tap_internal_key, output.tap_internal_key->span());
    if (!output.tap_tree.empty()) {
        Bytes value;
        Writer writer(value);
        for (const TapTreeLeaf& leaf : output.tap_tree) {
            writer.u8(leaf.depth);
            writer.u8(leaf.version);
            writer.var_bytes(leaf.script);
        }
        map.put(field::out_tap_tree, value);
    }
    write_tap_origins(map, field::out_tap_bip32_derivation, output.tap_key_origins);
    write_participants(map, field::out_musig_participants, output.musig_participants);
    map.put_fields(output.unknown);
    map.end();
}

}  // namespace

Bytes Psbt::serialize() const {
    Bytes out(std::begin(field::kMagic), std::end(field::kMagic));
    MapWriter map(out);
    if (version() < 2) map.put(field::unsigned_tx, unsigned_tx()->serialize(false));
    for (const auto& [origin, keys] : xpubs)
        for (const Bytes& key : keys) map.put(field::xpub, key, origin_bytes(origin));
    if (version() >= 2) {
        map.put_u32(field::tx_version, tx_version);
        if (fallback_lock_time) map.put_u32(field::fallback_lock_time, *fallback_lock_time);
        map.put_size(field::input_count, inputs.size());
        map.put_size(field::output_count, outputs.size());
        if (modifiable) map.put(field::tx_modifiable, ByteSpan(&*modifiable, 1));
    }
    if (version() > 0) map.put_u32(field::version, version());
    map.put_fields(proprietary);
    map.put_fields(unknown);
    map.end();
    for (const PsbtInput& input : inputs) write_input(map, input, version());
    for (const PsbtOutput& output : outputs) write_output(map, output, version());
    return out;
}

}  // namespace cairn::light
