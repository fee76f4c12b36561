#include "node/rpc/block_submission.hpp"

#include <future>

#include "consensus/rules/block_rules.hpp"
#include "net/http/rpc_error.hpp"

namespace cairn::node {
namespace {

constexpr std::size_t kReservedValueSize = 32;

/// Bytes of the block at the start of `raw`; 0 when there is none.
std::size_t block_length(ByteSpan raw) {
    Reader reader(raw);
    BlockHeader::read(reader);
    const std::uint64_t count = reader.compact_size();
    Arena arena(raw.size());
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i) Transaction::read(reader, arena);
    return reader.ok() ? reader.position() : 0;
}

}  // namespace

BlockPtr decode_block(Bytes raw) {
    const std::size_t length = block_length(raw);
    if (length == 0) return nullptr;
    raw.resize(length);
    auto block = Block::parse(std::move(raw));
    return block ? std::move(*block) : nullptr;
}

Bytes complete_witness(const NodeContext& context, const Block& block) {
    const HeaderNode* parent = context.chain->headers().find(block.header().previous);
    const bool wanted = parent && context.params->active_at(BuriedDeployment::segwit, parent->height + 1) &&
                        !block.txs().empty() && block.txs()[0].is_coinbase() && !block.txs()[0].has_witness() &&
                        rules::witness_commitment_index(block);
    if (!wanted) return to_bytes(block.raw());
    MutableTransaction coinbase(block.txs()[0]);
    coinbase.inputs[0].witness.assign(1, Bytes(kReservedValueSize, 0));
    Bytes raw;
    Writer writer(raw);
    block.header().write(writer);
    writer.compact_size(block.txs().size());
    writer.bytes(coinbase.serialize());
    for (const Transaction& tx : block.txs().subspan(1)) writer.bytes(tx.raw);
    return raw;
}

TemplateBoard& templates(const NodeContext& context) {
    if (context.templates == nullptr) throw http::RpcError{http::rpc_code::kInternalError, "Node miner not found"};
    return *context.templates;
}

BlockVerdict submit_and_wait(const NodeContext& context, Bytes raw) {
    const auto verdict = std::make_shared<std::promise<BlockVerdict>>();
    auto answer = verdict->get_future();
    BlockSubmission submission;
    submission.raw = std::move(raw);
    submission.force = true;
    submission.header_checked = true;
    submission.done = [verdict](const BlockVerdict& v) { verdict->set_value(v); };
    context.chain->submit_block(std::move(submission));
    // The chain drops the callback unanswered when it stops: then nothing can be told.
    try {
        return answer.get();
    } catch (const std::future_error&) {
        return {};
    }
}

}  // namespace cairn::node
