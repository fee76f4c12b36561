#include "node/relay/tx_relay.hpp"

#include <algorithm>

#include "net/wire/limits.hpp"

namespace cairn::node {

using namespace net;  // NOLINT: this file speaks the network's language

namespace {

constexpr std::int64_t kRebroadcastMin_us = 10LL * 60 * 1'000'000;
constexpr std::int64_t kRebroadcastSpread_us = 5LL * 60 * 1'000'000;
constexpr std::int64_t kLongestTick_us = 1'000'000;       // more is a clock that was set
constexpr std::size_t kMaxExtraBytes = 100'000;           // a larger one is not kept for compact blocks
constexpr std::size_t kMaxGetData = 1'000;                // entries of one getdata

/// As operators know it from the log.
const char* decode_text(DecodeError error) {
    switch (error) {
        case DecodeError::truncated: return "DataStream::read(): end of data: iostream error";
        case DecodeError::non_canonical_size: return "non-canonical ReadCompactSize(): iostream error";
        case DecodeError::size_too_large: return "ReadCompactSize(): size too large: iostream error";
        case DecodeError::superfluous_witness: return "Superfluous witness record: iostream error";
        case DecodeError::unknown_flags: return "Unknown transaction optional data: iostream error";
        default: return to_string(error);
    }
}

TxName name_of(const InvItem& item) { return {item.hash, item.type == kInvWtx}; }

}  // namespace

/// What is logged inside goes out with the caller's lines, in order.
class TxRelay::LogScope {
public:
    LogScope(LogLines& inner, Outbox& out) : inner_(inner), out_(out) { inner_.set_debug_wanted(out.log().debug_wanted()); }
    ~LogScope() {
        for (LogLine& line : inner_.take()) out_.log().add(line.kind, std::move(line.text));
    }
    LogScope(const LogScope&) = delete;
    LogScope& operator=(const LogScope&) = delete;

private:
    LogLines& inner_;
    Outbox& out_;
};

TxRelay::TxRelay(Options options, Random random)
    : options_(options),
      random_(std::move(random)),
      named_once_({random_.u64(), random_.u64()}),
      download_(pool_, random_, log_),
      announcer_(pool_, random_, log_, options.announce),
      fee_filter_(options.fees, random_),
      minimum_fee_(options.fees.min_relay),
      rebroadcast_in_us_(kRebroadcastMin_us + static_cast<std::int64_t>(random_.below(kRebroadcastSpread_us))) {}

// --- peers

void TxRelay::on_ready(const PeerInfo& peer) {
    Peer& state = peers_[peer.id];
    const bool bloom = options_.bloom_filters || peer.has(kPermitBloomFilter);
    state.relays = !peer.block_only() && peer.type != ConnectionType::feeler && (peer.relay_wanted || bloom);
    if (state.relays) announcer_.add_peer(peer);
    const bool preferred = (!peer.inbound() || peer.has(kPermitNoBan)) && peer.type != ConnectionType::addr_fetch && peer.can_serve_blocks();
    download_.add_peer(peer.id, {preferred, peer.has(kPermitRelay), peer.wtxid_relay});
}

void TxRelay::on_gone(PeerId peer) {
    announcer_.remove_peer(peer);
    download_.remove_peer(peer);
    fee_filter_.remove_peer(peer);
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    if (found->second.judging > 0) --judging_peers_;
    peers_.erase(found);
    ++departures_;
}

bool TxRelay::rejects(const PeerInfo& peer) const {
    return peer.block_only() || peer.type == ConnectionType::feeler || (options_.blocks_only && !peer.has(kPermitRelay));
}

bool TxRelay::on_inv(const PeerInfo& peer, std::span<const InvItem> items, bool initial_block_download, Outbox& out, std::int64_t now_us) {
    const LogScope scope(log_, out);
    const bool rejected = rejects(peer);
    named_once_.begin(items);
    for (std::size_t i = 0; i < items.size(); ++i) {
        const InvItem& item = items[i];
        if (item.type == (peer.wtxid_relay ? kInvTx : kInvWtx)) continue;  // not how this peer names them (BIP339)
        if (rejected) {
            out.disconnect(peer.id, fmt::format("transaction ({}) inv sent in violation of protocol", item.hash.to_display_hex()));
            return false;
        }
        // Whoever has announced too much costs us no more than the reading: others wait meanwhile.
        if (!initial_block_download && download_.full(peer.id)) {
            log_.debug("not hearing {} announcements of peer={}: it has announced too much", items.size() - i, peer.id);
            break;
        }
        if (!named_once_.first(i)) continue;
        const TxName name = name_of(item);
        announcer_.note_known(peer.id, item.hash);
        if (initial_block_download) continue;
        const bool have = download_.on_announced(peer.id, name, now_us);
        if (log_.debug_wanted())
            log_.debug("got inv: {} {} {} peer={}", name.by_wtxid ? "wtx" : item.type == kInvWitnessTx ? "witness-tx" : "tx",
                       item.hash.to_display_hex(), have ? "have" : "new", peer.id);
    }
    return true;
}

void TxRelay::on_not_found(const PeerInfo& peer, const NotFoundMessage& message) {
    if (message.items.size() > TxDownload::kMaxAnnouncements + limits::kBlocksInFlightPerPeer) return;
    for (const InvItem& item : message.items)
        if (item.is_tx()) download_.on_not_found(peer.id, item.hash);
}

void TxRelay::on_fee_filter(const PeerInfo& peer, const FeeFilterMessage& message, Outbox& out) {
    if (message.fee_rate < 0 || message.fee_rate > kMaxMoney) return;
    announcer_.set_fee_filter(peer.id, {message.fee_rate});
    out.log().debug("received: feefilter of {}.{:08} BTC/kvB from peer={}", message.fee_rate / kCoin, message.fee_rate % kCoin, peer.id);
}

void TxRelay::on_mempool(const PeerInfo& peer, Outbox& out) {
    const bool bloom = options_.bloom_filters || peer.has(kPermitBloomFilter);
    const char* refused = peer.has(kPermitMempool) ? nullptr
                          : !bloom                 ? "mempool request with bloom filters disabled"
                          : out.upload_spent()     ? "mempool request with bandwidth limit reached"
                                                   : nullptr;
    if (!refused)
        announcer_.want_mempool(peer.id);
    else if (!peer.has(kPermitNoBan))
        out.disconnect(peer.id, refused);
}

std::size_t TxRelay::answer(const PeerInfo& peer, const InvItem& item, NotFoundMessage& missing, Outbox& out) {
    const auto state = peers_.find(peer.id);
    if (state == peers_.end() || !state->second.relays) return 0;
    const Transaction* tx = announcer_.find_for(peer.id, item);
    if (!tx) {
        missing.items.push_back(item);
        return 0;
    }
    Bytes bytes;
    if (item.type == kInvTx && tx->has_witness()) {
        Writer writer(bytes);
        tx->write_stripped(writer);
    } else {
        bytes.assign(tx->raw.begin(), tx->raw.end());
    }
    const std::size_t size = bytes.size();
    out.send(peer.id, TxMessage{std::move(bytes)});
    if (pool_.clear_own(tx->wtxid)) broadcast_.push_back(tx->txid);
    return size;
}

// --- transactions that come

void TxRelay::on_tx(const PeerInfo& peer, TxMessage&& message, bool initial_block_download, Outbox& out, std::int64_t now_us) {
    const LogScope scope(log_, out);
    if (rejects(peer)) {
        out.disconnect(peer.id, "transaction sent in violation of protocol");
        return;
    }
    if (initial_block_download || !peers_.contains(peer.id)) return;  // nothing to judge it by
    const std::size_t size = message.raw.size();
    const auto parsed = TransactionHolder::parse(std::move(message.raw));
    if (!parsed) {
        log_.debug("ProcessMessages(tx, {} bytes): Exception '{}' caught, peer={}", size, decode_text(parsed.error()), peer.id);
        return;
    }
    const TransactionPtr& tx = *parsed;
    announcer_.note_known(peer.id, peer.wtxid_relay ? Uint256(tx->tx().wtxid) : Uint256(tx->tx().txid));
    if (heard_) heard_(tx, peer.id, log_);
    auto received = download_.on_received(peer.id, tx);
    if (received.judge) {
        submit({tx, std::nullopt, peer.id, false, size});
        return;
    }
    if (peer.has(kPermitForceRelay)) force_relay(tx->tx(), peer.id, now_us);
    if (received.package) submit(std::move(*received.package), peer.id);
}

/// A gateway for hidden nodes: what they send goes on even when it is here already.
void TxRelay::force_relay(const Transaction& tx, PeerId peer, std::int64_t now_us) {
    const bool here = pool_.contains(tx.txid);
    log_.info("{} {} (wtxid={}) from {}peer={}", here ? "Force relaying tx" : "Not relaying non-mempool transaction", tx.txid.to_display_hex(),
              tx.wtxid.to_display_hex(), here ? "" : "forcerelay ", peer);
    if (here) announce(tx.wtxid, now_us);
}

void TxRelay::submit(Pending pending) {
    const std::uint64_t ticket = next_ticket_++;
    Submission submission{ticket, {}, pending.peer};
    if (pending.package)
        submission.txs = {pending.package->parent, pending.package->child};
    else
        submission.txs = {pending.tx};
    for (const TransactionPtr& tx : submission.txs) download_.begin_judging(tx);
    if (const auto found = peers_.find(pending.peer); found != peers_.end()) {
        if (found->second.judging++ == 0) ++judging_peers_;
        found->second.judging_bytes += pending.bytes;
    }
    submissions_.push_back(std::move(submission));
    pending_.emplace(ticket, std::move(pending));
}

void TxRelay::submit(PackageCandidate package, PeerId peer) {
    const std::size_t bytes = package.parent->tx().total_size() + package.child->tx().total_size();
    submit({nullptr, std::move(package), peer, false, bytes});
}

/// One at a time for each peer: what its orphans make of each other is found out in order.
void TxRelay::submit_orphan(PeerId peer) {
    const auto state = peers_.find(peer);
    if (state == peers_.end() || state->second.orphan_out) return;
    const TransactionPtr tx = download_.orphanage().take_work(peer);
    if (!tx) return;
    state->second.orphan_out = true;
    submit({tx, std::nullopt, peer, true, tx->tx().total_size()});
}

bool TxRelay::holds(PeerId peer, std::string_view command) const {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return false;
    const Peer& state = found->second;
    if (state.judging == 0 && !download_.orphanage().has_work(peer)) return false;
    if (command == "inv") return false;
    if (command != "tx") return true;
    const std::size_t peers = std::max<std::size_t>(1, judging_peers_);
    return state.judging >= std::max(kMinJudging, kMaxJudging / peers) || state.judging_bytes >= std::max(kMinJudgingBytes, kMaxJudgingBytes / peers);
}

// --- verdicts

std::optional<TxRelay::Pending> TxRelay::take_pending(std::uint64_t ticket) {
    const auto found = pending_.find(ticket);
    if (found == pending_.end()) return std::nullopt;
    Pending pending = std::move(found->second);
    pending_.erase(found);
    if (const auto state = peers_.find(pending.peer); state != peers_.end()) {
        if (--state->second.judging == 0) --judging_peers_;
        state->second.judging_bytes -= pending.bytes;
        if (pending.orphan) state->second.orphan_out = false;
    }
    return pending;
}

void TxRelay::accept(const TransactionPtr& tx, PeerId peer, const TxVerdict& verdict) {
    download_.on_accepted(tx);
    if (log_.debug_wanted())
        log_.debug("AcceptToMemoryPool: peer={}: accepted {} (wtxid={}) (poolsz {} txn)", peer, tx->tx().txid.to_display_hex(),
                   tx->tx().wtxid.to_display_hex(), pool_.size());
    if (extra_)
        for (const TransactionPtr& replaced : verdict.replaced) extra_(replaced);
}

std::optional<PackageCandidate> TxRelay::refuse(const TransactionPtr& tx, PeerId peer, const TxVerdict& verdict, bool first_time,
                                                std::int64_t now_us) {
    if (log_.debug_wanted())
        log_.debug("{} (wtxid={}) from peer={} was not accepted: {}", tx->tx().txid.to_display_hex(), tx->tx().wtxid.to_display_hex(), peer,
                   verdict.to_string());
    RefusalOutcome outcome = download_.on_refused(tx, verdict.refusal, peer, first_time, now_us);
    if (outcome.keep_for_compact_blocks && extra_ && tx->tx().total_size() < kMaxExtraBytes) extra_(tx);
    for (const Txid& parent : outcome.known_parents) announcer_.note_known(peer, parent);
    return std::move(outcome.package);
}

/// Draws the consequences of one verdict. `owner`: who waits for it.
void TxRelay::handle(const TransactionPtr& tx, PeerId peer, const TxVerdict& verdict, bool first_time, PeerId owner, std::int64_t now_us) {
    switch (verdict.kind) {
        case TxVerdict::Kind::accepted:
        case TxVerdict::Kind::known: accept(tx, peer, verdict); break;
        case TxVerdict::Kind::refused:
        case TxVerdict::Kind::different_witness:
            if (verdict.refusal == TxRefusal::unknown) break;
            if (auto package = refuse(tx, peer, verdict, first_time, now_us)) submit(std::move(*package), owner);
            break;
        case TxVerdict::Kind::inconclusive: break;
    }
    download_.end_judging(tx, now_us);
}

void TxRelay::on_verdict(std::uint64_t ticket, const TxVerdict& verdict, Outbox& out, std::int64_t now_us) {
    const LogScope scope(log_, out);
    const auto pending = take_pending(ticket);
    if (!pending || !pending->tx) return;
    const Transaction& tx = pending->tx->tx();
    if (pending->orphan) {
        if (verdict.accepted())
            log_.debug("   accepted orphan tx {} (wtxid={})", tx.txid.to_display_hex(), tx.wtxid.to_display_hex());
        else if (verdict.kind == TxVerdict::Kind::refused && verdict.refusal != TxRefusal::missing_inputs)
            log_.debug("   invalid orphan tx {} (wtxid={}) from peer={}. {}", tx.txid.to_display_hex(), tx.wtxid.to_display_hex(), pending->peer,
                       verdict.to_string());
        const bool still_missing = verdict.kind == TxVerdict::Kind::refused && verdict.refusal == TxRefusal::missing_inputs;
        if (still_missing)
            download_.end_judging(pending->tx, now_us);
        else
            handle(pending->tx, pending->peer, verdict, false, pending->peer, now_us);
        submit_orphan(pending->peer);
        return;
    }
    if (verdict.accepted())
        if (const auto state = peers_.find(pending->peer); state != peers_.end()) state->second.last_transaction_s = now_us / 1'000'000;
    handle(pending->tx, pending->peer, verdict, true, pending->peer, now_us);
}

void TxRelay::on_verdict(std::uint64_t ticket, const PackageVerdict& verdict, Outbox& out, std::int64_t now_us) {
    const LogScope scope(log_, out);
    const auto pending = take_pending(ticket);
    if (!pending || !pending->package) return;
    const PackageCandidate& package = *pending->package;
    log_.debug("package evaluation for parent {} (wtxid={}, sender={}) + child {} (wtxid={}, sender={}): {}",
               package.parent->tx().txid.to_display_hex(), package.parent->tx().wtxid.to_display_hex(), package.parent_sender,
               package.child->tx().txid.to_display_hex(), package.child->tx().wtxid.to_display_hex(), package.child_sender,
               verdict.refusal == PackageRefusal::none ? "package accepted" : "package rejected");
    if (verdict.refusal != PackageRefusal::none && verdict.refusal != PackageRefusal::internal) download_.on_package_refused(package);
    // The child first, so that it is no orphan any more when its parent comes in.
    const std::pair<const TransactionPtr&, PeerId> members[] = {{package.child, package.child_sender}, {package.parent, package.parent_sender}};
    for (const auto& [tx, sender] : members) {
        const auto found = std::find_if(verdict.transactions.begin(), verdict.transactions.end(),
                                        [&](const TxVerdict& one) { return one.wtxid == tx->tx().wtxid; });
        if (found != verdict.transactions.end())
            handle(tx, sender, *found, false, sender, now_us);
        else
            download_.end_judging(tx, now_us);
    }
}

// --- the mempool and the chain

void TxRelay::on_added(const AddedTransaction& added, Outbox& out, std::int64_t now_us) {
    const LogScope scope(log_, out);
    pool_.add(added);
    if (added.announce) announcer_.announce(added.tx->tx().wtxid, now_us);
}

void TxRelay::on_removed(const Wtxid& wtxid, std::uint64_t sequence) {
    pool_.remove(wtxid);
    pool_.note_sequence(sequence + 1);
}

void TxRelay::on_block_connected(const BlockPtr& block, Outbox& out) {
    const LogScope scope(log_, out);
    download_.on_block_connected(*block);
    pool_.set_recent_block(block);
}

void TxRelay::on_block_disconnected() { download_.on_block_disconnected(); }

// --- time

bool TxRelay::tick(Outbox& out, std::int64_t now_us) {
    const LogScope scope(log_, out);
    announcer_.tick(now_us);
    // Not by the clock, which may be set: by what passes between ticks.
    rebroadcast_in_us_ -= std::clamp<std::int64_t>(now_us - last_tick_us_, 0, kLongestTick_us);
    last_tick_us_ = now_us;
    if (rebroadcast_in_us_ > 0) return false;
    rebroadcast_in_us_ = kRebroadcastMin_us + static_cast<std::int64_t>(random_.below(kRebroadcastSpread_us));
    return true;
}

void TxRelay::pump(PeerInfo& peer, bool initial_block_download, Outbox& out, std::int64_t now_us) {
    const auto state = peers_.find(peer.id);
    if (state == peers_.end()) return;
    const LogScope scope(log_, out);
    peer.last_transaction_s = std::max(peer.last_transaction_s, state->second.last_transaction_s);
    submit_orphan(peer.id);
    announcer_.pump(peer, out, now_us);
    GetDataMessage request;
    for (const TxName& name : download_.take_requests(peer.id, now_us)) {
        // By txid with the witness, which every peer that is worth asking knows.
        const std::uint32_t type = name.by_wtxid ? kInvWtx : peer.can_serve_witnesses() ? kInvWitnessTx : kInvTx;
        request.items.push_back({type, name.hash});
        if (request.items.size() == kMaxGetData) out.send(peer.id, std::exchange(request, {}));
    }
    if (!request.items.empty()) out.send(peer.id, std::move(request));
    if (!options_.blocks_only) fee_filter_.pump(peer, minimum_fee_, initial_block_download, out, now_us);
}

void TxRelay::describe(PeerId peer, PeerSnapshot& snapshot) const {
    const TxAnnounce::PeerFacts facts = announcer_.facts(peer);
    snapshot.last_inv_sequence = facts.last_sequence;
    snapshot.inv_to_send = facts.waiting;
    snapshot.min_fee_filter = facts.fee_filter.per_kvb;
}

}  // namespace cairn::node
