// Rooms: consensus/rules
//
// Bytes that drive a tree of headers on test networks: 16 bytes say where the next header builds and what it claims. Its
// verdict must agree with the tree's invariants.
#include "consensus/base/check.hpp"
#include "consensus/rules/deployments.hpp"
#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/header_rules.hpp"

namespace {

using namespace cairn;

BlockHeader next_header(Reader& reader, const HeaderTree& tree, const HeaderNode*& parent, const ChainParams& params) {
    parent = tree.at(reader.u32() % tree.size());
    BlockHeader header;
    header.previous = parent->hash;
    header.version = reader.i32();
    header.time = parent->header.time + reader.u32() % 100'000;
    header.bits = reader.u32();
    // Mostly the right bits, so that chains grow.
    if (header.bits % 8 != 0) header.bits = rules::next_work_required(*parent, header.time, params);
    header.nonce = tree.size();
    return header;
}

void check_node(const HeaderNode* node) {
    CAIRN_CHECK(node->ancestor(node->height) == node && node->ancestor(0)->parent == nullptr);
    if (node->parent == nullptr) return;
    CAIRN_CHECK(node->ancestor(node->height - 1) == node->parent);
    CAIRN_CHECK(node->chain_work > node->parent->chain_work);
    CAIRN_CHECK(std::int64_t{node->header.time} > node->parent->median_time_past());
    CAIRN_CHECK(last_common_ancestor(node, node->parent) == node->parent);
    CAIRN_CHECK(make_locator(node).front() == node->hash);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    static const ChainParamsPtr networks[] = {make_params(Network::regtest), make_params(Network::testnet4)};
    Reader reader(ByteSpan(data, size));
    const ChainParamsPtr& params = networks[reader.u8() % 2];
    HeaderTree tree(params->genesis->header());
    rules::DeploymentStates states(params);
    while (reader.remaining() >= 16) {
        const HeaderNode* parent = nullptr;
        const BlockHeader header = next_header(reader, tree, parent, *params);
        const BlockHash hash = header.hash();
        const auto checked = rules::check_header_context(header, hash, *parent, parent->header.time + 50'000, *params);
        if (!checked) {
            CAIRN_CHECK(!reject_reason(checked.error(), header.version).empty());
            continue;
        }
        const HeaderNode* node = tree.insert(header, hash, parent);
        check_node(node);
        CAIRN_CHECK(tree.find(hash) == node);
        (void)states.info(*node, SignalledDeployment::testdummy);
    }
    return 0;
}
