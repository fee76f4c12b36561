#include <algorithm>
#include <set>

#include "consensus/rules/connect.hpp"
#include "consensus/rules/subsidy.hpp"
#include "net/http/rpc_table.hpp"
#include "node/index/index_service.hpp"
#include "node/rpc/block_statistics.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/methods.hpp"
#include "node/rpc/transaction_json.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;

constexpr std::int64_t kSecondsPerMonth = 30 * 24 * 60 * 60;

const HeaderNode& window_end(const NodeContext& context, const UniValue& value, const ChainView& view) {
    if (value.isNull()) return *view.tip;
    const HeaderNode& node = find_block(context, value, "blockhash");
    if (!view.contains(&node)) throw RpcError{http::rpc_code::kInvalidParameter, "Block is not in main chain"};
    return node;
}

int window_blocks(const NodeContext& context, const UniValue& value, const HeaderNode& end) {
    if (value.isNull()) {
        const auto month = static_cast<int>(kSecondsPerMonth / context.params->pow_target_spacing);
        return std::max(0, std::min(month, end.height - 1));
    }
    const int blocks = http::as_int<int>(value);
    if (blocks < 0 || (blocks > 0 && blocks >= end.height)) {
        throw RpcError{http::rpc_code::kInvalidParameter,
                       "Invalid block count: should be between 0 and the block's height - 1"};
    }
    return blocks;
}

RpcMethod getchaintxstats(const NodeContext& context) {
    return {
        "getchaintxstats",
        "blockchain",
        "Counts transactions of the chain and how fast they came within a window of blocks.",
        {arg_num("nblocks", http::default_hint("one month"), "Blocks in the window"),
         arg_hex("blockhash", http::default_hint("chain tip"), "The hash of the window's last block")},
        {obj("", "",
             {time("time", "Time of the window's last block in UNIX epoch time"),
              http::maybe(num("txcount", "Transactions of the chain up to there, when known")),
              hex("window_final_block_hash", "Hash of the window's last block"),
              num("window_final_block_height", "Height of the window's last block"),
              num("window_block_count", "Blocks in the window"),
              http::maybe(num("window_interval", "Seconds in the window (only when window_block_count > 0)")),
              http::maybe(num("window_tx_count",
                              "Transactions in the window (only when window_block_count > 0 and both ends are known)")),
              http::maybe(num("txrate", "Transactions per second (only when window_interval > 0)"))})},
        examples("getchaintxstats", "2016"),
        [&context](const RpcRequest& request, JsonWriter& out) {
            const auto view = context.chain->view();
            const HeaderNode& end = window_end(context, request.param(1), *view);
            const int blocks = window_blocks(context, request.param(0), end);
            const HeaderNode& start = *end.ancestor(end.height - blocks);
            const std::uint64_t end_count = context.chain->facts(&end).chain_tx_count;
            const std::uint64_t start_count = context.chain->facts(&start).chain_tx_count;
            out.begin_object().field("time", end.header.time);
            if (end_count) out.field("txcount", end_count);
            out.field("window_final_block_hash", end.hash)
                .field("window_final_block_height", end.height)
                .field("window_block_count", blocks);
            if (blocks > 0) {
                const std::int64_t seconds = end.median_time_past() - start.median_time_past();
                out.field("window_interval", seconds);
                if (end_count && start_count) {
                    out.field("window_tx_count", end_count - start_count);
                    if (seconds > 0)
                        out.field("txrate",
                                  static_cast<double>(end_count - start_count) / static_cast<double>(seconds));
                }
            }
            out.end_object();
        }};
}

/// A statistic's name, its words in the help text, and where it stands.
struct Statistic {
    const char* name;
    const char* words;
    std::int64_t BlockStatistics::*value;
};

