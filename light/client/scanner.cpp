#include "light/client/scanner.hpp"

#include <algorithm>

namespace cairn::light {
namespace {

ScanPlace place_of(const HeaderNode* node) { return {node->hash, node->height, node->header.time}; }

}  // namespace

Scanner::Scanner(Parts parts, std::optional<ScanProgress> progress)
    : parts_(std::move(parts)), progress_(progress), trusted_(parts_.headers.tip()->height) {
    on_watch_changed();
}

Scanner::~Scanner() { *alive_ = false; }

void Scanner::check(const storage::Stored<void>& done) const {
    if (!done && parts_.fatal) parts_.fatal(done.error());
}

/// Runs `job` on the sink's thread, and what it gives back on ours.
void Scanner::in_order(std::function<std::function<void()>()> job) {
    parts_.jobs.run_in_order([job = std::move(job), post = parts_.post, alive = alive_] {
        if (!*alive) return;
        post([then = job(), alive] {
            if (*alive && then) then();
        });
    });
}

void Scanner::on_watch_changed() {
    if (asking_) {
        ask_again_ = true;
        return;
    }
    asking_ = true;
    in_order([this, source = &parts_.source]() -> std::function<void()> {
        return [this, watch = source->watch()] {
            asking_ = false;
            take_watch(watch);
            if (std::exchange(ask_again_, false)) on_watch_changed();
        };
    });
}

Height Scanner::birthday(const Birthday& day) const {
    Height height = 1;
    if (day.height) height = *day.height;
    else if (day.time_s) height = parts_.chain.height_at(*day.time_s);
    return std::max<Height>(height, 1);  // nobody can spend what the first block pays
}

/// The first block that has to be looked at; above the tip when there is nothing to look for.
Height Scanner::first_height() const {
    return watch_->scripts.empty() ? limit()->height + 1 : birthday(watch_->birthday);
}

void Scanner::take_watch(std::shared_ptr<const WatchSet> watch) {
    const std::shared_ptr<const WatchSet> old = std::exchange(watch_, std::move(watch));
    if (old && old->revision == watch_->revision) return;
    auto made = std::make_shared<FilterWatch>();
    for (const Bytes& script : watch_->scripts) made->add(script);
    filter_watch_ = std::move(made);
    // What was matched before was matched against fewer scripts. Blocks that are here stay of use.
    for (auto& [height, slot] : slots_) {
        if (slot.match != Match::no && slot.match != Match::running) continue;
        slot.match = Match::unknown;
        if (parts_.bloom) slot.asked_store = false;
    }
    if (!begun_ || !old) return;
    ask_for_restart(old->revision);
}

/// The last block that the sink was or is being told of.
Height Scanner::handed_over() const { return std::max(scanned_ ? scanned_->height : -1, busy_ ? delivering_ : -1); }

void Scanner::ask_for_restart(std::uint64_t after_revision) {
    bool behind = false;
    for (const WatchSet::Addition& addition : watch_->additions) {
        if (addition.revision <= after_revision) continue;
        const Height since = std::max(birthday(addition.since), birthday(watch_->birthday));
        if (since > handed_over()) continue;
        behind = true;
        restart_ = restart_ ? std::min(*restart_, since) : since;
    }
    if (!behind) tell_search(handed_over() + 1);
}

void Scanner::tell_search(Height next) {
    in_order([sink = &parts_.sink, next, revision = watch_->revision]() -> std::function<void()> {
        sink->on_search(next, revision);
        return {};
    });
}

/// Where an earlier run left off, or at the birthday.
void Scanner::begin() {
    begun_ = true;
    began_ = first_height();
    const HeaderNode* known = progress_ ? parts_.chain.find(progress_->block) : nullptr;
    if (!known) return tell_search(began_);
    scanned_ = known;
    const HeaderNode* reached = parts_.chain.find(progress_->reached);
    reached_ = reached && reached->ancestor(known->height) == known ? reached : known;
    // An end came between finding out that filters were lies and going back.
    if (parts_.chain.on_active_chain(known) && known->height > trusted_ && !parts_.bloom) restart_ = owed_ = trusted_ + 1;
    ask_for_restart(progress_->revision);
}

void Scanner::forget_wanted() {
    parts_.fetch.clear();
    if (parts_.bloom) parts_.bloom->clear();
}

/// Begins again at a lower block. What the store says from now on is as if nothing from there up had been looked at.
void Scanner::restart(Height first) {
    slots_.clear();
    forget_wanted();
    began_ = first;
    scanned_ = scanned_->ancestor(std::max<Height>(first - 1, 0));
    busy_ = true;
    in_order([this, store = &parts_.store, progress = ScanProgress{scanned_->hash, reached_->hash, watch_->revision}]() -> std::function<void()> {
        check(store->put_progress(progress));
        return [this] { busy_ = false; };
    });
    tell_search(first);
}

/// Goes on where the sink was told of nothing yet.
void Scanner::finish_giving_up(std::uint64_t revision) {
    if (!begun_ || !scanned_ || !reached_) return;
    restart_.reset();
    const HeaderNode* to = owed_ && *owed_ <= reached_->height ? reached_->ancestor(std::max<Height>(*owed_ - 1, 0)) : reached_;
    if (scanned_->height < to->height) {
        scanned_ = to;
        restart(to->height + 1);
    }
    ask_for_restart(revision);
}

void Scanner::cut(Height height) {
    for (auto slot = slots_.upper_bound(height); slot != slots_.end(); slot = slots_.erase(slot))
        if (slot->second.block_wanted && !parts_.chain.on_active_chain(slot->second.node)) parts_.blocks.forget(slot->second.node);
    parts_.fetch.cut(height);
    if (parts_.bloom) parts_.bloom->cut(height);
    std::erase_if(unsaved_, [height](const LightStore::FilterRow& row) { return row.height > height; });
    // Filters that were lies: what they hid has to be looked for again. Blocks of another branch are taken back elsewhere.
    if (scanned_ && scanned_->height > height && parts_.chain.on_active_chain(scanned_))
        owed_ = restart_ = restart_ ? std::min(*restart_, height + 1) : height + 1;
}

/// Takes back blocks that were handed over and are not on the best chain any more.
void Scanner::disconnect_stale() {
    const HeaderNode* fork = last_common_ancestor(reached_, parts_.chain.tip());
    const HeaderNode* left = scanned_->height < fork->height ? scanned_ : fork;
    if (restart_ && *restart_ <= left->height) {
        // What is stored below says that the new scripts were taken care of, so it has to begin there.
        began_ = *restart_;
        tell_search(began_);
        left = left->ancestor(std::max<Height>(*restart_ - 1, 0));
        restart_.reset();
    }
    std::vector<ScanPlace> places;
    for (const HeaderNode* node = reached_; node != fork; node = node->parent) places.push_back(place_of(node));
    slots_.clear();
    forget_wanted();
    busy_ = true;
    in_order([this, sink = &parts_.sink, store = &parts_.store, places = std::move(places), fork, left, revision = watch_->revision]() -> std::function<void()> {
        for (const ScanPlace& place : places) sink->on_disconnected(place);
        check(store->put_progress({left->hash, fork->hash, revision}));
        return [this, fork, left] {
            busy_ = false;
            scanned_ = left;
            reached_ = fork;
        };
    });
}

void Scanner::fill_window() {
    const Height last = limit()->height;
    Height next = std::max(slots_.empty() ? (scanned_ ? scanned_->height + 1 : 0) : slots_.rbegin()->first + 1, slots_.empty() ? first_height() : 0);
    const std::size_t most = std::clamp(static_cast<std::size_t>(static_cast<double>(kWindowBytes) / mean_bytes_), kSmallestWindow, kLargestWindow);
    if (next > last || slots_.size() >= most) return;
    const Height end = std::min<Height>(last, next + static_cast<Height>(most - slots_.size()) - 1);
    std::vector<const HeaderNode*> nodes;
    for (const HeaderNode* node = limit()->ancestor(end); node && node->height >= next; node = node->parent) nodes.push_back(node);
    for (const HeaderNode* node : nodes) slots_[node->height].node = node;
}

/// Asks the store for filters first; those it does not have are asked of peers.
void Scanner::load_filters() {
    std::vector<const HeaderNode*> nodes;
    for (auto& [height, slot] : slots_) {
        if (slot.asked_store || slot.filter) continue;
        slot.asked_store = true;
        nodes.push_back(slot.node);
    }
    if (nodes.empty()) return;
    in_order([this, store = &parts_.store, nodes = std::move(nodes)]() -> std::function<void()> {
        std::vector<FilterBytes> found;
        for (const HeaderNode* node : nodes) {
            auto filter = store->filter(node->height, node->hash);
            if (!filter && parts_.fatal) parts_.fatal(filter.error());
            found.push_back(filter ? *filter : nullptr);
        }
        return [this, nodes, found] {
            for (std::size_t i = 0; i < nodes.size(); ++i) {
                const auto slot = slots_.find(nodes[i]->height);
                if (slot == slots_.end() || slot->second.node != nodes[i] || slot->second.filter) continue;
                if (found[i]) slot->second.filter = found[i];
                else if (nodes[i]->height <= parts_.headers.tip()->height) parts_.fetch.want(nodes[i]);
            }
        };
    });
}

void Scanner::ask_by_bloom() {
    for (auto& [height, slot] : slots_) {
        if (slot.asked_store || slot.match != Match::unknown) continue;
        slot.asked_store = true;
        slot.match = Match::running;
        parts_.bloom->want(slot.node);
    }
}

void Scanner::on_bloom_result(const HeaderNode* node, bool matches) {
    const auto slot = slots_.find(node->height);
    if (slot == slots_.end() || slot->second.node != node || slot->second.match != Match::running) return;
    slot->second.match = matches ? Match::yes : Match::no;
    matched_ += matches;
}

void Scanner::on_filter(const HeaderNode* node, FilterBytes filter) {
    mean_bytes_ = 0.99 * mean_bytes_ + 0.01 * static_cast<double>(filter->size());
    unsaved_.push_back({node->height, node->hash, filter});
    const auto slot = slots_.find(node->height);
    if (slot != slots_.end() && slot->second.node == node) slot->second.filter = std::move(filter);
}

void Scanner::match_filters() {
    std::vector<std::pair<const HeaderNode*, FilterBytes>> work;
    const auto hand_out = [&] {
        if (work.empty()) return;
        parts_.jobs.run([this, work = std::move(work), watch = filter_watch_, revision = watch_->revision, post = parts_.post, alive = alive_] {
            std::vector<std::pair<const HeaderNode*, bool>> results;
            for (const auto& [node, filter] : work) {
                const auto matches = watch->match(filter_key(node->hash), *filter);
                results.emplace_back(node, !matches || *matches);  // a filter that no one can read hides nothing
            }
            post([this, results = std::move(results), revision, alive] {
                if (*alive) on_matched(revision, results);
            });
        });
        work.clear();
    };
    for (auto& [height, slot] : slots_) {
        if (!slot.filter || slot.match != Match::unknown) continue;
        slot.match = Match::running;
        work.emplace_back(slot.node, slot.filter);
        if (work.size() == kFiltersOfJob) hand_out();
    }
    hand_out();
}

void Scanner::on_matched(std::uint64_t revision, const std::vector<std::pair<const HeaderNode*, bool>>& results) {
    if (revision != watch_->revision) return;  // those slots are matched anew
    for (const auto& [node, matches] : results) {
        const auto slot = slots_.find(node->height);
        if (slot == slots_.end() || slot->second.node != node || slot->second.match != Match::running) continue;
        slot->second.match = matches ? Match::yes : Match::no;
        matched_ += matches;
    }
}

void Scanner::want_blocks() {
    std::size_t ahead = 0;
    for (auto& [height, slot] : slots_) {
        if (slot.match != Match::yes) continue;
        if (++ahead > kBlocksAhead) return;
        if (slot.block_wanted) continue;
        slot.block_wanted = true;
        parts_.blocks.want(slot.node, [this, node = slot.node, alive = alive_](const BlockPtr& block, net::Outbox&, std::int64_t) {
            if (!*alive) return;
            const auto found = slots_.find(node->height);
            if (found != slots_.end() && found->second.node == node) found->second.block = block;
        });
    }
}

void Scanner::deliver() {
    std::vector<Item> items;
    std::size_t blocks = 0;
    const HeaderNode* last = nullptr;
    for (const auto& [height, slot] : slots_) {
        if (items.size() == kBatch || blocks == kBlocksAhead) break;
        if (slot.match != Match::no && !(slot.match == Match::yes && slot.block)) break;
        items.push_back({place_of(slot.node), slot.block});
        last = slot.node;
        blocks += slot.block != nullptr;
    }
    const bool skip = items.empty() && slots_.empty() && (!scanned_ || scanned_->height < limit()->height) &&
                      first_height() > limit()->height;
    if (skip) {  // nothing up to the tip can matter
        last = limit();
        items.push_back({place_of(last), nullptr});
    }
    if (items.empty()) return;
    busy_ = true;
    delivering_ = last->height;
    in_order([this, items = std::move(items), last, reached = reached_, watch = watch_, source = &parts_.source, sink = &parts_.sink, store = &parts_.store]() -> std::function<void()> {
        std::shared_ptr<const WatchSet> newest = watch;
        std::size_t done = 0;
        for (const Item& item : items) {
            ++done;
            if (!item.block) continue;
            sink->on_block(item.block, item.place);
            newest = source->watch();
            if (newest->revision != watch->revision) break;
        }
        sink->on_scanned(items[done - 1].place);
        // With the old revision: whether the new scripts need a rescan is not decided yet.
        const bool further = !reached || items[done - 1].place.height > reached->height;
        check(store->put_progress({items[done - 1].place.hash, further ? items[done - 1].place.hash : reached->hash, watch->revision}));
        return [this, height = items[done - 1].place.height, last, newest] {
            busy_ = false;
            delivering_ = -1;
            scanned_ = last->ancestor(height);
            if (!reached_ || scanned_->height > reached_->height) reached_ = scanned_;
            if (scanned_ == reached_) owed_.reset();
            slots_.erase(slots_.begin(), slots_.upper_bound(height));
            if (newest->revision > watch_->revision) take_watch(newest);
            else if (scanned_ != last) tell_search(height + 1);
        };
    });
}

void Scanner::tick(bool headers_done) {
    if (!watch_) return;
    if (!begun_) {
        if (!headers_done) return;
        begin();
    }
    if (!unsaved_.empty()) {
        in_order([this, store = &parts_.store, rows = std::exchange(unsaved_, {})]() -> std::function<void()> {
            check(store->put_filters(rows));
            return {};
        });
    }
    const bool stale = reached_ && !parts_.chain.on_active_chain(reached_);
    if (stale && !busy_) disconnect_stale();
    if (stale) return;
    if (!busy_ && give_up_) finish_giving_up(*std::exchange(give_up_, std::nullopt));
    if (!busy_ && restart_) {
        const Height first = *std::exchange(restart_, std::nullopt);
        if (scanned_ && first <= scanned_->height) restart(first);
    }
    fill_window();
    if (parts_.bloom) {
        ask_by_bloom();
    } else {
        load_filters();
        match_filters();
    }
    want_blocks();
    if (!busy_ && !restart_) deliver();
}

}  // namespace cairn::light
