#include "node/relay/peer_filters.hpp"

#include "consensus/base/check.hpp"
#include "consensus/primitives/merkle_proof.hpp"
#include "consensus/script/script.hpp"
#include "net/wire/codec.hpp"

namespace cairn::node {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

/// Peers like these hear of no transactions from us, whatever they say.
bool relays(const PeerInfo& peer) { return !peer.block_only() && peer.type != ConnectionType::feeler; }

}  // namespace

bool PeerFilters::refuses(const PeerInfo& peer, std::string_view command, Outbox& out) const {
    if (offered(peer)) return false;
    out.disconnect(peer.id, fmt::format("{} received despite not offering bloom services", command));
    return true;
}

void PeerFilters::on_load(PeerInfo& peer, const FilterLoadMessage& message, Outbox& out) {
    if (refuses(peer, message.kCommand, out)) return;
    BloomFilter filter(message.filter, message.hash_functions, message.tweak, message.flags);
    if (!filter.within_limits()) {
        out.misbehaving(peer.id, "too-large bloom filter");
        return;
    }
    if (!relays(peer)) return;
    filters_.insert_or_assign(peer.id, Loaded{std::move(filter), next_generation_++});
    peer.relay_wanted = true;
    peer.bloom_filter = true;
}

void PeerFilters::on_add(const PeerInfo& peer, const FilterAddMessage& message, Outbox& out) {
    if (refuses(peer, message.kCommand, out)) return;
    // Nothing in a transaction that can be matched is larger.
    bool bad = message.element.size() > kMaxScriptElementSize;
    if (!bad && relays(peer)) {
        const auto found = filters_.find(peer.id);
        bad = found == filters_.end();
        if (!bad) found->second.filter.insert(message.element);
    }
    if (bad) out.misbehaving(peer.id, "bad filteradd message");
}

void PeerFilters::on_clear(PeerInfo& peer, Outbox& out) {
    if (refuses(peer, FilterClearMessage::kCommand, out) || !relays(peer)) return;
    filters_.erase(peer.id);
    peer.relay_wanted = true;
    peer.bloom_filter = false;
}

bool PeerFilters::passes(PeerId peer, const Transaction& tx) {
    const auto found = filters_.find(peer);
    return found == filters_.end() || found->second.filter.match(tx);
}

std::optional<PeerFilters::Copy> PeerFilters::copy(PeerId peer) const {
    const auto found = filters_.find(peer);
    if (found == filters_.end()) return std::nullopt;
    return Copy{found->second.filter, found->second.generation};
}

void PeerFilters::merge(PeerId peer, const Copy& copy) {
    const auto found = filters_.find(peer);
    if (found != filters_.end() && found->second.generation == copy.generation) found->second.filter.merge(copy.filter);
}

std::vector<Message> PeerFilters::filter_block(const Block& block, BloomFilter& filter) {
    std::vector<Uint256> leaves;
    std::vector<bool> wanted;
    std::vector<Message> messages(1);
    for (const Transaction& tx : block.txs()) {
        leaves.push_back(tx.txid);
        wanted.push_back(filter.match(tx));
        if (!wanted.back()) continue;
        Bytes bytes;
        Writer writer(bytes);
        tx.write_stripped(writer);
        messages.emplace_back(TxMessage{std::move(bytes)});
    }
    Bytes proof;
    Writer writer(proof);
    MerkleBlock{block.header(), MerkleProof::make(leaves, wanted)}.write(writer);
    auto message = decode_message(MerkleBlockMessage::kCommand, std::move(proof));
    CAIRN_CHECK(message.has_value());
    messages.front() = std::move(*message);
    return messages;
}

}  // namespace cairn::node
