#include "tests/sim/world.hpp"

#include <algorithm>
#include <utility>

#include "consensus/base/check.hpp"

namespace cairn::sim {
namespace {

constexpr std::int64_t kCutPatience = 15 * kMinute;  // a connection over a cut line is given up within this time

std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return Rng(a ^ (b * 0xff51afd7ed558ccdu)).next(); }

}  // namespace

void World::add(Host& host) {
    host.id = static_cast<HostId>(hosts_.size());
    hosts_.push_back(&host);
    by_address_[host.address.address] = host.id;
}

void World::push(std::int64_t at_us, Kind kind, std::uint32_t subject, std::uint64_t detail, std::uint8_t side) {
    queue_.push({at_us, next_order_++, detail, subject, kind, side});
}

std::int64_t World::latency(HostId a, HostId b) const {
    const std::uint64_t pair = mix(options_.seed, (std::uint64_t{std::min(a, b)} << 32) | std::max(a, b));
    const auto span = static_cast<std::uint64_t>(options_.latency_high_us - options_.latency_low_us) + 1;
    return options_.latency_low_us + static_cast<std::int64_t>(pair % span);
}

// --- connecting

void World::dial(Host& from, std::uint64_t dial, const net::Endpoint& to) {
    const auto found = by_address_.find(to.address);
    Dial made{from.id, 0, from.incarnation, dial, to, from.address.address};
    const std::uint32_t number = next_dial_++;
    if (found == by_address_.end() || apart(from.id, found->second) || hosts_[found->second]->behind_nat) {
        dials_[number] = made;
        push(now_us_ + kDialTimeout, Kind::dial_failed, number);
        return;
    }
    made.to = found->second;
    dials_[number] = made;
    push(now_us_ + latency(from.id, made.to), Kind::accept, number);
}

void World::accept(std::uint32_t number) {
    const Dial& dial = dials_.at(number);
    Host& target = *hosts_[dial.to];
    Host& from = *hosts_[dial.from];
    const std::int64_t back_us = now_us_ + latency(dial.from, dial.to);
    if (from.incarnation != dial.incarnation) {
        dials_.erase(number);
        return;
    }
    if (!target.listening()) return push(back_us, Kind::dial_failed, number);
    const auto id = static_cast<std::uint32_t>(links_.size());
    links_.push_back(std::make_unique<Link>());
    Link& link = *links_.back();
    link.host[0] = dial.from;
    link.host[1] = dial.to;
    link.latency_us = latency(dial.from, dial.to);
    link.place = open_.size();
    open_.push_back(id);
    push(back_us, Kind::dialed, number, id);
    const net::Endpoint seen{dial.source, static_cast<std::uint16_t>(20'000 + id % 40'000)};
    if (!target.on_accepted({id, 1}, seen)) close({id, 1});
}

// --- bytes

void World::write(End end, net::OutgoingBytes bytes) {
    Link* link = links_[end.link].get();
    if (!link || !link->open[end.side]) return;
    link->from[end.side].queue.push_back(std::move(bytes));
    pump(end);
}

/// Moves what the line has room for out of the sender.
void World::pump(End end) {
    std::size_t written = 0;
    {
        Link& link = *links_[end.link];
        Direction& line = link.from[end.side];
        while (!line.queue.empty() && line.outstanding < kWindow) {
            net::OutgoingBytes bytes = std::move(line.queue.front());
            line.queue.pop_front();
            const std::size_t size = bytes.size();
            line.outstanding += size;
            written += size;
            bytes_moved_ += size;
            const auto took_us = static_cast<std::int64_t>(size * kSecond / hosts_[link.host[end.side]]->bytes_per_s);
            line.free_at_us = std::max(now_us_, line.free_at_us) + took_us;
            const std::int64_t arrives_us = line.free_at_us + link.latency_us;
            line.on_the_way.push_back({arrives_us, std::move(bytes.head), std::move(bytes.body), false});
            push(arrives_us, Kind::deliver, end.link, 0, static_cast<std::uint8_t>(1 - end.side));
        }
    }
    if (written > 0) hosts_[links_[end.link]->host[end.side]]->on_written(end, written);
}

