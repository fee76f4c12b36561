#include "light/client/block_requests.hpp"

#include <algorithm>

#include "consensus/rules/block_rules.hpp"

namespace cairn::light {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

/// Null when it is not the block that its header stands for.
BlockPtr checked(Bytes raw) {
    auto block = Block::parse(std::move(raw), TrailingBytes::drop);
    return block && !rules::is_block_mutated(**block, true) ? *block : nullptr;
}

}  // namespace

void BlockRequests::add(const PeerInfo& peer) {
    if ((peer.services & kServiceNetwork) != 0 && peer.can_serve_witnesses()) peers_[peer.id].info = &peer;
}

void BlockRequests::remove(PeerId peer) {
    peers_.erase(peer);
    for (auto& [node, request] : requests_) {
        request.failed_us.erase(peer);
        request.asked_us.erase(peer);
    }
}

void BlockRequests::want(const HeaderNode* node, Done done) {
    requests_[node].done.push_back(std::move(done));
    by_hash_[node->hash] = node;
}

void BlockRequests::forget(const HeaderNode* node) {
    const auto found = requests_.find(node);
    if (found == requests_.end()) return;
    for (const auto& [id, since] : found->second.asked_us)
        if (const auto peer = peers_.find(id); peer != peers_.end()) --peer->second.in_flight;
    by_hash_.erase(node->hash);
    requests_.erase(found);
}

std::size_t BlockRequests::in_flight(PeerId peer) const {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? 0 : found->second.in_flight;
}

/// This peer owes it no more.
void BlockRequests::release(Request& request, PeerId id, std::int64_t now_us, bool failed) {
    if (request.asked_us.erase(id) == 0) return;
    const auto peer = peers_.find(id);
    if (peer == peers_.end()) return;
    --peer->second.in_flight;
    if (!failed) return;
    request.failed_us[id] = now_us;
    ++peer->second.failures;
}

bool BlockRequests::being_checked(const BlockHash& hash) const {
    return std::ranges::any_of(checks_, [&](const auto& check) { return check->hash == hash; });
}

bool BlockRequests::on_block(const PeerInfo& peer, Bytes raw, Outbox&, std::int64_t now_us) {
    Reader reader(raw);
    const BlockHash hash = BlockHeader::read(reader).hash();
    if (!reader.ok()) return false;
    if (const auto state = peers_.find(peer.id); state != peers_.end() && state->second.late.erase(hash) != 0) {
        state->second.failures = 0;
        state->second.gave = true;
    }
    const auto known = by_hash_.find(hash);
    if (known == by_hash_.end()) return false;
    if (std::ranges::any_of(checks_, [&](const auto& other) { return other->hash == hash && other->peer == peer.id; })) return true;
    Request& request = requests_.at(known->second);
    const auto check = std::make_shared<Check>();
    check->peer = peer.id;
    check->hash = hash;
    check->bytes = raw.size();
    check->owed = request.asked_us.contains(peer.id);
    release(request, peer.id, now_us, false);
    checks_.push_back(check);
    bytes_of_checks_ += check->bytes;
    if (bytes_of_checks_ > kBytesOfChecks) {
        check->block = checked(std::move(raw));
        check->done = true;
        if (on_checked) on_checked();
        return true;
    }
    jobs_.run([this, check, held = std::make_shared<Bytes>(std::move(raw)), post = post_, alive = alive_] {
        BlockPtr block = checked(std::move(*held));
        post([this, check, block = std::move(block), alive] {
            if (!*alive) return;
            check->block = block;
            check->done = true;
            if (on_checked) on_checked();
        });
    });
    return true;
}

void BlockRequests::settle(Outbox& out, std::int64_t now_us) {
    while (!checks_.empty() && checks_.front()->done) {
        const std::shared_ptr<Check> check = checks_.front();
        checks_.pop_front();
        bytes_of_checks_ -= check->bytes;
        const auto peer = peers_.find(check->peer);
        if (!check->block) {
            out.misbehaving(check->peer, "mutated block");
            if (peer == peers_.end()) continue;
            if (check->owed) ++peer->second.failures;
            if (const auto known = by_hash_.find(check->hash); known != by_hash_.end()) requests_.at(known->second).failed_us[check->peer] = now_us;
            continue;
        }
        if (check->owed && peer != peers_.end()) {
            peer->second.failures = 0;
            peer->second.gave = true;
        }
        take(check->hash, check->block, check->peer, out, now_us);
    }
}

