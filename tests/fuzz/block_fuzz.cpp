// Rooms: consensus/rules
//
// Any bytes read as a block: what can be read writes back to the same bytes, and judging it never crashes.
#include "consensus/base/check.hpp"
#include "consensus/chain/delta.hpp"
#include "consensus/rules/connect.hpp"

namespace {

using namespace cairn;

const ChainParams& regtest() {
    static const ChainParamsPtr params = make_params(Network::regtest);
    return *params;
}

void check_round_trip(const Block& block) {
    Bytes written;
    Writer writer(written);
    block.header().write(writer);
    writer.compact_size(block.txs().size());
    for (const Transaction& tx : block.txs()) writer.bytes(MutableTransaction(tx).serialize());
    CAIRN_CHECK(std::equal(written.begin(), written.end(), block.raw().begin(), block.raw().end()));
    const Bytes stripped = block.serialize_stripped();
    CAIRN_CHECK(stripped.size() == block.stripped_size());
}

void judge(const BlockPtr& block) {
    auto checked = rules::check_block(block, regtest(), {.proof_of_work = false, .merkle_root = false});
    if (!checked) {
        CAIRN_CHECK(!checked.error().reject_reason().empty());
        return;
    }
    HeaderNode genesis;
    genesis.hash = block->header().previous;
    const auto context = rules::check_block_context(*checked, &genesis, regtest());
    if (!context) CAIRN_CHECK(!context.error().reject_reason().empty());
    rules::ResolvedBlock resolved(*checked);
    for (std::size_t i = 0; i < checked->input_count(); ++i) {
        if (i % 3 == 2) {
            resolved.add_missing();
        } else {
            resolved.add({static_cast<Amount>(i) * kCoin, checked->block().txs()[0].outputs[0].script_pubkey}, {0, i % 2 == 0});
        }
    }
    if (checked->facts()[0].value_out >= 0) (void)rules::check_spends(resolved, genesis, regtest());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const cairn::ByteSpan input(data, size);
    if (const auto block = cairn::Block::parse(cairn::to_bytes(input))) {
        check_round_trip(**block);
        judge(*block);
        (void)cairn::rules::is_block_mutated(**block, true);
    }
    if (const auto undo = cairn::read_undo(input)) {
        cairn::Bytes written;
        cairn::write_undo(written, *undo);
        const auto again = cairn::read_undo(written);
        CAIRN_CHECK(again.has_value() && *again == *undo);
    }
    return 0;
}