constexpr Statistic kStatistics[] = {
    {"avgfee", "Mean fee", &BlockStatistics::avgfee},
    {"avgfeerate", "Mean fee rate (in satoshis per virtual byte)", &BlockStatistics::avgfeerate},
    {"avgtxsize", "Mean size of a transaction", &BlockStatistics::avgtxsize},
    {"blockhash", "The block's hash", nullptr},
    {"feerate_percentiles", "", nullptr},
    {"height", "The block's height", nullptr},
    {"ins", "Inputs (without the coinbase's)", &BlockStatistics::ins},
    {"maxfee", "Highest fee", &BlockStatistics::maxfee},
    {"maxfeerate", "Highest fee rate (in satoshis per virtual byte)", &BlockStatistics::maxfeerate},
    {"maxtxsize", "Largest transaction", &BlockStatistics::maxtxsize},
    {"medianfee", "Median fee, truncated", &BlockStatistics::medianfee},
    {"mediantime", "The block's median time past", nullptr},
    {"mediantxsize", "Median size of a transaction, truncated", &BlockStatistics::mediantxsize},
    {"minfee", "Lowest fee", &BlockStatistics::minfee},
    {"minfeerate", "Lowest fee rate (in satoshis per virtual byte)", &BlockStatistics::minfeerate},
    {"mintxsize", "Smallest transaction", &BlockStatistics::mintxsize},
    {"outs", "Outputs", &BlockStatistics::outs},
    {"subsidy", "The block's subsidy", nullptr},
    {"swtotal_size", "Bytes of all transactions with a witness", &BlockStatistics::swtotal_size},
    {"swtotal_weight", "Weight of all transactions with a witness", &BlockStatistics::swtotal_weight},
    {"swtxs", "Transactions with a witness", &BlockStatistics::swtxs},
    {"time", "The block's time", nullptr},
    {"total_out", "Value of all outputs (without the coinbase's)", &BlockStatistics::total_out},
    {"total_size", "Bytes of all transactions but the coinbase", &BlockStatistics::total_size},
    {"total_weight", "Weight of all transactions but the coinbase", &BlockStatistics::total_weight},
    {"totalfee", "Sum of the fees", &BlockStatistics::totalfee},
    {"txs", "Transactions (with the coinbase)", &BlockStatistics::txs},
    {"utxo_increase", "Outputs made less outputs spent (OP_RETURN and the like counted)",
     &BlockStatistics::utxo_increase},
    {"utxo_size_inc", "The same in bytes of the UTXO set", &BlockStatistics::utxo_size_inc},
    {"utxo_increase_actual", "Outputs made less outputs spent, unspendable ones left out",
     &BlockStatistics::utxo_increase_actual},
    {"utxo_size_inc_actual", "The same in bytes of the UTXO set", &BlockStatistics::utxo_size_inc_actual},
};

Results statistics_doc() {
    Results fields;
    for (const Statistic& statistic : kStatistics) {
        if (std::string_view(statistic.name) == "feerate_percentiles") {
            Results inner;
            for (const char* mark : {"10th", "25th", "50th", "75th", "90th"}) {
                inner.push_back(num(std::string(mark) + "_percentile_feerate",
                                    std::string("Fee rate at the ") + mark + " percentile"));
            }
            fields.push_back(http::maybe(
                {http::ResultType::fixed_array, statistic.name,
                 "Fee rates at 10, 25, 50, 75 and 90 % of the block's weight (in satoshis per virtual byte)",
                 std::move(inner)}));
            continue;
        }
        const bool is_hash = std::string_view(statistic.name) == "blockhash";
        fields.push_back(
            http::maybe(is_hash ? hex(statistic.name, statistic.words) : num(statistic.name, statistic.words)));
    }
    return fields;
}

void write_statistic(JsonWriter& out, const NodeContext& context, const HeaderNode& node, const BlockStatistics& stats,
                     const Statistic& statistic) {
    const std::string_view name = statistic.name;
    out.key(name);
    if (statistic.value) {
        out.number(stats.*statistic.value);
    } else if (name == "blockhash") {
        out.hash(node.hash);
    } else if (name == "height") {
        out.number(node.height);
    } else if (name == "time") {
        out.number(node.header.time);
    } else if (name == "mediantime") {
        out.number(node.median_time_past());
    } else if (name == "subsidy") {
        out.number(rules::block_subsidy(node.height, *context.params));
    } else {
        out.begin_array();
        for (const std::int64_t rate : stats.feerate_percentiles) out.number(rate);
        out.end_array();
    }
}