/// Hands a good block to those who want it.
void BlockRequests::take(const BlockHash& hash, const BlockPtr& block, PeerId from, Outbox& out, std::int64_t now_us) {
    const auto known = by_hash_.find(hash);
    if (known == by_hash_.end()) return;
    const HeaderNode* node = known->second;
    Request& request = requests_.at(node);
    while (!request.asked_us.empty()) {
        const auto [id, since] = *request.asked_us.begin();
        release(request, id, now_us, false);
        if (const auto late = peers_.find(id); id != from && late != peers_.end()) late->second.late.emplace(hash, since);
    }
    const std::vector<Done> done = std::move(request.done);
    requests_.erase(node);
    by_hash_.erase(known);
    ++fetched_;
    if (on_fetched) on_fetched(node, block, out);
    for (const Done& call : done) call(block, out, now_us);
}

void BlockRequests::on_not_found(const PeerInfo& peer, const NotFoundMessage& message, std::int64_t now_us) {
    for (const InvItem& item : message.items) {
        const auto known = by_hash_.find(BlockHash(item.hash));
        if (!item.is_block() || known == by_hash_.end()) continue;
        release(requests_.at(known->second), peer.id, now_us, true);
    }
}

/// Others had to be asked for what it owes.
bool BlockRequests::doubtful(PeerId id, std::int64_t now_us) const {
    return !peers_.at(id).late.empty() || std::ranges::any_of(requests_, [&](const auto& entry) {
        const auto asked = entry.second.asked_us.find(id);
        return asked != entry.second.asked_us.end() && now_us - asked->second >= kDoubt_us;
    });
}

PeerId BlockRequests::choose(const HeaderNode* node, const Request& request, std::int64_t now_us) {
    PeerId chosen = -1, poor = -1;
    std::uint64_t fit = 0, poor_fit = 0;
    std::size_t least = kPerPeer;  // among those with the fewest requests chance decides: what waits behind others comes late
    for (const auto& [id, peer] : peers_) {
        if (request.asked_us.contains(id)) continue;
        if (!peer.info->ready || peer.info->closing || peer.in_flight + peer.late.size() >= kPerPeer || now_us < peer.paused_until_us) continue;
        if (const auto failed = request.failed_us.find(id); failed != request.failed_us.end() && now_us - failed->second < kPause_us) continue;
        const PeerChains::Entry* chain = chains_.find(id);
        if (!chain || !chain->best_known || chain->best_known->ancestor(node->height) != node) continue;
        if (doubtful(id, now_us)) {
            if (random_.below(++poor_fit) == 0) poor = id;
            continue;
        }
        if (const std::size_t busy = peer.in_flight + peer.late.size(); busy != least) {
            if (busy > least) continue;
            least = busy;
            fit = 0;
        }
        if (random_.below(++fit) == 0) chosen = id;
    }
    return chosen >= 0 ? chosen : poor;
}

void BlockRequests::give_up_on_silent(Request& request, Outbox& out, std::int64_t now_us) {
    std::vector<PeerId> silent;
    for (const auto& [id, since] : request.asked_us)
        if (now_us - since >= kPatience_us) silent.push_back(id);
    for (const PeerId id : silent) {
        release(request, id, now_us, true);
        Peer& peer = peers_.at(id);
        peer.paused_until_us = now_us + kPatience_us;
        if (peer.failures >= kFailures) out.disconnect(id, "does not give the blocks that it announced", LogLine::Kind::info);
    }
}

void BlockRequests::give_up_on_late(Outbox& out, std::int64_t now_us) {
    for (auto& [id, peer] : peers_) {
        const auto gone = std::erase_if(peer.late, [&](const auto& block) { return now_us - block.second >= kPatience_us; });
        if (gone == 0) continue;
        peer.failures += peer.gave ? static_cast<int>(gone) : kFailures;
        peer.paused_until_us = now_us + kPatience_us;
        if (peer.failures >= kFailures) out.disconnect(id, "does not give the blocks that it announced", LogLine::Kind::info);
    }
}

void BlockRequests::tick(Outbox& out, std::int64_t now_us) {
    settle(out, now_us);
    give_up_on_late(out, now_us);
    for (auto& [node, request] : requests_) {
        give_up_on_silent(request, out, now_us);
        if (being_checked(node->hash)) continue;
        const auto overdue = [&](const auto& asked) { return now_us - asked.second >= kDoubt_us; };
        if (!std::ranges::all_of(request.asked_us, overdue) || request.asked_us.size() >= kAtOnce) continue;
        const PeerId chosen = choose(node, request, now_us);
        if (chosen < 0) continue;
        request.asked_us[chosen] = now_us;
        ++peers_.at(chosen).in_flight;
        out.send(chosen, GetDataMessage{{InvItem{kInvWitnessBlock, node->hash}}});
    }
}

}  // namespace cairn::light
