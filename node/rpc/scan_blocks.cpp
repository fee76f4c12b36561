// Which blocks concern a descriptor, by their filters, and what happens to it in them.
#include <set>

#include "consensus/primitives/block_filter.hpp"
#include "consensus/rules/params.hpp"
#include "net/http/rpc_table.hpp"
#include "node/index/index_service.hpp"
#include "node/mempool/mempool_port.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/methods.hpp"
#include "node/rpc/scan_objects.hpp"
#include "node/rpc/transaction_json.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

// --- scanblocks

/// Does the block have what its filter promised? Filters are wrong about one script in 784,931.
bool really_matches(const NodeContext& context, const HeaderNode& node, const Needles& needles) {
    const BlockPtr block = parse_block_or_throw(read_block_or_throw(context, node));
    for (const Transaction& tx : block->txs()) {
        for (const TxOutput& output : tx.outputs)
            if (needles.contains(to_bytes(output.script_pubkey))) return true;
    }
    for (const TxUndo& spent : read_undo_or_throw(context, node)) {
        for (const Coin& coin : spent)
            if (needles.contains(coin.script_pubkey)) return true;
    }
    return false;
}

struct BlockRange {
    const HeaderNode* first = nullptr;
    const HeaderNode* last = nullptr;
};

BlockRange range_of(const ChainView& view, const RpcRequest& request) {
    BlockRange range{view.at(0), view.tip};
    const auto block_at = [&view](const UniValue& value) {
        const auto height = http::as_int<int>(value);
        return height >= 0 && height <= view.tip->height ? view.at(height) : nullptr;
    };
    if (!request.param(2).isNull()) range.first = block_at(request.param(2));
    if (!range.first) throw RpcError{code::kMisc, "Invalid start_height"};
    if (!request.param(3).isNull()) range.last = block_at(request.param(3));
    if (!range.last || range.last->height < range.first->height) throw RpcError{code::kMisc, "Invalid stop_height"};
    return range;
}

void start_scan(const NodeContext& context, ScanState& state, const RpcRequest& request, JsonWriter& out) {
    const ScanTurn turn(state);
    if (request.param(1).isNull()) throw RpcError{code::kMisc, "scanobjects argument is required for the start action"};
    const std::string type = request.string_or("filtertype", "basic");
    if (type != "basic") throw RpcError{code::kInvalidAddressOrKey, "Unknown filtertype"};
    const UniValue& check = http::member(request.param(5), "filter_false_positives");
    const bool exact = !check.isNull() && http::as_bool(check);
    const auto* index = context.indexes ? context.indexes->filters() : nullptr;
    if (!index) throw RpcError{code::kMisc, "Index is not enabled for filtertype " + type};
    const auto view = context.chain->view();
    const BlockRange range = range_of(*view, request);
    const Needles needles = find_needles(context, request.param(1));
    FilterWatch watch;
    for (const auto& [script, shown] : needles) watch.add(script);
    (void)index->wait_until_current();

    const Height first = range.first->height, last = range.last->height;
    Height to = first;
    bool completed = true;
    out.begin_object().field("from_height", first);
    std::vector<BlockHash> found;
    for (Height height = first; height <= last; ++height) {
        if (context.shutdown_requested && context.shutdown_requested()) throw RpcError{code::kClientNotConnected, "Shutting down"};
        if (state.abort) {
            completed = false;
            break;
        }
        const HeaderNode* node = range.last->ancestor(height);
        to = state.height = height;
        state.percent = static_cast<int>(last > first ? 100.0 / (last - first) * (height - first) : 100);
        const auto filter = (*index)->filter(node);
        if (!filter || !watch.match(filter_key(node->hash), *filter).value_or(false)) continue;
        if (!exact || really_matches(context, *node, needles)) found.push_back(node->hash);
    }
    out.field("to_height", to).key("relevant_blocks").begin_array();
    for (const BlockHash& hash : found) out.hash(hash);
    out.end_array().field("completed", completed).end_object();
}