/// Offers bytes to the receiver. False: not all were taken.
bool World::hand_over(End to, ByteSpan bytes) {
    if (bytes.empty()) return true;
    Direction* line = &links_[to.link]->from[1 - to.side];
    Host& host = *hosts_[links_[to.link]->host[to.side]];
    line->resumed = false;
    const std::size_t taken = host.on_bytes(to, bytes);
    digest_ = mix(digest_ + bytes.size(), static_cast<std::uint64_t>(now_us_) ^ (std::uint64_t{to.link} << 20) ^ bytes[bytes.size() / 2]);
    if (!links_[to.link]) return true;
    line->outstanding -= taken;
    if (taken == bytes.size()) return true;
    line->held = !line->resumed;  // it may have changed its mind in that very call; the event of resume() goes on then
    line->pending.insert(line->pending.end(), bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
    return false;
}

void World::deliver(End to) {
    const auto open = [&] { return links_[to.link] && links_[to.link]->open[to.side]; };
    if (!open() || links_[to.link]->cut) return;
    Direction& line = links_[to.link]->from[1 - to.side];
    if (line.held) return;
    // What the receiver took in without looking at it is gone through now.
    if (std::exchange(line.resumed, false) && line.pending.empty()) hosts_[links_[to.link]->host[to.side]]->on_bytes(to, {});
    if (!open() || line.held) return;
    if (!line.pending.empty()) {
        const Bytes bytes = std::exchange(line.pending, {});
        if (!hand_over(to, bytes) || !open()) return;
    }
    while (open() && !line.held && !line.on_the_way.empty() && line.on_the_way.front().at_us <= now_us_) {
        const Chunk chunk = std::move(line.on_the_way.front());
        line.on_the_way.pop_front();
        if (chunk.end) {
            links_[to.link]->open[to.side] = false;
            hosts_[links_[to.link]->host[to.side]]->on_closed(to);
            forget_if_closed(to.link);
            return;
        }
        if (!hand_over(to, chunk.head)) {
            line.pending.insert(line.pending.end(), chunk.body.begin(), chunk.body.end());
            return;
        }
        if (!open() || !hand_over(to, chunk.body)) return;
    }
    if (open() && links_[to.link]->open[1 - to.side] && !line.queue.empty()) pump({to.link, static_cast<std::uint8_t>(1 - to.side)});
}

void World::resume(End end) {
    Link* link = links_[end.link].get();
    if (!link) return;
    link->from[1 - end.side].held = false;
    link->from[1 - end.side].resumed = true;
    push(now_us_, Kind::deliver, end.link, 0, end.side);
}

// --- the end of connections

void World::close(End end) {
    Link* link = links_[end.link].get();
    if (!link || !link->open[end.side]) return;
    link->open[end.side] = false;
    Direction& line = link->from[end.side];
    line.queue.clear();
    const std::int64_t arrives_us = std::max(now_us_, line.free_at_us) + link->latency_us;
    line.on_the_way.push_back({arrives_us, {}, {}, true});
    push(arrives_us, Kind::deliver, end.link, 0, static_cast<std::uint8_t>(1 - end.side));
    forget_if_closed(end.link);
}

void World::forget_if_closed(std::uint32_t id) {
    Link* link = links_[id].get();
    if (!link || link->dialing || link->open[0] || link->open[1]) return;
    open_[link->place] = open_.back();
    links_[open_.back()]->place = link->place;
    open_.pop_back();
    links_[id].reset();
}

void World::break_link(std::uint32_t id) {
    for (std::uint8_t side : {std::uint8_t{0}, std::uint8_t{1}}) {
        if (!links_[id] || !links_[id]->open[side]) continue;
        links_[id]->open[side] = false;
        hosts_[links_[id]->host[side]]->on_closed({id, side});
    }
    forget_if_closed(id);
}

bool World::break_one() {
    if (open_.empty()) return false;
    push(now_us_, Kind::broken, open_[rng_.below(open_.size())]);
    return true;
}

void World::partition(std::function<int(const Host&)> side) {
    side_ = std::move(side);
    for (const std::uint32_t id : open_) {
        if (!apart(links_[id]->host[0], links_[id]->host[1])) continue;
        links_[id]->cut = true;
        push(now_us_ + rng_.between(1, kCutPatience), Kind::broken, id);
    }
}

// --- time

void World::wake(Host& host, std::int64_t after_us) { push(now_us_ + after_us, Kind::wake, host.id, host.incarnation); }

void World::at(std::int64_t time_us, std::function<void()> task) {
    const std::uint64_t number = next_order_;
    tasks_[number] = std::move(task);
    push(std::max(time_us, now_us_), Kind::task, 0, number);
}

void World::run_until(std::int64_t time_us) {
    while (!queue_.empty() && queue_.top().at_us <= time_us) {
        const Event event = queue_.top();
        queue_.pop();
        CAIRN_CHECK(event.at_us >= now_us_);
        now_us_ = event.at_us;
        ++events_;
        handle(event);
    }
    now_us_ = time_us;
}

void World::handle(const Event& event) {
    switch (event.kind) {
        case Kind::accept: accept(event.subject); return;
        case Kind::deliver: deliver({event.subject, event.side}); return;
        case Kind::broken: break_link(event.subject); return;
        case Kind::wake:
            if (hosts_[event.subject]->incarnation == event.detail) hosts_[event.subject]->on_wake();
            return;
        case Kind::task: {
            const auto found = tasks_.find(event.detail);
            const auto task = std::move(found->second);
            tasks_.erase(found);
            task();
            return;
        }
        case Kind::dialed:
        case Kind::dial_failed: break;
    }
    const Dial dial = dials_.at(event.subject);
    dials_.erase(event.subject);
    Host& from = *hosts_[dial.from];
    const bool wanted = from.incarnation == dial.incarnation;
    if (event.kind == Kind::dial_failed) {
        if (wanted) from.on_dial_failed(dial.dial);
        return;
    }
    const auto id = static_cast<std::uint32_t>(event.detail);
    links_[id]->dialing = false;
    links_[id]->open[0] = true;
    if (!wanted) return close({id, 0});
    from.on_dialed(dial.dial, {id, 0}, dial.remote);
    if (links_[id] && !links_[id]->open[1] && links_[id]->from[1].on_the_way.empty()) return break_link(id);  // it broke meanwhile
    deliver({id, 0});
}

}  // namespace cairn::sim
