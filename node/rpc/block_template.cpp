#include <charconv>
#include <set>

#include <fmt/format.h>

#include "consensus/base/check.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/rules/block_rules.hpp"
#include "consensus/rules/deployments.hpp"
#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/tx_rules.hpp"
#include "net/io/clock.hpp"
#include "net/http/rpc_table.hpp"
#include "node/config/identity.hpp"
#include "node/mining/block_builder.hpp"
#include "node/mining/template_board.hpp"
#include "node/rpc/block_submission.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

constexpr std::int64_t kMaxBlockBytes = 4'000'000;
constexpr std::int64_t kWitnessScale = 4;
constexpr std::int64_t kFirstLookMs = 60'000, kNextLookMs = 10'000;  ///< of a long poll at the mempool

using ClientRules = std::set<std::string>;

bool running(const NodeContext& context) {
    return !context.shutdown_requested || !context.shutdown_requested();
}

/// Judges a block that was made from a template, but for its proof of work; writes the BIP22 answer.
void answer_proposal(const NodeContext& context, const UniValue& data, JsonWriter& out) {
    if (!data.isStr()) throw RpcError{code::kType, "Missing data String key for proposal"};
    auto raw = from_hex(data.get_str());
    const BlockPtr block = raw ? decode_block(std::move(*raw)) : nullptr;
    if (!block) throw RpcError{code::kDeserialization, "Block decode failed"};
    if (const HeaderNode* node = context.chain->headers().find(block->hash())) {
        const BlockFacts facts = context.chain->facts(node);
        if (facts.invalid()) {
            out.string("duplicate-invalid");
        } else {
            out.string(facts.scripts_valid ? "duplicate" : "duplicate-inconclusive");
        }
        return;
    }
    const auto good = context.chain->test_block(*block, false);
    if (good) {
        out.null();
    } else {
        out.string(good.error().reject_reason.empty() ? "rejected" : good.error().reject_reason);
    }
}

void require_network(const NodeContext& context) {
    if (context.params->is_test_chain()) return;
    if (network(context).view()->peers.empty())
        throw RpcError{code::kClientNotConnected, fmt::format("{} is not connected!", kCompatibleName)};
    if (context.chain->view()->initial_block_download) {
        throw RpcError{code::kClientInInitialDownload,
                       fmt::format("{} is in initial sync and waiting for blocks...", kCompatibleName)};
    }
}

/// BIP22's long poll: returns when the tip is not the one named by the id any more, or the mempool not the one counted there;
/// the latter is looked at after a minute and then every ten seconds. An id is a tip's hash and the mempool's count of changes.
/// Anything but a text stands for the last template that was given out.
void wait_for_change(const NodeContext& context, const UniValue& id) {
    if (id.isNull()) return;
    const TemplateBoard& board = templates(context);
    BlockHash watched = context.chain->view()->tip->hash;
    std::uint64_t changes = board.shown_changes();
    if (id.isStr()) {
        const std::string& text = id.get_str();
        watched = BlockHash(http::as_hash(UniValue(text.substr(0, 64)), "longpollid"));
        changes = 0;
        std::from_chars(text.data() + 64, text.data() + text.size(), changes);
    }
    for (std::int64_t wait_ms = kFirstLookMs; running(context); wait_ms = kNextLookMs) {
        const auto view =
            context.chain->wait_for([&](const ChainView& seen) { return seen.tip->hash != watched || !running(context); }, wait_ms);
        if (view->tip->hash != watched || board.mempool_changes() != changes) break;
    }
    if (!running(context)) throw RpcError{code::kClientNotConnected, "Shutting down"};
}

void require_rules(const NodeContext& context, const ClientRules& rules) {
    if (context.params->signet_blocks && !rules.contains("signet")) {
        throw RpcError{code::kInvalidParameter,
                       "getblocktemplate must be called with the signet rule set (call with {\"rules\": [\"segwit\", \"signet\"]})"};
    }
    if (!rules.contains("segwit")) {
        throw RpcError{code::kInvalidParameter,
                       "getblocktemplate must be called with the segwit rule set (call with {\"rules\": [\"segwit\"]})"};
    }
}

/// What BIP9 says of the next block.
struct VersionBits {
    std::int32_t version = 0;
    std::vector<std::string> active;                      ///< rules beside the buried ones
    std::vector<std::pair<std::string, int>> available;   ///< may be signalled, with their bits
};