std::set<std::string> selected_statistics(const UniValue& value) {
    std::set<std::string> names;
    if (value.isNull()) return names;
    for (const UniValue& name : http::as_array(value).getValues()) names.insert(http::as_string(name));
    return names;
}

void run_getblockstats(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const auto view = context.chain->view();
    const HeaderNode& node = find_block_or_height(context, request.param(0), *view);
    const auto names = selected_statistics(request.param(1));
    const BlockPtr block = parse_block_or_throw(read_block_or_throw(context, node));
    const BlockUndo undo = read_undo_or_throw(context, node);
    const bool repeats = rules::is_bip30_repeat(node.hash, node.height);
    const BlockStatistics stats = block_statistics(*block, undo, node.parent == nullptr, !repeats);
    std::vector<const Statistic*> chosen;
    for (const std::string& name : names) {
        const auto found = std::find_if(std::begin(kStatistics), std::end(kStatistics),
                                        [&](const Statistic& s) { return name == s.name; });
        if (found == std::end(kStatistics)) {
            throw RpcError{http::rpc_code::kInvalidParameter, "Invalid selected statistic '" + name + "'"};
        }
        chosen.push_back(&*found);
    }
    if (names.empty()) {
        for (const Statistic& statistic : kStatistics) chosen.push_back(&statistic);
    }
    out.begin_object();
    for (const Statistic* statistic : chosen) write_statistic(out, context, node, stats, *statistic);
    out.end_object();
}

RpcMethod getblockstats(const NodeContext& context) {
    return {
        "getblockstats",
        "blockchain",
        "Counts what is in one block. All amounts are in satoshis.\nBlocks that were pruned cannot be counted.",
        {arg_hash_or_height(http::required(), "The block's hash or height"),
         http::with_oneline(
             arg_arr("stats", http::default_hint("all values"), "Which values to give (see the result below)",
                     {arg_str("height", http::optional(), "A value"), arg_str("time", http::optional(), "Another")}),
             "stats")},
        {obj("", "", statistics_doc())},
        http::example_cli("getblockstats", R"(1000 '["minfeerate","avgfeerate"]')") +
            http::example_rpc("getblockstats", R"(1000, ["minfeerate","avgfeerate"])"),
        [&context](const RpcRequest& request, JsonWriter& out) { run_getblockstats(context, request, out); }};
}

UtxoHash parse_utxo_hash(const std::string& name) {
    if (name == "hash_serialized_3") return UtxoHash::serialized_3;
    if (name == "muhash") return UtxoHash::muhash;
    if (name == "none") return UtxoHash::none;
    throw RpcError{http::rpc_code::kInvalidParameter, "'" + name + "' is not a valid hash_type"};
}

/// What the index knows of a block. -32603 when it should know it and does not.
CoinStats indexed_stats(const DrivenIndex<CoinStatsIndex>& index, const HeaderNode* node) {
    const auto stats = index->find(node);
    if (!stats || !*stats) throw RpcError{http::rpc_code::kInternalError, "Unable to read UTXO set"};
    return **stats;
}

/// What changed with one block.
void write_block_info(JsonWriter& out, const CoinStats& now, const CoinStats& before) {
    const auto grown = [](std::uint64_t a, std::uint64_t b) { return static_cast<Amount>(a - b); };
    out.key("block_info").begin_object();
    out.amount_field("prevout_spent", grown(now.prevout_spent, before.prevout_spent))
        .amount_field("coinbase", grown(now.coinbase, before.coinbase))
        .amount_field("new_outputs_ex_coinbase", grown(now.new_outputs_ex_coinbase, before.new_outputs_ex_coinbase))
        .amount_field("unspendable", now.unspendable() - before.unspendable());
    out.key("unspendables").begin_object();
    out.amount_field("genesis_block", now.genesis_block - before.genesis_block)
        .amount_field("bip30", now.bip30 - before.bip30)
        .amount_field("scripts", now.scripts - before.scripts)
        .amount_field("unclaimed_rewards", now.unclaimed_rewards - before.unclaimed_rewards);
    out.end_object().end_object();
}

