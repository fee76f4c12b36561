#include <algorithm>
#include <cctype>

#include "consensus/base/hex.hpp"
#include "node/mempool/mempool_port.hpp"
#include "node/rest/detail/request.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/transaction_json.hpp"

namespace cairn::node::rest {

namespace {

constexpr std::size_t kMaxOutpoints = 15;
constexpr const char* kNoMempool = "Mempool disabled or instance not found";

struct Question {
    bool with_mempool = false;
    std::vector<OutPoint> outpoints;
};

/// /checkmempool/<txid>-<n>/<txid>-<n>...
Question parse_path(const std::string& path) {
    Question question;
    if (path.size() <= 1) return question;
    Target target{path.substr(1)};
    auto parts = target.parts();
    if (parts[0] == "checkmempool") {
        question.with_mempool = true;
        parts.erase(parts.begin());
    }
    for (const std::string& part : parts) {
        const std::size_t dash = part.find('-');
        if (dash == std::string::npos || part.find('-', dash + 1) != std::string::npos) throw Refusal{400, "Parse error"};
        const auto txid = Txid::from_display_hex(std::string_view(part).substr(0, dash));
        const auto index = parse_number<std::uint32_t>(std::string_view(part).substr(dash + 1));
        if (!txid || !index) throw Refusal{400, "Parse error"};
        question.outpoints.push_back({*txid, *index});
    }
    if (question.outpoints.empty()) throw Refusal{400, "Error: empty request"};
    return question;
}

/// BIP64's message: a flag and a row of outpoints.
Question parse_body(ByteSpan body) {
    Reader reader(body);
    Question question;
    question.with_mempool = reader.u8() != 0;
    const std::uint64_t count = reader.compact_size();
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
        const Txid txid(reader.uint256());
        const OutPoint outpoint{txid, reader.u32()};
        if (reader.ok()) question.outpoints.push_back(outpoint);
    }
    if (!reader.ok()) throw Refusal{400, "Parse error"};
    return question;
}

Question parse_question(const Call& call) {
    std::string body = call.request.body;
    Question question = parse_path(call.target.path);
    const bool in_path = !question.outpoints.empty();
    if (body.empty() && !in_path) throw Refusal{400, "Error: empty request"};
    switch (call.target.format) {
        case Format::hex: {
            std::erase_if(body, [](unsigned char c) { return std::isspace(c); });
            const auto bytes = from_hex(body);
            body = bytes ? std::string(as_text(*bytes)) : std::string();
            [[fallthrough]];
        }
        case Format::binary:
            if (body.empty()) break;
            if (in_path) throw Refusal{400, "Combination of URI scheme inputs and raw post data is not allowed"};
            question = parse_body(as_bytes(body));
            break;
        case Format::json:
            if (!in_path) throw Refusal{400, "Error: empty request"};
            break;
        case Format::none: refuse_format();
    }
    if (question.outpoints.size() > kMaxOutpoints) {
        throw Refusal{400, "Error: max outpoints exceeded (max: " + std::to_string(kMaxOutpoints) +
                               ", tried: " + std::to_string(question.outpoints.size()) + ")"};
    }
    return question;
}

struct Answer {
    const HeaderNode* tip = nullptr;
    std::vector<std::optional<Coin>> coins;
};

/// All coins as of one tip, unless blocks come faster than they are looked up.
Answer look_up(const NodeContext& context, const Question& question) {
    Answer answer;
    for (int attempt = 0; attempt < 3; ++attempt) {
        answer.tip = context.chain->view()->tip;
        answer.coins.clear();
        for (const OutPoint& outpoint : question.outpoints) {
            answer.coins.push_back(find_coin(context, outpoint, question.with_mempool));
        }
        if (context.chain->view()->tip == answer.tip) break;
    }
    return answer;
}

std::string unspent_json(const NodeContext& context, const Answer& answer) {
    std::string bits;
    for (const auto& coin : answer.coins) bits += coin ? '1' : '0';
    http::JsonWriter out;
    out.begin_object().field("chainHeight", answer.tip->height).field("chaintipHash", answer.tip->hash).field("bitmap", bits);
    out.key("utxos").begin_array();
    for (const auto& coin : answer.coins) {
        if (!coin) continue;
        out.begin_object().field("height", coin->height).amount_field("value", coin->value).key("scriptPubKey");
        write_script_pubkey(out, *context.params, coin->script_pubkey);
        out.end_object();
    }
    out.end_array().end_object();
    return out.take();
}

Bytes unspent_bytes(const Answer& answer) {
    Bytes bitmap((answer.coins.size() + 7) / 8);
    std::size_t found = 0;
    for (std::size_t i = 0; i < answer.coins.size(); ++i) {
        if (!answer.coins[i]) continue;
        bitmap[i / 8] = static_cast<std::uint8_t>(bitmap[i / 8] | 1 << i % 8);
        ++found;
    }
    Bytes raw;
    Writer writer(raw);
    writer.i32(answer.tip->height);
    writer.uint256(answer.tip->hash);
    writer.var_bytes(bitmap);
    writer.compact_size(found);
    for (const auto& coin : answer.coins) {
        if (!coin) continue;
        writer.u32(0);  // once the transaction's version
        writer.u32(static_cast<std::uint32_t>(coin->height));
        writer.i64(coin->value);
        writer.var_bytes(coin->script_pubkey);
    }
    return raw;
}

}  // namespace

http::HttpResponse transaction(const Call& call) {
    const Txid txid(parse_hash(call.target.path));
    TransactionPtr tx;
    if (call.context.mempool) {
        const MempoolReader pool = call.context.mempool->read();
        if (const MempoolEntry* entry = pool->find(txid)) tx = entry->tx;
    }
    const HeaderNode* block = nullptr;
    if (!tx) {
        IndexedTx indexed = find_indexed(call.context, txid);
        tx = std::move(indexed.tx);
        block = indexed.block;
    }
    if (!tx) throw Refusal{404, call.target.path + " not found"};
    if (call.target.format != Format::json) return binary_or_hex(call.target.format, tx->tx().raw);
    http::JsonWriter out;
    out.begin_object();
    write_transaction_fields(out, *call.context.params, tx->tx(), {.hex = true});
    if (block) out.field("blockhash", block->hash);
    out.end_object();
    return json(out.take());
}

http::HttpResponse mempool(const Call& call) {
    const std::string& what = call.target.path;
    if (what != "contents" && what != "info") {
        throw Refusal{400, "Invalid URI format. Expected /rest/mempool/<info|contents>.json"};
    }
    if (!call.context.mempool) throw Refusal{404, kNoMempool};
    if (call.target.format != Format::json) refuse_format("json");
    if (what == "info") return json(call.rpc("getmempoolinfo"));
    const bool verbose = parse_flag(call, "verbose", "true");
    const bool sequence = parse_flag(call, "mempool_sequence", "false");
    if (verbose && sequence) {
        throw Refusal{400, "Verbose results cannot contain mempool sequence values. (hint: set \"verbose=false\")"};
    }
    return json(call.rpc("getrawmempool", {UniValue(verbose), UniValue(sequence)}));
}

http::HttpResponse unspent_outputs(const Call& call) {
    const Question question = parse_question(call);
    if (question.with_mempool && !call.context.mempool) throw Refusal{404, kNoMempool};
    const Answer answer = look_up(call.context, question);
    if (call.target.format == Format::json) return json(unspent_json(call.context, answer));
    return binary_or_hex(call.target.format, unspent_bytes(answer));
}

}  // namespace cairn::node::rest
