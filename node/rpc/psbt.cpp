#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "consensus/rules/params.hpp"
#include "light/psbt/analysis.hpp"
#include "net/http/rpc_table.hpp"
#include "node/rpc/construct_transaction.hpp"
#include "node/rpc/decode_transaction.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/methods.hpp"
#include "node/rpc/psbt_text.hpp"

/// Partially signed transactions: creating, joining, finishing and judging them.
namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using light::Psbt;
using namespace doc;
namespace code = http::rpc_code;

constexpr std::uint32_t kDefaultPsbtVersion = 2;

http::RpcArg psbt_arg() { return arg_str("psbt", http::required(), "The PSBT in base64"); }
http::RpcArg version_arg() {
    return arg_num("psbt_version", http::default_value(std::to_string(kDefaultPsbtVersion)), "The version of the PSBT: 0 or 2");
}
http::RpcResult psbt_result() { return str("", "The PSBT in base64"); }

Psbt make_psbt(const MutableTransaction& tx, const UniValue& version) {
    const auto wanted = version.isNull() ? kDefaultPsbtVersion : http::as_int<std::uint32_t>(version);
    if (wanted != 0 && wanted != 2) throw RpcError{code::kInvalidParameter, "The PSBT version can only be 2 or 0"};
    return Psbt::create(tx, wanted);
}

RpcMethod createpsbt(const NodeContext& context) {
    auto args = construct_transaction_args();
    args.push_back(version_arg());
    return {"createpsbt",
            "rawtransactions",
            "Makes a partially signed transaction that spends the given inputs and pays the given outputs.\n"
            "Nothing is signed, stored or sent.",
            std::move(args),
            {psbt_result()},
            http::example_cli("createpsbt", "\"[{\\\"txid\\\":\\\"myid\\\",\\\"vout\\\":0}]\" \"[{\\\"address\\\":0.01}]\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                std::optional<bool> replaceable;
                if (!request.param(3).isNull()) replaceable = http::as_bool(request.param(3));
                const auto version = request.param(4).isNull() ? kDefaultRawVersion : http::as_int<std::uint32_t>(request.param(4));
                const auto tx = construct_transaction(*context.params, request.param(0), request.param(1), request.param(2), replaceable, version);
                out.string(psbt_text(make_psbt(tx, request.param(5))));
            }};
}

void run_converttopsbt(const RpcRequest& request, JsonWriter& out) {
    const bool may_have_signatures = !request.param(1).isNull() && http::as_bool(request.param(1));
    bool with_witness = true, without_witness = true;
    if (!request.param(2).isNull()) {
        with_witness = http::as_bool(request.param(2));
        without_witness = !with_witness;
    }
    const TransactionPtr decoded = decode_transaction(http::as_string(request.param(0)), without_witness, with_witness);
    if (!decoded) throw RpcError{code::kDeserialization, "TX decode failed"};
    MutableTransaction tx(decoded->tx());
    for (MutableTransaction::Input& input : tx.inputs) {
        if ((!input.script_sig.empty() || !input.witness.empty()) && !may_have_signatures)
            throw RpcError{code::kDeserialization, "Inputs must not have scriptSigs and scriptWitnesses"};
        input.script_sig.clear();
        input.witness.clear();
    }
    out.string(psbt_text(make_psbt(tx, request.param(3))));
}

RpcMethod converttopsbt() {
    return {"converttopsbt",
            "rawtransactions",
            "Makes a partially signed transaction of a transaction in hex.\n"
            "Meant for createrawtransaction and fundrawtransaction only: new programs use createpsbt and walletcreatefundedpsbt.",
            {arg_hex("hexstring", http::required(), "The transaction in hex"),
             arg_bool("permitsigdata", http::default_value("false"), "Throw away signatures that it has; otherwise they are an error"),
             arg_bool("iswitness", http::default_hint("depends on heuristic tests"),
                      "Is the transaction serialised with its witness? When nothing is said both is tried;\n"
                      "true: only with, false: only without. Of use for who knows whether there are inputs"),
             version_arg()},
            {psbt_result()},
            "\nMake a transaction\n" +
                http::example_cli("createrawtransaction", "\"[{\\\"txid\\\":\\\"myid\\\",\\\"vout\\\":0}]\" \"[{\\\"data\\\":\\\"00010203\\\"}]\"") +
                "\nTurn it into a PSBT\n" + http::example_cli("converttopsbt", "\"rawtransaction\""),
            [](const RpcRequest& request, JsonWriter& out) { run_converttopsbt(request, out); }};
}