void write_indexed_stats(JsonWriter& out, const DrivenIndex<CoinStatsIndex>& index, const HeaderNode* node, UtxoHash kind) {
    const CoinStats stats = indexed_stats(index, node);
    const CoinStats before = node->parent ? indexed_stats(index, node->parent) : CoinStats{};
    out.begin_object()
        .field("height", node->height)
        .field("bestblock", node->hash)
        .field("txouts", stats.coins)
        .field("bogosize", stats.bogo_size);
    if (kind == UtxoHash::muhash) out.field("muhash", stats.muhash);
    out.amount_field("total_amount", stats.total_amount).amount_field("total_unspendable_amount", stats.unspendable());
    write_block_info(out, stats, before);
    out.end_object();
}

/// Answers from the index what it can answer. False: the set must be counted.
bool answer_from_index(const NodeContext& context, const RpcRequest& request, JsonWriter& out, UtxoHash kind) {
    const auto* index = context.indexes ? context.indexes->coin_stats() : nullptr;
    const bool wanted = request.param(2).isNull() || http::as_bool(request.param(2));
    const HeaderNode* node = nullptr;
    if (!request.param(1).isNull()) {
        const auto refuse = [](const char* why) { throw RpcError{http::rpc_code::kInvalidParameter, why}; };
        if (!index) refuse("Querying specific block heights requires coinstatsindex");
        if (kind == UtxoHash::serialized_3) refuse("hash_serialized_3 hash type cannot be queried for a specific block");
        if (!wanted) refuse("Cannot set use_index to false when querying for a specific block");
        node = &find_block_or_height(context, request.param(1), *context.chain->view());
    }
    if (!index || !wanted) return false;
    const HeaderNode* tip = context.chain->view()->tip;
    const bool ready = index->wait_until_current();
    const Height height = index->summary().best_block_height;
    if (!ready && node && node->height > height) {
        throw RpcError{http::rpc_code::kInternalError,
                       "Unable to get data because coinstatsindex is still syncing. Current height: " + std::to_string(height)};
    }
    if (kind == UtxoHash::serialized_3) return false;
    write_indexed_stats(out, *index, node ? node : tip, kind);
    return true;
}

void run_gettxoutsetinfo(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const UtxoHash kind = parse_utxo_hash(request.string_or("hash_type", "hash_serialized_3"));
    if (answer_from_index(context, request, out, kind)) return;
    const auto stats = context.chain->utxo_stats(
        kind, [&context] { return !context.shutdown_requested || !context.shutdown_requested(); });
    if (!stats) {
        if (context.shutdown_requested && context.shutdown_requested())
            throw RpcError{http::rpc_code::kClientNotConnected, "Shutting down"};
        throw RpcError{http::rpc_code::kInternalError, "Unable to read UTXO set"};
    }
    out.begin_object()
        .field("height", stats->at->height)
        .field("bestblock", stats->at->hash)
        .field("txouts", stats->coins)
        .field("bogosize", stats->bogo_size);
    if (stats->hash) out.field(kind == UtxoHash::muhash ? "muhash" : "hash_serialized_3", *stats->hash);
    out.amount_field("total_amount", stats->total_amount)
        .field("transactions", stats->transactions)
        .field("disk_size", stats->disk_size);
    out.end_object();
}

Results block_info_doc() {
    return {amount("prevout_spent", "Value of all outputs that it spent"), amount("coinbase", "Value of its coinbase's outputs"),
            amount("new_outputs_ex_coinbase", "Value of all its other outputs"), amount("unspendable", "Value that it made unspendable"),
            obj("unspendables", "The same by kind",
                {amount("genesis_block", "The genesis block's coinbase"), amount("bip30", "Coinbases overwritten by a repeated id"),
                 amount("scripts", "Outputs whose script nobody can satisfy"),
                 amount("unclaimed_rewards", "What miners could have taken and did not")})};
}

