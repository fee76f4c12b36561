#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/rules/params.hpp"
#include "net/http/rpc_table.hpp"
#include "node/mining/block_builder.hpp"
#include "node/mining/template_board.hpp"
#include "node/rpc/block_submission.hpp"
#include "node/rpc/decode_transaction.hpp"
#include "light/descriptors/descriptor.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/mempool_picture.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

constexpr std::uint64_t kDefaultMaxTries = 1'000'000;
constexpr const char* kNotOnTip = "inconclusive-not-best-prevblk";
constexpr std::int64_t kTipWaitMs = 1'000;  ///< for a tip that is connected to be shown

bool running(const NodeContext& context) {
    return !context.shutdown_requested || !context.shutdown_requested();
}

/// The script that a descriptor stands for; of several, the segwit one, else P2PKH. nullopt with `error` when it is no
/// descriptor.
std::optional<Bytes> script_of_descriptor(const NodeContext& context, const std::string& text, std::string& error) {
    const auto descriptors = light::parse_descriptors(text, *context.params, false);
    if (!descriptors) {
        error = descriptors.error();
        return std::nullopt;
    }
    if (descriptors->size() > 1) throw RpcError{code::kInvalidParameter, "Multipath descriptor not accepted"};
    const light::Descriptor* descriptor = &descriptors->front();
    if (descriptor->is_range()) {
        throw RpcError{code::kInvalidParameter,
                       "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?"};
    }
    const auto scripts = descriptor->scripts();
    if (!scripts || scripts->empty()) throw RpcError{code::kInvalidAddressOrKey, "Cannot derive script without private keys"};
    if (scripts->size() == 1) return scripts->front();
    return scripts->size() == 4 ? (*scripts)[2] : (*scripts)[1];
}

void generate_blocks(const NodeContext& context, ByteSpan script, int count, std::uint64_t max_tries, JsonWriter& out) {
    TemplateBoard& board = templates(context);
    out.begin_array();
    while (count > 0 && running(context)) {
        Bytes raw = board.assemble(*board.fresh(true), script);
        if (!BlockBuilder::solve(raw, max_tries, [&context] { return running(context); })) break;
        const BlockVerdict verdict = submit_and_wait(context, std::move(raw));
        if (verdict.kind == BlockVerdict::Kind::invalid || verdict.kind == BlockVerdict::Kind::inconclusive) {
            if (!running(context)) break;
            throw RpcError{code::kInternalError, "ProcessNewBlock, block not accepted"};
        }
        --count;
        out.hash(verdict.hash);
    }
    out.end_array();
}

Results hashes_doc() {
    return {arr("", "hashes of the blocks made", {hex("", "blockhash")})};
}

RpcMethod generatetoaddress(const NodeContext& context) {
    return {"generatetoaddress",
            "hidden",
            "Mines blocks at once that pay to an address, and gives their hashes.",
            {arg_num("nblocks", http::required(), "How many blocks."),
             arg_str("address", http::required(), "The address to pay to."),
             arg_num("maxtries", http::default_value("1000000"), "How many hashes to try at most.")},
            hashes_doc(),
            "\n11 blocks to myaddress\n" + http::example_cli("generatetoaddress", "11 \"myaddress\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const int count = http::as_int<int>(request.param(0));
                const std::uint64_t tries =
                    request.param(2).isNull()
                        ? kDefaultMaxTries
                        : static_cast<std::uint64_t>(static_cast<std::int64_t>(http::as_int<int>(request.param(2))));
                const auto destination = decode_address(http::as_string(request.param(1)), context.params->addresses);
                if (!destination) throw RpcError{code::kInvalidAddressOrKey, "Error: Invalid address"};
                generate_blocks(context, script_for(*destination), count, tries, out);
            }};
}

RpcMethod generatetodescriptor(const NodeContext& context) {
    return {"generatetodescriptor",
            "hidden",
            "Mines blocks at once that pay to a descriptor, and gives their hashes.",
            {arg_num("num_blocks", http::required(), "How many blocks."),
             arg_str("descriptor", http::required(), "The descriptor to pay to."),
             arg_num("maxtries", http::default_value("1000000"), "How many hashes to try at most.")},
            hashes_doc(),
            "\n11 blocks to mydesc\n" + http::example_cli("generatetodescriptor", "11 \"mydesc\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const int count = http::as_int<int>(request.arg("num_blocks"));
                const std::uint64_t tries =
                    request.has("maxtries") ? http::as_uint64(request.arg("maxtries")) : kDefaultMaxTries;
                std::string error;
                const auto script = script_of_descriptor(context, http::as_string(request.arg("descriptor")), error);
                if (!script) throw RpcError{code::kInvalidAddressOrKey, error};
                generate_blocks(context, *script, count, tries, out);
            }};
}

Bytes script_of_output(const NodeContext& context, const std::string& output) {
    std::string error;
    if (auto script = script_of_descriptor(context, output, error)) return std::move(*script);
    const auto destination = decode_address(output, context.params->addresses);
    if (!destination) throw RpcError{code::kInvalidAddressOrKey, "Error: Invalid address or descriptor"};
    return script_for(*destination);
}