std::vector<Psbt> read_psbts(const UniValue& texts) {
    std::vector<Psbt> psbts;
    for (const UniValue& text : texts.getValues()) psbts.push_back(read_psbt(text));
    return psbts;
}

RpcMethod combinepsbt() {
    return {"combinepsbt",
            "rawtransactions",
            "Puts together what several copies of one partially signed transaction know.",
            {arg_arr("txs", http::required(), "The PSBTs in base64", {arg_str("psbt", http::optional(), "A PSBT in base64")})},
            {psbt_result()},
            http::example_cli("combinepsbt", "'[\"mybase64_1\", \"mybase64_2\", \"mybase64_3\"]'"),
            [](const RpcRequest& request, JsonWriter& out) {
                const UniValue& texts = http::as_array(request.param(0));
                if (texts.empty()) throw RpcError{code::kInvalidParameter, "Parameter 'txs' cannot be empty"};
                const auto combined = light::combine_psbts(read_psbts(texts));
                if (!combined) throw RpcError{code::kInvalidParameter, "PSBTs not compatible (different transactions)"};
                out.string(psbt_text(*combined));
            }};
}

void run_finalizepsbt(const RpcRequest& request, JsonWriter& out) {
    Psbt psbt = read_psbt(request.param(0));
    const bool extract = request.param(1).isNull() || http::as_bool(request.param(1));
    const auto tx = light::extract_transaction(psbt);
    out.begin_object();
    if (tx && extract) out.hex_field("hex", tx->serialize());
    else out.field("psbt", psbt_text(psbt));
    out.field("complete", tx.has_value()).end_object();
}

RpcMethod finalizepsbt() {
    return {"finalizepsbt",
            "rawtransactions",
            "Makes final scripts and witnesses of inputs that have all their signatures. When that is so of all inputs, gives the\n"
            "transaction in hex, ready for sendrawtransaction; otherwise the PSBT with what could be finished.",
            {psbt_arg(), arg_bool("extract", http::default_value("true"), "Give the transaction, rather than the PSBT, when it is complete")},
            {obj("", "",
                 {http::maybe(str("psbt", "The PSBT in base64, when no transaction is given")),
                  http::maybe(hex("hex", "The transaction in hex, when it is given")), flag("complete", "Is every input signed?")})},
            http::example_cli("finalizepsbt", "\"psbt\""),
            [](const RpcRequest& request, JsonWriter& out) { run_finalizepsbt(request, out); }};
}

RpcMethod joinpsbts() {
    return {"joinpsbts",
            "rawtransactions",
            "Makes one partially signed transaction of version 0 with all inputs and outputs of several, in random order.\n"
            "No input may be in more than one of them.",
            {arg_arr("txs", http::required(), "The PSBTs in base64, of version 0", {arg_str("psbt", http::required(), "A PSBT in base64")})},
            {psbt_result()},
            http::example_cli("joinpsbts", "\"psbt\""),
            [](const RpcRequest& request, JsonWriter& out) {
                const UniValue& texts = http::as_array(request.param(0));
                if (texts.size() <= 1) throw RpcError{code::kInvalidParameter, "At least two PSBTs are required to join PSBTs."};
                std::vector<Psbt> psbts;
                for (const UniValue& text : texts.getValues()) {
                    psbts.push_back(read_psbt(text));
                    if (psbts.back().version() != 0) throw RpcError{code::kInvalidParameter, "joinpsbts only operates on version 0 PSBTs"};
                }
                FastRandom random;
                const auto joined = light::join_psbts(psbts, random);
                if (!joined) {
                    throw RpcError{code::kInvalidParameter, fmt::format("Input {}:{} exists in multiple PSBTs", joined.error().txid.to_display_hex(),
                                                                        joined.error().index)};
                }
                out.string(psbt_text(*joined));
            }};
}

