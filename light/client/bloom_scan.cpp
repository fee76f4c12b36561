#include "light/client/bloom_scan.hpp"

#include <algorithm>

#include "consensus/script/script.hpp"

namespace cairn::light {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

constexpr std::size_t kRoom = 1000;     // elements
constexpr std::size_t kInnerNode = 64;  // size of a transaction that cannot be told from an inner node

/// The elements by which a filter finds an output with this script.
std::vector<Bytes> elements_of(ByteSpan script) {
    std::vector<Bytes> elements;
    ScriptReader reader(script);
    for (Instruction instruction; reader.next(instruction);)
        if (!instruction.data.empty()) elements.push_back(to_bytes(instruction.data));
    return elements;
}

}  // namespace

bool shows_transaction(const MerkleProof::Shown& shown, const Uint256& txid, ByteSpan raw) {
    if (raw.size() == kInnerNode) return false;
    const auto tx = TransactionHolder::parse(to_bytes(raw));
    return tx && Uint256((*tx)->tx().txid) == txid && std::ranges::any_of(shown.leaves, [&](const auto& leaf) { return leaf.hash == txid; });
}

void BloomScan::add(const PeerInfo& peer) {
    if ((peer.services & kServiceBloom) != 0 && (peer.services & kServiceNetwork) != 0) peers_[peer.id].info = &peer;
}

void BloomScan::remove(PeerId peer) {
    peers_.erase(peer);
    for (auto& [height, item] : items_) item.answered.erase(peer);
}

std::size_t BloomScan::serving() const {
    return static_cast<std::size_t>(std::ranges::count_if(peers_, [](const auto& entry) { return entry.second.serving; }));
}

bool BloomScan::wants_filter() const {
    return !fresh_ && std::ranges::any_of(peers_, [](const auto& entry) { return entry.second.serving && entry.second.generation == 0; });
}

void BloomScan::load(const WatchSet& watch, const std::vector<OutPoint>& coins) {
    std::vector<Bytes> elements;
    for (const Bytes& script : watch.scripts)
        for (Bytes& element : elements_of(script)) elements.push_back(std::move(element));
    // Peers add the coins that they find: there has to be room, or soon everything matches.
    const std::size_t count = kRoom + 2 * (elements.size() + coins.size());
    filter_ = BloomFilter::sized(static_cast<std::uint32_t>(count), kFalsePositives, static_cast<std::uint32_t>(random_.u64()),
                                 static_cast<std::uint8_t>(BloomFilter::Update::all));
    for (const Bytes& element : elements) filter_->insert(element);
    for (const OutPoint& coin : coins) filter_->insert(coin);
    ++generation_;
    fresh_ = true;
    for (auto& [height, item] : items_) item.answered.clear();
}

bool BloomScan::has(const Peer& peer, const HeaderNode* node) const {
    const PeerChains::Entry* chain = chains_.find(peer.info->id);
    return chain && chain->best_known && chain->best_known->ancestor(node->height) == node;
}

/// Peers that have the block and are asked: all of them have to say that nothing in it matters.
std::size_t BloomScan::needed(const HeaderNode* node) const {
    return static_cast<std::size_t>(std::ranges::count_if(peers_, [&](const auto& entry) { return entry.second.serving && has(entry.second, node); }));
}

void BloomScan::settle(Height height, bool matched) {
    const auto item = items_.find(height);
    const HeaderNode* node = item->second.node;
    const bool done = matched || (needed(node) > 0 && item->second.answered.size() >= needed(node));
    if (!done) return;
    items_.erase(item);
    if (on_result) on_result(node, matched);
}

