#pragma once

#include <unordered_set>

#include "consensus/rules/difficulty.hpp"
#include "net/core/chain_access.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"

namespace cairn::test {

/// `count` regtest headers with proof of work that build on `parent`, ten minutes apart. `salt` makes branches differ.
inline std::vector<BlockHeader> make_headers(const BlockHeader& parent, int count, const ChainParams& params, std::uint32_t salt = 0) {
    std::vector<BlockHeader> headers;
    BlockHeader last = parent;
    for (int i = 0; i < count; ++i) {
        BlockHeader next;
        next.version = 0x20000000;
        next.previous = last.hash();
        next.time = last.time + 600;
        next.bits = last.bits;
        std::memcpy(next.merkle_root.data(), &salt, sizeof salt);
        while (!rules::check_proof_of_work(next.hash(), next.bits, params)) ++next.nonce;
        headers.push_back(next);
        last = next;
    }
    return headers;
}

/// A chain of headers in memory; a test says which blocks are there.
class FakeChainAccess final : public net::ChainAccess {
public:
    FakeChainAccess() : tree(params->genesis->header()), tip_node(tree.genesis()), best_node(tree.genesis()) {}

    const HeaderNode* tip() const override { return tip_node; }
    const HeaderNode* best_header() const override { return best_node; }
    bool initial_block_download() const override { return ibd; }
    bool importing() const override { return false; }
    const HeaderNode* find(const BlockHash& hash) const override { return tree.find(hash); }
    bool on_active_chain(const HeaderNode* node) const override { return tip_node->ancestor(node->height) == node; }
    bool have_data(const HeaderNode* node) const override { return data.contains(node); }
    bool chain_complete(const HeaderNode* node) const override {
        for (; node->parent && !on_active_chain(node); node = node->parent)
            if (!data.contains(node)) return false;
        return true;
    }
    bool invalid(const HeaderNode* node) const override { return failed.contains(node); }
    std::size_t pending_bytes() const override { return pending; }
    const Arith256& minimum_chain_work() const override { return minimum; }
    Result<const HeaderNode*, HeaderError> accept_headers(std::span<const BlockHeader> headers) override {
        const HeaderNode* node = nullptr;
        for (const BlockHeader& header : headers) {
            const HeaderNode* parent = tree.find(header.previous);
            if (!parent) return fail(HeaderError::missing_parent);
            if (header.time <= parent->median_time_past()) return fail(HeaderError::time_too_old);
            node = tree.insert(header, header.hash(), parent);
            if (node->chain_work > best_node->chain_work) best_node = node;
        }
        return node;
    }
    /// Everything up to `node` is stored and connected.
    void connect_to(const HeaderNode* node) {
        tip_node = node;
        for (; node; node = node->parent) data.insert(node);
    }

    ChainParamsPtr params = make_params(Network::regtest);
    HeaderTree tree;
    const HeaderNode* tip_node;
    const HeaderNode* best_node;
    std::unordered_set<const HeaderNode*> data, failed;
    bool ibd = true;
    std::size_t pending = 0;
    Arith256 minimum;
};

/// A connected full node as peer.
inline net::PeerInfo make_peer(net::PeerId id, net::ConnectionType type = net::ConnectionType::outbound_full_relay) {
    net::PeerInfo peer;
    peer.id = id;
    peer.type = type;
    peer.version = peer.common_version = net::limits::kProtocolVersion;
    peer.services = net::kServiceNetwork | net::kServiceWitness | net::kServiceNetworkLimited;
    peer.ready = true;
    return peer;
}

/// What a component put into its outbox, sorted by kind.
struct Taken {
    explicit Taken(net::Outbox& out) {
        for (net::RoleAction& action : out.take()) {
            if (auto* send = std::get_if<net::SendAction>(&action)) sent.push_back(std::move(*send));
            if (auto* end = std::get_if<net::DisconnectAction>(&action)) disconnected.push_back(std::move(*end));
            if (auto* blame = std::get_if<net::MisbehavingAction>(&action)) blamed.push_back(std::move(*blame));
        }
    }
    /// The messages of one kind.
    template <class M>
    std::vector<M> all() const {
        std::vector<M> found;
        for (const auto& action : sent)
            if (const auto* message = std::get_if<M>(&action.message)) found.push_back(*message);
        return found;
    }
    std::vector<net::SendAction> sent;
    std::vector<net::DisconnectAction> disconnected;
    std::vector<net::MisbehavingAction> blamed;
};

}  // namespace cairn::test