VersionBits version_bits(const NodeContext& context, const BlockTemplate& made, const ClientRules& client) {
    VersionBits bits;
    bits.version = made.version;
    for (std::size_t i = 0; i < kSignalledDeployments; ++i) {
        const auto id = static_cast<SignalledDeployment>(i);
        const std::string name(to_string(id));
        const int bit = context.params->deployment(id).bit;
        const bool unsupported = !rules::gbt_optional(id) && !client.contains(name);
        const std::string shown = (rules::gbt_optional(id) ? "" : "!") + name;
        switch (made.deployments[i]) {
            case rules::ThresholdState::defined:
            case rules::ThresholdState::failed: break;
            case rules::ThresholdState::locked_in: bits.version |= 1 << bit; [[fallthrough]];
            case rules::ThresholdState::started:
                bits.available.emplace_back(shown, bit);
                if (unsupported) bits.version &= ~(1 << bit);
                break;
            case rules::ThresholdState::active:
                if (unsupported) {
                    throw RpcError{code::kInvalidParameter,
                                   fmt::format("Support for '{}' rule requires explicit client support", name)};
                }
                bits.active.push_back(shown);
        }
    }
    return bits;
}

void write_list(JsonWriter& out, std::string_view key, const std::vector<std::string>& texts) {
    out.key(key).begin_array();
    for (const std::string& text : texts) out.string(text);
    out.end_array();
}

void write_limits(JsonWriter& out, bool segwit) {
    const std::int64_t scale = segwit ? 1 : kWitnessScale;
    out.field("noncerange", "00000000ffffffff").field("sigoplimit", rules::kMaxBlockSigopCost / scale);
    out.field("sizelimit", kMaxBlockBytes / scale);
    if (segwit) out.field("weightlimit", rules::kMaxBlockWeight);
}

void write_template(const NodeContext& context, const ClientRules& client, JsonWriter& out) {
    const ChainParams& params = *context.params;
    const BlockTemplatePtr made = templates(context).current();
    const HeaderNode& tip = *made->parent;
    const bool segwit = made->segwit;
    const std::int64_t earliest = BlockBuilder::minimum_time(tip, params);
    const auto time = static_cast<std::uint32_t>(std::max(earliest, context.clock->now()));
    const std::uint32_t target = rules::next_work_required(tip, time, params);
    const VersionBits bits = version_bits(context, *made, client);

    std::vector<std::string> rules{"csv"};
    if (segwit) rules.insert(rules.end(), {"!segwit", "taproot"});
    if (params.signet_blocks) rules.emplace_back("!signet");
    rules.insert(rules.end(), bits.active.begin(), bits.active.end());

    out.begin_object();
    write_list(out, "capabilities", {"proposal"});
    out.field("version", bits.version);
    write_list(out, "rules", rules);
    out.key("vbavailable").begin_object();
    for (const auto& [name, bit] : bits.available) out.field(name, bit);
    out.end_object().field("vbrequired", 0).field("previousblockhash", tip.hash);
    out.key("transactions").raw(made->transactions_json);
    out.key("coinbaseaux").begin_object().end_object();
    out.field("coinbasevalue", made->coinbase_value);
    out.field("longpollid", tip.hash.to_display_hex() + std::to_string(made->changes)).field("target", target_hex(target));
    out.field("mintime", earliest);
    write_list(out, "mutable", {"time", "transactions", "prevblock"});
    write_limits(out, segwit);
    out.field("curtime", time).field("bits", hex8(target)).field("height", made->height);
    if (params.signet_blocks) out.hex_field("signet_challenge", params.signet_challenge);
    out.hex_field("default_witness_commitment", made->commitment);
    out.end_object();
}

void run_getblocktemplate(const NodeContext& context, const UniValue& param, JsonWriter& out) {
    const UniValue& request = http::as_object(param);
    const UniValue& mode = http::member(request, "mode");
    if (!mode.isNull() && !mode.isStr()) throw RpcError{code::kInvalidParameter, "Invalid mode"};
    const std::string wanted = mode.isStr() ? mode.get_str() : "template";
    if (wanted == "proposal") return answer_proposal(context, http::member(request, "data"), out);
    ClientRules client;
    if (const UniValue& names = http::member(request, "rules"); names.isArray()) {
        for (const UniValue& name : names.getValues()) client.insert(http::as_string(name));
    }
    if (wanted != "template") throw RpcError{code::kInvalidParameter, "Invalid mode"};
    require_network(context);
    wait_for_change(context, http::member(request, "longpollid"));
    require_rules(context, client);
    write_template(context, client, out);
}

