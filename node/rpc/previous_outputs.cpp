#include "node/rpc/previous_outputs.hpp"

#include "consensus/crypto/hash.hpp"
#include "consensus/script/asm.hpp"
#include "consensus/script/script.hpp"
#include "light/signing/sign_transaction.hpp"
#include "net/http/rpc_error.hpp"
#include "net/http/rpc_params.hpp"
#include "node/mempool/mempool_port.hpp"

namespace cairn::node {
namespace {

using http::RpcError;
namespace code = http::rpc_code;

constexpr UniValue::VType kText = UniValue::VSTR;
constexpr const char* kScriptMismatch = "redeemScript/witnessScript does not match scriptPubKey";

/// True when the mempool has the transaction: then it decides. Its output, if it has that one, goes to `coin`.
bool look_into_mempool(const Mempool& pool, const OutPoint& outpoint, Coin& coin) {
    const MempoolEntry* entry = pool.find(outpoint.txid);
    if (!entry) return false;
    const auto outputs = entry->tx->tx().outputs;
    if (outpoint.index < outputs.size()) {
        coin.value = outputs[outpoint.index].value;
        coin.script_pubkey = to_bytes(outputs[outpoint.index].script_pubkey);
    }
    return true;
}

/// The redeem or witness script of an output whose script is a hash.
void read_scripts(const UniValue& object, ByteSpan script_pubkey, light::ScriptKeys& keys) {
    http::check_object_types(object, {{"redeemScript", kText}, {"witnessScript", kText}}, true, false);
    const UniValue& redeem = http::member(object, "redeemScript");
    const UniValue& witness = http::member(object, "witnessScript");
    if (redeem.isNull() && witness.isNull()) throw RpcError{code::kInvalidParameter, "Missing redeemScript/witnessScript"};

    const Bytes script = witness.isNull() ? http::as_hex_bytes(redeem, "redeemScript") : http::as_hex_bytes(witness, "witnessScript");
    // A script that was meant for P2SH may stand behind P2WSH as well: older callers name it in either place.
    const Bytes wrapped = make_witness_program(0, sha256(script).span());
    keys.add_script(script);
    keys.add_script(wrapped);
    if (!redeem.isNull() && !witness.isNull() && redeem.get_str() != witness.get_str() && http::as_hex_bytes(redeem, "redeemScript") != wrapped) {
        throw RpcError{code::kInvalidParameter, "redeemScript does not correspond to witnessScript"};
    }
    const auto is = [&](const Bytes& other) { return std::equal(other.begin(), other.end(), script_pubkey.begin(), script_pubkey.end()); };
    const bool matches = is_p2sh(script_pubkey) ? is(make_p2sh(hash160(script))) || is(make_p2sh(hash160(wrapped))) : is(wrapped);
    if (!matches) throw RpcError{code::kInvalidParameter, kScriptMismatch};
}

void read_one(const UniValue& object, light::ScriptKeys* keys, PreviousOutputs& outputs) {
    http::check_object_types(object, {{"scriptPubKey", kText}, {"txid", kText}, {"vout", UniValue::VNUM}}, false, false);
    const Txid txid(http::as_hash(http::member(object, "txid"), "txid"));
    const int index = http::as_int<int>(http::member(object, "vout"));
    if (index < 0) throw RpcError{code::kDeserialization, "vout cannot be negative"};
    const Bytes script = http::as_hex_bytes(http::member(object, "scriptPubKey"), "scriptPubKey");

    Coin& coin = outputs.try_emplace(OutPoint{txid, static_cast<std::uint32_t>(index)}, Coin{kMissingCoinValue, {}, 0, false}).first->second;
    if (coin.value != kMissingCoinValue && coin.script_pubkey != script) {
        throw RpcError{code::kDeserialization,
                       "Previous output scriptPubKey mismatch:\n" + script_to_asm(coin.script_pubkey) + "\nvs:\n" + script_to_asm(script)};
    }
    const UniValue& amount = http::member(object, "amount");
    coin = Coin{object.exists("amount") ? http::as_amount(amount) : light::kUnknownAmount, script, 1, false};
    if (keys && (is_p2sh(script) || is_p2wsh(script))) read_scripts(object, script, *keys);
}

}  // namespace

PreviousOutputs find_previous_outputs(const NodeContext& context, const MutableTransaction& tx) {
    PreviousOutputs outputs;
    for (const MutableTransaction::Input& input : tx.inputs) outputs.emplace(input.prevout, Coin{kMissingCoinValue, {}, 0, false});
    std::vector<std::pair<const OutPoint, Coin>*> in_chain;
    if (context.mempool) {
        const MempoolReader pool = context.mempool->read();
        for (auto& known : outputs) {
            if (!look_into_mempool(*pool, known.first, known.second)) in_chain.push_back(&known);
        }
    } else {
        for (auto& known : outputs) in_chain.push_back(&known);
    }
    for (auto* known : in_chain) {
        if (auto coin = context.chain->coin(known->first)) known->second = std::move(*coin);
    }
    return outputs;
}

void read_previous_outputs(const UniValue& list, light::ScriptKeys* keys, PreviousOutputs& outputs) {
    if (list.isNull()) return;
    for (const UniValue& object : http::as_array(list).getValues()) {
        if (!object.isObject()) throw RpcError{code::kDeserialization, "expected object with {\"txid'\",\"vout\",\"scriptPubKey\"}"};
        read_one(object, keys, outputs);
    }
}

std::vector<TxOutput> spent_outputs(const MutableTransaction& tx, const PreviousOutputs& outputs) {
    std::vector<TxOutput> spent;
    for (const MutableTransaction::Input& input : tx.inputs) {
        const auto found = outputs.find(input.prevout);
        spent.push_back(found == outputs.end() ? TxOutput{kMissingCoinValue, {}} : found->second.output());
    }
    return spent;
}

}  // namespace cairn::node