RpcMethod scanblocks(const NodeContext& context) {
    const std::string sample = "[\"addr(bcrt1q4u4nsgk6ug0sqz7r3rj9tykjxrsl0yy4d0wwte)\"]";
    return {"scanblocks",
            "blockchain",
            "Finds the blocks that concern descriptors, by the filters of -blockfilterindex. It may take minutes: let the client wait.",
            {arg_str("action", http::required(),
                     "\"start\" scans, \"abort\" ends the scan that is running, \"status\" tells how far it is"),
             scan_objects_arg(http::optional(), "What to look for (only for \"start\")"),
             arg_num("start_height", http::default_value("0"), "The first height"),
             arg_num("stop_height", http::default_hint("chain tip"), "The last height"),
             arg_str("filtertype", http::default_value("\"basic\""), "The kind of filter"),
             http::with_oneline({"options", http::ArgType::named_options, http::optional(), "",
                                 {arg_bool("filter_false_positives", http::default_value("false"),
                                           "Read each block found, too, and leave out those that only seemed to fit")}},
                                "options")},
            {http::when("when action=='status' and no scan is in progress - possibly already completed", none()),
             http::when("When action=='start'; only returns after scan completes",
                        obj("", "",
                            {num("from_height", "The first height that was looked at"), num("to_height", "The last one"),
                             arr("relevant_blocks", "Blocks that seem to concern a descriptor", {hex("blockhash", "A block's hash")}),
                             flag("completed", "Did nobody end it early?")})),
             http::when("when action=='status' and a scan is currently in progress",
                        obj("", "", {num("progress", "About how much is done, in percent"), num("current_height", "The height reached")})),
             http::when("when action=='abort'", flag("success", "Was there a scan to end?"))},
            http::example_cli("scanblocks", "start '" + sample + "' 300000") + http::example_cli("scanblocks", "status") +
                http::example_rpc("scanblocks", "\"start\", " + sample + ", 100, 150, \"basic\"") +
                http::example_rpc("scanblocks", "\"status\""),
            [&context, state = std::make_shared<ScanState>()](const RpcRequest& request, JsonWriter& out) {
                const std::string& action = http::as_string(request.param(0));
                if (answer_about_scan(*state, action, true, out)) return;
                if (action != "start") throw RpcError{code::kInvalidParameter, "Invalid action '" + action + "'"};
                start_scan(context, *state, request, out);
            }};
}

// --- getdescriptoractivity

/// Writes what happens to the outputs that are looked for.
struct ActivityWriter {
    const NodeContext& context;
    const Needles& needles;
    JsonWriter& out;

    void begin(const char* type, Amount value, const HeaderNode* block) const {
        out.begin_object().field("type", type).amount_field("amount", value);
        if (block) out.field("blockhash", block->hash).field("height", block->height);
    }
    void script(const char* name, ByteSpan script) const {
        out.key(name);
        write_script_pubkey(out, *context.params, script);
        out.end_object();
    }
    void spend(const Transaction& tx, std::size_t input, const Coin& coin, const HeaderNode* block) const {
        if (!needles.contains(coin.script_pubkey)) return;
        begin("spend", coin.value, block);
        const OutPoint& spent = tx.inputs[input].prevout;
        out.field("spend_txid", tx.txid).field("spend_vin", input).field("prevout_txid", spent.txid).field("prevout_vout", spent.index);
        script("prevout_spk", coin.script_pubkey);
    }
    void receive(const Transaction& tx, const HeaderNode* block) const {
        for (std::size_t n = 0; n < tx.outputs.size(); ++n) {
            const TxOutput& output = tx.outputs[n];
            if (!needles.contains(to_bytes(output.script_pubkey))) continue;
            begin("receive", output.value, block);
            out.field("txid", tx.txid).field("vout", n);
            script("output_spk", output.script_pubkey);
        }
    }
};

struct ByHeight {
    bool operator()(const HeaderNode* a, const HeaderNode* b) const { return a->height < b->height; }
};

std::set<const HeaderNode*, ByHeight> named_blocks(const NodeContext& context, const UniValue& hashes) {
    const auto view = context.chain->view();
    std::set<const HeaderNode*, ByHeight> blocks;
    for (const UniValue& hash : http::as_array(hashes).getValues()) {
        const HeaderNode& node = find_block(context, hash, "blockhash");
        if (!view->contains(&node)) throw RpcError{code::kInvalidParameter, "Block is not in main chain"};
        blocks.insert(&node);
    }
    return blocks;
}