/// Those in hex, and those named by their id from the mempool.
std::vector<TransactionPtr> given_transactions(const NodeContext& context, const UniValue& list) {
    const MempoolPort& pool = mempool(context);
    std::vector<TransactionPtr> transactions;
    for (const UniValue& item : http::as_array(list).getValues()) {
        const std::string& text = http::as_string(item);
        if (const auto txid = Txid::from_display_hex(text)) {
            const MempoolReader reader = pool.read();
            const MempoolEntry* entry = reader->find(*txid);
            if (!entry) throw RpcError{code::kInvalidAddressOrKey, fmt::format("Transaction {} not in mempool.", text)};
            transactions.push_back(entry->tx);
            continue;
        }
        TransactionPtr tx = decode_transaction(text, false, true);
        if (!tx) {
            throw RpcError{
                code::kDeserialization,
                fmt::format("Transaction decode failed for {}. Make sure the tx has at least one input.", text)};
        }
        transactions.push_back(std::move(tx));
    }
    return transactions;
}

/// A block of these transactions on the tip that would be valid but for its proof of work. Where another block becomes the tip
/// meanwhile, it is made anew. Throws -25 when the block would not be valid.
Bytes valid_block(const NodeContext& context, ByteSpan script, std::span<const Transaction> transactions) {
    TemplateBoard& board = templates(context);
    while (true) {
        const BlockTemplatePtr empty = board.fresh(false);
        const BlockBuilder builder(*context.chain, shared_params(context), *context.clock, empty->version);
        Bytes raw = builder.assemble(script, transactions, 0, empty->parent);
        const auto block = Block::parse(raw);
        if (!block) throw RpcError{code::kMisc, "Failed to make block."};
        const auto good = context.chain->test_block(**block, false);
        if (good) return raw;
        const auto moved = [&empty](const ChainView& view) { return view.tip != empty->parent; };
        if (good.error().reject_reason == kNotOnTip && running(context) && moved(*context.chain->wait_for(moved, kTipWaitMs))) continue;
        const BlockVerdict& verdict = good.error();
        throw RpcError{code::kVerify, "TestBlockValidity failed: " + verdict.reject_reason +
                                          (verdict.debug_message.empty() ? "" : ", " + verdict.debug_message)};
    }
}

void run_generateblock(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const Bytes script = script_of_output(context, http::as_string(request.param(0)));
    const auto holders = given_transactions(context, request.param(1));
    const bool submit = request.bool_or("submit", true);
    std::vector<Transaction> transactions;
    for (const TransactionPtr& holder : holders) transactions.push_back(holder->tx());
    Bytes raw = valid_block(context, script, transactions);
    std::uint64_t tries = kDefaultMaxTries;
    if (!BlockBuilder::solve(raw, tries, [&context] { return running(context); }))
        throw RpcError{code::kMisc, "Failed to make block."};
    const BlockHash hash(hash256(ByteSpan(raw).first(BlockHeader::kSize)));
    out.begin_object().field("hash", hash);
    if (submit) {
        if (submit_and_wait(context, std::move(raw)).kind == BlockVerdict::Kind::invalid) {
            throw RpcError{code::kInternalError, "ProcessNewBlock, block not accepted"};
        }
    } else {
        out.hex_field("hex", raw);
    }
    out.end_object();
}

RpcMethod generateblock(const NodeContext& context) {
    return {
        "generateblock",
        "hidden",
        "Mines one block at once with the given transactions in the given order.\nIts coinbase does not take their "
        "fees.",
        {arg_str("output", http::required(), "The address or descriptor to pay to."),
         arg_arr("transactions", http::required(),
                 "Transactions in hex, or ids of transactions in the mempool.\nAll must be valid in this order; "
                 "otherwise the block is refused.",
                 {arg_hex("rawtx/txid", http::optional(), "")}),
         arg_bool("submit", http::default_value("true"), "Whether to connect the block, or only to give its bytes.")},
        {obj("", "",
             {hex("hash", "hash of the block"), http::maybe(hex("hex", "the block's bytes, only when submit=false"))})},
        "\nA block to myaddress with two transactions\n" +
            http::example_cli("generateblock", R"("myaddress" '["rawtx", "mempool_txid"]')"),
        [&context](const RpcRequest& request, JsonWriter& out) {
            run_generateblock(context, request, out);
        }};
}

RpcMethod generate() {
    return {"generate",
            "hidden",
            "has been replaced by the -generate cli option. Refer to -help for more information.",
            {},
            {},
            "",
            [](const RpcRequest& request, JsonWriter&) {
                throw RpcError{code::kMethodNotFound, request.spec->help()};
            }};
}

}  // namespace

void add_generate_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(generatetoaddress(context));
    table.add(generatetodescriptor(context));
    table.add(generateblock(context));
    table.add(generate());
}

}  // namespace cairn::node
