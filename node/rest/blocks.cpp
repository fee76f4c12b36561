#include "node/rest/detail/request.hpp"
#include "node/rpc/transaction_json.hpp"

namespace cairn::node::rest {

namespace {

/// Some bytes of a block.
struct Part {
    std::size_t offset = 0;
    std::size_t size = 0;
};

Bytes read_block(const Call& call, const HeaderNode& node) {
    auto raw = call.context.chain->read_block(&node);
    if (raw) return std::move(*raw);
    const std::string& hash = call.target.path;
    switch (raw.error()) {
        case ReadError::pruned: throw Refusal{404, hash + " not available (pruned data)"};
        case ReadError::not_stored: throw Refusal{404, hash + " not available (not fully downloaded)"};
        case ReadError::io: break;
    }
    throw Refusal{500, "I/O error reading " + hash};
}

http::HttpResponse block_as(const Call& call, int verbosity) {
    const HeaderNode& node = known_block(call, call.target.path);
    if (call.target.format != Format::json) return binary_or_hex(call.target.format, read_block(call, node), Caching::forever);
    read_block(call, node);  // its errors are not those of the method
    return json(call.rpc("getblock", {UniValue(call.target.path), UniValue(verbosity)}));
}

void write_outputs(Writer& writer, const TxUndo& coins) {
    writer.compact_size(coins.size());
    for (const Coin& coin : coins) {
        writer.i64(coin.value);
        writer.var_bytes(coin.script_pubkey);
    }
}

void write_outputs(http::JsonWriter& out, const ChainParams& params, const TxUndo& coins) {
    out.begin_array();
    for (const Coin& coin : coins) {
        out.begin_object().amount_field("value", coin.value).key("scriptPubKey");
        write_script_pubkey(out, params, coin.script_pubkey);
        out.end_object();
    }
    out.end_array();
}

}  // namespace

http::HttpResponse block(const Call& call) { return block_as(call, 3); }

http::HttpResponse block_without_details(const Call& call) { return block_as(call, 1); }

http::HttpResponse block_part(const Call& call) {
    const auto offset = parse_number<std::size_t>(call.query("offset").value_or(""));
    if (!offset) throw Refusal{400, "Block part offset missing or invalid"};
    const auto size = parse_number<std::size_t>(call.query("size").value_or(""));
    if (!size) throw Refusal{400, "Block part size missing or invalid"};
    const HeaderNode& node = known_block(call, call.target.path);
    const Bytes raw = read_block(call, node);
    if (*size == 0 || *offset >= raw.size() || *size > raw.size() - *offset) {
        throw Refusal{400, "Bad block part offset/size " + std::to_string(*offset) + "/" + std::to_string(*size) + " for " +
                               call.target.path};
    }
    if (call.target.format == Format::json) throw Refusal{400, "JSON output is not supported for this request type"};
    return binary_or_hex(call.target.format, ByteSpan(raw).subspan(*offset, *size), Caching::forever);
}

http::HttpResponse spent_outputs(const Call& call) {
    if (call.target.parts().size() != 1) throw Refusal{400, "Invalid URI format. Expected /rest/spenttxouts/<hash>.<ext>"};
    const HeaderNode& node = known_block(call, call.target.path);
    BlockUndo undo;
    if (node.parent) {
        auto read = call.context.chain->read_undo(&node);
        if (!read) throw Refusal{404, call.target.path + " undo not available"};
        undo = std::move(*read);
    }
    static const TxUndo kCoinbase;  // spends nothing, but has its place
    if (call.target.format == Format::json) {
        http::JsonWriter out;
        out.begin_array();
        write_outputs(out, *call.context.params, kCoinbase);
        for (const TxUndo& coins : undo) write_outputs(out, *call.context.params, coins);
        out.end_array();
        return json(out.take(), Caching::forever);
    }
    Bytes raw;
    Writer writer(raw);
    writer.compact_size(undo.size() + 1);
    write_outputs(writer, kCoinbase);
    for (const TxUndo& coins : undo) write_outputs(writer, coins);
    return binary_or_hex(call.target.format, raw, Caching::forever);
}

}  // namespace cairn::node::rest