void write_missing(JsonWriter& out, const light::InputSignatures::Missing& missing) {
    if (missing.keys.empty() && missing.signatures.empty() && !missing.redeem_script && !missing.witness_script) return;
    const auto write_ids = [&](std::string_view name, const std::vector<Hash160>& ids) {
        if (ids.empty()) return;
        out.key(name).begin_array();
        for (const Hash160& id : ids) out.hex(id);
        out.end_array();
    };
    out.key("missing").begin_object();
    write_ids("pubkeys", missing.keys);
    if (missing.redeem_script) out.hex_field("redeemscript", *missing.redeem_script);
    if (missing.witness_script) out.hex_field("witnessscript", missing.witness_script->span());
    write_ids("signatures", missing.signatures);
    out.end_object();
}

void write_analysis(JsonWriter& out, const light::PsbtAnalysis& analysis) {
    out.begin_object();
    if (!analysis.inputs.empty()) {
        out.key("inputs").begin_array();
        for (const auto& input : analysis.inputs) {
            out.begin_object().field("has_utxo", input.has_utxo).field("is_final", input.is_final).field("next", to_string(input.next));
            write_missing(out, input.missing);
            out.end_object();
        }
        out.end_array();
    }
    if (analysis.vsize) out.field("estimated_vsize", *analysis.vsize);
    if (const auto rate = analysis.fee_rate()) out.amount_field("estimated_feerate", *rate);
    if (analysis.fee) out.amount_field("fee", *analysis.fee);
    out.field("next", to_string(analysis.next));
    if (!analysis.error.empty()) out.field("error", analysis.error);
    out.end_object();
}

http::RpcResult analysis_doc() {
    return obj("", "",
               {http::maybe(arr("inputs", "",
                                {obj("", "",
                                     {flag("has_utxo", "Is the output that is spent known?"), flag("is_final", "Is the input finished?"),
                                      http::maybe(obj("missing", "What it takes to finish it",
                                                      {http::maybe(arr("pubkeys", "", {hex("keyid", "The hash160 of a public key that is not known")})),
                                                       http::maybe(arr("signatures", "", {hex("keyid", "The hash160 of a public key whose signature is missing")})),
                                                       http::maybe(hex("redeemscript", "The hash160 of the redeem script")),
                                                       http::maybe(hex("witnessscript", "The SHA256 of the witness script"))})),
                                      http::maybe(str("next", "Whose turn it is (a role of BIP174)"))})})),
                http::maybe(num("estimated_vsize", "Virtual bytes of the signed transaction")),
                http::maybe(amount("estimated_feerate", "The fee rate of the signed transaction in BTC/kvB, when all outputs that are spent are known")),
                http::maybe(amount("fee", "The fee, when all outputs that are spent are known")), str("next", "Whose turn it is (a role of BIP174)"),
                http::maybe(str("error", "What is wrong, if anything is"))});
}

RpcMethod analyzepsbt() {
    return {"analyzepsbt",
            "rawtransactions",
            "Tells where a partially signed transaction and its inputs stand, and what they lack.",
            {psbt_arg()},
            {analysis_doc()},
            http::example_cli("analyzepsbt", "\"psbt\""),
            [](const RpcRequest& request, JsonWriter& out) { write_analysis(out, light::analyze_psbt(read_psbt(request.param(0)))); }};
}

}  // namespace

void add_psbt_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(combinepsbt());
    table.add(finalizepsbt());
    table.add(createpsbt(context));
    table.add(converttopsbt());
    table.add(joinpsbts());
    table.add(analyzepsbt());
}

}  // namespace cairn::node