void write_block_activity(const NodeContext& context, const ActivityWriter& writer, const HeaderNode* node) {
    const BlockPtr block = parse_block_or_throw(read_block_or_throw(context, *node));
    const BlockUndo undo = read_undo_or_throw(context, *node);
    for (std::size_t i = 0; i < block->txs().size(); ++i) {
        const Transaction& tx = block->txs()[i];
        if (i > 0) {
            const TxUndo& coins = undo.at(i - 1);
            for (std::size_t n = 0; n < tx.inputs.size(); ++n) writer.spend(tx, n, coins.at(n), node);
        }
        writer.receive(tx, node);
    }
}

void write_mempool_activity(const NodeContext& context, const ActivityWriter& writer) {
    if (!context.mempool) return;
    std::vector<TransactionPtr> txs;
    std::map<Txid, TransactionPtr> by_txid;
    {
        const MempoolReader pool = context.mempool->read();
        for (const MempoolEntry* entry : pool->ordered()) {
            txs.push_back(entry->tx);
            by_txid.emplace(entry->txid(), entry->tx);
        }
    }
    for (const TransactionPtr& holder : txs) {
        const Transaction& tx = holder->tx();
        for (std::size_t n = 0; n < tx.inputs.size(); ++n) {
            const OutPoint& spent = tx.inputs[n].prevout;
            std::optional<Coin> coin;
            if (const auto parent = by_txid.find(spent.txid); parent != by_txid.end()) {
                const TxOutput& output = parent->second->tx().outputs[spent.index];
                coin = Coin{output.value, to_bytes(output.script_pubkey), kMempoolHeight, false};
            } else {
                coin = context.chain->coin(spent);
            }
            if (coin) writer.spend(tx, n, *coin, nullptr);  // none: a block has just taken the transaction
        }
        writer.receive(tx, nullptr);
    }
}

void run_getdescriptoractivity(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const auto blocks = named_blocks(context, request.param(0));
    const Needles needles = find_needles(context, request.param(1));
    const ActivityWriter writer{context, needles, out};
    out.begin_object().key("activity").begin_array();
    for (const HeaderNode* node : blocks) write_block_activity(context, writer, node);
    if (request.bool_or("include_mempool", true)) write_mempool_activity(context, writer);
    out.end_array().end_object();
}

RpcMethod getdescriptoractivity(const NodeContext& context) {
    const Results where = {http::maybe(hex("blockhash", "The block, unless it is not confirmed")),
                           http::maybe(num("height", "The block's height, unless it is not confirmed"))};
    Results spend = {str("type", "'spend'"), amount("amount", "Value of the output in BTC")};
    Results receive = {str("type", "'receive'"), amount("amount", "Value of the output in BTC")};
    spend.insert(spend.end(), where.begin(), where.end());
    receive.insert(receive.end(), where.begin(), where.end());
    for (RpcResult part : Results{hex("spend_txid", "Id of the spending transaction"), num("spend_vin", "Its input"),
                                  hex("prevout_txid", "Id of the transaction whose output is spent"), num("prevout_vout", "That output"),
                                  any("prevout_spk", "Its script, as getrawtransaction shows scripts")})
        spend.push_back(std::move(part));
    for (RpcResult part : Results{hex("txid", "Id of the transaction"), num("vout", "The output"),
                                  any("output_spk", "Its script, as getrawtransaction shows scripts")})
        receive.push_back(std::move(part));
    return {"getdescriptoractivity",
            "blockchain",
            "Lists what comes to and goes from descriptors in certain blocks, such as those that scanblocks finds.",
            {arg_arr("blockhashes", http::required(), "The blocks in any order, all of the active chain",
                     {arg_hex("blockhash", http::optional(), "A block's hash")}),
             scan_objects_arg(http::required(), "The descriptors"),
             arg_bool("include_mempool", http::default_value("true"), "What is not confirmed, too")},
            {obj("", "", {arr("activity", "In the order of the chain", {obj("", "", std::move(spend)), obj("", "", std::move(receive))})})},
            http::example_cli("getdescriptoractivity",
                              "'[\"000000000000000000001347062c12fded7c528943c8ce133987e2e2f5a840ee\"]' "
                              "'[\"addr(bc1qzl6nsgqzu89a66l50cvwapnkw5shh23zarqkw9)\"]'"),
            [&context](const RpcRequest& request, JsonWriter& out) { run_getdescriptoractivity(context, request, out); }};
}

}  // namespace

void add_block_scan_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(scanblocks(context));
    table.add(getdescriptoractivity(context));
}

}  // namespace cairn::node