void BloomScan::on_merkle_block(const PeerInfo& from, const MerkleBlockMessage& message, Outbox& out, std::int64_t now_us) {
    const auto found = peers_.find(from.id);
    if (found == peers_.end()) return;
    Peer& peer = found->second;
    const BlockHash hash = message.header.hash();
    const auto asked = std::ranges::find_if(peer.asked, [&](const Asked& one) { return one.node->hash == hash; });
    if (asked == peer.asked.end()) return;
    const Asked request = *asked;
    peer.asked.erase(asked);
    peer.progress_us = now_us;

    Bytes bytes;
    Writer writer(bytes);
    writer.u32(message.transactions);
    writer.compact_size(message.hashes.size());
    for (const Uint256& one : message.hashes) writer.uint256(one);
    writer.var_bytes(message.flags);
    Reader reader(bytes);
    const MerkleProof proof = MerkleProof::read(reader);
    peer.promised = reader.ok() ? proof.show() : std::nullopt;
    if (!peer.promised || peer.promised->root != request.node->header.merkle_root) {
        peer.promised.reset();
        out.misbehaving(from.id, "a merkle proof that does not lead to its header");
        out.disconnect(from.id, "a merkle proof that does not lead to its header", LogLine::Kind::info);
        remove(from.id);
        return;
    }
    if (request.generation != generation_) return;  // by a filter that looked for less: it is asked again
    const auto item = items_.find(request.node->height);
    if (item == items_.end() || item->second.node != request.node) return;
    item->second.answered.insert(from.id);
    settle(request.node->height, !peer.promised->leaves.empty());
}

bool BloomScan::on_tx(const PeerInfo& from, const TxMessage& message, Outbox& out) {
    const auto found = peers_.find(from.id);
    if (found == peers_.end() || !found->second.promised) return false;
    const auto tx = TransactionHolder::parse(message.raw);
    if (!tx) return false;
    const Uint256 txid((*tx)->tx().txid);
    const auto& leaves = found->second.promised->leaves;
    if (std::ranges::none_of(leaves, [&](const auto& leaf) { return leaf.hash == txid; })) return false;
    if (!shows_transaction(*found->second.promised, txid, MutableTransaction((*tx)->tx()).serialize(false)))
        out.misbehaving(from.id, "a transaction that could be an inner node of the merkle tree");
    return true;
}

// --- asking

/// The first ones stay; others take their places.
void BloomScan::choose_peers(std::int64_t now_us) {
    if (first_peer_us_ == 0 && !peers_.empty()) first_peer_us_ = now_us;
    std::size_t count = serving();
    for (auto& [id, peer] : peers_) {
        if (count >= kPeers) return;
        if (peer.serving || !peer.info->ready || peer.info->closing) continue;
        peer.serving = true;
        fresh_ = false;
        peer.progress_us = now_us;
        ++count;
    }
}

void BloomScan::give_filter(Peer& peer, Outbox& out) {
    peer.generation = generation_;
    FilterLoadMessage message;
    message.filter = to_bytes(filter_->bits());
    message.hash_functions = filter_->functions();
    message.tweak = filter_->tweak();
    message.flags = filter_->flags();
    out.send(peer.info->id, std::move(message));
}

void BloomScan::ask(Peer& peer, Outbox& out, std::int64_t now_us) {
    GetDataMessage message;
    for (const auto& [height, item] : items_) {
        if (peer.asked.size() >= kAhead) break;
        if (item.answered.contains(peer.info->id) || !has(peer, item.node)) continue;
        const bool asked = std::ranges::any_of(peer.asked, [&, node = item.node](const Asked& one) { return one.node == node && one.generation == generation_; });
        if (asked) continue;
        if (peer.asked.empty()) peer.progress_us = now_us;
        peer.asked.push_back({item.node, generation_});
        message.items.push_back({kInvFilteredBlock, item.node->hash});
    }
    if (!message.items.empty()) out.send(peer.info->id, std::move(message));
}

void BloomScan::tick(Outbox& out, std::int64_t now_us) {
    choose_peers(now_us);
    if (!filter_ || (serving() < kPeers && now_us - first_peer_us_ < kGrace_us)) return;
    for (auto& [id, peer] : peers_) {
        if (!peer.serving || peer.info->closing) continue;
        if (peer.generation == 0 && !fresh_) continue;  // what was found since the last load is missing
        if (peer.generation != generation_) give_filter(peer, out);
        if (!peer.asked.empty() && now_us - peer.progress_us >= kPatience_us) {
            out.disconnect(id, "does not answer about its blocks", LogLine::Kind::info);
            peer.serving = false;
            continue;
        }
        ask(peer, out, now_us);
    }
    // Whoever is gone is not waited for.
    std::vector<Height> answered;
    for (const auto& [height, item] : items_)
        if (!item.answered.empty()) answered.push_back(height);
    for (const Height height : answered) settle(height, false);
}

}  // namespace cairn::light
