#include "light/psbt/detail/signature_data.hpp"

#include "consensus/crypto/hash.hpp"

namespace cairn::light::psbt_detail {
namespace {

void learn_keys(InputSignatures& data, const std::map<KeyBytes, KeyOrigin>& origins) {
    for (const auto& [key, origin] : origins) data.known_keys.emplace(hash160(key), InputSignatures::KnownKey{key, origin});
}
void add_keys(std::map<KeyBytes, KeyOrigin>& origins, const InputSignatures& data) {
    for (const auto& [id, known] : data.known_keys) origins.emplace(known.pubkey, known.origin);
}
void fill(Bytes& mine, Bytes& found) {
    if (mine.empty()) mine = std::move(found);
}

}  // namespace

InputSignatures signature_data(const PsbtInput& input) {
    InputSignatures data;
    data.script_sig = input.final_script_sig;
    data.witness = input.final_witness;
    data.complete = input.is_final();
    if (data.complete) return data;
    data.signatures = input.partial_sigs;
    data.redeem_script = input.redeem_script;
    data.witness_script = input.witness_script;
    learn_keys(data, input.key_origins);
    data.taproot.internal_key = input.tap_internal_key;
    data.taproot.merkle_root = input.tap_merkle_root;
    data.taproot.scripts = input.tap_scripts;
    data.tap_key_sig = input.tap_key_sig;
    data.tap_script_sigs = input.tap_script_sigs;
    data.tap_keys = input.tap_key_origins;
    data.ripemd160_preimages = input.ripemd160_preimages;
    data.sha256_preimages = input.sha256_preimages;
    data.hash160_preimages = input.hash160_preimages;
    data.hash256_preimages = input.hash256_preimages;
    return data;
}

InputSignatures signature_data(const PsbtOutput& output) {
    InputSignatures data;
    data.redeem_script = output.redeem_script;
    data.witness_script = output.witness_script;
    learn_keys(data, output.key_origins);
    data.taproot.internal_key = output.tap_internal_key;
    data.taproot.tree = output.tap_tree;
    // Nothing is spent, so that no control block is of interest.
    for (const TapTreeLeaf& leaf : output.tap_tree) data.taproot.scripts[{leaf.script, leaf.version}].insert(Bytes());
    data.tap_keys = output.tap_key_origins;
    return data;
}

void take(PsbtInput& input, InputSignatures data) {
    if (data.complete) {
        input.partial_sigs.clear();
        input.key_origins.clear();
        input.redeem_script.clear();
        input.witness_script.clear();
        if (!data.script_sig.empty()) input.final_script_sig = std::move(data.script_sig);
        if (!data.witness.empty()) input.final_witness = std::move(data.witness);
        return;
    }
    input.partial_sigs.merge(data.signatures);
    fill(input.redeem_script, data.redeem_script);
    fill(input.witness_script, data.witness_script);
    add_keys(input.key_origins, data);
    if (!data.tap_key_sig.empty()) input.tap_key_sig = std::move(data.tap_key_sig);
    input.tap_script_sigs.merge(data.tap_script_sigs);
    if (data.taproot.internal_key) input.tap_internal_key = data.taproot.internal_key;
    if (data.taproot.merkle_root) input.tap_merkle_root = data.taproot.merkle_root;
    input.tap_scripts.merge(data.taproot.scripts);
    input.tap_key_origins.merge(data.tap_keys);
}

void take(PsbtOutput& output, InputSignatures data) {
    fill(output.redeem_script, data.redeem_script);
    fill(output.witness_script, data.witness_script);
    add_keys(output.key_origins, data);
    if (data.taproot.internal_key) output.tap_internal_key = data.taproot.internal_key;
    if (!data.taproot.tree.empty()) output.tap_tree = std::move(data.taproot.tree);
    output.tap_key_origins.merge(data.tap_keys);
}

}  // namespace cairn::light::psbt_detail