std::vector<RpcArg> template_args() {
    RpcArg request{"template_request", http::ArgType::object, http::required(), "What is wanted"};
    RpcArg capabilities = arg_arr("capabilities", http::optional(), "What the client can do",
                                  {arg_str("str", http::optional(), "'longpoll', 'coinbasevalue', 'proposal', 'serverlist', 'workid'")});
    RpcArg rules = arg_arr("rules", http::required(), "Rules that the client knows",
                           {arg_str("segwit", http::required(), "(literal) the client knows segwit"),
                            arg_str("str", http::optional(), "another deployment that the client knows")});
    request.inner = {
        arg_str("mode", http::optional(), "\"template\", \"proposal\" (BIP 23), or left out"), capabilities, rules,
        arg_str("longpollid", http::optional(), "the \"longpollid\" of an earlier template: answer when there is something new"),
        arg_hex("data", http::optional(), "the block to judge, in hex; only with mode=\"proposal\"")};
    return {request};
}

Results transaction_doc() {
    return {hex("data", "the transaction in hex"),
            hex("txid", "its hash without witness"),
            hex("hash", "its hash with witness"),
            arr("depends", "transactions that must come before it",
                {num("", "position in 'transactions', the first is 1")}),
            num("fee", "inputs minus outputs, in satoshis"),
            num("sigops", "its signature operations, as the block's limit counts them"),
            num("weight", "its weight")};
}

Results template_doc() {
    return {num("version", "The block version"),
            arr("rules", "rules that hold for the block", {str("", "a rule's name; \"!\" before it: the client must know it")}),
            map("vbavailable", "deployments that may be signalled", {num("rulename", "the bit that signals it")}),
            arr("capabilities", "", {str("value", "what the server can do, such as 'proposal'")}),
            num("vbrequired", "bits of the version that must be set"),
            str("previousblockhash", "The tip's hash"),
            arr("transactions", "transactions for the block, beside the coinbase", {obj("", "", transaction_doc())}),
            map("coinbaseaux", "what the coinbase's script should contain", {hex("key", "a value; the key does not matter")}),
            num("coinbasevalue", "the most that the coinbase may pay, in satoshis: subsidy and fees"),
            str("longpollid", "the id to wait with for the next template"),
            str("target", "The target"),
            time("mintime", "The earliest time for the block"),
            arr("mutable", "what a miner may change", {str("value", "'time', 'transactions', 'prevblock'")}),
            hex("noncerange", "The range of nonces"),
            num("sigoplimit", "limit of signature operations"),
            num("sizelimit", "limit of bytes"),
            http::maybe(num("weightlimit", "limit of weight")),
            time("curtime", "The time now, as far as the block may have it"),
            str("bits", "the target in compact form"),
            num("height", "The block's height"),
            http::maybe(hex("signet_challenge", "Only on signet")),
            http::maybe(hex("default_witness_commitment", "the script with the witness commitment of the template as it is"))};
}

RpcMethod getblocktemplate(const NodeContext& context) {
    return {"getblocktemplate",
            "mining",
            "Gives what a miner needs to make the next block, or judges a block that was made so.\n"
            "BIPs 22, 23, 9 and 145 are the specification:\n"
            "    https://github.com/bitcoin/bips/blob/master/bip-0022.mediawiki\n"
            "    https://github.com/bitcoin/bips/blob/master/bip-0023.mediawiki\n"
            "    https://github.com/bitcoin/bips/blob/master/bip-0009.mediawiki#getblocktemplate_changes\n"
            "    https://github.com/bitcoin/bips/blob/master/bip-0145.mediawiki",
            template_args(),
            {http::when("If the proposal was accepted with mode=='proposal'", none()),
             http::when("If the proposal was not accepted with mode=='proposal'", str("", "The reason, as in BIP22")),
             http::when("Otherwise", obj("", "", template_doc()))},
            doc::examples("getblocktemplate", "'{\"rules\": [\"segwit\"]}'", "{\"rules\": [\"segwit\"]}"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                run_getblocktemplate(context, request.param(0), out);
            }};
}

}  // namespace

void add_template_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(getblocktemplate(context));
}

}  // namespace cairn::node
