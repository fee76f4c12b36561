// What getaddressinfo tells.
#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/script/solver.hpp"
#include "light/keys/key_path.hpp"
#include "light/rpc/support.hpp"

namespace cairn::light::rpc {
namespace {

Hash160 hash_of(ByteSpan data) {
    Hash160 hash;
    std::copy_n(data.begin(), hash.size(), hash.begin());
    return hash;
}

void write_kind(ByteSpan script, JsonWriter& out) {
    const OutputType type = classify(script);
    out.field("isscript", type == OutputType::scripthash || type == OutputType::witness_v0_scripthash || type == OutputType::witness_v1_taproot);
    const auto program = witness_program(script);
    out.field("iswitness", program.has_value());
    if (program) out.field("witness_version", static_cast<int>(program->version)).hex_field("witness_program", program->program);
}

/// The script behind the hash of an output script. Null: unknown, or there is none.
const Bytes* script_behind(ByteSpan script, const ScriptKeys& known) {
    const auto solved = solve(script);
    if (solved.type == OutputType::scripthash) return known.find_script(hash_of(solved.parts[0]));
    if (solved.type == OutputType::witness_v0_scripthash) return known.find_witness_script(Uint256(solved.parts[0]));
    return nullptr;
}

const ScriptKeys::PublicKeyInfo* key_behind(ByteSpan script, const ScriptKeys& known) {
    const auto solved = solve(script);
    if (solved.type == OutputType::pubkeyhash || solved.type == OutputType::witness_v0_keyhash) return known.find_public(hash_of(solved.parts[0]));
    return nullptr;
}

/// The public key, or what is known of the script behind a hash, to any depth that there is.
void write_inside(const Wallet& wallet, ByteSpan script, const ScriptKeys& known, JsonWriter& out) {
    if (const auto* key = key_behind(script, known)) {
        out.hex_field("pubkey", key->key);
        if (classify(script) == OutputType::pubkeyhash) out.field("iscompressed", key->key.size() == 33);
    }
    const Bytes* inner = script_behind(script, known);
    if (!inner) return;
    const auto solved = solve(*inner);
    out.field("script", to_string(solved.type)).hex_field("hex", *inner);
    if (const std::string address = wallet.address(*inner); !address.empty()) {
        if (const auto* key = key_behind(*inner, known)) out.hex_field("pubkey", key->key);
        out.key("embedded").begin_object();
        write_kind(*inner, out);
        write_inside(wallet, *inner, known, out);
        out.field("address", address).hex_field("scriptPubKey", *inner).end_object();
    } else if (solved.type == OutputType::multisig) {
        out.field("sigsrequired", solved.required).key("pubkeys").begin_array();
        for (const ByteSpan key : solved.parts) out.hex(key);
        out.end_array();
    }
}

/// Where the one key of an address comes from.
std::optional<KeyOrigin> origin_of(ByteSpan script, const ScriptKeys& known) {
    const auto solved = solve(script);
    const ScriptKeys::PublicKeyInfo* key = key_behind(script, known);
    if (solved.type == OutputType::scripthash) {
        const Bytes* inner = script_behind(script, known);
        if (inner && classify(*inner) == OutputType::witness_v0_keyhash) key = key_behind(*inner, known);
    }
    if (solved.type == OutputType::witness_v1_taproot) {
        const TaprootSpend* spend = known.find_taproot(Uint256(solved.parts[0]));
        if (spend) key = known.find_public_xonly(spend->internal_key);
    }
    return key ? key->origin : std::nullopt;
}

}  // namespace

void write_address_info(const Wallet& wallet, ByteSpan script, JsonWriter& out) {
    const auto place = wallet.book().find(script);
    const ScriptKeys known = wallet.book().solving_data(script);
    const bool solvable = place && wallet.book().all()[place->descriptor].descriptor->is_solvable();
    out.begin_object();
    out.field("address", wallet.address(script)).hex_field("scriptPubKey", script).field("ismine", place.has_value());
    out.field("solvable", solvable);
    if (solvable) out.field("desc", infer_descriptor(script, wallet.params(), known));
    if (place) out.field("parent_desc", wallet.book().all()[place->descriptor].text);
    out.field("iswatchonly", false);
    write_kind(script, out);
    write_inside(wallet, script, known, out);
    out.field("ischange", is_change(wallet.book(), wallet.addresses(), script));
    if (const auto origin = place ? origin_of(script, known) : std::nullopt) {
        out.field("timestamp", wallet.book().all()[place->descriptor].created);
        out.field("hdkeypath", "m" + key_path_text(origin->path)).field("hdseedid", std::string(40, '0'));
        out.hex_field("hdmasterfingerprint", origin->fingerprint);
    }
    out.key("labels").begin_array();
    if (const AddressBook::Entry* entry = wallet.addresses().find(script)) out.string(entry->label);
    out.end_array().end_object();
}

}  // namespace cairn::light::rpc