RpcMethod gettxoutsetinfo(const NodeContext& context) {
    return {"gettxoutsetinfo",
            "blockchain",
            "Counts the set of unspent outputs.\nThis reads the whole set and may take a while.",
            {arg_str("hash_type", http::default_value("\"hash_serialized_3\""),
                     "Which hash of the set to compute: 'hash_serialized_3' (a hash of all entries in order), "
                     "'muhash', 'none'."),
             http::no_type_check(
                 http::with_type_words(arg_num("hash_or_height", http::default_hint("the current best block"),
                                               "The block at which to count (only with coinstatsindex)."),
                                       "", "string or numeric")),
             arg_bool("use_index", http::default_value("true"), "Use coinstatsindex, if there is one.")},
            {obj("", "",
                 {num("height", "Height of the block at which was counted"), hex("bestblock", "Hash of that block"),
                  num("txouts", "Unspent outputs"),
                  num("bogosize", "A measure of the set's size that depends on no database"),
                  http::maybe(hex("hash_serialized_3", "The hash of all entries in order (only when chosen)")),
                  http::maybe(hex("muhash", "The MuHash of the set (only when chosen)")),
                  amount("total_amount", "Value of all unspent outputs"),
                  http::maybe(num("transactions", "Transactions with an unspent output (not from the index)")),
                  http::maybe(num("disk_size", "Bytes of the set on disk, estimated (not from the index)")),
                  http::maybe(amount("total_unspendable_amount", "Value that nobody can ever spend (only from the index)")),
                  http::maybe(obj("block_info", "What this block changed (only from the index)", block_info_doc()))})},
            examples("gettxoutsetinfo") + examples("gettxoutsetinfo", R"("none")"),
            [&context](const RpcRequest& request, JsonWriter& out) { run_gettxoutsetinfo(context, request, out); }};
}

RpcMethod gettxout(const NodeContext& context) {
    return {
        "gettxout",
        "blockchain",
        "Tells about an unspent output.",
        {arg_str("txid", http::required(), "The transaction id"), arg_num("n", http::required(), "The output's index"),
         arg_bool(
             "include_mempool", http::default_value("true"),
             "Whether to look at the mempool, too. An unspent output that is spent in the mempool is not found then.")},
        {http::when("If the output is spent or unknown", none()),
         http::when("Otherwise",
                    obj("", "",
                        {hex("bestblock", "Hash of the tip"), num("confirmations", "Blocks from its own to the tip"),
                         amount("value", "Its value in BTC"), obj("scriptPubKey", "", script_pubkey()),
                         flag("coinbase", "Was it made by a coinbase?")}))},
        "\nA coin\n" + http::example_cli("gettxout", "\"txid\" 1") + "\nAs a JSON-RPC call\n" +
            http::example_rpc("gettxout", "\"txid\", 1"),
        [&context](const RpcRequest& request, JsonWriter& out) {
            const Txid txid(http::as_hash(request.param(0), "txid"));
            const OutPoint outpoint{txid, http::as_int<std::uint32_t>(request.param(1))};
            const auto coin = find_coin(context, outpoint, request.bool_or("include_mempool", true));
            if (!coin) {
                out.null();
                return;
            }
            const auto view = context.chain->view();
            out.begin_object()
                .field("bestblock", view->tip->hash)
                .field("confirmations", coin->height == kMempoolHeight ? 0 : view->tip->height - coin->height + 1);
            out.amount_field("value", coin->value).key("scriptPubKey");
            write_script_pubkey(out, *context.params, coin->script_pubkey);
            out.field("coinbase", coin->coinbase).end_object();
        }};
}

}  // namespace

void add_chain_statistics_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(getchaintxstats(context));
    table.add(getblockstats(context));
    table.add(gettxoutsetinfo(context));
    table.add(gettxout(context));
}

}  // namespace cairn::node
