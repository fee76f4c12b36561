#include "node/rpc/lookup.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "consensus/rules/params.hpp"
#include "net/http/rpc_error.hpp"
#include "net/http/rpc_params.hpp"
#include "node/index/index_service.hpp"
#include "node/mempool/mempool_port.hpp"

namespace cairn::node {
namespace {

using http::RpcError;
namespace code = http::rpc_code;

constexpr std::int64_t kRecentSeconds = 2 * 60 * 60;

const HeaderNode& known_block(const NodeContext& context, const Uint256& hash) {
    const HeaderNode* node = context.chain->headers().find(BlockHash(hash));
    if (!node) throw RpcError{code::kInvalidAddressOrKey, "Block not found"};
    return *node;
}

}  // namespace

const HeaderNode& find_block(const NodeContext& context, const UniValue& value, std::string_view name) {
    return known_block(context, http::as_hash(value, name));
}

const HeaderNode& find_block_or_height(const NodeContext& context, const UniValue& value, const ChainView& view) {
    if (!value.isNum()) return known_block(context, http::as_hash(value, "hash_or_height"));
    const int height = http::as_int<int>(value);
    if (height < 0) throw RpcError{code::kInvalidParameter, fmt::format("Target block height {} is negative", height)};
    if (height > view.tip->height) {
        throw RpcError{code::kInvalidParameter,
                       fmt::format("Target block height {} after current tip {}", height, view.tip->height)};
    }
    return *view.at(height);
}

Bytes read_block_or_throw(const NodeContext& context, const HeaderNode& node) {
    auto raw = context.chain->read_block(&node);
    if (raw) return std::move(*raw);
    switch (raw.error()) {
        case ReadError::pruned: throw RpcError{code::kMisc, "Block not available (pruned data)"};
        case ReadError::not_stored: throw RpcError{code::kMisc, "Block not available (not fully downloaded)"};
        case ReadError::io: break;
    }
    throw RpcError{code::kMisc, "Block not found on disk"};
}

BlockPtr parse_block_or_throw(Bytes raw) {
    auto block = Block::parse(std::move(raw));
    if (!block || (*block)->txs().empty()) throw RpcError{code::kMisc, "Block not found on disk"};
    return std::move(*block);
}

BlockUndo read_undo_or_throw(const NodeContext& context, const HeaderNode& node) {
    if (!node.parent) return {};
    auto undo = context.chain->read_undo(&node);
    if (undo) return std::move(*undo);
    switch (undo.error()) {
        case ReadError::pruned: throw RpcError{code::kMisc, "Undo data not available (pruned data)"};
        case ReadError::not_stored: throw RpcError{code::kMisc, "Undo data not available"};
        case ReadError::io: break;
    }
    throw RpcError{code::kMisc, "Can't read undo data from disk"};
}

std::optional<Coin> find_coin(const NodeContext& context, const OutPoint& outpoint, bool with_mempool) {
    if (with_mempool && context.mempool) {
        const MempoolReader pool = context.mempool->read();
        if (pool->spender(outpoint)) return std::nullopt;
        if (const MempoolEntry* entry = pool->find(outpoint.txid)) {
            const auto outputs = entry->tx->tx().outputs;
            if (outpoint.index >= outputs.size()) return std::nullopt;
            const TxOutput& output = outputs[outpoint.index];
            return Coin{output.value, to_bytes(output.script_pubkey), kMempoolHeight, false};
        }
    }
    return context.chain->coin(outpoint);
}

double difficulty(std::uint32_t bits) {
    // The easiest mainnet target, 0x1d00ffff, has difficulty one; each step of the exponent is a factor of 256.
    double value = static_cast<double>(0x0000ffff) / static_cast<double>(bits & 0x00ffffff);
    for (int exponent = static_cast<int>(bits >> 24); exponent != 29;) {
        if (exponent < 29) {
            value *= 256.0;
            ++exponent;
        } else {
            value /= 256.0;
            --exponent;
        }
    }
    return value;
}

std::string target_hex(std::uint32_t bits) {
    return decode_compact(bits).target.to_uint256().to_display_hex();
}
std::string hex8(std::uint32_t value) {
    return fmt::format("{:08x}", value);
}
std::string hex16(std::uint64_t value) {
    return fmt::format("{:016x}", value);
}
std::string work_hex(const Arith256& work) {
    return work.to_uint256().to_display_hex();
}

double verification_progress(const NodeContext& context, const ChainView& view, const HeaderNode& node) {
    const std::uint64_t known = context.chain->facts(&node).chain_tx_count;
    if (known == 0) return 0.0;
    const ChainTxData& data = context.params->tx_data;
    const std::int64_t now = context.clock->now();
    std::int64_t block_time = node.header.time;
    const bool recent =
        std::llabs(now - block_time) <= kRecentSeconds && view.best_header && view.best_header->height >= node.height;
    // Near the tip headers count, not the times that miners choose: so the last block gives exactly 1.
    if (recent) block_time = now - (view.best_header->height - node.height) * context.params->pow_target_spacing;
    const auto count = static_cast<double>(known);
    const double total = known <= data.tx_count
                             ? static_cast<double>(data.tx_count) + static_cast<double>(now - data.time) * data.tx_rate
                             : count + static_cast<double>(now - block_time) * data.tx_rate;
    return std::min(count / total, 1.0);
}

void write_header_fields(http::JsonWriter& out, const NodeContext& context, const ChainView& view,
                         const HeaderNode& node) {
    const BlockHeader& header = node.header;
    const bool active = view.contains(&node);
    out.field("hash", node.hash)
        .field("confirmations", active ? view.tip->height - node.height + 1 : -1)
        .field("height", node.height);
    out.field("version", header.version).field("versionHex", hex8(static_cast<std::uint32_t>(header.version)));
    out.field("merkleroot", header.merkle_root).field("time", header.time).field("mediantime", node.median_time_past());
    out.field("nonce", header.nonce).field("bits", hex8(header.bits)).field("target", target_hex(header.bits));
    out.field("difficulty", difficulty(header.bits)).field("chainwork", work_hex(node.chain_work));
    out.field("nTx", context.chain->facts(&node).tx_count);
    if (node.parent) out.field("previousblockhash", node.parent->hash);
    const HeaderNode* next = view.at(node.height + 1);
    if (next && next->parent == &node) out.field("nextblockhash", next->hash);
}

void write_warnings(http::JsonWriter& out, const NodeContext& context) {
    const auto warnings = context.warnings ? context.warnings() : std::vector<std::string>{};
    out.key("warnings");
    if (context.deprecated_enabled("warnings")) {
        out.string(warnings.empty() ? "" : warnings.back());
        return;
    }
    out.begin_array();
    for (const std::string& warning : warnings) out.string(warning);
    out.end_array();
}

void throw_database_error(const CommandError& error) {
    throw RpcError{code::kDatabase, error.message};
}

std::shared_ptr<const ChainParams> shared_params(const NodeContext& context) {
    return {std::shared_ptr<const ChainParams>(), context.params};
}

net::NetPort& network(const NodeContext& context) {
    if (!context.net) throw RpcError{code::kClientP2pDisabled, "Error: Peer-to-peer functionality missing or disabled"};
    return *context.net;
}

IndexedTx find_indexed(const NodeContext& context, const Txid& txid) {
    IndexedTx result;
    const auto* index = context.indexes ? context.indexes->txs() : nullptr;
    if (!index) return result;
    result.enabled = true;
    result.ready = index->wait_until_current();
    auto found = (*index)->find(txid);
    if (!found || !*found) return result;
    result.tx = std::move((*found)->tx);
    result.block = (*found)->block;
    return result;
}

}  // namespace cairn::node
