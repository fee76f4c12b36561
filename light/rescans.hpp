#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "light/client/ports.hpp"

namespace cairn::light {

/// The second looks at old blocks that somebody waits for: one for each wallet at most.
/// Thread: any (one mutex, held for moments; nothing else is locked meanwhile).
class Rescans {
public:
    enum class End : std::uint8_t {
        done,
        aborted,
        no_peers,  ///< nobody serves what is needed: it goes on when somebody does
        stopping,  ///< the program ends
    };
    struct Result {
        End end = End::done;
        Height last = -1;  ///< the last block that was looked at; -1: none
    };
    /// How long nothing may move without peers before a wait ends.
    static constexpr std::int64_t kPatience_s = 30;

    /// False: there is one for this wallet.
    bool begin(const std::string& name, Height from, Height to, std::int64_t now_s);
    /// It is what was added to the search with this revision.
    void set_revision(const std::string& name, std::uint64_t revision);
    /// False: there is none, or it was aborted before.
    bool abort(const std::string& name);
    /// Waits for the end, and forgets it. `view` is asked again and again, `now` for seconds.
    Result wait(const std::string& name, const std::function<std::shared_ptr<const LightView>()>& view, const std::function<std::int64_t()>& now);
    /// Ends all, until allow() is called.
    void stop();
    void allow();

    void on_search(Height next, std::uint64_t revision);
    void on_scanned(Height height);

    struct State {
        Height from = 0, to = 0;
        Height last = -1;
        std::int64_t began_s = 0;
        bool aborted = false;
        std::uint64_t revision = 0;  ///< 0: not known yet
        bool searching = false;      ///< the scan has begun at or below `from`
    };
    std::optional<State> state(const std::string& name) const;
    /// All that go on, but for this one.
    std::map<std::string, State> others(const std::string& name) const;

private:
    mutable std::mutex mutex_;
    std::condition_variable moved_;
    std::map<std::string, State> going_on_;
    bool stopping_ = false;
};

}  // namespace cairn::light
