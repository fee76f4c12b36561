#include "light/rescans.hpp"

#include <chrono>

namespace cairn::light {

bool Rescans::begin(const std::string& name, Height from, Height to, std::int64_t now_s) {
    const std::lock_guard lock(mutex_);
    State state;
    state.from = from;
    state.to = to;
    state.began_s = now_s;
    return going_on_.emplace(name, state).second;
}

void Rescans::set_revision(const std::string& name, std::uint64_t revision) {
    const std::lock_guard lock(mutex_);
    const auto found = going_on_.find(name);
    if (found == going_on_.end()) return;
    found->second.revision = revision;
    found->second.searching = false;
}

bool Rescans::abort(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = going_on_.find(name);
    if (found == going_on_.end() || found->second.aborted) return false;
    found->second.aborted = true;
    moved_.notify_all();
    return true;
}

void Rescans::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    moved_.notify_all();
}

void Rescans::allow() {
    const std::lock_guard lock(mutex_);
    stopping_ = false;
}

void Rescans::on_search(Height next, std::uint64_t revision) {
    const std::lock_guard lock(mutex_);
    for (auto& [name, state] : going_on_) {
        if (state.revision != 0 && revision >= state.revision) state.searching = next <= state.from;
    }
}

void Rescans::on_scanned(Height height) {
    const std::lock_guard lock(mutex_);
    for (auto& [name, state] : going_on_) {
        if (!state.searching || height < state.from) continue;
        state.last = std::max(state.last, std::min(height, state.to));
    }
    moved_.notify_all();
}

std::optional<Rescans::State> Rescans::state(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = going_on_.find(name);
    return found == going_on_.end() ? std::nullopt : std::optional<State>(found->second);
}

std::map<std::string, Rescans::State> Rescans::others(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    auto rest = going_on_;
    rest.erase(name);
    return rest;
}

Rescans::Result Rescans::wait(const std::string& name, const std::function<std::shared_ptr<const LightView>()>& view,
                              const std::function<std::int64_t()>& now) {
    std::unique_lock lock(mutex_);
    Height moved_to = -2;
    std::int64_t moved_s = now();
    for (;;) {
        const auto found = going_on_.find(name);
        if (found == going_on_.end()) return {End::aborted, -1};
        const State& state = found->second;
        std::optional<Result> result;
        const auto chain = view();
        // Where there was nothing to look at twice, being synced with all that is watched says the same.
        const bool synced = chain && state.revision != 0 && chain->revision >= state.revision && chain->phase == Phase::synced;
        if (state.aborted) result = Result{End::aborted, state.last};
        else if (state.last >= state.to || synced) result = Result{End::done, state.to};
        else if (stopping_ || !chain) result = Result{End::stopping, state.last};
        if (state.last != moved_to || (chain && chain->filter_peers > 0)) {
            moved_to = state.last;
            moved_s = now();
        }
        if (!result && now() - moved_s >= kPatience_s) result = Result{End::no_peers, state.last};
        if (result) {
            going_on_.erase(found);
            return *result;
        }
        moved_.wait_for(lock, std::chrono::milliseconds(50));
    }
}

}  // namespace cairn::light
